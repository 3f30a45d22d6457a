//! The shop and the server that watches it, as processes that never outlive the test.
//!
//! The shop's launcher ends everything when its standard input closes, so that even a killed test leaves nothing;
//! on an ordinary end its whole process group is killed as well.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::BINARY;

/// How long the launcher may take to end its processes.
const STOP: Duration = Duration::from_secs(20);

/// A running shop; stopped when dropped.
pub(crate) struct Shop {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where it sends its telemetry.
    pub(crate) otlp: SocketAddr,
}

impl Shop {
    /// Starts it with load; returns when everything serves.
    pub(crate) fn start() -> Self {
        // Exporters keep one address while servers come and go, so the port is chosen here.
        let otlp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut command = Command::new("python3");
        command.arg(root.join("systems/shop-python/run.py"));
        command.args(["--otlp", &format!("http://{otlp}")]);
        command.arg("--cache").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("shop"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("python3 starts; hint: `cargo xtask test --only needs`");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut shop = Self { child, orders, answers, otlp };
        shop.await_done("start");
        shop
    }

    /// Gives an order and waits until it was carried out.
    pub(crate) fn command(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        self.await_done(order);
    }

    fn await_done(&mut self, order: &str) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), format!("done {order}"), "the launcher says more on standard error");
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.orders.take());
        let deadline = Instant::now() + STOP;
        while self.child.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        // The group is that of the launcher; what it left of itself goes with it.
        Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.child.id())])
            .stderr(Stdio::null())
            .status()
            .ok();
        self.child.wait().ok();
    }
}

/// A server on the port that the shop sends to; killed when dropped.
pub(super) struct Server {
    child: Child,
    said: std::path::PathBuf,
    /// Kept open: it writes more than the line that is read.
    stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(super) fn start(data_dir: &Path, otlp: SocketAddr) -> Self {
        let said = data_dir.with_extension("stderr");
        let mut command = Command::new(BINARY);
        let any = "127.0.0.1:0";
        command.args(["serve", "--arrival", "3s", "--http", any, "--otlp-grpc", any]);
        command.args(["--otlp-http", &otlp.to_string()]);
        command.arg("--data-dir").arg(data_dir);
        command.stdout(Stdio::piped()).stderr(std::fs::File::create(&said).unwrap());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, said, stdout };
        server.stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with("otlp/http"), "the server did not start: {}", server.said());
        server
    }

    /// What it wrote on standard error so far.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
