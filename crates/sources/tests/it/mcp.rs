//! MCP servers: the one of the protocol's own Python kit for real, and one built from the specification (2025-06-18 and
//! 2025-11-25: "Transports", "Lifecycle", "Tools") for sessions that end, limits and refusals.

mod real;

use std::sync::Mutex;

use serde_json::{Value as Json, json};
use sources::Settings;
use sources::settings::Tool;
use telemetry::answer::{ChangeKind, Table};
use telemetry::{Ask, AskError, Scope, UnixNanos, Window};

use crate::server::{Reply, Request, Server};
use crate::{ask, broken, open};
use real::Running;

/// When everything happens: 2026-05-28T20:26:40Z.
const BEGIN: UnixNanos = UnixNanos(1_780_000_000_000_000_000);

fn window() -> Window {
    Window::new(BEGIN, BEGIN.plus_seconds(600))
}

fn logs(scope: Scope) -> Ask {
    Ask::LogTemplates { window: window(), scope }
}

fn tool(name: &str, arguments: Json, rows: &str, fields: &[(&str, &str)]) -> Tool {
    let Json::Object(arguments) = arguments else { panic!("arguments") };
    Tool {
        tool: name.to_owned(),
        arguments: arguments.into_iter().collect(),
        rows: rows.to_owned(),
        fields: fields.iter().map(|(field, place)| ((*field).to_owned(), (*place).to_owned())).collect(),
    }
}

fn settings(url: &str) -> Settings {
    let deploys =
        [("time", "when"), ("service", "app"), ("before", "/old"), ("after", "new"), ("author", "who")];
    let lines = json!({"start": "{from}", "end": "{to}", "service": "{service}", "limit": 1000});
    let range = json!({"from_ms": "{from_ms}", "to_ms": "{to_ms}"});
    Settings {
        kind: "mcp".to_owned(),
        url: url.to_owned(),
        tools: [
            (
                "log_templates".to_owned(),
                tool("search.logs", lines, "/hits/logs", &[("time", "@timestamp"), ("severity", "level")]),
            ),
            ("changes".to_owned(), tool("deploys", range, "/results/0/data", &deploys)),
        ]
        .into(),
        ..Settings::default()
    }
}

/// The contract server's settings: its endpoint ends as one does.
fn contract(url: &str) -> Settings {
    settings(&format!("{url}/mcp"))
}

// covers: AT-14, EL-54
#[test]
fn a_real_server_answers_with_the_tools_that_are_named_and_no_other_is_called() {
    for (form, keeping) in [("stream", "stateful"), ("json", "stateful"), ("json", "stateless")] {
        let server = Running::start(form, keeping);
        let source = open(&settings(&server.url));
        let told = ask(&source, logs(Scope::all()), 10).unwrap();
        assert!(
            told.locators[0].query.starts_with("tools/call search.logs {") && !told.truncated,
            "{:?}",
            told.locators
        );
        let Table::LogTemplates(rows) = told.table else { panic!("templates") };
        let said: Vec<(&str, u8, u64, i64)> = rows
            .iter()
            .map(|row| (row.service.as_str(), row.severity, row.count, row.first.since(BEGIN)))
            .collect();
        assert_eq!(said, [("pay", 17, 6, 0), ("web", 9, 6, 0)], "{form} {keeping}");
        let told = ask(&source, logs(Scope::service("web")), 10).unwrap();
        assert!(matches!(told.table, Table::LogTemplates(rows) if rows.len() == 1));
        let told = ask(&source, Ask::Changes { window: window(), scope: Scope::all() }, 10).unwrap();
        assert_eq!(told.left_out, 1, "a row without a time");
        let Table::Changes(rows) = told.table else { panic!("changes") };
        let row = &rows[0];
        assert_eq!(
            (row.kind, row.service.as_str(), row.at),
            (ChangeKind::Deploy, "web", BEGIN.plus_seconds(60))
        );
        assert_eq!((row.before.as_str(), row.after.as_str(), rows.len()), ("1.0", "1.1", 1));
        assert_eq!(
            ask(&source, Ask::Topology { window: window() }, 10),
            Err(AskError::Unsupported("topology".to_owned()))
        );
        assert!(!source.can().answers("topology") && source.can().answers("changes"));
        let mut wrong = settings(&server.url);
        for (name, why) in [
            ("restart", "changes something, and is not called; hint: "),
            ("fails", "the tool `fails` failed: Error executing tool fails"),
            ("no.such", "hint: one of deploys, fails, restart, search_logs"),
        ] {
            wrong.tools.insert("changes".to_owned(), tool(name, json!({"service": "web"}), "", &[]));
            let said =
                ask(&open(&wrong), Ask::Changes { window: window(), scope: Scope::all() }, 10).unwrap_err();
            assert!(said.to_string().contains(why), "{name}: {said}");
        }
        let called = server.told();
        assert!(
            called.contains("search_logs 2026-05-28T20:26:40.000Z 2026-05-28T20:36:40.000Z web"),
            "{called}"
        );
        assert!(!called.contains("restart web"), "what changes something was called: {called}");
    }
}

