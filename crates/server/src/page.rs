//! The page of a report: one HTML file that asks for nothing and runs nothing.
//!
//! Deliberately without script, font, image or link to elsewhere. All text of the report is foreign: it is made
//! visible by `figures::shown` and escaped by the templates, and stands only in elements and in `id` and `href`
//! that hold letters, digits and underscores. Reasons nothing: every sentence and figure is the report's.

mod figures;
mod header;
mod journal;
pub(crate) mod live;
mod reasoning;
mod records;
mod scale;
mod service_map;
mod stages;
mod timeline;
mod verification;
mod waterfall;
mod words;

use incident::Report;

use crate::investigations::Status;
use crate::investigations::seen::Seen;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What the page may do: style itself.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("page/style.css");

/// The sections and their names, in order.
const CONTENTS: [(&str, &str); 11] = [
    ("#timeline", "Timeline"),
    ("#symptoms", "Symptoms"),
    ("#verification", "Action and verification"),
    ("#stages", "Stages"),
    ("#map", "Service map"),
    ("#traces", "Traces"),
    ("#hypotheses", "Hypotheses"),
    ("#ruled-out", "Ruled out"),
    ("#gaps", "Gaps"),
    ("#changes", "Changes"),
    ("#evidence", "Evidence"),
];

/// The page of `report`: one self-contained HTML file.
#[must_use]
pub fn report(report: &Report) -> String {
    page(report, &Around::default()).into_string()
}

/// The same page where it is served: with the way to the list, how far the investigation is, and its journal.
pub(crate) fn with_journal(report: &Report, status: Status, all: &[Seen]) -> String {
    let around = Around { top: journal::top(status), journal: Some(journal::section(&report.incident, all)) };
    page(report, &around).into_string()
}

/// What a served page has besides the report.
#[derive(Default)]
struct Around {
    top: Markup,
    journal: Option<Markup>,
}

fn page(report: &Report, around: &Around) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (figures::clipped(&report.headline, 120)) " \u{00B7} " (figures::shown(&report.incident)) }
                style { (PreEscaped(STYLE)) @if around.journal.is_some() { (PreEscaped(live::LIVE_STYLE)) } }
                @if around.journal.is_some() { link rel="icon" href="data:,"; }
            }
            body {
                a.skip href="#main" { "Skip to the timeline" }
                (around.top)
                (header::header(report))
                nav aria-label="Sections" {
                    ul {
                        @for (place, name) in CONTENTS { li { a href=(place) { (name) } } }
                        @if around.journal.is_some() { li { a href="#journal" { "Journal" } } }
                    }
                }
                main #main {
                    (timeline::section(report))
                    (reasoning::symptoms(report))
                    (verification::section(report))
                    (stages::section(report))
                    (service_map::section(report))
                    (waterfall::section(report))
                    (reasoning::sections(report))
                    (records::changes(report))
                    (records::evidence(report))
                    @if let Some(journal) = &around.journal { (journal) }
                }
                (records::footer(report))
            }
        }
    }
}
