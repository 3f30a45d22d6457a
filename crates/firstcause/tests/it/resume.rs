//! SIGKILL in every stage of an incident: started again, it is worked on to its end, and nothing is done twice.
//!
//! `firstcause serve` with an actuator, as in production; the demo's system breaks beside it. Short form: one incident,
//! four kills. Soak: `cargo xtask soak resume`, 60 kills spread over the stages. What was done is counted from the
//! actuator's own record and from the restarts of the instances. What a kill cannot show, a lost write, is the
//! business of the orchestrator's own crash tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::otlp_client::Seeded;
use crate::serving::Serving;
use crate::{BINARY, alone, print_figures, soak};

const STAGES: [&str; 7] = ["detect", "investigate", "correlate", "synthesize", "fix", "apply", "verify"];
const INVENTORY: &str = "[[target]]\nservice = \"orders\"\ninstances = [\"orders-1\", \"orders-2\"]\n\
                         [[target.fix]]\nprofile = \"slow_query\"\nset = { CUSTOMER_INDEX = \"true\" }\n";
const POLICY: &str = "[[rule]]\nspace = \"default\"\nprofile = \"slow_query\"\nmode = \"auto\"\n";
/// Seconds of healthy operation.
const HEALTHY_SECONDS: &str = "20";
const KILLS_SOAK: u64 = 60;
const INCIDENTS_MAX: u64 = 18;

/// A kill to come: when the stage has begun for the `nth` time, and so many milliseconds later.
struct Kill {
    stage: &'static str,
    nth: usize,
    after_ms: u64,
}

/// The system that breaks, with its actuator, load and deployments.
pub(crate) struct Stand {
    folder: tempfile::TempDir,
    otlp: String,
    parts: Vec<Child>,
}

impl Stand {
    pub(crate) fn start(seed: u64) -> Self {
        let otlp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        Self::breaking("slow_query", seed, otlp)
    }

