//! A small system made by hand: what it answers before and after something changed in it.

use incident::{Alert, AlertSignal, Conclusion, Measured, RootCause, Symptom};
use investigation::{Diagnosis, Settings};
use telemetry::answer::{
    Answer, Block, ChangeKind, ChangeRow, CompareTable, EdgeRow, LaneRow, OnsetRow, QueueFigures,
    SelfTimeRow, SelfTimeTable, SeriesFigures, SeriesKind, SeriesRow, Subject, Table,
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
pub(crate) struct Group {
    pub(crate) service: &'static str,
    pub(crate) span: &'static str,
    pub(crate) kind: SpanKind,
    pub(crate) resource: &'static str,
    pub(crate) database: &'static str,
    pub(crate) good: (u64, f64, f64),
    pub(crate) bad: (u64, f64, f64),
    /// Errors that begin here now, of each request.
    pub(crate) failing: bool,
}

pub(crate) fn server(service: &'static str, good_ms: f64, bad_ms: f64) -> Group {
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

pub(crate) fn query(service: &'static str, good: (u64, f64, f64), bad: (u64, f64, f64)) -> Group {
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
pub(crate) struct World {
    pub(crate) groups: Vec<Group>,
    /// caller, callee, delay before and now, repetitions of ten calls now.
    pub(crate) edges: Vec<(&'static str, &'static str, f64, f64, u64)>,
    /// Calls of every edge and how many of them fail, before and now; else 200 and none.
    pub(crate) calls: Option<[(u64, u64); 2]>,
    pub(crate) queue: Option<QueueFigures>,
    /// Milliseconds that the callees' clocks are ahead.
    pub(crate) skew_ms: i64,
    pub(crate) lanes: (Vec<LaneRow>, Vec<LaneRow>),
    /// Seconds of CPU a second of a service, before and now.
    pub(crate) cpu: Option<(&'static str, f64, f64)>,
    /// What bad requests carry, when a source compares them.
    pub(crate) compared: Option<CompareTable>,
    pub(crate) deployed: Vec<&'static str>,
    /// Deployed seconds after the onset.
    pub(crate) deployed_late: Vec<&'static str>,
    pub(crate) signal: Option<AlertSignal>,
    /// Twice the requests now.
    pub(crate) surge: bool,
    /// Milliseconds of a request now; else 90, and 4 before.
    pub(crate) now_ms: Option<f64>,
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
                let now_ms = self.now_ms.unwrap_or(90.0);
                let ns = (if is_bad { now_ms } else { 4.0 } * MS + jitter(second)) as i64;
                let count = match self.signal {
                    Some(AlertSignal::Throughput) if is_bad => 2,
                    _ if is_bad && self.surge => 2 * RATE,
                    _ => RATE,
                };
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
            let version = if is_bad && self.is_deployed(group.service) { "2" } else { "1" };
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
        let is_bad = window.to > at(ONSET);
        let (count, errors) = self.calls.map_or((200, 0), |[good, bad]| if is_bad { bad } else { good });
        let edge = |caller: &str, callee: &str, delay_ms: f64, resends| EdgeRow {
            caller: caller.into(),
            callee: callee.into(),
            is_instrumented: true,
            count,
            errors,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: self.skew_ms * 1_000_000,
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

    fn is_deployed(&self, service: &str) -> bool {
        self.deployed.iter().chain(&self.deployed_late).any(|name| *name == service)
    }

    fn answer(&self, question: &Question) -> Result<Answer, AskError> {
        let deploy = |service: &&str| ChangeRow {
            at: at(if self.deployed_late.contains(service) { ONSET + 4 } else { ONSET }),
            kind: ChangeKind::Deploy,
            service: (*service).into(),
            instance: format!("{service}-1"),
            before: "1".into(),
            after: "2".into(),
            detail: None,
        };
        Ok(Answer::exact(match &question.ask {
            Ask::Onset { window, .. } => self.onset(*window),
            Ask::SelfTime { window, .. } => self.self_time(*window),
            Ask::Edges { window, .. } => self.edges(*window),
            Ask::Exemplars { .. } => Table::Exemplars(Vec::new()),
            Ask::Changes { .. } => {
                Table::Changes(self.deployed.iter().chain(&self.deployed_late).map(deploy).collect())
            }
            Ask::SeriesChange { .. } => self.series(),
            Ask::Compare { .. } if self.compared.is_some() => {
                Table::Compare(self.compared.clone().unwrap_or_default())
            }
            other => return Err(AskError::Unsupported(other.name().into())),
        }))
    }

    pub(crate) fn diagnose(&self) -> Conclusion {
        self.diagnose_with(Settings::default())
    }

    pub(crate) fn diagnose_with(&self, settings: Settings) -> Conclusion {
        let mut diagnosis = Diagnosis::with(self.alert(), settings);
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

    pub(crate) fn cause(&self) -> RootCause {
        let conclusion = self.diagnose();
        conclusion.root_cause.unwrap_or_else(|| panic!("no cause: {}", conclusion.statement))
    }
}

pub(crate) fn lane(target: &str, is_database: bool, busy: f64, most: u64, inside_share: f64) -> LaneRow {
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

pub(crate) fn healthy() -> World {
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
