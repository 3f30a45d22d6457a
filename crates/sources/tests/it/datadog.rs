//! Datadog's API as its reference describes it: "Search spans", "Search logs", "Search events", "Query timeseries points", "Get
//! all monitors", "Rate limits" and "Authorization scopes".

mod items;

use std::sync::Mutex;

use serde_json::{Value as Json, json};
use sources::Settings;
use telemetry::answer::{ChangeKind, Table};
use telemetry::recorded::{TableSource, Tables};
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Limits, Question, QuestionId, Scope, Space, UnixNanos, Window,
};

use crate::server::{Reply, Request, Server};
use crate::{ask, broken, open};
use items::BEGIN;

/// What the needs say, and nothing else.
const ALLOWED: [(&str, &str); 5] = [
    ("POST", "/api/v2/spans/events/search"),
    ("POST", "/api/v2/logs/events/search"),
    ("POST", "/api/v2/events/search"),
    ("GET", "/api/v1/query"),
    ("GET", "/api/v1/monitor"),
];

fn settings(url: &str) -> Settings {
    let keys = [("DD-API-KEY", "a"), ("DD-APPLICATION-KEY", "b")];
    Settings {
        kind: "datadog".to_owned(),
        url: url.to_owned(),
        // Secrets stand in files elsewhere; a test has none.
        headers: keys.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Settings::default()
    }
}

fn window() -> Window {
    Window::new(BEGIN, BEGIN.plus_seconds(600))
}

fn halves() -> (Window, Window) {
    let middle = BEGIN.plus_seconds(300);
    (Window::new(BEGIN, middle), Window::new(middle, window().to))
}

/// What is searched for: wrapped for spans, plain for others.
fn searched(request: &Request) -> Json {
    let body = request.json();
    match body.pointer("/data/attributes") {
        Some(wrapped) => {
            assert_eq!(body["data"]["type"], "search_request");
            wrapped.clone()
        }
        None => body,
    }
}

/// A page of at most 25 of what lies in the range, and where the next one begins.
fn page(search: &Json, all: Vec<(UnixNanos, Json)>) -> Reply {
    let bound = |name: &str, default: i64| match search["filter"][name].as_str().unwrap() {
        "now" | "now-15d" => default,
        millis => millis.parse::<i64>().unwrap() * 1_000_000,
    };
    let (from, to) = (bound("from", 0), bound("to", i64::MAX));
    let mut inside: Vec<(UnixNanos, Json)> =
        all.into_iter().filter(|(at, _)| from <= at.0 && at.0 <= to).collect();
    inside.sort_by_key(|(at, _)| *at);
    let from = search["page"]["cursor"].as_str().map_or(0, |cursor| cursor.parse::<usize>().unwrap());
    let data: Vec<&Json> = inside.iter().skip(from).take(25).map(|(_, item)| item).collect();
    let mut meta = json!({"elapsed": 1, "status": "done"});
    if from + 25 < inside.len() {
        meta["page"] = json!({"after": (from + 25).to_string()});
    }
    Reply::json(&json!({"data": data, "meta": meta}))
}

fn datadog(request: &Request) -> Reply {
    if request.header("dd-api-key") != Some("a") || request.header("dd-application-key") != Some("b") {
        return Reply::status(403, "{\"errors\":[\"Forbidden\"]}");
    }
    let tables = items::tables();
    let search = searched(request);
    match request.path.as_str() {
        "/api/v2/spans/events/search" => {
            let wanted = search["filter"]["query"].as_str().unwrap().to_owned();
            let is_wanted = |item: &Json| {
                let id = item["attributes"]["trace_id"].as_str().unwrap();
                wanted == "*" || wanted.starts_with(&format!("trace_id:({id} OR 0000"))
            };
            let all = tables.spans.iter().map(|span| (span.start, items::span(span)));
            page(&search, all.filter(|(_, item)| is_wanted(item)).collect())
        }
        "/api/v2/logs/events/search" => {
            page(&search, tables.logs.iter().map(|log| (log.at, items::log(log))).collect())
        }
        "/api/v2/events/search" => {
            let at = |event: &Json| {
                UnixNanos(event["attributes"]["attributes"]["timestamp"].as_i64().unwrap() * 1_000_000)
            };
            page(&search, items::events().into_iter().map(|event| (at(&event), event)).collect())
        }
        "/api/v1/query" => {
            let number = |name: &str| request.parameter(name).unwrap().parse::<i64>().unwrap();
            let query = request.parameter("query").unwrap();
            let (from, to) = (number("from"), number("to"));
            Reply::json(&if query.contains("trace.") {
                items::requests(from, to, query)
            } else {
                items::metrics(from, to)
            })
        }
        "/api/v1/monitor" => Reply::json(&items::monitors()),
        _ => Reply::status(404, "none"),
    }
}

