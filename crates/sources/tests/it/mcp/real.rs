//! The server of the protocol's own Python kit, as a process that never outlives the test.
//!
//! The kit is installed once, below the target folder, in the version that `tests/mcp/requirements.txt` pins; where it cannot be
//! installed, the test fails.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp");
const PINNED: &str = include_str!("../../mcp/requirements.txt");
/// Until the server takes connections.
const READY: Duration = Duration::from_secs(60);

pub(super) struct Running {
    child: Child,
    pub(super) url: String,
    told: tempfile::NamedTempFile,
}

impl Running {
    /// A server that answers in this form, and keeps sessions or none.
    pub(super) fn start(form: &str, keeping: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let told = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new(python());
        command.arg(Path::new(FOLDER).join("server.py")).args([&port.to_string(), form, keeping]);
        let out = told.reopen().unwrap();
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        let mut running =
            Self { child: command.spawn().unwrap(), url: format!("http://127.0.0.1:{port}/mcp"), told };
        let deadline = Instant::now() + READY;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = running.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "it does not serve: {}", running.told());
            std::thread::sleep(Duration::from_millis(100));
        }
        running
    }

    /// What it printed.
    pub(super) fn told(&self) -> String {
        std::fs::read_to_string(self.told.path()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A Python that has the kit.
fn python() -> PathBuf {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mcp");
    let (stamp, program) = (folder.join("installed"), folder.join("venv/bin/python"));
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == PINNED) {
        return program;
    }
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    let run = |command: &mut Command| {
        let done = command.current_dir(&folder).output().unwrap();
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run(Command::new("python3").args(["-m", "venv", "venv"]));
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&program).args(install).arg(Path::new(FOLDER).join("requirements.txt")));
    std::fs::write(stamp, PINNED).unwrap();
    program
}
