//! The power fails at every write of the journal, and the incident is taken up again.
//!
//! The actuator is a process of its own and survives: here a task behind a real socket, with the record by key that
//! the demo's supervisor keeps on disk (its own tests hold that). Disk, clock and world are simulated.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident::{Action, Execution, Report, Verdict};
use orchestrator::resolve::{Closed, ResolveError};
use orchestrator::{Entry, Observer, Remedy, Resolver, Sources, replay};
use platform::chance::{Chance, SeededChance};
use platform::clock::SimClock;
use platform::disk::Disk;
use platform::sim_disk::SimDisk;
use remediation::channels::file::FileChannel;
use remediation::channels::policy::PolicyChannel;
use remediation::executors::process::ProcessExecutor;
use remediation::executors::{ActionKey, ExecuteError, ExecuteFailure, Executor, Recalled, UndoPermit};
use remediation::{Approval, Authority, Inventory, Policy};
use serde_json::{Value, json};
use telemetry::source::BoxFuture;
use telemetry::{Source, UnixNanos};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use world::{AUTO, INVENTORY, Level, READY, World, alert, at, fixed, worsened};

const JOURNAL: &str = "/data/spaces/default/incidents/inc_1.journal";

/// What the actuator did, by key, and how often.
#[derive(Default)]
struct Kept {
    replies: BTreeMap<String, Value>,
    /// Restarts by instance and values: what really happened.
    restarts: Vec<String>,
}

/// The actuator: survives every crash of the engine.
struct Actuator {
    _folder: tempfile::TempDir,
    socket: PathBuf,
    kept: Arc<Mutex<Kept>>,
}

impl Actuator {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("actuate.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let record = Arc::clone(&kept);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (read, mut write) = stream.into_split();
                let mut line = String::new();
                BufReader::new(read).read_line(&mut line).await.unwrap();
                let reply = answer(&serde_json::from_str(&line).unwrap(), &mut record.lock().unwrap());
                write.write_all(format!("{reply}\n").as_bytes()).await.ok();
            }
        });
        Self { _folder: folder, socket, kept }
    }

    fn restarts(&self) -> Vec<String> {
        self.kept.lock().unwrap().restarts.clone()
    }
}

fn answer(request: &Value, kept: &mut Kept) -> Value {
    let key = request["key"].as_str().unwrap_or_default().to_owned();
    match request["verb"].as_str().unwrap() {
        "status" => {
            let instance = |name: &str| json!({ "instance": name, "variables": {} });
            json!({ "ok": true, "instances": [instance("orders-1"), instance("orders-2")] })
        }
        "recall" => match kept.replies.get(&key) {
            Some(reply) => {
                let mut reply = reply.clone();
                reply["state"] = "done".into();
                reply
            }
            None => json!({ "ok": true, "state": "not_begun" }),
        },
        _ => {
            if !kept.replies.contains_key(&key) {
                let instance = request["instance"].as_str().unwrap();
                kept.restarts.push(format!("{instance} {}", request["set"]));
                let ready = at(if instance == "orders-1" { READY } else { READY + 20 }).0;
                let reply =
                    json!({ "ok": true, "ready_at_unix_nanos": ready, "previous": { "INDEX": null } });
                kept.replies.insert(key.clone(), reply);
            }
            kept.replies[&key].clone()
        }
    }
}

/// The negative control: asks under a key of its own each time, and takes an intent for nothing.
struct Forgetful(ProcessExecutor, Mutex<usize>);

impl Forgetful {
    fn key(&self) -> ActionKey {
        let mut asked = self.1.lock().unwrap();
        *asked += 1;
        ActionKey::new(&format!("{:p}", self), "", *asked)
    }
}

