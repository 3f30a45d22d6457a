//! The tools by their Elastic names on the shop, whose figures are known.

use std::sync::Arc;

use serde_json::{Value, json};
use telemetry::answer::SeriesKind;
use telemetry::recorded::{Series, SeriesKey, Tables};
use telemetry::{SpanId, SpanKind, UnixNanos};
use tools::dialects::{self, elastic::names};
use tools::registry::Registry;
use tools::{Context, Reply, Role, ToolError};

use crate::memory::{Memory, call};
use crate::shop;
use crate::system::{self, BEGIN, Request};

pub(crate) async fn ask(context: &Context, tool: &str, arguments: Value) -> Value {
    let reply = call(context, "elastic", tool, arguments).await;
    reply.unwrap_or_else(|error| panic!("{tool}: {error}")).structured
}

pub(crate) async fn refused(context: &Context, tool: &str, arguments: Value) -> String {
    match call(context, "elastic", tool, arguments.clone()).await {
        Err(error @ ToolError::Input(_)) => error.to_string(),
        other => panic!("{tool} {arguments}: {other:?}"),
    }
}

/// The row of a list whose `key` is `value`.
pub(crate) fn row<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    let rows = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    rows.iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("no {key} {value} in {list}"))
}

pub(crate) fn near(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - expected).abs() <= 1e-6 * expected.abs().max(1.0))
}

// covers: EL-02, EL-34, EL-38
#[tokio::test]
async fn services_have_their_figures_and_one_that_only_writes_lines_is_unknown() {
    let shop = shop::open();
    let answer = ask(&shop, "get_services", json!({})).await;
    let orders = row(&answer["services"], "serviceName", "orders");
    assert!(near(&orders["latencyMs"], 85.0) && near(&orders["throughputPerMin"], 10.0), "{orders}");
    assert!(near(&orders["failureRate"], 1.0 / 6.0) && orders["healthStatus"] == "critical", "{orders}");
    let billing = row(&answer["services"], "serviceName", "billing");
    assert_eq!((&billing["healthStatus"], &billing["signals"]), (&json!("unknown"), &json!(["logs"])));
    let only = ask(&shop, "get_services", json!({ "healthStatus": ["unknown"] })).await;
    assert_eq!((only["total"].as_u64(), &only["services"][0]["serviceName"]), (Some(1), &json!("billing")));
    let filtered = ask(&shop, "get_services", json!({ "kqlFilter": "service.name: ord*" })).await;
    assert_eq!(filtered["total"], 1);
}

// covers: EL-04, EL-36, C-04, W-05
#[tokio::test]
async fn a_rare_group_that_is_slow_is_not_lost_behind_a_hundred_busy_ones() {
    let mut requests: Vec<Request> =
        (0..1490).map(|n| Request { at_ms: n * 10, query_ms: 5, fails: false }).collect();
    requests.push(Request { at_ms: 15_000, query_ms: 4000, fails: true });
    let mut tables = system::tables(&requests);
    for span in &mut tables.spans {
        let number = u128::from_be_bytes(span.trace_id.0) - 1;
        let group = if number == 1490 { "slow".to_owned() } else { (number % 149).to_string() };
        span.name = format!("{} {group}", span.name).into();
    }
    let context = Memory::new(tables, BEGIN.plus_seconds(60)).context(Role::Observer);
    let arguments = json!({ "groupBy": "span.name", "kqlFilter": "service.name: orders", "start": "now-1m" });
    let answer = ask(&context, "get_trace_metrics", arguments).await;
    assert_eq!((&answer["total"], &answer["truncated"]), (&json!(150), &json!(true)));
    let slowest = &answer["items"][0];
    assert!(slowest["group"] == "GET /orders slow" && near(&slowest["latencyMs"], 4005.0), "{slowest}");
    assert!(near(&slowest["failureRate"], 1.0) && near(&slowest["throughputPerMin"], 1.0), "{slowest}");
}

