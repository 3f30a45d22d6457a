//! Elasticsearch and OpenSearch where no real one is asked: what breaks, refuses or answers in part, the requests that are
//! made, and ES|QL, whose modules are not published.
//!
//! Modelled on Elasticsearch's reference: "Search API", "Field capabilities", "ES|QL REST API" (columns and values, types,
//! `is_partial`, async answers, the limit of 1,000 rows), "Paginate search results", and Kibana's `apm_queries.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use telemetry::recorded::{TableSource, Tables};
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Limits, Question, QuestionId, Resource, Scope, Source, Space,
    Span, SpanId, SpanKind, StatusCode, Table, TraceId, UnixNanos, Value, Window,
};

use super::server::{Reply, Request, Server};
use super::{ask, open};

/// `http.max_initial_line_length`.
const LINE_MAX: usize = 4_096;
/// 2024-05-01T10:00:00Z.
const BEGIN: i64 = 1_714_557_600;

fn at(millis: i64) -> UnixNanos {
    UnixNanos(BEGIN * 1_000_000_000 + millis * 1_000_000 + 123_456)
}

fn window() -> Window {
    Window::new(UnixNanos(0).plus_seconds(BEGIN), UnixNanos(0).plus_seconds(BEGIN + 60))
}

/// Two services, the second failing now and then.
fn spans(count: u64) -> Vec<Span> {
    let resource = |service: &str| {
        let text = |key: &str, text: &str| (Arc::from(key), Value::Text(Arc::from(text)));
        Arc::new(Resource::of(vec![text("service.name", service), text("service.version", "1")]))
    };
    let span = |number: u64, place: u64| {
        let id = |place: u64| SpanId((number * 2 + place + 1).to_be_bytes());
        let start = at(i64::try_from(number * 11 + place).unwrap());
        Span {
            trace_id: TraceId(u128::from(number + 1).to_be_bytes()),
            span_id: id(place),
            parent: (place > 0).then(|| id(0)),
            name: Arc::from(if place == 0 { "GET /" } else { "work" }),
            kind: SpanKind::Server,
            start,
            end: UnixNanos(start.0 + 5_000_001 + i64::try_from(number).unwrap()),
            status: if place == 1 && number.is_multiple_of(3) {
                StatusCode::Error
            } else {
                StatusCode::Unset
            },
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: resource(if place == 0 { "web" } else { "orders" }),
        }
    };
    (0..count).flat_map(|number| [span(number, 0), span(number, 1)]).collect()
}

fn document(one: &Span) -> Json {
    json!({
        "@timestamp": format!("{}.{:06}", one.start.0 / 1_000_000, one.start.0 % 1_000_000),
        "trace_id": one.trace_id.to_string(), "span_id": one.span_id.to_string(),
        "parent_span_id": one.parent.map(|id| id.to_string()), "name": [&*one.name], "kind": "Server",
        "duration": one.duration_ns(), "status": {"code": (one.status == StatusCode::Error).then_some("Error")},
        "resource": {"attributes": {"service.name": &*one.resource.service, "service.version": "1"}},
    })
}

/// The fields of the mappings.
fn fields() -> Reply {
    let names = [
        "@timestamp",
        "duration",
        "kind",
        "name",
        "parent_span_id",
        "resource.attributes.service.name",
        "resource.attributes.service.version",
        "span_id",
        "status.code",
        "trace_id",
    ];
    let known = |name: &&str| {
        let of = json!({"keyword": {"type": "keyword", "searchable": true, "aggregatable": true}});
        ((*name).to_owned(), of)
    };
    let fields: serde_json::Map<String, Json> = names.iter().map(known).collect();
    Reply::json(&json!({"indices": ["traces-generic.otel-default"], "fields": fields}))
}

