//! A receiver in a process of its own, so that its memory, processor time and file descriptors can be seen from
//! outside, and so that what it does to them cannot hide among those of the harness.
//!
//! The process is this test binary, told by its environment to be a receiver.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ingest::{Exchange, Limits, Protocol, serve};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlp::{Intake, Request, Ticket};
use platform::{SimClock, SimDisk};
use prost::Message as _;
use serde_json::{Value as Json, json};
use store::{Config, Store};
use tokio::net::TcpListener;

use crate::rig::CLOCK;

/// Tells the test below to be a receiver, and which.
const ROLE: &str = "FIRSTCAUSE_HOSTILE_RECEIVER";
const READY: &str = "RECEIVER ";
/// Ticks of the processor clock in one second, as Linux tells it to programs.
const TICKS_PER_S: u64 = 100;

/// What stands between the listeners and the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing: the receiver as it is.
    Scanning,
    /// A library that decodes everything before anybody looks: the negative control.
    DecodingFirst,
    /// The receiver with few connections and short times.
    Hasty,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Scanning => "scanning",
            Self::DecodingFirst => "decoding-first",
            Self::Hasty => "hasty",
        }
    }

    fn limits(self) -> Limits {
        match self {
            Self::Hasty => Limits {
                header_timeout: Duration::from_secs(1),
                body_timeout: Duration::from_secs(1),
                idle_timeout: Duration::from_secs(3),
                ..Limits::default()
            },
            Self::Scanning | Self::DecodingFirst => Limits::default(),
        }
    }
}

struct DecodingFirst(Store);

impl Intake for DecodingFirst {
    fn offer(&self, request: Request) -> Ticket {
        let decoded = ExportTraceServiceRequest::decode(&request.bytes[..]);
        // Held while the store looks at the same bytes, as a receiver would hold it while it converts.
        let ticket = self.0.offer(request);
        drop(decoded);
        ticket
    }
}

/// What the system says of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) resident_kib: u64,
    pub(crate) peak_kib: u64,
    pub(crate) cpu_ms: u64,
    pub(crate) files: u64,
}

pub(crate) struct Receiver {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
}

impl Receiver {
    pub(crate) fn start(role: Role) -> Self {
        Self::start_by(role, &mut Command::new(std::env::current_exe().unwrap()))
    }

    /// One that may have so many file descriptors at most.
    pub(crate) fn start_with_files(role: Role, files_max: u64) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files_max} && exec \"$0\" \"$@\"")]);
        Self::start_by(role, command.arg(std::env::current_exe().unwrap()))
    }

    fn start_by(role: Role, command: &mut Command) -> Self {
        command.args(["receiver::", "--nocapture", "--test-threads=1"]).env(ROLE, role.name());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut output = BufReader::new(output);
        let ready = line_with(&mut output, READY);
        let mut addresses = ready.split(' ').map(|text| text.parse().unwrap());
        let (http, grpc) = (addresses.next().unwrap(), addresses.next().unwrap());
        Self { child, input, output, http, grpc }
    }

    /// The books of its store.
    pub(crate) fn stats(&mut self) -> Json {
        self.input.write_all(b"stats\n").unwrap();
        serde_json::from_str(&line_with(&mut self.output, "STATS ")).unwrap()
    }

    pub(crate) fn usage(&self) -> Usage {
        let folder = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{folder}/status")).unwrap();
        let kib = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        let stat = std::fs::read_to_string(format!("{folder}/stat")).unwrap();
        // Fields 14 and 15; the name in brackets may hold spaces.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|text| text.parse::<u64>().unwrap()).sum();
        let files = std::fs::read_dir(format!("{folder}/fd")).unwrap().count() as u64;
        Usage {
            resident_kib: kib("VmRSS:"),
            peak_kib: kib("VmHWM:"),
            cpu_ms: ticks * 1000 / TICKS_PER_S,
            files,
        }
    }

    /// Whether it ended well when its input ended.
    pub(crate) fn stop(mut self) -> bool {
        drop(self.input);
        self.child.wait().unwrap().success()
    }
}

/// What stands behind `mark` in the next line that has it; the test harness writes on the same output.
fn line_with(output: &mut impl std::io::BufRead, mark: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the receiver ended");
        if let Some(at) = line.find(mark) {
            return line[at + mark.len()..].trim_end().to_owned();
        }
    }
}

async fn be(role: Role) {
    let clock = Arc::new(SimClock::at(CLOCK));
    let store = Store::open(Config::new("data"), Arc::new(SimDisk::new()), clock).unwrap();
    let intake: Arc<dyn Intake> = match role {
        Role::DecodingFirst => Arc::new(DecodingFirst(store.clone())),
        Role::Scanning | Role::Hasty => Arc::new(store.clone()),
    };
    let exchange = Arc::new(Exchange::new(intake, role.limits()));
    let mut addresses = Vec::new();
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(listener.local_addr().unwrap().to_string());
        tokio::spawn(serve(listener, protocol, Arc::clone(&exchange), std::future::pending()));
    }
    tell(&format!("{READY}{}", addresses.join(" ")));
    let asked = move || {
        for _line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let stats = store.stats();
            let refused: &BTreeMap<String, u64> = &stats.refused;
            let rejected: u64 = stats.rejected.values().sum();
            tell(&format!(
                "STATS {}",
                json!({
                    "accepted": stats.accepted, "rejected": rejected, "refused": refused,
                    "used_bytes": stats.used_bytes, "head_bytes": stats.head_bytes,
                })
            ));
        }
    };
    tokio::task::spawn_blocking(asked).await.unwrap();
}

#[allow(clippy::print_stdout, reason = "the process that started this one reads it")]
fn tell(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// Also the door through which this binary becomes a receiver.
#[test]
fn a_receiver_in_its_own_process_tells_its_books_and_ends_with_its_input() {
    let roles = [Role::Scanning, Role::DecodingFirst, Role::Hasty];
    if let Ok(name) = std::env::var(ROLE) {
        let role = roles.into_iter().find(|role| role.name() == name).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        runtime.block_on(be(role));
        runtime.shutdown_background();
        return;
    }
    let mut receiver = Receiver::start(Role::Scanning);
    assert_eq!(receiver.stats()["accepted"], 0);
    let usage = receiver.usage();
    assert!(
        usage.resident_kib > 1_000 && usage.peak_kib >= usage.resident_kib && usage.files > 3,
        "{usage:?}"
    );
    assert!(receiver.stop());
}
