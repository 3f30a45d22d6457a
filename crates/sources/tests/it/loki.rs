//! Loki as its documentation has it ("Loki HTTP API": "Query logs within a range of time", "Query labels", "Query log
//! statistics", "Timestamps"; "Limits" of its configuration): there is none here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use telemetry::recorded::Tables;
use telemetry::{Ask, AskError, LogRecord, Resource, Scope, Source, Table, UnixNanos, Value};

use crate::server::{Reply, Request, Server};
use crate::told::{BEGIN, attributes, check_breaks, logs, same, settings, templates, window};
use crate::{ask, open};

const LABELS: &str = "/loki/api/v1/labels";
const STATS: &str = "/loki/api/v1/index/stats";
const RANGE: &str = "/loki/api/v1/query_range";

/// A Loki of lines: labels of the stream, and the line.
#[derive(Debug, Clone, Default)]
struct Contract {
    lines: Vec<(BTreeMap<String, String>, LogRecord)>,
    /// `max_entries_limit_per_query`.
    limit: usize,
    /// What the index takes there to be; nothing where it is too old to say.
    entries: Option<u64>,
    /// Whether it tells metadata apart from labels.
    is_apart: bool,
}

/// Names as Loki's OTLP endpoint stores them.
fn labels_of(resource: &Resource) -> BTreeMap<String, String> {
    resource.attributes.iter().map(|(key, value)| (key.replace('.', "_"), value.render())).collect()
}

impl Contract {
    fn of(logs: &[LogRecord]) -> Self {
        let lines = logs.iter().map(|log| (labels_of(&log.resource), log.clone())).collect();
        Self { lines, limit: 5000, entries: Some(logs.len() as u64), is_apart: true }
    }

    fn answer(&self, request: &Request) -> Reply {
        let success = |data: Json| Reply::json(&json!({"status": "success", "data": data}));
        let time = |name: &str| request.parameter(name).and_then(|text| text.parse::<i64>().ok());
        let (Some(start), Some(end)) = (time("start"), time("end")) else {
            return Reply::status(400, "no range");
        };
        let inside = |log: &LogRecord| start <= log.at.0 && log.at.0 < end;
        match request.path.as_str() {
            LABELS => {
                let here = self.lines.iter().filter(|(_, log)| inside(log));
                let mut names: Vec<&String> = here.flat_map(|(labels, _)| labels.keys()).collect();
                names.sort();
                names.dedup();
                success(json!(names))
            }
            STATS => match self.entries {
                Some(entries) => {
                    Reply::json(&json!({"streams": 1, "chunks": 1, "entries": entries, "bytes": 1}))
                }
                None => Reply::status(404, "404 page not found"),
            },
            RANGE => {
                let Some(matchers) = matchers(request.parameter("query").unwrap_or_default()) else {
                    return Reply::status(
                        400,
                        "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER",
                    );
                };
                let limit: usize = request.parameter("limit").unwrap().parse().unwrap();
                if limit > self.limit {
                    let text = "max entries limit per query exceeded, limit > max_entries_limit_per_query";
                    return Reply::status(400, &format!("{text} ({limit} > {})", self.limit));
                }
                let fits = |labels: &BTreeMap<String, String>| {
                    matchers.iter().all(|(name, wanted)| {
                        let value = labels.get(name).map_or("", String::as_str);
                        wanted.as_ref().map_or(!value.is_empty(), |wanted| wanted == value)
                    })
                };
                let mut found: Vec<_> =
                    self.lines.iter().filter(|(labels, log)| inside(log) && fits(labels)).collect();
                found.sort_by_key(|(_, log)| log.at);
                let streams: Vec<Json> =
                    found.iter().take(limit).map(|(labels, log)| self.stream(labels, log)).collect();
                success(json!({"resultType": "streams", "result": streams, "stats": {}}))
            }
            _ => Reply::status(404, "404 page not found"),
        }
    }

    fn stream(&self, labels: &BTreeMap<String, String>, log: &LogRecord) -> Json {
        let mut own: BTreeMap<String, String> =
            log.attributes.iter().map(|(key, value)| (key.to_string(), value.render())).collect();
        own.insert("severity_number".to_owned(), log.severity.to_string());
        if let Some(id) = log.trace_id {
            own.insert("trace_id".to_owned(), id.to_string());
        }
        let (at, line) = (log.at.0.to_string(), log.body.render());
        if self.is_apart {
            return json!({"stream": labels, "values": [[at, line, {"structuredMetadata": own}]]});
        }
        own.extend(labels.clone());
        json!({"stream": own, "values": [[at, line]]})
    }

    fn start(self) -> Server {
        Server::start(move |request| self.answer(request))
    }
}

