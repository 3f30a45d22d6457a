//! The diagnosis against answers made by hand: a three-service system whose truth is known.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use incident::{
    Alert, AlertSignal, ComponentKind, Conclusion, ConclusionKind, Fault, HypothesisStatus, Measured, Symptom,
};
use investigation::Diagnosis;
use telemetry::answer::{
    Answer, Block, ChangeKind, ChangeRow, Choice, EdgeRow, ExemplarRow, OnsetRow, SelfTimeRow, SelfTimeTable,
    Subject, Table, TraceRow,
};
use telemetry::number::Num;
use telemetry::signal::StatusCode;
use telemetry::time::Window;
use telemetry::{
    Answered, Ask, AskError, Inquiry, Next, Note, Question, SourceName, Space, SpanId, SpanKind, TraceId,
    UnixNanos,
};

const MS: i64 = 1_000_000;

/// front -> middle -> back -> `SELECT things`; what differs from the healthy system.
#[derive(Clone)]
struct World {
    query_ms: i64,
    requests_per_s: u64,
    back_deployed_at: i64,
    has_traces: bool,
    /// Requests in ten that fail in `back` from the onset on.
    failing: u64,
    /// Extra milliseconds on the way from `middle` to `back` from the onset on.
    delay_ms: i64,
}

const ONSET: i64 = 60;
const NOW: i64 = 66;

fn at(second: i64) -> UnixNanos {
    UnixNanos(0).plus_seconds(1_000_000 + second)
}

fn slow() -> World {
    World {
        query_ms: 60,
        requests_per_s: 8,
        back_deployed_at: ONSET,
        has_traces: true,
        failing: 0,
        delay_ms: 0,
    }
}

fn subject(service: &str, operation: &str, version: &str) -> Subject {
    Subject {
        service: service.into(),
        operation: operation.into(),
        instance: format!("{service}-1"),
        version: version.into(),
    }
}

/// Deterministic jitter of a few percent, so that ranks have no ties.
fn jitter(second: i64) -> i64 {
    second.rem_euclid(7) * 13_001 + second.rem_euclid(3) * 7_919
}

impl World {
    fn alert(&self) -> Alert {
        let measured = |value| Measured { count: 40, seconds: 5, value: Num::new(value) };
        let symptom = |service: &str, now| Symptom {
            service: service.into(),
            operation: "GET /".into(),
            signal: AlertSignal::Latency,
            baseline: measured(4.0),
            observed: measured(now),
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
            symptoms: vec![symptom("back", 62.0), symptom("middle", 63.0), symptom("front", 64.0)],
        }
    }

    fn rate(&self, second: i64) -> u64 {
        if second >= ONSET { self.requests_per_s } else { 8 }
    }

    fn query_ms(&self, second: i64) -> i64 {
        if second >= ONSET { self.query_ms } else { 1 }
    }

    fn seconds(window: Window) -> impl Iterator<Item = i64> {
        (0..NOW + 1).filter(move |second| window.contains(at(*second)))
    }

    fn onset(&self, window: Window) -> Table {
        let row = |service: &str, second: i64| {
            let ns = (3 + self.query_ms(second)) * MS + jitter(second);
            OnsetRow {
                is_message: false,
                subject: subject(service, "GET /", "1"),
                second: at(second),
                count: self.rate(second),
                errors: if second >= ONSET { self.rate(second) * self.failing / 10 } else { 0 },
                sum_ns: ns * self.rate(second) as i64,
                p50_ns: ns,
                p95_ns: ns,
            }
        };
        let rows =
            Self::seconds(window).flat_map(|second| ["back", "front", "middle"].map(|s| row(s, second)));
        Table::Onset(rows.collect())
    }

