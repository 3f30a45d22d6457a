//! OpenSRE's remote server, as its client knows it: have an alert investigated, list what was, read one.
//!
//! Shapes after `app/remote/server.py` of OpenSRE 2026.4. Its server knows no request without a key, which it reads in
//! `X-API-Key`: that header asks for one report in Markdown, where a browser gets the page. Investigations are those of this
//! server, whoever had them begun. Not here: Discord, Vercel, threads of LangGraph, and the deep health check, which asks
//! whether a model can be reached.

use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use telemetry::UnixNanos;

use super::desk::{Desk, Refused, another_method, answer, detail, sent};
use super::explained::Explained;
use crate::identity::Admitted;
use crate::serve::{Body, event, events, reply};

/// Investigations that are listed.
const LISTED_MAX: usize = 1000;
/// The node of OpenSRE's graph under which its client expects the cause.
const NODE: &str = "diagnose_root_cause";

/// What is answered here. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct OpenSre {
    desk: Desk,
    started: UnixNanos,
}

/// What begins an investigation.
#[derive(Debug, Deserialize)]
struct Order {
    raw_alert: serde_json::Map<String, Value>,
    #[serde(default)]
    alert_name: Option<String>,
    #[serde(default)]
    pipeline_name: Option<String>,
    #[serde(default)]
    severity: Option<String>,
}

impl OpenSre {
    pub(super) fn new(desk: Desk) -> Self {
        let started = desk.installation().now();
        Self { desk, started }
    }

    pub(super) fn takes(method: &Method, parts: &[&str], headers: &HeaderMap) -> bool {
        match parts {
            ["investigate"] | ["investigate", "stream"] | ["investigations"] | ["ok"] | ["version"] => true,
            ["investigations", _] => method == Method::GET && wants_markdown(headers),
            _ => false,
        }
    }

    pub(super) async fn answer(&self, parts: &[&str], request: Request<Incoming>) -> Response<Body> {
        match (request.method(), parts) {
            (&Method::GET, ["ok"]) => return self.alive(),
            (&Method::GET, ["version"]) => {
                return answer(StatusCode::OK, &json!({ "version": env!("CARGO_PKG_VERSION") }));
            }
            _ => {}
        }
        let admitted = match self.desk.admitted(request.headers()) {
            Ok(admitted) => admitted,
            Err(refused) => return detail(refused),
        };
        let answered = match (request.method(), parts) {
            (&Method::POST, ["investigate"]) => self.investigated(&admitted, request).await,
            (&Method::POST, ["investigate", "stream"]) => self.streamed(admitted, request).await,
            (&Method::GET, ["investigations"]) => self.listed(&admitted),
            (&Method::GET, ["investigations", id]) => self.read(&admitted, id).await,
            _ => Ok(another_method()),
        };
        answered.unwrap_or_else(detail)
    }

    fn alive(&self) -> Response<Body> {
        let up = self.desk.installation().now().0.saturating_sub(self.started.0) / 1_000_000_000;
        let body = json!({
            "ok": true,
            "version": env!("CARGO_PKG_VERSION"),
            "started_at": self.started.rfc3339(),
            "uptime_seconds": up.max(0),
            "server_type": "lightweight",
            "endpoints": ["/investigate", "/investigate/stream", "/investigations"],
        });
        answer(StatusCode::OK, &body)
    }

    async fn investigated(
        &self,
        admitted: &Admitted,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refused> {
        let order: Order = sent(request).await?;
        let explained = self.desk.explained(admitted, &order.alert()).await?;
        Ok(answer(StatusCode::OK, &order.state(&explained)))
    }

    /// The same as events of LangGraph: the node begins at once, and ends with what was found.
    async fn streamed(
        &self,
        admitted: Admitted,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refused> {
        let order: Order = sent(request).await?;
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        let desk = self.desk.clone();
        tokio::spawn(async move {
            // Whoever does not read any more is told nothing.
            drop(sender.send(node("on_chain_start", &json!({})).into()).await);
            let last = match desk.explained(&admitted, &order.alert()).await {
                Ok(explained) => {
                    let output = json!({ "output": order.state(&explained) });
                    drop(sender.send(node("on_chain_end", &output).into()).await);
                    event("end", &json!({}))
                }
                Err((_, text)) => event("error", &json!({ "detail": text })),
            };
            drop(sender.send(last.into()).await);
        });
        Ok(events(receiver))
    }

    fn listed(&self, admitted: &Admitted) -> Result<Response<Body>, Refused> {
        may_read(admitted)?;
        let unread = |error: tools::InstallationError| (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
        let listed = self.desk.installation().incidents(LISTED_MAX).map_err(unread)?;
        let rows: Vec<Value> = listed
            .rows
            .iter()
            .map(|row| {
                json!({
                    "id": row.incident,
                    "filename": format!("{}.md", row.incident),
                    "created_at": row.opened_at.rfc3339(),
                    "alert_name": if row.symptom.is_empty() { &row.headline } else { &row.symptom },
                })
            })
            .collect();
        Ok(answer(StatusCode::OK, &Value::Array(rows)))
    }

    async fn read(&self, admitted: &Admitted, id: &str) -> Result<Response<Body>, Refused> {
        let explained = self.desk.told(admitted, id).await?;
        let text = explained.markdown(&explained.told().headline);
        Ok(reply(StatusCode::OK, "text/markdown; charset=utf-8", Bytes::from(text)))
    }
}

impl Order {
    /// All that is known of the alert; the alert itself comes first, because in it labels have names.
    fn alert(&self) -> Value {
        json!([self.raw_alert, self.alert_name, self.pipeline_name])
    }

    fn name(&self) -> &str {
        let own = self.raw_alert.get("alert_name").and_then(Value::as_str);
        self.alert_name.as_deref().or(own).unwrap_or("Incident")
    }

    /// The state at the end of OpenSRE's graph, as far as it is answered to callers. `validity_score` is a share of
    /// claims that held; nothing here is that, so it is not there.
    fn state(&self, explained: &Explained) -> Value {
        let told = explained.told();
        json!({
            "id": told.incident,
            "report": explained.markdown(self.name()),
            "root_cause": told.statement,
            "problem_md": format!("# {}\n\n{}\n", self.name(), explained.problem()),
            "is_noise": explained.is_nothing_wrong(),
            "alert_name": self.name(),
            "pipeline_name": self.pipeline_name,
            "severity": self.severity,
        })
    }
}

fn may_read(admitted: &Admitted) -> Result<(), Refused> {
    let why = "this key reads no reports; hint: use one without a list of tools";
    if admitted.reads() { Ok(()) } else { Err((StatusCode::FORBIDDEN, why.to_owned())) }
}

fn wants_markdown(headers: &HeaderMap) -> bool {
    let accepts =
        |value: &header::HeaderValue| value.to_str().is_ok_and(|text| text.contains("text/markdown"));
    headers.contains_key("x-api-key") || headers.get(header::ACCEPT).is_some_and(accepts)
}

fn node(kind: &str, data: &Value) -> String {
    let metadata = json!({ "langgraph_node": NODE });
    event(
        "events",
        &json!({ "event": kind, "name": NODE, "run_id": "", "tags": [], "metadata": metadata, "data": data }),
    )
}
