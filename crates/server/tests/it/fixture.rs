//! A report with everything in it, and one with nothing.
//!
//! Figures are made up and do not agree with each other beyond what the page shows side by side.

use std::collections::BTreeMap;

use incident::hypothesis::HypothesisStatus;
use incident::report::{Call, Point, SCHEMA, Series, StageTime, VerificationSummary};
use incident::verification::ArmFigures;
use incident::*;
use telemetry::answer::{ChangeKind, ChangeRow, Subject, TraceRow};
use telemetry::number::Num;
use telemetry::{
    QuestionId, SourceName, Space, SpanId, SpanKind, Stage, StatusCode, TraceId, UnixNanos, Window,
};

/// The first second of the fixture's data.
pub(crate) const START: UnixNanos = UnixNanos(1_750_000_000_000_000_000);
const ONSET: i64 = 140;
const READY: [i64; 2] = [290, 350];
const END: i64 = 420;

pub(crate) fn at(seconds: i64) -> UnixNanos {
    START.plus_seconds(seconds)
}

fn num(value: f64) -> Num {
    Num::new(value)
}

fn window(from: i64, to: i64) -> Window {
    Window::new(at(from), at(to))
}

/// A value between 0 and 1 that looks like chance and is none.
fn wobble(seed: i64) -> f64 {
    ((seed as f64 * 12.9898).sin() * 43_758.545).fract().abs()
}

/// A report of nothing but an alert.
pub(crate) fn empty() -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        incident: String::new(),
        space: Space::default(),
        opened_at: UnixNanos(0),
        closed_at: UnixNanos(0),
        headline: String::new(),
        conclusion: incident::ConclusionKind::Insufficient,
        root_cause: None,
        diagnosis: Conclusion {
            schema: incident::conclusion::SCHEMA.to_owned(),
            kind: ConclusionKind::Insufficient,
            statement: String::new(),
            root_cause: None,
            further_causes: Vec::new(),
            onset: None,
            symptoms: Vec::new(),
            hypotheses: Vec::new(),
            ruled_out: Vec::new(),
            gaps: Vec::new(),
            confidence: None,
            evidence: Vec::new(),
        },
        verification: None,
        resolution: None,
        stages: Vec::new(),
        series: Vec::new(),
        changes: Vec::new(),
        service_map: Vec::new(),
        bad_trace: None,
        good_trace: None,
        engine_ms: Num::default(),
        journal_head: String::new(),
    }
}

/// A report of a deploy that made a query slow, and of its repair.
pub(crate) fn rich() -> Report {
    let difference =
        Interval { estimate: num(-771.4), low: num(-792.0), high: num(-748.2), level: num(0.95) };
    let relative = Interval { estimate: num(-0.949), low: num(-0.971), high: num(-0.921), level: num(0.95) };
    Report {
        incident: "0197b2c4-7a10-7c3e-9d51-2f1be0a7c601".to_owned(),
        opened_at: at(180),
        closed_at: at(END),
        headline: "slow_query in orders; fix effective".to_owned(),
        conclusion: incident::ConclusionKind::RootCause,
        root_cause: conclusion().root_cause,
        diagnosis: conclusion(),
        verification: Some(VerificationSummary {
            verdict: Verdict::Effective,
            difference_ms: Some(difference),
            relative: Some(relative),
            instances_fixed: 2,
            instances_proposed: 2,
        }),
        resolution: Some(resolution(difference, relative)),
        stages: stages(),
        series: (0..2).map(series).collect(),
        changes: changes(),
        service_map: service_map(),
        bad_trace: Some(trace(812.0)),
        good_trace: Some(trace(9.0)),
        engine_ms: num(183.2),
        journal_head: "7f3c0d1e".repeat(8),
        ..empty()
    }
}