impl Executor for Forgetful {
    fn execute<'a>(
        &'a self,
        _: &'a ActionKey,
        action: &'a Action,
        approval: Approval,
        now_ns: i64,
    ) -> BoxFuture<'a, Result<(Execution, UndoPermit), ExecuteFailure>> {
        Box::pin(async move { self.0.execute(&self.key(), action, approval, now_ns).await })
    }

    fn undo<'a>(
        &'a self,
        _: &'a ActionKey,
        permit: UndoPermit,
    ) -> BoxFuture<'a, Result<Execution, ExecuteError>> {
        Box::pin(async move { self.0.undo(&self.key(), permit).await })
    }

    fn recall<'a>(
        &'a self,
        _: &'a ActionKey,
        _: &'a Action,
    ) -> BoxFuture<'a, Result<Recalled, ExecuteError>> {
        Box::pin(std::future::ready(Ok(Recalled::NotBegun)))
    }
}

/// Dies when it should act: the intent is durable, the request never sent.
struct Dying;

impl Executor for Dying {
    fn execute<'a>(
        &'a self,
        _: &'a ActionKey,
        _: &'a Action,
        _: Approval,
        _: i64,
    ) -> BoxFuture<'a, Result<(Execution, UndoPermit), ExecuteFailure>> {
        Box::pin(std::future::pending())
    }

    fn undo<'a>(&'a self, _: &'a ActionKey, _: UndoPermit) -> BoxFuture<'a, Result<Execution, ExecuteError>> {
        Box::pin(std::future::pending())
    }

    fn recall<'a>(
        &'a self,
        _: &'a ActionKey,
        _: &'a Action,
    ) -> BoxFuture<'a, Result<Recalled, ExecuteError>> {
        Box::pin(std::future::ready(Ok(Recalled::Unknown("the actuator was itself ended".into()))))
    }
}

/// An actuator that comes up late: of questions and of undos the first finds nobody.
struct Late(ProcessExecutor, Mutex<[bool; 2]>);

impl Late {
    fn is_up(&self, which: usize) -> Result<(), ExecuteError> {
        if std::mem::replace(&mut self.1.lock().unwrap()[which], true) {
            return Ok(());
        }
        Err(ExecuteError::Unreachable { at: "actuate.sock".into(), why: "connection refused".into() })
    }
}

impl Executor for Late {
    fn execute<'a>(
        &'a self,
        key: &'a ActionKey,
        action: &'a Action,
        approval: Approval,
        now_ns: i64,
    ) -> BoxFuture<'a, Result<(Execution, UndoPermit), ExecuteFailure>> {
        self.0.execute(key, action, approval, now_ns)
    }

    fn undo<'a>(
        &'a self,
        key: &'a ActionKey,
        permit: UndoPermit,
    ) -> BoxFuture<'a, Result<Execution, ExecuteError>> {
        Box::pin(async move {
            self.is_up(0)?;
            self.0.undo(key, permit).await
        })
    }

    fn recall<'a>(
        &'a self,
        key: &'a ActionKey,
        action: &'a Action,
    ) -> BoxFuture<'a, Result<Recalled, ExecuteError>> {
        Box::pin(async move {
            self.is_up(1)?;
            self.0.recall(key, action).await
        })
    }
}

#[derive(Default)]
struct Blind;

impl Observer for Blind {
    fn saw(&self, _: UnixNanos, _: &Entry) {}
}

/// One life of the engine.
struct Life<'a> {
    disk: &'a SimDisk,
    level: Level,
    executor: Arc<dyn Executor>,
}

