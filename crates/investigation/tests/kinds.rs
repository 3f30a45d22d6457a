//! The kinds of fault, each against answers made by hand: what decides it, and what it must not be taken for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use incident::{Alert, AlertSignal, ComponentKind, Conclusion, Fault, Measured, RootCause, Symptom};
use investigation::Diagnosis;
use telemetry::answer::{
    Answer, Block, ChangeKind, ChangeRow, EdgeRow, LaneRow, OnsetRow, QueueFigures, SelfTimeRow,
    SelfTimeTable, SeriesFigures, SeriesKind, SeriesRow, Subject, Table,
};
use telemetry::number::Num;
use telemetry::time::Window;
use telemetry::{Answered, Ask, AskError, Inquiry, Next, Question, SourceName, Space, SpanKind, UnixNanos};

const MS: f64 = 1e6;
const ONSET: i64 = 60;
const NOW: i64 = 66;
const RATE: u64 = 8;

fn at(second: i64) -> UnixNanos {
    UnixNanos(0).plus_seconds(1_000_000 + second)
}

/// A group of spans: before and now, calls a request, milliseconds a call, idle milliseconds before each.
#[derive(Clone)]
struct Group {
    service: &'static str,
    span: &'static str,
    kind: SpanKind,
    resource: &'static str,
    database: &'static str,
    good: (u64, f64, f64),
    bad: (u64, f64, f64),
    /// Errors that begin here now, of each request.
    failing: bool,
}

fn server(service: &'static str, good_ms: f64, bad_ms: f64) -> Group {
    Group {
        service,
        span: "GET /",
        kind: SpanKind::Server,
        resource: "",
        database: "",
        good: (1, good_ms, 0.0),
        bad: (1, bad_ms, 0.0),
        failing: false,
    }
}

fn query(service: &'static str, good: (u64, f64, f64), bad: (u64, f64, f64)) -> Group {
    Group {
        span: "SELECT things",
        kind: SpanKind::Client,
        resource: "SELECT things",
        database: "pg",
        good,
        bad,
        ..server(service, 0.0, 0.0)
    }
}

#[derive(Clone, Default)]
struct World {
    groups: Vec<Group>,
    /// caller, callee, delay before and now, repetitions of ten calls now.
    edges: Vec<(&'static str, &'static str, f64, f64, u64)>,
    queue: Option<QueueFigures>,
    lanes: (Vec<LaneRow>, Vec<LaneRow>),
    /// Seconds of CPU a second of a service, before and now.
    cpu: Option<(&'static str, f64, f64)>,
    deployed: Vec<&'static str>,
    signal: Option<AlertSignal>,
}

fn jitter(second: i64) -> f64 {
    (second.rem_euclid(7) * 13_001 + second.rem_euclid(3) * 7_919) as f64
}

fn subject(service: &str, operation: &str, version: &str) -> Subject {
    Subject {
        service: service.into(),
        operation: operation.into(),
        instance: format!("{service}-1"),
        version: version.into(),
    }
}

fn seconds(window: Window) -> impl Iterator<Item = i64> {
    (0..NOW + 10).filter(move |second| window.contains(at(*second)))
}

impl World {
    fn alert(&self) -> Alert {
        let measured = |value| Measured { count: 40, seconds: 5, value: Num::new(value) };
        let symptom = |service: &str| Symptom {
            service: service.into(),
            operation: "GET /".into(),
            signal: self.signal.unwrap_or(AlertSignal::Latency),
            baseline: measured(4.0),
            observed: measured(90.0),
            baseline_window: Window::new(at(0), at(61)),
            observed_window: Window::new(at(61), at(NOW)),
            q_value: Num::new(0.001),
        };
        Alert {
            space: Space::default(),
            origin: "watch".into(),
            at: at(NOW),
            history_from: at(0),
            dedupe_key: "k".into(),
            symptoms: vec![symptom("back"), symptom("front")],
        }
    }

    fn onset(&self, window: Window) -> Table {
        let rows = seconds(window).flat_map(|second| {
            ["back", "front"].map(|service| {
                let is_bad = second >= ONSET;
                let ns = (if is_bad { 90.0 } else { 4.0 } * MS + jitter(second)) as i64;
                let count = if is_bad && self.signal == Some(AlertSignal::Throughput) { 2 } else { RATE };
                OnsetRow {
                    subject: subject(service, "GET /", "1"),
                    second: at(second),
                    count,
                    errors: if is_bad && self.signal == Some(AlertSignal::Errors) { count } else { 0 },
                    sum_ns: ns * count as i64,
                    p50_ns: ns,
                    p95_ns: ns,
                    is_message: false,
                }
            })
        });
        Table::Onset(rows.collect())
    }

