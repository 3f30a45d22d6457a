//! The thirteen tools of the ELK server on the shop, whose figures are known.

use serde_json::{Value, json};
use tools::{Context, Role, ToolError};

use crate::memory::{Memory, call};
use crate::shop;
use crate::system::BEGIN;

async fn ask(context: &Context, tool: &str, arguments: Value) -> Value {
    let reply = call(context, "elk", tool, arguments).await;
    reply.unwrap_or_else(|error| panic!("{tool}: {error}")).structured
}

async fn refused(context: &Context, tool: &str, arguments: Value) -> String {
    match call(context, "elk", tool, arguments.clone()).await {
        Err(error @ ToolError::Input(_)) => error.to_string(),
        other => panic!("{tool} {arguments}: {other:?}"),
    }
}

fn row<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    let rows = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    rows.iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("no {key} {value} in {list}"))
}

fn near(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - expected).abs() <= 1e-6 * expected.abs().max(1.0))
}

// covers: AW-21, AW-22
#[tokio::test]
async fn indices_and_mapping_are_those_of_the_data_and_a_dated_name_means_its_kind() {
    let shop = shop::open();
    let all = ask(&shop, "list_indices", json!({})).await;
    assert_eq!((&all["total"], &row(&all["indices"], "name", "logs")["docs"]), (&json!(3), &json!(1360)));
    assert_eq!(row(&all["indices"], "name", "traces")["health"], "green");
    let dated = ask(&shop, "list_indices", json!({ "pattern": "logs-2026.03.25" })).await;
    assert_eq!((&dated["total"], &dated["indices"][0]["name"]), (&json!(1), &json!("logs")));
    let mapping = ask(&shop, "get_index_mapping", json!({ "index": "logs" })).await;
    let pod = row(&mapping["fields"], "name", "kubernetes.pod.name");
    assert!(pod["type"] == "keyword" && pod["aliases"] == json!(["k8s.pod.name"]), "{pod}");
    assert_eq!(row(&mapping["fields"], "name", "message")["type"], "text");
    assert!(
        refused(&shop, "search_logs", json!({ "index": "metrics*" }))
            .await
            .contains("reads the index `logs`")
    );
}

// covers: AW-21, AW-24
#[tokio::test]
async fn lines_are_searched_by_filter_service_and_level_with_an_exact_total() {
    let shop = shop::open();
    let errors =
        ask(&shop, "search_logs", json!({ "level": "error", "service": "orders", "fields": ["k8s.*"] }))
            .await;
    assert_eq!(
        (&errors["total"], &errors["relation"], &errors["truncated"]),
        (&json!(100), &json!("eq"), &json!(true))
    );
    assert_eq!(errors["rows"][0]["fields"], json!({ "k8s.pod.name": "orders-7f" }));
    let one = ask(&shop, "search_logs", json!({ "query": "message: \"order 400 refused\"" })).await;
    assert_eq!(one["total"], 1, "{one}");
    assert!(refused(&shop, "search_logs", json!({ "level": "loud" })).await.contains("trace, debug"));
    assert!(refused(&shop, "search_logs", json!({ "limit": 501 })).await.contains("1 to 500"));
    assert!(
        refused(&shop, "search_logs", json!({ "kqlFilter": "nothing: a" })).await.contains("service.name")
    );
}

// covers: AW-21
#[tokio::test]
async fn errors_are_summed_up_by_service_and_kind() {
    let shop = shop::open();
    let answer = ask(&shop, "get_error_summary", json!({})).await;
    assert_eq!((&answer["errors"], &answer["total"]), (&json!(100), &json!(1)));
    let group = &answer["groups"][0];
    assert_eq!(group["group"], json!(["orders", "DuplicateKey"]));
    assert!(near(&group["share"], 1.0) && group["count"] == 100, "{group}");
    assert_eq!(group["first"], json!(telemetry::UnixNanos(BEGIN.0 + 2_400_005_000_000).rfc3339()));
    let by_pod = ask(&shop, "get_error_summary", json!({ "group_by": "kubernetes.pod.name" })).await;
    assert_eq!(by_pod["groups"][0]["group"], json!(["orders-7f"]));
}

