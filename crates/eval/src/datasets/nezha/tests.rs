//! A small day in the form of the dataset: kinds of spans, times, levels of lines.

use telemetry::SpanKind;

use super::*;
use crate::label::Label;

const TRACE: &str =
    "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n";

fn day(root: &Path) {
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        files::create_dir(path.parent().unwrap()).unwrap();
        std::io::Write::write_all(&mut files::create(&path).unwrap(), text.as_bytes()).unwrap();
    };
    let id = |digit: &str| digit.repeat(16);
    let span = |id: &str, parent: &str, pod: &str, name: &str, from: i64, to: i64| {
        format!("{},{id},{parent},{pod},{name},{from},{to},{}\n", "a".repeat(32), (to - from) / 1000)
    };
    let minute = 1_674_981_780_000_000_000;
    let spans = [
        span(&id("1"), "root", "front-9-x", "GET", minute, minute + 9000),
        span(&id("2"), &id("1"), "front-9-x", "HTTP", minute + 1000, minute + 8000),
        span(&id("3"), &id("2"), "ts-back-service-7-y", "/q", minute + 2000, minute + 7000),
    ];
    write("rca_data/2023-01-29/trace/08_43_trace.csv", &(TRACE.to_owned() + &spans.concat()));
    let ids = format!("TraceID: {} SpanID: {}", "a".repeat(32), id("3"));
    let inner = format!("16:43:00.1 INFO  t.B#7 {ids} [q][a, b]\\n");
    let line = format!("{{\"log\":\"{inner}\",\"stream\":\"stdout\"}}").replace('"', "\"\"");
    let log = format!(
        "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\n\
         x,{minute},n,ts-back-service-7-y,c,{},{},\"{line}\"\n",
        "a".repeat(32),
        id("3")
    );
    write("rca_data/2023-01-29/log/08_43_log.csv", &log);
    let metric = "Time,TimeStamp,PodName,CpuUsageRate(%)\nx,1674981780,ts-back-service-7-y,3.5\n\
                  x,1674990000,ts-back-service-7-y,9\n";
    write("rca_data/2023-01-29/metric/ts-back-service-7-y_metric.csv", metric);
    let faults = r#"{"08":[{"inject_time":"2023-01-29 08:43:04","inject_timestamp":"1","inject_pod":"ts-back-service-7-y","inject_type":"return"}]}"#;
    write("rca_data/2023-01-29/2023-01-29-fault_list.json", faults);
    write("construct_data/root_cause_ts.json", r#"{"ts-back-service":{"return":"B#7_B#9"}}"#);
    let reference =
        span(&id("4"), "root", "front-9-x", "GET", minute + 420_000_000_000, minute + 420_000_000_001);
    let reference = reference.replace(&"a".repeat(32), &"b".repeat(32));
    write("construct_data/2023-01-29/trace/08_50_trace.csv", &(TRACE.to_owned() + &reference));
}

#[test]
fn a_minute_is_read_as_entries_calls_and_work_inside() {
    let root = tempfile::tempdir().unwrap();
    day(root.path());
    assert!(Nezha.is_at(root.path()));
    let incidents = Nezha.incidents(root.path()).unwrap();
    let Label { roots, inner, fault, .. } = &incidents[0].label;
    assert_eq!(
        (roots[0].as_str(), inner[0].as_str(), fault.as_str()),
        ("ts-back-service", "B#7 -> B#9", "return")
    );
    let case = Nezha.load(root.path(), &incidents[0]).unwrap();
    let kinds: Vec<SpanKind> = case.tables.spans.iter().map(|span| span.kind).collect();
    assert_eq!(kinds, [SpanKind::Server, SpanKind::Client, SpanKind::Server, SpanKind::Server]);
    // The reference minute, 08:50, stands for 08:38; the alert fires at 08:46.
    assert_eq!(case.tables.spans[3].start.clock(), "08:38:00");
    assert_eq!(case.file.at.clock(), "08:46:00");
    let log = &case.tables.logs[0];
    assert_eq!((log.severity, log.body.as_text()), (9, Some("t.B#7 [q][a, b]")));
    let series = &case.tables.series[0];
    assert_eq!((series.key.metric.as_str(), series.key.unit.as_str()), ("CpuUsageRate", "%"));
    assert_eq!(series.points.len(), 1, "what comes after the alert is not there");
}

#[test]
fn levels_are_read_in_every_form_of_a_line() {
    let json = r#"{"message":"TraceID: 1 SpanID: 2 done well","severity":"warning"}"#;
    assert_eq!(logs::told(json), (13, "done well".to_owned()));
    assert_eq!(logs::told("05:18:42.995 INFO  - TraceID: 1 SpanID: 2 Get Ads"), (9, "- Get Ads".to_owned()));
    assert_eq!(logs::told("TraceID: 1 SpanID: 2 AddItem userId=3"), (0, "AddItem userId=3".to_owned()));
}
