//! The journal at the end of a served page: every record, readable, with the way to its exact bytes.

use maud::{Markup, html};

use super::live;
use super::words::{chip, more};
use crate::investigations::Status;
use crate::investigations::seen::Seen;

/// Entries shown; a journal of one incident has about a hundred.
const ENTRIES_MAX: usize = 2000;

/// What stands above the report.
pub(super) fn top(status: Status) -> Markup {
    html! {
        (live::bar())
        @match status {
            Status::CutOff => p.chips { (chip("warn", "!", "cut off: the process ended before the investigation did")) },
            Status::Running => p.chips { (chip("note", "\u{25B6}", "running")) },
            _ => {}
        }
    }
}

/// The section.
pub(super) fn section(incident: &str, all: &[Seen]) -> Markup {
    html! {
        section #journal aria-labelledby="journal-title" {
            h2 #journal-title { "Journal" }
            p.lead {
                (all.len()) " entries, in the order in which they were written. Each leads to its record, byte for byte. For programs: "
                a href={ "/api/v1/investigations/" (incident) "/records" } { "records" } ", "
                a href={ "/api/v1/investigations/" (incident) "/summary" } { "summary" } "."
            }
            details {
                summary { "Show the journal" }
                ol.stream { @for seen in all.iter().take(ENTRIES_MAX) { (live::entry_markup(incident, seen)) } }
                (more(all.len(), ENTRIES_MAX))
            }
        }
    }
}