fn series(instance: i64) -> Series {
    let ready = READY[instance as usize];
    let point = |second: i64| {
        let is_slow = second >= ONSET && second < ready;
        let base = if is_slow {
            690.0 + 160.0 * wobble(second * 7 + instance)
        } else {
            34.0 + 14.0 * wobble(second + instance)
        };
        Point {
            second: at(second),
            count: 40,
            errors: 0,
            p50_ms: num(base),
            p95_ms: num(base * (1.25 + 0.5 * wobble(second * 3 + instance))),
        }
    };
    // The instance is away while it restarts.
    let seconds = (0..END).filter(|second| !(ready - 14..ready).contains(second));
    Series {
        service: "orders".to_owned(),
        operation: "GET /orders/{id}".to_owned(),
        instance: format!("orders-{}", instance + 1),
        points: seconds.map(point).collect(),
    }
}

pub(crate) fn change(
    second: i64,
    kind: ChangeKind,
    service: &str,
    instance: &str,
    versions: (&str, &str),
) -> ChangeRow {
    ChangeRow {
        at: at(second),
        kind,
        service: service.to_owned(),
        instance: instance.to_owned(),
        before: versions.0.to_owned(),
        after: versions.1.to_owned(),
        detail: None,
    }
}

fn changes() -> Vec<ChangeRow> {
    vec![
        change(-2400, ChangeKind::Deploy, "catalog", "catalog-1", ("3.0.9", "3.1.0")),
        change(96, ChangeKind::Deploy, "gateway", "gateway-1", ("5.1.0", "5.2.0")),
        change(128, ChangeKind::Restart, "payments", "payments-2", ("1.9.3", "1.9.3")),
        change(133, ChangeKind::Deploy, "orders", "orders-1", ("2.3.7", "2.4.0")),
        change(138, ChangeKind::Deploy, "orders", "orders-2", ("2.3.7", "2.4.0")),
        change(212, ChangeKind::InstanceAdded, "gateway", "gateway-3", ("", "5.2.0")),
    ]
}

fn fact(id: &str, kind: EvidenceKind, statement: &str, numbers: &[(&str, f64)]) -> Evidence {
    Evidence {
        id: EvidenceId(id.to_owned()),
        kind,
        statement: statement.to_owned(),
        numbers: numbers.iter().map(|(name, value)| ((*name).to_owned(), num(*value))).collect(),
        questions: vec![QuestionId::numbered(2), QuestionId::numbered(5)],
        source: SourceName("store".to_owned()),
        window: Some(window(140, 180)),
        trace: (kind == EvidenceKind::ExemplarTrace).then_some(TraceId([0x4b; 16])),
        locators: Vec::new(),
    }
}

fn evidence() -> Vec<Evidence> {
    vec![
        fact(
            "ev_0a1b2c3d4e5f",
            EvidenceKind::ChangePoint,
            "the median of GET /orders/{id} in orders rises at 15:08:59",
            &[("before_p50_ms", 41.2), ("after_p50_ms", 771.9), ("onset_width_ms", 2000.0)],
        ),
        fact(
            "ev_1b2c3d4e5f60",
            EvidenceKind::ExclusiveLatency,
            "SELECT orders takes 755 ms more per call and explains 96 % of the excess",
            &[("excess_ms", 755.1), ("share_of_excess", 0.9612), ("p_value", 0.000_01)],
        ),
        fact(
            "ev_2c3d4e5f6071",
            EvidenceKind::Change,
            "orders 2.4.0 took effect 7.0 s before the onset",
            &[("before_onset_ms", 7000.0)],
        ),
        fact(
            "ev_3d4e5f607182",
            EvidenceKind::Load,
            "requests rose by 3 %",
            &[("before_per_minute", 2331.0), ("after_per_minute", 2402.5)],
        ),
        fact(
            "ev_4e5f60718293",
            EvidenceKind::ExemplarTrace,
            "a request of 812 ms spends 764 ms in SELECT orders",
            &[],
        ),
    ]
}

fn factor(statement: &str) -> Factor {
    Factor { role: FactorRole::Sustaining, statement: statement.to_owned(), evidence: Vec::new() }
}