// covers: AW-21, AW-23, AW-24
#[tokio::test]
async fn a_trace_is_one_tree_and_an_id_leads_to_its_trace_and_back() {
    let shop = shop::open();
    let id = shop::trace(500).to_string();
    let tree = ask(&shop, "search_by_trace_id", json!({ "trace_id": id })).await;
    assert_eq!((&tree["total"], &tree["orphans"]), (&json!(7), &json!(0)), "four spans, three lines: {tree}");
    let kinds: Vec<&Value> = tree["rows"].as_array().expect("rows").iter().map(|row| &row["depth"]).collect();
    assert_eq!(kinds[0], 0);
    let error = row(&tree["rows"], "level", "error");
    assert!(error["place"] == json!(["k8s.pod.name=orders-7f"]) && error["depth"] == 3, "{error}");
    let message = ask(&shop, "search_by_correlation_id", json!({ "value": "m-500-x" })).await;
    assert_eq!(message["trace_ids"], json!([id]));
    assert!(
        message["matched_fields"].as_array().is_some_and(|fields| fields.contains(&json!("msgId"))),
        "{message}"
    );
    let back = ask(&shop, "search_by_correlation_id", json!({ "value": id })).await;
    assert_eq!(back["message_ids"], json!(["m-500-x"]), "{back}");
    assert!(refused(&shop, "search_by_trace_id", json!({ "trace_id": "xyz" })).await.contains("32 hex"));
    // `m-50` stands in one line, and `m-500` is another id.
    let whole = ask(&shop, "search_by_correlation_id", json!({ "value": "m-50" })).await;
    assert_eq!(whole["total"], 1, "{whole}");
    let named = json!({ "value": id, "field": "trace_id" });
    assert_eq!(ask(&shop, "search_by_correlation_id", named).await["total"], 3);
}

// covers: AW-21
#[tokio::test]
async fn a_span_without_its_parent_is_marked_and_still_shown() {
    let mut tables = shop::tables();
    let root = tables.spans.iter().position(|span| span.trace_id == shop::trace(7) && span.parent.is_none());
    tables.spans.remove(root.expect("a root"));
    let context = Memory::new(tables, shop::now()).context(Role::Observer);
    let tree = ask(&context, "search_by_trace_id", json!({ "trace_id": shop::trace(7).to_string() })).await;
    assert_eq!(tree["orphans"], 1, "{tree}");
    let rows = tree["rows"].as_array().expect("rows");
    assert_eq!(rows.iter().filter(|row| row["kind"] == "span").count(), 3);
    assert_eq!(rows.iter().filter(|row| row["orphan"] == true).count(), 1);
}

// covers: AW-21
#[tokio::test]
async fn lines_around_a_line_are_of_its_instance_and_lines_around_a_moment_of_all() {
    let shop = shop::open();
    let found = ask(&shop, "search_logs", json!({ "kqlFilter": "message: \"order 300 accepted\"" })).await;
    let id = found["rows"][0]["id"].clone();
    let around = ask(&shop, "get_log_context", json!({ "log_id": id, "before": 2, "after": 1 })).await;
    let rows: Vec<&str> =
        around["rows"].as_array().expect("rows").iter().filter_map(|row| row["message"].as_str()).collect();
    assert_eq!(
        rows,
        ["order 298 accepted", "order 299 accepted", "order 300 accepted", "order 301 accepted"]
    );
    let center = BEGIN.plus_seconds(1800).rfc3339();
    let window =
        ask(&shop, "get_logs_in_window", json!({ "center": center, "before": "1m", "after": "60" })).await;
    // Two minutes: twenty requests with two lines each, and two runs of billing.
    assert_eq!(window["total"], 42, "{window}");
    let counts: u64 = window["counts_per_minute"]
        .as_array()
        .expect("buckets")
        .iter()
        .filter_map(|b| b["count"].as_u64())
        .sum();
    assert_eq!(counts, 42);
    // A source that gives fifty lines has none of that time among the newest of twenty minutes.
    let cut = Memory::new(shop::tables(), shop::now()).cut_at(50).context(Role::Observer);
    let again = ask(&cut, "get_log_context", json!({ "log_id": id, "before": 2, "after": 1 })).await;
    assert_eq!(again["rows"], around["rows"], "{again}");
    assert!(again["gaps"].to_string().contains("60 s on either side"), "{again}");
    let none = ask(&cut, "get_log_context", json!({ "timestamp": BEGIN.rfc3339(), "host": "nobody" })).await;
    assert_eq!((&none["total"], &none["truncated"]), (&json!(0), &json!(false)), "{none}");
    let two = json!({ "service": "orders", "kqlFilter": "service.name: gateway" });
    assert!(refused(&shop, "search_logs", two).await.contains("cannot be both"));
}