impl Life<'_> {
    fn resolver(&self) -> Resolver {
        let now: remediation::channels::Now = Arc::new(|| at(500).0);
        let folder = PathBuf::from("/nonexistent");
        let person = FileChannel::new(folder, Authority::new(), Duration::ZERO, Arc::clone(&now));
        let policy = Policy::parse(AUTO).unwrap();
        let channel = PolicyChannel::new(policy, Authority::new(), Arc::new(person), now);
        let mut world = World::new("store", self.level, false);
        world.pause = Duration::ZERO;
        Resolver {
            sources: Sources::new(vec![Arc::new(world) as Arc<dyn Source>]),
            clock: Arc::new(SimClock::at(at(500).0)),
            disk: Arc::new(self.disk.clone()),
            data_dir: "/data".into(),
            remedy: Some(Remedy {
                inventory: Inventory::parse(INVENTORY).unwrap(),
                approvals: Arc::new(channel),
                executor: Arc::clone(&self.executor),
            }),
        }
    }

    async fn begin(&self) -> Result<Closed, ResolveError> {
        self.resolver().resolve("inc_1", alert(), Arc::new(Blind)).await
    }

    /// Takes up what is open; nothing when nothing is.
    async fn resume(&self) -> Option<Result<Closed, ResolveError>> {
        let resolver = self.resolver();
        let found = resolver.open_incidents().unwrap();
        assert!(found.damaged.is_empty(), "a crash is no damage: {:?}", found.damaged);
        let open = found.open.first()?;
        Some(resolver.resume(open, Arc::new(Blind)).await)
    }
}

fn disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new("/data/spaces/default/incidents")).unwrap();
    for folder in ["/", "/data", "/data/spaces", "/data/spaces/default"] {
        disk.sync_dir(Path::new(folder)).unwrap();
    }
    disk
}

/// What the sweep over all crashes came to.
#[derive(Default, Debug)]
struct Sweep {
    crashes: u64,
    resumed: u64,
    never_begun: u64,
    failed: u64,
    double_actions: usize,
}

fn check_journal(disk: &SimDisk, report: &Report) {
    let bytes = disk.read(Path::new(JOURNAL)).unwrap();
    let records = journal::verify(&bytes, Some(&report.journal_head)).unwrap().records;
    let replayed = replay::replay(&records).unwrap();
    assert_eq!(replayed.differences, [], "a resumed journal runs again byte for byte");
    assert_eq!(replayed.bodies.len(), records.len());
}

/// Fails the power after every changing call of the journal; each second time again while it is taken up.
async fn sweep(level: Level, verdict: Verdict, executor: fn(&Path) -> Arc<dyn Executor>) -> Sweep {
    let (actuator, whole) = (Actuator::start(), disk());
    let life = Life { disk: &whole, level, executor: executor(&actuator.socket) };
    let expected = life.begin().await.unwrap().report;
    let (actions, mut sweep) = (actuator.restarts(), Sweep::default());
    assert_eq!(expected.verification.as_ref().unwrap().verdict, verdict);
    for crash_after in 0..u64::MAX {
        let (actuator, disk, mut chance) = (Actuator::start(), disk(), SeededChance::new(crash_after));
        let life = || Life { disk: &disk, level, executor: executor(&actuator.socket) };
        disk.power_off_after(crash_after);
        if life().begin().await.is_ok() {
            return sweep;
        }
        disk.crash(&mut chance);
        sweep.crashes += 1;
        if crash_after % 2 == 1 {
            disk.power_off_after(chance.below(40));
            life().resume().await;
            disk.crash(&mut chance);
            sweep.crashes += 1;
        }
        let restarts = actuator.restarts();
        let repeated = restarts.len() - restarts.iter().collect::<std::collections::BTreeSet<_>>().len();
        sweep.double_actions += repeated;
        match life().resume().await {
            Some(closed) => {
                let report = closed.unwrap().report;
                let failed = report.resolution.as_ref().and_then(|resolution| resolution.failed.as_ref());
                sweep.double_actions +=
                    actuator.restarts().len().saturating_sub(actions.len().max(restarts.len()));
                if failed.is_some() {
                    sweep.failed += 1;
                    assert!(
                        actuator.restarts().is_empty(),
                        "only an alert that was never durable fails here"
                    );
                } else {
                    sweep.resumed += 1;
                    assert_eq!(report.diagnosis, expected.diagnosis, "crash after {crash_after} calls");
                    assert_eq!(report.verification, expected.verification, "crash after {crash_after} calls");
                }
                check_journal(&disk, &report);
            }
            // Closed already, or never begun.
            None if disk.read(Path::new(JOURNAL)).is_err() => sweep.never_begun += 1,
            None => sweep.resumed += 1,
        }
        assert!(life().resume().await.is_none(), "it is closed");
    }
    sweep
}