// covers: EL-36, C-04
#[tokio::test]
async fn durations_that_a_server_counted_itself_give_means_and_no_percentiles() {
    let series = |kind, error: bool, points: &[(i64, f64)]| Series {
        key: SeriesKey {
            service: "till".to_owned(),
            instance: String::new(),
            metric: telemetry::recorded::REQUEST_METRICS[0].to_owned(),
            unit: "s".to_owned(),
            attributes: error.then(|| ("error.type".to_owned(), "500".to_owned())).into_iter().collect(),
            kind,
        },
        points: points.iter().map(|(s, value)| (BEGIN.plus_seconds(*s), *value)).collect(),
    };
    let tables = Tables {
        series: vec![
            series(SeriesKind::Rate, false, &[(60, 1.0), (120, 0.5)]),
            series(SeriesKind::Mean, false, &[(60, 0.1), (120, 0.2)]),
            series(SeriesKind::Rate, true, &[(120, 0.1)]),
            series(SeriesKind::Mean, true, &[(120, 1.0)]),
        ],
        ..Tables::default()
    };
    let context = Memory::new(tables, BEGIN.plus_seconds(3600)).context(Role::Observer);
    // 60 requests of 0.1 s; then 30 of 0.2 s and 6 failed ones of 1 s.
    let answer = ask(&context, "get_trace_metrics", json!({})).await;
    let till = &answer["items"][0];
    assert!(till["requests"] == 96 && near(&till["latencyMs"], 18_000.0 / 96.0), "{answer}");
    assert!(near(&till["failureRate"], 6.0 / 96.0) && near(&till["throughputPerMin"], 1.6), "{answer}");
    let p95 = ask(&context, "get_trace_metrics", json!({ "latencyType": "p95" })).await;
    assert!(p95["items"][0]["latencyMs"].is_null(), "{p95}");
    assert!(p95["gaps"].to_string().contains("no percentiles, only means, of till"), "{p95}");
}

// covers: EL-04, EL-05, EL-46
#[tokio::test]
async fn the_series_adds_up_to_the_totals_and_speaks_of_the_service_not_of_its_callers() {
    let shop = shop::open();
    let whole = ask(
        &shop,
        "get_trace_metrics",
        json!({ "groupBy": "service.version", "kqlFilter": "service.name: orders" }),
    )
    .await;
    let new = row(&whole["items"], "group", "2.0.0");
    assert!(
        new["requests"] == 200 && near(&new["latencyMs"], 205.0) && near(&new["failureRate"], 0.5),
        "{new}"
    );
    let arguments = json!({ "kqlFilter": "service.name: orders", "bucketSize": 600 });
    let series = ask(&shop, "get_trace_metrics_timeseries", arguments).await;
    let buckets = series["groups"][0]["buckets"].as_array().expect("buckets");
    let counts: Vec<u64> = buckets.iter().filter_map(|bucket| bucket["requests"].as_u64()).collect();
    assert_eq!(counts, [100; 6]);
    let latencies: Vec<f64> = buckets.iter().filter_map(|bucket| bucket["latencyMs"].as_f64()).collect();
    assert_eq!(latencies, [25.0, 25.0, 25.0, 25.0, 205.0, 205.0]);
    // The caller sees 3 ms more of each call: that is the dependency's figure, and no service's own.
    let edges = ask(&shop, "get_service_topology", json!({ "serviceName": "gateway", "depth": 1 })).await;
    let to_orders = row(&edges["connections"], "target", "orders");
    assert!(near(&to_orders["metrics"]["latencyMs"], 87.0), "{to_orders}");
}

