//! What there is, for programs that want to read it with GET: thin views over the tools of the default dialect, and over
//! the question for metrics.
//!
//! A view holds what its tool would answer, bounds and hints included. Parameters are the tool's arguments.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use telemetry::{Ask, Scope, Window};
use tools::when;

use super::tools::{Refused, entered, replied};
use super::{Api, json as answer, problem};
use crate::query::Query;
use crate::serve::Body;

/// Seconds looked back at when no start is given.
const BACK: i64 = 900;

/// A view: what it is called, and the tool whose answer it is.
pub(super) struct View {
    /// After `/api/v1/`.
    pub(super) noun: &'static str,
    /// The tool.
    pub(super) tool: &'static str,
    /// What it shows, for the OpenAPI document.
    pub(super) what: &'static str,
    /// The argument that stands in the path, where there is one.
    pub(super) in_path: Option<&'static str>,
}

/// The views that are a tool's answer, sorted.
pub(super) const ALL: [View; 5] = [
    View { noun: "changes", tool: "changes", what: "What changed, newest first", in_path: None },
    View { noun: "incidents", tool: "incidents", what: "Incidents, newest first", in_path: None },
    View { noun: "logs", tool: "logs", what: "Log lines, or their templates", in_path: None },
    View {
        noun: "services",
        tool: "status",
        what: "Services and how they are, the worst first",
        in_path: None,
    },
    View {
        noun: "traces",
        tool: "trace",
        what: "One trace as a walk from its root",
        in_path: Some("trace_id"),
    },
];

/// The view of this path, with the value that stands in it.
pub(super) fn of<'a>(path: &[&'a str]) -> Option<(&'static View, Option<&'a str>)> {
    let (noun, value) = match path {
        [noun] => (*noun, None),
        [noun, value] => (*noun, Some(*value)),
        _ => return None,
    };
    let view = ALL.iter().find(|view| view.noun == noun)?;
    (view.in_path.is_some() == value.is_some()).then_some((view, value))
}

/// Answers a view.
pub(super) async fn get(
    api: Api,
    (view, value): (&View, Option<&str>),
    request: &Request<Incoming>,
) -> Response<Body> {
    let (toolbox, admitted) = match entered(&api, request) {
        Ok(entered) => entered,
        Err(refused) => return *refused,
    };
    let default = ::tools::dialects::default();
    let mut arguments: Map<String, Value> = query(request).into_arguments();
    if let (Some(name), Some(value)) = (view.in_path, value) {
        arguments.insert(name.to_owned(), Value::from(value));
    }
    match replied(&toolbox.speaking(default), &admitted, view.tool, Value::Object(arguments)).await {
        Ok(reply) => answer(&reply.structured),
        Err(refused) => *refused,
    }
}

/// `GET /api/v1/metrics`: how metric series moved between a window and the one as long before it, by source.
pub(super) async fn metrics(api: Api, request: &Request<Incoming>) -> Response<Body> {
    let (toolbox, admitted) = match entered(&api, request) {
        Ok(entered) => entered,
        Err(refused) => return *refused,
    };
    if !admitted.reads() {
        let why = "the key may call tools only, not ask questions";
        return problem(StatusCode::FORBIDDEN, "FC-0042", why);
    }
    let installation = toolbox.installation();
    let query = query(request);
    let bad = |why: &str| Box::new(problem(StatusCode::BAD_REQUEST, "FC-0051", why));
    let asked: Result<Ask, Refused> = (|| {
        const KNOWN: [&str; 4] = ["service", "metric", "start", "end"];
        if let Some(name) = query.names().find(|name| !KNOWN.contains(name)) {
            return Err(bad(&format!("no parameter `{name}`; hint: one of {}", KNOWN.join(", "))));
        }
        let bad_window = when::window(query.get("start"), query.get("end"), installation.now(), BACK)
            .map_err(|why| bad(&why))?;
        let length = bad_window.to.since(bad_window.from);
        let from = telemetry::UnixNanos(bad_window.from.0.saturating_sub(length));
        let good = Window::new(from, bad_window.from);
        let scope = query.get("service").map_or_else(Scope::all, Scope::service);
        let metrics = query.get("metric").map(str::to_owned).into_iter().collect();
        Ok(Ask::SeriesChange { good, bad: bad_window, scope, metrics })
    })();
    let ask = match asked {
        Ok(ask) => ask,
        Err(refused) => return *refused,
    };
    let answers = installation.ask(vec![ask]).await;
    let rows: Vec<Value> = answers
        .into_iter()
        .map(|answered| match answered.result {
            Ok(found) => json!({ "source": answered.source, "answer": found }),
            Err(error) => json!({ "source": answered.source, "gap": error.to_string() }),
        })
        .collect();
    answer(&json!({ "total": rows.len(), "answers": rows }))
}

fn query(request: &Request<Incoming>) -> Query {
    Query::read(request.uri().query().unwrap_or_default())
}
