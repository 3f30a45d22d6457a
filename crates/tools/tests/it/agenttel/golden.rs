//! The line shapes of AgentTel's document with its arithmetic put right, and the JSON beside them.

use serde_json::{Value, json};
use tools::{Reply, Role};

use super::planted::{self, PAY, Planted};
use crate::memory::call;

async fn reply(planted: Planted, tool: &str, arguments: Value) -> Reply {
    let context = planted.context(Role::Admin);
    call(&context, "agenttel", tool, arguments).await.unwrap_or_else(|error| panic!("{tool}: {error}"))
}

/// The text without its hints.
fn text(reply: &Reply) -> &str {
    reply.text.split("\nnext: ").next().unwrap_or_default()
}

// covers: AG-10, AG-23
#[tokio::test]
async fn service_health_has_the_shape_of_the_document() {
    let reply = reply(planted::trouble(), "get_service_health", json!({})).await;
    // 312 ms are 6.9 times 45 ms: critical and not elevated. The burn is that of the last hour, no consumed share.
    assert_eq!(
        text(&reply),
        "SERVICE: payment-service | STATUS: DEGRADED | 2025-01-15T14:30:00Z\n\
         OPERATIONS:\n\
         POST /api/payments: err=5.2% p50=312ms p99=1200ms [CRITICAL]\n\
         GET /api/prices: err=0.1% p50=12ms p99=45ms\n\
         DEPENDENCIES:\n\
         stripe-api: err=12.3% avg=2100ms\n\
         postgres: err=0.0% avg=8ms\n\
         SLOs:\n\
         payment-availability: budget=22.0% burn=44.4x"
    );
    assert_eq!(reply.structured["operations"][0]["baseline_source"], "declared");
    assert_eq!(reply.structured["slos"][0]["budget_left"], 0.22);
}

// covers: AG-11, AG-32, AG-34, AG-62
#[tokio::test]
async fn incident_context_has_the_sections_of_the_document_in_order_and_its_own_tables_severity() {
    let reply = reply(planted::trouble(), "get_incident_context", json!({ "operation_name": PAY })).await;
    let shown = text(&reply);
    let id = reply.structured["id"].as_str().unwrap();
    assert!(
        id.len() == 12 && id.starts_with("inc-") && id[4..].chars().all(|c| c.is_ascii_hexdigit()),
        "{id}"
    );
    // 5.2 % of a degraded service are of medium severity; the document prints HIGH.
    assert_eq!(
        shown.replace(id, "inc-ID"),
        "=== INCIDENT inc-ID ===\n\
         SEVERITY: MEDIUM\n\
         TIME: 2025-01-15T14:30:00Z\n\
         SUMMARY: POST /api/payments experiencing elevated error rate (5.2%)\n\
         ## WHAT IS HAPPENING\n\
         Operation: POST /api/payments\n\
         Error Rate: 5.2% (baseline: 0.1%)\n\
         Latency P50: 312ms (baseline: 45ms)\n\
         Baseline: declared\n\
         Anomaly Score: 1.00\n\
         Service Health: DEGRADED\n\
         Patterns: ERROR_RATE_SPIKE, LATENCY_DEGRADATION\n\
         ## WHAT CHANGED\n\
         Last Deploy: v2.1.0 at 2025-01-15T14:00:00Z\n\
         [deployment] Deployed version v2.1.0 (2025-01-15T14:00:00Z)\n\
         [feature_flag] Set rate limit to 500 rps (2025-01-15T13:45:00Z)\n\
         ## WHAT IS AFFECTED\n\
         Scope: operation_specific\n\
         User-Facing: YES\n\
         Affected Ops: POST /api/payments\n\
         Affected Deps: stripe-api\n\
         Affected Consumers: checkout-service\n\
         Owner: payments, payments-pager\n\
         ## SUGGESTED ACTIONS\n\
         Escalation: page_oncall\n\
         - [MEDIUM] rollback_deployment: Go back to what ran before v2.1.0 (NEEDS APPROVAL)\n\
         - [MEDIUM] scale_horizontally: Add instances (NEEDS APPROVAL)"
    );
    assert_eq!(reply.structured["since"], "2025-01-15T14:20:00Z", "the first bad second");
    assert_eq!(reply.next[0].arguments["pattern"], "error_rate_spike");
}