/// What the known tables answer.
fn known(ask: Ask) -> Table {
    let question =
        Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before: UnixNanos(0) };
    let spans = Tables { spans: items::tables().spans, ..Tables::default() };
    let logs = Tables { logs: items::tables().logs, ..Tables::default() };
    let tables = if question.ask.name() == "log_templates" { logs } else { spans };
    TableSource::new(tables).answer(&question, &Limits::default(), &Cancel::default()).unwrap().table
}

#[test]
fn what_is_told_of_traces_and_logs_equals_the_tables_and_says_that_it_is_a_part() {
    let server = Server::start(datadog);
    let source = open(&settings(&server.url));
    let (good, bad) = halves();
    let (window, scope) = (window(), Scope::all);
    for what in [
        Ask::Compare { good, bad, scope: scope() },
        Ask::Edges { window, scope: scope() },
        Ask::Exemplars { window, scope: Scope::service("web"), limit: 3 },
        Ask::LogTemplates { window, scope: scope() },
        Ask::Paths { window, scope: scope() },
        Ask::SelfTime { window: bad, scope: scope() },
        Ask::Trace { trace_id: items::tables().spans[40].trace_id },
    ] {
        let told = ask(&source, what.clone(), 10).unwrap();
        assert!(!told.table.is_empty() && told.table == known(what.clone()), "{what:?}\n{:#?}", told.table);
        let is_of_all = matches!(what, Ask::LogTemplates { .. } | Ask::Trace { .. });
        assert_eq!(told.truncated, !is_of_all, "{what:?}");
        assert_eq!(told.locators[0].query.contains("were retained"), !is_of_all, "{:?}", told.locators);
    }
    for what in [Ask::Health { window, scope: scope() }, Ask::Topology { window }] {
        let name = what.name().to_owned();
        assert!(!source.can().answers(&name));
        assert_eq!(ask(&source, what, 10), Err(AskError::Unsupported(name)));
    }
    broken::assert_asked_only(&server, &ALLOWED);
    // A window is searched once, however many questions are asked about it: 120 spans are five pages of 25.
    let whole = format!("{}", window.from.0 / 1_000_000);
    let spans = server.seen().into_iter().filter(|one| one.path.contains("spans")).filter(|one| {
        let search = searched(one);
        search["filter"]["from"] == whole.as_str()
            && search["filter"]["to"] == format!("{}", window.to.0 / 1_000_000 + 5_000)
    });
    assert_eq!(spans.count(), 5);
}

