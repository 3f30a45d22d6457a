//! Judges each entry in turn; one verdict a claim, in the order written, whatever the runs are.

use super::{Expectations, Judged, Run, Statement, Texts, Verdict, logs, spans, structure};
use crate::trace_diff::graph::Graph;

/// Runs as graphs, with their log records.
pub(super) struct Runs<'r> {
    pub(super) graphs: Vec<Graph<'r>>,
    pub(super) runs: &'r [Run],
}

impl<'r> Runs<'r> {
    pub(super) fn of(runs: &'r [Run]) -> Self {
        Self { graphs: runs.iter().map(|run| Graph::of(&run.spans)).collect(), runs }
    }
}

/// Judges `expectations` on `runs`. The `baseline` tells what was known before; without one, entries that need it are
/// inconclusive.
#[must_use]
pub fn judge(
    expectations: &Expectations,
    runs: &[Run],
    baseline: Option<&[Run]>,
    texts: &dyn Texts,
) -> Vec<Judged> {
    let (runs, baseline) = (Runs::of(runs), baseline.map(Runs::of));
    let mut all = Vec::new();
    for item in &expectations.items {
        match &item.states {
            Statement::Span(span) => all.extend(spans::judge(item.line, span, &runs)),
            Statement::LogAbsent(pattern) => all.push(logs::absent(item.line, pattern, &runs, texts)),
            Statement::LogPresent(pattern) => all.push(logs::present(item.line, pattern, &runs, texts)),
            Statement::Topology(topology) => {
                all.push(structure::topology(item.line, topology, &runs, baseline.as_ref()));
            }
            Statement::Traceparent(allow) => {
                all.push(structure::traceparent(item.line, allow, &runs, baseline.as_ref()));
            }
            Statement::ErrorsCleared => all.push(structure::cleared(item.line, &runs, baseline.as_ref())),
        }
    }
    all
}

pub(super) fn judged(line: usize, claim: String, matched: usize, outcome: (Verdict, String)) -> Judged {
    Judged { line, claim, verdict: outcome.0, detail: outcome.1, matched, is_vacuous: false }
}

pub(super) fn pass(detail: impl Into<String>) -> (Verdict, String) {
    (Verdict::Pass, detail.into())
}

pub(super) fn fail(detail: impl Into<String>) -> (Verdict, String) {
    (Verdict::Fail, detail.into())
}

pub(super) fn open(detail: impl Into<String>) -> (Verdict, String) {
    (Verdict::Inconclusive, detail.into())
}
