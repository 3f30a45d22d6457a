//! Did it work: what was allowed and done, and each trial with its figures against its control.
//!
//! Computes no verdict and no interval: both are the report's. The dots are the report's seconds.

mod plots;

use incident::verification::ArmFigures;
use incident::{Action, ApprovalRecord, Report, Resolution, VerificationRecord};
use maud::{Markup, html};
use telemetry::Window;

use super::figures::{interval_ms, interval_percent, ms, named, ns, percent, rounded, shown};
use super::words::{self, more};

/// Trials, actions and approvals shown at most.
const TRIALS_MAX: usize = 24;

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #verification aria-labelledby="verification-title" {
            h2 #verification-title { "Action and verification" }
            @match &report.resolution {
                None => p.missing { "Nothing was done, so there is nothing to verify." },
                Some(resolution) => {
                    (actions(resolution))
                    (undo(resolution))
                    @for (index, record) in resolution.verifications.iter().take(TRIALS_MAX).enumerate() {
                        (trial(report, index, record))
                    }
                    (more(resolution.verifications.len(), TRIALS_MAX))
                    @if resolution.verifications.is_empty() {
                        p.missing { "No trial was measured." }
                    }
                },
            }
        }
    }
}

fn actions(resolution: &Resolution) -> Markup {
    let digests: Vec<String> =
        resolution.actions.iter().map(|action| action.digest().unwrap_or_default()).collect();
    let of_none = |approval: &&ApprovalRecord| !digests.contains(&approval.action_digest);
    html! {
        @if resolution.actions.is_empty() { p.missing { "No action was carried out." } }
        @for (action, digest) in resolution.actions.iter().zip(&digests).take(TRIALS_MAX) {
            div.card {
                h3 { (named(&action.spec)) " on " (named(&action.instance)) }
                p {
                    (shown(&action.rationale)) ". Profile " code { (named(&action.profile)) } ", service "
                    code { (named(&action.service)) } ", "
                    @if action.is_reversible { "reversible" } @else { strong { "not reversible" } } "."
                }
                (overrides(action))
                @let given: Vec<&ApprovalRecord> =
                    resolution.approvals.iter().filter(|approval| approval.action_digest == *digest).collect();
                @if given.is_empty() { p.missing { "No approval is recorded for this action." } }
                @for approval in given { (approval_line(approval)) }
                p.digest { "Action digest " code { (shown(digest)) } }
            }
        }
        (more(resolution.actions.len(), TRIALS_MAX))
        @for approval in resolution.approvals.iter().filter(of_none).take(TRIALS_MAX) {
            (approval_line(approval))
            p.digest { "for an action not carried out, digest " code { (shown(&approval.action_digest)) } }
        }
    }
}

fn overrides(action: &Action) -> Markup {
    html! {
        @if action.set.is_empty() {
            p { "No variable was set." }
        } @else {
            ul.overrides {
                @for (name, value) in action.set.iter().take(40) {
                    li {
                        code { (shown(name)) "=" (shown(value)) }
                        @if value.is_empty() { " (unset)" }
                    }
                }
            }
            (more(action.set.len(), 40))
        }
    }
}

fn approval_line(approval: &ApprovalRecord) -> Markup {
    html! {
        p.approval {
            @if approval.is_granted { (words::chip("good", "\u{2713}", "approved")) }
            @else { (words::chip("bad", "\u{2717}", "refused")) }
            " by " code { (named(&approval.principal)) }
            @if !approval.comment.is_empty() { ": " (shown(&approval.comment)) }
        }
    }
}

fn undo(resolution: &Resolution) -> Markup {
    let reversible = resolution.actions.iter().filter(|action| action.is_reversible).count();
    html! {
        @if !resolution.actions.is_empty() {
            p.undo {
                strong { "Undo: " }
                @if let Some(why) = &resolution.not_undone {
                    strong { "attention: " } (shown(why)) " "
                }
                @if resolution.was_undone {
                    "an action was taken back; the journal holds the values that were restored."
                } @else {
                    "nothing was taken back. "
                    (reversible) " of " (resolution.actions.len()) " actions can be; the values from before are in the "
                    "journal."
                }
            }
        }
    }
}

fn trial(report: &Report, index: usize, record: &VerificationRecord) -> Markup {
    let role = if index == 0 { " (canary)" } else { "" };
    html! {
        div.card {
            h3 { "Trial " (index + 1) (role) ": " (named(&record.trial.treated)) " " (words::verdict(record.verdict)) }
            p { (shown(&record.statement)) }
            p.when {
                "Measured: " (named(&record.trial.operation)) " of " (named(&record.trial.service)) ". Control: "
                @if record.trial.controls.is_empty() { "none" }
                (record.trial.controls.iter().take(8).map(|name| named(name)).collect::<Vec<_>>().join(", "))
                ". Before " (span(record.trial.before)) "; ready " (record.trial.ready_at.clock())
                "; after " (span(record.after)) "."
            }
            div.plots {
                (plots::strips(report, index, record))
                (plots::difference(index, record))
            }
            (figures(record))
        }
    }
}

fn span(window: Window) -> String {
    format!("{} to {}", window.from.clock(), window.to.clock())
}

fn figures(record: &VerificationRecord) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Figures of the trial, scrolls sideways" {
            table {
                caption { "Figures before and after" }
                thead { tr {
                    th scope="col" { "Arm" } th.n scope="col" { "Requests" } th.n scope="col" { "Errors" }
                    th.n scope="col" { "Seconds" } th.n scope="col" { "Mean" } th.n scope="col" { "p50" }
                    th.n scope="col" { "p95" }
                } }
                tbody {
                    (arm("Treated, before", &record.treated_before))
                    (arm("Treated, after", &record.treated_after))
                    (arm("Control, before", &record.control_before))
                    (arm("Control, after", &record.control_after))
                }
            }
        }
        ul.facts-list {
            @if let Some(difference) = &record.difference_ms {
                li { "Difference in differences of the mean: " strong { (interval_ms(difference)) } ", "
                    (percent(difference.level.get())) " interval; negative is better" }
            }
            @if let Some(relative) = &record.relative {
                li { "As a share of the latency before: " strong { (interval_percent(relative)) } }
            }
            @if record.difference_ms.is_none() { li { "No difference in differences could be computed." } }
            li { "Improvement of the treated instance alone: "
                strong { (rounded(record.improvement_percent.get())) " %" } }
            li { "Median before the incident: " strong { (ns(record.trial.healthy_p50_ns)) } }
        }
    }
}

fn arm(name: &'static str, figures: &ArmFigures) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            td.n { (figures.count) } td.n { (figures.errors) } td.n { (figures.seconds) }
            td.n { (ms(figures.mean_ms.get())) } td.n { (ms(figures.p50_ms.get())) } td.n { (ms(figures.p95_ms.get())) }
        }
    }
}
