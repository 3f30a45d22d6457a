//! The seven stages: when each ran, for how long, and what it said.
//!
//! A stage that never began is named as such.

use incident::Report;
use incident::report::StageTime;
use maud::{Markup, html};
use telemetry::Stage;

use super::figures::{duration, shown};
use super::header::clock;
use super::words::{chip, more};

/// Notes shown for one stage.
const NOTES_MAX: usize = 60;

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #stages aria-labelledby="stages-title" {
            h2 #stages-title { "Stages" }
            ol.stages {
                @for stage in Stage::ALL {
                    @match report.stages.iter().find(|time| time.stage == stage) {
                        Some(time) => (ran(report, time)),
                        None => li.idle { h3 { (stage.title()) } p.when { "did not run" } },
                    }
                }
            }
        }
    }
}

fn ran(report: &Report, time: &StageTime) -> Markup {
    html! {
        li.failed[time.has_failed] {
            h3 { (time.stage.title()) }
            p.when {
                (clock(time.began_at)) ", " (offset(time.began_at.since(report.opened_at))) ", took " strong { (duration(time.ended_at.since(time.began_at))) }
                @if time.has_failed { " " (chip("bad", "\u{2717}", "failed")) }
            }
            @if !time.notes.is_empty() {
                ul.notes {
                    @for note in time.notes.iter().take(NOTES_MAX) { li { (shown(note)) } }
                }
                (more(time.notes.len(), NOTES_MAX))
            }
        }
    }
}

/// How far from the alert.
fn offset(nanos: i64) -> String {
    match nanos {
        0 => "at the alert".to_owned(),
        1.. => format!("{} after the alert", duration(nanos)),
        _ => format!("{} before the alert", duration(nanos.saturating_neg())),
    }
}
