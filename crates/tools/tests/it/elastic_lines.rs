//! The tools that read lines, fields, changes and change points, by their Elastic names, on the shop.

use serde_json::{Value, json};
use telemetry::recorded::Tables;
use tools::{Context, Role};

use crate::elastic::{ask, refused, row};
use crate::memory::{Memory, call};
use crate::shop;
use crate::system::{self, BEGIN};

// covers: EL-06
#[tokio::test]
async fn the_values_that_a_burst_is_made_of_are_found_and_null_data_give_none() {
    let shop = shop::open();
    let at = |s: i64| BEGIN.plus_seconds(s).rfc3339();
    let windows = |good: (i64, i64), bad: (i64, i64)| {
        json!({
            "baseline": { "start": at(good.0), "end": at(good.1) },
            "deviation": { "start": at(bad.0), "end": at(bad.1) },
        })
    };
    let answer = ask(&shop, "run_log_rate_analysis", windows((0, 2400), (2400, 3600))).await;
    assert_eq!(answer["analysisType"], "spike");
    let exception = row(&answer["items"], "value", "DuplicateKey");
    assert!(exception["baselineCount"] == 0 && exception["deviationCount"] == 100, "{exception}");
    assert!(
        answer["items"].as_array().is_some_and(|items| items.iter().all(|item| item["value"] != "acme")),
        "{answer}"
    );
    let null = ask(&shop, "run_log_rate_analysis", windows((0, 1200), (1200, 2400))).await;
    assert_eq!(null["items"], json!([]), "{null}");
}

// covers: EL-07, EL-22
#[tokio::test]
async fn groups_of_lines_are_exceptions_first_and_within_the_limit() {
    let shop = shop::open();
    let answer = ask(&shop, "get_log_groups", json!({ "includeFirstSeen": true })).await;
    let exception = row(&answer["groups"], "type", "logException");
    assert!(exception["count"] == 100 && exception["service"] == "orders", "{exception}");
    assert_eq!(exception["firstSeen"], json!(telemetry::UnixNanos(BEGIN.0 + 2_400_005_000_000).rfc3339()));
    let span = row(&answer["groups"], "type", "spanException");
    assert!(span["count"] == 100 && span["downstreamServiceResource"].is_string(), "{span}");
    let plain = row(&answer["groups"], "service", "gateway");
    assert!(plain["type"] == "log" && plain["count"] == 600, "{plain}");
    let spans = ask(&shop, "get_log_groups", json!({ "kqlFilter": "span.name: SELECT*" })).await;
    assert_eq!((&spans["total"], &spans["groups"][0]["type"]), (&json!(1), &json!("spanException")));
    let few = ask(&shop, "get_log_groups", json!({ "limit": 1 })).await;
    assert_eq!((few["groups"].as_array().map(Vec::len), &few["truncated"]), (Some(1), &json!(true)));
    let filtered = ask(&shop, "get_log_groups", json!({ "kqlFilter": "k8s.pod.name: orders-7f" })).await;
    assert_eq!((&filtered["total"], &filtered["groups"][0]["count"]), (&json!(1), &json!(100)));
}