// covers: AG-11
#[tokio::test]
async fn without_a_tested_rise_there_is_no_onset_and_nothing_is_ranked_or_to_be_taken_back() {
    // The failures are as many as ever, and everything else is as it should be.
    let level = |failing: bool| {
        let requests = (0..90).map(|at| {
            let errors = if failing { 6 } else { 0 };
            (30 * (at + 1), planted::row(PAY, (100, errors), [45.0 + (at % 3) as f64, 90.0, 200.0]))
        });
        Planted { requests: requests.collect(), ..planted::trouble() }
    };
    for (failing, summary) in [(false, "shows nothing unusual"), (true, "elevated error rate (6.0%)")] {
        let found = reply(level(failing), "get_incident_context", json!({ "operation_name": PAY })).await;
        assert!(found.text.contains(summary), "{}", found.text);
        assert!(found.structured.get("since").is_none_or(Value::is_null), "{}", found.text);
        let changes = found.structured["changed"]["changes"].as_array().unwrap();
        assert!(changes.len() == 2 && changes.iter().all(|row| row["prior_score"].is_null()), "{changes:?}");
        assert!(!found.text.contains("rollback_deployment"), "{}", found.text);
        let playbook = json!({ "operation_name": PAY, "pattern": "error_rate_spike" });
        let walked = reply(level(failing), "get_playbook", playbook).await;
        assert_eq!(walked.structured["playbook"]["leads_to"], "unknown: deployed");
    }
    let later = |planted: Planted| async move {
        reply(planted, "get_incident_context", json!({ "operation_name": PAY })).await.structured["id"]
            .clone()
    };
    let shifted = Planted { shift_seconds: 60, ..level(true) };
    assert_eq!(later(level(true)).await, later(shifted).await, "the moment of asking is not in the id");
}

// covers: AG-11, AG-51
#[tokio::test]
async fn a_rollback_is_suggested_for_half_an_hour_after_a_deployment_only() {
    for (age, is_suggested) in [(2_400, true), (2_401, false), (500, false)] {
        let mut planted = planted::trouble();
        planted.changes[0].at = planted::NOW.plus_seconds(-age);
        let found = reply(planted, "get_incident_context", json!({ "operation_name": PAY })).await;
        assert_eq!(found.text.contains("rollback_deployment"), is_suggested, "{age}: {}", found.text);
    }
}

// covers: AG-15, AG-39
#[tokio::test]
async fn slo_report_has_the_shape_of_the_document_and_no_budget_left_where_none_is() {
    let reply = reply(planted::objectives(), "get_slo_report", json!({})).await;
    // 520 of 10,000 over the threshold leave nothing of one percent; exactly half of a budget is at risk. Nobody asked for
    // anything in the last hour, so that nothing burns.
    assert_eq!(
        text(&reply),
        "=== SLO REPORT ===\n\
         Generated: 2025-01-15T14:30:00Z\n\
         Total SLOs: 3\n\
         SUMMARY: 0 healthy, 1 at risk, 1 violated, 1 no data\n\
         [VIOLATED] payment-latency-p99\n\
         Target: 200ms Actual: 312ms Budget: 0.0% Requests: 10000 Failed: 520\n\
         [AT RISK] payment-availability\n\
         Target: 99.90% Actual: 99.95% Budget: 50.0% Requests: 10000 Failed: 5\n\
         [NO DATA] untouched\n\
         Target: 99.90%"
    );
    assert_eq!(reply.structured["slos"][0]["is_estimated"], true);
}

// covers: AG-16
#[tokio::test]
async fn executive_summary_has_the_shape_of_the_document() {
    let reply = reply(planted::trouble(), "get_executive_summary", json!({})).await;
    assert_eq!(
        text(&reply),
        "=== EXECUTIVE SUMMARY ===\n\
         Service: payment-service | Status: DEGRADED | 2025-01-15T14:30:00Z\n\
         STATUS: 1 operation degraded. POST /api/payments error rate elevated (5.2%).\n\
         TOP ISSUES:\n\
         1. POST /api/payments: err=5.2% (baseline 0.1%), p50=312ms (baseline 45ms)\n\
         SLO BUDGET: 0/1 healthy, 1 at risk (payment-availability: 22% remaining)\n\
         OPERATIONS: 2 tracked, 10,000 total requests"
    );
}

// covers: AG-17, C-07
#[tokio::test]
async fn trend_analysis_has_the_shape_of_the_document_for_windows_however_they_are_said() {
    let arguments = |minutes: Value| json!({ "operation_name": PAY, "window_minutes": minutes });
    let first = reply(planted::ramp(), "get_trend_analysis", json!({ "operation_name": PAY })).await;
    assert_eq!(
        text(&first),
        "=== TREND ANALYSIS: POST /api/payments ===\n\
         Window: 30 minutes | Samples: 60\n\
         LATENCY P50: 45ms \u{2192} 312ms \u{2191} RISING (+593%)\n\
         LATENCY P99: 200ms \u{2192} 1200ms \u{2191} RISING (+500%)\n\
         ERROR RATE: 0.1% \u{2192} 5.2% \u{2191} RISING (+5100%)\n\
         THROUGHPUT: 18000 rpm \u{2192} 16500 rpm \u{2193} FALLING (-8%)\n\
         ASSESSMENT: Operation is degrading. Latency and error rate are both rising."
    );
    for said in [json!("30"), json!(30), json!("now-30m")] {
        assert_eq!(reply(planted::ramp(), "get_trend_analysis", arguments(said)).await, first);
    }
    for wrong in [json!("soon"), json!(4), json!(100_000), json!("now+30m"), json!(true)] {
        let context = planted::ramp().context(Role::Observer);
        assert!(
            call(&context, "agenttel", "get_trend_analysis", arguments(wrong.clone())).await.is_err(),
            "{wrong}"
        );
    }
}

