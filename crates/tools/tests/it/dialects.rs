//! What every tool of every dialect of other systems keeps: empty answers are valid, names that are not known meet their
//! neighbours, answers stay inside their budget, and hints can be followed.

use serde_json::{Value, json};
use tools::{Role, Tool, ToolError, budget, dialects};

use crate::memory::{Memory, tools_of};
use crate::shop;
use crate::system::{self, BEGIN, Request};

const DIALECTS: [&str; 2] = ["elastic", "elk"];

/// The least that a tool has to be told.
pub(crate) fn least(tool: &dyn Tool, service: &str) -> Value {
    let at = |s: i64| BEGIN.plus_seconds(s).rfc3339();
    match tool.about().name.as_str() {
        "run_log_rate_analysis" => json!({
            "baseline": { "start": at(0), "end": at(1200) },
            "deviation": { "start": at(1200), "end": at(3600) },
        }),
        "get_metric_change_points" => json!({ "aggregation": { "field": "jvm.memory.used" } }),
        "get_document_by_id" => json!({ "id": shop::trace(1).to_string() }),
        "product_documentation" => json!({ "text": "latency" }),
        "get_index_mapping" => json!({ "index": "logs*,traces*" }),
        "search_by_trace_id" => json!({ "trace_id": shop::trace(401).to_string() }),
        "search_by_correlation_id" => json!({ "value": "m-1-x" }),
        "get_service_topology" | "get_downstream_dependencies" | "analyze_latency_bottlenecks" => {
            json!({ "serviceName": service })
        }
        _ => json!({}),
    }
}

// covers: EL-39, AW-21
#[tokio::test]
async fn an_empty_installation_gives_a_valid_empty_answer_with_a_way_on() {
    let context = Memory::empty().context(Role::Observer);
    for dialect in DIALECTS {
        for tool in tools_of(dialect) {
            let name = tool.about().name.clone();
            let reply = tool.call(&context, least(&*tool, "orders")).await;
            let reply = reply.unwrap_or_else(|error| panic!("{dialect} {name}: {error}"));
            let rows = reply.structured.as_object().expect("an object").iter();
            let lists =
                rows.filter(|(key, value)| value.is_array() && !matches!(key.as_str(), "next" | "gaps"));
            for (key, list) in lists {
                let is_constant = matches!(
                    key.as_str(),
                    "selectedFields" | "indexPatterns" | "indices" | "answered" | "excerpts" | "fields"
                );
                assert!(is_constant || list == &json!([]), "{dialect} {name} invents {key}: {list}");
            }
            assert!(!reply.next.is_empty(), "{dialect} {name} says what to ask next");
        }
    }
}

// covers: EL-44
#[tokio::test]
async fn every_hint_names_a_tool_of_the_dialect_and_can_be_followed() {
    let shop = shop::open();
    for dialect in DIALECTS {
        let tools = tools_of(dialect);
        let mut followed = 0;
        for tool in &tools {
            let name = tool.about().name.clone();
            let reply = tool.call(&shop, least(&**tool, "orders")).await;
            let reply = reply.unwrap_or_else(|error| panic!("{dialect} {name}: {error}"));
            assert!(!reply.next.is_empty(), "{dialect} {name} says what to ask next");
            for hint in reply.next {
                let next = tools.iter().find(|tool| tool.about().name == hint.tool);
                let next = next.unwrap_or_else(|| panic!("{dialect} {name} names {}", hint.tool));
                let reply = next.call(&shop, hint.arguments.clone()).await;
                assert!(reply.is_ok(), "{dialect} {name} -> {} {}: {reply:?}", hint.tool, hint.arguments);
                followed += 1;
            }
        }
        assert!(followed >= tools.len());
    }
}

