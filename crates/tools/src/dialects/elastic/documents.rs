//! The core tools that stand beside the others: indices, a mapping, one document, and documentation.
//!
//! Indices and mappings are those of every dialect. The documentation is that of the tools themselves: no other text is
//! held here. What would need a language model, such as writing a query, is not offered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::TraceRow;
use telemetry::{Scope, TraceId, Window};

use crate::budget::clip;
use crate::dialects::reading::arguments::{self, Index, Short, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::{index_list, indices, lines, spans};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

/// Seconds around the moment that an id names.
const AROUND: i64 = 1;
const EXCERPTS: usize = 5;

reads!(
    ListIndices,
    "list_indices",
    index_list::ListInput => index_list::Listed,
    list,
    "List the indices of logs, metrics and traces with their number of documents.\n\
     When to use: to see whether a signal is there at all; to learn names for `index`.\n\
     When NOT to use: fields and their values (`get_index_info`); services (`get_services`)."
);
reads!(
    GetIndexMapping,
    "get_index_mapping",
    index_list::MappingInput => index_list::Mapping,
    mapping,
    "Get the fields of an index with types, names in both conventions, and the convention that its documents follow.\n\
     When to use: before writing a `kqlFilter`; to see whether data are ECS or OpenTelemetry.\n\
     When NOT to use: values of a field (`get_index_info`); names of indices (`list_indices`)."
);

async fn list(
    context: &Context,
    input: index_list::ListInput,
) -> Result<Found<index_list::Listed>, ToolError> {
    index_list::list(
        context,
        input,
        Hint::new("get_index_info", json!({ "operation": "list-fields" }), "their fields"),
    )
    .await
}

async fn mapping(
    context: &Context,
    input: index_list::MappingInput,
) -> Result<Found<index_list::Mapping>, ToolError> {
    let next = Hint::new(
        "get_index_info",
        json!({ "operation": "get-field-values", "fields": ["service.name"] }),
        "which values a field has",
    );
    index_list::mapping(context, input, next).await
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct DocumentInput {
    /// Of a line, as other tools give it; or `<trace id>` or `<trace id>:<span id>`.
    id: Short,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Document {
    total: usize,
    index: Option<&'static str>,
    id: String,
    /// Fields with their values.
    fields: Vec<Field>,
    gaps: Vec<String>,
}

/// One field.
#[derive(Debug, Serialize, JsonSchema)]
struct Field {
    name: String,
    value: String,
}

shortened!(Document, "DOCUMENT", [fields]);
reads!(
    GetDocumentById,
    "get_document_by_id",
    DocumentInput => Document,
    document,
    "Get one line or one span with all its fields.\n\
     When to use: for the id of a line that another tool gave; for one span of a trace.\n\
     When NOT to use: a whole trace (`get_traces`); lines that belong together (`get_correlated_logs`)."
);

async fn document(context: &Context, input: DocumentInput) -> Result<Found<Document>, ToolError> {
    arguments::window(context, (&input.start, &input.end), 3600)?;
    indices::meant(&input.index)?;
    let id = input.id.0.trim();
    let (index, record, gaps) =
        match (lines::moment(id), id.split(':').next().and_then(|id| id.parse::<TraceId>().ok())) {
            (Some(at), _) => {
                let window = Window::new(at.plus_seconds(-AROUND), at.plus_seconds(AROUND));
                let told = lines::lines(context, window, Scope::all(), &Filter::none()).await?;
                let row = told.rows.iter().find(|row| lines::id(row) == id);
                ("logs", row.map(lines::record), told.gaps)
            }
            (None, Some(trace)) => {
                let span = id.split_once(':').map(|(_, span)| span);
                let told = spans::traces(context, &[trace]).await.pop();
                let is_meant = |row: &&TraceRow| {
                    span.map_or(row.parent.is_none(), |span| row.span_id.to_string() == span)
                };
                let row = told.as_ref().and_then(|(_, told)| told.rows.iter().find(is_meant));
                let record = row.map(|row| spans::record(trace, row));
                ("traces", record, told.map(|(_, told)| told.gaps).unwrap_or_default())
            }
            (None, None) => {
                return Err(ToolError::Input(format!(
                    "`{}` is the id of no line and no trace",
                    clip(id, 80)
                )));
            }
        };
    let fields: Vec<Field> = record
        .iter()
        .flat_map(|record| record.held())
        .map(|(name, values)| {
            let values: Vec<String> = values.iter().map(|held| clip(&held.text(), 500)).collect();
            Field { name: name.to_owned(), value: values.join(", ") }
        })
        .collect();
    let trace = fields.iter().find(|field| field.name == "trace.id").map(|field| field.value.clone());
    let next = match trace {
        Some(trace) => vec![Hint::new(
            "get_traces",
            json!({ "kqlFilter": format!("trace.id: {trace}") }),
            "the request it belongs to",
        )],
        None => vec![Hint::new("list_indices", json!({}), "what is there")],
    };
    let answer = Document {
        total: usize::from(record.is_some()),
        index: record.is_some().then_some(index),
        id: id.to_owned(),
        fields,
        gaps,
    };
    Ok(Found::whole(answer, next))
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct DocumentationInput {
    /// Words looked for.
    text: Short,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Documentation {
    total: usize,
    excerpts: Vec<Excerpt>,
}

/// The text about one tool.
#[derive(Debug, Serialize, JsonSchema)]
struct Excerpt {
    tool: String,
    text: String,
}

shortened!(Documentation, "DOCUMENTATION", [excerpts]);
reads!(
    ProductDocumentation,
    "product_documentation",
    DocumentationInput => Documentation,
    documentation,
    "Search the documentation of these tools: which tool does what, and when.\n\
     When to use: no tool seems to fit; to learn what a tool answers.\n\
     When NOT to use: which data there is (`get_index_info`); what is wrong (`get_alerts`)."
);

async fn documentation(_: &Context, input: DocumentationInput) -> Result<Found<Documentation>, ToolError> {
    let asked = input.text.0.to_lowercase();
    let words: Vec<&str> = asked.split_whitespace().filter(|word| word.len() > 2).collect();
    let mut found: Vec<(usize, Excerpt)> = super::tools()
        .iter()
        .map(|tool| {
            let (tool, text) = (tool.about().name.clone(), tool.about().description.clone());
            let lower = format!("{tool} {text}").to_lowercase();
            (words.iter().filter(|word| lower.contains(**word)).count(), Excerpt { tool, text })
        })
        .filter(|(hits, _)| *hits > 0)
        .collect();
    found.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.tool.cmp(&other.1.tool)));
    let total = found.len();
    // Only a tool that has to be told nothing can be called right away.
    let is_ready = |name: &str| {
        let tool = super::tools().into_iter().find(|tool| tool.about().name == name);
        tool.is_some_and(|tool| !tool.input_schema().contains_key("required"))
    };
    let next = match found.iter().find(|(_, excerpt)| is_ready(&excerpt.tool)) {
        Some((_, excerpt)) => vec![Hint::new(&excerpt.tool, json!({}), "the tool that fits best")],
        None => vec![Hint::new("get_services", json!({}), "how all services do")],
    };
    let excerpts = found.into_iter().take(EXCERPTS).map(|(_, excerpt)| excerpt).collect();
    Ok(Found { answer: Documentation { total, excerpts }, is_truncated: total > EXCERPTS, next })
}