/// The matchers of `{a="",b=~".+"}`: the value, or nothing for any that is not empty. A string is read as Go reads it.
fn matchers(query: &str) -> Option<Vec<(String, Option<String>)>> {
    let (mut matchers, mut rest) = (Vec::new(), query.strip_prefix('{')?);
    while rest != "}" {
        let (name, after) = rest.split_once('=')?;
        let after_any = after.strip_prefix("~\".+\"");
        let (value, after) = match after_any {
            Some(after) => (None, after),
            None => {
                let mut texts = serde_json::Deserializer::from_str(after).into_iter::<String>();
                let value = texts.next()?.ok()?;
                (Some(value), after.get(texts.byte_offset()..)?)
            }
        };
        matchers.push((name.to_owned(), value));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Some(matchers)
}

/// The known lines with names as Loki has them.
fn known(count: usize) -> Vec<LogRecord> {
    let mut logs = logs(count);
    for log in &mut logs {
        for (key, _) in &mut log.attributes {
            *key = key.replace('.', "_").into();
        }
    }
    logs
}

fn loki(server: &Server) -> Arc<dyn Source> {
    open(&settings("loki", server))
}

#[test]
fn the_lines_of_a_window_are_told_as_they_were_sent_and_only_read() {
    let tables = Tables { logs: known(300), ..Tables::default() };
    for is_apart in [true, false] {
        let server = Contract { is_apart, ..Contract::of(&tables.logs) }.start();
        let source = loki(&server);
        let mut wanted = tables.clone();
        if !is_apart {
            // Of an older Loki nobody can tell what is the line's and what is the stream's.
            wanted.logs.iter_mut().for_each(|log| log.attributes.clear());
        }
        let told = same(&source, &wanted, templates(0, 3600));
        assert_eq!(told.locators[0].query, "{service_name=~\".+\"}");
        assert!(
            told.locators[0].link.contains("start=1790000000000000000&end=1790003600000000000"),
            "{told:?}"
        );
        same(&source, &wanted, templates(3, 9));
        let scope = Scope { instance: Some("a-1".to_owned()), ..Scope::service("pay \"eu\"") };
        same(&source, &wanted, Ask::LogTemplates { window: window(0, 3600), scope });
        for seen in server.seen() {
            assert!(seen.method == "GET" && [LABELS, STATS, RANGE].contains(&seen.path.as_str()), "{seen:?}");
            assert_eq!(seen.header("x-loki-response-encoding-flags"), Some("categorize-labels"));
        }
    }
}

#[test]
fn pages_lose_no_line_of_one_nanosecond_and_tell_none_twice() {
    let mut tables = Tables { logs: known(1000), ..Tables::default() };
    // Pages of seven; nine lines at each time would not fit, six do, on the edge of pages.
    for (place, log) in tables.logs.iter_mut().enumerate() {
        log.at = UnixNanos(BEGIN.0 + place as i64 / 6 * 1000);
    }
    let server = Contract { limit: 7, ..Contract::of(&tables.logs) }.start();
    same(&loki(&server), &tables, templates(0, 3600));
    assert!(server.seen().iter().filter(|one| one.path == RANGE).count() > 140);
}

#[test]
fn one_nanosecond_that_holds_more_than_a_page_is_cut_and_the_rest_is_told() {
    let mut logs = known(60);
    for log in logs.iter_mut().take(20) {
        log.at = BEGIN;
    }
    let server = Contract { limit: 10, ..Contract::of(&logs) }.start();
    let told = ask(&loki(&server), templates(0, 3600), 10).unwrap();
    let Table::LogTemplates(rows) = &told.table else { panic!("{told:?}") };
    assert!(told.truncated);
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 50, "ten of twenty, and all the others");
}

#[test]
fn of_too_many_lines_every_part_of_the_window_is_told_and_one_service_may_be_whole() {
    let mut logs = known(30_000);
    for (place, log) in logs.iter_mut().enumerate() {
        log.at = UnixNanos(BEGIN.0 + place as i64 * 100_000_000);
    }
    let server = Contract::of(&logs).start();
    let source = loki(&server);
    let told = ask(&source, templates(0, 3000), 20).unwrap();
    let Table::LogTemplates(rows) = &told.table else { panic!("{told:?}") };
    assert!(told.truncated && rows.iter().map(|row| row.count).sum::<u64>() == 20_000);
    assert_eq!(server.seen().iter().filter(|one| one.path == RANGE).count(), 20);
    // The index does not say: the earliest are told, and that there are more.
    let server = Contract { entries: None, ..Contract::of(&logs) }.start();
    let told = ask(&loki(&server), templates(0, 3000), 20).unwrap();
    assert!(told.truncated);
    let asked = Ask::LogTemplates { window: window(0, 3000), scope: Scope::service("cart") };
    same(&loki(&server), &Tables { logs, ..Tables::default() }, asked);
}

