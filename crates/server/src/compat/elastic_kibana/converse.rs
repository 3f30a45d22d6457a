//! Conversations of the Agent Builder: one answer, or the events on the way to it.
//!
//! The events are those of a finished round, sent together; they come in Kibana's order: the conversation's id first, each result after its call, the message in pieces and
//! then whole, the end of the round last. A tool of one's own that a question names is run, after a person was asked where it
//! is defined so.

use std::collections::BTreeMap;

use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tools::Tool;
use tools::converse::own::{self, Prompt};
use tools::converse::{Called, Conversation, Round, Step};

use super::{AGENT, AGENT_DEFAULT, AgentBuilder, json_answer, refused};
use crate::compat::desk::Refused;
use crate::identity::Admitted;
use crate::serve::{Body, event, reply};

/// Longest question.
const INPUT_MAX: usize = 4096;
/// Characters of one piece of a message.
const PIECE: usize = 200;

/// A question.
#[derive(Debug, Deserialize)]
struct Sent {
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    input: String,
    #[serde(default)]
    conversation_id: Option<String>,
    /// What a person said of what was asked, by its id.
    #[serde(default)]
    prompts: BTreeMap<String, Said>,
}

/// What a person said.
#[derive(Debug, Deserialize)]
struct Said {
    allow: bool,
}

/// A round that was answered.
struct Answered {
    conversation: String,
    is_new: bool,
    number: usize,
    round: Round,
}

impl AgentBuilder {
    /// The whole answer.
    pub(super) async fn conversed(&self, admitted: &Admitted, sent: &Value) -> Response<Body> {
        match self.answered(admitted, sent).await {
            Ok(answered) => json_answer(StatusCode::OK, &answered.json()),
            Err(refused) => *refused,
        }
    }

    /// The events of the round.
    pub(super) async fn streamed(&self, admitted: &Admitted, sent: &Value) -> Response<Body> {
        match self.answered(admitted, sent).await {
            Ok(answered) => {
                let events: String = answered.events().iter().map(|(name, data)| event(name, data)).collect();
                reply(StatusCode::OK, "text/event-stream", events.into())
            }
            Err(refused) => *refused,
        }
    }

    /// What was said in a conversation of one's own.
    pub(super) fn conversation(&self, admitted: &Admitted, id: &str) -> Response<Body> {
        match self.conversations.get(id, admitted.principal()) {
            Some(conversation) => {
                let rounds: Vec<Value> = conversation.rounds.iter().map(round_json).collect();
                json_answer(StatusCode::OK, &json!({ "id": id, "agent_id": AGENT, "rounds": rounds }))
            }
            None => refused(StatusCode::NOT_FOUND, &format!("Conversation {id} not found")),
        }
    }

    async fn answered(&self, admitted: &Admitted, sent: &Value) -> Result<Answered, super::Refused> {
        let bad = |status, why: &str| Box::new(refused(status, why));
        let sent = Sent::deserialize(sent)
            .map_err(|error| bad(StatusCode::BAD_REQUEST, &format!("[request body]: {error}")))?;
        if (sent.input.is_empty() && sent.prompts.is_empty()) || sent.input.chars().count() > INPUT_MAX {
            return Err(bad(StatusCode::BAD_REQUEST, "[request body.input]: a text of 1 to 4096 characters"));
        }
        if let Some(agent) = sent.agent_id.as_deref().filter(|agent| ![AGENT, AGENT_DEFAULT].contains(agent))
        {
            return Err(bad(StatusCode::NOT_FOUND, &format!("Agent {agent} not found")));
        }
        let principal = admitted.principal().to_owned();
        let before = match &sent.conversation_id {
            None => None,
            Some(id) => match self.conversations.get(id, &principal) {
                Some(conversation) => Some(conversation),
                None => return Err(bad(StatusCode::NOT_FOUND, &format!("Conversation {id} not found"))),
            },
        };
        let is_new = before.is_none();
        let round = self.round(admitted, &sent, before.as_ref()).await;
        let round = round.map_err(|(status, why)| bad(status, &why))?;
        let conversation = before.map_or_else(|| (self.fresh)(), |before| before.id);
        let number = self.conversations.add(&conversation, &principal, round.clone());
        Ok(Answered { conversation, is_new, number, round })
    }

