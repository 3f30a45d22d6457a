//! How an operator defines a tool of their own: one of the questions, some of its parts fixed and some left to the caller.
//!
//! Words only: whether they can be used is said where they become a tool (`custom`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a person is asked before a conversation runs a tool (EL-56).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// Nobody is asked.
    #[default]
    Never,
    /// Before its first run in a conversation.
    Once,
    /// Before every run.
    Always,
}

/// What the operator writes: `[tools.NAME]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What it does, when to use it and when not; as every tool says it.
    pub description: String,
    /// Which question: `health`, `log_search`, `changes` ...
    pub question: String,
    /// The parts of the question: `service`, `operation`, `instance`, `text`, `metric`, `trace_id`, `message_id`, `start`,
    /// `end`. A value `{name}` is the parameter of that name.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// What the caller gives, each with its description; a part that is not given is left out.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Whether a person is asked before a conversation runs it.
    #[serde(default)]
    pub confirmation: Confirmation,
}