fn honest(socket: &Path) -> Arc<dyn Executor> {
    Arc::new(ProcessExecutor::new(socket.to_owned()))
}

fn forgetful(socket: &Path) -> Arc<dyn Executor> {
    Arc::new(Forgetful(ProcessExecutor::new(socket.to_owned()), Mutex::new(0)))
}

#[tokio::test]
async fn whenever_the_power_fails_the_incident_ends_as_it_would_have_and_nothing_is_done_twice() {
    let sweep = sweep(fixed, Verdict::Effective, honest).await;
    assert_eq!(sweep.double_actions, 0, "{sweep:?}");
    assert!(sweep.resumed > 60 && sweep.failed + sweep.never_begun < 10, "{sweep:?}");
}

#[tokio::test]
async fn whenever_the_power_fails_what_made_it_worse_is_taken_back_exactly_once() {
    let sweep = sweep(worsened, Verdict::Worse, honest).await;
    assert_eq!(sweep.double_actions, 0, "{sweep:?}");
    assert!(sweep.resumed > 60, "{sweep:?}");
}

/// The negative control: without keys and without asking what became of an intent, the double action is seen.
#[tokio::test]
async fn without_asking_what_became_of_an_intent_things_are_done_twice() {
    let sweep = sweep(fixed, Verdict::Effective, forgetful).await;
    assert!(sweep.double_actions > 0, "{sweep:?}");
}

/// Begins an incident whose engine dies when it should act.
async fn cut_off_at_the_intent(disk: &SimDisk) {
    let life = Life { disk, level: fixed, executor: Arc::new(Dying) };
    let begun = tokio::time::timeout(Duration::from_secs(2), life.begin()).await;
    assert!(begun.is_err(), "it hangs at the action");
    disk.crash(&mut SeededChance::new(7));
}

#[tokio::test]
async fn what_was_intended_and_never_begun_is_asked_again_and_done_once() {
    let (actuator, disk) = (Actuator::start(), disk());
    cut_off_at_the_intent(&disk).await;
    let life = Life { disk: &disk, level: fixed, executor: honest(&actuator.socket) };
    let report = life.resume().await.unwrap().unwrap().report;
    assert_eq!(actuator.restarts().len(), 2);
    let resolution = report.resolution.as_ref().unwrap();
    assert_eq!(resolution.approvals.len(), 3, "the first approval went with the process that held it");
    check_journal(&disk, &report);
}

#[tokio::test]
async fn an_actuator_that_comes_up_late_is_asked_again_also_to_take_back() {
    let (actuator, disk) = (Actuator::start(), disk());
    cut_off_at_the_intent(&disk).await;
    let late = Late(ProcessExecutor::new(actuator.socket.clone()), Mutex::default());
    let life = Life { disk: &disk, level: worsened, executor: Arc::new(late) };
    let report = life.resume().await.unwrap().unwrap().report;
    let resolution = report.resolution.as_ref().unwrap();
    assert_eq!((&resolution.failed, &resolution.not_undone), (&None, &None));
    assert!(resolution.was_undone);
    assert_eq!(actuator.restarts().len(), 2, "once there and once back");
}

#[tokio::test]
async fn without_a_remedy_what_was_acted_on_stays_open_and_no_resumption_is_used_up() {
    let (actuator, disk) = (Actuator::start(), disk());
    cut_off_at_the_intent(&disk).await;
    let before = disk.read(Path::new(JOURNAL)).unwrap();
    let life = Life { disk: &disk, level: fixed, executor: honest(&actuator.socket) };
    let without = Resolver { remedy: None, ..life.resolver() };
    let open = without.open_incidents().unwrap().open.remove(0);
    let resumed = without.resume(&open, Arc::new(Blind)).await;
    assert!(matches!(resumed, Err(ResolveError::NoRemedy)), "{resumed:?}");
    assert_eq!(disk.read(Path::new(JOURNAL)).unwrap(), before);
    let report = life.resume().await.unwrap().unwrap().report;
    assert_eq!(report.resolution.as_ref().unwrap().failed, None);
}