    /// The round that follows `before`: a run that a person was asked about, a tool that is named, or an answer.
    async fn round(
        &self,
        admitted: &Admitted,
        sent: &Sent,
        before: Option<&Conversation>,
    ) -> Result<Round, Refused> {
        let subject = before.map(Conversation::subject).unwrap_or_default();
        let asked = before.and_then(|before| before.rounds.back()?.prompt.as_ref());
        if let Some((id, said)) = sent.prompts.iter().next() {
            let Some(prompt) = asked.filter(|asked| asked.id == *id) else {
                return Err((
                    StatusCode::BAD_REQUEST,
                    format!("[request body.prompts]: nobody is asked `{id}`"),
                ));
            };
            let own = self.own(admitted);
            let tool = own.iter().find(|tool| tool.about().name == prompt.tool).filter(|_| said.allow);
            let Some(tool) = tool else { return Ok(own::refused(&sent.input, &subject, prompt)) };
            let context = self.desk.context(admitted, &prompt.tool)?;
            let round = own::run(&context, tool, (&sent.input, &subject), prompt.arguments.clone()).await;
            return Ok(Round { allowed: Some(prompt.tool.clone()), ..round });
        }
        let context = self.desk.context(admitted, "converse")?;
        let Some((tool, arguments)) = own::meant(&context, &self.own(admitted), &sent.input).await else {
            return self.desk.round(admitted, &subject, &sent.input).await;
        };
        let rounds = before.into_iter().flat_map(|before| &before.rounds);
        if own::must_ask(&tool, rounds) {
            let prompt = Prompt { id: (self.fresh)(), tool: tool.about().name.clone(), arguments };
            return Ok(own::asking(&sent.input, &subject, prompt));
        }
        Ok(own::run(&context, &tool, (&sent.input, &subject), arguments).await)
    }
}

impl Answered {
    fn round_id(&self) -> String {
        format!("{}-{}", self.conversation, self.number)
    }

    fn json(&self) -> Value {
        let Value::Object(mut round) = round_json(&self.round) else { return Value::Null };
        round.insert("conversation_id".to_owned(), json!(self.conversation));
        round.insert("round_id".to_owned(), json!(self.round_id()));
        Value::Object(round)
    }

    fn events(&self) -> Vec<(&'static str, Value)> {
        let mut events = vec![("conversation_id_set", json!({ "conversation_id": self.conversation }))];
        for step in &self.round.steps {
            match step {
                Step::Reasoning(why) => events.push(("reasoning", json!({ "reasoning": why }))),
                Step::Called(called) => {
                    let id = &called.id;
                    let call =
                        json!({ "tool_call_id": id, "tool_id": called.tool, "params": called.arguments });
                    events.push(("tool_call", call));
                    let result =
                        json!({ "tool_call_id": id, "tool_id": called.tool, "results": results(called) });
                    events.push(("tool_result", result));
                }
            }
        }
        let message_id = self.round_id();
        let characters: Vec<char> = self.round.message.chars().collect();
        for piece in characters.chunks(PIECE) {
            let text: String = piece.iter().collect();
            events.push(("message_chunk", json!({ "message_id": message_id, "text_chunk": text })));
        }
        let whole = json!({ "message_id": message_id, "message_content": self.round.message });
        events.push(("message_complete", whole));
        events.extend(self.round.prompt.as_ref().map(|prompt| ("prompt_request", prompt_json(prompt))));
        let kept = if self.is_new { "conversation_created" } else { "conversation_updated" };
        events.push((kept, json!({ "conversation_id": self.conversation })));
        events.push(("round_complete", json!({ "round": self.json() })));
        events
    }
}

fn round_json(round: &Round) -> Value {
    let steps: Vec<Value> = round.steps.iter().map(step).collect();
    json!({
        "input": { "message": round.input },
        "steps": steps,
        "response": { "message": round.message, "prompt": round.prompt.as_ref().map(prompt_json) },
    })
}

fn prompt_json(prompt: &Prompt) -> Value {
    json!({ "id": prompt.id, "type": "confirmation", "tool_id": prompt.tool, "params": prompt.arguments })
}

fn step(step: &Step) -> Value {
    match step {
        Step::Reasoning(why) => json!({ "type": "reasoning", "reasoning": why }),
        Step::Called(called) => json!({
            "type": "tool_call",
            "tool_call_id": called.id,
            "tool_id": called.tool,
            "params": called.arguments,
            "results": results(called),
        }),
    }
}

fn results(called: &Called) -> Value {
    match &called.result {
        Ok(reply) => json!([{ "type": "other", "data": reply.structured }]),
        Err(why) => json!([{ "type": "error", "data": { "message": why } }]),
    }
}
