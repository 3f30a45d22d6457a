//! An investigation while it runs: where it is, what it waits for, and everything it has said.

use maud::{Markup, html};
use orchestrator::Entry;
use orchestrator::log::Logged;
use remediation::channels::page::Asked;
use telemetry::{NoteKind, Stage};

use super::{Shell, bar, decision, entry, shell};
use crate::investigations::seen::Seen;
use crate::investigations::{Opened, has_concluded, seen};
use crate::page::figures::{named, shown};
use crate::page::header::clock;
use crate::page::words::{self, chip};

/// The page.
pub(crate) fn running(opened: &Opened, all: &[Seen], asked: Option<&Asked>, nonce: &str) -> String {
    let incident = &opened.report.incident;
    let last = all.last().map(|seen| seen.id.to_string()).unwrap_or_default();
    let content = html! {
        header.top {
            (bar())
            div #sofar { (so_far(opened)) }
        }
        main #main {
            p #said .visually-hidden role="status" {}
            section aria-labelledby="progress-title" {
                h2 #progress-title { "Where it is" }
                ol #progress .progress { (progress(&opened.logged)) }
            }
            div #decision { (decision::section(opened, asked)) }
            p #ended hidden { strong { "It has ended. " } a href={ "/investigations/" (incident) } { "Show the whole report" } }
            p #lost hidden { strong { "The stream was cut. " } a href={ "/investigations/" (incident) } { "Load the page again" } }
            noscript {
                p { "This is the state so far. " a href={ "/investigations/" (incident) } { "Load the page again" } " for more." }
            }
            section aria-labelledby="stream-title" {
                h2 #stream-title { "What it says" }
                ol #stream .stream { @for seen in all { (entry::markup(incident, seen)) } }
            }
        }
        footer.foot {
            p.when {
                "Each line is shown once it is durable in the journal. For programs: "
                a href={ "/api/v1/investigations/" (incident) "/records" } { "records" } ", "
                a href={ "/api/v1/investigations/" (incident) "/summary" } { "summary" } "."
            }
        }
    };
    let page = Shell {
        title: "Running",
        nonce,
        refresh: asked.is_none().then_some(5),
        events: Some(format!("/api/v1/investigations/{incident}/events?view=html&after={last}")),
        renew: None,
    };
    shell(&page, &content)
}

/// The pieces that the stream replaces, by the id of the element they stand in.
pub(crate) fn pieces(opened: &Opened, asked: Option<&Asked>) -> [(&'static str, String); 3] {
    [
        ("sofar", so_far(opened).into_string()),
        ("progress", progress(&opened.logged).into_string()),
        ("decision", decision::section(opened, asked).into_string()),
    ]
}

fn so_far(opened: &Opened) -> Markup {
    let report = &opened.report;
    let symptom = report.diagnosis.symptoms.first();
    let concluded = has_concluded(&opened.logged);
    html! {
        p.over { "Investigation " span.mono { (shown(&report.incident)) } }
        h1 {
            @if concluded { (named(&report.headline)) }
            @else if let Some(symptom) = symptom { (named(&seen::symptom_title(symptom))) }
            @else { "Something is wrong" }
        }
        p.chips {
            (chip("note", "\u{25B6}", "running"))
            @if concluded { (words::conclusion(report.conclusion)) }
            @if let Some(verdict) = last_verdict(&opened.logged) { (words::verdict(verdict)) }
        }
        @if concluded { p.statement { (named(&report.diagnosis.statement)) } }
        p.times {
            "Since the alert at " (clock(report.opened_at)) ", last record " (clock(report.closed_at))
            "; all times are UTC"
        }
    }
}

fn last_verdict(logged: &[Logged]) -> Option<incident::Verdict> {
    logged.iter().rev().find_map(|logged| match &logged.entry {
        Entry::Verification(record) => Some(record.verdict),
        _ => None,
    })
}

/// The seven stages and how far each is; a stage that is entered again is under way again.
fn progress(logged: &[Logged]) -> Markup {
    html! {
        @for stage in Stage::ALL {
            @let last = logged.iter().rev().find_map(|logged| match &logged.entry {
                Entry::Note(note) | Entry::Progress(note) if note.stage == stage => match note.kind {
                    NoteKind::Began | NoteKind::Ended | NoteKind::Failed => Some(note.kind),
                    _ => None,
                },
                _ => None,
            });
            @let (class, mark, word) = match last {
                None => ("idle", "\u{25CB}", "not yet"),
                Some(NoteKind::Ended) => ("done", "\u{2713}", "done"),
                Some(NoteKind::Failed) => ("failed", "\u{2717}", "failed"),
                Some(_) => ("now", "\u{25B6}", "now"),
            };
            li class=(class) aria-current=[(word == "now").then_some("step")] {
                span.name { (stage.title()) } " " span.state { span aria-hidden="true" { (mark) " " } (word) }
            }
        }
    }
}
