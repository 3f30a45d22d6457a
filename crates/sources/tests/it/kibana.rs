//! `setup elastic`, its removal and its checks, against a server that keeps what it is given as Kibana's Agent Builder API and
//! Elasticsearch document it (Kibana 9.2: /api/agent_builder/tools, /agents, /mcp; Elasticsearch: create index, get index,
//! field capabilities, search). No real Kibana runs here.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sources::Settings;
use sources::elastic::kibana::{Check, Elastic, Step, check};

use super::server::{Reply, Request, Server};

const TOOLS: [&str; 6] = [
    "analyze_slow_spans",
    "deployment_correlation",
    "detect_latency_anomaly",
    "error_rates",
    "latency_timeline",
    "trace_chain",
];

/// What the servers keep, and which part of them is broken.
#[derive(Debug, Default)]
struct State {
    kept: BTreeMap<String, Value>,
    broken: &'static str,
    fields: Value,
}

fn answer(state: &mut State, request: &Request) -> Reply {
    let path = request.path.trim_start_matches('/').to_owned();
    let is_kibana = path.starts_with("api/");
    if is_kibana && request.method != "GET" && request.header("kbn-xsrf").is_none() {
        return Reply::status(400, r#"{"message":"Request must contain a kbn-xsrf header."}"#);
    }
    if request.header("authorization") != Some("ApiKey s3cret") {
        return Reply::status(401, r#"{"error":"missing authentication credentials"}"#);
    }
    if !is_kibana && state.broken == "privileges" && path.contains('*') {
        return Reply::status(403, "{}");
    }
    match (request.method.as_str(), path.as_str()) {
        ("GET", "") => Reply::json(&json!({"version": {"number": "9.2.0"}})),
        ("GET", "_security/_authenticate") => Reply::json(&json!({"username": "observer"})),
        ("GET", "traces-*/_field_caps") => {
            assert_eq!(request.parameter("fields"), Some("duration,transaction.duration.us"));
            Reply::json(&json!({"fields": state.fields}))
        }
        ("GET", "traces-*/_mapping") => Reply::json(&json!({})),
        ("GET", "traces-*/_search") => {
            let count = if state.broken == "fresh" { 0 } else { 7 };
            Reply::json(&json!({"hits": {"total": {"value": count, "relation": "eq"}}}))
        }
        ("GET", "api/status") => {
            let level = if state.broken == "kibana" { "degraded" } else { "available" };
            Reply::json(&json!({"status": {"overall": {"level": level}}, "version": {"number": "9.2.0"}}))
        }
        ("POST", "api/agent_builder/mcp") => {
            let ids = state.kept.keys().filter_map(|key| key.strip_prefix("api/agent_builder/tools/"));
            let tools: Vec<Value> = ids
                .skip(usize::from(state.broken == "mcp"))
                .map(|id| json!({"name": id.replace('.', "_")}))
                .collect();
            let told = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}});
            let event = vec![("Content-Type", "text/event-stream".to_owned())];
            Reply::Of(200, event, format!("event: message\ndata: {told}\n\n"))
        }
        ("POST", "api/agent_builder/tools" | "api/agent_builder/agents") => {
            let body = request.json();
            let at = format!("{path}/{}", body["id"].as_str().unwrap());
            if state.kept.contains_key(&at) {
                return Reply::status(409, r#"{"message":"already exists"}"#);
            }
            state.kept.insert(at, body.clone());
            Reply::json(&body)
        }
        ("PUT", _) if is_kibana => {
            let body = request.json();
            assert!(
                body.get("id").is_none() && body.get("type").is_none(),
                "what cannot be changed is not sent"
            );
            let kept = state.kept.get_mut(&path).unwrap();
            for (key, value) in body.as_object().unwrap() {
                kept[key.as_str()] = value.clone();
            }
            Reply::json(kept)
        }
        ("PUT", _) => {
            state.kept.insert(path.clone(), json!({path.as_str(): request.json()}));
            Reply::json(&json!({"acknowledged": true}))
        }
        ("GET", _) => state.kept.get(&path).map_or(Reply::status(404, "{}"), Reply::json),
        ("DELETE", _) => {
            state.kept.remove(&path);
            Reply::json(&json!({"success": true}))
        }
        _ => Reply::status(405, "{}"),
    }
}

