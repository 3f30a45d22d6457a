//! A cause from what things are, where nothing that passes through them tells one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;

use incident::alert::{AlertSignal, Measured, Symptom};
use incident::{Alert, Conclusion, ConclusionKind, Fault, HypothesisStatus};
use investigation::{Diagnosis, Settings};
use telemetry::answer::state::metric;
use telemetry::answer::{
    Answer, LogTemplateRow, SeriesFigures, SeriesKind, SeriesRow, StateKind, StateRow, Table,
};
use telemetry::number::Num;
use telemetry::{Answered, Ask, AskError, Inquiry, Next, Question, SourceName, Space, UnixNanos, Window};

mod switched;

/// The alert fires here; its history is an hour.
const END: i64 = 7200;

fn at(second: i64) -> UnixNanos {
    UnixNanos(0).plus_seconds(second)
}

/// A series by the second at which it is asked for.
type Values = fn(i64) -> f64;

#[derive(Clone)]
struct World {
    states: Vec<StateRow>,
    series: Vec<(&'static str, &'static str, Values)>,
    lines: Vec<LogTemplateRow>,
    knows_state: bool,
}

impl World {
    fn answer(&self, question: &Question) -> Result<Answer, AskError> {
        Ok(Answer::exact(match &question.ask {
            Ask::Onset { .. } => Table::Onset(Vec::new()),
            Ask::State { .. } if self.knows_state => Table::State(self.states.clone()),
            Ask::SeriesChange { bad, .. } => Table::SeriesChange(self.rows(*bad)),
            Ask::LogTemplates { .. } => Table::LogTemplates(self.lines.clone()),
            other => return Err(AskError::Unsupported(other.name().to_owned())),
        }))
    }

    fn rows(&self, window: Window) -> Vec<SeriesRow> {
        let row = |(service, metric, value): &(&str, &str, Values)| {
            let value = Num::new(value(window.from.since(at(0)) / 1_000_000_000));
            SeriesRow {
                service: (*service).to_owned(),
                instance: String::new(),
                version: String::new(),
                metric: (*metric).to_owned(),
                unit: String::new(),
                attributes: Vec::new(),
                kind: SeriesKind::Gauge,
                good: SeriesFigures::default(),
                bad: SeriesFigures { n: 2, mean: value, min: value, max: value },
            }
        };
        self.series.iter().map(row).collect()
    }

    fn diagnose(&self, service: &str) -> (Conclusion, Vec<&'static str>) {
        self.diagnose_with(service, Settings::default())
    }

    fn diagnose_with(&self, service: &str, settings: Settings) -> (Conclusion, Vec<&'static str>) {
        let mut diagnosis = Diagnosis::with(alert(service), settings);
        let (mut answers, mut asked) = (Vec::new(), Vec::new());
        loop {
            match diagnosis.step(&answers).next {
                Next::Done(conclusion) => {
                    check_citations(&conclusion);
                    return (conclusion, asked);
                }
                Next::Ask(questions) => {
                    asked.extend(questions.iter().map(|question| question.ask.name()));
                    let answered = |question: &Question| Answered {
                        question: question.id.clone(),
                        source: SourceName("s".into()),
                        result: self.answer(question),
                    };
                    answers = questions.iter().map(answered).collect();
                }
            }
        }
    }
}

/// Every claim cites facts that are there.
fn check_citations(conclusion: &Conclusion) {
    let known: BTreeSet<_> = conclusion.evidence.iter().map(|fact| &fact.id).collect();
    let causes = conclusion.root_cause.iter().chain(&conclusion.further_causes);
    let cited = causes
        .flat_map(|cause| &cause.evidence)
        .chain(conclusion.ruled_out.iter().flat_map(|one| &one.evidence))
        .chain(conclusion.hypotheses.iter().flat_map(|one| &one.evidence));
    assert!(cited.into_iter().all(|id| known.contains(id)));
    assert!(conclusion.root_cause.iter().all(|cause| !cause.evidence.is_empty()));
    assert!(conclusion.ruled_out.iter().all(|one| !one.evidence.is_empty()));
}

