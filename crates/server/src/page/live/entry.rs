//! One record as an entry of the stream: when, what it is, the sentence, and its numbers.

use maud::{Markup, html};
use telemetry::NoteKind;

use crate::investigations::seen::Seen;
use crate::page::figures::{clipped, number, shown};
use crate::page::words::chip;

/// Numbers of one entry.
const NUMBERS_MAX: usize = 40;
/// Facts that one entry cites.
const CITED_MAX: usize = 24;
/// A summary in words is longer than a sentence.
const TEXT_MAX: usize = 4000;

/// The entry as HTML.
pub(crate) fn entry(incident: &str, seen: &Seen) -> String {
    markup(incident, seen).into_string()
}

pub(crate) fn markup(incident: &str, seen: &Seen) -> Markup {
    let is_minor = matches!(seen.kind.as_str(), "question" | "answered") || is_bare_end(seen);
    let is_stage = seen.note == Some(NoteKind::Began);
    let (class, mark) = mark(seen);
    let is_long = seen.record_type.ends_with("_md");
    html! {
        li #{ "r" (seen.id) } .entry.minor[is_minor].stage[is_stage].key[is_key(seen)] {
            p.meta {
                time datetime=(seen.at.rfc3339()) { (seen.at.clock()) } " "
                (chip(class, mark, seen.shown_as))
            }
            @if is_long {
                pre tabindex="0" { (clipped_lines(&seen.text)) }
            } @else {
                p.text { (shown(&seen.text)) }
            }
            @if !seen.numbers.is_empty() || !seen.evidence.is_empty() { (numbers(seen)) }
            p.where {
                a href={ "/api/v1/investigations/" (incident) "/records/" (seen.id.seq) } {
                    "record " (seen.id) span.kind { " " (seen.kind) }
                }
            }
        }
    }
}

fn is_bare_end(seen: &Seen) -> bool {
    seen.note == Some(NoteKind::Ended) && seen.text.ends_with("has ended")
}

/// What a reader must not overlook.
fn is_key(seen: &Seen) -> bool {
    matches!(
        seen.record_type,
        "finding" | "FINDING" | "mitigation_summary" | "message" | "symptom" | "SUGGESTION"
    )
}

fn numbers(seen: &Seen) -> Markup {
    html! {
        details {
            summary { (seen.numbers.len()) " numbers" @if !seen.evidence.is_empty() { ", rests on " (seen.evidence.len()) } }
            dl.facts {
                @for (name, value) in seen.numbers.iter().take(NUMBERS_MAX) {
                    dt { (shown(&name.replace('_', " "))) } dd { (number(value.get())) }
                }
                @if !seen.evidence.is_empty() {
                    dt { "evidence" }
                    dd.mono { (seen.evidence.iter().take(CITED_MAX).map(|id| shown(id)).collect::<Vec<_>>().join(" ")) }
                }
            }
        }
    }
}

/// Lines stay lines; everything else that could move text is made visible.
fn clipped_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(shown).collect();
    let text = lines.join("\n");
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}\u{2026}", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The class and mark of an entry; the word beside it says the same.
fn mark(seen: &Seen) -> (&'static str, &'static str) {
    match (seen.shown_as, seen.note) {
        (_, Some(NoteKind::Failed)) => ("bad", "\u{2717}"),
        (_, Some(NoteKind::Gap)) => ("warn", "?"),
        (_, Some(NoteKind::RuledOut)) => ("dull", "\u{2013}"),
        ("Root cause", _) => ("strong", "\u{25CE}"),
        ("Finding", _) => ("note", "\u{2022}"),
        ("User request", _) => ("warn", "!"),
        ("Planning", _) => ("note", "\u{25B8}"),
        ("Fetching data", _) => ("dull", "\u{2193}"),
        ("Observation", _) => ("good", "\u{25CB}"),
        _ => ("dull", "\u{2022}"),
    }
}

/// What a screen reader is told without being asked: stages, the conclusion, decisions, verdicts. Not every record.
pub(crate) fn spoken(seen: &Seen) -> Option<String> {
    let is_spoken = seen.note == Some(NoteKind::Began)
        || seen.note == Some(NoteKind::Failed)
        || matches!(seen.record_type, "finding" | "FINDING" | "message" | "mitigation_summary");
    is_spoken.then(|| clipped(&seen.text, 300))
}
