//! The report of an incident, from the journal alone.
//!
//! The same entries give the same report, whether they come from a running log or from a file read years later.

mod views;

use std::collections::BTreeMap;

use incident::report::{SCHEMA, StageTime, VerificationSummary};
use incident::{
    Action, Alert, Conclusion, ConclusionKind, Report, Resolution, RootCause, Verdict, VerificationRecord,
};
use telemetry::number::Num;
use telemetry::{NoteKind, Stage, UnixNanos};

use crate::entry::Entry;
use crate::log::Logged;

/// The report of incident `id` with these entries.
#[must_use]
pub fn build(id: &str, logged: &[Logged], head: &str) -> Report {
    let at = |logged: Option<&Logged>| logged.map_or(UnixNanos(0), |logged| logged.at);
    let alert = logged.iter().find_map(|logged| match &logged.entry {
        Entry::Alert(alert) => Some(alert),
        _ => None,
    });
    let conclusion = last(logged, |entry| match entry {
        Entry::Conclusion(conclusion) => Some((**conclusion).clone()),
        _ => None,
    });
    let resolution = last(logged, |entry| match entry {
        Entry::Resolution(resolution) => Some((**resolution).clone()),
        _ => None,
    });
    let conclusion = conclusion.unwrap_or_else(|| unfinished(alert));
    let resolution = resolution.unwrap_or_else(Resolution::nothing_done);
    let proposed = last(logged, |entry| match entry {
        Entry::Proposal(actions) => Some(actions.len()),
        _ => None,
    });
    let verification = summary(&resolution, proposed.unwrap_or(0));
    let views = views::of(logged, &conclusion);
    let engine_us: u128 = logged.iter().map(|logged| logged.took.as_micros()).sum();
    Report {
        schema: SCHEMA.to_owned(),
        incident: id.to_owned(),
        space: alert.map(|alert| alert.space.clone()).unwrap_or_default(),
        opened_at: at(logged.first()),
        closed_at: at(logged.last()),
        headline: headline(&conclusion, &resolution, verification.as_ref()),
        stages: stages(logged),
        series: views.series,
        changes: views.changes,
        service_map: views.service_map,
        bad_trace: views.bad_trace,
        good_trace: views.good_trace,
        engine_ms: Num::new(engine_us as f64 / 1000.0),
        journal_head: head.to_owned(),
        resolution: has_something(&resolution).then_some(resolution),
        conclusion: conclusion.kind,
        root_cause: conclusion.root_cause.clone(),
        diagnosis: conclusion,
        verification,
    }
}

fn last<T>(logged: &[Logged], pick: impl Fn(&Entry) -> Option<T>) -> Option<T> {
    logged.iter().rev().find_map(|logged| pick(&logged.entry))
}

fn unfinished(alert: Option<&Alert>) -> Conclusion {
    Conclusion {
        schema: incident::conclusion::SCHEMA.to_owned(),
        kind: ConclusionKind::Insufficient,
        statement: "the diagnosis did not end".to_owned(),
        root_cause: None,
        further_causes: Vec::new(),
        onset: None,
        symptoms: alert.map(|alert| alert.symptoms.clone()).unwrap_or_default(),
        hypotheses: Vec::new(),
        ruled_out: Vec::new(),
        gaps: Vec::new(),
        confidence: None,
        evidence: Vec::new(),
    }
}

/// The verdict over all trials: that of the first trial that was not effective, else of the canary, whose control
/// was untouched.
fn summary(resolution: &Resolution, proposed: usize) -> Option<VerificationSummary> {
    let trials = &resolution.verifications;
    let deciding: &VerificationRecord =
        trials.iter().find(|record| record.verdict != Verdict::Effective).or(trials.first())?;
    Some(VerificationSummary {
        verdict: deciding.verdict,
        difference_ms: deciding.difference_ms,
        relative: deciding.relative,
        instances_fixed: trials.iter().filter(|record| record.verdict == Verdict::Effective).count() as u64,
        instances_proposed: proposed as u64,
    })
}

fn has_something(resolution: &Resolution) -> bool {
    !resolution.actions.is_empty() || !resolution.approvals.is_empty() || resolution.failed.is_some()
}

fn headline(
    conclusion: &Conclusion,
    resolution: &Resolution,
    verification: Option<&VerificationSummary>,
) -> String {
    let named: Vec<String> = conclusion
        .root_cause
        .iter()
        .chain(&conclusion.further_causes)
        .map(|cause| format!("{} in {}", cause.fault.name(), cause.service))
        .collect();
    let what = if named.is_empty() { conclusion.statement.clone() } else { named.join(" and ") };
    if resolution.failed.is_some() {
        return format!("{what}; ended as failed");
    }
    match verification {
        Some(summary) if summary.is_complete() || summary.verdict != Verdict::Effective => {
            format!("{what}; fix {}", summary.verdict.name())
        }
        Some(summary) => format!(
            "{what}; fix effective on {} of {} instances",
            summary.instances_fixed, summary.instances_proposed
        ),
        None => what,
    }
}

/// The stages in order; a stage gone through twice (canary, then the others) spans both.
fn stages(logged: &[Logged]) -> Vec<StageTime> {
    let end = logged.last().map_or(UnixNanos(0), |logged| logged.at);
    let mut stages: BTreeMap<Stage, StageTime> = BTreeMap::new();
    for Logged { at, entry, .. } in logged {
        let (Entry::Note(note) | Entry::Progress(note) | Entry::Resumed(note)) = entry else {
            continue;
        };
        let stage = stages.entry(note.stage).or_insert_with(|| StageTime {
            stage: note.stage,
            began_at: *at,
            ended_at: end,
            has_failed: false,
            notes: Vec::new(),
        });
        stage.has_failed |= note.kind == NoteKind::Failed;
        if matches!(note.kind, NoteKind::Ended | NoteKind::Failed) {
            stage.ended_at = *at;
        }
        if note.kind != NoteKind::Began && !note.text.is_empty() {
            stage.notes.push(note.text.clone());
        }
    }
    stages.into_values().collect()
}

/// Overrides as `NAME=value`, for people.
#[must_use]
pub fn settings(action: &Action) -> String {
    action.set.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// The median of the cause's entry operation before the onset: what recovery means.
#[must_use]
pub fn healthy_p50_ns(logged: &[Logged], conclusion: &Conclusion, cause: &RootCause) -> i64 {
    let before = conclusion.onset.map_or(UnixNanos(i64::MAX), |onset| onset.earliest);
    let rows = views::onset_rows(logged);
    let mut medians: Vec<i64> = rows
        .iter()
        .filter(|row| row.subject.service == cause.service && row.subject.operation == cause.operation)
        .filter(|row| row.second < before && row.count > 0)
        .map(|row| row.p50_ns)
        .collect();
    medians.sort_unstable();
    medians.get(medians.len() / 2).copied().unwrap_or(0)
}