// covers: EL-09, EL-19, EL-37
#[tokio::test]
async fn topology_and_dependencies_name_what_tells_nothing_of_itself() {
    let shop = shop::open();
    let answer = ask(&shop, "get_service_topology", json!({ "serviceName": "gateway" })).await;
    let database = row(&answer["connections"], "source", "orders");
    assert!(database["isExternal"] == true && database["depth"] == 2, "{database}");
    assert!(
        near(&database["metrics"]["latencyMs"], 80.0) && near(&database["metrics"]["errorRate"], 1.0 / 6.0)
    );
    let up =
        ask(&shop, "get_service_topology", json!({ "serviceName": "orders", "direction": "upstream" })).await;
    assert_eq!((&up["total"], &up["connections"][0]["source"]), (&json!(1), &json!("gateway")));
    let needs = ask(&shop, "get_downstream_dependencies", json!({ "serviceName": "orders" })).await;
    let one = &needs["dependencies"][0];
    assert!(
        needs["total"] == 1
            && one["targetService"].is_null()
            && near(&one["metrics"]["throughputPerMin"], 10.0)
    );
    let error = refused(&shop, "get_downstream_dependencies", json!({ "serviceName": "oders" })).await;
    assert!(error.contains("nearest: orders"), "{error}");
}

// covers: EL-01
#[tokio::test]
async fn an_alert_that_began_before_the_window_and_holds_is_shown_and_caps_show() {
    let shop = shop::open();
    let answer = ask(&shop, "get_alerts", json!({})).await;
    assert_eq!(answer["total"], 1, "{answer}");
    assert_eq!(
        (&answer["alerts"][0]["id"], &answer["alerts"][0]["status"]),
        (&json!("orders p95"), &json!("active"))
    );
    let all = ask(&shop, "get_alerts", json!({ "includeRecovered": true, "limit": 1 })).await;
    assert_eq!((&all["total"], &all["truncated"]), (&json!(2), &json!(true)));
    let filtered = ask(
        &shop,
        "get_alerts",
        json!({ "kqlFilter": "kibana.alert.status: recovered", "includeRecovered": true }),
    )
    .await;
    assert_eq!(filtered["alerts"][0]["id"], "disk");
    call(&shop, "default", "investigate", json!({ "service": "orders", "start": "now-10m" }))
        .await
        .expect("a report");
    let answer = ask(&shop, "get_alerts", json!({ "query": "service.name: *" })).await;
    assert!(
        answer["alerts"]
            .as_array()
            .is_some_and(|alerts| alerts.iter().any(|alert| alert["id"] == "inc_0001")),
        "{answer}"
    );
}

// covers: EL-08, EL-35
#[tokio::test]
async fn traces_are_found_by_what_a_span_or_a_line_says_under_either_name() {
    let shop = shop::open();
    for filter in ["event.outcome: failure", "status.code: Error", "exception.type: DuplicateKey"] {
        let answer =
            ask(&shop, "get_traces", json!({ "kqlFilter": filter, "maxTraceSize": 2, "maxTraces": 3 })).await;
        let sequences = answer["sequences"].as_array().expect("sequences");
        assert!(!sequences.is_empty() && sequences.len() <= 3, "{filter}: {answer}");
        for sequence in sequences {
            let steps = sequence["traces"].as_array().expect("spans");
            assert!(steps.len() <= 2 && sequence["spanCount"] == 4, "{filter}: {sequence}");
            assert!(steps.iter().any(|step| step["outcome"] == "failure"), "{filter}: {sequence}");
        }
    }
    // Lines know customers, and spans do not: that no line matches is an answer.
    let none = ask(&shop, "get_traces", json!({ "kqlFilter": "customer: nobody" })).await;
    assert_eq!(none["total"], 0, "{none}");
    let id = shop::trace(500).to_string();
    let one = ask(
        &shop,
        "get_traces",
        json!({ "kqlFilter": format!("trace_id: {id}"), "fields": ["http.response.status_code"] }),
    )
    .await;
    assert_eq!((&one["total"], &one["sequences"][0]["traceId"]), (&json!(1), &json!(id)));
    assert_eq!(one["sequences"][0]["traces"][0]["fields"], json!(["http.response.status_code=500"]));
}