/// What a cluster with these spans answers to a search, a page at a time.
fn found(request: &Request, spans: &[Span]) -> Reply {
    let body = request.json();
    let shards = json!({"total": 1, "successful": 1, "failed": 0});
    let is_of_traces = request.path.starts_with("/traces-");
    let spans = if is_of_traces { spans } else { &[] };
    let mut answer =
        json!({"timed_out": false, "_shards": shards, "hits": {"total": {"value": spans.len()}, "hits": []}});
    if body.pointer("/aggs/traces").is_some() {
        let mut ids: Vec<String> = spans.iter().map(|one| one.trace_id.to_string()).collect();
        ids.dedup();
        let buckets: Vec<Json> = ids.iter().map(|id| json!({"key": id, "doc_count": 2})).collect();
        answer["aggregations"] = json!({"traces": {"sum_other_doc_count": 0, "buckets": buckets}});
    } else if body["size"] != json!(0) {
        let from =
            body.pointer("/query/bool/filter/0/range/@timestamp/gte").and_then(Json::as_str).unwrap_or("");
        let wanted = body.pointer("/query/bool/filter").map(Json::to_string).unwrap_or_default();
        let is_asked = |one: &&Span| {
            let is_of_ids =
                !wanted.contains("\"terms\":{\"trace_id\"") || wanted.contains(&one.trace_id.to_string());
            is_of_ids && written(one.start).as_str() >= from
        };
        let size = usize::try_from(body["size"].as_u64().unwrap()).unwrap();
        let hit = |one: &Span| json!({"_index": "i", "_id": one.span_id.to_string(), "_source": document(one), "sort": [one.start.0]});
        answer["hits"]["hits"] = spans.iter().filter(is_asked).take(size).map(hit).collect();
    }
    Reply::json(&answer)
}

fn written(at: UnixNanos) -> String {
    format!("{}.{:09}Z", &at.floor_second().rfc3339()[..19], at.0.rem_euclid(1_000_000_000))
}

/// A cluster with these spans, whose `_query` answers as `esql` says.
fn cluster(spans: Vec<Span>, esql: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request| match request.path.rsplit('/').next() {
        Some("_field_caps") => fields(),
        Some("_search") => found(request, &spans),
        _ => esql(request),
    })
}

fn no_esql(_: &Request) -> Reply {
    Reply::status(400, r#"{"error":"no handler found for uri [/_query] and method [POST]","status":400}"#)
}

fn source(kind: &str, server: &Server) -> Arc<dyn Source> {
    open(&sources::Settings {
        kind: kind.to_owned(),
        url: server.url.clone(),
        ..sources::Settings::default()
    })
}

fn onset(scope: Scope) -> Ask {
    Ask::Onset { window: window(), scope }
}

/// What the spans themselves answer.
fn known(spans: &[Span], asked: Ask) -> Table {
    let source = TableSource::new(Tables { spans: spans.to_vec(), ..Tables::default() });
    let question = Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask: asked,
        not_before: UnixNanos(0),
    };
    source.answer(&question, &Limits::default(), &Cancel::default()).unwrap().table
}

fn sorted(answer: Answer) -> Table {
    let mut table = answer.table;
    table.sort();
    table
}

/// Whether a request is one of those that the back end is declared to need.
fn is_needed(request: &Request) -> bool {
    let end = request.path.rsplit('/').next().unwrap_or_default();
    match request.method.as_str() {
        "GET" => end == "_field_caps" || request.path.starts_with("/_query/async/"),
        "POST" => ["_search", "_query"].contains(&end),
        _ => false,
    }
}

fn assert_read_only(server: &Server) {
    let seen = server.seen();
    assert!(!seen.is_empty());
    for request in seen {
        assert!(is_needed(&request), "{} {}", request.method, request.path);
    }
}

#[test]
fn what_writes_is_none_of_the_needed_requests() {
    for (method, path) in
        [("POST", "/a/_bulk"), ("DELETE", "/a"), ("POST", "/a/_delete_by_query"), ("PUT", "/a/_search")]
    {
        let request = Request { method: method.to_owned(), path: path.to_owned(), ..Request::default() };
        assert!(!is_needed(&request), "{method} {path}");
    }
}