fn alert(service: &str) -> Alert {
    let nothing = Measured { count: 0, seconds: 0, value: Num::default() };
    Alert {
        space: Space::default(),
        origin: "test".into(),
        at: at(END),
        history_from: at(END - 3600),
        dedupe_key: "k".into(),
        symptoms: vec![Symptom {
            service: service.into(),
            operation: String::new(),
            signal: AlertSignal::Errors,
            baseline: nothing.clone(),
            observed: nothing,
            baseline_window: Window::new(at(END - 3600), at(END - 180)),
            observed_window: Window::new(at(END - 180), at(END)),
            q_value: Num::default(),
        }],
    }
}

fn row(kind: StateKind, service: &str, name: &str, status: &str) -> StateRow {
    StateRow {
        at: at(END),
        since: None,
        kind,
        service: service.into(),
        name: name.into(),
        status: status.into(),
        text: String::new(),
        figures: Vec::new(),
        attributes: Vec::new(),
    }
}

fn wait(class: &str, load: f64) -> StateRow {
    let mut wait = row(StateKind::Wait, "d", class, "");
    wait.figures = vec![("load".into(), Num::new(load))];
    wait.attributes = vec![("class".into(), class.into())];
    wait
}

fn event(text: &str, seconds_before: i64) -> StateRow {
    let mut event = row(StateKind::Event, "d", "d", "notification");
    event.text = text.into();
    event.at = at(END - seconds_before);
    event.since = Some(event.at);
    event
}

/// A database whose volume is full, whose writes wait for each other, and that was backed up meanwhile.
fn full() -> World {
    World {
        states: vec![
            row(StateKind::Database, "d", "d", ""),
            wait("lock", 9.0),
            wait("io", 1.0),
            event("the instance ran out of storage space", 300),
            event("Automated backup started.", 400),
        ],
        series: vec![
            ("d", metric::LOAD, |_| 10.0),
            ("d", metric::CPU, |_| 0.1),
            ("d", metric::STORAGE_FREE, |second| if second < END - 600 { 1e11 } else { 1e7 }),
        ],
        lines: Vec::new(),
        knows_state: true,
    }
}

#[test]
fn the_cause_is_named_and_its_effect_and_what_coincides_are_ruled_out_by_name() {
    let (conclusion, _) = full().diagnose("d");
    let cause = conclusion.root_cause.as_ref().unwrap();
    assert_eq!((cause.service.as_str(), cause.fault), ("d", Fault::StorageFull));
    assert!(conclusion.further_causes.is_empty(), "the locks are an effect");
    let rules: Vec<&str> = conclusion.ruled_out.iter().map(|one| one.rule.as_str()).collect();
    assert_eq!(rules, ["effect_of", "change_coincides"]);
    assert!(conclusion.statement.contains("sustained by"), "{}", conclusion.statement);
    assert!(conclusion.onset.is_some());
}

#[test]
fn two_troubles_that_do_not_explain_each_other_are_two_causes() {
    let mut world = full();
    world.states.push(event("A failover has been initiated.", 1000));
    world.states.retain(|row| !row.text.contains("storage"));
    world.series.retain(|(_, metric, _)| *metric != metric::STORAGE_FREE);
    world.series.push(("d", metric::WRITES, |_| 100.0));
    let (conclusion, _) = world.diagnose("d");
    let causes = conclusion.root_cause.iter().chain(&conclusion.further_causes);
    let faults: Vec<Fault> = causes.map(|cause| cause.fault).collect();
    assert_eq!(faults, [Fault::Failover, Fault::LockContention]);
}

#[test]
fn trouble_elsewhere_is_a_hypothesis_and_nobody_is_blamed() {
    let (conclusion, _) = full().diagnose("someone");
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient);
    let open = conclusion.hypotheses.iter().filter(|one| one.status == HypothesisStatus::Inconclusive);
    assert!(open.count() >= 1);
}

