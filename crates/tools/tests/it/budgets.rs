//! However much there is, an answer stays inside its budget and says what it left out.

use std::sync::Arc;

use serde_json::json;
use telemetry::recorded::Tables;
use tools::{Role, budget};

use crate::memory::{Memory, call, tools_of};
use crate::system::{self, Request};

/// `count` services like `orders`, each with its own operations.
fn many(count: usize) -> Tables {
    let requests: Vec<Request> =
        (0..count).map(|n| Request { at_ms: n as i64 * 20, query_ms: 5, fails: n % 3 == 0 }).collect();
    let mut tables = system::tables(&requests);
    for (place, span) in tables.spans.iter_mut().enumerate() {
        span.name = Arc::from(format!("{} number {} of a system with many operations", span.name, place / 4));
    }
    tables
}

// covers: AG-10, EL-40, W-17
#[tokio::test]
async fn five_hundred_operations_stay_within_every_budget() {
    let context = Memory::new(many(500), system::BEGIN.plus_seconds(12)).context(Role::Remediator);
    call(&context, "default", "investigate", json!({ "service": "orders" })).await.expect("a report");
    for tool in tools_of("default") {
        let name = tool.about().name.clone();
        let arguments = match name.as_str() {
            "status" | "compare" | "trace" | "logs" | "investigate" => json!({ "service": "orders" }),
            _ => json!({}),
        };
        let reply = tool.call(&context, arguments).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let (tokens, bytes) = (budget::tokens(&reply.text), reply.structured.to_string().len());
        let allowed = tool.about().budget;
        assert!(tokens <= allowed.tokens, "{name}: {tokens} of {} tokens", allowed.tokens);
        assert!(bytes <= allowed.bytes + 200, "{name}: {bytes} of {} bytes", allowed.bytes);
        if name == "status" {
            assert!(reply.is_truncated && reply.structured["total"] == 500, "{}", reply.text);
        }
    }
}

// covers: EL-44
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_at_once_answer_alike() {
    let context = Memory::new(many(100), system::BEGIN.plus_seconds(12)).context(Role::Observer);
    let alone = call(&context, "default", "status", json!({})).await.expect("an answer");
    let calls = (0..50).map(|_| {
        let context = context.clone();
        tokio::spawn(async move { call(&context, "default", "status", json!({})).await.expect("an answer") })
    });
    for reply in calls.collect::<Vec<_>>() {
        assert_eq!(reply.await.expect("no panic"), alone);
    }
}
