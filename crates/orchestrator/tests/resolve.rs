//! One incident from alert to closing record, with sources and an actuator made by hand.
//!
//! The real parts run in `firstcause`'s own tests; here the order of things, the journal and replay are held.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident::{ConclusionKind, Execution, ExecutionOutcome, Verdict};
use orchestrator::{Entry, Observer, Remedy, Resolver, Sources, replay};
use platform::clock::SimClock;
use platform::disk::Disk;
use platform::sim_disk::SimDisk;
use remediation::channels::file::FileChannel;
use remediation::channels::policy::PolicyChannel;
use remediation::executors::{ActionKey, ExecuteError, ExecuteFailure, Executor, Recalled, UndoPermit};
use remediation::{Approval, Authority, Inventory, Policy};
use telemetry::source::BoxFuture;
use telemetry::{Source, Stage, UnixNanos};
use world::{AUTO, INVENTORY, READY, World, alert, at, fixed, unmoved, worsened};

/// Restarts nothing and remembers what it was asked. It stands for `ProcessExecutor`, whose own tests speak to a
/// real socket; the demo's tests restart real processes.
struct Actuator {
    folder: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    seen: Arc<Seen>,
}

impl Actuator {
    /// Entries are shown once they are durable: what was not seen by now was not written first.
    fn check_durable(&self, kind: &str) {
        let seen = self.seen.0.lock().unwrap();
        assert_eq!(seen.last().map(Entry::kind), Some(kind), "durable before it is done");
    }
}

impl Executor for Actuator {
    fn execute<'a>(
        &'a self,
        key: &'a ActionKey,
        action: &'a incident::Action,
        approval: Approval,
        now_ns: i64,
    ) -> BoxFuture<'a, Result<(Execution, UndoPermit), ExecuteFailure>> {
        // The permit's fields are private to executors, so the real one is asked through a real socket.
        self.check_durable("intent");
        Box::pin(async move {
            let socket = self.folder.join("actuate.sock");
            let listener = tokio::net::UnixListener::bind(&socket).unwrap();
            self.asked.lock().unwrap().push(format!("restart {}", action.instance));
            let place = self.asked.lock().unwrap().len() as i64;
            let ready = at(READY + (place - 1) * 20).0;
            let answer = tokio::spawn(async move {
                use tokio::io::AsyncWriteExt;
                let status = "{\"ok\":true,\"instances\":[{\"instance\":\"orders-1\",\"variables\":{}},\
                              {\"instance\":\"orders-2\",\"variables\":{}}]}\n";
                let restarted = format!("{{\"ok\":true,\"ready_at_unix_nanos\":{ready}}}\n");
                for reply in [status.to_owned(), restarted] {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    stream.write_all(reply.as_bytes()).await.unwrap();
                }
            });
            let real = remediation::executors::process::ProcessExecutor::new(socket.clone());
            let result = real.execute(key, action, approval, now_ns).await;
            answer.await.unwrap();
            tokio::fs::remove_file(socket).await.unwrap();
            result
        })
    }

    fn recall<'a>(
        &'a self,
        _: &'a ActionKey,
        _: &'a incident::Action,
    ) -> BoxFuture<'a, Result<Recalled, ExecuteError>> {
        unreachable!("nothing is resumed here");
    }

    fn undo<'a>(
        &'a self,
        _: &'a ActionKey,
        permit: UndoPermit,
    ) -> BoxFuture<'a, Result<Execution, ExecuteError>> {
        self.check_durable("undo_intent");
        self.asked.lock().unwrap().push(format!("undo {}", permit.by_hand()));
        Box::pin(std::future::ready(Ok(Execution {
            action_digest: String::new(),
            instance: "orders-1".into(),
            outcome: ExecutionOutcome::Done { ready_at: at(READY + 20) },
            undo: BTreeMap::new(),
        })))
    }
}

#[derive(Default)]
struct Seen(Mutex<Vec<Entry>>);

impl Observer for Seen {
    fn saw(&self, _: UnixNanos, entry: &Entry) {
        self.0.lock().unwrap().push(entry.clone());
    }
}

struct Run {
    report: incident::Report,
    journal: Vec<u8>,
    asked: Vec<String>,
    entries: Vec<Entry>,
}

