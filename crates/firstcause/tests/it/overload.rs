//! More than can be taken in, within a limit of memory: what is refused may be sent again, and nothing acknowledged is lost.
//!
//! First four senders find out how much is taken when nobody sends too much; then others send three and ten times that,
//! whatever becomes of it. All of them share the cores with the server: they give way to it (nice 19), as if they had a machine
//! of their own, and what their work still takes from it is part of the figures. Short form: seconds. Soak: `cargo xtask soak overload`, two minutes of three times and half a minute of ten times.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::clients::output;
use crate::otlp_client::{Seeded, now_unix_nanos, trace_request_of};
use crate::serving::{Serving, exchange, told};
use crate::{BINARY, alone, print_figures, soak};

/// MiB that the server may take.
const LIMIT_MIB: u64 = 256;
/// Spans of a request: what a collector sends at once.
const SPANS: usize = 500;
/// Senders that wait for each answer.
const CLOSED: u64 = 4;
/// Connections of those who do not wait for one another.
const OPEN: u64 = 160;

/// How long after an overload a request must be taken again at the latest.
const CALM: Duration = Duration::from_secs(2);

/// What became of what was sent.
#[derive(Default)]
struct Sent {
    acknowledged: AtomicU64,
    refused: AtomicU64,
    /// No answer came.
    failed: AtomicU64,
    /// Answers that a sender would not understand as "later".
    wrong: Mutex<Vec<String>>,
    traces: Mutex<Vec<String>>,
}

/// A request that is made once and sent again and again as another trace: making one costs more than taking it in.
struct Template {
    bytes: Vec<u8>,
    /// Where the trace id stands.
    places: Vec<usize>,
}

impl Template {
    fn new(seeded: &mut Seeded) -> Self {
        let request = trace_request_of(SPANS, seeded, now_unix_nanos());
        let bytes = request.bytes;
        let digits = request.trace_id.as_bytes().chunks(2);
        let digit_pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let id: Vec<u8> = digits.map(digit_pair).collect();
        let places: Vec<usize> = (0..bytes.len() - 16).filter(|at| bytes[*at..*at + 16] == *id).collect();
        assert_eq!(places.len(), SPANS);
        Self { bytes, places }
    }

