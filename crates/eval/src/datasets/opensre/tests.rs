//! Two made-up incidents in the form of the dataset: a workload whose new replicas do not start, and a database.

use telemetry::answer::state::metric;

use super::*;
use crate::label::Label;

#[expect(clippy::disallowed_methods, reason = "a test file need not outlive a crash")]
fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const POD_ALERT: &str = r#"{"title":"[x] secret_mode","state":"alerting","commonLabels":{"alertname":"SecretMode","workload_name":"shop"},
"commonAnnotations":{"summary":"shop has too few replicas","suspected_symptom":"secret_mode","k8s_failure_mode":"secret_mode"}}"#;
const PODS: &str = r#"{"pods":[
{"name":"shop-77aa-x1","phase":"Running","node_name":"n1","start_time":"2026-01-01T00:00:00Z","deletion_timestamp":"2026-01-02T00:10:00Z",
 "containers":[{"name":"shop","ready":true,"restart_count":2,"state":{"running":true,"started_at":"2026-01-01T00:00:05Z"}}],"conditions":[]},
{"name":"shop-88bb-y1","phase":"Pending","node_name":"n1","start_time":"2026-01-02T00:00:00Z",
 "containers":[{"name":"shop","ready":false,"restart_count":0,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}},
  "last_state":{"terminated":{"reason":"OOMKilled","exit_code":137}}}],
 "conditions":[{"type":"Ready","status":"False","reason":"ContainersNotReady","message":"no"}]}]}"#;
const DEPLOYMENTS: &str =
    r#"{"deployments":[{"name":"shop","desired":1,"ready":0,"available":0,"unavailable":1}]}"#;
const NODES: &str = r#"{"nodes":[{"name":"n1","ready":"False","memory_pressure":"True","allocatable_cpu":"1500m","allocatable_memory":"2Gi"}]}"#;
const EVENTS: &str = r#"{"warning_events":[{"reason":"BackOff","message":"again","type":"Warning","count":3,
"involved_object":"Pod/shop-88bb-y1","first_time":"2026-01-02T00:01:00Z","last_time":"2026-01-02T00:05:00Z"}]}"#;
const LOGS: &str = r#"{"logs":[{"timestamp":"2026-01-02T00:06:00Z","message":"it broke","status":"error","service":"shop","host":"h"}]}"#;
const POD_LOGS: &str =
    r#"{"pod_name":"shop-88bb-y1","logs":"2026-01-02T00:02:00Z FATAL no more\n[ended with exit code 1]\n"}"#;
const MONITORS: &str = r#"{"monitors":[{"name":"errors","overall_state":"Alert","message":"m","query":"q","tags":["env:x","service:shop"]}]}"#;
const POD_ANSWER: &str = "root_cause_category: resource_exhaustion\nrequired_keywords:\n  - OOMKilled\nforbidden_categories:\n  - infrastructure\nmodel_response: |\n  ROOT_CAUSE: it\n\n  more\n";

const DB_ALERT: &str =
    r#"{"commonAnnotations":{"summary":"slow","db_instance_identifier":"bank","read_replica":"bank-r"}}"#;
const METRICS: &str = r#"{"metric_data_results":[
{"metric_name":"CPUUtilization","unit":"Percent","dimensions":[{"Name":"DBInstanceIdentifier","Value":"bank"}],
 "timestamps":["2026-01-02T00:00:00Z","2026-01-02T00:01:00Z"],"values":[10,null]},
{"metric_name":"WriteLatency","unit":"Milliseconds","dimensions":[{"Name":"DBInstanceIdentifier","Value":"bank"}],
 "timestamps":["2026-01-02T00:00:00Z"],"values":[5]}]}"#;
const HEALTHY: &str = r#"{"metric_name":"CPUUtilization","unit":"Percent","dimensions":[{"Name":"DBInstanceIdentifier","Value":"other"}],
"timestamps":["2026-01-02T00:00:00Z"],"values":[99]}"#;
const INSIGHTS: &str = r#"{"db_instance_identifier":"bank","db_load":{"timestamps":["2026-01-02T00:00:00Z"],"values":[2.5]},
"top_sql":[{"statement":"SELECT 1","db_load_avg":2.0,"wait_events":[{"name":"Lock:tuple","db_load_avg":1.5}],"calls_per_sec":3}],
"top_wait_events":[{"name":"Lock:tuple","type":"Lock","db_load_avg":1.5}],"top_users":[{"name":"u","db_load_avg":2.0}]}"#;
const RDS_EVENTS: &str = r#"{"events":[{"date":"2026-01-02T00:03:00Z","message":"hello","source_identifier":"bank-r","event_categories":["read replica"]}]}"#;