fn cause() -> RootCause {
    RootCause {
        component: incident::ComponentKind::Service,
        seen_from: Vec::new(),
        service: "orders".to_owned(),
        instances: vec!["orders-1".to_owned(), "orders-2".to_owned()],
        operation: "GET /orders/{id}".to_owned(),
        span: "SELECT orders".to_owned(),
        resource: "SELECT orders".to_owned(),
        fault: Fault::SlowQuery,
        statement: "The query SELECT orders of orders takes 764 ms per call instead of 6.1 ms.".to_owned(),
        trigger: Some(Trigger {
            change: change(133, ChangeKind::Deploy, "orders", "orders-1", ("2.3.7", "2.4.0")),
            before_onset_ns: 7_000_000_000,
        }),
        factors: vec![factor("gateway repeats its calls of orders while they fail")],
        evidence: ["ev_0a1b2c3d4e5f", "ev_1b2c3d4e5f60", "ev_2c3d4e5f6071"]
            .map(|id| EvidenceId(id.into()))
            .into(),
    }
}

fn conclusion() -> Conclusion {
    Conclusion {
        kind: ConclusionKind::RootCause,
        statement: "Requests to orders are slow because SELECT orders is slow since the deploy of 2.4.0."
            .to_owned(),
        root_cause: Some(cause()),
        further_causes: Vec::new(),
        onset: Some(Onset { at: at(ONSET), earliest: at(ONSET - 1), latest: at(ONSET + 2) }),
        symptoms: vec![
            symptom("gateway", "GET /checkout", AlertSignal::Latency, (61.0, 866.0)),
            symptom("gateway", "GET /checkout", AlertSignal::Errors, (0.001, 0.034)),
        ],
        hypotheses: hypotheses(),
        ruled_out: vec![
            ruled(
                CandidateKind::Change,
                "gateway",
                "deploy of 5.2.0",
                "gateway's own work did not change: +0.3 ms of 771 ms",
            ),
            ruled(
                CandidateKind::Load,
                "",
                "more traffic",
                "requests rose by 3 %, far from what would slow anything",
            ),
            ruled(
                CandidateKind::Edge,
                "gateway",
                "gateway -> orders",
                "the way between them did not change: 0.4 ms before, 0.5 ms after",
            ),
        ],
        gaps: vec![Gap {
            missing: "spans of the database itself".to_owned(),
            could_change: "whether the query waits for a lock or for the disk".to_owned(),
        }],
        confidence: None,
        evidence: evidence(),
        ..empty().diagnosis
    }
}

pub(crate) fn symptom(service: &str, operation: &str, signal: AlertSignal, values: (f64, f64)) -> Symptom {
    let measured = |value| Measured { count: 2400, seconds: 60, value: num(value) };
    Symptom {
        service: service.to_owned(),
        operation: operation.to_owned(),
        signal,
        baseline: measured(values.0),
        observed: measured(values.1),
        baseline_window: window(0, 120),
        observed_window: window(145, 180),
        q_value: num(0.000_004),
    }
}

fn ruled(kind: CandidateKind, service: &str, name: &str, why: &str) -> RuledOut {
    RuledOut {
        candidate: Candidate { kind, service: service.to_owned(), name: name.to_owned() },
        rule: "change_without_effect".to_owned(),
        why: why.to_owned(),
        numbers: BTreeMap::from([("before_ms".to_owned(), num(12.04)), ("after_ms".to_owned(), num(12.34))]),
        evidence: vec![EvidenceId("ev_3d4e5f607182".to_owned()), EvidenceId("ev_ffffffffffff".to_owned())],
    }
}