struct World {
    server: Server,
    state: Arc<Mutex<State>>,
    elastic: Elastic,
    _key: tempfile::TempDir,
}

fn world() -> World {
    let state = Arc::new(Mutex::new(State { fields: json!({"duration": {}}), ..State::default() }));
    let shared = Arc::clone(&state);
    let server = Server::start(move |request| answer(&mut shared.lock().unwrap(), request));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "ApiKey s3cret\n").unwrap();
    let settings = Settings {
        url: server.url.clone(),
        header_files: [("Authorization".to_owned(), key.display().to_string())].into(),
        ..Settings::default()
    };
    let elastic = Elastic::new((&settings, &settings), "autotrace", "traces-*").unwrap();
    World { server, state, elastic, _key: folder }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

impl World {
    fn setup(&self, is_dry: bool) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        run(self.elastic.setup(is_dry, |step| steps.push(step.clone()))).map(|()| steps)
    }

    fn teardown(&self, is_dry: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        run(self.elastic.teardown(is_dry, |step| steps.push(step.clone()))).unwrap();
        steps
    }

    fn kept(&self) -> BTreeMap<String, Value> {
        self.state.lock().unwrap().kept.clone()
    }
}

fn done(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(|step| step.done).collect()
}

// covers: AT-10
// covers: AT-12
// covers: AT-23
#[test]
fn setup_makes_all_once_changes_what_differs_and_a_dry_run_sends_nothing_that_writes() {
    let world = world();
    let planned = world.setup(true).unwrap();
    assert_eq!(done(&planned), ["create"; 10]);
    assert!(world.kept().is_empty() && world.server.seen().iter().all(|request| request.method == "GET"));
    let made = world.setup(false).unwrap();
    assert_eq!(made, planned, "the dry run says what is then sent");
    let kept = world.kept();
    for tool in TOOLS {
        let tool = &kept[&format!("api/agent_builder/tools/autotrace.{tool}")];
        let query = tool["configuration"]["query"].as_str().unwrap();
        assert!(query.contains("FROM traces-*") && !query.contains("transaction."), "{query}");
    }
    for index in ["autotrace-findings", "autotrace-resolutions", "autotrace-agent-traces"] {
        assert!(kept.contains_key(index), "{index}");
    }
    assert_eq!(done(&world.setup(false).unwrap()), ["unchanged"; 10]);
    let spoilt = "api/agent_builder/tools/autotrace.error_rates";
    world.state.lock().unwrap().kept.get_mut(spoilt).unwrap()["description"] = json!("old");
    let again = done(&world.setup(false).unwrap());
    assert_eq!(again.iter().filter(|done| **done == "update").count(), 1, "{again:?}");
    assert_eq!(world.kept(), kept, "as it was, and nothing twice");
}

// covers: AT-11
#[test]
fn the_unit_of_durations_is_that_of_the_indices() {
    let world = world();
    world.state.lock().unwrap().fields = json!({"transaction.duration.us": {}});
    world.setup(false).unwrap();
    let tool = world.kept()["api/agent_builder/tools/autotrace.latency_timeline"].clone();
    let query = tool["configuration"]["query"].as_str().unwrap();
    assert!(query.contains("transaction.duration.us") && query.contains("/ 1000 |"), "{query}");
}