#[test]
fn questions_are_answered_from_pages_and_nothing_but_reading_is_asked() {
    let spans = spans(2_600);
    for kind in ["elasticsearch", "opensearch"] {
        let server = cluster(spans.clone(), no_esql);
        let source = source(kind, &server);
        for asked in [
            onset(Scope::all()),
            Ask::SelfTime { window: window(), scope: Scope::all() },
            Ask::Edges { window: window(), scope: Scope::all() },
            Ask::Trace { trace_id: spans[0].trace_id },
        ] {
            let name = asked.name();
            let told = ask(&source, asked.clone(), 60).unwrap();
            assert!(told.locators[0].link.starts_with(&server.url), "{name}");
            // Of a longer line the back end reads nothing.
            assert!(told.locators.iter().all(|one| one.link.len() < LINE_MAX), "{name}: {:?}", told.locators);
            if name != "trace" {
                assert!(!told.truncated, "{name}");
                assert_eq!(sorted(told), known(&spans, asked), "{kind}: {name}");
            }
        }
        assert_read_only(&server);
        let lines = server.seen().into_iter().map(|request| {
            request.query.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>()
                + request.path.len()
        });
        let longest = lines.max().unwrap();
        assert!(longest < LINE_MAX * 3 / 4, "{longest}");
        let asked_for = server.seen().iter().filter(|request| request.path.ends_with("_query")).count();
        assert_eq!(asked_for, usize::from(kind == "elasticsearch"), "once refused, it is not asked again");
        let refused = ask(&source, Ask::Topology { window: window() }, 5);
        assert_eq!(refused, Err(AskError::Unsupported("topology".to_owned())));
    }
}

#[test]
fn every_way_to_break_ends_in_time_with_what_happened() {
    let words = ["failed to ask", "no answer within", "429", "500", "the answer", "the answer", "broke off"];
    for (reply, word) in Reply::broken().into_iter().zip(words) {
        for only in ["_field_caps", "_search", "_query"] {
            let broken = reply.clone();
            let spans = spans(3);
            let server = Server::start(move |request| match request.path.rsplit('/').next() {
                Some(end) if end == only => broken.clone(),
                Some("_field_caps") => fields(),
                _ => found(request, &spans),
            });
            let began = Instant::now();
            let told = ask(&source("elasticsearch", &server), onset(Scope::all()), 2);
            assert!(began.elapsed() < Duration::from_secs(4), "{reply:?} {only}");
            let why = told.unwrap_err().to_string();
            assert!(why.contains(word), "{reply:?} {only}: {why}");
        }
    }
}

#[test]
fn a_refusal_for_now_is_waited_for_and_half_an_answer_is_none() {
    let spans = spans(5);
    let (asked, of) = (Arc::new(AtomicUsize::new(0)), spans.clone());
    let counter = Arc::clone(&asked);
    let server = Server::start(move |request| match request.path.rsplit('/').next() {
        Some("_field_caps") => fields(),
        Some("_search") if counter.fetch_add(1, Ordering::SeqCst) == 0 => {
            let body = json!({"error": {"type": "es_rejected_execution_exception"}, "status": 429});
            Reply::Of(429, vec![("Retry-After", "1".to_owned())], body.to_string())
        }
        _ => found(request, &of),
    });
    let began = Instant::now();
    let told = ask(&source("opensearch", &server), onset(Scope::all()), 10).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1) && asked.load(Ordering::SeqCst) > 1);
    assert_eq!(sorted(told), known(&spans, onset(Scope::all())));

    for (part, word) in [
        (json!({"timed_out": true, "hits": {"hits": []}}), "given up there"),
        (json!({"timed_out": false, "_shards": {"failed": 1}, "hits": {"hits": []}}), "1 shards failed"),
    ] {
        let server = Server::start(move |request| match request.path.rsplit('/').next() {
            Some("_field_caps") => fields(),
            _ => Reply::json(&part),
        });
        let why = ask(&source("opensearch", &server), onset(Scope::all()), 5).unwrap_err().to_string();
        assert!(why.contains(word) && why.contains("hint: "), "{why}");
    }
}

