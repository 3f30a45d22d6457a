//! Yes or no: every claim is green, and against a baseline at least one of them was red.

use serde::Serialize;

use super::{Expectations, Judged, Run, Texts, Verdict, judge};

/// The judgement of a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    /// Whether it may pass.
    pub is_green: bool,
    /// Why not; empty when it may.
    pub reason: String,
    /// Claims that are red on the baseline and green now; nothing without a baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flipped: Option<usize>,
    /// Each claim on the new runs.
    pub judged: Vec<Judged>,
    /// Each claim on the baseline, in the same order; empty without one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub baseline: Vec<Judged>,
}

/// Judges `runs`, and with a `baseline` also whether these expectations would have caught what was wrong there: a test
/// that is green on the failing traces is no regression test.
#[must_use]
pub fn gate(expectations: &Expectations, runs: &[Run], baseline: Option<&[Run]>, texts: &dyn Texts) -> Gate {
    let judged = judge(expectations, runs, baseline, texts);
    let before = baseline.map(|before| judge(expectations, before, Some(before), texts)).unwrap_or_default();
    let flipped = baseline.map(|_| before.iter().zip(&judged).filter(is_flipped).count());
    let count = |verdict| judged.iter().filter(|claim| claim.verdict == verdict).count();
    let (failed, open) = (count(Verdict::Fail), count(Verdict::Inconclusive));
    let reason = if judged.is_empty() {
        "there is no expectation".to_owned()
    } else if runs.is_empty() {
        "there is no trace".to_owned()
    } else if failed > 0 {
        format!("{failed} of {} claims failed, {open} inconclusive", judged.len())
    } else if open > 0 {
        format!("{open} of {} claims are inconclusive", judged.len())
    } else if flipped == Some(0) {
        "not a regression test: no claim is red on the baseline and green now".to_owned()
    } else {
        String::new()
    };
    Gate { is_green: reason.is_empty(), reason, flipped, judged, baseline: before }
}

/// Red before and green now, and not only because an optional span is gone: that cleared nothing (PB-28).
fn is_flipped((before, now): &(&Judged, &Judged)) -> bool {
    before.verdict == Verdict::Fail && now.verdict == Verdict::Pass && !now.is_vacuous
}
