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

#[tokio::test]
async fn a_similar_incident_of_the_past_is_told_with_its_cause() {
    let requests: Vec<crate::system::Request> = (0..600)
        .map(|n| crate::system::Request {
            at_ms: n * 1_000,
            query_ms: if n > 540 { 200 } else { 5 },
            fails: false,
        })
        .collect();
    let tables = crate::system::tables(&requests);
    let context = Memory::new(tables, crate::system::BEGIN.plus_seconds(600)).context(Role::Admin);
    let report =
        call(&context, "default", "investigate", json!({ "service": "orders", "operation": "GET /orders" }))
            .await
            .expect("a report");
    let context_of = json!({ "operation_name": "GET /orders", "service": "orders" });
    let reply = call(&context, "agenttel", "get_incident_context", context_of).await.expect("an answer");
    assert_eq!(report.structured["conclusion"], "root_cause", "{}", report.text);
    let similar = &reply.structured["similar"][0];
    assert_eq!(
        (similar["incident"].as_str(), reply.structured["similar"].as_array().map(Vec::len)),
        (Some("inc_0001"), Some(1))
    );
    assert!(similar["score"].as_f64().is_some_and(|score| score > 0.55 && score < 1.0), "{}", reply.text);
    assert!(reply.text.contains("## SIMILAR PAST INCIDENTS\ninc_0001: "), "{}", reply.text);
}