// covers: EL-11, EL-12, EL-13
#[tokio::test]
async fn change_points_are_dated_within_a_bucket() {
    let shop = shop::open();
    let at = |answer: &Value, group: &str, figure: &str| -> i64 {
        let rows = answer["changePoints"].as_array().expect("rows");
        let found = rows.iter().find(|row| {
            row["group"].as_str().is_some_and(|name| name.contains(group)) && row["figure"] == figure
        });
        let text =
            found.unwrap_or_else(|| panic!("no {group} {figure}: {answer}"))["at"].as_str().expect("a time");
        let at = tools::when::parse(text, telemetry::UnixNanos(0)).expect("a time");
        at.since(BEGIN) / 1_000_000_000
    };
    let traces = ask(&shop, "get_trace_change_points", json!({})).await;
    assert!((at(&traces, "orders", "latencyMs") - 2400).abs() <= 60, "{traces}");
    assert!((at(&traces, "orders", "failureRate") - 2400).abs() <= 60, "{traces}");
    let logs = ask(&shop, "get_log_change_points", json!({})).await;
    assert!((at(&logs, "refused", "lines") - 2400).abs() <= 60, "{logs}");
    let rows = logs["changePoints"].as_array().expect("rows");
    assert!(rows.iter().all(|row| !row["group"].as_str().unwrap_or_default().contains("billing")), "{logs}");
    let arguments =
        json!({ "aggregation": { "field": "jvm.memory.used" }, "groupBy": ["service.node.name"] });
    let metric = ask(&shop, "get_metric_change_points", arguments).await;
    assert!((at(&metric, "orders-1", "jvm.memory.used") - 2400).abs() <= 150, "{metric}");
    let unknown = json!({ "aggregation": { "field": "jvm.memory.used" }, "groupBy": ["host.name"] });
    assert!(refused(&shop, "get_metric_change_points", unknown).await.contains("jvm.memory.type"));
    let quantile = json!({ "aggregation": { "field": "jvm.memory.used", "type": "p95" } });
    assert!(refused(&shop, "get_metric_change_points", quantile).await.contains("no source tells"));
}

// covers: EL-14
#[tokio::test]
async fn anomaly_jobs_are_none_and_say_so_and_their_limits_hold() {
    let shop = shop::open();
    let answer =
        ask(&shop, "get_anomaly_detection_jobs", json!({ "jobsLimit": 25, "anomalyRecordsLimit": 100 }))
            .await;
    assert!(
        answer["jobs"] == json!([]) && !answer["gaps"][0].as_str().unwrap_or_default().is_empty(),
        "{answer}"
    );
    for wrong in [
        json!({ "jobsLimit": 26 }),
        json!({ "anomalyRecordsLimit": 101 }),
        json!({ "jobIds": vec!["a"; 21] }),
        json!({ "minAnomalyScore": 101 }),
    ] {
        assert!(!refused(&shop, "get_anomaly_detection_jobs", wrong).await.is_empty());
    }
}

// covers: EL-15, EL-23
#[tokio::test]
async fn fields_are_listed_once_and_values_say_when_there_are_more() {
    let shop = shop::open();
    let patterns = ask(&shop, "get_index_info", json!({})).await;
    assert_eq!(row(&patterns["indexPatterns"], "pattern", "traces*")["documents"], 2400);
    let fields = ask(
        &shop,
        "get_index_info",
        json!({ "operation": "list-fields", "index": "logs*", "intent": "pod" }),
    )
    .await;
    assert_eq!(fields["fields"][0]["name"], "kubernetes.pod.name", "{fields}");
    let listed = ask(&shop, "get_index_info", json!({ "operation": "list-fields" })).await;
    let names: Vec<&Value> =
        listed["fields"].as_array().expect("fields").iter().map(|field| &field["name"]).collect();
    let distinct: std::collections::BTreeSet<String> = names.iter().map(|name| name.to_string()).collect();
    assert_eq!(distinct.len(), names.len());
    assert!(!names.contains(&&json!("k8s.pod.name")), "{names:?}");
    let values = json!({ "operation": "get-field-values", "fields": ["msgId", "customer", "message"] });
    let values = ask(&shop, "get_index_info", values).await;
    assert_eq!(row(&values["fields"], "name", "msgId")["hasMoreValues"], true);
    assert_eq!(row(&values["fields"], "name", "customer")["values"], json!(["acme", "globex"]));
    assert!(row(&values["fields"], "name", "customer")["hasMoreValues"].is_null(), "{values}");
    assert!(row(&values["fields"], "name", "message")["values"].as_array().is_some_and(|v| v.len() <= 5));
    assert!(
        refused(&shop, "get_index_info", json!({ "index": "filebeat-*" })).await.contains("there are logs")
    );
    let indices = ask(&shop, "list_indices", json!({})).await;
    assert_eq!(row(&indices["indices"], "name", "traces")["docs"], 2400);
    assert_eq!(indices, elk(&shop, "list_indices").await, "one implementation");
}

