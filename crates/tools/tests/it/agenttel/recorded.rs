//! The tools over raw signals, answered by the product's own code, against figures computed here from the same spans.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use telemetry::recorded::Tables;
use telemetry::{Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};
use tools::Role;

use crate::memory::{Memory, call};
use crate::system;

/// A repeatable sequence (Steele, Lea and Flood 2014) for requests that nobody chose.
fn noise(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)) % below
    }
}

fn entry(number: usize, operation: &str, (at_ms, ms): (i64, i64), status: StatusCode) -> Span {
    let at = |ms: i64| UnixNanos(system::BEGIN.0 + ms * 1_000_000);
    let attributes = vec![(Arc::from("service.name"), Value::Text(Arc::from("billing")))];
    Span {
        trace_id: TraceId((number as u128 + 1).to_be_bytes()),
        span_id: SpanId((number as u64 + 1).to_be_bytes()),
        parent: None,
        name: Arc::from(operation),
        kind: SpanKind::Server,
        start: at(at_ms),
        end: at(at_ms + ms),
        status,
        message: Arc::from(""),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::new(Resource::of(attributes)),
    }
}

// covers: AG-10
#[tokio::test]
async fn health_of_seeded_requests_is_what_counting_them_gives() {
    let mut draw = noise(20);
    let names = ["GET /invoice", "POST /invoice", "GET /dunning"];
    let mut expected: BTreeMap<&str, (Vec<i64>, u64)> = BTreeMap::new();
    let mut tables = Tables::default();
    for number in 0..1_500 {
        let name = names[draw(3) as usize];
        let (ms, fails) = (1 + draw(400) as i64, draw(100) < 4);
        // 15 minutes end at second 900; some requests lie before them.
        let at_ms = draw(1_100_000) as i64 - 200_000;
        if (0..900_000).contains(&((at_ms + ms).div_euclid(1_000) * 1_000)) {
            let (durations, failed) = expected.entry(name).or_default();
            durations.push(ms);
            *failed += u64::from(fails);
        }
        let status = if fails { StatusCode::Error } else { StatusCode::Unset };
        tables.spans.push(entry(number, name, (at_ms, ms), status));
    }
    let context = Memory::new(tables, system::BEGIN.plus_seconds(900)).context(Role::Observer);
    let reply = call(&context, "agenttel", "get_service_health", json!({})).await.expect("an answer");
    assert_eq!(
        (reply.structured["service"].as_str(), reply.structured["operations_total"].as_u64()),
        (Some("billing"), Some(3))
    );
    for row in reply.structured["operations"].as_array().expect("rows") {
        let (mut durations, failed) = expected[row["operation"].as_str().expect("a name")].clone();
        durations.sort_unstable();
        let rank =
            |share: f64| durations[((share * durations.len() as f64).ceil() as usize).max(1) - 1] as f64;
        assert_eq!(row["requests"].as_u64(), Some(durations.len() as u64));
        let rate = failed as f64 / durations.len() as f64;
        assert!((row["failure_rate"].as_f64().expect("a rate") - rate).abs() < 1e-8, "{row}");
        assert_eq!((row["p50_ms"].as_f64(), row["p99_ms"].as_f64()), (Some(rank(0.5)), Some(rank(0.99))));
    }
}

// covers: AG-18, W-12
#[tokio::test]
async fn a_browser_that_only_its_resource_tells_is_seen_through_the_whole_way() {
    let web = ["service.name", "telemetry.sdk.language"].into_iter().zip(["page", "webjs"]);
    let web: Vec<_> = web.map(|(key, value)| (Arc::from(key), Value::Text(Arc::from(value)))).collect();
    let web = Arc::new(Resource::of(web));
    let mut tables = Tables::default();
    for number in 0..20 {
        let trace = entry(number, "POST /invoice", (number as i64 * 1_000 + 50, 40), StatusCode::Error);
        let text = |key: &str, value: String| (Arc::<str>::from(key), Value::Text(Arc::from(value)));
        let browser = |id: u64, parent: Option<u64>, name: &str, kind, ms: i64| Span {
            span_id: SpanId((id * 1_000 + number as u64).to_be_bytes()),
            parent: parent.map(|id| SpanId((id * 1_000 + number as u64).to_be_bytes())),
            name: Arc::from(name),
            kind,
            start: UnixNanos(trace.start.0 - 10_000_000),
            end: UnixNanos(trace.start.0 + ms * 1_000_000),
            status: StatusCode::Unset,
            attributes: vec![
                text("session.id", format!("s{}", number % 5)),
                text("url.full", "https://shop.example/pay?x=1".to_owned()),
            ],
            resource: Arc::clone(&web),
            ..trace.clone()
        };
        let (page, click) = (
            browser(7, None, "documentLoad", SpanKind::Internal, 790),
            browser(8, Some(7), "HTTP POST", SpanKind::Client, 60),
        );
        let mut served = trace.clone();
        served.parent = Some(click.span_id);
        tables.spans.extend([page, click, served]);
    }
    let context = Memory::new(tables, system::BEGIN.plus_seconds(60)).context(Role::Observer);
    let asked = json!({ "operation_name": "POST /invoice" });
    let reply = call(&context, "agenttel", "get_cross_stack_context", asked).await.expect("an answer");
    let frontend = &reply.structured["frontend"];
    assert_eq!(frontend["route"], "/pay", "{}", reply.text);
    assert_eq!(
        (frontend["page_load_p50_ms"].as_f64(), frontend["api_call_p50_ms"].as_f64()),
        (Some(800.0), Some(70.0))
    );
    assert_eq!(frontend["affected_users"], 5);
}
