//! VictoriaLogs, fed by OTLP and with JSON lines, against the lines that were sent: fetched as they are, and counted there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord as Sent, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use telemetry::recorded::Tables;
use telemetry::{Ask, AskError, LogRecord, Resource as Writer, Scope, Table, UnixNanos, Value, Window};

use super::conformance::same;
use super::servers::{Running, victoria_logs};
use super::{ask, open, sent};
use crate::alone;
use crate::serving::exchange;

/// Where the lines begin: a day that is over.
const BEGIN: UnixNanos = UnixNanos(1_790_000_000_000_000_000);
/// More than are fetched as they are.
const MANY: usize = 60_000;

fn attributes(entries: &[(&str, &str)]) -> telemetry::signal::Attributes {
    entries.iter().map(|(key, value)| (Arc::from(*key), Value::Text(Arc::from(*value)))).collect()
}

/// Lines of five instances, two hundred a second: numbers, quotes, places in the code, letters of other languages.
fn lines(count: usize) -> Vec<LogRecord> {
    let writer = |service: &str, instance: &str| {
        let own = [("service.name", service), ("service.instance.id", instance), ("service.version", "2.1")];
        Arc::new(Writer::of(attributes(&own)))
    };
    let writers = [
        writer("cart", "c-1"),
        writer("cart", "c-2"),
        writer("pay \"eu\"", "p"),
        writer("web", "w-1"),
        writer("web", "w-2"),
    ];
    let body = |place: usize| match place % 7 {
        0 => format!("order {place} of user=u{place} paid \"in {place} ms\""),
        1 => format!("OrderService#{} did it {place} times", 80 + place % 3),
        2 => "can't reach\tpayments\\ here".to_owned(),
        3 => format!("took 0.{place}s at 10:15:{:02}: \u{e4}", place % 60),
        4 => format!("orders.py:{} {place}\n  Traceback {place}", place % 2),
        5 => format!("a{}b=c{place} db:{place} x.1{place}-y {}", place % 9, ["up", "down"][place % 2]),
        _ => format!("{place}"),
    };
    let line = |place: usize| LogRecord {
        at: UnixNanos(BEGIN.0 + place as i64 * 5_000_000 + 1),
        trace_id: format!("{:032x}", place + 1).parse().ok(),
        span_id: format!("{:016x}", place + 1).parse().ok(),
        severity: [9, 9, 13, 9, 17, 18][place % 6],
        body: Value::Text(Arc::from(body(place))),
        attributes: attributes(&[("order.id", &place.to_string()), ("tier", "gold")]),
        resource: Arc::clone(&writers[place % writers.len()]),
    };
    (0..count).map(line).collect()
}

fn post(server: &Running, path: &str, kind: &str, body: &[u8]) {
    let address = server.url.trim_start_matches("http://").parse().unwrap();
    let (status, said) = exchange(address, &format!("POST {path}"), kind, body).unwrap();
    assert!((200..300).contains(&status), "{status} {}", String::from_utf8_lossy(&said));
}

