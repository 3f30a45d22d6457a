//! What ways that became slower show: the service that they share, in words and as a fact.

use evidence::measures::late_edges::{LateEdge, Vote};
use incident::{EvidenceId, EvidenceKind};

use crate::ledger::{Fact, Ledger};
use crate::plan::Whole;

/// Edges that are told of; further ones say the same.
const EDGES_MAX: usize = 3;

/// The chance of the surest way.
pub(super) fn p_value(vote: &Vote) -> f64 {
    vote.grown.first().map_or(1.0, |edge| edge.p_value)
}

/// The ways in one sentence.
pub(super) fn text(vote: &Vote) -> String {
    let ways: Vec<String> = vote.grown.iter().take(EDGES_MAX).map(way).collect();
    let since = vote.grown.first().map(|edge| edge.began.clock()).unwrap_or_default();
    format!(
        "{} of {} ways to and from `{}` take longer than both ends explain since about {since} UTC: {}",
        vote.grown.len(),
        vote.incident,
        vote.service,
        ways.join(", ")
    )
}

fn way(edge: &LateEdge) -> String {
    format!("`{}` to `{}` {:.1} ms instead of {:.1} ms", edge.caller, edge.callee, edge.bad_ms, edge.good_ms)
}

/// Seals the surest way.
pub(super) fn prove(ledger: &mut Ledger, whole: &Whole, vote: &Vote) -> Option<EvidenceId> {
    let edge = vote.grown.first()?;
    ledger.prove(Fact {
        kind: EvidenceKind::EdgeDelay,
        statement: text(vote),
        numbers: &[
            ("ways_grown", vote.grown.len() as f64),
            ("ways", vote.incident as f64),
            ("delay_before_ms", edge.good_ms),
            ("delay_now_ms", edge.bad_ms),
            ("blocks_before", edge.blocks.0 as f64),
            ("blocks_now", edge.blocks.1 as f64),
            ("p_value", edge.p_value),
            ("q_value", edge.q_value),
        ],
        questions: &[&whole.edges.0, &whole.edges.1],
        window: Some(whole.bad),
        trace: None,
    })
}
