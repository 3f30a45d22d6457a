//! Tools of the operator's own: one of the questions, with some of its parts fixed and some left to the caller.
//!
//! A custom tool asks what every tool may ask, of the sources that are configured. It names no host, runs nothing and
//! reads nothing else, so that a definition from outside can do no more than its caller could ask anyway.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use telemetry::answer::Table;
use telemetry::source::BoxFuture;
use telemetry::{Ask, Scope, UnixNanos, Window};

use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::definition::Definition;
use crate::hint::Hint;
use crate::tool::{About, Context, Found, Reply, Tool, ToolError, allowed, reply};
use crate::{asked, when};

/// Parameters of one tool at most.
const PARAMETERS_MAX: usize = 12;
/// Rows of an answer at most.
const ROWS: usize = 50;
/// Seconds looked back at when nothing is said.
const BACK: i64 = 900;
/// Characters of one cell.
const CELL: usize = 160;

/// The parts that a question may have.
const PARTS: [&str; 9] =
    ["end", "instance", "message_id", "metric", "operation", "service", "start", "text", "trace_id"];

/// A custom tool.
#[derive(Debug, Clone)]
pub struct Custom {
    about: About,
    definition: Definition,
}

impl Custom {
    /// The tool `name` of `definition`.
    ///
    /// # Errors
    /// A sentence, when the definition names no question, a part that questions do not have, or a parameter that is not
    /// described, or leaves a described one unused.
    pub fn new(name: &str, definition: Definition) -> Result<Self, String> {
        if !telemetry::question::NAMES.contains(&definition.question.as_str()) {
            return Err(format!(
                "`{}` is no question; one of {}",
                definition.question,
                telemetry::question::NAMES.join(", ")
            ));
        }
        if let Some(part) = definition.with.keys().find(|part| !PARTS.contains(&part.as_str())) {
            return Err(format!("`{part}` is no part of a question; one of {}", PARTS.join(", ")));
        }
        if definition.parameters.len() > PARAMETERS_MAX {
            return Err(format!("{PARAMETERS_MAX} parameters at most"));
        }
        let used: Vec<&str> = definition.with.values().filter_map(|value| parameter(value)).collect();
        if let Some(unknown) = used.iter().find(|name| !definition.parameters.contains_key(**name)) {
            return Err(format!("the parameter `{unknown}` is used and not described"));
        }
        if let Some(idle) = definition.parameters.keys().find(|name| !used.contains(&name.as_str())) {
            return Err(format!("the parameter `{idle}` is described and not used"));
        }
        let about = About {
            name: name.to_owned(),
            description: definition.description.clone(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        };
        Ok(Self { about, definition })
    }

    /// What it was made of.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The parts of the question with the caller's values in them.
    fn parts(&self, arguments: &Map<String, Value>) -> Result<BTreeMap<&str, String>, ToolError> {
        if let Some(unknown) = arguments.keys().find(|name| !self.definition.parameters.contains_key(*name)) {
            let known: Vec<&str> = self.definition.parameters.keys().map(String::as_str).collect();
            let text =
                format!("`{}` has no argument `{unknown}`; it has {}", self.about.name, known.join(", "));
            return Err(ToolError::Input(text));
        }
        let mut parts = BTreeMap::new();
        for (part, value) in &self.definition.with {
            let value = match parameter(value) {
                None => Some(value.clone()),
                Some(name) => match arguments.get(name) {
                    None | Some(Value::Null) => None,
                    Some(Value::String(text)) => Some(text.clone()),
                    Some(_) => return Err(ToolError::Input(format!("`{name}` is a text"))),
                },
            };
            parts.extend(value.map(|value| (part.as_str(), value)));
        }
        Ok(parts)
    }
}

/// The parameter that a value stands for.
fn parameter(value: &str) -> Option<&str> {
    value.strip_prefix('{')?.strip_suffix('}')
}

/// The question of this name with these parts.
///
/// # Errors
/// When a part that it cannot do without is missing or cannot be read.
pub fn question(name: &str, parts: &BTreeMap<&str, String>, now: UnixNanos) -> Result<Ask, ToolError> {
    let part = |name: &str| parts.get(name).cloned();
    let text = |name: &str| parts.get(name).map(String::as_str);
    let window = when::window(text("start"), text("end"), now, BACK).map_err(ToolError::Input)?;
    let long = (window.seconds().ceil() as i64).max(1);
    let good = Window::new(window.from.plus_seconds(-long), window.from);
    let scope = Scope { service: part("service"), operation: part("operation"), instance: part("instance") };
    let needed = |name: &str| part(name).ok_or_else(|| ToolError::Input(format!("`{name}` is not said")));
    Ok(match name {
        "changes" => Ask::Changes { window, scope },
        "compare" => Ask::Compare { good, bad: window, scope },
        "coverage" => Ask::Coverage { window },
        "edges" => Ask::Edges { window, scope },
        "exemplars" => Ask::Exemplars { window, scope, limit: 5 },
        "health" => Ask::Health { window, scope },
        "log_search" => Ask::LogSearch { window, scope, text: part("text").unwrap_or_default() },
        "log_templates" => Ask::LogTemplates { window, scope },
        "message" => Ask::Message { message_id: needed("message_id")? },
        "onset" => Ask::Onset { window, scope },
        "paths" => Ask::Paths { window, scope },
        "self_time" => Ask::SelfTime { window, scope },
        "series_change" => {
            Ask::SeriesChange { good, bad: window, scope, metrics: part("metric").into_iter().collect() }
        }
        "state" => Ask::State { window, scope },
        "topology" => Ask::Topology { window },
        "trace" => {
            let id = needed("trace_id")?;
            let wrong = |_| ToolError::Input(format!("`trace_id` is 32 hex digits, not `{}`", clip(&id, 60)));
            Ask::Trace { trace_id: id.parse().map_err(wrong)? }
        }
        other => return Err(ToolError::Input(format!("there is no question `{other}`"))),
    })
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    source: String,
    total: usize,
    rows: Vec<Value>,
    gaps: Vec<String>,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let gaps: String = self.gaps.iter().map(|gap| format!("\ngap: {gap}")).collect();
        let rows: String = self.rows.iter().map(|row| format!("\n{}", line(row))).collect();
        format!("{} of {} rows{rows}{gaps}", self.rows.len(), self.total)
    }