/// An answer of ES|QL with these spans: columns that are null everywhere are apart, cells may hold lists.
fn rows(spans: &[Span]) -> Json {
    let columns = json!([
        {"name": "@timestamp", "type": "date_nanos"}, {"name": "trace_id", "type": "keyword"},
        {"name": "span_id", "type": "keyword"}, {"name": "name", "type": "keyword"},
        {"name": "kind", "type": "keyword"}, {"name": "duration", "type": "unsigned_long"},
        {"name": "status.code", "type": "keyword"}, {"name": "resource.attributes.service.name", "type": "keyword"},
        {"name": "resource.attributes.service.version", "type": "keyword"},
    ]);
    let row = |one: &Span| {
        json!([
            written(one.start),
            one.trace_id.to_string(),
            one.span_id.to_string(),
            [&*one.name],
            "Server",
            one.duration_ns(),
            (one.status == StatusCode::Error).then_some("Error"),
            &*one.resource.service,
            ["1"]
        ])
    };
    let mut all = columns.as_array().unwrap().clone();
    all.push(json!({"name": "parent_span_id", "type": "keyword"}));
    json!({"took": 3, "is_partial": false, "documents_found": spans.len(), "all_columns": all, "columns": columns,
        "values": spans.iter().map(row).collect::<Vec<_>>()})
}