async fn elk(context: &Context, tool: &str) -> Value {
    let mut answer = call(context, "elk", tool, json!({})).await.expect("an answer").structured;
    let elastic = call(context, "elastic", tool, json!({})).await.expect("an answer").structured;
    // Only what to ask next has other names.
    answer["next"] = elastic["next"].clone();
    answer
}

// covers: EL-16
#[tokio::test]
async fn lines_in_summary_count_group_and_cut_visibly() {
    let shop = shop::open();
    let answer =
        ask(&shop, "get_logs", json!({ "groupBy": "log.level", "limit": 3, "fields": ["customer"] })).await;
    assert_eq!((&answer["totalCount"], &answer["isLowerBound"]), (&json!(1360), &json!(false)));
    assert_eq!(row(&answer["groups"], "value", "error")["count"], 100);
    let sum: u64 =
        answer["histogram"].as_array().expect("buckets").iter().filter_map(|b| b["count"].as_u64()).sum();
    // Cut to the budget from the end, which `truncated` tells: what is left begins with the window, and counts all.
    let first: Vec<u64> = answer["histogram"]
        .as_array()
        .expect("buckets")
        .iter()
        .take(20)
        .filter_map(|bucket| bucket["count"].as_u64())
        .collect();
    assert!(first == [42; 20] && sum <= 1360 && answer["truncated"] == true, "{answer}");
    let few = ask(&shop, "get_logs", json!({ "kqlFilter": "message: \"order 500 refused\"" })).await;
    assert_eq!((&few["totalCount"], &few["samples"][0]["level"]), (&json!(1), &json!("error")));
    let long = system::tables(&[]);
    let mut tables = Tables { ..long };
    let mut record = shop::tables().logs.remove(0);
    record.body = telemetry::Value::Text("x".repeat(2000).into());
    tables.logs.push(record);
    let context = Memory::new(tables, shop::now()).context(Role::Observer);
    let cut = ask(&context, "get_logs", json!({})).await;
    let message = cut["samples"][0]["message"].as_str().expect("a line");
    assert!(message.ends_with("...") && message.len() <= 500, "{message}");
}

// covers: EL-18, EL-31
#[tokio::test]
async fn two_errors_of_one_trace_are_one_sequence_and_no_service_starves() {
    let mut tables = shop::tables();
    let mut again: Vec<_> = tables.logs.iter().filter(|log| log.severity >= 17).cloned().collect();
    for log in &mut again {
        log.body = telemetry::Value::Text("second error of the request".into());
    }
    tables.logs.extend(again);
    let mut quiet =
        tables.logs.iter().find(|log| &*log.resource.service == "billing").expect("a line").clone();
    quiet.severity = 17;
    quiet.body = telemetry::Value::Text("billing failed once".into());
    quiet.attributes.push(("session_id".into(), telemetry::Value::Text("s-1".into())));
    tables.logs.push(quiet);
    let context = Memory::new(tables, shop::now()).context(Role::Observer);
    let answer = ask(&context, "get_correlated_logs", json!({ "maxSequences": 2 })).await;
    assert_eq!((&answer["total"], &answer["truncated"]), (&json!(101), &json!(true)));
    let fields: Vec<&Value> =
        answer["sequences"].as_array().expect("rows").iter().map(|row| &row["correlationField"]).collect();
    assert_eq!(fields, ["session_id", "trace.id"], "{answer}");
    assert_eq!(answer["sequences"][1]["logCount"], 4, "accepted, stored, and two errors: {answer}");
    let id = answer["sequences"][1]["anchorId"].clone();
    let one = ask(&context, "get_correlated_logs", json!({ "logId": id })).await;
    assert_eq!((&one["total"], &one["sequences"][0]["anchorId"]), (&json!(1), &id));
    let document = ask(&context, "get_document_by_id", json!({ "id": id })).await;
    assert_eq!(row(&document["fields"], "name", "error.exception.type")["value"], "DuplicateKey");
}