async fn run(worlds: Vec<World>, policy: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(SimDisk::new());
    disk.create_dir_all(&PathBuf::from("/data")).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let now: remediation::channels::Now = Arc::new(|| at(500).0);
    let patience = Duration::from_secs(1);
    let person = FileChannel::new(folder.path().to_owned(), Authority::new(), patience, Arc::clone(&now));
    let channel = PolicyChannel::new(Policy::parse(policy).unwrap(), Authority::new(), Arc::new(person), now);
    let seen = Arc::new(Seen::default());
    let executor =
        Actuator { folder: folder.path().to_owned(), asked: Arc::clone(&asked), seen: Arc::clone(&seen) };
    let resolver = Resolver {
        sources: Sources::new(worlds.into_iter().map(|world| Arc::new(world) as Arc<dyn Source>).collect()),
        // Late enough that all data are there: nothing waits.
        clock: Arc::new(SimClock::at(at(500).0)),
        disk: Arc::clone(&disk) as Arc<dyn Disk>,
        data_dir: "/data".into(),
        remedy: Some(Remedy {
            inventory: Inventory::parse(INVENTORY).unwrap(),
            approvals: Arc::new(channel),
            executor: Arc::new(executor),
        }),
    };
    let closed = resolver.resolve("inc_1", alert(), Arc::clone(&seen) as Arc<dyn Observer>).await.unwrap();
    let journal = disk.read(&closed.journal).unwrap();
    let entries = seen.0.lock().unwrap().clone();
    let asked = asked.lock().unwrap().clone();
    Run { report: closed.report, journal, asked, entries }
}

// covers: AT-01, AT-20, AT-21, AT-22
#[tokio::test]
async fn an_incident_goes_through_the_seven_stages_in_order_and_one_instance_goes_first() {
    let run = run(vec![World::new("store", fixed, false)], AUTO).await;
    let stages: Vec<Stage> = run.report.stages.iter().map(|stage| stage.stage).collect();
    assert_eq!(stages, Stage::ALL);
    assert_eq!(run.asked, ["restart orders-1", "restart orders-2"]);
    assert_eq!(run.report.verification.as_ref().unwrap().verdict, Verdict::Effective);
    let place = |kind: &str| run.entries.iter().position(|entry| entry.kind() == kind).unwrap();
    let order =
        ["alert", "question", "conclusion", "proposal", "approval", "intent", "execution", "verification"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "written before it is done");
    let resolution = run.report.resolution.as_ref().unwrap();
    assert_eq!((resolution.actions.len(), resolution.approvals.len(), resolution.was_undone), (2, 2, false));
    assert!(
        resolution.approvals[0].principal.starts_with("policy:"),
        "{}",
        resolution.approvals[0].principal
    );
}

// covers: AT-21
#[tokio::test]
async fn the_journal_runs_again_byte_for_byte() {
    let run = run(vec![World::new("store", fixed, false)], AUTO).await;
    let verified = journal::verify(&run.journal, Some(&run.report.journal_head)).unwrap();
    let replayed = replay::replay(&verified.records).unwrap();
    assert_eq!(replayed.differences, []);
    assert_eq!(replayed.bodies.len(), verified.records.len());
    assert_eq!(replayed.conclusion.as_ref(), Some(&run.report.diagnosis));
}

#[tokio::test]
async fn a_forged_derived_body_shows_as_a_difference() {
    let run = run(vec![World::new("store", fixed, false)], AUTO).await;
    let mut records = journal::verify(&run.journal, None).unwrap().records;
    let forged = records.iter_mut().find(|record| record.kind == "conclusion").unwrap();
    let body = forged.body.get().replace("slow_query", "slow_work");
    forged.body = serde_json::value::RawValue::from_string(body).unwrap();
    assert_eq!(replay::replay(&records).unwrap().differences.len(), 1);
}

#[tokio::test]
async fn an_action_that_makes_it_worse_is_taken_back_once_and_goes_no_further() {
    let run = run(vec![World::new("store", worsened, false)], AUTO).await;
    assert_eq!(run.asked, ["restart orders-1", "undo on orders-1: unset INDEX, then restart it"]);
    assert_eq!(run.report.verification.as_ref().unwrap().verdict, Verdict::Worse);
    assert!(run.report.resolution.as_ref().unwrap().was_undone);
}

#[tokio::test]
async fn an_action_that_changes_nothing_goes_no_further() {
    let run = run(vec![World::new("store", unmoved, false)], AUTO).await;
    assert_eq!(run.asked, ["restart orders-1"]);
    assert_eq!(run.report.verification.as_ref().unwrap().verdict, Verdict::NotEffective);
}

// covers: AT-27
#[tokio::test]
async fn without_a_rule_a_person_is_asked_and_silence_is_a_rejection() {
    let run = run(vec![World::new("store", fixed, false)], "").await;
    assert!(run.asked.is_empty(), "{:?}", run.asked);
    let resolution = run.report.resolution.as_ref().unwrap();
    assert!(!resolution.approvals[0].is_granted);
    assert!(
        resolution.approvals[0].comment.contains("no decision within"),
        "{}",
        resolution.approvals[0].comment
    );
}

// covers: AW-25
#[tokio::test]
async fn questions_are_asked_side_by_side_and_one_failing_source_is_a_gap() {
    let good = World::new("a", fixed, false);
    let open = Arc::clone(&good.open);
    let run = run(vec![good, World::new("b", fixed, true)], AUTO).await;
    assert!(open.lock().unwrap().1 >= 3, "at least three at once, {} seen", open.lock().unwrap().1);
    assert_eq!(run.report.conclusion, ConclusionKind::RootCause);
    assert!(run.report.diagnosis.gaps.iter().any(|gap| gap.missing.contains("connection refused")));
}
