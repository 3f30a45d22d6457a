//! `list_indices`, `get_index_mapping`, `get_cluster_health`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;
use telemetry::{Scope, Window};

use crate::dialects::reading::arguments::{self, Index, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::{index_list, indices, requests};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

/// Seconds looked back at for the newest data.
const BACK: i64 = 3600;
const SOURCES: (usize, usize) = (50, 100);

reads!(
    ListIndices,
    "list_indices",
    index_list::ListInput => index_list::Listed,
    list,
    "List the indices of logs, metrics and traces with their number of documents.\n\
     When to use: to begin; to see whether a signal is there at all; to learn names for `index`.\n\
     When NOT to use: fields of an index (`get_index_mapping`); whether sources answer (`get_cluster_health`)."
);
reads!(
    GetIndexMapping,
    "get_index_mapping",
    index_list::MappingInput => index_list::Mapping,
    mapping,
    "Get the fields of an index with types and names in both conventions.\n\
     When to use: before writing a `kqlFilter`; to see whether data are ECS or OpenTelemetry.\n\
     When NOT to use: names of indices (`list_indices`); how often values are (`aggregate_logs`)."
);

async fn list(
    context: &Context,
    input: index_list::ListInput,
) -> Result<Found<index_list::Listed>, ToolError> {
    index_list::list(context, input, Hint::new("get_index_mapping", json!({ "index": "logs" }), "its fields"))
        .await
}

async fn mapping(
    context: &Context,
    input: index_list::MappingInput,
) -> Result<Found<index_list::Mapping>, ToolError> {
    index_list::mapping(
        context,
        input,
        Hint::new("search_logs", json!({}), "lines, with a `kqlFilter` on these fields"),
    )
    .await
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthInput {
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `green`: sources answer and hold data; `yellow`: they hold none in this window; `red`: nobody answers.
    status: &'static str,
    total: usize,
    /// Questions that some source answers.
    answered: Vec<String>,
    /// Age of the newest request, in seconds.
    ingest_lag_s: Option<Num>,
    gaps: Vec<String>,
}

shortened!(Health, "CLUSTER", [answered]);
reads!(
    GetClusterHealth,
    "get_cluster_health",
    HealthInput => Health,
    health,
    "Check whether the sources answer, what they can be asked, and how old the newest data are.\n\
     When to use: an answer is empty and should not be; before trusting that nothing is wrong.\n\
     When NOT to use: the health of services (`get_latency_stats`); how many documents there are (`list_indices`)."
);

async fn health(context: &Context, input: HealthInput) -> Result<Found<Health>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, SOURCES.0, SOURCES.1)?;
    let meant = indices::meant(&input.index)?;
    let told = indices::coverage(context, window).await;
    let docs: u64 = meant.iter().map(|name| indices::documents(&told.rows, name)).sum();
    let status = match (told.is_answered, docs) {
        (false, _) => "red",
        (true, 0) => "yellow",
        (true, _) => "green",
    };
    let ingest_lag_s = lag(context, window).await?;
    let mut answered = context.installation.questions();
    let total = answered.len();
    answered.truncate(limit);
    let mut gaps = told.gaps;
    gaps.push("nodes and shards are those of the back ends: ask them".to_owned());
    let next =
        vec![Hint::new("list_indices", arguments::within(window, json!({})), "how many documents there are")];
    let answer = Health { status, total, answered, ingest_lag_s, gaps };
    Ok(Found { answer, is_truncated: total > limit, next })
}

/// From the newest second with a request to the end of the window.
async fn lag(context: &Context, window: Window) -> Result<Option<Num>, ToolError> {
    let told = requests::seconds(context, window, Scope::all(), &Filter::none()).await?;
    let newest = told.rows.iter().map(|row| row.second).max();
    Ok(newest.map(|newest| Num::new(window.to.since(newest) as f64 / 1e9)))
}
