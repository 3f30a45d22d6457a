//! Prometheus' HTTP API ("Instant queries" and "Format overview" of its page "HTTP API") where the real one is not made to hold
//! more than one answer may. The real one: `crates/firstcause/tests/it/sources/prometheus.rs`.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use telemetry::{Answer, Ask, AskError, Scope, Source, Table};

use crate::server::{Reply, Request, Server};
use crate::told::{BEGIN, check_breaks, settings, window};
use crate::{ask, open};

const BASE: &str = "http_server_request_duration_seconds";
/// Addresses that are scraped, each of its own service.
const ADDRESSES: usize = 230;
/// What Prometheus says beyond `--query.max-samples`.
const TOO_MANY: &str = r#"{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}"#;

/// The series of an address: one of them appears later, and counts from zero.
fn series(place: usize) -> Vec<Json> {
    let of = |name: &str, code: &str, from: i64, by: i64| {
        let values: Vec<Json> = (from..12)
            .map(|step| json!([BEGIN.0 / 1_000_000_000 + step * 15, ((step - from + 1) * by).to_string()]))
            .collect();
        json!({"metric": {"__name__": format!("{BASE}_{name}"), "job": format!("shop/s{}", place % 40),
            "instance": address(place), "http_response_status_code": code}, "values": values})
    };
    let by = 15 * (1 + place as i64 % 7);
    vec![
        of("count", "200", 0, by),
        of("sum", "200", 0, by / 5),
        of("count", "500", 4, 30),
        of("sum", "500", 4, 3),
    ]
}

fn address(place: usize) -> String {
    format!("10.0.0.{place}:8080")
}

/// A Prometheus that refuses more than `max` series at once.
fn answer(request: &Request, max: usize) -> Reply {
    let query = request.parameter("query").unwrap_or_default();
    let matrix = |series: Vec<Json>| {
        Reply::json(&json!({"status": "success", "data": {"resultType": "matrix", "result": series}}))
    };
    if !query.contains(BASE) {
        return matrix(Vec::new());
    }
    if query.starts_with("sum by (instance) (count_over_time(") {
        let of = |place: usize| json!({"metric": {"instance": address(place)}, "value": [1, "20000"]});
        let vector: Vec<Json> = (0..ADDRESSES).map(of).collect();
        return Reply::json(
            &json!({"status": "success", "data": {"resultType": "vector", "result": vector}}),
        );
    }
    let fits = |place: &usize| {
        let own = format!("10\\\\.0\\\\.0\\\\.{place}:8080");
        !query.contains("instance=~") || query.split(['"', '|']).any(|one| one == own)
    };
    let found: Vec<Json> = (0..ADDRESSES).filter(fits).flat_map(series).collect();
    if found.len() > max { Reply::status(422, TOO_MANY) } else { matrix(found) }
}

fn onset(max: usize, scope: Scope) -> (Result<Answer, AskError>, Server) {
    let server = Server::start(move |request| answer(request, max));
    let source: Arc<dyn Source> = open(&settings("prometheus", &server));
    (ask(&source, Ask::Onset { window: window(0, 300), scope }, 60), server)
}

#[test]
fn more_than_one_answer_holds_is_counted_in_parts_and_every_row_is_the_same() {
    for scope in [Scope::all(), Scope::service("s7")] {
        let (whole, _) = onset(usize::MAX, scope.clone());
        let (parts, server) = onset(100, scope);
        let (whole, parts) = (whole.unwrap(), parts.unwrap());
        let Table::Onset(rows) = &whole.table else { panic!("{whole:?}") };
        assert!(rows.len() > 30 && rows.iter().any(|row| row.errors > 0), "{} rows", rows.len());
        assert_eq!(parts.table, whole.table);
        assert_eq!(parts.from_metrics, whole.from_metrics);
        let asked = server.seen();
        let of_addresses =
            asked.iter().filter(|one| one.parameter("query").unwrap().contains("instance=~")).count();
        assert_eq!(of_addresses, ADDRESSES.div_ceil(20), "twenty addresses of 20,000 samples fit");
        assert!(asked.iter().all(|one| one.method == "GET" && one.path == "/api/v1/query"));
    }
}

#[test]
fn a_part_that_is_still_too_much_is_halved() {
    let (whole, parts) = (onset(usize::MAX, Scope::all()).0.unwrap(), onset(50, Scope::all()).0.unwrap());
    assert_eq!(parts.table, whole.table);
}

#[test]
fn an_address_that_is_too_much_alone_is_a_gap() {
    let (refused, _) = onset(3, Scope::all());
    assert!(
        matches!(&refused, Err(AskError::LimitReached(why)) if why.contains("too many samples")),
        "{refused:?}"
    );
}

#[test]
fn every_way_of_breaking_ends_in_time_and_is_named() {
    let asked = Ask::Onset { window: window(0, 300), scope: Scope::all() };
    check_breaks("prometheus", &asked, |_| None);
    // And in the middle: the addresses are told, their series are not.
    check_breaks("prometheus", &asked, |request| {
        let is_of_addresses = request.parameter("query").unwrap_or_default().contains("instance=~");
        (!is_of_addresses).then(|| answer(request, 100))
    });
}
