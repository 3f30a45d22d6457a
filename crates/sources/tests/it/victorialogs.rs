//! VictoriaLogs as its documentation has it ("Querying logs" and "Resource usage limits" of its page "Querying"), where the
//! real one is not made to refuse, to be old or to break. The real one: `crates/firstcause/tests/it/sources/victorialogs.rs`.

use std::sync::Arc;

use serde_json::json;
use telemetry::recorded::Tables;
use telemetry::{Ask, AskError, LogRecord, Scope, Source, Table};

use crate::server::{Reply, Request, Server};
use crate::told::{check_breaks, logs, same, settings, templates, window};
use crate::{ask, open};

const PATH: &str = "/select/logsql/query";

fn time(log: &LogRecord) -> String {
    let text = log.at.rfc3339();
    format!("{}.{:09}Z", text.split('.').next().unwrap(), log.at.0 % 1_000_000_000)
}

/// A line as the server tells it: every value is text.
fn row(log: &LogRecord) -> String {
    let mut row = json!({
        "_time": time(log), "_msg": log.body.render(), "_stream_id": "0", "severity_number": log.severity.to_string(),
        "trace_id": log.trace_id.unwrap().to_string(), "span_id": log.span_id.unwrap().to_string(),
        "scope.name": "unknown", "scope.version": "unknown", "severity_text": "Info",
    });
    let mut stream = Vec::new();
    for (key, value) in &log.resource.attributes {
        stream.push(format!("{key}={}", json!(value.render())));
        row[key.to_string()] = json!(value.render());
    }
    row["_stream"] = json!(format!("{{{}}}", stream.join(",")));
    for (key, value) in &log.attributes {
        row[key.to_string()] = json!(value.render());
    }
    row.to_string()
}

/// A server of these lines that says that there are `count`, and answers groups with `grouped`.
fn server(lines: Vec<LogRecord>, count: usize, grouped: Reply) -> Server {
    Server::start(move |request| {
        let query = request.parameter("query").unwrap_or_default();
        if request.path != PATH || !query.starts_with("_time:[2026-09-21T") {
            return Reply::status(400, "unsupported path requested");
        }
        if query.ends_with("| stats count() as _lines") {
            return Reply::status(200, &json!({"_lines": count.to_string()}).to_string());
        }
        if query.contains("json_values()") {
            return grouped.clone();
        }
        Reply::status(200, &lines.iter().map(|line| row(line) + "\n").collect::<String>())
    })
}

fn victorialogs(server: &Server) -> Arc<dyn Source> {
    open(&settings("victorialogs", server))
}

fn nothing() -> Reply {
    Reply::status(500, "not asked for")
}

#[test]
fn a_window_of_few_lines_is_fetched_as_it_is_and_nothing_else_is_asked() {
    let tables = Tables { logs: logs(200), ..Tables::default() };
    let server = server(tables.logs.clone(), 200, nothing());
    let source = victorialogs(&server);
    let told = same(&source, &tables, templates(0, 3600));
    assert!(told.locators[0].link.starts_with(&format!("{}{PATH}?query=_time", server.url)), "{told:?}");
    let scope = Scope { instance: Some("a-1".to_owned()), ..Scope::service("pay \"eu\"") };
    same(&source, &tables, Ask::LogTemplates { window: window(0, 3600), scope });
    let seen = server.seen();
    assert!(seen.iter().all(|one| one.method == "GET" && one.path == PATH));
    assert_eq!(seen.len(), 3, "the lines of a window are fetched once");
}

#[test]
fn a_question_that_is_not_declared_is_refused_and_asks_nothing() {
    let server = server(Vec::new(), 0, nothing());
    let source = victorialogs(&server);
    for asked in [
        Ask::Onset { window: window(0, 9), scope: Scope::all() },
        Ask::LogSearch { window: window(0, 9), scope: Scope::all(), text: "x".to_owned() },
    ] {
        assert!(!source.can().answers(asked.name()));
        assert_eq!(ask(&source, asked.clone(), 5), Err(AskError::Unsupported(asked.name().to_owned())));
    }
    assert!(server.seen().is_empty());
}