    fn self_time(&self, window: Window) -> Table {
        let is_bad = window.from >= at(ONSET);
        let row = |service: &str, span: &str, version: &str, database: &str, ms: &dyn Fn(i64) -> i64| {
            let blocks: Vec<Block> = Self::seconds(window)
                .map(|second| {
                    let count = self.rate(second);
                    Block {
                        second: at(second),
                        count,
                        sum_ns: (ms(second) * MS + jitter(second)) * count as i64,
                    }
                })
                .collect();
            SelfTimeRow {
                subject: subject(service, span, version),
                entry: "GET /".into(),
                lead_ns: 0,
                kind: if database.is_empty() { SpanKind::Server } else { SpanKind::Client },
                resource: if database.is_empty() { String::new() } else { span.into() },
                database: database.into(),
                count: blocks.iter().map(|block| block.count).sum(),
                error_origins: if service == "back" && database.is_empty() && is_bad {
                    self.failing * 4
                } else {
                    0
                },
                errors: if is_bad { self.failing * 4 } else { 0 },
                sum_ns: blocks.iter().map(|block| block.sum_ns).sum(),
                p50_ns: 0,
                p95_ns: 0,
                blocks,
            }
        };
        let new = |deployed: i64| if is_bad && deployed < NOW { "2" } else { "1" };
        let rows = vec![
            row("front", "GET /", "1", "", &|_| 1),
            row("middle", "GET /", new(ONSET - 5), "", &|_| 1),
            row("back", "GET /", new(self.back_deployed_at), "", &|_| 1),
            row("back", "SELECT things", new(self.back_deployed_at), "sqlite", &|second| {
                self.query_ms(second)
            }),
        ];
        Table::SelfTime(SelfTimeTable { traces: 8, rows, lanes: Vec::new() })
    }

    fn edges(&self, window: Window) -> Table {
        let edge = |caller: &str, callee: &str| EdgeRow {
            caller: caller.into(),
            callee: callee.into(),
            is_instrumented: true,
            resends: 0,
            queue: None,
            count: 40,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: Self::seconds(window)
                .map(|second| {
                    let late = callee == "back" && second >= ONSET;
                    let delay = if late { self.delay_ms } else { 0 };
                    Block { second: at(second), count: 8, sum_ns: 4 * MS + delay * 8 * MS + jitter(second) }
                })
                .collect(),
        };
        Table::Edges(vec![edge("front", "middle"), edge("middle", "back")])
    }

    fn changes(&self) -> Table {
        let deploy = |service: &str, second: i64| ChangeRow {
            at: at(second),
            kind: ChangeKind::Deploy,
            service: service.into(),
            instance: format!("{service}-1"),
            before: "1".into(),
            after: "2".into(),
            detail: None,
        };
        Table::Changes(vec![deploy("middle", ONSET - 5), deploy("back", self.back_deployed_at)])
    }

    fn exemplars(&self) -> Table {
        let row = |choice| ExemplarRow {
            trace_id: TraceId([if choice == Choice::Worst { 1 } else { 2 }; 16]),
            choice,
            operation: "GET /".into(),
            start: at(ONSET),
            duration_ns: 60 * MS,
            is_error: false,
        };
        Table::Exemplars(if self.has_traces {
            vec![row(Choice::Worst), row(Choice::Typical)]
        } else {
            Vec::new()
        })
    }

    fn trace(&self) -> Table {
        let row = |service: &str, name: &str, kind, ms: i64, own: i64| TraceRow {
            span_id: SpanId([ms as u8 + 1; 8]),
            parent: None,
            subject: subject(service, name, "2"),
            kind,
            start: at(ONSET),
            duration_ns: ms * MS,
            exclusive_ns: own * MS,
            edge_delay_ns: None,
            status: StatusCode::Unset,
            attributes: Vec::new(),
        };
        Table::Trace(vec![
            row("back", "GET /", SpanKind::Server, 62, 2),
            row("back", "SELECT things", SpanKind::Client, 60, 60),
        ])
    }

    fn answer(&self, question: &Question) -> Result<Answer, AskError> {
        let table = match &question.ask {
            Ask::Onset { window, .. } => self.onset(*window),
            Ask::SelfTime { window, .. } => self.self_time(*window),
            Ask::Edges { window, .. } => self.edges(*window),
            Ask::Exemplars { .. } => self.exemplars(),
            Ask::Changes { .. } => self.changes(),
            Ask::Trace { .. } => self.trace(),
            other => return Err(AskError::Unsupported(other.name().into())),
        };
        Ok(Answer::exact(table))
    }
}

fn run(alert: Alert, answer: impl Fn(&Question) -> Result<Answer, AskError>) -> (Vec<Note>, Conclusion) {
    let mut diagnosis = Diagnosis::new(alert);
    let (mut notes, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        let step = diagnosis.step(&answers);
        notes.extend(step.notes);
        match step.next {
            Next::Done(conclusion) => return (notes, conclusion),
            Next::Ask(questions) => {
                answers = questions
                    .iter()
                    .map(|question| Answered {
                        question: question.id.clone(),
                        source: SourceName("test".into()),
                        result: answer(question),
                    })
                    .collect();
            }
        }
    }
    panic!("the diagnosis does not end");
}