/// A server with sessions, whose one tool answers `result`.
fn server(annotations: Json, result: impl Fn(&Json) -> Json + Send + Sync + 'static) -> Server {
    let sessions = Mutex::new(0_u32);
    Server::start(move |request| answer(request, &sessions, &annotations, &result))
}

fn answer(
    request: &Request,
    sessions: &Mutex<u32>,
    annotations: &Json,
    result: &dyn Fn(&Json) -> Json,
) -> Reply {
    let call = request.json();
    let accept = request.header("accept").unwrap();
    assert!(accept.contains("application/json") && accept.contains("text/event-stream"));
    let mut count = sessions.lock().unwrap();
    let told = |result: Json| json!({"jsonrpc": "2.0", "id": call["id"], "result": result});
    if call["method"] == "initialize" {
        *count += 1;
        let agreed = told(
            json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s"}}),
        );
        let headers =
            vec![("Content-Type", "application/json".to_owned()), ("Mcp-Session-Id", format!("s{count}"))];
        return Reply::Of(200, headers, agreed.to_string());
    }
    assert_eq!(request.header("mcp-protocol-version"), Some("2025-06-18"));
    // The first session is forgotten after its first call.
    let calls = call["method"] == "tools/call" && call["params"]["arguments"]["start"].is_string();
    if request.header("mcp-session-id") != Some(&format!("s{count}")) {
        return Reply::status(404, "no such session");
    }
    match call["method"].as_str().unwrap() {
        "notifications/initialized" => Reply::status(202, ""),
        "tools/list" => {
            Reply::json(&told(json!({"tools": [{"name": "search_logs", "annotations": annotations}]})))
        }
        "tools/call" => {
            *count += u32::from(calls && *count == 1);
            // What the server says in between is no answer.
            let progress =
                json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}});
            let stream = format!(
                ": hello\n\ndata: {progress}\n\nevent: message\ndata: {}\n\n",
                told(result(&call["params"]))
            );
            Reply::Of(200, vec![("Content-Type", "text/event-stream".to_owned())], stream)
        }
        other => panic!("{other} is asked by nobody"),
    }
}

fn lines(_: &Json) -> Json {
    let text = json!({"hits": {"logs": [{"@timestamp": "2026-05-28T20:26:41Z", "message": "x", "level": "warn", "service": "web"}]}});
    json!({"content": [{"type": "text", "text": "found 1"}, {"type": "text", "text": text.to_string()}]})
}

#[test]
fn a_session_that_the_server_forgot_is_begun_anew_and_only_reading_methods_are_sent() {
    let server = server(json!({"readOnlyHint": true}), lines);
    let source = open(&contract(&server.url));
    for _ in 0..3 {
        let told = ask(&source, logs(Scope::all()), 10).unwrap();
        assert_eq!((told.table.len(), told.left_out), (1, 0));
    }
    let methods: Vec<String> =
        server.seen().iter().map(|one| one.json()["method"].as_str().unwrap().to_owned()).collect();
    let begin = ["initialize", "notifications/initialized", "tools/list"];
    let call = "tools/call";
    let expected: Vec<&str> =
        begin.into_iter().chain([call, call]).chain(begin).chain([call, call]).collect();
    assert_eq!(methods, expected);
    broken::assert_asked_only(&server, &[("POST", "/mcp")]);
}