    fn self_time(&self, window: Window) -> Table {
        let is_bad = window.from >= at(ONSET);
        let rows = self.groups.iter().filter_map(|group| {
            let (calls, ms, lead_ms) = if is_bad { group.bad } else { group.good };
            let blocks: Vec<Block> = seconds(window)
                .filter(|_| calls > 0)
                .map(|second| {
                    let count = calls * RATE;
                    let sum_ns = ((ms * MS + jitter(second)) * count as f64) as i64;
                    Block { second: at(second), count, sum_ns }
                })
                .collect();
            let count: u64 = blocks.iter().map(|block| block.count).sum();
            let version = if is_bad && self.deployed.contains(&group.service) { "2" } else { "1" };
            let failed = if is_bad && group.failing { count } else { 0 };
            (count > 0).then(|| SelfTimeRow {
                subject: subject(group.service, group.span, version),
                entry: "GET /".into(),
                kind: group.kind,
                resource: group.resource.into(),
                database: group.database.into(),
                count,
                error_origins: failed,
                errors: failed,
                sum_ns: blocks.iter().map(|block| block.sum_ns).sum(),
                p50_ns: (ms * MS) as i64,
                p95_ns: (ms * 1.1 * MS) as i64,
                lead_ns: (lead_ms * MS * count as f64) as i64,
                blocks,
            })
        });
        let lanes = if is_bad { self.lanes.1.clone() } else { self.lanes.0.clone() };
        Table::SelfTime(SelfTimeTable { traces: 8, rows: rows.collect(), lanes })
    }

    fn edges(&self, window: Window) -> Table {
        let is_bad = window.from >= at(ONSET);
        let edge = |caller: &str, callee: &str, delay_ms: f64, resends| EdgeRow {
            caller: caller.into(),
            callee: callee.into(),
            is_instrumented: true,
            count: 200,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            blocks: seconds(window)
                .map(|second| {
                    let sum_ns = ((delay_ms * MS + jitter(second)) * RATE as f64) as i64;
                    Block { second: at(second), count: RATE, sum_ns }
                })
                .collect(),
            resends,
            queue: None,
        };
        let mut rows: Vec<EdgeRow> = self
            .edges
            .iter()
            .map(|(caller, callee, good, bad, resends)| {
                edge(caller, callee, if is_bad { *bad } else { *good }, if is_bad { resends * 20 } else { 0 })
            })
            .collect();
        if let Some(queue) = &self.queue {
            let healthy = QueueFigures {
                processed: 200,
                failed: 0,
                untaken: 0,
                deliveries: 200,
                deliveries_max: 1,
                ..queue.clone()
            };
            let figures = if is_bad { queue.clone() } else { healthy };
            rows.push(EdgeRow { queue: Some(figures), ..edge("front", "back", 1.0, 0) });
        }
        Table::Edges(rows)
    }

    fn series(&self) -> Table {
        let figures =
            |value| SeriesFigures { n: 5, mean: Num::new(value), min: Num::new(value), max: Num::new(value) };
        let row = |(service, good, bad): (&str, f64, f64)| SeriesRow {
            service: service.into(),
            instance: format!("{service}-1"),
            version: String::new(),
            metric: "process.cpu.time".into(),
            unit: "s".into(),
            attributes: Vec::new(),
            kind: SeriesKind::Rate,
            good: figures(good),
            bad: figures(bad),
        };
        Table::SeriesChange(self.cpu.into_iter().map(row).collect())
    }

    fn answer(&self, question: &Question) -> Result<Answer, AskError> {
        let deploy = |service: &&str| ChangeRow {
            at: at(ONSET),
            kind: ChangeKind::Deploy,
            service: (*service).into(),
            instance: format!("{service}-1"),
            before: "1".into(),
            after: "2".into(),
        };
        Ok(Answer::exact(match &question.ask {
            Ask::Onset { window, .. } => self.onset(*window),
            Ask::SelfTime { window, .. } => self.self_time(*window),
            Ask::Edges { window, .. } => self.edges(*window),
            Ask::Exemplars { .. } => Table::Exemplars(Vec::new()),
            Ask::Changes { .. } => Table::Changes(self.deployed.iter().map(deploy).collect()),
            Ask::SeriesChange { .. } => self.series(),
            other => return Err(AskError::Unsupported(other.name().into())),
        }))
    }

