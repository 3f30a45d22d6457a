//! An answer as text or as JSON, as the caller of this dialect asks for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::budget::Shorten;
use crate::hint::Hint;
use crate::schema;
use crate::tool::Found;

/// How the text of an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// Lines.
    #[default]
    Text,
    /// The JSON twin, which programs find beside the text anyway.
    Json,
}

/// An answer with the format of its text.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown<T> {
    #[serde(flatten)]
    answer: T,
    #[serde(skip)]
    format: Format,
}

impl<T: Shorten> Shown<T> {
    /// The answer in this format. JSON carries its hints beside itself only: lines behind it could not be read.
    pub(super) fn found(answer: T, format: Format, next: Vec<Hint>) -> Found<Self> {
        let next = if format == Format::Json { Vec::new() } else { next };
        Found::whole(Self { answer, format }, next)
    }
}

impl<T: Shorten> Shorten for Shown<T> {
    fn text(&self) -> String {
        match self.format {
            Format::Text => self.answer.text(),
            Format::Json => {
                let mut value = serde_json::to_value(&self.answer).unwrap_or_default();
                schema::without_nulls(&mut value);
                value.to_string()
            }
        }
    }

    fn shorten(&mut self) -> bool {
        self.answer.shorten()
    }
}