#[test]
fn streams_are_found_by_the_first_known_label_and_an_operator_names_another() {
    let of = |labels: &[(&str, &str)], severity: i32, body: &str| {
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let log = LogRecord {
            at: BEGIN,
            trace_id: None,
            span_id: None,
            severity,
            body: Value::Text(Arc::from(body)),
            attributes: attributes(&[]),
            resource: Arc::default(),
        };
        (labels, log)
    };
    let lines = vec![
        of(&[("service_name", "web"), ("job", "x")], 9, "a"),
        of(&[("app", "cart"), ("job", "x")], 0, "level=error msg=\"no stock\" n=1"),
        of(&[("job", "cron"), ("level", "warn")], 0, "{\"msg\":\"late\"}"),
        of(&[("team", "pay")], 0, "unknown here"),
    ];
    let server = Contract { lines, limit: 5000, entries: Some(4), is_apart: true }.start();
    let rows = |source: &Arc<dyn Source>, asked: Ask| {
        let Table::LogTemplates(rows) = ask(source, asked, 5).unwrap().table else { panic!("templates") };
        rows.into_iter().map(|row| (row.service, row.severity, row.template)).collect::<Vec<_>>()
    };
    let row = |service: &str, severity: u8, text: &str| (service.to_owned(), severity, text.to_owned());
    let told = rows(&loki(&server), templates(0, 9));
    assert_eq!(told, [row("cart", 17, "no stock"), row("cron", 13, "late"), row("web", 9, "a")]);
    let fields = [("service".to_owned(), "team".to_owned())].into();
    let named = open(&sources::Settings { fields, ..settings("loki", &server) });
    assert!(rows(&named, templates(0, 9)).contains(&row("pay", 0, "unknown here")));
    // No label is known: a hint, not an empty answer.
    let lines = vec![of(&[("team", "pay")], 0, "x")];
    let server = Contract { lines, limit: 10, entries: None, is_apart: true }.start();
    let error = ask(&loki(&server), templates(0, 9), 5).unwrap_err().to_string();
    assert!(error.contains("none of the labels team") && error.contains("hint: `service`"), "{error}");
}

#[test]
fn text_of_a_scope_stays_text_and_what_is_not_declared_is_refused() {
    // Of everything there is too much, so that the service is asked for by its name.
    let mut logs = known(20);
    logs.iter_mut().for_each(|log| log.at = BEGIN);
    let server = Contract { limit: 10, ..Contract::of(&logs) }.start();
    let source = loki(&server);
    let scope = Scope::service("x\"} or {a=~\".+\"} |= \"\n");
    let told = ask(&source, Ask::LogTemplates { window: window(0, 9), scope }, 5).unwrap();
    assert!(told.table.is_empty());
    let seen = server.seen();
    let named: Vec<&Request> = seen
        .iter()
        .filter(|one| one.parameter("query").is_some_and(|query| query.contains("x\\\"")))
        .collect();
    assert!(named.len() > 1, "{seen:?}");
    let asked = Ask::Onset { window: window(0, 9), scope: Scope::all() };
    let before = server.seen().len();
    assert!(!source.can().answers("onset"));
    assert_eq!(ask(&source, asked, 5), Err(AskError::Unsupported("onset".to_owned())));
    assert_eq!(server.seen().len(), before);
}

#[test]
fn refusals_are_limits_or_say_what_helps_and_a_rate_limit_is_waited_for() {
    let refused = |status: u16, text: &'static str| {
        let server = Server::start(move |_| Reply::status(status, text));
        ask(&loki(&server), templates(0, 9), 5).unwrap_err()
    };
    let limit =
        refused(400, "the query time range exceeds the limit (query length: 800h0m0s, limit: 721h0m0s)");
    assert!(matches!(&limit, AskError::LimitReached(why) if why.contains("721h")), "{limit}");
    assert!(matches!(refused(413, "Request Entity Too Large"), AskError::LimitReached(_)));
    assert!(refused(401, "no org id").to_string().contains("hint: name the tenant as `X-Scope-OrgID`"));
    assert!(refused(400, "parse error at line 1, col 2: syntax error").to_string().contains("parse error"));
    let busy = refused(429, "too many outstanding requests");
    assert!(matches!(busy, AskError::LimitReached(_)), "{busy}");
    let (logs, count) = (known(50), std::sync::atomic::AtomicUsize::new(0));
    let contract = Contract::of(&logs);
    let server = Server::start(move |request| {
        if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 {
            return Reply::Of(429, vec![("Retry-After", "1".to_owned())], "slow down".to_owned());
        }
        contract.answer(request)
    });
    let headers = [("X-Scope-OrgID".to_owned(), "team-a".to_owned())].into();
    let source = open(&sources::Settings { headers, ..settings("loki", &server) });
    same(&source, &Tables { logs, ..Tables::default() }, templates(0, 3600));
    assert!(server.seen().iter().all(|one| one.header("x-scope-orgid") == Some("team-a")));
}

#[test]
fn every_way_of_breaking_ends_in_time_and_is_named() {
    check_breaks("loki", &templates(0, 3600), |_| None);
    // And in the middle: the labels are told, the lines are not.
    let contract = Contract::of(&known(50));
    check_breaks("loki", &templates(0, 3600), move |request| {
        (request.path != RANGE).then(|| contract.answer(request))
    });
}