#[tokio::test]
async fn what_cannot_be_known_ends_as_failed_with_what_was_found_and_what_to_do() {
    let disk = disk();
    cut_off_at_the_intent(&disk).await;
    let life = Life { disk: &disk, level: fixed, executor: Arc::new(Dying) };
    let report = life.resume().await.unwrap().unwrap().report;
    let failed = report.resolution.as_ref().unwrap().failed.clone().unwrap();
    assert!(failed.contains("it is not known whether `orders-1` was restarted"), "{failed}");
    assert!(failed.contains("hint: by hand, look whether `orders-1` runs with INDEX=true"), "{failed}");
    assert!(report.root_cause.is_some(), "what was found stands");
    assert!(report.headline.contains("ended as failed"), "{}", report.headline);
    assert!(report.stages.last().unwrap().has_failed);
    check_journal(&disk, &report);
}

#[tokio::test]
async fn a_recorded_note_that_this_version_does_not_say_ends_as_failed() {
    let disk = disk();
    cut_off_at_the_intent(&disk).await;
    // Written anew with another word in a note: the chain holds, the investigation does not re-run.
    let bytes = disk.read(Path::new(JOURNAL)).unwrap();
    let records = journal::verify(&bytes, None).unwrap().records;
    disk.remove(Path::new(JOURNAL)).unwrap();
    let clock = Arc::new(SimClock::at(at(500).0));
    let mut other = journal::Journal::create(&disk, clock, Path::new(JOURNAL)).unwrap();
    for record in records {
        let mut body: Value = serde_json::from_str(record.body.get()).unwrap();
        if record.kind == "note" {
            body["text"] = "another version says it otherwise".into();
        }
        other.append(&record.kind, &body, None).unwrap();
    }
    other.commit().unwrap();
    let life = Life { disk: &disk, level: fixed, executor: Arc::new(Dying) };
    let report = life.resume().await.unwrap().unwrap().report;
    let failed = report.resolution.as_ref().unwrap().failed.clone().unwrap();
    assert!(failed.contains("does not re-run with this version"), "{failed}");
    assert!(report.root_cause.is_some(), "what was found stands");
}

#[tokio::test]
async fn a_damaged_journal_is_reported_and_not_touched() {
    let disk = disk();
    cut_off_at_the_intent(&disk).await;
    let mut bytes = disk.read(Path::new(JOURNAL)).unwrap();
    bytes[40] ^= 1;
    disk.remove(Path::new(JOURNAL)).unwrap();
    disk.open_new(Path::new(JOURNAL)).unwrap().append(&bytes).unwrap();
    let life = Life { disk: &disk, level: fixed, executor: Arc::new(Dying) };
    let found = life.resolver().open_incidents().unwrap();
    assert_eq!((found.open.len(), found.damaged.len()), (0, 1));
    assert_eq!(disk.read(Path::new(JOURNAL)).unwrap(), bytes);
}

#[tokio::test]
async fn an_incident_that_ends_its_process_again_and_again_is_given_up() {
    let disk = disk();
    cut_off_at_the_intent(&disk).await;
    for _ in 0..orchestrator::resume::RESUMES_MAX {
        disk.power_off_after(6);
        let life = Life { disk: &disk, level: fixed, executor: Arc::new(Dying) };
        assert!(life.resume().await.unwrap().is_err());
        disk.crash(&mut SeededChance::new(1));
    }
    let life = Life { disk: &disk, level: fixed, executor: Arc::new(Dying) };
    let report = life.resume().await.unwrap().unwrap().report;
    let failed = report.resolution.as_ref().unwrap().failed.clone().unwrap();
    assert!(failed.contains("ended 17 times"), "{failed}");
}
