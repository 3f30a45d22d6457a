//! Browser spans give real figures, and without them there is no answer.

use telemetry::answer::Subject;
use telemetry::{SpanKind, UnixNanos};

use super::*;
use crate::health::planted::subject;

struct Planted {
    rows: Vec<TraceRow>,
}

impl Planted {
    fn span(&mut self, name: &str, parent: Option<u8>, attributes: &[(&str, &str)]) -> &mut TraceRow {
        let id = self.rows.len() as u8 + 1;
        self.rows.push(TraceRow {
            span_id: SpanId([id; 8]),
            parent: parent.map(|id| SpanId([id; 8])),
            subject: Subject { operation: name.into(), ..subject("browser-app", name) },
            kind: SpanKind::Internal,
            start: UnixNanos(i64::from(id) * 1_000_000_000),
            duration_ns: 1_000_000,
            exclusive_ns: 0,
            edge_delay_ns: None,
            status: StatusCode::Unset,
            attributes: attributes.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        });
        self.rows.last_mut().unwrap()
    }
}

const WEB: (&str, &str) = ("telemetry.sdk.language", "webjs");

/// A page load, a call on it, the service's entry span, by plain OpenTelemetry.
fn plain(user: &str, page_ms: i64, call_ms: i64, status: StatusCode) -> Vec<TraceRow> {
    let mut planted = Planted { rows: Vec::new() };
    planted
        .span(
            "documentLoad",
            None,
            &[WEB, ("url.full", "https://shop.example/buy/pay?id=7#x"), ("session.id", user)],
        )
        .duration_ns = page_ms * 1_000_000;
    let call =
        planted.span("HTTP POST", Some(1), &[WEB, ("session.id", user), ("url.full", "https://api/pay")]);
    (call.kind, call.duration_ns) = (SpanKind::Client, call_ms * 1_000_000);
    let entry = planted.span("POST /pay", Some(2), &[]);
    (entry.kind, entry.status, entry.subject) = (SpanKind::Server, status, subject("a", "POST /pay"));
    planted.rows
}

fn looked<'a>(traces: &'a [Vec<TraceRow>], before: &'a [Vec<TraceRow>]) -> Looked<'a> {
    Looked { service: "a", operation: "POST /pay", traces, before }
}

// covers: AG-18, W-12
#[test]
fn plain_browser_spans_give_page_call_and_users() {
    let before = vec![plain("u1", 800, 300, StatusCode::Ok); 3];
    let traces = [
        plain("u1", 850, 520, StatusCode::Error),
        plain("u2", 1_700, 700, StatusCode::Ok),
        plain("u3", 850, 310, StatusCode::Ok),
    ];
    let found = of(&looked(&traces, &before)).unwrap();
    assert_eq!((found.route.as_str(), found.linked_traces), ("/buy/pay", 3));
    assert_eq!(found.page_load_ms, Compared { now: Some(850.0), usual: Some(800.0) });
    assert_eq!(found.api_call_ms, Compared { now: Some(520.0), usual: Some(300.0) });
    assert_eq!(
        found.users,
        Users { seen: 3, hit: 2, hit_traces: 2 },
        "one failed, one took more than twice as long"
    );
    assert!(found.journey.is_none() && found.anomalies.is_empty());
}

// covers: AG-18, W-12
#[test]
fn without_browser_spans_there_is_no_answer() {
    let mut server_only = plain("u1", 1, 1, StatusCode::Ok);
    for row in &mut server_only {
        row.attributes.clear();
    }
    assert_eq!(of(&looked(&[server_only], &[])), None);
    assert_eq!(of(&looked(&[], &[])), None);
    let elsewhere = [plain("u1", 1, 1, StatusCode::Ok)];
    let other = Looked { operation: "GET /other", ..looked(&elsewhere, &[]) };
    assert_eq!(of(&other), None, "a browser that does not call the operation says nothing of it");
}

