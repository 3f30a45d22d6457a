//! KQL: the filter language of `kqlFilter`, read and applied to records.
//!
//! `and`, `or`, `not`, parentheses, ranges, wildcards, lists of values, `field: *`, phrases, escapes and nested fields, as
//! Kibana's grammar has them, but for four things: a `not` counts as a word of the language only where a word begins; a
//! value cannot begin with one of these words, which there is a search for the word; `\not` is the word and no line break;
//! and a range ends at no pattern.
//! Fields are named by ECS or OpenTelemetry alike (see [`super::fields`]). Words of a text match in any case, and any one
//! of several does; a pattern with blanks is held against the whole text. Scripts, saved queries and Lucene are not read.

mod holds;
mod read;
mod record;
mod value;

use telemetry::UnixNanos;

use super::fields;
pub use holds::is_meant;
pub use record::{Held, Record};
use value::{Condition, Literal};

/// Characters of a filter at most (EL-43).
pub const CHARS_MAX: usize = 4096;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    node: Node,
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// Everything.
    All,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// A field is so.
    Field(Name, Condition),
    /// Any field holds this.
    Anywhere(Literal),
    /// One of the objects below a field is so.
    Nested(Name, Box<Node>),
}

/// A field as it was asked for.
#[derive(Debug, Clone, PartialEq)]
struct Name {
    /// As written, wildcards included.
    literal: Literal,
    /// Its one name; with wildcards, as written.
    plain: String,
}

/// Why a filter cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`kqlFilter` at character {}, after `{before}`: {what}", .at + 1)]
pub struct KqlError {
    /// Characters before the place.
    pub at: usize,
    /// The end of what could be read.
    pub before: String,
    /// What is wrong there.
    pub what: String,
}

impl KqlError {
    fn new(text: &str, at: usize, what: impl Into<String>) -> Self {
        let skipped = at.saturating_sub(24);
        let before = text.chars().skip(skipped).take(at - skipped).collect();
        Self { at, before, what: what.into() }
    }
}

impl Query {
    /// Reads a filter; date math in it counts from `now`.
    ///
    /// # Errors
    /// When it cannot be read, with the place.
    pub fn parse(text: &str, now: UnixNanos) -> Result<Self, KqlError> {
        if text.chars().count() > CHARS_MAX {
            return Err(KqlError::new(text, CHARS_MAX, format!("longer than {CHARS_MAX} characters")));
        }
        read::query(text, now).map(|node| Self { node })
    }

    /// Whether a record is as the filter says.
    #[must_use]
    pub fn holds(&self, record: &Record) -> bool {
        self.node.holds(record)
    }

    /// The fields asked for, by their one name or as a pattern, and as they were written; those below nested ones with
    /// the path before them. In the order of the text, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.node.fields("", &mut found);
        found
    }

    /// The one value that `field` must have for the filter to hold, where the filter demands one.
    #[must_use]
    pub fn demanded(&self, field: &str) -> Option<String> {
        match &self.node {
            Node::And(nodes) => nodes.iter().find_map(|node| node.demanded(field)),
            node => node.demanded(field),
        }
    }

    /// All values that `field` must have at once for the filter to hold.
    #[must_use]
    pub fn all_demanded(&self, field: &str) -> Vec<String> {
        match &self.node {
            Node::And(nodes) => nodes.iter().filter_map(|node| node.demanded(field)).collect(),
            node => node.demanded(field).into_iter().collect(),
        }
    }

    /// Whether it is nothing but plain values of fields that must all hold.
    #[must_use]
    pub fn is_of_equalities(&self) -> bool {
        let is_one = |node: &Node| match node {
            Node::Field(name, Condition::Is(literal)) => {
                name.literal.plain().is_some() && literal.plain().is_some()
            }
            _ => false,
        };
        match &self.node {
            Node::All => true,
            Node::And(nodes) => nodes.iter().all(is_one),
            node => is_one(node),
        }
    }

    /// A word that every text must hold for the filter to hold, where it demands one.
    #[must_use]
    pub fn demanded_word(&self) -> Option<String> {
        let words = |node: &Node| match node {
            Node::Field(name, Condition::Is(literal)) if name.plain == "message" => literal.demanded_word(),
            _ => None,
        };
        match &self.node {
            Node::And(nodes) => nodes.iter().find_map(words),
            node => words(node),
        }
    }
}

impl Node {
    fn fields(&self, path: &str, found: &mut Vec<(String, String)>) {
        let mut add = |name: &Name| {
            let asked = (format!("{path}{}", name.plain), format!("{path}{}", name.literal.shown()));
            if !found.contains(&asked) {
                found.push(asked);
            }
        };
        match self {
            Self::All | Self::Anywhere(_) => {}
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().for_each(|node| node.fields(path, found)),
            Self::Not(node) => node.fields(path, found),
            Self::Field(name, _) => add(name),
            Self::Nested(name, node) => {
                add(name);
                node.fields(&format!("{path}{}.", name.plain), found);
            }
        }
    }

    fn demanded(&self, field: &str) -> Option<String> {
        match self {
            Self::Field(name, Condition::Is(literal)) if name.plain == field => literal.plain(),
            _ => None,
        }
    }
}

impl Name {
    fn of(literal: Literal) -> Self {
        let plain = match literal.plain() {
            Some(text) => fields::resolve(&text).name,
            None => literal.shown(),
        };
        Self { literal, plain }
    }
}

#[cfg(test)]
mod tests;
