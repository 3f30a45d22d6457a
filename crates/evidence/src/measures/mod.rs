//! The measures: each turns answers into evidence of one kind.
//!
//! One file each; a measure is listed in [`all`]. The numbers are those of the design's list of evidence kinds.

pub mod attribute_contrast;
pub mod changes;
pub mod clock;
pub mod computing;
pub mod container_restarts;
pub mod container_start;
pub mod counterfactual;
pub mod database_connections;
pub mod database_load;
pub mod database_storage;
pub mod edge_delay;
pub mod error_lines;
pub mod error_origination;
pub mod exclusive_latency;
pub mod explained_by_callees;
pub mod failover;
pub mod late_edges;
pub mod lost_events;
pub mod mechanism;
pub mod messages;
pub mod metric_shift;
pub mod name_resolution;
pub mod node_state;
pub mod open_breaker;
pub mod replication;
pub mod request_metrics;
pub mod saturation;
pub mod scheduling;
pub mod structure;
pub mod waiting;
pub mod wellness;

/// What a measure is, for documents and reports.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// What it finds.
    pub finds: &'static str,
    /// The questions it needs answered.
    pub questions: &'static [&'static str],
}

/// Every measure, sorted by name.
#[must_use]
pub fn all() -> &'static [Measure] {
    &[
        attribute_contrast::MEASURE,
        changes::MEASURE,
        clock::MEASURE,
        computing::MEASURE,
        container_restarts::MEASURE,
        container_start::MEASURE,
        counterfactual::MEASURE,
        database_connections::MEASURE,
        database_load::MEASURE,
        database_storage::MEASURE,
        edge_delay::MEASURE,
        error_lines::MEASURE,
        error_origination::MEASURE,
        exclusive_latency::MEASURE,
        explained_by_callees::MEASURE,
        failover::MEASURE,
        late_edges::MEASURE,
        lost_events::MEASURE,
        mechanism::MEASURE,
        messages::MEASURE,
        metric_shift::MEASURE,
        name_resolution::MEASURE,
        node_state::MEASURE,
        open_breaker::MEASURE,
        replication::MEASURE,
        request_metrics::MEASURE,
        saturation::MEASURE,
        scheduling::MEASURE,
        structure::MEASURE,
        waiting::MEASURE,
        wellness::MEASURE,
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn measures_are_sorted_and_ask_known_questions() {
        let all = super::all();
        assert!(all.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(all.iter().flat_map(|m| m.questions).all(|q| telemetry::question::NAMES.contains(q)));
    }
}
