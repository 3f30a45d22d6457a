//! An issue investigated, at once or as events, and how a workload is.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::HolmesGpt;
use super::shapes::{analysis, events_of, sections, tool_call, tool_calls};
use crate::compat::desk::{Desk, Refused, answer, sent};
use crate::compat::explained::Explained;
use crate::identity::Admitted;
use crate::serve::{Body, event, events};

/// `InvestigateRequest`.
#[derive(Debug, Deserialize)]
struct Issue {
    source: String,
    title: String,
    description: String,
    subject: Map<String, Value>,
    context: Map<String, Value>,
    #[serde(default)]
    include_tool_calls: bool,
    #[serde(default)]
    include_tool_call_results: bool,
    #[serde(default)]
    sections: Option<Map<String, Value>>,
}

/// `WorkloadHealthRequest`.
#[derive(Debug, Deserialize)]
struct Workload {
    ask: String,
    resource: Map<String, Value>,
}

impl Issue {
    /// What the issue is about, its subject first, because there labels have names.
    fn alert(&self) -> Value {
        json!([self.subject, self.context, self.title, self.description, self.source])
    }

    fn result(&self, explained: &Explained) -> Value {
        let sections = sections(explained, self.sections.as_ref());
        let mut calls = if self.include_tool_calls { tool_calls(explained) } else { Vec::new() };
        if !self.include_tool_call_results {
            calls.iter_mut().for_each(|call| call["result"]["data"] = Value::Null);
        }
        json!({
            "analysis": analysis(&sections),
            "sections": sections,
            "tool_calls": calls,
            "instructions": [],
            "metadata": metadata(explained),
        })
    }
}

/// What a program wants to know of an explanation.
fn metadata(explained: &Explained) -> Value {
    let told = explained.told();
    json!({
        "engine": "firstcause",
        "incident": told.incident,
        "conclusion": told.conclusion,
        "service": told.service,
        "confidence": told.confidence,
        "gaps": told.gaps,
    })
}

impl HolmesGpt {
    pub(super) async fn investigated(
        &self,
        admitted: &Admitted,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refused> {
        let issue: Issue = sent(request).await?;
        let explained = self.desk.explained(admitted, &issue.alert()).await?;
        Ok(answer(StatusCode::OK, &issue.result(&explained)))
    }

    /// The same as events: the beginning at once, what the calls told and the answer when they are over.
    pub(super) async fn investigating(
        &self,
        admitted: Admitted,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refused> {
        let issue: Issue = sent(request).await?;
        let (sender, receiver) = tokio::sync::mpsc::channel(8);
        let desk = self.desk.clone();
        tokio::spawn(async move {
            let begins = event("start_tool_calling", &json!({ "tool_name": "investigate", "id": "call_1" }));
            drop(sender.send(begins.into()).await);
            for event in ended(&desk, &admitted, &issue).await {
                // Whoever does not read any more is told nothing.
                if sender.send(event.into()).await.is_err() {
                    break;
                }
            }
        });
        Ok(events(receiver))
    }

    /// Healthy or not, and why; the answer is JSON in a text, as there.
    pub(super) async fn checked(
        &self,
        admitted: &Admitted,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refused> {
        let workload: Workload = sent(request).await?;
        let name = workload.resource.get("name").and_then(Value::as_str).unwrap_or_default();
        let arguments = json!({ "service": name });
        let status = self.desk.called(admitted, "status", arguments.clone()).await?;
        let rows = status.structured["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_healthy = !rows.is_empty() && rows.iter().all(|row| row["status"] == "healthy");
        let mut calls = vec![tool_call(1, "status", &arguments, Ok(&status))];
        let summary = if is_healthy {
            status.text.clone()
        } else {
            let about = json!([{ "service": name }, workload.ask]);
            let explained = self.desk.explained(admitted, &about).await?;
            calls.push(tool_call(2, "investigate", &explained.arguments, Ok(&explained.report)));
            explained.conclusion()
        };
        let said = json!({ "workload_healthy": is_healthy, "root_cause_summary": summary });
        Ok(answer(
            StatusCode::OK,
            &json!({
                "analysis": said.to_string(),
                "sections": null,
                "tool_calls": calls,
                "instructions": [],
                "metadata": { "engine": "firstcause" },
            }),
        ))
    }
}

/// What follows the beginning of the first call.
async fn ended(desk: &Desk, admitted: &Admitted, issue: &Issue) -> Vec<String> {
    match desk.explained(admitted, &issue.alert()).await {
        Ok(explained) => {
            let mut sent: Vec<_> = tool_calls(&explained).iter().flat_map(events_of).skip(1).collect();
            let result = issue.result(&explained);
            let kept = ["sections", "analysis", "instructions", "metadata"];
            let last: Map<String, Value> =
                kept.iter().map(|name| ((*name).to_owned(), result[*name].clone())).collect();
            sent.push(event("ai_answer_end", &Value::Object(last)));
            sent
        }
        Err((status, text)) => {
            let data =
                json!({ "description": text, "error_code": status.as_u16(), "msg": text, "success": false });
            vec![event("error", &data)]
        }
    }
}