// covers: EL-40, AG-10, W-17
#[tokio::test]
async fn five_hundred_operations_stay_within_every_budget() {
    let requests: Vec<Request> =
        (0..500).map(|n| Request { at_ms: n * 20, query_ms: 5, fails: n % 3 == 0 }).collect();
    let mut tables = system::tables(&requests);
    for (place, span) in tables.spans.iter_mut().enumerate() {
        span.name = format!("{} number {} of a system with many operations", span.name, place / 4).into();
    }
    tables.states = shop::tables().states;
    tables.series = shop::tables().series;
    tables.changes = shop::tables().changes;
    let context = Memory::new(tables, BEGIN.plus_seconds(3600)).context(Role::Observer);
    for dialect in DIALECTS {
        for tool in tools_of(dialect) {
            let name = tool.about().name.clone();
            let mut arguments = least(&*tool, "orders");
            match name.as_str() {
                "get_trace_metrics" => arguments["groupBy"] = json!("transaction.name"),
                "get_latency_stats" => arguments["group_by"] = json!("transaction.name"),
                "get_index_info" => arguments["operation"] = json!("list-fields"),
                _ => {}
            }
            let reply =
                tool.call(&context, arguments).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let (tokens, bytes) = (budget::tokens(&reply.text), reply.structured.to_string().len());
            let allowed = tool.about().budget;
            assert!(tokens <= allowed.tokens, "{dialect} {name}: {tokens} of {} tokens", allowed.tokens);
            assert!(bytes <= allowed.bytes + 200, "{dialect} {name}: {bytes} of {} bytes", allowed.bytes);
            if matches!(name.as_str(), "get_trace_metrics" | "get_latency_stats") {
                assert!(reply.is_truncated && reply.structured["total"] == 1000, "{}", reply.text);
            }
        }
    }
}

// covers: EL-44
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_at_once_answer_alike() {
    let shop = shop::open();
    let alone = crate::memory::call(&shop, "elastic", "get_services", json!({})).await.expect("an answer");
    let calls = (0..50).map(|_| {
        let shop = shop.clone();
        tokio::spawn(async move {
            crate::memory::call(&shop, "elastic", "get_services", json!({})).await.expect("an answer")
        })
    });
    for reply in calls.collect::<Vec<_>>() {
        assert_eq!(reply.await.expect("no panic"), alone);
    }
}

#[tokio::test]
async fn a_service_that_is_not_known_meets_the_nearest_one_in_every_tool_that_takes_one() {
    let shop = shop::open();
    let mut asked = 0;
    for dialect in DIALECTS {
        for tool in tools_of(dialect) {
            let name = tool.about().name.clone();
            let schema = tool.input_schema();
            let takes =
                ["service", "serviceName"].into_iter().find(|key| schema["properties"].get(*key).is_some());
            let Some(argument) = takes else { continue };
            let mut arguments = least(&*tool, "oders");
            arguments[argument] = json!("oders");
            match tool.call(&shop, arguments).await {
                Err(error @ ToolError::Input(_)) => {
                    assert!(error.to_string().contains("orders"), "{name}: {error}")
                }
                other => panic!("{dialect} {name}: {other:?}"),
            }
            asked += 1;
        }
    }
    assert!(asked >= 10, "{asked}");
}

// covers: EL-32, EL-45, AW-21
#[test]
fn arguments_have_the_agreed_names_and_every_tool_only_reads() {
    assert_eq!((tools_of("elastic").len(), tools_of("elk").len()), (25, 13));
    for dialect in DIALECTS {
        for tool in tools_of(dialect) {
            let name = &tool.about().name;
            assert!(tool.about().is_read_only && !tool.output_schema().is_empty(), "{name}");
            let schema = tool.input_schema();
            let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
            for argument in properties.keys() {
                let other =
                    ["from", "to", "startTime", "start_time", "size", "service_name", "host", "url", "body"];
                let is_allowed =
                    !other.contains(&argument.as_str()) || (name == "get_log_context" && argument == "host");
                assert!(is_allowed, "{dialect} {name}: {argument}");
            }
            if dialect == "elk" {
                for argument in ["start", "end", "index", "limit"] {
                    assert!(properties.contains_key(argument), "{name} takes no {argument}");
                }
            }
        }
    }
    assert!(dialects::all().iter().all(|dialect| !dialect.what.is_empty()));
}
