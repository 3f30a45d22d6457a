//! Conversations of the Agent Builder: one answer, or the events on the way to it.
//!
//! The events are those of a finished round, sent together; they come in Kibana's order: the conversation's id first, each result after its call, the message in pieces and
//! then whole, the end of the round last.

use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tools::converse::{Called, Round, Step};

use super::{AGENT, AGENT_DEFAULT, AgentBuilder, json_answer, refused};
use crate::identity::Admitted;
use crate::serve::{Body, reply};

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
                let events: String = answered
                    .events()
                    .iter()
                    .map(|(name, data)| format!("event: {name}\ndata: {data}\n\n"))
                    .collect();
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
        if sent.input.is_empty() || sent.input.chars().count() > INPUT_MAX {
            return Err(bad(StatusCode::BAD_REQUEST, "[request body.input]: a text of 1 to 4096 characters"));
        }
        if let Some(agent) = sent.agent_id.as_deref().filter(|agent| ![AGENT, AGENT_DEFAULT].contains(agent))
        {
            return Err(bad(StatusCode::NOT_FOUND, &format!("Agent {agent} not found")));
        }
        let principal = admitted.principal().to_owned();
        let before = match &sent.conversation_id {
            None => None,
            Some(id) => match self.conversations.subject(id, &principal) {
                Some(subject) => Some((id.clone(), subject)),
                None => return Err(bad(StatusCode::NOT_FOUND, &format!("Conversation {id} not found"))),
            },
        };
        let is_new = before.is_none();
        let (conversation, subject) = before.unwrap_or_else(|| ((self.fresh)(), Default::default()));
        let round = self.desk.round(admitted, &subject, &sent.input).await;
        let round = round.map_err(|(status, why)| bad(status, &why))?;
        let number = self.conversations.add(&conversation, &principal, round.clone());
        Ok(Answered { conversation, is_new, number, round })
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
        "response": { "message": round.message },
    })
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