// covers: EL-20
#[tokio::test]
async fn a_version_that_is_new_and_one_that_came_back_are_told_apart() {
    let shop = shop::open();
    let answer = ask(&shop, "get_change_events", json!({ "start": "now-20m" })).await;
    let orders = row(&answer["versionsByService"], "service", "orders");
    assert_eq!((&orders["new"], &orders["cameBack"]), (&json!(["2.0.0"]), &json!([])));
    let all = ask(&shop, "get_change_events", json!({ "start": "now-1h" })).await;
    assert_eq!((&all["total"], &all["events"][0]["to"]), (&json!(2), &json!("2.0.0")));
    let flags =
        ask(&shop, "get_change_events", json!({ "start": "now-1h", "changeTypes": ["feature_flag"] })).await;
    assert_eq!((&flags["total"], &flags["events"][0]["author"]), (&json!(1), &json!("ada")));
    let mut tables = shop::tables();
    let old =
        tables.spans.iter().find(|span| &*span.resource.version == "1.9.0").expect("a span").resource.clone();
    let late = BEGIN.plus_seconds(3500);
    // The version ran two hours ago, another one until the window, and then it again.
    for span in &mut tables.spans {
        if span.start >= late && &*span.resource.service == "orders" {
            span.resource = old.clone();
        }
        if span.trace_id < shop::trace(shop::FIRST_BAD) {
            (span.start, span.end) = (span.start.plus_seconds(-7200), span.end.plus_seconds(-7200));
        }
    }
    tables.sort();
    let context = Memory::new(tables, shop::now()).context(Role::Observer);
    let window =
        json!({ "start": BEGIN.plus_seconds(3500).rfc3339(), "end": BEGIN.plus_seconds(3600).rfc3339() });
    let back = ask(&context, "get_change_events", window).await;
    let orders = row(&back["versionsByService"], "service", "orders");
    assert_eq!((&orders["new"], &orders["cameBack"]), (&json!([]), &json!(["1.9.0"])), "{back}");
}

// covers: EL-18
#[tokio::test]
async fn a_named_line_is_found_among_more_lines_than_a_source_gives() {
    let context = Memory::new(shop::tables(), shop::now()).cut_at(50).context(Role::Observer);
    let line = json!({ "kqlFilter": "message: \"order 300 accepted\"" });
    let found = ask(&shop::open(), "get_logs", line).await;
    let id = found["samples"][0]["id"].clone();
    let one = ask(&context, "get_correlated_logs", json!({ "logId": id })).await;
    assert_eq!(
        (&one["sequences"][0]["anchorId"], &one["sequences"][0]["logCount"]),
        (&id, &json!(2)),
        "{one}"
    );
}

// covers: EL-15, EL-35
#[tokio::test]
async fn a_metric_has_its_own_ends_and_a_duration_those_of_its_unit() {
    let shop = shop::open();
    let arguments = json!({
        "operation": "get-field-values",
        "fields": ["jvm.memory.used", "transaction.duration.us", "duration"],
        "start": "now-50m",
    });
    let answer = ask(&shop, "get_index_info", arguments).await;
    let ends = |name: &str| {
        let field = row(&answer["fields"], "name", name);
        [&field["min"], &field["max"]].map(|end| end.as_str().and_then(|end| end.parse::<f64>().ok()))
    };
    assert_eq!(ends("jvm.memory.used"), [Some(100.0), Some(200.02)]);
    assert_eq!(ends("transaction.duration.us")[1], Some(210_000.0), "{answer}");
    assert_eq!(ends("duration")[1], Some(210_000_000.0), "{answer}");
}