#[test]
fn a_tool_that_changes_something_is_not_called_and_the_same_one_that_does_not_say_so_is() {
    for (annotations, is_called) in [
        (json!({"destructiveHint": true}), false),
        (json!({"readOnlyHint": false}), false),
        (json!({}), true),
    ] {
        let server = server(annotations, lines);
        let told = ask(&open(&contract(&server.url)), logs(Scope::all()), 10);
        assert_eq!(told.is_ok(), is_called, "{told:?}");
        let calls = server.seen().into_iter().filter(|one| one.json()["method"] == "tools/call").count();
        assert_eq!(calls, usize::from(is_called));
    }
}

#[test]
fn states_series_and_calls_are_told_as_the_tables_tell_them() {
    let state = json!([
        {"what": "pod", "svc": "web", "id": "web-1", "phase": "Running", "restarts": 3, "where": {"node": "n1"}},
        {"what": "nonsense", "svc": "web", "id": "x"}]);
    let series = json!([
        {"t": 1_780_000_010, "svc": "web", "m": "queue", "v": 1.5}, {"t": 1_780_000_310_000_i64, "svc": "web", "m": "queue", "v": "4"},
        {"t": "2026-05-28T20:32:00Z", "svc": "web", "m": "other", "v": 9}]);
    let calls = json!([{"from": "web", "to": "pay"}, {"from": "web"}]);
    let all = json!({"state": state, "series": series, "calls": calls});
    let server = server(json!({}), move |_| json!({"structuredContent": all, "content": []}));
    let mut settings = contract(&server.url);
    let point = [("time", "t"), ("service", "svc"), ("metric", "m"), ("value", "v")];
    let thing = [
        ("kind", "what"),
        ("service", "svc"),
        ("name", "id"),
        ("status", "phase"),
        ("figure.restarts", "restarts"),
        ("attribute.node", "/where/node"),
    ];
    let none = || json!({});
    settings.tools = [
        ("state".to_owned(), tool("search_logs", none(), "/state", &thing)),
        ("series_change".to_owned(), tool("search_logs", none(), "/series", &point)),
        (
            "topology".to_owned(),
            tool("search_logs", none(), "/calls", &[("caller", "from"), ("callee", "to")]),
        ),
    ]
    .into();
    let source = open(&settings);
    let told = ask(&source, Ask::State { window: window(), scope: Scope::all() }, 10).unwrap();
    assert_eq!(told.left_out, 1, "a kind that nobody knows");
    let Table::State(rows) = told.table else { panic!("states") };
    assert_eq!(
        (rows[0].name.as_str(), rows[0].status.as_str(), rows[0].at),
        ("web-1", "Running", window().to)
    );
    assert_eq!((rows[0].figure("restarts"), rows[0].attribute("node"), rows.len()), (Some(3.0), "n1", 1));
    let middle = BEGIN.plus_seconds(300);
    let (good, bad) = (Window::new(BEGIN, middle), Window::new(middle, window().to));
    let change = Ask::SeriesChange { good, bad, scope: Scope::all(), metrics: vec!["queue".to_owned()] };
    let told = ask(&source, change, 10).unwrap();
    let Table::SeriesChange(rows) = told.table else { panic!("series") };
    assert_eq!((rows.len(), rows[0].good.mean.get(), rows[0].bad.mean.get()), (1, 1.5, 4.0));
    let told = ask(&source, Ask::Topology { window: window() }, 10).unwrap();
    assert_eq!(told.left_out, 1);
    let Table::Topology(table) = told.table else { panic!("topology") };
    assert_eq!(
        (table.services.as_slice(), table.calls.len()),
        (&["pay".to_owned(), "web".to_owned()][..], 1)
    );
}