// covers: EL-10, EL-03
#[tokio::test]
async fn runtimes_and_hosts_show_what_is_measured_of_them() {
    let shop = shop::open();
    let runtimes = ask(&shop, "get_runtime_metrics", json!({ "start": "now-10m" })).await;
    let metric = &runtimes["nodes"][0]["metrics"][0];
    assert!(runtimes["nodes"][0]["serviceName"] == "orders" && near(&metric["mean"], 200.01), "{runtimes}");
    let hosts = ask(&shop, "get_hosts", json!({})).await;
    assert_eq!(hosts["total"], 2, "{hosts}");
    assert_eq!(row(&hosts["hosts"], "name", "node-1")["metadata"], json!(["status=Ready"]));
    assert!(near(&row(&hosts["hosts"], "name", "orders-1")["metrics"][0]["value"], 0.51), "{hosts}");
    assert!(refused(&shop, "get_hosts", json!({ "limit": 101 })).await.contains("1 to 100"));
}

// covers: EL-17
#[tokio::test]
async fn the_node_that_is_bad_is_first_and_shuffled_labels_give_nothing() {
    let shop = shop::open();
    let answer =
        ask(&shop, "get_apm_correlations", json!({ "serviceName": "orders", "start": "now-30m" })).await;
    assert!(answer["overall"] == 300, "{answer}");
    let mut tables = shop::tables();
    // A quarter of the requests run on a node that fails them; labels that go round say nothing.
    for span in &mut tables.spans {
        let number = u128::from_be_bytes(span.trace_id.0) - 1;
        let node = format!("n{}", number % 4);
        span.attributes.push(("k8s.node.name".into(), telemetry::Value::Text(node.into())));
        span.attributes.push(("flag".into(), telemetry::Value::Text(format!("f{}", number / 7 % 3).into())));
        let fails = number % 4 == 3;
        span.status = if fails { telemetry::StatusCode::Error } else { telemetry::StatusCode::Unset };
    }
    let context = Memory::new(tables, shop::now()).context(Role::Observer);
    let arguments = json!({ "serviceName": "gateway", "metric": "failure_rate", "start": "now-15m" });
    let planted = ask(&context, "get_apm_correlations", arguments).await;
    let first = &planted["correlations"][0];
    assert!(first["field"] == "k8s.node.name" && first["value"] == "n3", "{planted}");
    // 38 of the 150 requests, and all that fail.
    assert!(
        near(&first["upliftPoints"], 100.0)
            && near(&first["subsetPct"], 100.0)
            && near(&first["overallPct"], 100.0 * 38.0 / 150.0),
        "{first}"
    );
    assert!(planted["gaps"].to_string().contains("do not tell the two apart"), "{planted}");
    let flags =
        planted["correlations"].as_array().expect("rows").iter().filter(|row| row["field"] == "flag").count();
    assert_eq!(flags, 0, "{planted}");
    for metric in ["throughput", "infra_metrics"] {
        let answer =
            ask(&shop, "get_apm_correlations", json!({ "serviceName": "orders", "metric": metric })).await;
        assert_eq!(answer["overall"], 600, "{answer}");
        let first = &answer["correlations"][0];
        if metric == "infra_metrics" {
            assert!(first["field"] == "jvm.memory.used" && first["r"].as_f64() > Some(0.9), "{answer}");
        } else {
            // All of the traffic is even: no part of it has a course.
            assert!(first.is_null(), "{answer}");
        }
    }
    let range = json!({ "kqlFilter": "service.name: a or service.name: b" });
    assert!(refused(&shop, "get_apm_correlations", range).await.contains("`and` between them"));
    let pattern = json!({ "kqlFilter": "service.*: orders" });
    assert!(refused(&shop, "get_apm_correlations", pattern).await.contains("`and` between them"));
    for two in [
        json!({ "serviceName": "orders", "kqlFilter": "service.name: gateway" }),
        json!({ "kqlFilter": "service.name: orders and service.name: gateway" }),
    ] {
        let error = refused(&shop, "get_apm_correlations", two).await;
        assert!(error.contains("both `gateway` and `orders`"), "{error}");
    }
}

