//! The official exporters of other languages against a running server: what they were told is what is there.
//!
//! The clients are installed once, below the target folder, in the versions that `tests/clients` pins. One that
//! cannot be installed or started is a failure. How the clients behave without a server is not looked at.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::serving::Serving;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
/// Files that pin versions, and their text.
pub(crate) type Pinned = [(&'static str, &'static str)];
const PINNED: [(&str, &str); 3] = [
    ("requirements.txt", include_str!("../clients/requirements.txt")),
    ("package.json", include_str!("../clients/package.json")),
    ("package-lock.json", include_str!("../clients/package-lock.json")),
];

/// Runs `command` to its good end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Installs what `install` installs into the folder `name`, unless it is there in these versions.
pub(crate) fn installed(name: &str, pinned: &Pinned, install: impl FnOnce(&Path)) -> PathBuf {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name);
    let (stamp, versions) =
        (folder.join("installed"), pinned.iter().map(|(_, text)| *text).collect::<String>());
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == versions) {
        return folder;
    }
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    for (file, text) in pinned {
        std::fs::write(folder.join(file), text).unwrap();
    }
    install(&folder);
    std::fs::write(stamp, versions).unwrap();
    folder
}

/// A Python with the packages of `requirements.txt`, which is one of `pinned`; `words` are more words for pip.
pub(crate) fn python(name: &str, pinned: &Pinned, words: &[&str]) -> PathBuf {
    let folder = installed(name, pinned, |folder| {
        output(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(folder));
        let mut pip = Command::new(folder.join("venv/bin/pip"));
        let install = ["install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
        output(pip.args(install).args(words).current_dir(folder));
    });
    folder.join("venv/bin/python")
}

/// The folder with the Java libraries of `pom.xml`, which is one of `pinned`, and what they need.
pub(crate) fn java_libraries(name: &str, pinned: &Pinned) -> PathBuf {
    let folder = installed(name, pinned, |folder| {
        let words = ["--quiet", "--batch-mode", "--no-transfer-progress", "dependency:copy-dependencies"];
        output(Command::new("mvn").args(words).current_dir(folder));
    });
    folder.join("lib")
}

fn node_modules() -> PathBuf {
    let folder = installed("node", &PINNED, |folder| {
        let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        output(Command::new("npm").args(words).current_dir(folder));
    });
    folder.join("node_modules")
}

/// What a client says it sent.
#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
struct Sent {
    spans: u64,
    logs: u64,
    points: u64,
    /// Items that were refused one by one.
    rejected: u64,
    /// Requests that were refused as a whole.
    refused: u64,
}

fn send(client: &mut Command, words: &[&str], endpoint: std::net::SocketAddr) -> Sent {
    // A proxy of the environment must not stand in the way to this machine.
    client.env("NO_PROXY", "*").env("no_proxy", "*");
    let (first, rest) = words.split_at(1);
    let printed = output(client.args(first).arg(format!("http://{endpoint}")).args(rest));
    serde_json::from_str(printed.trim()).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// What the server counted.
fn counted(serving: &Serving) -> Sent {
    let stats = serving.stats();
    let number = |name: &str| stats[name].as_u64().unwrap();
    let sum = |name: &str| stats[name].as_object().unwrap().values().filter_map(|value| value.as_u64()).sum();
    let counted = Sent {
        spans: number("spans"),
        logs: number("log_records"),
        points: number("metric_points"),
        rejected: sum("rejected"),
        refused: sum("refused_requests"),
    };
    assert_eq!(number("accepted"), counted.spans + counted.logs + counted.points, "{stats}");
    assert_eq!((sum("repaired"), number("duplicates")), (0, 0), "{stats}");
    counted
}

#[test]
fn what_python_sends_over_grpc_and_http_is_what_is_there() {
    let python = python("python", &PINNED, &[]);
    for (protocol, compression) in [("grpc", "gzip"), ("grpc", "none"), ("http", "gzip"), ("http", "none")] {
        let folder = tempfile::tempdir().unwrap();
        let serving = Serving::start(folder.path(), &[]);
        let endpoint = if protocol == "grpc" { serving.grpc } else { serving.otlp };
        let mut client = Command::new(&python);
        client.arg(Path::new(SOURCES).join("send.py"));
        let sent = send(&mut client, &[protocol, compression], endpoint);
        assert!(sent.spans >= 700 && sent.logs == 70 && sent.points > 4, "{protocol}: {sent:?}");
        // Over gRPC it also sends what is rejected and what is refused.
        let wrong = u64::from(protocol == "grpc");
        assert_eq!((sent.rejected, sent.refused), (wrong, wrong), "{protocol}");
        assert_eq!(counted(&serving), sent, "{protocol} {compression}");
    }
}

#[test]
fn what_node_sends_as_json_and_protobuf_in_chunks_is_what_is_there() {
    let modules = node_modules();
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let mut spans = 0;
    for (format, compression) in
        [("json", "none"), ("json", "gzip"), ("protobuf", "none"), ("protobuf", "gzip")]
    {
        let mut client = Command::new("node");
        client.arg(Path::new(SOURCES).join("send.cjs")).env("NODE_PATH", &modules);
        let sent = send(&mut client, &[format, compression], serving.otlp);
        assert_eq!(sent, Sent { spans: 700, ..Sent::default() }, "{format}");
        spans += sent.spans;
        assert_eq!(counted(&serving), Sent { spans, ..Sent::default() }, "{format} {compression}");
    }
}