#[test]
fn many_lines_are_counted_there_and_the_earliest_three_of_each_group_are_told() {
    let lines = logs(8);
    let group = |place: usize, count: usize| {
        let log = &lines[place];
        json!({"_lines": count.to_string(), "_first": time(log), "_earliest": format!("[{}]", row(log))})
            .to_string()
    };
    // Two groups of one template: `order 0 of user=u0 paid ..` and `order 4 of user=u4 paid ..`, of two services.
    let grouped = Reply::status(200, &[group(0, 70_000), group(4, 10), group(2, 5)].join("\n"));
    let server = server(Vec::new(), 70_015, grouped);
    let told = ask(&victorialogs(&server), templates(0, 3600), 10).unwrap();
    let Table::LogTemplates(rows) = &told.table else { panic!("{told:?}") };
    let counts: Vec<(&str, u64)> = rows.iter().map(|row| (row.service.as_str(), row.count)).collect();
    assert_eq!(counts, [("cart", 70_000), ("pay \"eu\"", 10), ("web", 5)]);
    assert!(!told.truncated && told.sampled_of.is_none());
    let asked = server.seen().pop().unwrap();
    assert!(asked.parameter("query").unwrap().contains("stats by (\"service.name\""), "{asked:?}");
}

#[test]
fn fewer_lines_than_were_counted_are_a_part() {
    for (lines, count, grouped) in [(logs(9), 10, nothing()), (Vec::new(), 30_000, Reply::status(200, ""))] {
        let server = server(lines, count, grouped);
        assert!(ask(&victorialogs(&server), templates(0, 3600), 10).unwrap().truncated, "{count}");
    }
}

#[test]
fn a_server_that_cannot_count_so_tells_a_share_and_the_answer_says_of_how_many() {
    let lines = logs(40);
    let wrong =
        json!({"_lines": "9", "_first": time(&lines[0]), "_earliest": format!("[{}]", row(&lines[9]))});
    for refusal in [
        Reply::status(400, "cannot parse `query` arg: unexpected pipe name"),
        Reply::status(400, "cannot calculate [stats], since it requires more than 12MB of memory"),
        // Before 1.52 some lines of a group were told for the earliest ones.
        Reply::status(200, &wrong.to_string()),
    ] {
        let server = server(lines.clone(), 400_000, refusal.clone());
        let told = ask(&victorialogs(&server), templates(0, 3600), 10).unwrap();
        assert_eq!((told.truncated, told.sampled_of), (true, Some(400_000)), "{refusal:?}");
        let asked = server.seen().pop().unwrap();
        assert!(asked.parameter("query").unwrap().contains("math _hash % 40 as _part"), "{asked:?}");
    }
    // What is wrong for another reason is no reason to tell less.
    let server = server(lines, 400_000, Reply::status(500, "disk on fire"));
    let error = ask(&victorialogs(&server), templates(0, 3600), 10).unwrap_err();
    assert!(error.to_string().contains("disk on fire"), "{error}");
}

#[test]
fn a_refusal_for_now_is_asked_again_and_one_because_of_a_limit_is_one() {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tables = Tables { logs: logs(20), ..Tables::default() };
    let lines: String = tables.logs.iter().map(|line| row(line) + "\n").collect();
    let server = Server::start(move |request: &Request| {
        if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            return Reply::Of(429, vec![("Retry-After", "1".to_owned())], "slow down".to_owned());
        }
        let is_count = request.parameter("query").unwrap().contains("stats count()");
        Reply::status(200, if is_count { "{\"_lines\":\"20\"}" } else { &lines })
    });
    same(&victorialogs(&server), &tables, templates(0, 3600));
    let text = "cannot run query: the time range exceeds -search.maxQueryTimeRange=1h";
    let server = Server::start(move |_| Reply::status(400, text));
    let refused = ask(&victorialogs(&server), templates(0, 3600), 5);
    assert!(
        matches!(&refused, Err(AskError::LimitReached(why)) if why.contains("maxQueryTimeRange")),
        "{refused:?}"
    );
}

#[test]
fn tenants_go_as_headers_and_text_of_a_scope_stays_text() {
    let server = server(logs(5), 5, nothing());
    let headers = [("AccountID".to_owned(), "12".to_owned())].into();
    let source = open(&sources::Settings { headers, ..settings("victorialogs", &server) });
    let scope = Scope::service("x\" or * | delete");
    let told = ask(&source, Ask::LogTemplates { window: window(0, 9), scope }, 5).unwrap();
    assert!(told.table.is_empty());
    assert!(server.seen().iter().all(|one| one.header("accountid") == Some("12")));
}

#[test]
fn every_way_of_breaking_ends_in_time_and_is_named() {
    check_breaks("victorialogs", &templates(0, 3600), |_| None);
    // And in the middle: the count is told, the lines are not.
    check_breaks("victorialogs", &templates(0, 3600), |request| {
        let is_count = request.parameter("query").unwrap_or_default().contains("stats count()");
        is_count.then(|| Reply::status(200, "{\"_lines\":\"20\"}"))
    });
}
