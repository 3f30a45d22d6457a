//! How sure a conclusion may be: a calibrated probability where labelled incidents of several systems give one, nothing
//! elsewhere.
//!
//! What is calibrated is the margin: how many times over the bar that it had to clear the evidence stands, on one scale
//! for all ways to a conclusion. The tables come from `eval calibrate` and are filled only for ways on which they have
//! skill on systems that they were not fitted to; `docs/results/calibration.md` says which. Calls of services that emit
//! nothing lower a figure, and a gap says so.

use std::collections::BTreeMap;

use evidence::Thresholds;
use incident::{Conclusion, Evidence, EvidenceKind, Gap};
use telemetry::answer::EdgeRow;
use telemetry::number::Num;

/// The ways to a conclusion, by the evidence that it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// Metrics and the call graph.
    CallGraph,
    /// What changes do.
    Changes,
    /// Spans of an alerted service.
    Spans,
    /// Everything, for an alert that names nothing.
    Unnamed,
}

/// From this margin on a cause is right with this probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The margin.
    pub from: f64,
    /// The probability.
    pub probability: f64,
}

impl Route {
    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CallGraph => "metrics and call graph",
            Self::Changes => "what changes do",
            Self::Spans => "spans of the alerted service",
            Self::Unnamed => "an alert that names nothing",
        }
    }

    /// The way to `conclusion`, when it names a cause.
    #[must_use]
    pub fn of(conclusion: &Conclusion) -> Option<Self> {
        let first = cited(conclusion).next()?;
        Some(match first.kind {
            EvidenceKind::MetricShift => Self::CallGraph,
            EvidenceKind::Change => Self::Changes,
            _ if conclusion.symptoms.is_empty() => Self::Unnamed,
            _ => Self::Spans,
        })
    }

    /// The table of this way: none has skill on systems that it was not fitted to yet.
    fn table(self) -> &'static [Step] {
        match self {
            Self::CallGraph | Self::Changes | Self::Spans | Self::Unnamed => &[],
        }
    }
}

/// The evidence that the root cause cites, in its order.
fn cited(conclusion: &Conclusion) -> impl Iterator<Item = &Evidence> {
    let known: BTreeMap<_, _> = conclusion.evidence.iter().map(|item| (&item.id, item)).collect();
    let ids = conclusion.root_cause.iter().flat_map(|cause| &cause.evidence);
    ids.filter_map(move |id| known.get(id).copied())
}

/// How many times over its bar the evidence of the root cause stands, at least one for what was claimed; nothing when
/// no cause is named or its evidence has no bar.
#[must_use]
pub fn margin(conclusion: &Conclusion) -> Option<f64> {
    let first = cited(conclusion).next()?;
    let number = |name: &str| first.numbers.get(name).map(|value| value.get());
    let at = Thresholds::default();
    if let Some(fit) = number("match") {
        return Some(fit / at.named_min);
    }
    let shifted =
        |before: &str, now: &str, bound: &str| Some((number(before)?, number(now)?, number(bound)?));
    let latency = shifted("before_ms", "now_ms", "history_up_to_ms");
    let failures = shifted("failed_share_before", "failed_share_now", "history_up_to_share");
    if let Some((before, now, bound)) = latency.or(failures) {
        let ratio = |value: f64| libm::log(value.max(f64::MIN_POSITIVE) / before.max(1e-6));
        return Some(ratio(now) / ratio(bound).max(1e-6));
    }
    if let Some(q_value) = number("q_value").filter(|_| conclusion.symptoms.is_empty()) {
        return Some(libm::log(q_value.max(f64::MIN_POSITIVE)) / libm::log(at.claim_q_max));
    }
    number("share_of_excess").or_else(|| number("share_of_new_origins")).map(|share| share / at.share_min)
}

/// The probability that `table` gives a margin; nothing below its first step.
#[must_use]
pub fn read(table: &[Step], margin: f64) -> Option<f64> {
    table.iter().rev().find(|step| margin >= step.from).map(|step| step.probability)
}

/// Fills in the confidence of `conclusion` where its way is calibrated; `edges` are the calls that were seen.
pub(crate) fn fill(conclusion: &mut Conclusion, edges: &[EdgeRow]) {
    let table = Route::of(conclusion).map(Route::table).unwrap_or_default();
    fill_from(table, conclusion, edges);
}

fn fill_from(table: &[Step], conclusion: &mut Conclusion, edges: &[EdgeRow]) {
    let Some(probability) = margin(conclusion).and_then(|margin| read(table, margin)) else { return };
    let (silent, all) = coverage(edges);
    let capped = probability.min(1.0 - 0.5 * silent as f64 / all.max(1) as f64);
    if capped < probability {
        conclusion.gaps.push(Gap {
            missing: format!("{silent} of {all} services that are called or call send no spans"),
            could_change: format!(
                "the cause may lie in them: confidence is capped at {capped:.2}, from {probability:.2}"
            ),
        });
    }
    conclusion.confidence = Some(Num::new(capped));
}