    fn shorten(&mut self) -> bool {
        self.rows.len() > 1 && self.rows.pop().is_some()
    }
}

/// A row as `name=value` pairs; empty values are left out.
fn line(row: &Value) -> String {
    let Value::Object(object) = row else { return clip(&row.to_string(), CELL) };
    let cells = object.iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(format!("{name}={}", clip(text, CELL))),
        Value::Object(inner) => {
            Some(inner.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" ").trim().to_owned())
        }
        other => Some(format!("{name}={}", clip(&other.to_string(), CELL))),
    });
    cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A row whose texts are cut: one long diff must not push all other rows out.
fn clipped(mut row: Value) -> Value {
    match &mut row {
        Value::String(text) => *text = clip(text, CELL),
        Value::Array(items) => items.iter_mut().for_each(|item| *item = clipped(item.take())),
        Value::Object(object) => object.values_mut().for_each(|value| *value = clipped(value.take())),
        _ => {}
    }
    row
}

/// The rows of a table as JSON, whatever its kind.
fn rows(table: Table) -> Option<Vec<Value>> {
    let Ok(Value::Object(mut object)) = serde_json::to_value(table) else { return None };
    match object.remove("rows") {
        Some(Value::Array(rows)) => Some(rows),
        Some(Value::Object(mut parts)) => match parts
            .remove("rows")
            .or_else(|| parts.remove("attributes"))
            .or_else(|| parts.remove("calls"))
        {
            Some(Value::Array(rows)) => Some(rows),
            _ => Some(vec![Value::Object(parts)]),
        },
        other => other.map(|value| vec![value]),
    }
}

impl Tool for Custom {
    fn about(&self) -> &About {
        &self.about
    }

    fn input_schema(&self) -> Map<String, Value> {
        let properties = self.definition.parameters.iter();
        let properties: Map<String, Value> = properties
            .map(|(name, what)| (name.clone(), json!({ "type": "string", "description": what })))
            .collect();
        let schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        schema.as_object().cloned().unwrap_or_default()
    }

    fn output_schema(&self) -> Map<String, Value> {
        crate::tool::output_schema::<Answer>()
    }

    fn call<'a>(&'a self, context: &'a Context, arguments: Value) -> BoxFuture<'a, Result<Reply, ToolError>> {
        Box::pin(async move {
            allowed(&self.about, &context.caller)?;
            let arguments = match arguments {
                Value::Null => Map::new(),
                Value::Object(arguments) => arguments,
                _ => return Err(ToolError::Input("the arguments are an object".to_owned())),
            };
            let parts = self.parts(&arguments)?;
            let ask = question(&self.definition.question, &parts, context.installation.now())?;
            let picked = asked::one(context, ask, rows).await;
            let total = picked.rows.len();
            let rows = picked.rows.into_iter().take(ROWS).map(clipped).collect();
            let answer = Answer { source: picked.source, total, rows, gaps: picked.gaps };
            let is_truncated = picked.is_truncated || total > ROWS;
            reply(self.about.budget, Found { answer, is_truncated, next: Vec::<Hint>::new() })
        })
    }
}