// covers: AW-45
#[test]
fn teardown_removes_what_setup_made_and_nothing_else() {
    let world = world();
    world.setup(false).unwrap();
    let foreign = [
        ("api/agent_builder/tools/other.tool", json!({"id": "other.tool", "tags": []})),
        ("autotrace-other", json!({"autotrace-other": {"mappings": {}}})),
    ];
    // Somebody replaced one of ours by theirs.
    let taken = "api/agent_builder/tools/autotrace.trace_chain";
    {
        let mut state = world.state.lock().unwrap();
        state.kept.extend(foreign.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        state.kept.get_mut(taken).unwrap()["tags"] = json!(["theirs"]);
    }
    let before = world.kept();
    assert!(world.teardown(true).iter().any(|step| step.done == "delete") && world.kept() == before);
    let steps = world.teardown(false);
    assert_eq!(steps.iter().filter(|step| step.done == "kept").count(), 1);
    let left: Vec<String> = world.kept().into_keys().collect();
    assert_eq!(left, [taken, "api/agent_builder/tools/other.tool", "autotrace-other"]);
    let refused = world.setup(false).unwrap_err();
    assert!(refused.contains("was not made by `setup`") && refused.contains("--prefix"), "{refused}");
    assert!(done(&world.teardown(false)).iter().all(|done| ["absent", "delete", "kept"].contains(done)));
}

#[test]
fn a_refusal_names_the_privilege() {
    let state = Arc::new(Mutex::new(State::default()));
    let server = Server::start(move |request| answer(&mut state.lock().unwrap(), request));
    let settings = Settings { url: server.url.clone(), ..Settings::default() };
    let elastic = Elastic::new((&settings, &settings), "autotrace", "traces-*").unwrap();
    let refused = run(elastic.setup(false, |_| {})).unwrap_err();
    assert!(refused.contains("401") && refused.contains("hint: the key or password"), "{refused}");
    for (prefix, traces) in
        [("Auto", "traces-*"), ("a/b", "traces-*"), ("a", "x | DROP"), ("", "traces-*"), ("a", "")]
    {
        assert!(Elastic::new((&settings, &settings), prefix, traces).is_err(), "{prefix} {traces}");
    }
}

/// A container engine that answers `told`.
fn engine(path: &Path, told: &'static str) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let read = stream.read(&mut [0; 512]).unwrap();
            assert!(read > 0, "a request");
            stream.write_all(told.as_bytes()).unwrap();
        }
    });
}

fn failed(checks: &[Check]) -> Vec<&'static str> {
    checks.iter().filter(|check| check.found.is_err()).map(|check| check.name).collect()
}

// covers: AT-25
#[test]
fn each_broken_part_fails_its_own_check_and_the_others_are_made() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let (socket, other) = (folder.path().join("engine"), folder.path().join("other"));
    engine(&socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    engine(&other, "HTTP/1.1 404 no\r\n\r\n");
    world.setup(false).unwrap();
    let checks = run(check(&world.elastic, &socket));
    assert_eq!((checks.len(), failed(&checks)), (8, Vec::new()), "{checks:?}");
    for (broken, fails) in [
        ("privileges", vec!["elasticsearch privileges", "traces present and fresh"]),
        ("fresh", vec!["traces present and fresh"]),
        ("kibana", vec!["kibana status"]),
        ("mcp", vec!["tools offered over MCP"]),
    ] {
        world.state.lock().unwrap().broken = broken;
        assert_eq!(failed(&run(check(&world.elastic, &socket))), fails, "{broken}");
    }
    world.state.lock().unwrap().broken = "";
    assert_eq!(failed(&run(check(&world.elastic, &other))), ["containers reachable"]);
    let agent =
        world.state.lock().unwrap().kept.remove("api/agent_builder/agents/autotrace.investigator").unwrap();
    assert_eq!(failed(&run(check(&world.elastic, &socket))), ["agent provisioned"]);
    let tool = "api/agent_builder/tools/autotrace.error_rates";
    {
        let mut state = world.state.lock().unwrap();
        state.kept.insert("api/agent_builder/agents/autotrace.investigator".to_owned(), agent);
        state.kept.remove(tool);
    }
    let checks = run(check(&world.elastic, &socket));
    assert_eq!(failed(&checks), ["tools provisioned", "tools offered over MCP"]);
    assert!(checks[4].found.as_ref().is_err_and(|why| why.contains("5/6, without autotrace.error_rates")));
}

#[test]
fn nobody_there_fails_every_check_with_a_hint() {
    let settings = Settings { url: "http://127.0.0.1:1".to_owned(), ..Settings::default() };
    let elastic = Elastic::new((&settings, &settings), "autotrace", "traces-*").unwrap();
    let checks = run(check(&elastic, Path::new("/nowhere/engine.sock")));
    assert_eq!(failed(&checks).len(), 8);
    assert!(
        checks.iter().all(|check| check.found.as_ref().is_err_and(|why| why.contains("hint: "))),
        "{checks:?}"
    );
}