#[test]
fn changes_metrics_and_monitors_are_told_and_no_secret_is() {
    let server = Server::start(datadog);
    let source = open(&settings(&server.url));
    let told = ask(&source, Ask::Changes { window: window(), scope: Scope::all() }, 10).unwrap();
    let Table::Changes(rows) = &told.table else { panic!("changes") };
    let said: Vec<(ChangeKind, &str, &str, &str)> = rows
        .iter()
        .map(|row| (row.kind, row.service.as_str(), row.before.as_str(), row.after.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (ChangeKind::Deploy, "pay", "image=pay:1", "image=pay:2"),
            (ChangeKind::Deploy, "web", "image=pay:1", "image=pay:2"),
            (ChangeKind::Flag, "web", "api_key=(not told), on=false", "api_key=(not told), on=true"),
        ]
    );
    let detail = rows[0].detail.clone().unwrap();
    assert_eq!(
        (detail.author.as_str(), detail.commit.as_str(), rows[0].at),
        ("kim", "9f2c1ab", BEGIN.plus_seconds(100))
    );
    let (good, bad) = halves();
    let series = Ask::SeriesChange { good, bad, scope: Scope::all(), metrics: Vec::new() };
    let Answer { table: Table::SeriesChange(rows), .. } = ask(&source, series, 10).unwrap() else {
        panic!("series")
    };
    assert_eq!(rows.len(), 1, "a point that is null is none: {rows:?}");
    assert_eq!(
        (rows[0].service.as_str(), rows[0].metric.as_str(), rows[0].instance.as_str()),
        ("pay", "container.cpu.usage", "pod-1")
    );
    assert_eq!(
        (rows[0].good.n, rows[0].good.mean.get(), rows[0].bad.n, rows[0].bad.mean.get()),
        (15, 1.0, 15, 3.0)
    );
    let told = ask(&source, Ask::State { window: window(), scope: Scope::all() }, 10).unwrap();
    assert_eq!(told.left_out, 1, "what has changed since the window is not known");
    let Table::State(rows) = told.table else { panic!("states") };
    let said: Vec<(&str, &str, &str)> =
        rows.iter().map(|row| (row.name.as_str(), row.status.as_str(), row.service.as_str())).collect();
    assert_eq!(said, [("quiet", "no_data", "pay"), ("slow", "alert", "pay")]);
    broken::assert_asked_only(&server, &ALLOWED);
}

#[test]
fn requests_are_counted_by_trace_metrics_whole_and_once() {
    let server = Server::start(datadog);
    let source = open(&settings(&server.url));
    let told = ask(&source, Ask::Onset { window: window(), scope: Scope::all() }, 10).unwrap();
    assert_eq!(
        (told.from_metrics.as_slice(), told.truncated),
        (&["pay".to_owned(), "web".to_owned()][..], false)
    );
    let Table::Onset(rows) = told.table else { panic!("onset") };
    let web: Vec<_> = rows.iter().filter(|row| row.subject.service == "web").collect();
    assert_eq!((web.len(), web[0].second), (60, BEGIN.plus_seconds(9)), "one row an interval, at its end");
    for (row, (errors, mean)) in
        [(web[0], (0, 100_000_000)), (web[29], (0, 100_000_000)), (web[30], (5, 400_000_000))]
    {
        assert_eq!((row.count, row.errors, row.sum_ns / 20), (20, errors, mean), "{row:?}");
    }
    let pay: Vec<_> = rows.iter().filter(|row| row.subject.service == "pay").collect();
    assert_eq!(
        (pay.len(), pay[0].count, pay[0].p50_ns),
        (1, 7, 200_000_000),
        "an interval alone is still ten seconds"
    );
    // Intervals that the window cuts are none of it.
    let odd = Window::new(BEGIN.plus_seconds(-3), BEGIN.plus_seconds(25));
    let Table::Onset(rows) =
        ask(&source, Ask::Onset { window: odd, scope: Scope::service("web") }, 10).unwrap().table
    else {
        panic!("onset")
    };
    let said: Vec<(i64, u64)> =
        rows.iter().map(|row| (row.second.since(BEGIN) / 1_000_000_000, row.count)).collect();
    assert_eq!(said, [(9, 20), (19, 20)]);
    let mut named = settings(&server.url);
    named.tables.insert("requests".to_owned(), "web.request, x{*},avg:y".to_owned());
    ask(&open(&named), Ask::Onset { window: window(), scope: Scope::all() }, 10).unwrap();
    let query = server.seen().last().unwrap().parameter("query").unwrap().to_owned();
    assert!(
        query.starts_with("sum:trace.web.request.hits{*} by {service}.as_count().rollup(sum,10),"),
        "{query}"
    );
    assert_eq!(query.split("by {service}").count(), 4, "nothing but the one name: {query}");
    broken::assert_asked_only(&server, &ALLOWED);
}

