//! What to ask next: a tool of the same dialect, its arguments, and why.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What to ask next.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Hint {
    /// Which tool.
    pub tool: String,
    /// With which arguments.
    pub arguments: Value,
    /// What it tells that this answer does not.
    pub why: String,
}

impl Hint {
    /// How many an answer carries: more would be a menu.
    pub const MOST: usize = 3;

    /// A hint.
    #[must_use]
    pub fn new(tool: &str, arguments: Value, why: &str) -> Self {
        Self { tool: tool.to_owned(), arguments, why: why.to_owned() }
    }

    /// The hints as the last lines of a text; nothing when there are none.
    #[must_use]
    pub fn lines(hints: &[Self]) -> String {
        hints.iter().map(|hint| format!("\nnext: {} {} - {}", hint.tool, hint.arguments, hint.why)).collect()
    }
}
