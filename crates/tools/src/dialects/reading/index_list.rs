//! Indices and their fields, as two dialects list them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{self, Index, Short, When};
use super::filter::Filter;
use super::shape::shortened;
use super::{fields_held, indices};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 24 * 3600;
const FIELDS: (usize, usize) = (100, 500);
const INDICES: (usize, usize) = (100, 100);

/// The arguments of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListInput {
    /// `*` when not given.
    pattern: Option<Short>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// The list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Listed {
    total: usize,
    indices: Vec<OneIndex>,
    gaps: Vec<String>,
}

/// One index.
#[derive(Debug, Serialize, JsonSchema)]
struct OneIndex {
    name: &'static str,
    kind: &'static str,
    /// In the window.
    docs: u64,
    /// Services that wrote them.
    services: usize,
    /// `green` when its sources answer and hold documents, `yellow` when it is empty, `red` when nobody answers.
    health: &'static str,
}

shortened!(Listed, "INDICES", [indices]);

/// The indices that a pattern means.
///
/// # Errors
/// When it means none, or an argument is out of bounds.
pub(crate) async fn list(
    context: &Context,
    input: ListInput,
    mut next: Hint,
) -> Result<Found<Listed>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    next.arguments = arguments::within(window, next.arguments);
    let limit = arguments::limit(input.limit, INDICES.0, INDICES.1)?;
    let pattern = input.index.or(input.pattern.map(|pattern| Index(pattern.0)));
    let meant = indices::meant(&pattern)?;
    let told = indices::coverage(context, window).await;
    let one = |name: &&'static str| {
        let docs = indices::documents(&told.rows, name);
        let services = told.rows.iter().filter(|row| indices::documents(std::slice::from_ref(row), name) > 0);
        OneIndex {
            name,
            kind: "data_stream",
            docs,
            services: services.count(),
            health: match (told.is_answered, docs) {
                (false, _) => "red",
                (true, 0) => "yellow",
                (true, _) => "green",
            },
        }
    };
    let total = meant.len();
    let rows: Vec<OneIndex> = meant.iter().map(one).take(limit).collect();
    let mut gaps = told.gaps;
    gaps.push("bytes on disk, and the first and last document, are not told by the sources".to_owned());
    let is_truncated = told.is_truncated || total > limit;
    Ok(Found { answer: Listed { total, indices: rows, gaps }, is_truncated, next: vec![next] })
}

/// The arguments of the mapping.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingInput {
    index: Index,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// The mapping.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Mapping {
    total: usize,
    /// `otel`: what is sent here follows OpenTelemetry, and is answered for under the names of ECS as well.
    convention: &'static str,
    /// Seen in the window, each once.
    fields: Vec<OneField>,
    gaps: Vec<String>,
}

/// One field.
#[derive(Debug, Serialize, JsonSchema)]
struct OneField {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
}

shortened!(Mapping, "MAPPING", [fields]);

/// The fields of some indices.
///
/// # Errors
/// When no index is meant, or an argument is out of bounds.
pub(crate) async fn mapping(
    context: &Context,
    input: MappingInput,
    mut next: Hint,
) -> Result<Found<Mapping>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    next.arguments = arguments::within(window, next.arguments);
    let limit = arguments::limit(input.limit, FIELDS.0, FIELDS.1)?;
    let meant = indices::meant(&Some(input.index))?;
    let held = fields_held::of(context, window, &meant, &Filter::none()).await?;
    let total = held.by_name.len();
    let fields = held.by_name.iter().take(limit).map(|(name, field)| OneField {
        name: name.clone(),
        kind: field.kind,
        aliases: fields_held::others(name),
    });
    let answer = Mapping { total, convention: "otel", fields: fields.collect(), gaps: held.gaps };
    Ok(Found { answer, is_truncated: held.is_sample || total > limit, next: vec![next] })
}