fn hypotheses() -> Vec<Hypothesis> {
    let prediction = |statement: &str, outcome| Prediction { statement: statement.to_owned(), outcome };
    let one = |kind, name: &str, status, score, outcomes: [PredictionOutcome; 3]| Hypothesis {
        candidate: Candidate { kind, service: "orders".to_owned(), name: name.to_owned() },
        statement: format!("{name} takes longer per call and explains {:.0} % of the excess", score * 100.0),
        predictions: vec![
            prediction("its exclusive time rises at the onset", outcomes[0]),
            prediction("the rest of the request does not get slower", outcomes[1]),
            prediction("spans of the new version are slower than spans of the old one", outcomes[2]),
        ],
        status,
        score: num(score),
        evidence: vec![EvidenceId("ev_1b2c3d4e5f60".to_owned())],
    };
    use PredictionOutcome::{Failed, Held, Unknown};
    vec![
        one(
            CandidateKind::Resource,
            "SELECT orders",
            HypothesisStatus::Supported,
            0.961,
            [Held, Held, Unknown],
        ),
        one(
            CandidateKind::Service,
            "render invoice",
            HypothesisStatus::Inconclusive,
            0.021,
            [Failed, Unknown, Unknown],
        ),
        one(CandidateKind::Service, "parse request", HypothesisStatus::Refuted, 0.0, [Failed, Held, Held]),
    ]
}

fn stages() -> Vec<StageTime> {
    let note = |stage| match stage {
        Stage::Detect => "GET /checkout of gateway: 61 ms before, 866 ms now, q 4e-6",
        Stage::Investigate => "exclusive time rises in SELECT orders alone",
        Stage::Correlate => "3 changes before the onset, 1 on the way of the slow requests",
        Stage::Synthesize => "cause: SELECT orders in orders, set off by the deploy of 2.4.0",
        Stage::Fix => "restart_with_override on orders-1, then on orders-2",
        Stage::Apply => "orders-1 was ready after 14.0 s",
        Stage::Verify => "orders-1 improved by 95 %, orders-2 did not change",
    };
    let starts = [140, 180, 181, 182, 183, 184, 290];
    let ends = [180, 181, 182, 183, 184, 350, 420];
    Stage::ALL
        .iter()
        .zip(starts.iter().zip(ends))
        .map(|(stage, (from, to))| StageTime {
            stage: *stage,
            began_at: at(*from),
            ended_at: at(to),
            has_failed: false,
            notes: vec![note(*stage).to_owned(), "nothing else was slow".to_owned()],
        })
        .collect()
}

pub(crate) fn call(caller: &str, callee: &str, is_instrumented: bool, means: (f64, f64)) -> Call {
    Call {
        caller: caller.to_owned(),
        callee: callee.to_owned(),
        is_instrumented,
        count: 1402,
        errors: 3,
        mean_ms: num(means.0),
        good_mean_ms: num(means.1),
    }
}

fn service_map() -> Vec<Call> {
    vec![
        call("gateway", "orders", true, (786.2, 44.1)),
        call("gateway", "catalog", true, (12.4, 12.1)),
        call("gateway", "payments", true, (31.0, 30.2)),
        call("orders", "inventory", true, (5.2, 5.3)),
        call("orders", "sqlite orders", false, (764.0, 6.1)),
        call("catalog", "inventory", true, (4.9, 5.0)),
        call("payments", "bank.example", false, (22.0, 21.4)),
        call("inventory", "catalog", true, (2.0, 0.0)),
        call("gateway", "inventory", true, (6.0, 6.2)),
    ]
}

