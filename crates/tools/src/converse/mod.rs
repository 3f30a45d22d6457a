//! A question in plain words, answered by the deterministic engine: which tools are called and why, what they said, and
//! the message.
//!
//! No model: words choose tools by a fixed table ([`intent`]), names are those that the system knows, and what was spoken of before is
//! remembered ([`memory`]). What is not understood is answered with how the system is, and says so.

pub mod alert;
pub mod intent;
pub mod memory;
pub mod own;

use serde_json::{Value, json};

use crate::registry::Registry;
use crate::services;
use crate::tool::{Context, Reply};
use intent::{Call, Subject};
pub use memory::{Conversation, Conversations};

/// Tools called in one round at most.
const CALLS_MAX: usize = 3;

/// One thing done on the way to an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Why the next call is made.
    Reasoning(String),
    /// A call and its result.
    Called(Called),
}

/// A call and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// Its number within the round, `call_1`.
    pub id: String,
    /// Which tool.
    pub tool: String,
    /// With which arguments.
    pub arguments: Value,
    /// What it said, or why it did not.
    pub result: Result<Reply, String>,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// What was asked.
    pub input: String,
    /// What was done.
    pub steps: Vec<Step>,
    /// The answer.
    pub message: String,
    /// What the next question may mean by "it".
    pub subject: Subject,
    /// What a person is asked about.
    pub prompt: Option<own::Prompt>,
    /// The tool that a person allowed in it.
    pub allowed: Option<String>,
}

/// What a conversation was about that the caller remembers: `(is a question, text)`, the oldest first. Questions name
/// services and incidents; an answer names many, so that only its incident counts.
pub async fn spoken_of(context: &Context, said: &[(bool, &str)]) -> Subject {
    let known = if said.is_empty() { Vec::new() } else { services::lately(context).await };
    said.iter().fold(Subject::default(), |before, (is_question, text)| {
        let names: &[String] = if *is_question { &known } else { &[] };
        intent::of(text, names, &before).subject
    })
}

/// Answers `input` with the tools of `registry`, the default dialect; `before` is what was spoken of.
pub async fn answer(context: &Context, registry: &Registry, before: &Subject, input: &str) -> Round {
    let understood = intent::of(input, &services::lately(context).await, before);
    let mut round = Round {
        input: input.to_owned(),
        steps: Vec::new(),
        message: String::new(),
        subject: understood.subject.clone(),
        prompt: None,
        allowed: None,
    };
    let mut call = Some(understood.call);
    while let Some(next) = call.take() {
        round.steps.push(Step::Reasoning(next.why.clone()));
        let called = made(context, registry, next, round.calls() + 1).await;
        call = round.takes(called, understood.wants_cause);
    }
    if let Some(doubt) = understood.doubt {
        round.message = format!("{doubt}\n{}", round.message);
    }
    round
}

impl Round {
    fn calls(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Called(_))).count()
    }

    /// Takes a call's result in. Gives the call that follows: the first hint, while a cause is wanted and none is told.
    fn takes(&mut self, called: Called, wants_cause: bool) -> Option<Call> {
        let mut next = None;
        match &called.result {
            Ok(reply) => {
                self.message.clone_from(&reply.text);
                self.subject.learn(&reply.structured);
                let is_told = reply.structured.get("conclusion").is_some_and(|told| !told.is_null());
                let hint = reply.next.first().filter(|_| wants_cause && !is_told);
                next = hint.map(|hint| Call {
                    tool: hint.tool.clone(),
                    arguments: hint.arguments.clone(),
                    why: hint.why.clone(),
                });
            }
            Err(why) => self.message = format!("That could not be answered: {why}"),
        }
        self.steps.push(Step::Called(called));
        next.filter(|_| self.calls() < CALLS_MAX)
    }
}

async fn made(context: &Context, registry: &Registry, call: Call, number: usize) -> Called {
    let result = match registry.get(&call.tool) {
        Some(tool) => tool.call(context, call.arguments.clone()).await.map_err(|error| error.to_string()),
        None => Err(format!("there is no tool `{}`", call.tool)),
    };
    Called { id: format!("call_{number}"), tool: call.tool, arguments: call.arguments, result }
}

/// An object of those values that are there.
fn arguments(pairs: [(&str, Option<&String>); 2]) -> Value {
    let there =
        pairs.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), json!(value))));
    Value::Object(there.collect())
}