/// A workload with a pod that is well, and one that is not.
fn workload(is_ready: bool) -> World {
    let mut deployment = row(StateKind::Deployment, "a", "a", "");
    let figures = [("desired", 1.0), ("ready", 1.0), ("unavailable", 0.0)];
    deployment.figures = figures.map(|(name, value)| (name.to_owned(), Num::new(value))).to_vec();
    let mut container = row(StateKind::Container, "a", "a-1-x/main", "Running");
    container.attributes = vec![("pod".into(), "a-1-x".into())];
    container.figures = vec![("ready".into(), Num::new(f64::from(u8::from(is_ready))))];
    let pod = row(StateKind::Pod, "a", "a-1-x", "Running");
    World {
        states: vec![deployment, pod, container],
        series: Vec::new(),
        lines: Vec::new(),
        knows_state: true,
    }
}

#[test]
fn what_is_well_has_no_cause_and_what_is_not_told_is_insufficient() {
    assert_eq!(workload(true).diagnose("a").0.kind, ConclusionKind::NoCause);
    assert_eq!(workload(false).diagnose("a").0.kind, ConclusionKind::Insufficient);
    let mut quiet = full();
    quiet.states.truncate(1);
    quiet.series.truncate(1);
    let (conclusion, _) = quiet.diagnose("d");
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient);
    assert!(conclusion.gaps.iter().any(|gap| gap.missing.contains("free storage")), "{:?}", conclusion.gaps);
}

#[test]
fn a_mechanism_that_cannot_be_looked_at_stays_a_candidate() {
    let mut world = full();
    world.states.truncate(1);
    world.series = vec![("d", metric::CPU, |second| if second < END - 900 { 0.2 } else { 0.97 })];
    let (conclusion, _) = world.diagnose("d");
    assert_eq!((conclusion.kind, conclusion.root_cause), (ConclusionKind::Insufficient, None));
    assert!(conclusion.statement.contains("it is not told"), "{}", conclusion.statement);
    let best = conclusion.hypotheses.first().unwrap();
    assert_eq!((best.candidate.service.as_str(), best.status), ("d", HypothesisStatus::Inconclusive));
}

#[test]
fn where_no_source_knows_states_nothing_more_is_asked_and_nothing_changes() {
    let mut world = full();
    world.knows_state = false;
    let (conclusion, asked) = world.diagnose("d");
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient);
    assert_eq!(asked.last(), Some(&"state"));
    assert!(!conclusion.gaps.iter().any(|gap| gap.missing.contains("state")), "{:?}", conclusion.gaps);
}

#[test]
fn equal_answers_give_equal_conclusions_in_any_order_of_rows() {
    let text = |world: &World| format!("{:?}", world.diagnose("d").0);
    let world = full();
    let mut turned = full();
    turned.states.reverse();
    turned.series.reverse();
    assert_eq!(text(&world), text(&world));
    assert_eq!(text(&world), text(&turned));
}

/// A workload whose container is so.
fn failing(status: &str, event: Option<(&str, &str)>) -> World {
    let mut world = workload(false);
    for row in &mut world.states {
        if row.kind == StateKind::Container {
            row.status = status.into();
            row.figures.push(("restarts".into(), Num::new(6.0)));
            row.figures.push(("exit_code".into(), Num::new(1.0)));
        }
    }
    if let Some((reason, text)) = event {
        let mut event = row(StateKind::Event, "a", "Pod/a-1-x", reason);
        event.text = text.into();
        world.states.push(event);
    }
    world
}

fn says(fault: Fault) -> impl Fn(&Conclusion) -> bool {
    move |conclusion| conclusion.root_cause.as_ref().is_some_and(|cause| cause.fault == fault)
}