// covers: AG-18, W-12
#[tokio::test]
async fn cross_stack_context_has_the_shape_of_the_document_and_says_when_no_browser_told_anything() {
    let arguments = json!({ "operation_name": PAY });
    let found = reply(planted::with_browsers(), "get_cross_stack_context", arguments.clone()).await;
    // One user was hit in the one trace with a failed call; of how many others nobody knows, that were not looked at.
    assert_eq!(found.structured["frontend"]["affected_users"], 1);
    assert_eq!(
        text(&found),
        "=== CROSS-STACK CONTEXT: POST /api/payments ===\n\
         ## FRONTEND (User Experience)\n\
         Route: /checkout/payment\n\
         Page Load P50: 850ms (baseline: 800ms)\n\
         API Call P50: 520ms (baseline: 300ms)\n\
         Journey: checkout (step 4/5)\n\
         Funnel Health: 62% completion (baseline: 65%)\n\
         Anomalies: none\n\
         Affected Users: at least 1 (in 13 traces looked at)\n\
         ## BACKEND (payment-service)\n\
         Operation: POST /api/payments\n\
         Error Rate: 5.2% (baseline: 0.1%)\n\
         Latency P50: 312ms (baseline: 45ms)\n\
         Deviation: CRITICAL\n\
         ## SLO STATUS\n\
         payment-availability: 99.92% (target: 99.9%) budget=22.0%\n\
         ## CORRELATION\n\
         Frontend \u{2192} Backend trace linking: active\n\
         Browser trace IDs correlated with backend spans via W3C Trace Context"
    );
    let without = reply(planted::trouble(), "get_cross_stack_context", arguments).await;
    let shown = text(&without);
    assert!(
        shown.contains(
            "## FRONTEND (User Experience)\nStatus: No frontend telemetry connected\nNote: no frontend data"
        ),
        "{shown}"
    );
    assert!(shown.ends_with("trace linking: none") && without.structured["frontend"].is_null());
}

// covers: AG-19, AG-55
#[tokio::test]
async fn a_playbook_is_shown_with_how_far_the_figures_lead() {
    let found = reply(planted::trouble(), "get_playbook", json!({ "operation_name": PAY })).await;
    let shown = text(&found);
    assert!(shown.starts_with("PLAYBOOK: error-rate-spike-response - "), "{shown}");
    assert!(shown.contains("\n[roll-back] ACTION: Go back to what ran before {rollback_deployment} (NEEDS APPROVAL) \u{2192} better (yes) / escalate (no)"));
    assert!(shown.ends_with("\nNOW: deployed: yes; would act: roll-back"), "{shown}");
    let by_name = reply(planted::trouble(), "get_playbook", json!({ "pattern": "MEMORY_LEAK" })).await;
    assert!(by_name.text.starts_with("PLAYBOOK: memory-leak-response"));
    assert_eq!(by_name.structured["playbook"]["leads_to"], Value::Null);
    let none = reply(planted::trouble(), "get_playbook", json!({ "pattern": "cold_start" })).await;
    assert_eq!(none.structured["known"].as_array().map(Vec::len), Some(4));
    // Without a deployment the next question is whose errors they are: the one looked at is a timeout of a call.
    let undeployed = || Planted { changes: Vec::new(), ..planted::with_browsers() };
    let found = reply(undeployed(), "get_playbook", json!({ "operation_name": PAY })).await;
    assert!(text(&found).ends_with("\nNOW: deployed: no, origin: yes; would act: cut-off"), "{}", found.text);
    let blind = Planted { traces: Vec::new(), ..undeployed() };
    let found = reply(blind, "get_playbook", json!({ "operation_name": PAY })).await;
    assert!(text(&found).ends_with("\nNOW: deployed: no; unknown: origin"), "{}", found.text);
}

// covers: AG-21
#[tokio::test]
async fn errors_are_told_by_category_and_the_categories_sum_to_what_was_looked_at() {
    let found = reply(planted::with_browsers(), "get_error_analysis", json!({ "operation_name": PAY })).await;
    let shown = text(&found);
    assert!(shown.contains("Failed: 468 of 9000 requests (5.2%)\nLooked at: 1 failed requests"), "{shown}");
    assert!(shown.contains("\ndependency_timeout: 1 (100%)"), "{shown}");
    let counts = found.structured["categories"].as_array().unwrap();
    let sum: u64 = counts.iter().filter_map(|row| row["count"].as_u64()).sum();
    assert_eq!((Some(sum), found.is_truncated), (found.structured["looked_at"].as_u64(), true));
}
