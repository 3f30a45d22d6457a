//! `coverage`: who sent what, and who is only seen in the calls of others.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlp::Signal;
use platform::SimDisk;
use prost::Message;
use telemetry::answer::CoverageRow;
use telemetry::{Ask, Table};

use super::build::{CLIENT, MS, Rig, SERVER, T0, attribute, export, group, small, span, window};
use super::metrics::{gauge, number, of, offer, send, shop};

fn rows(rig: &Rig) -> Vec<CoverageRow> {
    let Table::Coverage(rows) = rig.ask(Ask::Coverage { window: window(0, 60) }).unwrap().table else {
        panic!("no coverage table")
    };
    rows
}

fn log(service: &str) -> Vec<u8> {
    let record = LogRecord { time_unix_nano: T0 as u64, ..LogRecord::default() };
    let resource_logs = vec![ResourceLogs {
        resource: Some(Resource {
            attributes: vec![attribute("service.name", service)],
            ..Resource::default()
        }),
        scope_logs: vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }],
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

/// `shop` calls `stock`, which answers, and a database and a host, which have no spans.
fn calls() -> Vec<u8> {
    let mut sql = span(1, 3, 1, "SELECT", CLIENT, (0, MS));
    sql.attributes = vec![attribute("db.system.name", "sqlite"), attribute("db.namespace", "orders")];
    let mut host = span(1, 4, 1, "GET", CLIENT, (0, MS));
    host.attributes = vec![attribute("server.address", "mail")];
    let mut entry = span(1, 1, 0, "GET /", SERVER, (0, 9 * MS));
    entry.attributes = vec![attribute("sampling.probability", "0.25"), attribute("sampler.param", "1")];
    let shop = vec![entry, span(1, 2, 1, "GET", CLIENT, (0, MS)), sql, host];
    let stock = vec![span(1, 5, 2, "GET /stock", SERVER, (0, MS))];
    export(vec![group(["shop", "a", "1"], &[], shop), group(["stock", "k", "1"], &[], stock)])
}

#[test]
fn each_service_has_its_signals_and_a_silent_callee_is_named_as_edges_does() {
    let rig = Rig::new();
    rig.send(calls()).unwrap();
    offer(&rig, Signal::Logs, log("shop"));
    shop(&rig, vec![gauge("pool", vec![number(0, 10, 1.0), number(0, 100, 1.0)])]);
    send(&rig, vec![of("cart", "c", "1", vec![gauge("pool", vec![number(0, 10, 1.0)])])]);
    rig.clock.advance(Duration::from_secs(3));
    let rows = rows(&rig);
    let figures: Vec<_> = rows
        .iter()
        .map(|row| {
            let counts = [row.spans, row.entry_spans, row.logs, row.points, row.unanswered_calls];
            (row.service.as_str(), row.is_instrumented, counts)
        })
        .collect();
    assert_eq!(
        figures,
        [
            ("cart", true, [0, 0, 0, 1, 0]),
            ("mail", false, [0, 0, 0, 0, 1]),
            ("shop", true, [4, 1, 1, 1, 0]),
            ("sqlite:orders", false, [0, 0, 0, 0, 1]),
            ("stock", true, [1, 1, 0, 0, 0]),
        ]
    );
    assert_eq!(rows[2].sampled, ["sampling.probability"], "a sampler that keeps all is none");
    assert!(rows[4].sampled.is_empty());
}

#[test]
fn a_call_that_is_answered_later_is_not_silence() {
    let rig = Rig::new();
    rig.send(calls()).unwrap();
    let answer = rig.ask(Ask::Coverage { window: window(0, 60) }).unwrap();
    assert_eq!((answer.table.len(), answer.left_out), (2, 1), "the trace is not settled yet");
}

#[test]
fn what_leaves_the_head_leaves_the_coverage() {
    let rig = Rig::with(SimDisk::new(), |config| {
        config.head_max_bytes = 20_000;
        config.segments_max_bytes = 0;
    });
    offer(&rig, Signal::Logs, log("gone"));
    shop(&rig, vec![gauge("pool", vec![number(0, 1, 1.0)])]);
    for trace in 1..=200 {
        rig.send(small(trace, trace as i64 / 10, 5)).unwrap();
    }
    let (rows, stats) = (rows(&rig), rig.store.stats());
    let [CoverageRow { service, spans, entry_spans, logs: 0, points: 0, .. }] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!((service.as_str(), *spans, *entry_spans), ("shop", stats.spans, stats.spans));
}