/// A visit by the attributes of AgentTel's browser library: five steps, of which the fourth pays.
fn journey(user: &str, came_to: u64, page_ms: i64) -> Vec<TraceRow> {
    let mut planted = Planted { rows: Vec::new() };
    for step in 1..=came_to {
        let (step_text, began) = (step.to_string(), format!("{user}-began"));
        let attributes = [
            ("agenttel.client.page.route", if step == 4 { "/checkout/payment" } else { "/other" }),
            ("agenttel.client.journey.name", "checkout"),
            ("agenttel.client.journey.step", step_text.as_str()),
            ("agenttel.client.journey.total_steps", "5"),
            ("agenttel.client.journey.started_at", began.as_str()),
            ("agenttel.client.baseline.page_load_p50_ms", "800"),
            ("agenttel.client.baseline.api_call_p50_ms", "300"),
            ("user.id", user),
        ];
        planted.span("page_load /x", None, &attributes).duration_ns = page_ms * 1_000_000;
        if step == 4 {
            let call = planted.span("fetch POST /pay", Some(step as u8), &attributes);
            (call.kind, call.duration_ns) = (SpanKind::Client, 520_000_000);
            let entry = planted.span("POST /pay", Some(step as u8 + 1), &[]);
            (entry.kind, entry.subject) = (SpanKind::Server, subject("a", "POST /pay"));
        }
    }
    planted.rows
}

// covers: AG-18, AG-65
#[test]
fn a_journey_has_its_step_and_its_completion_and_declared_values_are_the_usual_ones() {
    let traces: Vec<_> =
        (0..10).map(|at| journey(&format!("u{at}"), if at < 4 { 5 } else { 4 }, 1_700)).collect();
    let before: Vec<_> =
        (0..10).map(|at| journey(&format!("v{at}"), if at < 9 { 5 } else { 4 }, 800)).collect();
    let found = of(&looked(&traces, &before)).unwrap();
    let figures = found.journey.unwrap();
    assert_eq!((figures.name.as_str(), figures.step, figures.steps, figures.seen), ("checkout", 4, 5, 10));
    assert_eq!(figures.completion, Compared { now: Some(0.4), usual: Some(0.9) });
    assert_eq!((found.route.as_str(), found.page_load_ms.usual), ("/checkout/payment", Some(800.0)));
    assert_eq!(found.api_call_ms, Compared { now: Some(520.0), usual: Some(300.0) });
    assert_eq!(found.anomalies, ["funnel_drop_off", "slow_page_load"]);
    let cut: Vec<_> = (0..10).map(|at| journey(&format!("u{at}"), 4, 800)).collect();
    let figures = of(&looked(&cut, &cut)).unwrap().journey.unwrap();
    assert_eq!(figures.completion, Compared::default(), "no trace goes on: nobody can be seen to end");
    let figures = of(&looked(&cut, &before)).unwrap().journey.unwrap();
    assert_eq!(figures.completion, Compared { now: Some(0.0), usual: Some(0.9) });
    let calm = of(&looked(&before, &before)).unwrap();
    assert!(calm.anomalies.is_empty(), "{:?}", calm.anomalies);
}

/// Extra spans of one user at given milliseconds.
fn with_extra(name: &str, is_failed: bool, kind: SpanKind, at_ms: &[i64]) -> Vec<&'static str> {
    let mut planted = Planted { rows: plain("u1", 1, 1, StatusCode::Ok) };
    for (place, ms) in at_ms.iter().enumerate() {
        let user = if place < 10 { "u1" } else { "u2" };
        let row = planted.span(name, Some(1), &[WEB, ("session.id", user), ("target_element", "BUTTON")]);
        (row.kind, row.start) = (kind, UnixNanos(ms * 1_000_000));
        row.status = if is_failed { StatusCode::Error } else { StatusCode::Unset };
    }
    of(&looked(&[planted.rows], &[])).unwrap().anomalies
}

// covers: AG-65, C-12
#[test]
fn rage_clicks_failure_cascades_and_error_loops_are_found_at_their_bounds() {
    let clicks = |at_ms: &[i64]| with_extra("click", false, SpanKind::Internal, at_ms);
    assert_eq!(clicks(&[0, 900, 2_000]), ["rage_click"]);
    assert!(clicks(&[0, 900, 2_001]).is_empty() && clicks(&[0, 900]).is_empty());
    let calls = |at_ms: &[i64]| with_extra("HTTP GET", true, SpanKind::Client, at_ms);
    assert_eq!(calls(&[0, 2_000, 5_000]), ["api_failure_cascade"]);
    assert!(calls(&[0, 2_000, 5_001]).is_empty());
    let errors = |at_ms: &[i64]| with_extra("error", true, SpanKind::Internal, at_ms);
    assert_eq!(errors(&[0, 5_000, 10_000, 20_000, 30_000]), ["error_loop"]);
    assert!(errors(&[0, 5_000, 10_000, 20_000, 30_001]).is_empty());
}
