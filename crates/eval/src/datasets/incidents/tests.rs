//! Our own folders: what is written by hand and what the Collector writes is read, and what is wrong is said.

use incident::AlertSignal;
use serde_json::json;
use telemetry::answer::SeriesKind;

use super::*;

#[expect(clippy::disallowed_methods, reason = "a test file need not outlive a crash")]
fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

const ALERT: &str =
    r#"{"alert":{"at":"2026-01-01T00:10:00Z","service":"web","signal":"errors"},"cause":"none"}"#;

/// 2026-01-01T00:00:00Z in seconds, and a minute of it in nanoseconds as OTLP/JSON has it.
fn nanos(second: i64) -> String {
    ((1_767_225_600 + second) * 1_000_000_000).to_string()
}

fn log_line(second: i64, text: &str) -> String {
    let record =
        json!({ "timeUnixNano": nanos(second), "severityNumber": 9, "body": { "stringValue": text } });
    let service = json!({ "key": "service.name", "value": { "stringValue": "web" } });
    let logs = json!({ "resource": { "attributes": [service] }, "scopeLogs": [{ "logRecords": [record] }] });
    json!({ "resourceLogs": [logs] }).to_string()
}

fn metric_line(metric: serde_json::Value) -> String {
    let service = json!({ "key": "service.name", "value": { "stringValue": "web" } });
    let metrics =
        json!({ "resource": { "attributes": [service] }, "scopeMetrics": [{ "metrics": [metric] }] });
    json!({ "resourceMetrics": [metrics] }).to_string()
}

fn sum(second: i64, value: f64) -> String {
    let point = json!({ "startTimeUnixNano": nanos(0), "timeUnixNano": nanos(second), "asDouble": value });
    metric_line(json!({
        "name": "jobs",
        "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [point] },
    }))
}

fn histogram(second: i64, count: u64, sum: f64) -> String {
    let point = json!({ "startTimeUnixNano": nanos(0), "timeUnixNano": nanos(second), "count": count.to_string(), "sum": sum });
    metric_line(json!({
        "name": "http.server.request.duration",
        "unit": "s",
        "histogram": { "aggregationTemporality": 2, "dataPoints": [point] },
    }))
}

fn load(root: &Path) -> Result<Case, String> {
    let incidents = Incidents.incidents(root).map_err(|error| error.to_string())?;
    Incidents.load(root, &incidents[0]).map_err(|error| error.to_string())
}

#[test]
fn rotated_files_tables_and_changes_of_one_folder_add_up_and_end_at_the_alert() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let one = root.join("one");
    write(&one, "incident.json", ALERT);
    write(&one, "logs.jsonl", &format!("{}\n\n{}\n", log_line(60, "early"), log_line(660, "too late")));
    write(&one, "logs-2026-01-01.jsonl", &log_line(120, "rotated"));
    write(&one, "calls.csv", "caller,callee\nweb,db\n");
    write(&one, "changes.json", r#"[{"at":"2026-01-01T00:09:00Z","kind":"deploy","id":"2"}]"#);
    write(&root.join("other"), "notes.txt", "no incident");
    assert!(Incidents.is_at(root) && Incidents.is_at(&one));
    let case = load(root).unwrap();
    let bodies: Vec<String> = case.tables.logs.iter().map(|log| log.body.render()).collect();
    assert_eq!(bodies, ["rotated", "early"]);
    assert_eq!((case.tables.calls.len(), case.tables.changes.len()), (1, 1));
    assert_eq!(case.file.symptoms[0].signal, AlertSignal::Errors);
    assert_eq!(case.file.history_from.rfc3339(), "2026-01-01T00:01:00.000Z");
    assert_eq!(Incidents.incidents(&one).unwrap()[0].label.origin, "one");
}

#[test]
fn counters_become_rates_and_distributions_means_through_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "incident.json", ALERT);
    let lines =
        [sum(60, 100.0), sum(120, 160.0), sum(180, 30.0), histogram(60, 10, 1.0), histogram(120, 30, 5.0)];
    write(root, "metrics.jsonl", &lines.join("\n"));
    let case = load(root).unwrap();
    let told = |metric: &str, kind: SeriesKind| -> Vec<f64> {
        let of = |key: &telemetry::recorded::SeriesKey| key.metric == metric && key.kind == kind;
        let series = case.tables.series.iter().find(|series| of(&series.key)).unwrap();
        series.points.iter().map(|(_, value)| *value).collect()
    };
    assert_eq!(told("jobs", SeriesKind::Rate), [1.0, 0.5]);
    assert_eq!(told("http.server.request.duration", SeriesKind::Mean), [0.2]);
    assert!((told("http.server.request.duration", SeriesKind::Rate)[0] - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn what_is_wrong_with_a_folder_is_said_with_a_hint() {
    let cases = [
        (r#"{"alert":{"at":"2026-01-01T00:10:00Z"}}"#, "`cause` must be"),
        (r#"{"alert":{"at":"2026-01-01T00:10:00Z"},"cause":"nobody"}"#, "`cause` must be"),
        (r#"{"alert":{"at":"2026-01-01T00:10:00+02:00"},"cause":"none"}"#, "write it in UTC"),
        (r#"{"alert":{"at":"2026-01-01T00:10:00Z","service":"a"},"cause":"none"}"#, "or neither"),
        (r#"{"alert":{"at":"2025-01-01T00:10:00Z"},"cause":"none"}"#, "from before the alert"),
        (r#"{"alert":{"at":"2026-01-01T00:10:00Z"},"cause":{"service":""}}"#, "`cause.service` is empty"),
        (r#"{"alert":{"at":"2026-01-01T00:10:00Z","sevrice":"a"},"cause":"none"}"#, "as the JSON expected"),
        (r#"{"schema":"x/1","alert":{"at":1},"cause":"none"}"#, "not `firstcause.incident/1`"),
    ];
    for (text, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "incident.json", text);
        write(folder.path(), "logs.jsonl", &log_line(60, "x"));
        let said = load(folder.path()).unwrap_err();
        assert!(said.contains(words), "{text}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "incident.json", ALERT);
    write(folder.path(), "logs.jsonl", "{\"resourceLogs\": 5}");
    let said = load(folder.path()).unwrap_err();
    assert!(said.contains("line 1") && said.contains("hint:"), "{said}");
    let empty = tempfile::tempdir().unwrap();
    assert!(load(empty.path()).unwrap_err().contains("--example"));
}

#[test]
fn the_cause_stands_in_the_label_and_not_in_the_case() {
    let folder = tempfile::tempdir().unwrap();
    crate::example::write(folder.path()).unwrap();
    let incidents = Incidents.incidents(folder.path()).unwrap();
    let labels: Vec<(&[String], &str, bool)> = incidents
        .iter()
        .map(|one| (one.label.roots.as_slice(), one.label.change.as_str(), one.label.is_none))
        .collect();
    let (orders, payments) = (["orders".to_owned()], ["payments".to_owned()]);
    assert_eq!(labels, [(&orders[..], "1.5.0", false), (&payments[..], "", false), (&[][..], "", true)]);
    let case = Incidents.load(folder.path(), &incidents[0]).unwrap();
    let told = serde_json::to_string(&case.file).unwrap();
    assert!(!told.contains("orders") && !told.contains("slow query"), "{told}");
    assert_eq!(case.tables.spans.len(), 6 * 2 * 720);
    assert!(case.file.left_out.is_empty(), "{:?}", case.file.left_out);
}
