//! However much or little there is: budgets, empty installations, names that are not known, roles.

use serde_json::{Value, json};
use tools::{Role, ToolError, budget};

use super::planted::{self, PAY, Planted, row};
use crate::memory::{Memory, call, tools_of};

// covers: AG-10, AG-11, AG-16, W-11
#[tokio::test]
async fn five_hundred_operations_stay_within_every_budget() {
    let mut planted = planted::with_browsers();
    for at in 0..500_u64 {
        let name = format!("GET /api/resource/number/{at}/of/many");
        planted.requests.push((500, row(&name, (200, 20 + at % 30), [20.0, 50.0, 100.0])));
    }
    let context = planted.context(Role::Admin);
    for (tool, arguments, tokens) in [
        ("get_service_health", json!({}), 200),
        ("get_service_health", json!({ "format": "json" }), 200),
        ("get_incident_context", json!({ "operation_name": PAY }), 800),
        ("get_incident_context", json!({ "operation_name": PAY, "format": "json" }), 800),
        ("get_executive_summary", json!({}), 300),
        ("get_trend_analysis", json!({ "operation_name": PAY }), 300),
        ("get_cross_stack_context", json!({ "operation_name": PAY }), 800),
        ("get_slo_report", json!({}), 800),
    ] {
        let reply = call(&context, "agenttel", tool, arguments).await.expect(tool);
        let used = budget::tokens(&reply.text);
        assert!(used <= tokens, "{tool}: {used} of {tokens} tokens\n{}", reply.text);
        assert!(!reply.text.contains("(cut)"), "{tool} is shortened, not cut: {}", reply.text);
        if tool == "get_service_health" {
            assert!(reply.is_truncated && reply.structured["operations_total"] == 502, "{}", reply.text);
        }
    }
}

fn least(name: &str) -> Value {
    match name {
        "execute_remediation" => json!({ "action_name": "restart", "reason": "why" }),
        "verify_remediation_effect" => json!({ "action_name": "restart" }),
        "create_session" => json!({ "incident_id": "inc_1" }),
        "get_service_health"
        | "get_slo_report"
        | "get_executive_summary"
        | "get_playbook"
        | "get_recent_agent_actions" => json!({}),
        _ => json!({ "operation_name": "GET /anything" }),
    }
}

// covers: EL-39
#[tokio::test]
async fn an_empty_installation_gives_a_valid_empty_answer() {
    let context = Planted::default().context(Role::Admin);
    for tool in tools_of("agenttel") {
        let name = tool.about().name.clone();
        if matches!(name.as_str(), "execute_remediation" | "add_session_entry" | "get_session") {
            continue;
        }
        let reply =
            call(&context, "agenttel", &name, least(&name)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!reply.text.is_empty() && reply.structured.is_object(), "{name}");
    }
    let health = call(&context, "agenttel", "get_service_health", json!({})).await.expect("an answer");
    assert!(health.text.starts_with("SERVICE: none | STATUS: UNKNOWN |"), "{}", health.text);
}

// covers: AG-11
#[tokio::test]
async fn names_that_are_not_known_meet_the_nearest_ones() {
    let context = planted::trouble().context(Role::Admin);
    for (tool, arguments, near) in [
        ("get_incident_context", json!({ "operation_name": "POST /api/payment" }), PAY),
        ("get_trend_analysis", json!({ "operation_name": "POST payments" }), PAY),
        ("get_error_analysis", json!({ "operation_name": "POST /api/payment" }), PAY),
        ("get_cross_stack_context", json!({ "operation_name": "POST /api/payment" }), PAY),
        ("list_remediation_actions", json!({ "operation_name": "POST /api/payment" }), PAY),
        ("get_service_health", json!({ "service": "payments-service" }), "payment-service"),
        ("get_slo_report", json!({ "service": "payments-service" }), "payment-service"),
        ("get_playbook", json!({ "pattern": "memory_leek" }), "memory_leak"),
    ] {
        let error = call(&context, "agenttel", tool, arguments).await.expect_err(tool);
        assert!(error.to_string().contains(&format!("nearest: {near}")), "{tool}: {error}");
    }
}

// covers: AG-04, C-09
#[tokio::test]
async fn each_role_may_what_the_matrix_says_and_nothing_else() {
    let needs = |tool: &str| match tool {
        "create_session" | "add_session_entry" | "verify_remediation_effect" => 1,
        "execute_remediation" | "list_remediation_actions" => 2,
        _ => 0,
    };
    let operator = Role::named("operator").expect("the older name");
    for (role, may) in [
        (Role::Observer, 0),
        (Role::Diagnostician, 1),
        (Role::Remediator, 2),
        (operator, 2),
        (Role::Admin, 2),
    ] {
        let context = planted::trouble().context(role);
        let mut seen = 0;
        for tool in tools_of("agenttel") {
            let name = tool.about().name.clone();
            let refused = matches!(
                call(&context, "agenttel", &name, least(&name)).await,
                Err(ToolError::NotAllowed { .. })
            );
            assert_eq!(refused, needs(&name) > may, "{name} for {}", role.name());
            seen += 1;
        }
        assert_eq!(seen, 15);
    }
}

/// Two spells of requests to orders, one a second: of 10 minutes that end with a slow one, and of 15 that end with 10.
fn spells() -> Vec<crate::system::Request> {
    let spell = |start: i64, seconds: i64, slow_from: i64| {
        (0..seconds).map(move |n| crate::system::Request {
            at_ms: (start + n) * 1_000,
            query_ms: if n > slow_from { 200 } else { 5 },
            fails: false,
        })
    };
    spell(0, 600, 540).chain(spell(1_800, 900, 300)).collect()
}