// covers: AW-21
#[tokio::test]
async fn volume_and_aggregates_add_up() {
    let shop = shop::open();
    let volume = ask(&shop, "get_log_volume", json!({ "interval": "600", "limit": 2 })).await;
    assert_eq!((&volume["lines"], &volume["total"]), (&json!(1360), &json!(3)));
    assert_eq!(row(&volume["groups"], "group", "_other")["count"], 60);
    assert_eq!(row(&volume["groups"], "group", "orders")["count"], 700);
    let gateway = json!({ "metric": "avg", "field": "size", "kqlFilter": "service.name: gateway", "group_by": ["customer"] });
    let table = ask(&shop, "aggregate_logs", gateway).await;
    let acme = &table["rows"][0];
    assert!(acme["group"] == json!(["acme"]) && near(&acme["value"], 4.0) && acme["count"] == 300, "{table}");
    let sum = json!({ "metric": "percentiles", "field": "size", "kqlFilter": "service.name: gateway" });
    assert_eq!(ask(&shop, "aggregate_logs", sum).await["rows"][0]["count"], 600);
    let unknown = json!({ "metric": "sum", "field": "sizes" });
    assert!(refused(&shop, "aggregate_logs", unknown).await.contains("customer"));
    assert!(refused(&shop, "aggregate_logs", json!({ "metric": "sum" })).await.contains("numeric `field`"));
    assert!(
        refused(&shop, "aggregate_logs", json!({ "group_by": ["a", "b", "c", "d"] }))
            .await
            .contains("at most 3")
    );
}

// covers: AW-21
#[tokio::test]
async fn latency_has_percentiles_of_its_own_parts_and_bounds_for_more() {
    let shop = shop::open();
    let answer =
        ask(&shop, "get_latency_stats", json!({ "service": "orders", "group_by": "service.version" })).await;
    let new = row(&answer["groups"], "group", "2.0.0");
    assert!(new["n"] == 200 && near(&new["p95_ms"], 205.0) && new["upper_bound"].is_null(), "{new}");
    let whole = ask(&shop, "get_latency_stats", json!({ "service": "orders", "percentiles": [95] })).await;
    let whole = &whole["groups"][0];
    assert!(
        whole["upper_bound"] == true && near(&whole["p95_ms"], 205.0) && whole["p50_ms"].is_null(),
        "{whole}"
    );
    assert!(near(&whole["avg_ms"], 85.0) && near(&whole["failure_rate"], 1.0 / 6.0), "{whole}");
    assert!(
        refused(&shop, "get_latency_stats", json!({ "percentiles": [90] })).await.contains("50, 95 and 99")
    );
    let unknown = json!({ "service": "orders", "operation": "GET /order" });
    assert!(refused(&shop, "get_latency_stats", unknown).await.contains("nearest: GET /orders"));
}