    /// A system in which `fault` comes in, and whose signals go to the address `otlp`.
    pub(crate) fn breaking(fault: &str, seed: u64, otlp: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("inventory.toml"), INVENTORY).unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let mut stand = Self { folder, otlp, parts: Vec::new() };
        let seed = seed.to_string();
        let made = Command::new(BINARY)
            .args(["demo-system", "--seed", &seed, "--otlp-http", &stand.otlp, "--folder"])
            .arg(stand.path("system"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        stand.part("actuate", &["--allow-deploy", "--stop-with-stdin", "--socket", "SOCKET"]);
        stand.wait_ready();
        stand.part(
            "demo-load",
            &["--rate", "30", "--seed", &seed, "--summary", "SUMMARY", "--control", "LOAD", "--live", "LIVE"],
        );
        let plan = ["--fault", fault, "--strength", "1", "--fault-after", HEALTHY_SECONDS, "--seed", &seed];
        let files = ["--socket", "SOCKET", "--load-control", "LOAD", "--truth", "TRUTH"];
        stand.part("demo-director", &[&plan[..], &files].concat());
        stand
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a part; it ends when its standard input closes.
    fn part(&mut self, name: &str, arguments: &[&str]) {
        let mut command = Command::new(BINARY);
        command.arg(name).arg("--system").arg(self.path("system/system.json"));
        for argument in arguments {
            match *argument {
                "LIVE" | "LOAD" | "SOCKET" | "SUMMARY" | "TRUTH" => {
                    command.arg(self.path(&argument.to_lowercase()))
                }
                other => command.arg(other),
            };
        }
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.parts.push(command.spawn().unwrap());
    }

    /// The actuator and the load run; the deployments may have come to their end.
    fn check_parts(&mut self) {
        for part in &mut self.parts {
            let ended = part.try_wait().unwrap();
            assert!(ended.is_none_or(|status| status.success()), "a part of the stand failed: {ended:?}");
        }
    }

    fn status(&self) -> Option<Value> {
        let mut stream = UnixStream::connect(self.path("socket")).ok()?;
        stream.write_all(b"{\"verb\":\"status\"}\n").ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    fn wait_ready(&self) {
        let is_ready = || {
            let status = self.status()?;
            status["instances"].as_array()?.iter().all(|instance| instance["ready"] == true).then_some(())
        };
        wait("the system is ready", Duration::from_secs(60), is_ready);
    }

    pub(crate) fn serve(&self) -> Serving {
        Serving::at(self.command(), &self.path("data"), &self.otlp)
    }

    /// The same, with a policy that asks a person; what it tells goes to the file `told`.
    pub(crate) fn serve_asking(&self) -> Serving {
        std::fs::write(self.path("policy.toml"), "").unwrap();
        let told = std::fs::File::create(self.path("told")).unwrap();
        Serving::telling(self.command(), &self.path("data"), &self.otlp, told.into())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(BINARY);
        // The demo's exporters send five times a second.
        command.args(["serve", "--arrival", "1s"]).arg("--actuator").arg(self.path("socket"));
        command.arg("--inventory").arg(self.path("inventory.toml"));
        command.arg("--policy").arg(self.path("policy.toml"));
        command
    }

    /// The newest journal.
    pub(crate) fn newest(&self) -> Option<PathBuf> {
        let folder = std::fs::read_dir(self.path("data/spaces/default/incidents")).ok()?;
        let journals = folder.flatten().map(|entry| entry.path());
        journals.filter(|path| path.extension().is_some_and(|is| is == "journal")).max()
    }

    /// Its records, as far as they are whole.
    pub(crate) fn journal(&self) -> Option<(PathBuf, Vec<Value>)> {
        let newest = self.newest()?;
        let text = std::fs::read_to_string(&newest).ok()?;
        let records = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let records = records.filter_map(|line| serde_json::from_str(line).ok()).collect();
        Some((newest, records))
    }

    /// Actions that were carried out twice: keys begun twice, and instances restarted more often than they were
    /// acted upon and taken back.
    fn double_actions(&self) -> (usize, usize) {
        let text = std::fs::read_to_string(self.path("system/actions.jsonl")).unwrap_or_default();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let begun: Vec<&Value> = lines.iter().filter(|line| line["state"] == "begun").collect();
        let keys: BTreeSet<&str> = begun.iter().filter_map(|line| line["key"].as_str()).collect();
        let mut doubles = begun.len() - keys.len();
        for instance in self.status().unwrap()["instances"].as_array().unwrap() {
            let restarts = instance["restarts"].as_array().unwrap();
            let restarts = restarts.iter().filter(|restart| restart["kind"] == "restart").count();
            let undone = |key: &&&str| key.ends_with("/undo");
            let of = |line: &&&Value| line["instance"] == instance["instance"];
            let keys: BTreeSet<&str> =
                begun.iter().filter(of).filter_map(|line| line["key"].as_str()).collect();
            let taken_back = keys.iter().filter(undone).count();
            doubles += restarts.saturating_sub(1 + taken_back);
        }
        (begun.len(), doubles)
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        for part in self.parts.iter_mut().rev() {
            drop(part.stdin.take());
            let is_over = || part.try_wait().ok().flatten();
            let ended = poll(Duration::from_secs(15), Duration::from_millis(20), is_over);
            if ended.is_none() {
                part.kill().ok();
            }
        }
    }
}

fn poll<T>(limit: Duration, every: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        if let Some(seen) = look() {
            return Some(seen);
        }
        std::thread::sleep(every);
    }
    None
}

pub(crate) fn wait<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    poll(limit, Duration::from_millis(20), look).unwrap_or_else(|| panic!("waited too long: {what}"))
}

pub(crate) fn is_closed(records: &[Value]) -> bool {
    records.iter().any(|record| record["kind"] == "resolution")
}

fn last_stage(records: &[Value]) -> String {
    let stage = |record: &Value| {
        let says = matches!(record["kind"].as_str(), Some("note" | "progress"));
        record["body"]["stage"].as_str().filter(|_| says).map(str::to_owned)
    };
    records.iter().rev().find_map(stage).unwrap_or_else(|| "detect".to_owned())
}

/// The kills of one incident: five of the stages, another five each time; `few` takes four of them.
fn plan(incident: u64, seeded: &mut Seeded, is_soak: bool) -> Vec<Kill> {
    let skipped = [(2 * incident) % 7, (2 * incident + 1) % 7];
    let chosen = |place: &u64| if is_soak { !skipped.contains(place) } else { [0, 2, 5, 6].contains(place) };
    let mut kill = |place: u64| {
        let stage = STAGES[place as usize];
        let (nth, after_ms) = match stage {
            "apply" => (1 + incident as usize % 2, seeded.between(0, 1200)),
            "verify" => (1 + incident as usize % 2, seeded.between(0, 9000)),
            _ => (1, 0),
        };
        Kill { stage, nth, after_ms }
    };
    (0..7).filter(chosen).map(&mut kill).collect()
}

/// What came of one incident.
struct Outcome {
    /// The stage that each kill fell into.
    kills: Vec<String>,
    resumed: usize,
    failed: Option<String>,
    verdict: String,
    service: String,
    actions: usize,
    doubles: usize,
}

/// Lets one incident happen and kills the engine along the plan.
fn incident(seed: u64, plan: Vec<Kill>) -> Outcome {
    let mut stand = Stand::start(seed);
    let (mut serving, mut kills) = (stand.serve(), Vec::new());
    for kill in plan {
        // Some stages take a millisecond or two: the text is looked at, not parsed. A process that has not yet taken
        // the incident up is let alone.
        let begins = format!("\"kind\":\"began\",\"stage\":\"{}\"", kill.stage);
        let reached = || {
            stand.check_parts();
            let text = std::fs::read_to_string(stand.newest()?).ok()?;
            let count = |what: &str| text.matches(what).count();
            let is_closed = count("\"kind\":\"resolution\"") > 0;
            let is_due = count(&begins) >= kill.nth && count("\"kind\":\"resumed\"") >= kills.len();
            (is_closed || is_due).then_some(is_closed)
        };
        let limit = Duration::from_secs(90);
        let seen = poll(limit, Duration::from_micros(100), reached);
        if seen.unwrap_or_else(|| panic!("stage {} was not reached", kill.stage)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(kill.after_ms));
        serving.kill();
        let (_, records) = stand.journal().unwrap();
        if !is_closed(&records) {
            kills.push(last_stage(&records));
        }
        serving = stand.serve();
    }
    let closed = || stand.journal().filter(|(_, records)| is_closed(records));
    let (journal, records) = wait("the incident is closed", Duration::from_secs(150), closed);
    check_replay(&journal, stand.folder.path());
    let of =
        |kind: &str| records.iter().rev().find(|record| record["kind"] == kind).map(|record| &record["body"]);
    let resolution = of("resolution").unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let verification = resolution["verifications"].as_array().and_then(|all| all.last());
    let (actions, doubles) = stand.double_actions();
    drop(serving);
    Outcome {
        kills,
        resumed: records.iter().filter(|record| record["kind"] == "resumed").count(),
        failed: resolution["failed"].as_str().map(str::to_owned),
        verdict: verification.map_or("none".to_owned(), |record| text(&record["verdict"])),
        service: of("conclusion").map_or("none".to_owned(), |body| text(&body["root_cause"]["service"])),
        actions,
        doubles,
    }
}

/// The resumed journal verifies and runs again byte for byte.
fn check_replay(journal: &Path, folder: &Path) {
    let out = folder.join("replay");
    let output =
        Command::new(BINARY).args(["journal", "replay"]).arg(journal).arg("--out").arg(out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

// covers: AT-21
#[test]
fn killed_in_any_stage_an_incident_ends_all_the_same_and_nothing_is_done_twice() {
    let _turn = alone();
    let (is_soak, _, seed) = soak();
    let mut seeded = Seeded(seed + 77);
    let kills_wanted = if is_soak { KILLS_SOAK } else { 1 };
    let mut outcomes: Vec<Outcome> = Vec::new();
    let killed =
        |outcomes: &[Outcome]| outcomes.iter().map(|outcome| outcome.kills.len() as u64).sum::<u64>();
    while killed(&outcomes) < kills_wanted && (outcomes.len() as u64) < INCIDENTS_MAX {
        let number = outcomes.len() as u64;
        let outcome = incident(seed + number, plan(number, &mut seeded, is_soak));
        println!(
            "incident {number}: killed in {:?}, resumed {}, cause in {}, {} actions, {} twice, verdict {}, failed {:?}",
            outcome.kills,
            outcome.resumed,
            outcome.service,
            outcome.actions,
            outcome.doubles,
            outcome.verdict,
            outcome.failed
        );
        outcomes.push(outcome);
    }
    let mut by_stage: BTreeMap<&str, u64> = BTreeMap::new();
    for stage in outcomes.iter().flat_map(|outcome| &outcome.kills) {
        *by_stage.entry(stage).or_default() += 1;
    }
    let failed: Vec<&String> = outcomes.iter().filter_map(|outcome| outcome.failed.as_ref()).collect();
    let doubles: usize = outcomes.iter().map(|outcome| outcome.doubles).sum();
    if is_soak {
        let verdicts: Vec<&str> = outcomes.iter().map(|outcome| outcome.verdict.as_str()).collect();
        print_figures(&json!({
            "kills": killed(&outcomes), "kills_by_stage": by_stage, "incidents": outcomes.len(),
            "ended_as_failed": failed, "verdicts": verdicts,
            "right_service": outcomes.iter().filter(|outcome| outcome.service == "orders").count(),
            "actions": outcomes.iter().map(|outcome| outcome.actions).sum::<usize>(),
            "double_actions": doubles, "seed": seed,
        }));
    }
    assert_eq!(doubles, 0);
    for outcome in &outcomes {
        assert_eq!(outcome.resumed, outcome.kills.len(), "each kill is followed by one resumption");
        assert!(!outcome.kills.is_empty(), "it was killed");
    }
    assert!(!is_soak || killed(&outcomes) >= KILLS_SOAK, "enough kills");
}
