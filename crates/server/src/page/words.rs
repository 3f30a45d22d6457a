//! The words, marks and classes for the kinds of things a report holds.
//!
//! Colour never stands alone: every mark has its word beside it.

use incident::hypothesis::HypothesisStatus;
use incident::{
    AlertSignal, Candidate, CandidateKind, ConclusionKind, EvidenceId, EvidenceKind, PredictionOutcome,
    Report, Verdict,
};
use maud::{Markup, html};
use telemetry::answer::ChangeKind;

use super::figures::{named, shown};

/// Facts shown on the page, and so facts that can be linked to.
pub(super) const EVIDENCE_MAX: usize = 300;

/// A chip: a mark, a word, and the class that colours them.
pub(super) fn chip(class: &'static str, mark: &'static str, word: &str) -> Markup {
    html! { span class={ "chip " (class) } { span aria-hidden="true" { (mark) } " " (word) } }
}

/// The verdict as a chip.
pub(super) fn verdict(verdict: Verdict) -> Markup {
    let (class, mark) = match verdict {
        Verdict::Effective => ("good", "\u{2713}"),
        Verdict::NotEffective => ("warn", "="),
        Verdict::Worse => ("bad", "\u{2717}"),
        Verdict::Inconclusive => ("dull", "?"),
        Verdict::RecoveredUnattributed => ("note", "~"),
    };
    chip(class, mark, verdict.name())
}

/// What a verdict means, in a sentence.
pub(super) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Effective => "The treated instance improved and its untouched sibling did not.",
        Verdict::NotEffective => "Nothing changed.",
        Verdict::Worse => "The treated instance got worse and its untouched sibling did not.",
        Verdict::Inconclusive => "Too little data to tell.",
        Verdict::RecoveredUnattributed => {
            "The symptom went away on the untouched sibling too: not our doing."
        }
    }
}

/// The kind of a conclusion as a chip.
pub(super) fn conclusion(kind: ConclusionKind) -> Markup {
    match kind {
        ConclusionKind::RootCause => chip("strong", "\u{25CE}", "root cause found"),
        ConclusionKind::NoCause => chip("note", "\u{2205}", "no cause in the system"),
        ConclusionKind::Insufficient => chip("dull", "?", "insufficient evidence"),
    }
}

/// How a hypothesis stands, as a chip.
pub(super) fn status(status: HypothesisStatus) -> Markup {
    match status {
        HypothesisStatus::Supported => chip("good", "\u{2713}", "supported"),
        HypothesisStatus::Inconclusive => chip("dull", "?", "inconclusive"),
        HypothesisStatus::Refuted => chip("bad", "\u{2717}", "refuted"),
    }
}

/// What was seen of a prediction, as a chip.
pub(super) fn outcome(outcome: PredictionOutcome) -> Markup {
    match outcome {
        PredictionOutcome::Held => chip("good", "\u{2713}", "held"),
        PredictionOutcome::Failed => chip("bad", "\u{2717}", "failed"),
        PredictionOutcome::Unknown => chip("dull", "?", "unknown"),
    }
}

/// A candidate: its kind, its service, its name.
pub(super) fn candidate(candidate: &Candidate) -> String {
    let kind = match candidate.kind {
        CandidateKind::Service => "service",
        CandidateKind::Resource => "resource",
        CandidateKind::Edge => "edge",
        CandidateKind::Change => "change",
        CandidateKind::Load => "load",
        CandidateKind::Queue => "queue",
    };
    let name =
        if candidate.name.is_empty() { String::new() } else { format!(": {}", shown(&candidate.name)) };
    match candidate.service.is_empty() {
        true => format!("{kind}{name}"),
        false => format!("{kind} in {}{name}", named(&candidate.service)),
    }
}

/// Which measure found a fact.
pub(super) fn measure(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::ChangePoint => "change point",
        EvidenceKind::ExclusiveLatency => "exclusive latency",
        EvidenceKind::EdgeDelay => "edge delay",
        EvidenceKind::ErrorLines => "errors in logs",
        EvidenceKind::ErrorOrigination => "error origination",
        EvidenceKind::Change => "change",
        EvidenceKind::VersionContrast => "version contrast",
        EvidenceKind::ExemplarTrace => "exemplar trace",
        EvidenceKind::Load => "load",
        EvidenceKind::Waiting => "waiting",
        EvidenceKind::Structure => "structure",
        EvidenceKind::QueueFlow => "messages",
        EvidenceKind::Saturation => "computing",
        EvidenceKind::MetricShift => "metrics",
        EvidenceKind::State => "state",
        EvidenceKind::AttributeContrast => "attribute contrast",
    }
}

/// The kind of a change.
pub(super) fn change(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Deploy => "deploy",
        ChangeKind::Restart => "restart",
        ChangeKind::InstanceAdded => "instance added",
        ChangeKind::Commit => "commit",
        ChangeKind::Flag => "flag",
    }
}

/// Which figure is wrong.
pub(super) fn signal(signal: AlertSignal) -> &'static str {
    match signal {
        AlertSignal::Latency => "latency",
        AlertSignal::Errors => "failure rate",
        AlertSignal::Throughput => "messages taken",
    }
}

/// The place of a fact on the page. Ids come from outside: only what an anchor may hold is kept.
pub(super) fn anchor(id: &EvidenceId) -> String {
    let kept: String =
        id.0.chars().take(64).filter(|found| found.is_ascii_alphanumeric() || *found == '_').collect();
    format!("ev_{}", kept.strip_prefix("ev_").unwrap_or(&kept))
}

/// Links to the facts cited; what the report does not hold is named without a link.
pub(super) fn cited(report: &Report, lead: &'static str, ids: &[EvidenceId]) -> Markup {
    let facts = report.diagnosis.evidence.iter().take(EVIDENCE_MAX);
    let held = |id: &EvidenceId| facts.clone().any(|fact| fact.id == *id);
    html! {
        @if !ids.is_empty() {
            p.cited {
                (lead)
                @for id in ids.iter().take(32) {
                    @if held(id) { a href={ "#" (anchor(id)) } { (shown(&id.0)) } } @else { (shown(&id.0)) }
                    " "
                }
                (more(ids.len(), 32))
            }
        }
    }
}

/// What a limit left off.
pub(super) fn more(len: usize, limit: usize) -> Markup {
    html! {
        @if len > limit { span.more { (len - limit) " more in the report as JSON" } }
    }
}