// covers: EL-21
#[tokio::test]
async fn the_time_of_a_slow_service_goes_to_its_query() {
    let shop = shop::open();
    let answer = ask(&shop, "analyze_latency_bottlenecks", json!({ "serviceName": "orders" })).await;
    let first = &answer["bottlenecks"][0];
    assert!(first["kind"] == "dependency" && first["severity"] == "critical", "{answer}");
    // 80 of 85 milliseconds.
    assert!(near(&first["meanMs"], 80.0) && near(&first["impactPercent"], 100.0 * 80.0 / 85.0), "{answer}");
    let gateway = ask(&shop, "analyze_latency_bottlenecks", json!({ "serviceName": "gateway" })).await;
    assert_eq!(gateway["bottlenecks"][0]["targetService"], "orders", "{gateway}");
    let operation = json!({ "serviceName": "orders", "kqlFilter": "transaction.name: \"GET /orders\"" });
    let error = refused(&shop, "analyze_latency_bottlenecks", operation).await;
    assert!(error.contains("not told apart by its operations"), "{error}");
}

// covers: EL-21
#[tokio::test]
async fn the_whole_that_shares_are_of_is_that_of_all_callees() {
    let mut tables = shop::tables();
    // Forty services beside orders are called by it for 10 ms each.
    let server =
        tables.spans.iter().find(|span| span.name.as_ref() == "GET /orders").expect("a span").clone();
    for callee in 0..40_u8 {
        for (number, kind) in [(1, SpanKind::Client), (2, SpanKind::Server)] {
            let mut span = server.clone();
            span.span_id = SpanId([200, 0, 0, 0, 0, 0, callee, number]);
            span.parent =
                Some(if number == 1 { server.span_id } else { SpanId([200, 0, 0, 0, 0, 0, callee, 1]) });
            span.kind = kind;
            span.name = format!("call {callee}").into();
            span.end = UnixNanos(span.start.0 + 10_000_000);
            if number == 2 {
                let name =
                    (Arc::from("service.name"), telemetry::Value::Text(format!("callee-{callee}").into()));
                span.resource = Arc::new(telemetry::Resource::of(vec![name].into_iter().collect()));
            }
            tables.spans.push(span);
        }
    }
    tables.sort();
    let context = Memory::new(tables, shop::now()).context(Role::Observer);
    let answer = ask(&context, "analyze_latency_bottlenecks", json!({ "serviceName": "orders" })).await;
    let query = row(&answer["bottlenecks"], "kind", "dependency");
    // 48 s of queries; 400 ms of calls; 3 s of the service's own, less what the calls cover of it.
    let share = query["impactPercent"].as_f64().expect("a share");
    let with_25 = 100.0 * 48_000.0 / (48_000.0 + 250.0 + 2_970.0);
    assert!(share < with_25 && share > 90.0, "{share} {answer}");
}

// covers: EL-04, EL-12
#[tokio::test]
async fn a_late_service_is_found_behind_a_cut_and_a_cut_series_is_not_judged() {
    let cut = |rows| Memory::new(shop::tables(), shop::now()).cut_at(rows).context(Role::Observer);
    // Sorted by service, the only row that is left is the gateway's; orders has two, one for each version.
    let arguments = json!({ "kqlFilter": "service.name: orders", "groupBy": "service.version" });
    let answer = ask(&cut(1), "get_trace_metrics", arguments).await;
    assert_eq!((&answer["total"], &answer["items"][0]["group"]), (&json!(1), &json!("1.9.0")), "{answer}");
    assert_eq!(answer["truncated"], true);
    let series = json!({ "kqlFilter": "service.name: orders" });
    let series = ask(&cut(700), "get_trace_metrics_timeseries", series).await;
    assert_eq!(series["groups"][0]["requests"], 600, "{series}");
    for tool in ["get_trace_change_points", "get_log_change_points"] {
        let answer = ask(&cut(900), tool, json!({})).await;
        assert_eq!((&answer["changePoints"], &answer["truncated"]), (&json!([]), &json!(true)), "{answer}");
        assert!(answer["gaps"].to_string().contains("not judged"), "{answer}");
    }
}