#[test]
fn nothing_gets_out_of_its_place_in_a_query() {
    let server = server(json!({}), lines);
    let mut settings = contract(&server.url);
    let query =
        json!({"query": "FROM logs-* | WHERE service.name == \"{service}\" AND @timestamp >= \"{from}\""});
    settings.tools.insert(
        "log_templates".to_owned(),
        tool("search_logs", query, "/hits/logs", &[("time", "@timestamp")]),
    );
    let source = open(&settings);
    ask(&source, logs(Scope::service("web-1")), 10).unwrap();
    let sent = server.seen().last().unwrap().json()["params"]["arguments"]["query"].clone();
    assert_eq!(
        sent,
        "FROM logs-* | WHERE service.name == \"web-1\" AND @timestamp >= \"2026-05-28T20:26:40.000Z\""
    );
    let before = server.seen().len();
    let sly = ask(&source, logs(Scope::service("x\" OR true OR \"")), 10);
    assert!(matches!(sly, Err(AskError::Unsupported(_))) && server.seen().len() == before, "{sly:?}");
    // As a value of its own, the same text is only text.
    let server = self::server(json!({}), lines);
    ask(&open(&contract(&server.url)), logs(Scope::service("x\" OR true OR \"")), 10).unwrap();
    assert_eq!(server.seen().last().unwrap().json()["params"]["arguments"]["service"], "x\" OR true OR \"");
}

#[test]
fn what_cannot_be_read_is_told_with_where_to_look() {
    let told = |result: Json| {
        let server = server(json!({}), move |_| result.clone());
        ask(&open(&contract(&server.url)), logs(Scope::all()), 5)
    };
    let words = json!({"content": [{"type": "text", "text": "I found some lines."}]});
    let elsewhere = json!({"structuredContent": {"lines": []}, "content": []});
    let nameless =
        json!({"structuredContent": {"hits": {"logs": [{"ts": 1, "message": "x"}]}}, "content": []});
    for (result, why) in [
        (words, "answered no JSON; hint: "),
        (elsewhere, "nothing is at `/hits/logs`; hint: "),
        (nameless, "none of the 1 rows of the tool `search.logs` could be used; hint: "),
    ] {
        let error = told(result).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let none = told(json!({"structuredContent": {"hits": {"logs": []}}, "content": []})).unwrap();
    assert!(none.table.is_empty() && !none.truncated, "no line is an answer");
    let full = json!({"structuredContent": {"hits": {"logs": vec![json!({"@timestamp": 1_780_000_001, "message": "x"}); 1000]}}});
    assert!(told(full).unwrap().truncated, "as many as the limit are not all");
    let far = Server::start(|_| Reply::Of(429, vec![("Retry-After", "600".to_owned())], "slow".to_owned()));
    let why = ask(&open(&contract(&far.url)), logs(Scope::all()), 5).unwrap_err().to_string();
    assert!(why.contains("429"), "{why}");
    let error = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "Unsupported protocol version"}});
    let refusing = Server::start(move |_| Reply::json(&error));
    let why = ask(&open(&contract(&refusing.url)), logs(Scope::all()), 5).unwrap_err().to_string();
    assert!(why.contains("initialize: Unsupported protocol version (-32602)"), "{why}");
    let closed = Server::start(|_| Reply::status(401, "{\"error\":\"invalid_token\"}"));
    let why = ask(&open(&contract(&closed.url)), logs(Scope::all()), 5).unwrap_err().to_string();
    assert!(why.contains("401") && why.contains("hint: the source's token"), "{why}");
    for wrong in [
        Settings { url: "http://127.0.0.1:1/api".to_owned(), ..settings("x/mcp") },
        Settings {
            tools: [("onset".to_owned(), Tool::default())].into(),
            ..settings("http://127.0.0.1:1/mcp")
        },
        Settings { tools: std::collections::BTreeMap::new(), ..settings("http://127.0.0.1:1/mcp") },
    ] {
        let why = sources::open("tried", &wrong).err().unwrap().to_string();
        assert!(why.contains("hint: "), "{why}");
    }
}

#[test]
fn what_breaks_ends_in_time_and_says_so() {
    broken::assert_ends_in_time(contract, &logs(Scope::all()));
}
