//! Who calls whom, from the counters of service graphs: the collector's and Tempo's connector, Istio's mesh.

use telemetry::recorded::{Call, Tables};
use telemetry::{AskError, Window};

use super::Queries;

/// A counter of calls with the labels of its two ends, and what else must hold.
const GRAPHS: &[(&str, &str, &str)] = &[
    ("{__name__=~\"traces_service_graph_request(s)?_total\"}", "client", "server"),
    (
        "istio_requests_total{reporter=\"source\"}",
        "source_canonical_service",
        "destination_canonical_service",
    ),
];
/// What meshes and connectors call an end that they do not know.
const UNKNOWN: [&str; 3] = ["", "unknown", "user"];

/// The calls that were counted in the window.
///
/// # Errors
/// When nobody counts calls, as if the question were unknown: no calls counted are no calls known.
pub(super) async fn calls(queries: &mut Queries<'_>, window: Window) -> Result<Tables, AskError> {
    let mut calls = Vec::new();
    let millis = window.to.since(window.from) / 1_000_000;
    for (selector, caller, callee) in GRAPHS {
        let query = format!("count by ({caller}, {callee}) (last_over_time({selector}[{millis}ms]))");
        let found = queries.query(&query, window.to).await?;
        calls.extend(found.iter().filter_map(|one| {
            let (caller, callee) = (one.label(caller), one.label(callee));
            let is_known = !UNKNOWN.contains(&caller) && !UNKNOWN.contains(&callee);
            is_known.then(|| Call { caller: caller.to_owned(), callee: callee.to_owned() })
        }));
    }
    if calls.is_empty() {
        return Err(AskError::Unsupported("topology".to_owned()));
    }
    Ok(Tables { calls, ..Tables::default() })
}
