//! A tool of the operator's own that a question names, and the asking before it is run (EL-56).
//!
//! A tool that is defined with `confirmation` is not run in a conversation before a person allows it there: `always`
//! before each run, `once` before the first that the conversation remembers. Who calls a tool directly has decided. This is no
//! approval of an action: no tool changes anything.

use std::sync::Arc;

use serde_json::{Value, json};

use super::intent::{self, Subject};
use super::{Called, Round, Step};
use crate::custom::Custom;
use crate::definition::Confirmation;
use crate::services;
use crate::tool::{Context, Tool};

/// A run that a person is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Its id, by which it is allowed or not.
    pub id: String,
    /// Which tool.
    pub tool: String,
    /// With which arguments.
    pub arguments: Value,
}

/// The tool among `tools` that a question names as a word, with the service that it names, where the tool takes one.
pub async fn meant(context: &Context, tools: &[Arc<Custom>], input: &str) -> Option<(Arc<Custom>, Value)> {
    let names: Vec<String> = tools.iter().map(|tool| tool.about().name.clone()).collect();
    let name = intent::named(input, &names)?;
    let tool = tools.iter().find(|tool| tool.about().name == *name)?;
    let known = services::lately(context).await;
    let service = intent::named(input, &known);
    let takes_service = tool.definition().parameters.contains_key("service");
    let arguments = match service.filter(|_| takes_service) {
        Some(service) => json!({ "service": service }),
        None => json!({}),
    };
    Some((Arc::clone(tool), arguments))
}

/// Whether a person is asked before `tool` is run, after these rounds.
pub fn must_ask<'a>(tool: &Custom, mut rounds: impl Iterator<Item = &'a Round>) -> bool {
    match tool.definition().confirmation {
        Confirmation::Never => false,
        Confirmation::Always => true,
        Confirmation::Once => {
            !rounds.any(|round| round.allowed.as_deref() == Some(tool.about().name.as_str()))
        }
    }
}

/// The round in which a person is asked.
#[must_use]
pub fn asking(input: &str, subject: &Subject, prompt: Prompt) -> Round {
    let message = format!("May the tool `{}` be run with {}?", prompt.tool, prompt.arguments);
    Round { message, prompt: Some(prompt), ..empty(input, subject) }
}

/// The round in which a person did not allow it.
#[must_use]
pub fn refused(input: &str, subject: &Subject, prompt: &Prompt) -> Round {
    Round { message: format!("The tool `{}` was not run.", prompt.tool), ..empty(input, subject) }
}

/// The round in which it is run.
pub async fn run(
    context: &Context,
    tool: &Custom,
    (input, subject): (&str, &Subject),
    arguments: Value,
) -> Round {
    let name = tool.about().name.clone();
    let result = tool.call(context, arguments.clone()).await.map_err(|error| error.to_string());
    let message = match &result {
        Ok(reply) => reply.text.clone(),
        Err(why) => format!("That could not be answered: {why}"),
    };
    let called = Called { id: "call_1".to_owned(), tool: name, arguments, result };
    let steps = vec![Step::Reasoning("the tool is named".to_owned()), Step::Called(called)];
    Round { steps, message, ..empty(input, subject) }
}

fn empty(input: &str, subject: &Subject) -> Round {
    Round {
        input: input.to_owned(),
        steps: Vec::new(),
        message: String::new(),
        subject: subject.clone(),
        prompt: None,
        allowed: None,
    }
}
