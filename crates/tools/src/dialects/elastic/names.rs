//! The names of the tools: the plain one, the dotted one of the platform, older ones, and what MCP makes of dots (W-19).
//!
//! A name is looked up in this table and never taken apart: a dot and an underscore in a name are not the same.

/// Where in an investigation a tool is used; EL-30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Something is wrong.
    Detection,
    /// How far it reaches.
    Scope,
    /// When it began.
    Timeline,
    /// What goes with it.
    Correlation,
    /// What it comes from.
    RootCause,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Detection, Self::Scope, Self::Timeline, Self::Correlation, Self::RootCause];
}

/// One tool's names and phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// As this dialect lists it.
    pub name: &'static str,
    /// As the platform calls it.
    pub dotted: &'static str,
    /// Names of older tools that it replaced; they give the same answer (EL-22).
    pub older: &'static [&'static str],
    /// When it is used.
    pub phases: &'static [Phase],
}

const fn named(
    name: &'static str,
    dotted: &'static str,
    older: &'static [&'static str],
    phases: &'static [Phase],
) -> Named {
    Named { name, dotted, older, phases }
}

use Phase::{Correlation, Detection, RootCause, Scope, Timeline};

/// The tools, sorted by name.
pub const NAMES: &[Named] = &[
    named("analyze_latency_bottlenecks", "observability.analyze_latency_bottlenecks", &[], &[RootCause]),
    named("get_alerts", "observability.get_alerts", &[], &[Detection]),
    named("get_anomaly_detection_jobs", "observability.get_anomaly_detection_jobs", &[], &[Detection]),
    named("get_apm_correlations", "observability.get_apm_correlations", &[], &[Correlation, RootCause]),
    named("get_change_events", "observability.get_change_events", &[], &[Timeline, Correlation]),
    named("get_correlated_logs", "observability.get_correlated_logs", &[], &[Correlation]),
    named("get_document_by_id", "platform.core.get_document_by_id", &[], &[RootCause]),
    named("get_downstream_dependencies", "observability.get_downstream_dependencies", &[], &[Correlation]),
    named("get_hosts", "observability.get_hosts", &[], &[Scope]),
    named("get_index_info", "observability.get_index_info", &["get_data_sources"], &[Scope]),
    named("get_index_mapping", "platform.core.get_index_mapping", &[], &[Scope]),
    named("get_log_change_points", "observability.get_log_change_points", &[], &[Timeline]),
    named(
        "get_log_groups",
        "observability.get_log_groups",
        &["get_error_groups", "get_log_categories"],
        &[RootCause],
    ),
    named(
        "get_logs",
        "observability.get_logs",
        &["explore_log_volume_comparison"],
        &[Correlation, RootCause],
    ),
    named("get_metric_change_points", "observability.get_metric_change_points", &[], &[Timeline]),
    named("get_runtime_metrics", "observability.get_runtime_metrics", &[], &[Scope, RootCause]),
    named("get_service_topology", "observability.get_service_topology", &[], &[Scope, Correlation]),
    named("get_services", "observability.get_services", &[], &[Detection, Scope]),
    named("get_trace_change_points", "observability.get_trace_change_points", &[], &[Timeline]),
    named("get_trace_metrics", "observability.get_trace_metrics", &[], &[Scope, RootCause]),
    named(
        "get_trace_metrics_timeseries",
        "observability.get_trace_metrics_timeseries",
        &["get_metrics_timeseries"],
        &[Timeline],
    ),
    named("get_traces", "observability.get_traces", &[], &[Correlation, RootCause]),
    named("list_indices", "platform.core.list_indices", &[], &[Scope]),
    named("product_documentation", "platform.core.product_documentation", &[], &[Detection]),
    named("run_log_rate_analysis", "observability.run_log_rate_analysis", &[], &[Timeline]),
];

/// The plain name of a tool by any of its names: plain, dotted, older with or without the platform's prefix, or the
/// dotted one as MCP writes it.
#[must_use]
pub fn canonical(asked: &str) -> Option<&'static str> {
    let is_it = |row: &&Named| {
        let (prefix, _) = row.dotted.rsplit_once('.').unwrap_or_default();
        row.name == asked
            || row.dotted == asked
            || row.dotted.replace('.', "_") == asked
            || row.older.iter().any(|older| {
                *older == asked
                    || format!("{prefix}.{older}") == asked
                    || format!("{}_{older}", prefix.replace('.', "_")) == asked
            })
    };
    NAMES.iter().find(is_it).map(|row| row.name)
}

/// The names under which MCP lists tools of these names, in their order: a dot becomes an underscore, and one that is
/// taken gets `_1`, `_2` behind it.
#[must_use]
pub fn for_mcp(names: &[&str]) -> Vec<String> {
    let mut given: Vec<String> = Vec::new();
    for name in names {
        let plain = name.replace('.', "_");
        let numbered = (1..).map(|number| format!("{plain}_{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !given.contains(name));
        given.extend(free);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: C-06, W-19, EL-22
    #[test]
    fn a_tool_is_found_by_each_of_its_names_and_no_two_share_one() {
        let mut seen = std::collections::BTreeSet::new();
        for row in NAMES {
            let mcp = row.dotted.replace('.', "_");
            for name in [row.name, row.dotted, mcp.as_str()].into_iter().chain(row.older.iter().copied()) {
                assert_eq!(canonical(name), Some(row.name), "{name}");
                assert!(seen.insert(name.to_owned()), "{name} twice");
            }
        }
        assert_eq!(canonical("observability.get_error_groups"), Some("get_log_groups"));
        assert_eq!(canonical("observability.get.services"), None);
        assert!(NAMES.windows(2).all(|pair| pair[0].name < pair[1].name), "sorted");
    }

    // covers: EL-54, W-19
    #[test]
    fn names_that_only_dots_told_apart_stay_apart() {
        assert_eq!(for_mcp(&["a.b", "a_b", "a.b_1", "a.c"]), ["a_b", "a_b_1", "a_b_1_1", "a_c"]);
        let dotted: Vec<&str> = NAMES.iter().map(|row| row.dotted).collect();
        let given = for_mcp(&dotted);
        let different: std::collections::BTreeSet<&String> = given.iter().collect();
        assert_eq!(different.len(), NAMES.len());
        assert!(given.iter().all(|name| name.len() <= 64 && !name.contains('.')));
    }

    // covers: EL-30
    #[test]
    fn every_tool_has_a_phase_and_no_phase_is_empty() {
        assert!(NAMES.iter().all(|row| !row.phases.is_empty()));
        for phase in Phase::ALL {
            assert!(NAMES.iter().any(|row| row.phases.contains(&phase)), "{phase:?}");
        }
    }
}
