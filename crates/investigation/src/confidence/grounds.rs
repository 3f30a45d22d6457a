//! What a confidence is read from: a few figures of a conclusion that mean the same on every way to one.
//!
//! Each figure lies between 0 and 1 and reassures more the larger it is. None of them knows a name, a time or a system.

use std::collections::{BTreeMap, BTreeSet};

use evidence::Thresholds;
use incident::{CandidateKind, Conclusion, Evidence, EvidenceKind, Hypothesis, HypothesisStatus};

use super::coverage::Coverage;

/// The names of the figures, in their order.
pub const SIGNS: [&str; 5] = ["margin", "lead", "kinds of evidence", "telemetry told", "first look"];
/// Kinds of evidence from which more of them reassure no further.
const KINDS_MAX: usize = 3;

/// The ways to a conclusion, by the evidence that it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// Metrics and the call graph.
    CallGraph,
    /// What changes do.
    Changes,
    /// Spans of an alerted service.
    Spans,
    /// What things are.
    State,
    /// Everything, for an alert that names nothing.
    Unnamed,
}

impl Route {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::CallGraph, Self::Changes, Self::Spans, Self::State, Self::Unnamed];

    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CallGraph => "metrics and call graph",
            Self::Changes => "what changes do",
            Self::Spans => "spans of the alerted service",
            Self::State => "what things are",
            Self::Unnamed => "an alert that names nothing",
        }
    }

    /// The way to `conclusion`, when it names a cause.
    #[must_use]
    pub fn of(conclusion: &Conclusion) -> Option<Self> {
        let first = cited(conclusion).next()?;
        Some(match first.kind {
            EvidenceKind::Change => Self::Changes,
            EvidenceKind::State => Self::State,
            _ if conclusion.symptoms.is_empty() => Self::Unnamed,
            EvidenceKind::MetricShift => Self::CallGraph,
            _ => Self::Spans,
        })
    }
}

/// The figures of one conclusion that names a cause, on evidence that had a bar to clear.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounds {
    /// The way to it.
    pub route: Route,
    /// The figures, in the order of [`SIGNS`].
    pub signs: [f64; 5],
    /// How much of the system could be seen.
    pub coverage: Coverage,
}

impl Grounds {
    /// The grounds of `conclusion`; nothing when it names no cause, or one whose evidence had no bar to clear: that a
    /// mechanism is shown, say.
    pub(crate) fn of(conclusion: &Conclusion, has_looked_again: bool, coverage: Coverage) -> Option<Self> {
        let route = Route::of(conclusion)?;
        let margin = margin(conclusion, route)?;
        let kinds: BTreeSet<EvidenceKind> = cited(conclusion).map(|item| item.kind).collect();
        let more = kinds.len().clamp(1, KINDS_MAX) - 1;
        let signs = [
            1.0 - 1.0 / margin.max(1.0),
            lead(&conclusion.hypotheses),
            more as f64 / (KINDS_MAX - 1) as f64,
            coverage.told(),
            if has_looked_again { 0.0 } else { 1.0 },
        ];
        Some(Self { route, signs, coverage })
    }
}

/// The evidence that the root cause cites, in its order.
fn cited(conclusion: &Conclusion) -> impl Iterator<Item = &Evidence> {
    let known: BTreeMap<_, _> = conclusion.evidence.iter().map(|item| (&item.id, item)).collect();
    let ids = conclusion.root_cause.iter().flat_map(|cause| &cause.evidence);
    ids.filter_map(move |id| known.get(id).copied())
}

/// How many times over its bar the first evidence of the root cause stands, one at the bar; nothing when it has none.
fn margin(conclusion: &Conclusion, route: Route) -> Option<f64> {
    let first = cited(conclusion).next()?;
    let number = |name: &str| first.numbers.get(name).map(|value| value.get());
    let at = Thresholds::default();
    match route {
        Route::CallGraph => {
            let shifted = |before: &str, now: &str, bound: &str| {
                let before = number(before)?.max(1e-6);
                let beyond = |value: f64| libm::log(value.max(f64::MIN_POSITIVE) / before);
                Some(beyond(number(now)?) / beyond(number(bound)?).max(1e-6))
            };
            let latency = shifted("before_ms", "now_ms", "history_up_to_ms");
            latency.or_else(|| shifted("failed_share_before", "failed_share_now", "history_up_to_share"))
        }
        Route::Changes => number("match").map(|fit| fit / at.named_min),
        Route::Spans => {
            let share = number("share_of_excess").or_else(|| number("share_of_new_origins"));
            share.map(|share| share / at.share_min)
        }
        Route::State => None,
        Route::Unnamed => {
            let chance = number("q_value")?.max(f64::MIN_POSITIVE);
            Some(libm::log(chance) / libm::log(at.claim_q_max))
        }
    }
}

/// How far the best supported hypothesis is ahead of the best one that is left open, as a share of its own score.
fn lead(hypotheses: &[Hypothesis]) -> f64 {
    let best = |status: HypothesisStatus| {
        let of_status = hypotheses
            .iter()
            .filter(|one| one.status == status && one.candidate.kind != CandidateKind::Load)
            .map(|one| one.score.get());
        of_status.fold(0.0, f64::max)
    };
    let (own, rival) = (best(HypothesisStatus::Supported), best(HypothesisStatus::Inconclusive));
    if own > 0.0 { 1.0 - (rival / own).min(1.0) } else { 0.0 }
}
