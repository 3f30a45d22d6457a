//! A question in plain words; who asks remembers the conversation and sends it along.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tools::converse::{Round, Step};

use super::HolmesGpt;
use super::shapes::{events_of, tool_call};
use crate::compat::desk::{Refused, answer, sent};
use crate::identity::Admitted;
use crate::serve::{Body, event, reply};

/// Messages of a conversation that are read, the last ones.
const HISTORY_MAX: usize = 40;
/// What only a model would read.
const IGNORED: [&str; 8] = [
    "model",
    "additional_system_prompt",
    "images",
    "response_format",
    "behavior_controls",
    "frontend_tools",
    "frontend_tool_results",
    "prompt_template",
];
/// What may be asked next, for each tool that an answer points at.
const PROMPTS: [(&str, &str, &str); 8] = [
    ("changes", "Changes", "What changed?"),
    ("compare", "In common", "What do the bad requests have in common?"),
    ("evidence", "Evidence", "What is the evidence?"),
    ("investigate", "Cause", "Why is it broken?"),
    ("logs", "Logs", "Show me the logs"),
    ("propose_action", "Fix", "What can be done to fix it?"),
    ("report", "Report", "Explain the incident"),
    ("trace", "Trace", "Show me the slowest request"),
];

/// `ChatRequest`, `IssueChatRequest` and `WorkloadHealthChatRequest` in one: they differ in where they say what was said.
#[derive(Debug, Deserialize)]
struct Chat {
    ask: String,
    #[serde(default)]
    conversation_history: Option<Vec<Map<String, Value>>>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    tool_decisions: Option<Vec<Value>>,
    #[serde(default)]
    resource: Option<Value>,
    #[serde(default)]
    investigation_result: Option<Value>,
    #[serde(default)]
    workload_health_result: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl HolmesGpt {
    pub(super) async fn chatted(
        &self,
        admitted: &Admitted,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refused> {
        let chat: Chat = sent(request).await?;
        chat.check()?;
        let said = chat.said();
        let borrowed: Vec<(bool, &str)> =
            said.iter().map(|(is_question, text)| (*is_question, &**text)).collect();
        let subject = self.desk.spoken_of(admitted, &borrowed).await?;
        let round = self.desk.round(admitted, &subject, &chat.ask).await?;
        let calls = calls(&round);
        let result = chat.result(&round, &calls);
        if !chat.stream {
            return Ok(answer(StatusCode::OK, &result));
        }
        let events = calls.iter().flat_map(events_of).chain([event("ai_answer_end", &result)]);
        let events: String = events.collect();
        Ok(reply(StatusCode::OK, "text/event-stream", events.into()))
    }
}

impl Chat {
    fn check(&self) -> Result<(), Refused> {
        let first = self.conversation_history.iter().flatten().next();
        if first.is_some_and(|first| first.get("role").and_then(Value::as_str) != Some("system")) {
            let why = "The first item in conversation_history must contain 'role': 'system'";
            return Err((StatusCode::UNPROCESSABLE_ENTITY, why.to_owned()));
        }
        let approves = |decision: &Value| decision.get("approved") == Some(&Value::Bool(true));
        if self.tool_decisions.iter().flatten().any(approves) {
            let why = "nothing is approved in a chat; hint: a person decides where the proposal says";
            return Err((StatusCode::FORBIDDEN, why.to_owned()));
        }
        Ok(())
    }

    /// What was said before, each with whether it was a question.
    fn said(&self) -> Vec<(bool, String)> {
        let results = [&self.resource, &self.investigation_result, &self.workload_health_result];
        let mut said: Vec<(bool, String)> =
            results.into_iter().flatten().map(|result| (true, result.to_string())).collect();
        let history = self.conversation_history.iter().flatten();
        let texts = history.filter_map(|message| {
            let is_question = message.get("role")?.as_str()? == "user";
            Some((is_question, message.get("content")?.as_str()?.to_owned()))
        });
        said.extend(texts);
        said.split_off(said.len().saturating_sub(HISTORY_MAX))
    }

    fn result(&self, round: &Round, calls: &[Value]) -> Value {
        let mut history = self.conversation_history.clone().unwrap_or_default();
        let message = |role: &str, content: &str| {
            Map::from_iter([("role".to_owned(), json!(role)), ("content".to_owned(), json!(content))])
        };
        let was_answered =
            history.iter().any(|message| message.get("role").and_then(Value::as_str) == Some("assistant"));
        if history.is_empty() {
            history.push(message("system", "The deterministic engine of Firstcause; no model."));
        }
        history.push(message("user", &self.ask));
        history.push(message("assistant", &round.message));
        let ignored: Vec<&str> = IGNORED
            .into_iter()
            .filter(|name| self.others.get(*name).is_some_and(|value| !value.is_null()))
            .collect();
        json!({
            "analysis": round.message,
            "conversation_history": history,
            "tool_calls": calls,
            "follow_up_actions": if was_answered { Vec::new() } else { follow_ups(round) },
            "pending_approvals": null,
            "metadata": { "engine": "firstcause", "ignored": ignored },
        })
    }
}

fn calls(round: &Round) -> Vec<Value> {
    let called = round.steps.iter().filter_map(|step| match step {
        Step::Called(called) => Some(called),
        Step::Reasoning(_) => None,
    });
    let numbered = called.enumerate().map(|(place, called)| {
        let result = called.result.as_ref().map_err(String::as_str);
        tool_call(place + 1, &called.tool, &called.arguments, result)
    });
    numbered.collect()
}

/// What the last answer points at, as questions that are understood here.
fn follow_ups(round: &Round) -> Vec<Value> {
    let last = round.steps.iter().rev().find_map(|step| match step {
        Step::Called(called) => called.result.as_ref().ok(),
        Step::Reasoning(_) => None,
    });
    let hints = last.map(|reply| reply.next.as_slice()).unwrap_or_default();
    let actions = hints.iter().filter_map(|hint| {
        let (tool, label, prompt) = PROMPTS.iter().find(|(tool, ..)| *tool == hint.tool)?;
        Some(json!({
            "id": tool,
            "action_label": label,
            "pre_action_notification_text": format!("Looking up {}...", hint.why),
            "prompt": prompt,
        }))
    });
    actions.collect()
}