    fn diagnose(&self) -> Conclusion {
        let mut diagnosis = Diagnosis::new(self.alert());
        let mut answers = Vec::new();
        for _ in 0..10 {
            match diagnosis.step(&answers).next {
                Next::Done(conclusion) => return conclusion,
                Next::Ask(questions) => {
                    answers = questions
                        .iter()
                        .map(|question| Answered {
                            question: question.id.clone(),
                            source: SourceName("test".into()),
                            result: self.answer(question),
                        })
                        .collect();
                }
            }
        }
        panic!("the diagnosis did not end")
    }

    fn cause(&self) -> RootCause {
        let conclusion = self.diagnose();
        conclusion.root_cause.unwrap_or_else(|| panic!("no cause: {}", conclusion.statement))
    }
}

fn lane(target: &str, is_database: bool, busy: f64, most: u64, inside_share: f64) -> LaneRow {
    let elapsed_ns = 5_000_000_000;
    let busy_ns = (busy * elapsed_ns as f64) as i64;
    LaneRow {
        service: "back".into(),
        instance: "back-1".into(),
        version: "1".into(),
        target: target.into(),
        is_database,
        count: 50,
        total_ns: busy_ns,
        busy_ns,
        elapsed_ns,
        most_at_once: most,
        lead_ns: 0,
        events: 500,
        events_inside: (inside_share * busy * 400.0) as u64,
        ..LaneRow::default()
    }
}

fn healthy() -> World {
    World {
        groups: vec![
            server("front", 1.0, 1.0),
            server("back", 1.0, 1.0),
            query("back", (1, 2.0, 0.1), (1, 2.0, 0.1)),
        ],
        edges: vec![("front", "back", 0.5, 0.5, 0)],
        ..World::default()
    }
}

/// `back`'s own work takes 80 ms more, of which its process computes for `cpu` seconds a second (0.64 s are extra).
fn slow_work(cpu: Option<f64>) -> World {
    let mut world = healthy();
    world.groups[1] = server("back", 1.0, 81.0);
    world.cpu = cpu.map(|cpu| ("back", 0.05, 0.05 + cpu));
    world
}

// covers: AT-34
#[test]
fn an_even_wait_without_computing_is_an_injected_delay() {
    let cause = slow_work(Some(0.01)).cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::InjectedDelay), "{}", cause.statement);
    assert!(!cause.evidence.is_empty());
}

// covers: W-24
#[test]
fn a_process_that_computes_for_the_time_is_slow_work_and_without_figures_nothing_more_is_said() {
    assert_eq!(slow_work(Some(0.6)).cause().fault, Fault::SlowWork);
    assert_eq!(slow_work(None).cause().fault, Fault::SlowWork);
}

// covers: AT-32
#[test]
fn idle_time_before_queries_at_their_limit_is_a_pool_and_not_a_delay() {
    let mut world = slow_work(Some(0.01));
    world.groups[2] = query("back", (1, 2.0, 0.1), (1, 2.0, 79.0));
    world.lanes.1 = vec![lane("pg", true, 0.9, 1, 1.0)];
    let cause = world.cause();
    assert_eq!((cause.fault, cause.resource.as_str()), (Fault::PoolWait, "pg"), "{}", cause.statement);
    world.lanes.1 = vec![lane("pg", true, 0.2, 4, 1.0)];
    assert_ne!(world.cause().fault, Fault::PoolWait, "there was room in the pool");
}

// covers: AT-33
#[test]
fn a_process_that_stands_still_during_its_calls_is_blocked_and_its_grown_edges_are_its_own() {
    let mut world = slow_work(Some(0.01));
    world.edges = vec![("front", "back", 0.5, 60.0, 0)];
    world.lanes = (vec![lane("rates", false, 0.1, 2, 1.0)], vec![lane("rates", false, 0.9, 1, 0.0)]);
    let cause = world.cause();
    assert_eq!(
        (cause.service.as_str(), cause.fault),
        ("back", Fault::BlockedExecutor),
        "{}",
        cause.statement
    );
    world.lanes.1 = vec![lane("rates", false, 0.9, 6, 1.0)];
    assert_ne!(world.cause().fault, Fault::BlockedExecutor, "the process went on meanwhile");
}

// covers: AT-30
#[test]
fn a_connection_for_each_call_is_churn() {
    let mut world = healthy();
    world.groups.push(Group {
        span: "tls.connect",
        kind: SpanKind::Internal,
        good: (0, 0.0, 0.0),
        bad: (2, 40.0, 0.0),
        ..server("back", 0.0, 0.0)
    });
    let cause = world.cause();
    assert_eq!(
        (cause.service.as_str(), cause.fault),
        ("back", Fault::ConnectionChurn),
        "{}",
        cause.statement
    );
}