fn diagnose(world: &World) -> Conclusion {
    run(world.alert(), |question| world.answer(question)).1
}

/// Every id cited anywhere in the conclusion is that of a fact in it.
fn assert_cited_evidence_exists(conclusion: &Conclusion) {
    let known: BTreeMap<_, _> = conclusion.evidence.iter().map(|item| (&item.id, item)).collect();
    let cited = conclusion
        .hypotheses
        .iter()
        .flat_map(|hypothesis| &hypothesis.evidence)
        .chain(conclusion.ruled_out.iter().flat_map(|item| &item.evidence))
        .chain(conclusion.root_cause.iter().flat_map(|cause| &cause.evidence));
    for id in cited {
        assert!(known.contains_key(id), "{id:?}");
    }
}

// covers: AT-05, AW-29, AW-30, W-21
#[test]
fn the_slow_query_is_the_cause_and_its_callers_are_symptoms() {
    let conclusion = diagnose(&slow());
    assert_eq!(conclusion.kind, ConclusionKind::RootCause);
    let cause = conclusion.root_cause.as_ref().unwrap();
    assert_eq!(
        (cause.service.as_str(), cause.span.as_str(), cause.fault),
        ("back", "SELECT things", Fault::SlowQuery)
    );
    assert_eq!(conclusion.onset.unwrap().at, at(ONSET));
    assert!(conclusion.hypotheses.iter().all(|hypothesis| !hypothesis.evidence.is_empty()));
    assert_eq!(conclusion.hypotheses[0].status, HypothesisStatus::Supported);
    let symptoms: Vec<_> = conclusion
        .ruled_out
        .iter()
        .filter(|item| item.rule == "excess_in_callee")
        .map(|item| item.candidate.service.as_str())
        .collect();
    assert_eq!(symptoms, ["front", "middle"]);
    assert_cited_evidence_exists(&conclusion);
    assert!(conclusion.confidence.is_none(), "unmeasured until calibrated");
}

// covers: AT-04, W-04
#[test]
fn the_guilty_deploy_is_the_trigger_and_the_earlier_innocent_one_is_ruled_out_with_numbers() {
    let conclusion = diagnose(&slow());
    assert_eq!(conclusion.root_cause.as_ref().unwrap().trigger.as_ref().unwrap().change.service, "back");
    let decoy = conclusion.ruled_out.iter().find(|item| item.rule == "change_without_effect").unwrap();
    assert_eq!(decoy.candidate.service, "middle");
    assert!(decoy.numbers.contains_key("new_version_ms_per_call"), "{:?}", decoy.numbers);
}

// covers: AW-31, AT-04
#[test]
fn a_change_after_the_onset_is_never_the_trigger() {
    let conclusion = diagnose(&World { back_deployed_at: ONSET + 4, ..slow() });
    let cause = conclusion.root_cause.as_ref().unwrap();
    assert!(cause.trigger.is_none());
    let late = conclusion.ruled_out.iter().find(|item| item.rule == "cause_after_onset").unwrap();
    assert!(late.why.contains("after the onset"), "{}", late.why);
}

/// What an alert rule of somebody else sends: a service, no operation, and a window that began before it went wrong.
#[test]
fn an_alert_without_an_operation_and_with_a_long_window_finds_onset_and_trigger() {
    let world = slow();
    let mut alert = world.alert();
    alert.symptoms.truncate(1);
    for symptom in &mut alert.symptoms {
        symptom.operation.clear();
        symptom.baseline_window = Window::new(at(0), at(ONSET - 30));
        symptom.observed_window = Window::new(at(ONSET - 30), at(NOW));
    }
    let (_, conclusion) = run(alert, |question| world.answer(question));
    let (named, whole) = (diagnose(&world), conclusion);
    assert_eq!(whole.onset, named.onset);
    let cause = whole.root_cause.as_ref().unwrap();
    assert_eq!(cause.service, "back");
    assert!(cause.trigger.is_some(), "the deploy at the onset is no later than it");
}

// covers: AW-32, W-18
#[test]
fn without_data_the_conclusion_is_insufficient_and_says_what_is_missing() {
    let (_, conclusion) = run(slow().alert(), |_| Err(AskError::Unavailable("connection refused".into())));
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient);
    assert!(conclusion.root_cause.is_none());
    assert!(
        conclusion.gaps.iter().any(|gap| gap.missing.contains("connection refused")),
        "{:?}",
        conclusion.gaps
    );
}

