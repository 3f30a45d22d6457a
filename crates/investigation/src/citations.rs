//! The last check of a conclusion: every claim cites evidence that exists and matches; what does not is dropped.
//!
//! Evidence must have the address of its content. What a claim cites must be there, and a cause or a supported hypothesis
//! must cite something; the figures of a rule-out must be those of its evidence, and the milliseconds in a sentence those of
//! the evidence that it cites, to the digits written. What is dropped is counted as a gap. Nothing is repaired: a
//! conclusion whose cause is dropped is insufficient.

use std::collections::BTreeMap;

use incident::{
    Conclusion, ConclusionKind, Evidence, EvidenceId, Gap, Hypothesis, HypothesisStatus, RootCause, RuledOut,
};
use telemetry::{Note, NoteKind, Stage};

/// The evidence that is what its address says.
type Ledger = BTreeMap<EvidenceId, Evidence>;

/// The conclusion without what its evidence does not bear out, with notes on what was dropped.
#[must_use]
pub fn checked(mut conclusion: Conclusion) -> (Conclusion, Vec<Note>) {
    let before = conclusion.evidence.len();
    conclusion.evidence.retain(|item| item.clone().sealed().id == item.id);
    let ledger: Ledger = conclusion.evidence.iter().map(|item| (item.id.clone(), item.clone())).collect();
    let mut dropped = vec![("items of evidence", before - conclusion.evidence.len())];
    let hypotheses = conclusion.hypotheses.len();
    conclusion.hypotheses.retain(|one| is_open(one) || is_borne_out(&ledger, &one.evidence, &one.statement));
    dropped.push(("hypotheses", hypotheses - conclusion.hypotheses.len()));
    let ruled_out = conclusion.ruled_out.len();
    conclusion.ruled_out.retain(|one| is_exclusion_borne_out(&ledger, one));
    dropped.push(("rule-outs", ruled_out - conclusion.ruled_out.len()));
    let further = conclusion.further_causes.len();
    conclusion.further_causes.retain(|cause| is_cause_borne_out(&ledger, cause));
    dropped.push(("further causes", further - conclusion.further_causes.len()));
    let causes = conclusion.root_cause.iter_mut().chain(&mut conclusion.further_causes);
    dropped.push(("factors", causes.map(|cause| without_unfounded(&ledger, cause)).sum()));
    let is_cause_dropped =
        conclusion.root_cause.as_ref().is_some_and(|cause| !is_cause_borne_out(&ledger, cause));
    if is_cause_dropped {
        dropped.push(("root causes", 1));
        conclusion.root_cause = None;
        conclusion.further_causes.clear();
        conclusion.kind = ConclusionKind::Insufficient;
        conclusion.statement =
            "insufficient evidence: what was taken for the cause cites evidence that does not bear it out"
                .to_owned();
    }
    let gaps: Vec<Gap> = dropped.into_iter().filter(|(_, count)| *count > 0).map(gap).collect();
    let note = |gap: &Gap| Note::new(Stage::Synthesize, NoteKind::Gap, gap.missing.clone());
    let notes = gaps.iter().map(note).collect();
    conclusion.gaps.extend(gaps);
    (conclusion, notes)
}

fn gap((what, count): (&str, usize)) -> Gap {
    Gap {
        missing: format!(
            "dropped because the evidence cited does not exist or says otherwise: {count} {what}"
        ),
        could_change: "whether they hold".to_owned(),
    }
}

/// A candidate that is claimed to be nothing and cites nothing.
fn is_open(hypothesis: &Hypothesis) -> bool {
    hypothesis.status != HypothesisStatus::Supported && hypothesis.evidence.is_empty()
}

/// Drops the factors that are not borne out, and gives their number.
fn without_unfounded(ledger: &Ledger, cause: &mut RootCause) -> usize {
    let before = cause.factors.len();
    cause.factors.retain(|factor| is_borne_out(ledger, &factor.evidence, &factor.statement));
    before - cause.factors.len()
}

fn is_cause_borne_out(ledger: &Ledger, cause: &RootCause) -> bool {
    is_borne_out(ledger, &cause.evidence, &cause.statement)
}

/// Whether all that is cited exists, there is some, and it holds the milliseconds that `text` states.
fn is_borne_out(ledger: &Ledger, cited: &[EvidenceId], text: &str) -> bool {
    let Some(items) = found(ledger, cited) else { return false };
    milliseconds(text).all(|figure| items.iter().any(|item| holds(item, figure)))
}

/// Whether all that is cited exists, and says nothing else than the rule-out under the same names.
fn is_exclusion_borne_out(ledger: &Ledger, excluded: &RuledOut) -> bool {
    let cited: Option<Vec<&Evidence>> = excluded.evidence.iter().map(|id| ledger.get(id)).collect();
    let Some(items) = cited else { return false };
    excluded.numbers.iter().all(|(name, value)| {
        let mut known = items.iter().filter_map(|item| item.numbers.get(name)).peekable();
        known.peek().is_none() || known.any(|known| known == value)
    })
}

/// The items cited, or nothing when one does not exist or none is cited.
fn found<'a>(ledger: &'a Ledger, cited: &[EvidenceId]) -> Option<Vec<&'a Evidence>> {
    let items: Option<Vec<&Evidence>> = cited.iter().map(|id| ledger.get(id)).collect();
    items.filter(|items| !items.is_empty())
}

/// The figures of a sentence that are followed by `ms`, as they are written.
fn milliseconds(text: &str) -> impl Iterator<Item = &str> {
    let words = || text.split_whitespace();
    words().zip(words().skip(1)).filter_map(|(figure, unit)| {
        let is_unit = unit.trim_end_matches([',', ';', '.', ':', ')']) == "ms";
        (is_unit && figure.parse::<f64>().is_ok()).then_some(figure)
    })
}

/// Whether an item has this figure among its numbers, to the digits written, or states it.
fn holds(item: &Evidence, figure: &str) -> bool {
    let decimals = figure.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let mut numbers = item.numbers.values();
    numbers.any(|number| format!("{:.decimals$}", number.get()) == figure)
        || milliseconds(&item.statement).any(|stated| stated == figure)
}

#[cfg(test)]
mod tests;