// covers: EL-22, EL-41, C-06, W-19
#[tokio::test]
async fn an_older_or_dotted_name_gives_the_same_answer() {
    let registry = Registry::new(dialects::named("elastic").expect("a dialect"));
    let shop = shop::open();
    let listed: std::collections::BTreeSet<String> =
        registry.list().iter().map(|tool| tool.about().name.clone()).collect();
    let named: std::collections::BTreeSet<String> =
        names::NAMES.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(listed, named, "every tool stands in the table of names");
    for row in names::NAMES.iter().filter(|row| !row.older.is_empty()) {
        let tool = registry.get(row.name).expect(row.name);
        let expected: Reply = tool.call(&shop, json!({})).await.expect(row.name);
        for other in row.older.iter().copied().chain([row.dotted]) {
            let tool = registry.get(other).expect(other);
            assert_eq!(tool.call(&shop, json!({})).await.expect(other), expected, "{other}");
        }
    }
    assert!(registry.get("observability.get_nothing").is_none());
}

// covers: EL-23
#[tokio::test]
async fn documentation_finds_the_tool_that_fits() {
    let answer = ask(&shop::open(), "product_documentation", json!({ "text": "leak of memory heap" })).await;
    assert_eq!(answer["excerpts"][0]["tool"], "get_runtime_metrics", "{answer}");
}

// covers: EL-39, EL-43, EL-45
#[tokio::test]
async fn a_field_that_rows_do_not_carry_is_refused_with_those_that_can_be_used() {
    let shop = shop::open();
    for (tool, arguments) in [
        ("get_services", json!({ "kqlFilter": "host.name: a" })),
        ("get_services", json!({ "kqlFilter": "host.*: a" })),
        ("get_services", json!({ "kqlFilter": "service.*: orders and k8s.*: a" })),
        ("get_trace_metrics", json!({ "kqlFilter": "event.outcome: failure" })),
        ("get_trace_metrics", json!({ "groupBy": "host.name" })),
        ("get_hosts", json!({ "kqlFilter": "service.name: a" })),
        ("get_alerts", json!({ "kqlFilter": "host.name: a" })),
        ("get_logs", json!({ "kqlFilter": "no.such: a" })),
        ("get_log_groups", json!({ "kqlFilter": "no.such: a" })),
        ("get_change_events", json!({ "kqlFilter": "no.such: a" })),
        ("get_runtime_metrics", json!({ "kqlFilter": "no.such: a" })),
        ("get_traces", json!({ "kqlFilter": "no.such: a" })),
    ] {
        let error = refused(&shop, tool, arguments).await;
        assert!(error.contains("carr") || error.contains("one of"), "{tool}: {error}");
        assert!(error.contains("service.name") || error.contains("host.name"), "{tool}: {error}");
    }
    assert!(
        refused(&shop, "get_services", json!({ "environment": "production" }))
            .await
            .contains("cannot be told apart")
    );
    let error = refused(&shop, "get_logs", json!({ "kqlFilter": "a: (b or" })).await;
    assert!(error.contains("at character"), "{error}");
    let long = |count: usize| "a".repeat(count);
    assert!(
        refused(&shop, "get_logs", json!({ "kqlFilter": format!("a: {}", long(4094)) }))
            .await
            .contains("4096")
    );
    assert!(refused(&shop, "get_logs", json!({ "start": long(1025) })).await.contains("1024"));
    assert!(refused(&shop, "get_logs", json!({ "index": long(4097) })).await.contains("4096"));
}
