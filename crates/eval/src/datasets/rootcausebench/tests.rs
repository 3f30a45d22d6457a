//! A made-up incident in the form of the dataset.

use telemetry::SpanKind;

use super::*;

#[expect(clippy::disallowed_methods, reason = "a test file need not outlive a crash")]
fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const ALERT: &str =
    r#"{"service":"cart","metric":"http_p99_ms","fired_at":"2026-01-01T00:10:00Z","summary":"slow"}"#;
const LOGS: &str = r#"{"timestamp":"2026-01-01T00:01:00Z","service":"cart","severity_text":"ERROR","msg":"it broke","n":5}
{"timestamp":"2026-01-01T00:11:00Z","service":"cart","severity_text":"INFO","msg":"too late to be known"}
"#;
const METRICS: &str = "timestamp,service,metric,value\n2026-01-01T00:00:00Z,cart,http_p99_ms,5.5\n";
const TRACES: &str = r#"[
{"trace_id":"x","span_id":"a","parent_id":null,"service":"web","name":"GET /","start":"2026-01-01T00:02:00Z","duration_ms":9.5,"status":"OK"},
{"trace_id":"same","span_id":"b","parent_id":"a","service":"cart","name":"load","start":"2026-01-01T00:02:00Z","duration_ms":8,"status":"ERROR","error":"refused"},
{"trace_id":"same","span_id":"c","parent_id":"b","service":"cart","name":"call","start":"2026-01-01T00:02:00Z","duration_ms":7,"status":"OK","peer.service":"bank"},
{"trace_id":"y","span_id":"a","parent_id":null,"service":"web","name":"GET /","start":"2026-01-01T00:03:00Z","duration_ms":9,"status":"OK"}]"#;
const COMMITS: &str = r#"[{"sha":"c1","author":"a","timestamp":"2025-12-31T23:59:00Z","message":"m","files_changed":["x.go"],"diff":null}]"#;
const DEPLOYS: &str =
    r#"[{"timestamp":"2026-01-01T00:01:00Z","service":"cart","commit_sha":"c1","version":"v1"}]"#;
const FLAGS: &str =
    r#"[{"timestamp":"2026-01-01T00:01:00Z","flag":"f","service":"cart","change":"off->on","actor":"b"}]"#;
const LABEL: &str =
    r#"{"root_cause_commit":"c1","first_failing_service":"cart","decoy_deploy_commits":["c2"]}"#;

fn made_up() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "set/one/data/alert.json", ALERT);
    write(root, "set/one/data/logs.ndjson", LOGS);
    write(root, "set/one/data/metrics.csv", METRICS);
    write(root, "set/one/data/traces.json", TRACES);
    write(root, "set/one/data/context/commits.json", COMMITS);
    write(root, "set/one/data/context/deploys.json", DEPLOYS);
    write(root, "set/one/data/context/flags.json", FLAGS);
    write(root, "set-labels/one.json", LABEL);
    folder
}

#[test]
fn a_case_holds_what_was_known_at_the_alert_and_the_label_stands_apart() {
    let folder = made_up();
    let root = folder.path().join("set");
    assert!(RootCauseBench.is_at(&root));
    let incidents = RootCauseBench.incidents(&root).unwrap();
    assert_eq!(incidents[0].label.change, "c1");
    let case = RootCauseBench.load(&root, &incidents[0]).unwrap();
    assert_eq!(case.file.symptoms[0].signal, AlertSignal::Latency);
    assert_eq!(case.tables.logs.len(), 1, "what came after the alert is left out");
    let kinds: Vec<&str> = case.tables.changes.iter().map(|change| change.kind.as_str()).collect();
    assert_eq!(kinds, ["commit", "deploy", "flag"]);
    assert!(!serde_json::to_string(&case.tables.changes).unwrap().contains("c2"));
}

#[test]
fn spans_find_their_trace_by_their_parent() {
    let folder = made_up();
    let spans = telemetry_files::spans(&folder.path().join("set/one/data/traces.json")).unwrap();
    let trace = |place: usize| spans[place].trace_id;
    assert_eq!((trace(0), trace(0)), (trace(1), trace(2)));
    assert_ne!(trace(0), trace(3));
    let kinds: Vec<SpanKind> = spans.iter().map(|span| span.kind).collect();
    assert_eq!(kinds, [SpanKind::Server, SpanKind::Server, SpanKind::Client, SpanKind::Server]);
}