fn made_up() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, text) in [
        ("alert.json", POD_ALERT),
        ("eks_pods.json", PODS),
        ("eks_deployments.json", DEPLOYMENTS),
        ("eks_node_health.json", NODES),
        ("eks_events.json", EVENTS),
        ("eks_pod_logs.json", POD_LOGS),
        ("datadog_logs.json", LOGS),
        ("datadog_monitors.json", MONITORS),
        ("NOTES.md", "secret_mode"),
    ] {
        write(root, &format!("set/one/{name}"), text);
    }
    for (name, text) in [
        ("alert.json", DB_ALERT),
        ("aws_cloudwatch_metrics.json", METRICS),
        ("aws_cloudwatch_metrics_CPUUtilization.json", HEALTHY),
        ("aws_performance_insights.json", INSIGHTS),
        ("aws_rds_events.json", RDS_EVENTS),
    ] {
        write(root, &format!("set/two/{name}"), text);
    }
    write(root, "set-labels/one/answer.yml", POD_ANSWER);
    write(root, "set-labels/one/scenario.yml", "# a comment\nfailure_mode: oom_killed\n");
    write(root, "set-labels/two/answer.yml", "root_cause_category: healthy\n");
    write(root, "set-labels/two/scenario.yml", "failure_mode: healthy\n");
    folder
}

fn load(root: &Path, place: usize) -> (Label, Case) {
    let incidents = OpenSre.incidents(root).unwrap();
    (incidents[place].label.clone(), OpenSre.load(root, &incidents[place]).unwrap())
}

fn find<'a>(case: &'a Case, kind: &str, name: &str) -> &'a State {
    case.tables.states.iter().find(|state| state.kind == kind && state.name.contains(name)).unwrap()
}

#[test]
fn a_cluster_is_read_into_states_and_the_answer_stays_out() {
    let folder = made_up();
    let root = folder.path().join("set");
    assert!(OpenSre.is_at(&root));
    let (label, case) = load(&root, 0);
    assert_eq!(
        (label.roots, label.fault_kinds),
        (vec!["shop".to_owned()], vec!["memory_exhausted".to_owned()])
    );
    assert_eq!(label.decoys, ["failover", "node_not_ready", "node_pressure"]);
    let old = find(&case, "pod", "77aa");
    assert_eq!((old.service.as_str(), old.attributes["replica_set"].as_str()), ("shop", "shop-77aa"));
    assert!(old.attributes.contains_key("deleted_at"));
    let failing = find(&case, "container", "88bb");
    assert_eq!(
        (failing.status.as_str(), failing.attributes["last_reason"].as_str()),
        ("CrashLoopBackOff", "OOMKilled")
    );
    assert_eq!((failing.figures["ready"], failing.figures["exit_code"]), (0.0, 137.0));
    assert_eq!(find(&case, "pod", "88bb").attributes["not.Ready"], "ContainersNotReady no");
    let node = find(&case, "node", "n1");
    assert_eq!((node.status.as_str(), node.figures["cpu_allocatable"]), ("NotReady", 1.5));
    assert_eq!(find(&case, "event", "Pod/shop-88bb-y1").service, "shop");
    assert_eq!(find(&case, "monitor", "errors").status, "alert");
    assert_eq!(case.tables.logs.len(), 3, "a line without a time has that of the one before");
    assert_eq!(case.file.at, crate::clock_text::parse("2026-01-02T00:06:00Z").unwrap());
    let shown = format!("{:?}", case);
    assert!(!shown.contains("secret_mode") && !shown.contains("SecretMode"), "nothing of the answer is told");
}

#[test]
fn a_database_is_read_with_neutral_names_and_units() {
    let folder = made_up();
    let (label, case) = load(&folder.path().join("set"), 1);
    assert!(label.is_none && label.roots.is_empty() && label.fault_kinds.is_empty());
    let series = |name: &str| case.tables.series.iter().find(|one| one.key.metric == name).unwrap();
    assert_eq!(series(metric::CPU).points.len(), 1, "the file of all metrics stands for the others");
    assert_eq!((series(metric::CPU).points[0].1, series(metric::WRITE_TIME).points[0].1), (0.1, 0.005));
    assert_eq!(series(metric::LOAD).key.service, "bank");
    assert_eq!(find(&case, "database", "bank-r").attributes["replica_of"], "bank");
    assert_eq!(find(&case, "statement", "").figures["wait.Lock:tuple"], 1.5);
    assert_eq!(find(&case, "wait", "Lock:tuple").attributes["class"], "lock");
    assert_eq!(find(&case, "event", "bank-r").status, "read_replica");
}

#[test]
fn a_mode_that_the_label_forbids_is_not_the_answer_and_an_unknown_one_is_nobodys() {
    let folder = made_up();
    let root = folder.path();
    let kinds = |answer: &str, mode: &str| {
        write(root, "set-labels/one/answer.yml", answer);
        write(root, "set-labels/one/scenario.yml", &format!("failure_mode: {mode}\n"));
        load(&root.join("set"), 0).0.fault_kinds
    };
    let forbidden = "root_cause_category: x\nrequired_keywords:\n  - vacuum\n  - WAL\nforbidden_categories:\n  - cpu_saturation\n";
    assert_eq!(kinds(forbidden, "cpu_saturation"), ["maintenance_load"]);
    assert_eq!(kinds("root_cause_category: x\n", "cpu_saturation"), ["cpu_saturated"]);
    assert_eq!(kinds("root_cause_category: x\n", "gremlins"), ["gremlins"]);
}
