//! The way to the slow service is not the cause when the time on the way did not grow.
//!
//! Speaks of the edges into symptomatic services only: the rest of the map is not in question.

use incident::{Candidate, CandidateKind, EvidenceKind};

use super::{Exclusion, Rule};
use crate::findings::Findings;

/// This rule.
pub const RULE: Rule = Rule {
    id: "edge_unchanged",
    says: "network and connections are ruled out where client minus server time explains under a tenth of the excess",
    apply,
};

/// Share of the whole excess below which an edge is no candidate.
const SHARE_MAX: f64 = 0.1;

fn apply(findings: &Findings) -> Vec<Exclusion> {
    let excess = findings.excess_ms;
    if excess <= 0.0 {
        return Vec::new();
    }
    let on_path = findings.edges.iter().filter(|edge| findings.symptomatic.contains(&edge.callee));
    on_path
        .filter(|edge| edge.excess_ms / excess < SHARE_MAX)
        .map(|edge| Exclusion {
            candidate: Candidate {
                kind: CandidateKind::Edge,
                service: edge.callee.clone(),
                name: format!("{} -> {}", edge.caller, edge.callee),
            },
            why: format!(
                "the way from `{}` to `{}` took {:.2} ms a call before and {:.2} ms now ({} calls)",
                edge.caller, edge.callee, edge.good_ms, edge.bad_ms, edge.count
            ),
            kind: EvidenceKind::EdgeDelay,
            numbers: vec![
                ("delay_before_ms", edge.good_ms),
                ("delay_now_ms", edge.bad_ms),
                ("calls", edge.count as f64),
                ("q_value", edge.q_value),
            ],
            questions: vec![findings.views.edges.0.clone(), findings.views.edges.1.clone()],
        })
        .collect()
}
