//! What happened at a point in time: onset, alert, changes, actions.
//!
//! Knows nothing of pixels.

use incident::hypothesis::RuledOut;
use incident::{CandidateKind, Report};
use telemetry::answer::{ChangeKind, ChangeRow};
use telemetry::{UnixNanos, Window};

use super::super::figures::{clipped, duration};
use super::super::words;

/// Marks drawn at most; the tables hold all.
const MARKS_MAX: usize = 16;

/// Something that happened, perhaps on several instances one after the other.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// When it first happened.
    pub(super) at: UnixNanos,
    /// Further times, as instances follow.
    pub(super) also: Vec<UnixNanos>,
    /// What the label says.
    pub(super) label: String,
    /// How it is drawn.
    pub(super) class: &'static str,
}

/// The marks inside `window` by time, and how many lie outside or beyond the limit.
pub(super) fn marks(report: &Report, window: Window) -> (Vec<Mark>, usize) {
    let mut all = changes(report);
    if let Some(onset) = &report.diagnosis.onset {
        all.push(mark(onset.at, "onset".to_owned(), "onset"));
    }
    all.push(mark(report.opened_at, "alert".to_owned(), "alert"));
    let trials = report.resolution.iter().flat_map(|resolution| &resolution.verifications);
    for (index, record) in trials.enumerate() {
        let canary = if index == 0 { " (canary)" } else { "" };
        let label = format!("ready: {}{canary}", clipped(&record.trial.treated, 24));
        all.push(mark(record.trial.ready_at, label, "action"));
    }
    let count = all.len();
    all.retain(|mark| window.contains(mark.at));
    // The trigger, the onset and the actions outlive the limit.
    all.sort_by_key(|mark| (matches!(mark.class, "change" | "ruled"), mark.at));
    all.truncate(MARKS_MAX);
    let left_out = count - all.len();
    all.sort_by_key(|mark| mark.at);
    (all, left_out)
}

fn mark(at: UnixNanos, label: String, class: &'static str) -> Mark {
    Mark { at, also: Vec::new(), label, class }
}

/// Changes of the same kind to the same thing are one mark.
fn changes(report: &Report) -> Vec<Mark> {
    let mut groups: Vec<(&ChangeRow, Vec<UnixNanos>)> = Vec::new();
    for row in report.changes.iter().take(500) {
        match groups.iter_mut().find(|(first, _)| is_same(first, row)) {
            Some((_, times)) => times.push(row.at),
            None => groups.push((row, vec![row.at])),
        }
    }
    groups
        .into_iter()
        .map(|(row, mut times)| {
            times.sort_unstable();
            let first = times.first().copied().unwrap_or(row.at);
            let (class, word) = role(report, row);
            let times_word =
                if times.len() > 1 { format!(" \u{00D7}{}", times.len()) } else { String::new() };
            let version =
                if row.kind == ChangeKind::Deploy { clipped(&row.after, 16) } else { String::new() };
            let service = clipped(&row.service, 24);
            let label = format!("{word}{} {service} {version}", words::change(row.kind));
            let also = times.into_iter().filter(|at| *at != first).collect();
            Mark { at: first, also, label: format!("{}{times_word}", label.trim_end()), class }
        })
        .collect()
}

fn is_same(one: &ChangeRow, other: &ChangeRow) -> bool {
    (one.kind, &one.service, &one.after) == (other.kind, &other.service, &other.after)
}

/// How a change is drawn, and the word that says so.
pub(in crate::page) fn role(report: &Report, row: &ChangeRow) -> (&'static str, &'static str) {
    let trigger = report.diagnosis.root_cause.as_ref().and_then(|cause| cause.trigger.as_ref());
    if trigger.is_some_and(|trigger| is_same(&trigger.change, row)) {
        return ("trigger", "trigger: ");
    }
    match ruled_out(report, row) {
        Some(_) => ("ruled", "ruled out: "),
        None => ("change", ""),
    }
}

/// Why a change is not the cause, when that was said. Candidates name a deploy by its version, anything else by
/// its instances.
pub(in crate::page) fn ruled_out<'a>(report: &'a Report, row: &ChangeRow) -> Option<&'a RuledOut> {
    let names = |text: &str, part: &str| !part.is_empty() && text.split([' ', ',']).any(|word| word == part);
    report.diagnosis.ruled_out.iter().find(|ruled| {
        let candidate = &ruled.candidate;
        let part = if row.kind == ChangeKind::Deploy { &row.after } else { &row.instance };
        let kind = match row.kind {
            ChangeKind::Deploy => "deploy",
            ChangeKind::Restart => "restart",
            ChangeKind::InstanceAdded => "new",
            ChangeKind::Commit => "commit",
            ChangeKind::Flag => "flag",
        };
        candidate.kind == CandidateKind::Change
            && candidate.service == row.service
            && candidate.name.starts_with(kind)
            && names(&candidate.name, part)
    })
}

/// What a mark says at length, for a tooltip.
pub(super) fn title(mark: &Mark, onset: Option<UnixNanos>) -> String {
    let relation = match onset.map(|onset| onset.since(mark.at)) {
        Some(before @ 1..) => format!(", {} before the onset", duration(before)),
        Some(after @ ..=-1) => format!(", {} after the onset", duration(after.saturating_neg())),
        _ => String::new(),
    };
    format!("{} at {}{relation}", mark.label, mark.at.clock())
}
