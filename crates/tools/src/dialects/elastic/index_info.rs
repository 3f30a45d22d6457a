//! `get_index_info`: which indices there are, which fields they carry, and with which values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;

use crate::budget::{Shorten, clip};
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::shape::reads;
use crate::dialects::reading::{fields_held, indices, shape};
use crate::dialects::{is_meant, resolve_field};
use crate::hint::Hint;
use crate::near;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
/// Fields asked for, values of a keyword, samples of a text, fields listed.
const ASKED: usize = 10;
const VALUES: usize = 50;
const SAMPLES: usize = 5;
const LISTED: usize = 100;

/// What to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Operation {
    #[default]
    GetIndexPatterns,
    ListFields,
    GetFieldValues,
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    #[serde(default)]
    operation: Operation,
    index: Option<Index>,
    /// For `get-field-values`: at most 10, with `*` anywhere.
    fields: Option<Vec<Short>>,
    /// For `list-fields`: of more than 100 those that a word of this names come first.
    intent: Option<Short>,
    start: Option<When>,
    end: Option<When>,
    kql_filter: Option<Kql>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    operation: Operation,
    total: usize,
    index_patterns: Vec<Pattern>,
    fields: Vec<Field>,
    gaps: Vec<String>,
}

/// One index.
#[derive(Debug, Serialize, JsonSchema)]
struct Pattern {
    pattern: String,
    documents: u64,
}

/// One field, once, whatever it is called.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    indices: Vec<&'static str>,
    /// The same field in the other convention.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_names: Vec<String>,
    /// The most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    has_more_values: bool,
    /// In the unit of the name: `duration` in nanoseconds, `transaction.duration.us` in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<String>,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        shape::text("INDEX INFO", self)
    }

    /// Values of the field with most of them first, down to three; then fields.
    fn shorten(&mut self) -> bool {
        let longest = self.fields.iter_mut().max_by_key(|field| field.values.len());
        if let Some(field) = longest.filter(|field| field.values.len() > 3) {
            field.values.truncate(field.values.len() - (field.values.len() / 4).max(1));
            field.has_more_values = true;
            return true;
        }
        let kept = self.fields.len() - (self.fields.len() / 16).max(1).min(self.fields.len());
        let is_shorter = self.fields.len() > 1;
        if is_shorter {
            self.fields.truncate(kept);
        }
        is_shorter
    }
}

reads!(
    GetIndexInfo,
    "get_index_info",
    Input => Answer,
    call,
    "Describe the data: indices, their fields with types and names in both conventions, and the values of fields.\n\
     When to use: before writing a `kqlFilter`; to learn which values a field has; to see whether a signal is there at all.\n\
     When NOT to use: figures per service (`get_services`); lines (`get_logs`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let meant = indices::meant(&input.index)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let mut answer = Answer {
        operation: input.operation,
        total: 0,
        index_patterns: Vec::new(),
        fields: Vec::new(),
        gaps: Vec::new(),
    };
    let mut is_truncated = false;
    if input.operation == Operation::GetIndexPatterns {
        filter.only(&[])?;
        let told = indices::coverage(context, window).await;
        let pattern = |name: &&str| Pattern {
            pattern: format!("{name}*"),
            documents: indices::documents(&told.rows, name),
        };
        answer.index_patterns = meant.iter().map(pattern).collect();
        (answer.total, answer.gaps, is_truncated) = (meant.len(), told.gaps, told.is_truncated);
    } else {
        let held = fields_held::of(context, window, &meant, &filter).await?;
        answer.fields = match input.operation {
            Operation::GetFieldValues => values(&held, input.fields.as_deref().unwrap_or_default())?,
            _ => listed(&held, arguments::text(&input.intent)),
        };
        answer.total = answer.fields.len();
        if input.operation == Operation::ListFields {
            answer.fields.truncate(LISTED);
            is_truncated = answer.total > LISTED;
        }
        answer.gaps = held.gaps;
        is_truncated |= held.is_sample;
    }
    let within = |of| arguments::within(window, of);
    let next = match input.operation {
        Operation::GetIndexPatterns => Hint::new(
            "get_index_info",
            within(json!({ "operation": "list-fields" })),
            "which fields there are",
        ),
        Operation::ListFields => Hint::new(
            "get_index_info",
            within(json!({ "operation": "get-field-values", "fields": ["service.name"] })),
            "which values a field has",
        ),
        Operation::GetFieldValues => {
            Hint::new("get_logs", within(json!({})), "lines, with a `kqlFilter` on these fields")
        }
    };
    Ok(Found { answer, is_truncated, next: vec![next] })
}

fn listed(held: &fields_held::Fields, intent: Option<&str>) -> Vec<Field> {
    let words: Vec<String> = intent
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_lowercase)
        .filter(|word| word.len() > 2)
        .collect();
    let mut fields: Vec<Field> = held
        .by_name
        .iter()
        .map(|(name, field)| Field {
            name: name.clone(),
            kind: field.kind.to_owned(),
            indices: field.indices.clone(),
            other_names: fields_held::others(name),
            ..Field::default()
        })
        .collect();
    let is_meant = |field: &Field| words.iter().any(|word| field.name.to_lowercase().contains(word.as_str()));
    fields.sort_by_key(|field| !is_meant(field));
    fields
}

fn values(held: &fields_held::Fields, asked: &[Short]) -> Result<Vec<Field>, ToolError> {
    if asked.is_empty() || asked.len() > ASKED {
        return Err(ToolError::Input(format!("`fields` names 1 to {ASKED} fields, not {}", asked.len())));
    }
    let mut found = Vec::new();
    for Short(asked) in asked {
        let resolved = resolve_field(asked);
        let meant = if asked.contains('*') { asked } else { &resolved.name };
        // A duration that is asked for in its own unit is told in it, under that name.
        let shown = |name: &str| if resolved.factor == 1.0 { name.to_owned() } else { asked.clone() };
        let these: Vec<Field> = held
            .by_name
            .iter()
            .filter(|(name, _)| is_meant(meant, name))
            .map(|(name, field)| with_values(shown(name), field, resolved.factor))
            .collect();
        if these.is_empty() && !held.by_name.is_empty() {
            let names: Vec<String> = held.by_name.keys().cloned().collect();
            return Err(ToolError::Input(near::unknown("field", asked, &names)));
        }
        found.extend(these);
    }
    Ok(found)
}

/// A field with its values, its numbers divided by the unit of the name.
fn with_values(name: String, field: &fields_held::Field, unit: f64) -> Field {
    let mut values: Vec<(&String, &u64)> = field.values.iter().collect();
    values.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
    let most = if field.kind == "text" { SAMPLES } else { VALUES };
    let number = |number: f64| serde_json::to_string(&Num::new(number)).unwrap_or_default();
    let ends = match (field.numbers, field.times) {
        (Some((least, most)), _) => Some((number(least / unit), number(most / unit))),
        (None, Some((first, last))) => Some((first.rfc3339(), last.rfc3339())),
        (None, None) => None,
    };
    Field {
        name,
        kind: field.kind.to_owned(),
        has_more_values: values.len() > most,
        values: values.into_iter().take(most).map(|(value, _)| clip(value, 500)).collect(),
        min: ends.clone().map(|(least, _)| least),
        max: ends.map(|(_, most)| most),
        ..Field::default()
    }
}