/// Services that others call and that emit nothing, and all services that were seen in calls.
fn coverage(edges: &[EdgeRow]) -> (usize, usize) {
    let mut seen: BTreeMap<&str, bool> = BTreeMap::new();
    for row in edges.iter().filter(|row| row.queue.is_none()) {
        seen.insert(&row.caller, true);
        *seen.entry(&row.callee).or_default() |= row.is_instrumented;
    }
    (seen.values().filter(|emits| !**emits).count(), seen.len())
}

#[cfg(test)]
mod tests {
    use incident::conclusion::SCHEMA;
    use incident::{ComponentKind, ConclusionKind, EvidenceId, Fault, RootCause};
    use telemetry::SourceName;

    use super::*;

    const TABLE: [Step; 2] = [Step { from: 1.0, probability: 0.6 }, Step { from: 2.0, probability: 0.9 }];

    fn named(kind: EvidenceKind, numbers: &[(&str, f64)]) -> Conclusion {
        let numbers = numbers.iter().map(|(name, value)| ((*name).to_owned(), Num::new(*value))).collect();
        let fact = Evidence {
            id: EvidenceId("e".into()),
            kind,
            statement: String::new(),
            numbers,
            questions: Vec::new(),
            source: SourceName("test".into()),
            window: None,
            trace: None,
        };
        Conclusion {
            schema: SCHEMA.into(),
            kind: ConclusionKind::RootCause,
            statement: String::new(),
            root_cause: Some(RootCause {
                component: ComponentKind::Service,
                service: "a".into(),
                seen_from: Vec::new(),
                instances: Vec::new(),
                operation: String::new(),
                span: String::new(),
                resource: String::new(),
                fault: Fault::SlowWork,
                statement: String::new(),
                trigger: None,
                evidence: vec![fact.id.clone()],
            }),
            further_causes: Vec::new(),
            onset: None,
            symptoms: Vec::new(),
            hypotheses: Vec::new(),
            ruled_out: Vec::new(),
            gaps: Vec::new(),
            confidence: None,
            evidence: vec![fact],
        }
    }

    fn edge(callee: &str, is_instrumented: bool) -> EdgeRow {
        EdgeRow {
            caller: "a".into(),
            callee: callee.into(),
            is_instrumented,
            count: 1,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: Vec::new(),
            resends: 0,
            queue: None,
        }
    }

    #[test]
    fn a_margin_is_one_at_the_bar_on_every_way() {
        let shift = [("before_ms", 10.0), ("now_ms", 20.0), ("history_up_to_ms", 20.0)];
        for (kind, numbers, route) in [
            (EvidenceKind::MetricShift, shift.as_slice(), Route::CallGraph),
            (EvidenceKind::Change, &[("match", 0.4)], Route::Changes),
            (EvidenceKind::Structure, &[("q_value", 0.05)], Route::Unnamed),
        ] {
            let conclusion = named(kind, numbers);
            assert!((margin(&conclusion).unwrap() - 1.0).abs() < 1e-9, "{kind:?}");
            assert_eq!(Route::of(&conclusion), Some(route));
        }
    }

    #[test]
    fn without_a_calibrated_way_confidence_stays_unmeasured_and_nothing_is_said() {
        let mut conclusion = named(EvidenceKind::Structure, &[("q_value", 1e-9)]);
        let before = conclusion.clone();
        fill(&mut conclusion, &[edge("dark", false)]);
        assert_eq!(conclusion, before);
        fill_from(&[Step { from: 99.0, probability: 0.9 }], &mut conclusion, &[]);
        assert_eq!(conclusion, before, "below the first step nothing was measured");
    }

    // covers: W-15
    #[test]
    fn services_that_emit_nothing_cap_the_figure_and_the_gap_says_from_what() {
        let mut whole = named(EvidenceKind::Change, &[("match", 0.9)]);
        fill_from(&TABLE, &mut whole, &[edge("b", true)]);
        assert_eq!((whole.confidence, whole.gaps.len()), (Some(Num::new(0.9)), 0));
        let mut dark = named(EvidenceKind::Change, &[("match", 0.9)]);
        fill_from(
            &TABLE,
            &mut dark,
            &[edge("b", true), edge("dark", false), edge("pay", false), edge("c", true)],
        );
        assert_eq!(dark.confidence, Some(Num::new(0.8)));
        assert!(dark.gaps[0].missing.starts_with("2 of 5 services"), "{:?}", dark.gaps);
        assert!(dark.gaps[0].could_change.contains("capped at 0.80, from 0.90"), "{:?}", dark.gaps);
    }
}