// covers: AT-01
#[test]
fn a_failure_while_correlating_keeps_what_was_found_and_becomes_a_gap() {
    let world = slow();
    let (notes, conclusion) = run(world.alert(), |question| match question.ask {
        Ask::Changes { .. } => Err(AskError::TimedOut(10)),
        _ => world.answer(question),
    });
    assert_eq!(conclusion.root_cause.as_ref().unwrap().service, "back");
    assert!(conclusion.gaps.iter().any(|gap| gap.missing.contains("no answer within 10 s")));
    assert!(notes.iter().any(|note| note.text.contains("SELECT things")));
}

#[test]
fn more_traffic_at_equal_work_is_no_cause_in_the_system() {
    let conclusion =
        diagnose(&World { query_ms: 1, requests_per_s: 30, back_deployed_at: NOW + 50, ..slow() });
    assert_eq!(conclusion.kind, ConclusionKind::NoCause, "{}", conclusion.statement);
}

#[test]
fn nothing_slower_and_nothing_more_is_insufficient() {
    let conclusion = diagnose(&World { query_ms: 1, back_deployed_at: NOW + 50, ..slow() });
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient);
}

#[test]
fn without_traces_of_the_operation_the_cause_stands_and_the_gap_is_said() {
    let conclusion = diagnose(&World { has_traces: false, ..slow() });
    assert_eq!(conclusion.root_cause.as_ref().unwrap().service, "back");
    assert!(conclusion.gaps.iter().any(|gap| gap.missing.contains("no trace")));
}

#[test]
fn the_same_answers_give_the_same_bytes() {
    let text = || incident::canonical::to_text(&diagnose(&slow())).unwrap();
    assert_eq!(text(), text());
}

fn failing_alert(world: &World) -> Alert {
    let mut alert = world.alert();
    for symptom in &mut alert.symptoms {
        symptom.signal = AlertSignal::Errors;
        symptom.baseline.value = Num::new(0.0);
        symptom.observed.value = Num::new(0.5);
    }
    alert
}

// covers: AT-04
#[test]
fn a_deploy_whose_requests_fail_faster_than_before_is_the_trigger_and_not_exonerated() {
    let world = World { query_ms: 1, failing: 5, ..slow() };
    let (_, conclusion) = run(failing_alert(&world), |question| world.answer(question));
    let cause = conclusion.root_cause.as_ref().unwrap();
    assert_eq!(
        (cause.service.as_str(), cause.fault),
        ("back", Fault::ErrorOrigin),
        "{}",
        conclusion.statement
    );
    assert_eq!(cause.trigger.as_ref().unwrap().change.service, "back");
    assert!(
        !conclusion
            .ruled_out
            .iter()
            .any(|item| item.candidate.service == "back" && item.rule == "change_without_effect")
    );
}

#[test]
fn errors_of_a_caller_that_times_out_are_laid_at_the_slow_service_behind_it() {
    let world = World { failing: 5, ..slow() };
    let answer = |question: &Question| {
        let mut answer = world.answer(question)?;
        if let Table::SelfTime(table) = &mut answer.table {
            // The slow service does not fail: its callers give up on it.
            for row in &mut table.rows {
                let origins = if row.subject.service == "middle" { row.errors } else { 0 };
                (row.error_origins, row.errors) = (origins, origins);
            }
        }
        Ok(answer)
    };
    let (_, conclusion) = run(failing_alert(&world), answer);
    let cause = conclusion.root_cause.as_ref().unwrap();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::SlowQuery), "{}", conclusion.statement);
}

#[test]
fn a_trifle_is_not_the_cause_when_the_way_between_services_took_the_time() {
    // The query is a little slower, the way to it much: the engine must not call the query "all of the extra time".
    let conclusion = diagnose(&World { query_ms: 2, delay_ms: 50, ..slow() });
    let cause = conclusion.root_cause.as_ref().unwrap();
    assert_eq!(
        (cause.component, cause.service.as_str(), cause.fault),
        (ComponentKind::Edge, "middle -> back", Fault::SlowEdge),
        "{}",
        conclusion.statement
    );
}

#[test]
fn missing_exclusive_times_are_no_proof_of_equal_work() {
    let world = World { query_ms: 1, requests_per_s: 30, back_deployed_at: NOW + 50, ..slow() };
    let (_, conclusion) = run(world.alert(), |question| match question.ask {
        Ask::SelfTime { .. } => Err(AskError::TimedOut(10)),
        _ => world.answer(question),
    });
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient, "{}", conclusion.statement);
}