#[test]
fn es_ql_answers_in_rows_with_the_key_and_what_is_asked_for_stands_in_its_filter() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "ApiKey aWQ6a2V5\n").unwrap();
    let all = spans(40);
    let of = all.clone();
    let server = cluster(all.clone(), move |_| Reply::json(&rows(&of)));
    let settings = sources::Settings {
        kind: "elasticsearch".to_owned(),
        url: server.url.clone(),
        header_files: [("Authorization".to_owned(), file.display().to_string())].into(),
        ..sources::Settings::default()
    };
    let source = open(&settings);
    let told = ask(&source, onset(Scope::all()), 10).unwrap();
    assert_eq!(told.quantile_error.get(), 0.0);
    assert!(told.locators[0].query.starts_with("POST /_query"), "{:?}", told.locators);
    assert_eq!(sorted(told), known(&all, onset(Scope::all())));
    let hostile = "web\" | LIMIT 1 // `x` \\";
    let told = ask(&source, onset(Scope::service(hostile)), 10).unwrap();
    assert!(told.table.is_empty());
    let seen = server.seen();
    assert!(seen.iter().all(|request| request.header("authorization") == Some("ApiKey aWQ6a2V5")));
    for request in seen.iter().filter(|request| request.path == "/_query") {
        let body = request.json();
        let query = body["query"].as_str().unwrap();
        assert!(query.ends_with("| LIMIT 10000") && !query.contains("web"), "{query}");
        assert_eq!(request.parameter("allow_partial_results"), Some("false"));
    }
    let terms = seen.last().unwrap().json().to_string();
    assert!(
        seen.iter().any(|request| request.json().to_string().contains(r#"web\" | LIMIT 1 // `x` \\"#)),
        "{terms}"
    );
    assert_read_only(&server);
}

#[test]
fn es_ql_in_part_is_a_gap_and_fewer_rows_than_were_counted_are_searched_for() {
    let all = spans(600);
    let counted = known(&all, onset(Scope::all()));
    let partial = {
        let mut rows = rows(&all);
        rows["is_partial"] = json!(true);
        rows
    };
    let server = cluster(all.clone(), move |_| Reply::json(&partial));
    let why = ask(&source("elasticsearch", &server), onset(Scope::all()), 10).unwrap_err().to_string();
    assert!(why.contains("in part") && why.contains("hint: "), "{why}");

    // The 1,000 rows of a query without a limit, a column that is not read, and an error about a field.
    let thousand = rows(&all[..1_000]);
    let mut unread = rows(&all);
    unread["columns"][0]["type"] = json!("unsupported");
    for (status, body) in
        [(200, thousand), (200, unread), (400, json!({"error": {"type": "verification_exception"}}))]
    {
        let text = body.to_string();
        let server = cluster(all.clone(), move |_| Reply::status(status, &text));
        let told = ask(&source("elasticsearch", &server), onset(Scope::all()), 10).unwrap();
        assert!(!told.locators[0].query.starts_with("POST /_query"), "{status}");
        assert_eq!(sorted(told), counted, "{status}");
    }
}

#[test]
fn es_ql_that_runs_on_is_asked_for_until_it_is_done() {
    let all = spans(10);
    let of = all.clone();
    let looks = AtomicUsize::new(0);
    let server = cluster(all.clone(), move |request| match request.method.as_str() {
        "GET" if looks.fetch_add(1, Ordering::SeqCst) > 0 => Reply::json(&rows(&of)),
        _ => Reply::json(&json!({"id": "FmNJRUZ1YWZCU3dHY1BIOUhaenVSRkEaaXFl", "is_running": true})),
    });
    let told = ask(&source("elasticsearch", &server), onset(Scope::all()), 10).unwrap();
    assert_eq!(sorted(told), known(&all, onset(Scope::all())));
    let looked = server.seen().iter().filter(|request| request.path.starts_with("/_query/async/Fm")).count();
    assert_eq!(looked, 2);
    assert_read_only(&server);
    let hostile = cluster(all, |_| Reply::json(&json!({"id": "../_all", "is_running": true})));
    let why = ask(&source("elasticsearch", &hostile), onset(Scope::all()), 5).unwrap_err().to_string();
    assert!(why.contains("an id that is none"), "{why}");
    assert_read_only(&hostile);
}

// covers: EL-36, EL-46
#[test]
fn a_service_without_spans_is_counted_from_its_own_minutes_and_never_from_those_of_who_calls() {
    let server = Server::start(|request| {
        if request.path.ends_with("_field_caps") {
            return Reply::json(&json!({"indices": [], "fields": {}}));
        }
        let minute = json!({"@timestamp": "2024-05-01T10:00:00.000Z", "processor": {"event": "metric"},
            "metricset": {"name": "service_transaction", "interval": "1m"}, "service": {"name": "web"},
            "transaction": {"type": "request", "duration": {"summary": {"sum": 9_000, "value_count": 3}}},
            "event": {"success_count": {"sum": 2, "value_count": 3}}});
        // What `web` calls answers in another time; a search that asks for it would get it.
        let called = json!({"@timestamp": "2024-05-01T10:00:00.000Z", "processor": {"event": "metric"},
            "metricset": {"name": "service_destination", "interval": "1m"}, "service": {"name": "web"},
            "transaction": {"type": "request", "duration": {"summary": {"sum": 999, "value_count": 99}}},
            "span": {"destination": {"service": {"resource": "elasticsearch",
                "response_time": {"count": 73, "sum": {"us": 1_554_192}}}}}, "event": {"outcome": "success"}});
        let wanted = request.json().to_string();
        assert!(request.path.starts_with("/metrics-apm*/") && !wanted.contains("service_destination"));
        let hits =
            [minute, called].map(|source| json!({"_id": source["metricset"]["name"], "_source": source}));
        Reply::json(&json!({"timed_out": false, "hits": {"hits": hits}}))
    });
    let told = ask(&source("elasticsearch", &server), onset(Scope::all()), 5).unwrap();
    assert_eq!(told.from_metrics, ["web"]);
    let Table::Onset(rows) = &told.table else { panic!("rows") };
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].count, rows[0].errors, rows[0].sum_ns), (3, 1, 9_000_000));
    assert_eq!((rows[0].p50_ns, rows[0].p95_ns), (3_000_000, 3_000_000), "the mean, no percentile");
}