#[test]
fn a_measure_of_workloads_that_is_switched_off_finds_nothing() {
    let run = |world: World| move |settings| world.diagnose_with("a", settings).0;
    let looping = failing("CrashLoopBackOff", None);
    switched::check("container_restarts", run(looping), says(Fault::CrashLoop));
    let image = failing("ImagePullBackOff", Some(("Failed", "manifest unknown")));
    switched::check("container_start", run(image), says(Fault::ImagePull));
    let mut pending = failing("Waiting", Some(("FailedScheduling", "0/1 nodes: 1 Insufficient cpu")));
    pending
        .states
        .iter_mut()
        .filter(|row| row.kind == StateKind::Pod)
        .for_each(|row| row.status = "Pending".into());
    pending.states.retain(|row| row.kind != StateKind::Container);
    switched::check("scheduling", run(pending), says(Fault::Unschedulable));
    let mut lost = failing("Running", None);
    lost.states
        .iter_mut()
        .filter(|row| row.kind == StateKind::Container)
        .for_each(|row| row.figures.truncate(1));
    let on_node = |row: &mut StateRow| row.attributes = vec![("node".into(), "n".into())];
    lost.states.iter_mut().filter(|row| row.kind == StateKind::Pod).for_each(on_node);
    lost.states.push(row(StateKind::Node, "", "n", "NotReady"));
    switched::check("node_state", run(lost), says(Fault::NodeNotReady));
    let mut nameless = workload(true);
    nameless.lines.push(LogTemplateRow {
        service: "a".into(),
        severity: 17,
        template: "lookup b.example: no such host".into(),
        count: 5,
        first: at(END - 60),
        third: at(END - 50),
        example: "lookup b.example: no such host".into(),
        attributes: Vec::new(),
    });
    switched::check("name_resolution", run(nameless), says(Fault::NameResolution));
    let is_well = |conclusion: &Conclusion| conclusion.kind == ConclusionKind::NoCause;
    switched::check("wellness", run(workload(true)), is_well);
}

#[test]
fn a_measure_of_databases_that_is_switched_off_finds_nothing() {
    let run = |world: World| move |settings| world.diagnose_with("d", settings).0;
    let only = |states: Vec<StateRow>| {
        let states = std::iter::once(row(StateKind::Database, "d", "d", "")).chain(states).collect();
        World { states, series: Vec::new(), ..full() }
    };
    let full = event("out of storage", 60);
    switched::check("database_storage", run(only(vec![full])), says(Fault::StorageFull));
    let refused = event("sorry, too many clients already", 60);
    switched::check("database_connections", run(only(vec![refused])), says(Fault::ConnectionsExhausted));
    switched::check("failover", run(only(vec![event("failover initiated", 60)])), says(Fault::Failover));
    let mut locked = only(vec![wait("lock", 5.0)]);
    locked.series = vec![("d", metric::WRITES, |_| 100.0)];
    switched::check("database_load", run(locked), says(Fault::LockContention));
    let mut replica = row(StateKind::Database, "r", "r", "");
    replica.attributes = vec![("replica_of".into(), "d".into())];
    let mut behind = only(vec![replica]);
    behind.series = vec![
        ("r", metric::REPLICATION_LAG, |_| 900.0),
        ("d", metric::LOG_WRITTEN, |second| if second < END - 1500 { 1e6 } else { 1e8 }),
    ];
    switched::check("replication", run(behind), says(Fault::ReplicationLag));
}

#[test]
fn a_rule_of_state_that_is_switched_off_rules_nothing_out() {
    let run = |service: &'static str, world: World| move |settings| world.diagnose_with(service, settings).0;
    switched::check("effect_of", run("d", full()), switched::rules_out("effect_of"));
    switched::check("change_coincides", run("d", full()), switched::rules_out("change_coincides"));
    let mut old = full();
    old.states.push(event("A failover has been initiated.", 3500));
    old.states.push(event("The failover completed.", 3400));
    switched::check("over_before_alert", run("d", old), switched::rules_out("over_before_alert"));
    let mut moved = full();
    moved.series.push(("d", metric::CONNECTIONS, |second| if second < END - 900 { 10.0 } else { 90.0 }));
    let rule = "resource_not_at_limit";
    switched::check("resource_not_at_limit", run("d", moved), switched::rules_out(rule));
    let mut removed = failing("CrashLoopBackOff", None);
    let deleted = |row: &mut StateRow| row.attributes = vec![("deleted_at".into(), "now".into())];
    removed.states.iter_mut().filter(|row| row.kind == StateKind::Pod).for_each(deleted);
    switched::check("removed_on_purpose", run("a", removed), switched::rules_out("removed_on_purpose"));
}