    /// Gives its new trace id.
    fn renew(&mut self, seeded: &mut Seeded) -> String {
        let id = [seeded.next().to_be_bytes(), (seeded.next() | 1).to_be_bytes()].concat();
        self.places.iter().for_each(|at| self.bytes[*at..*at + 16].copy_from_slice(&id));
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Sent {
    fn one(&self, otlp: SocketAddr, template: &mut Template, seeded: &mut Seeded) {
        let trace_id = template.renew(seeded);
        let protobuf = [("content-type", "application/x-protobuf")];
        match told(otlp, "POST /v1/traces", &protobuf, &template.bytes) {
            Ok((200, _, _)) => {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                self.traces.lock().unwrap().push(trace_id);
            }
            Ok((503, head, _)) if head.to_ascii_lowercase().contains("\r\nretry-after: ") => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            Ok((status, head, _)) => self.wrong.lock().unwrap().push(format!("{status} {head}")),
            Err(_) => drop(self.failed.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn taken(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }
}

/// Sends for `time` over `senders` connections; each begins a request every `every`, or when the last one is over.
/// Gives acknowledged spans a second.
fn load(
    sent: &Sent,
    otlp: SocketAddr,
    seed: u64,
    senders: u64,
    every: Option<Duration>,
    time: Duration,
) -> f64 {
    let mut templates: Vec<Template> =
        (0..senders).map(|number| Template::new(&mut Seeded(seed * 1_000 + number))).collect();
    let (before, began) = (sent.taken(), Instant::now());
    std::thread::scope(|scope| {
        for (number, template) in (0..).zip(&mut templates) {
            scope.spawn(move || {
                let mut seeded = Seeded(seed * 1_000 + number);
                // Those who do not wait for one another do not begin together either.
                let mut next = began + every.unwrap_or_default().mul_f64(number as f64 / senders as f64);
                while began.elapsed() < time {
                    if let Some(every) = every {
                        std::thread::sleep(next.saturating_duration_since(Instant::now()));
                        next += every;
                    }
                    sent.one(otlp, template, &mut seeded);
                }
            });
        }
    });
    (sent.taken() - before) as f64 * SPANS as f64 / began.elapsed().as_secs_f64()
}

/// How long it takes until a request of one sender is taken.
fn until_taken(sent: &Sent, otlp: SocketAddr, seed: u64) -> Duration {
    let (before, over) = (sent.taken(), Instant::now());
    while sent.taken() == before && over.elapsed() < CALM {
        load(sent, otlp, seed, 1, None, Duration::from_millis(1));
    }
    over.elapsed()
}

/// Lets this thread, and the senders that it starts, run when nobody else wants to.
fn give_way() {
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    let id = thread.file_name().unwrap().to_str().unwrap().to_owned();
    output(Command::new("renice").args(["-n", "19", "-p", &id]));
}

/// A limit of memory and what it is called.
struct Limited {
    command: Command,
    how: &'static str,
    group: Option<std::path::PathBuf>,
}

/// The server, in a control group where one can be made, otherwise with a limit of its address space.
fn limited() -> Limited {
    let name = format!("firstcause-{}", std::process::id());
    let v1 = Path::new("/sys/fs/cgroup/memory").join(&name);
    let v2 = Path::new("/sys/fs/cgroup").join(&name);
    let bytes = (LIMIT_MIB << 20).to_string();
    for (group, file, how) in [(v1, "memory.limit_in_bytes", "cgroup v1"), (v2, "memory.max", "cgroup v2")] {
        let is_set = std::fs::create_dir(&group).is_ok() && std::fs::write(group.join(file), &bytes).is_ok();
        if is_set {
            let mut command = Command::new("sh");
            let script = format!("echo $$ > {}/cgroup.procs && exec \"$0\" \"$@\"", group.display());
            command.args(["-c", &script, BINARY, "serve"]);
            return Limited { command, how, group: Some(group) };
        }
        std::fs::remove_dir(&group).ok();
    }
    let mut command = Command::new("prlimit");
    // Address space is more than memory: threads and files reserve what they never touch.
    command.args([&format!("--as={}", LIMIT_MIB << 22), BINARY, "serve"]);
    Limited { command, how: "setrlimit of four times the address space", group: None }
}

/// MiB of memory at most so far.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn overload_within_a_limit_of_memory_is_refused_retryably_and_loses_nothing() {
    let _turn = alone();
    let (is_soak, _, seed) = soak();
    let [calm, three, ten] = if is_soak { [20, 120, 30] } else { [4, 4, 4] }.map(Duration::from_secs);
    let folder = tempfile::tempdir().unwrap();
    let Limited { mut command, how, group } = limited();
    command.args(["--head-mib", "64", "--budget-mib", "16"]);
    // As the unit and the container file have it: memory that each thread keeps for itself is nobody's budget.
    command.env("MALLOC_ARENA_MAX", "2");
    let mut serving = Serving::of(command, folder.path());
    give_way();
    let (sent, otlp) = (Sent::default(), serving.otlp);
    let capacity = load(&sent, otlp, seed, CLOSED, None, calm);
    let every = |times: f64| Duration::from_secs_f64(OPEN as f64 * SPANS as f64 / (capacity * times));
    let at_three = load(&sent, otlp, seed + 1, OPEN, Some(every(3.0)), three);
    let at_ten = load(&sent, otlp, seed + 2, OPEN, Some(every(10.0)), ten);
    let calm_again = until_taken(&sent, otlp, seed + 3);
    let (status, _) = exchange(serving.http, "GET /health", "text/plain", &[]).unwrap();
    let peak = peak_mib(serving.child.id());
    assert!(serving.child.try_wait().unwrap().is_none(), "the server is gone");
    let traces = sent.traces.lock().unwrap().clone();
    let step = 20;
    let lost = traces.iter().step_by(step).filter(|trace| serving.spans_of(trace) != SPANS).count();
    let stats = serving.stats();
    let stored = ["spans", "sealed", "expired"].map(|key| stats[key].as_u64().unwrap()).iter().sum::<u64>();
    serving.kill();
    group.iter().for_each(|group| drop(std::fs::remove_dir(group)));
    let (refused, failed) = (sent.refused.load(Ordering::Relaxed), sent.failed.load(Ordering::Relaxed));
    if is_soak {
        print_figures(&json!({
            "limit": how, "limit_mib": LIMIT_MIB, "peak_rss_mib": peak, "spans_a_second_without_overload": capacity.round(),
            "of_it_at_three_times": at_three / capacity, "of_it_at_ten_times": at_ten / capacity,
            "requests_acknowledged": sent.taken(), "requests_refused": refused, "requests_without_an_answer": failed,
            "answers_not_retryable": sent.wrong.lock().unwrap().len(), "traces_asked_for": traces.len().div_ceil(step),
            "traces_lost": lost, "milliseconds_until_calm": calm_again.as_millis() as u64,
        }));
    }
    assert_eq!(status, 200);
    assert_eq!(*sent.wrong.lock().unwrap(), Vec::<String>::new());
    assert_eq!(lost, 0, "of {} acknowledged requests", traces.len());
    assert!(refused > 0, "nothing was refused: it was busy but not overloaded");
    assert!(stored >= sent.taken() * SPANS as u64, "{stored} of {} stored", sent.taken());
    assert!(peak < LIMIT_MIB, "{peak} MiB");
    assert!(calm_again < CALM, "a single request was taken {calm_again:?} after the overload");
}