#[test]
fn more_queries_a_request_are_named_by_their_number() {
    let mut world = healthy();
    world.groups[2] = query("back", (1, 2.0, 0.1), (40, 2.0, 0.1));
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::MoreCalls), "{}", cause.statement);
    assert!(cause.statement.contains("40.0 times"), "{}", cause.statement);
}

#[test]
fn what_emits_nothing_is_named_as_at_or_behind_and_never_its_caller() {
    let mut world = healthy();
    world.groups.push(Group {
        span: "GET",
        kind: SpanKind::Client,
        resource: "rates",
        good: (1, 3.0, 0.0),
        bad: (1, 90.0, 0.0),
        ..server("back", 0.0, 0.0)
    });
    let cause = world.cause();
    assert_eq!(
        (cause.component, cause.service.as_str(), cause.fault),
        (ComponentKind::Dependency, "rates", Fault::SlowDependency)
    );
    assert_eq!(cause.seen_from, ["back"]);
    assert!(cause.statement.starts_with("at or behind `rates` (not instrumented)"), "{}", cause.statement);
}

#[test]
fn two_causes_at_once_are_two_and_a_bystander_is_none() {
    let mut world = slow_work(Some(0.6));
    world.deployed = vec!["back"];
    world.groups.push(Group {
        span: "GET",
        kind: SpanKind::Client,
        resource: "rates",
        good: (1, 3.0, 0.0),
        bad: (1, 70.0, 0.0),
        ..server("front", 0.0, 0.0)
    });
    let conclusion = world.diagnose();
    let names: Vec<_> = conclusion
        .root_cause
        .iter()
        .chain(&conclusion.further_causes)
        .map(|cause| cause.service.as_str())
        .collect();
    assert_eq!(names, ["back", "rates"], "{}", conclusion.statement);
    let mut world = slow_work(Some(0.6));
    world.deployed = vec!["back"];
    world.groups[0] = server("front", 1.0, 20.0);
    assert!(world.diagnose().further_causes.is_empty(), "a busy machine slows bystanders");
}

// covers: AW-27
#[test]
fn an_operation_that_has_never_succeeded_is_said_to_be_so() {
    let mut world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.groups.push(Group {
        span: "POST /alert",
        failing: true,
        good: (0, 0.0, 0.0),
        ..server("back", 0.0, 1.0)
    });
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::NeverSucceeded), "{}", cause.statement);
    world.groups[1].failing = true;
    world.groups.pop();
    assert_eq!(world.cause().fault, Fault::ErrorOrigin, "it succeeded before");
}

// covers: PB-46
#[test]
fn repetitions_that_feed_themselves_are_the_callers_and_those_of_a_failing_callee_are_not() {
    let mut world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.edges = vec![("front", "back", 0.5, 30.0, 7)];
    world.deployed = vec!["front"];
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("front", Fault::RetryStorm), "{}", cause.statement);
    world.deployed = Vec::new();
    world.edges = vec![("front", "back", 0.5, 30.0, 4)];
    assert!(
        world.diagnose().root_cause.is_none_or(|cause| cause.fault != Fault::RetryStorm),
        "calls that fail over are no storm"
    );
    world.edges = vec![("front", "back", 0.5, 30.0, 8)];
    assert_eq!(world.cause().fault, Fault::RetryStorm, "eight of ten calls are repetitions");
    world.groups[1].failing = true;
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::ErrorOrigin), "{}", cause.statement);
}

// covers: PB-02
#[test]
fn messages_that_stop_in_a_queue_are_followed_there_and_the_deploy_behind_it_is_not_exonerated() {
    let lost = QueueFigures {
        name: "mail".into(),
        processed: 80,
        failed: 0,
        untaken: 120,
        deliveries: 80,
        deliveries_max: 1,
        most_delivered: None,
    };
    let mut world = World {
        signal: Some(AlertSignal::Throughput),
        queue: Some(lost.clone()),
        deployed: vec!["back"],
        ..healthy()
    };
    let conclusion = world.diagnose();
    let cause = conclusion.root_cause.unwrap();
    assert_eq!(
        (cause.component, cause.service.as_str(), cause.fault),
        (ComponentKind::Queue, "mail", Fault::MessageLoss),
        "{}",
        cause.statement
    );
    assert_eq!(cause.trigger.unwrap().change.service, "back");
    assert!(
        !conclusion.ruled_out.iter().any(|item| item.candidate.service == "back"),
        "{:?}",
        conclusion.ruled_out
    );
    world.queue = Some(QueueFigures { failed: 1, untaken: 119, deliveries_max: 30, ..lost });
    assert_eq!(world.cause().fault, Fault::MessageStuck);
}
