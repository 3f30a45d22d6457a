//! Where nothing is there: every tool gives a valid empty answer, and a name that is not known meets its neighbours.

use serde_json::{Value, json};
use tools::{Role, ToolError};

use crate::memory::{Memory, call, tools_of};
use crate::system::{self, Request};

/// The least that a tool of this dialect has to be told.
fn least(name: &str) -> Value {
    match name {
        "trace" => json!({ "trace_id": "0123456789abcdef0123456789abcdef" }),
        _ => json!({}),
    }
}

// covers: EL-39
#[tokio::test]
async fn an_empty_installation_gives_a_valid_empty_answer_from_every_tool() {
    let context = Memory::empty().context(Role::Remediator);
    for tool in tools_of("default") {
        let name = tool.about().name.clone();
        let reply = tool.call(&context, least(&name)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!reply.text.is_empty() && reply.structured.is_object(), "{name}");
        assert!(!reply.next.is_empty(), "{name} says what to ask next");
    }
}

#[tokio::test]
async fn a_name_that_is_not_known_meets_the_nearest_ones() {
    let requests: Vec<Request> =
        (0..50).map(|n| Request { at_ms: n * 100, query_ms: 5, fails: false }).collect();
    let memory =
        || Memory::new(system::tables(&requests), system::BEGIN.plus_seconds(10)).context(Role::Remediator);
    for (tool, arguments) in [
        ("status", json!({ "service": "oders" })),
        ("compare", json!({ "service": "oders" })),
        ("trace", json!({ "service": "oders" })),
        ("logs", json!({ "service": "oders" })),
        ("changes", json!({ "service": "oders" })),
        ("investigate", json!({ "service": "oders" })),
    ] {
        let error = call(&memory(), "default", tool, arguments).await.expect_err(tool);
        assert!(error.to_string().contains("nearest: orders"), "{tool}: {error}");
    }
    for tool in ["report", "evidence", "propose_action"] {
        let context = memory();
        call(&context, "default", "investigate", json!({ "service": "orders" })).await.expect("a report");
        let asked = json!({ "incident": "inc_x" });
        let error = call(&context, "default", tool, asked).await.expect_err(tool);
        assert!(error.to_string().contains("the newest: inc_0001"), "{tool}: {error}");
    }
}

#[tokio::test]
async fn arguments_that_are_not_known_or_of_another_kind_are_refused_by_name() {
    let context = Memory::empty().context(Role::Remediator);
    for (tool, arguments) in [
        ("status", json!({ "servce": "a" })),
        ("logs", json!({ "text": 7 })),
        ("incidents", json!([])),
        ("incidents", json!({ "status": "open" })),
        ("changes", json!({ "start": "yesterday" })),
        ("trace", json!({ "trace_id": "xyz" })),
    ] {
        let error = call(&context, "default", tool, arguments.clone()).await.expect_err(tool);
        assert!(matches!(error, ToolError::Input(_)), "{tool} {arguments}: {error}");
    }
}

// covers: AG-04
#[tokio::test]
async fn a_caller_who_may_not_is_told_which_permission_it_takes() {
    let context = Memory::empty().context(Role::Observer);
    let error = call(&context, "default", "propose_action", json!({})).await.expect_err("not allowed");
    assert!(error.to_string().contains("`remediate`") && error.to_string().contains("`observer`"), "{error}");
    assert!(call(&context, "default", "investigate", json!({})).await.is_err());
    assert!(call(&context, "default", "status", json!({})).await.is_ok());
}
