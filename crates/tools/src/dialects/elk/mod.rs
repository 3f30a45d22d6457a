//! The thirteen tools of an MCP server in front of an ELK stack, by their names, over our questions.
//!
//! All of them read. None takes an address, a query body or a verb: what can be asked is what the arguments say (AW-42).

mod aggregates;
mod errors;
mod indices;
mod latency;
mod lines;
mod trace;

use std::sync::Arc;

use crate::dialects::Dialect;
use crate::tool::{Tool, registered};

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: "elk",
    what: "the thirteen tools of an MCP server in front of an ELK stack",
    tools,
    many_required: &[],
};

/// In the order of the list that they come from.
fn tools() -> Vec<Arc<dyn Tool>> {
    vec![
        registered::<indices::ListIndices>(),
        registered::<indices::GetIndexMapping>(),
        registered::<lines::SearchLogs>(),
        registered::<errors::GetErrorSummary>(),
        registered::<trace::SearchByTraceId>(),
        registered::<trace::SearchByCorrelationId>(),
        registered::<lines::GetLogContext>(),
        registered::<lines::GetLogsInWindow>(),
        registered::<aggregates::GetLogVolume>(),
        registered::<aggregates::AggregateLogs>(),
        registered::<latency::GetLatencyStats>(),
        registered::<latency::GetEndpointStatusSummary>(),
        registered::<indices::GetClusterHealth>(),
    ]
}