/// A request whose query takes `query_ms`.
pub(crate) fn trace(query_ms: f64) -> Vec<TraceRow> {
    let total = query_ms + 40.0;
    let mut rows = Vec::new();
    let mut span = |id: u8, parent: Option<u8>, who: (&str, &str), kind, times: (f64, f64, f64)| {
        let (start_ms, length_ms, own_ms) = times;
        rows.push(TraceRow {
            span_id: SpanId([id; 8]),
            parent: parent.map(|parent| SpanId([parent; 8])),
            subject: Subject {
                service: who.0.to_owned(),
                operation: who.1.to_owned(),
                instance: format!("{}-1", who.0),
                version: "2.4.0".to_owned(),
            },
            kind,
            start: UnixNanos(at(150).0 + (start_ms * 1e6) as i64),
            duration_ns: (length_ms * 1e6) as i64,
            exclusive_ns: (own_ms * 1e6) as i64,
            edge_delay_ns: (kind == SpanKind::Client && own_ms == 0.0).then_some(600_000),
            status: if id == 9 { StatusCode::Error } else { StatusCode::Unset },
            attributes: vec![
                ("http.request.method".to_owned(), "GET".to_owned()),
                ("db.query.text".to_owned(), "SELECT * FROM orders WHERE customer = ?".to_owned()),
            ],
        });
    };
    span(1, None, ("gateway", "GET /checkout"), SpanKind::Server, (0.0, total, 5.2));
    span(2, Some(1), ("gateway", "GET catalog"), SpanKind::Client, (1.0, 12.0, 0.0));
    span(3, Some(2), ("catalog", "GET /items"), SpanKind::Server, (1.3, 11.4, 11.4));
    span(4, Some(1), ("gateway", "GET orders"), SpanKind::Client, (14.0, query_ms + 22.0, 0.0));
    span(5, Some(4), ("orders", "GET /orders/{id}"), SpanKind::Server, (14.3, query_ms + 21.4, 8.9));
    span(6, Some(5), ("orders", "parse request"), SpanKind::Internal, (14.6, 1.2, 1.2));
    span(7, Some(5), ("orders", "SELECT orders"), SpanKind::Client, (17.0, query_ms - 2.0, query_ms - 2.0));
    span(8, Some(5), ("orders", "render invoice"), SpanKind::Internal, (query_ms + 17.0, 9.0, 9.0));
    span(9, Some(1), ("gateway", "write audit line"), SpanKind::Internal, (total - 3.0, 2.5, 2.5));
    rows
}

fn resolution(difference: Interval, relative: Interval) -> Resolution {
    let actions: Vec<Action> = ["orders-1", "orders-2"].into_iter().map(action).collect();
    let approval = |action: &Action| ApprovalRecord {
        action_digest: action.digest().expect("actions are text"),
        principal: "terminal".to_owned(),
        is_granted: true,
        comment: "go ahead".to_owned(),
    };
    let approvals = actions.iter().map(approval).collect();
    let trial = |index: usize| {
        let treated = format!("orders-{}", index + 1);
        let ready = READY[index];
        let figures = |p50: f64| ArmFigures {
            count: 1200,
            errors: 2,
            seconds: 30,
            mean_ms: num(p50 * 1.08),
            p50_ms: num(p50),
            p95_ms: num(p50 * 1.4),
        };
        VerificationRecord {
            trial: Trial {
                space: Space::default(),
                service: "orders".to_owned(),
                operation: "GET /orders/{id}".to_owned(),
                treated,
                controls: vec![format!("orders-{}", 2 - index)],
                before: window(ready - 60, ready - 14),
                ready_at: at(ready),
                healthy_p50_ns: 41_200_000,
            },
            verdict: if index == 0 { Verdict::Effective } else { Verdict::Inconclusive },
            statement: "The treated instance is 95 % faster and its sibling is as slow as before.".to_owned(),
            after: window(ready + 5, ready + 50),
            treated_before: figures(771.0),
            treated_after: figures(41.0),
            control_before: figures(774.0),
            control_after: figures(781.0),
            difference_ms: (index == 0).then_some(difference),
            relative: (index == 0).then_some(relative),
            improvement_percent: num(94.7),
        }
    };
    Resolution {
        service: "orders".to_owned(),
        profile: Some("slow_query".to_owned()),
        actions,
        approvals,
        verifications: vec![trial(0), trial(1)],
        was_undone: false,
        failed: None,
        not_undone: None,
    }
}

fn action(instance: &str) -> Action {
    Action {
        spec: "restart_with_override".to_owned(),
        profile: "slow_query".to_owned(),
        service: "orders".to_owned(),
        instance: instance.to_owned(),
        set: [("ORDERS_USE_INDEX", "on"), ("ORDERS_SCAN", "")]
            .map(|(key, on)| (key.into(), on.into()))
            .into(),
        is_reversible: true,
        rationale: "the fix for a cause of kind `slow_query`".to_owned(),
    }
}