#[test]
fn nothing_that_is_asked_for_gets_out_of_its_place_in_a_query() {
    let server = Server::start(datadog);
    let source = open(&settings(&server.url));
    let (good, bad) = halves();
    let sly = Scope::service("pay} by {host},sum:secret{*");
    let metrics = vec!["container.cpu.usage".to_owned(), "x{*},avg:y".to_owned()];
    ask(&source, Ask::SeriesChange { good, bad, scope: sly, metrics }, 10).unwrap();
    let query = server.seen()[0].parameter("query").unwrap().to_owned();
    assert_eq!(query, "avg:container.cpu.usage{service:pay__by__host__sum_secret__} by {service,pod_name}");
}

// covers: AW-41
#[test]
fn limits_and_missing_permissions_are_told_with_what_to_do() {
    let window = window();
    let asked = Mutex::new(0);
    let server = Server::start(move |request| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        if *asked == 1 {
            return Reply::Of(
                429,
                vec![("X-RateLimit-Reset", "1".to_owned())],
                "{\"errors\":[\"Too many\"]}".to_owned(),
            );
        }
        datadog(request)
    });
    let told =
        ask(&open(&settings(&server.url)), Ask::LogTemplates { window, scope: Scope::all() }, 10).unwrap();
    assert!(!told.table.is_empty(), "after the pause that the header names");
    let far =
        Server::start(|_| Reply::Of(429, vec![("X-RateLimit-Reset", "3000".to_owned())], "{}".to_owned()));
    let why = ask(&open(&settings(&far.url)), Ask::Paths { window, scope: Scope::all() }, 5)
        .unwrap_err()
        .to_string();
    assert!(why.contains("429") && why.contains("hint: the organisation's limit"), "{why}");
    let wrong = Settings { headers: std::collections::BTreeMap::new(), ..settings(&server.url) };
    for (what, scope) in [
        (Ask::Paths { window, scope: Scope::all() }, "apm_read"),
        (Ask::LogTemplates { window, scope: Scope::all() }, "logs_read_data"),
        (Ask::Changes { window, scope: Scope::all() }, "events_read"),
        (Ask::State { window, scope: Scope::all() }, "monitors_read"),
        (
            Ask::SeriesChange { good: window, bad: window, scope: Scope::all(), metrics: Vec::new() },
            "metrics_read",
        ),
    ] {
        let why = ask(&open(&wrong), what, 5).unwrap_err().to_string();
        assert!(why.contains("403") && why.contains(&format!("the scope `{scope}`")), "{why}");
    }
}

#[test]
fn more_than_is_read_is_cut_and_not_asked_for_ever() {
    let server = Server::start(|request| {
        let cursor = searched(request)["page"]["cursor"].as_str().unwrap_or("0").parse::<u32>().unwrap();
        let item = json!({"id": "A", "attributes": {"timestamp": BEGIN.rfc3339(), "message": "x"}});
        Reply::json(&json!({"data": [item], "meta": {"page": {"after": (cursor + 1).to_string()}}}))
    });
    let told =
        ask(&open(&settings(&server.url)), Ask::LogTemplates { window: window(), scope: Scope::all() }, 10)
            .unwrap();
    assert!(told.truncated && told.locators[0].query.contains("more than 10000"), "{:?}", told.locators);
    assert_eq!(server.seen().len(), 10);
}

#[test]
fn pages_that_come_slowly_are_cut_before_the_time_is_over() {
    let server = Server::start(|request| {
        std::thread::sleep(std::time::Duration::from_millis(900));
        let cursor = searched(request)["page"]["cursor"].as_str().unwrap_or("0").parse::<u32>().unwrap();
        let item = json!({"id": "A", "attributes": {"timestamp": BEGIN.rfc3339(), "message": "x"}});
        Reply::json(&json!({"data": [item], "meta": {"page": {"after": (cursor + 1).to_string()}}}))
    });
    let told =
        ask(&open(&settings(&server.url)), Ask::LogTemplates { window: window(), scope: Scope::all() }, 3)
            .unwrap();
    assert!(told.truncated && told.locators[0].query.contains("there was time for"), "{:?}", told.locators);
}

#[test]
fn what_breaks_ends_in_time_and_says_so() {
    broken::assert_ends_in_time(settings, &Ask::Paths { window: window(), scope: Scope::all() });
}