fn by_otlp(server: &Running, logs: &[LogRecord]) {
    let mut of: BTreeMap<&str, Vec<&LogRecord>> = BTreeMap::new();
    logs.iter().for_each(|log| of.entry(&log.resource.instance).or_default().push(log));
    let record = |log: &&LogRecord| Sent {
        time_unix_nano: u64::try_from(log.at.0).unwrap(),
        severity_number: log.severity,
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(log.body.render())) }),
        attributes: sent::attributes(&log.attributes),
        trace_id: log.trace_id.map(|id| id.0.to_vec()).unwrap_or_default(),
        span_id: log.span_id.map(|id| id.0.to_vec()).unwrap_or_default(),
        ..Sent::default()
    };
    let resource = |logs: Vec<&LogRecord>| ResourceLogs {
        resource: Some(Resource {
            attributes: sent::attributes(&logs[0].resource.attributes),
            ..Resource::default()
        }),
        scope_logs: vec![ScopeLogs {
            log_records: logs.iter().map(record).collect(),
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    };
    let request = ExportLogsServiceRequest { resource_logs: of.into_values().map(resource).collect() };
    post(server, "/insert/opentelemetry/v1/logs", "application/x-protobuf", &request.encode_to_vec());
}

/// As a shipper writes them: the stream is the service's, the severity a word.
fn as_json_lines(server: &Running, logs: &[LogRecord]) {
    for part in logs.chunks(10_000) {
        let mut text = String::new();
        for log in part {
            let mut row = serde_json::json!({
                "time": log.at.0.to_string(), "message": log.body.render(),
                "trace_id": log.trace_id.unwrap().to_string(), "severity_number": log.severity.to_string(),
            });
            for (key, value) in log.resource.attributes.iter().chain(&log.attributes) {
                row[key.to_string()] = value.render().into();
            }
            text += &row.to_string();
            text.push('\n');
        }
        let path = "/insert/jsonline?_time_field=time&_msg_field=message\
                    &_stream_fields=service.name,service.instance.id,service.version";
        post(server, path, "application/stream+json", text.as_bytes());
    }
}

/// Until the server tells as many lines as were sent: what came in the last second is not told yet, and lines of a new
/// stream only some seconds later.
fn settled(server: &Running, count: u64) {
    let address = server.url.trim_start_matches("http://").parse().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let query = "GET /select/logsql/query?query=*%20%7C%20stats%20by%20(_stream)%20count()%20as%20n";
        let (_, said) = exchange(address, query, "text/plain", b"").unwrap();
        let said = String::from_utf8_lossy(&said).into_owned();
        let rows = said.split("\"_stream\":\"{").skip(1);
        let told: u64 =
            rows.filter_map(|row| row.split("\"n\":\"").nth(1)?.split('"').next()?.parse::<u64>().ok()).sum();
        if told == count {
            return;
        }
        assert!(Instant::now() < deadline, "{said}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn templates(from: i64, to: i64, scope: Scope) -> Ask {
    let window = Window::new(BEGIN.plus_seconds(from), BEGIN.plus_seconds(to));
    Ask::LogTemplates { window, scope }
}

// covers: EL-07
#[test]
fn few_lines_by_otlp_are_told_as_they_were_sent() {
    let _turn = alone();
    let server = victoria_logs();
    let tables = Tables { logs: lines(3_000), ..Tables::default() };
    by_otlp(&server, &tables.logs);
    settled(&server, 3_000);
    let source = open("victorialogs", &server.url);
    for (from, to) in [(0, 60), (3, 9), (7, 8)] {
        let told = same(&source, &tables, templates(from, to, Scope::all()));
        assert!(told.locators[0].link.starts_with(&server.url), "{:?}", told.locators);
    }
    same(&source, &tables, templates(0, 60, Scope::service("pay \"eu\"")));
    let instance = Scope { instance: Some("w-2".to_owned()), ..Scope::service("web") };
    same(&source, &tables, templates(0, 60, instance));
    let injected = ask(&source, templates(0, 60, Scope::service("x\" or *"))).unwrap();
    assert!(injected.table.is_empty());
    let other = Ask::Coverage { window: Window::new(BEGIN, BEGIN.plus_seconds(60)) };
    assert_eq!(ask(&source, other), Err(AskError::Unsupported("coverage".to_owned())));
}

// covers: EL-07
#[test]
fn more_lines_than_are_fetched_are_counted_there_and_every_row_is_the_same() {
    let _turn = alone();
    let server = victoria_logs();
    let tables = Tables { logs: lines(MANY), ..Tables::default() };
    as_json_lines(&server, &tables.logs);
    settled(&server, MANY as u64);
    let source = open("victorialogs", &server.url);
    let told = same(&source, &tables, templates(0, 600, Scope::all()));
    assert!(told.locators[0].query.contains("stats by"), "counted there: {:?}", told.locators);
    let Table::LogTemplates(rows) = &told.table else { panic!("{told:?}") };
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), MANY as u64);
    same(&source, &tables, templates(50, 250, Scope::service("pay \"eu\"")));
    let instance = Scope { instance: Some("w-2".to_owned()), ..Scope::service("web") };
    same(&source, &tables, templates(50, 250, instance));
    assert!(ask(&source, templates(0, 600, Scope::service("x\" or *"))).unwrap().table.is_empty());
}
