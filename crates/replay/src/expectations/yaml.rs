//! YAML as a small tree with lines, built from the parser's events.
//!
//! Anchors, aliases and tags are refused: the language has no use for them, and aliases can grow without bound.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::ReadExpectationsError;

/// Levels of nesting at most.
const DEPTH_MAX: usize = 16;

/// A value with the line where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Any scalar as its text; empty and unquoted means that nothing was given.
    Text {
        text: String,
        is_quoted: bool,
    },
    List(Vec<Node>),
    /// Keys with values, in the order written.
    Map(Vec<(Node, Node)>),
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether nothing was given.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Text { text, is_quoted: false } if text.is_empty() || text == "~")
    }
}

enum Open {
    List(usize, Vec<Node>),
    Map(usize, Vec<(Node, Node)>, Option<Node>),
}

/// The first document of `text`.
pub(super) fn parse(text: &str) -> Result<Node, ReadExpectationsError> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            ReadExpectationsError::at(error.marker().line(), format!("no YAML: {}", error.info()))
        })?;
        let line = span.start.line();
        let refuse = |what: &str| Err(ReadExpectationsError::at(line, what));
        let done = match event {
            Event::Alias(_) => return refuse("aliases (`*name`) are not part of the language"),
            Event::Scalar(_, _, anchor, ref tag) if anchor != 0 || tag.is_some() => {
                return refuse("anchors and tags are not part of the language");
            }
            Event::SequenceStart(anchor, ref tag) | Event::MappingStart(anchor, ref tag)
                if anchor != 0 || tag.is_some() =>
            {
                return refuse("anchors and tags are not part of the language");
            }
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEPTH_MAX => {
                return refuse("nested too deep");
            }
            Event::DocumentStart(_) if root.is_some() => return refuse("more than one document"),
            Event::Scalar(text, style, ..) => {
                let is_quoted = style != ScalarStyle::Plain;
                Some(Node { line, value: Value::Text { text: text.into_owned(), is_quoted } })
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(line, Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(line, Vec::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(close),
            _ => None,
        };
        if let Some(node) = done {
            match open.last_mut() {
                Some(Open::List(_, items)) => items.push(node),
                Some(Open::Map(_, pairs, key)) => match key.take() {
                    None => *key = Some(node),
                    Some(key) => pairs.push((key, node)),
                },
                None => root = Some(node),
            }
        }
    }
    root.ok_or_else(|| ReadExpectationsError::at(1, "the file is empty"))
}

fn close(open: Open) -> Node {
    match open {
        Open::List(line, items) => Node { line, value: Value::List(items) },
        Open::Map(line, pairs, _) => Node { line, value: Value::Map(pairs) },
    }
}