// covers: AW-21, AW-27
#[tokio::test]
async fn an_endpoint_without_any_success_is_told_from_one_that_broke() {
    let mut tables = shop::tables();
    let mut alert: Vec<_> =
        tables.spans.iter().filter(|span| span.parent.is_none()).take(8).cloned().collect();
    for (place, span) in alert.iter_mut().enumerate() {
        span.trace_id = telemetry::TraceId([200 + place as u8; 16]);
        span.name = "POST /alert".into();
        span.attributes = vec![("http.response.status_code".into(), telemetry::Value::Int(404))];
        span.start = telemetry::UnixNanos(span.start.0 + 3_000_000_000_000);
        span.end = telemetry::UnixNanos(span.end.0 + 3_000_000_000_000);
    }
    tables.spans.extend(alert);
    let context = Memory::new(tables, shop::now()).context(Role::Observer);
    let answer =
        ask(&context, "get_endpoint_status_summary", json!({ "service": "gateway", "start": "now-20m" }))
            .await;
    let never = row(&answer["endpoints"], "endpoint", "POST /alert");
    assert!(never["never_succeeded"] == true && never["status_classes"] == json!(["4xx: 8"]), "{never}");
    assert!(never["first_success"].is_null(), "{never}");
    let broke = row(&answer["endpoints"], "endpoint", "GET /checkout");
    assert!(broke["never_succeeded"] == false && broke["failed"] == 100, "{broke}");
    assert_eq!(broke["first_success"], json!(BEGIN.rfc3339()));
    // First, however few are shown.
    let one = json!({ "service": "gateway", "start": "now-20m", "limit": 1 });
    let one = ask(&context, "get_endpoint_status_summary", one).await;
    assert_eq!((&one["endpoints"][0]["endpoint"], &one["truncated"]), (&json!("POST /alert"), &json!(true)));
}

// covers: AW-27
#[tokio::test]
async fn an_endpoint_never_succeeded_only_by_a_history_that_was_told() {
    let tables = |first: i64| {
        let mut tables = shop::tables();
        let mut of: Vec<_> =
            tables.spans.iter().filter(|span| span.parent.is_none()).take(8).cloned().collect();
        for (place, span) in of.iter_mut().enumerate() {
            span.trace_id = telemetry::TraceId([200 + place as u8; 16]);
            span.name = "POST /alert".into();
            let (status, failed) = if (place as i64) < first { (200, false) } else { (500, true) };
            span.attributes = vec![("http.response.status_code".into(), telemetry::Value::Int(status))];
            span.status = if failed { telemetry::StatusCode::Error } else { telemetry::StatusCode::Unset };
            let later = if failed { 3_000_000_000_000 } else { 0 };
            span.start = telemetry::UnixNanos(span.start.0 + later);
            span.end = telemetry::UnixNanos(span.end.0 + later);
        }
        tables.spans.extend(of);
        tables
    };
    let asked = json!({ "service": "gateway", "start": "now-20m" });
    for (first, rows_max, expected) in [(0, 100_000, true), (1, 100_000, false), (0, 300, false)] {
        let context = Memory::new(tables(first), shop::now()).cut_at(rows_max).context(Role::Observer);
        let answer = ask(&context, "get_endpoint_status_summary", asked.clone()).await;
        let alert = row(&answer["endpoints"], "endpoint", "POST /alert");
        assert_eq!(alert["never_succeeded"], expected, "{first} {rows_max}: {answer}");
        assert_eq!(alert["first_success"].is_null(), first == 0, "{alert}");
    }
}

// covers: AW-21
#[tokio::test]
async fn the_cluster_is_green_with_data_yellow_without_and_says_how_old_they_are() {
    let shop = shop::open();
    let health = ask(&shop, "get_cluster_health", json!({})).await;
    assert!(health["status"] == "green" && near(&health["ingest_lag_s"], 6.0), "{health}");
    let empty = ask(&Memory::empty().context(Role::Observer), "get_cluster_health", json!({})).await;
    assert!(empty["status"] == "yellow" && empty["ingest_lag_s"].is_null(), "{empty}");
}