// covers: AG-64
#[tokio::test]
async fn a_similar_incident_of_the_past_is_told_with_its_cause_and_the_one_looked_at_is_not_past() {
    let asked = json!({ "service": "orders", "operation": "GET /orders" });
    let context_of = json!({ "operation_name": "GET /orders", "service": "orders" });
    let tables = || crate::system::tables(&spells());
    let first = Memory::new(tables(), crate::system::BEGIN.plus_seconds(600)).context(Role::Admin);
    let report = call(&first, "default", "investigate", asked).await.expect("a report");
    assert_eq!(report.structured["conclusion"], "root_cause", "{}", report.text);
    let reply =
        call(&first, "agenttel", "get_incident_context", context_of.clone()).await.expect("an answer");
    assert!(!reply.text.contains("## SIMILAR"), "it is this one: {}", reply.text);

    let past = first.installation.report("inc_0001").expect("the report");
    let again = Memory::new(tables(), crate::system::BEGIN.plus_seconds(2_700));
    let again = again.remembering(past).context(Role::Admin);
    let reply = call(&again, "agenttel", "get_incident_context", context_of).await.expect("an answer");
    let similar = &reply.structured["similar"];
    assert_eq!(
        (similar[0]["incident"].as_str(), similar.as_array().map(Vec::len)),
        (Some("inc_0001"), Some(1)),
        "{}",
        reply.text
    );
    assert!(similar[0]["score"].as_f64().is_some_and(|score| score > 0.55), "{}", reply.text);
    assert!(reply.text.contains("## SIMILAR PAST INCIDENTS\ninc_0001: "), "{}", reply.text);
}

// covers: AG-10
#[tokio::test]
async fn health_as_json_is_whole_json_however_long_the_names_are() {
    let mut planted = planted::trouble();
    let long: String = (0..120).map(|at| if at % 2 == 0 { '/' } else { 'a' }).collect();
    planted.requests = vec![(500, row(&long, (200, 50), [20.0, 50.0, 100.0]))];
    let context = planted.context(Role::Observer);
    let arguments = json!({ "format": "json" });
    let reply = call(&context, "agenttel", "get_service_health", arguments).await.expect("an answer");
    assert!(!reply.text.contains("(cut)") && budget::tokens(&reply.text) <= 200, "{}", reply.text);
    let read: Value = serde_json::from_str(&reply.text).expect("JSON");
    assert_eq!((read["status"].as_str(), reply.is_truncated), (Some("critical"), true));
    assert_eq!(read["operations"].as_array().map(Vec::len), Some(1), "the worst stays: {}", reply.text);
}

// covers: AG-15, AG-17, AG-38
#[tokio::test]
async fn rows_left_out_in_any_part_are_told_and_so_is_what_the_parts_lack() {
    for (tool, cut_from_age, arguments, what) in [
        ("get_service_health", 5_000, json!({}), "gap: "),
        (
            "get_incident_context",
            5_000,
            json!({ "operation_name": PAY }),
            "what is usual: planted left rows out",
        ),
        (
            "get_incident_context",
            20 * 86_400,
            json!({ "operation_name": PAY }),
            "objectives: planted left rows out",
        ),
        ("get_slo_report", 20 * 86_400, json!({}), "objectives: planted left rows out"),
        ("get_slo_report", 20 * 86_400, json!({}), "requests are not complete yet"),
        ("get_trend_analysis", 1_790, json!({ "operation_name": PAY }), "samples: planted left rows out"),
        ("get_trend_analysis", 1_790, json!({ "operation_name": PAY }), "requests are not complete yet"),
        ("get_playbook", 5_000, json!({ "operation_name": PAY }), "what is usual: planted left rows out"),
    ] {
        let whole = planted::trouble().context(Role::Observer);
        let reply = call(&whole, "agenttel", tool, arguments.clone()).await.expect(tool);
        assert!(!reply.is_truncated && !reply.text.contains(what), "{tool}: {}", reply.text);
        let cut = Planted { cut_from_age: Some(cut_from_age), ..planted::trouble() }.context(Role::Observer);
        let reply = call(&cut, "agenttel", tool, arguments).await.expect(tool);
        assert!(reply.is_truncated && reply.text.contains(what), "{tool}: {}", reply.text);
    }
}

// covers: AG-15
#[tokio::test]
async fn where_only_seconds_are_told_no_long_part_is_asked_and_that_is_said() {
    let planted = std::sync::Arc::new(Planted { tells_seconds_only: true, ..planted::trouble() });
    let context =
        tools::Context { installation: planted.clone(), caller: tools::Caller::local(Role::Observer) };
    for (tool, arguments) in [
        ("get_slo_report", json!({})),
        ("get_service_health", json!({})),
        ("get_trend_analysis", json!({ "operation_name": PAY })),
    ] {
        let reply = call(&context, "agenttel", tool, arguments).await.expect(tool);
        let is_said = reply.text.contains("no data: no source answers `health`");
        assert_eq!(is_said, tool != "get_trend_analysis", "{tool}: {}", reply.text);
    }
    let longest = planted.longest_seconds.load(std::sync::atomic::Ordering::Relaxed);
    assert!((1..1_800).contains(&longest), "{longest}");
    let report = call(&context, "agenttel", "get_slo_report", json!({})).await.expect("a report");
    assert!(!report.text.contains("in 6h"), "six hours were not asked for: {}", report.text);
    assert_eq!(report.structured["slos"][0]["requests"], 10_560, "of the last hour only: {}", report.text);
}
