//! The records at the end of the page: changes, evidence, and how to check all of it.
//!
//! Each fact has an address on the page, which is its id.

use incident::{Evidence, Report};
use maud::{Markup, html};
use telemetry::answer::ChangeRow;

use super::figures::{duration, named, shown};
use super::header::clock;
use super::reasoning::numbers;
use super::timeline::{role, ruled_out};
use super::words::{self, EVIDENCE_MAX, more};

const CHANGES_MAX: usize = 200;

/// The section of changes.
pub(super) fn changes(report: &Report) -> Markup {
    html! {
        section #changes aria-labelledby="changes-title" {
            h2 #changes-title { "Changes" }
            @if report.changes.is_empty() {
                p.missing { "No change was seen in the window looked at." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Changes, scrolls sideways" {
                    table {
                        caption { "Changes seen in the window looked at" }
                        thead { tr {
                            th scope="col" { "Time" } th scope="col" { "Change" } th scope="col" { "Where" }
                            th scope="col" { "Before" } th scope="col" { "Now" } th scope="col" { "Role" }
                        } }
                        tbody { @for row in report.changes.iter().take(CHANGES_MAX) { (change(report, row)) } }
                    }
                }
                (more(report.changes.len(), CHANGES_MAX))
            }
        }
    }
}

fn change(report: &Report, row: &ChangeRow) -> Markup {
    let before_ns = report.diagnosis.onset.map(|onset| onset.at.since(row.at));
    html! {
        tr {
            th scope="row" {
                (clock(row.at))
                @if let Some(before_ns) = before_ns {
                    br;
                    small {
                        (duration(before_ns.saturating_abs()))
                        @if before_ns >= 0 { " before the onset" } @else { " after the onset" }
                    }
                }
            }
            td { (words::change(row.kind)) }
            td { (named(&row.service)) br; small { @if row.instance.is_empty() { "all instances" } (shown(&row.instance)) } }
            td { @if row.before.is_empty() { "unknown" } (shown(&row.before)) }
            td { (shown(&row.after)) }
            td {
                @match role(report, row).0 {
                    "trigger" => (words::chip("strong", "\u{25CE}", "trigger")),
                    "ruled" => {
                        (words::chip("dull", "\u{2013}", "ruled out"))
                        @if let Some(ruled) = ruled_out(report, row) { br; small { (shown(&ruled.why)) } }
                    },
                    _ => "seen",
                }
            }
        }
    }
}

/// Queries of a back end that are shown with a fact.
const LOCATORS_MAX: usize = 6;

/// The section of evidence.
pub(super) fn evidence(report: &Report) -> Markup {
    let facts = &report.diagnosis.evidence;
    html! {
        section #evidence aria-labelledby="evidence-title" {
            h2 #evidence-title { "Evidence" }
            @if let Some(cause) = &report.diagnosis.root_cause {
                (words::cited(report, "The root cause rests on ", &cause.evidence))
            }
            @if facts.is_empty() { p.missing { "No evidence is recorded." } }
            @for (index, fact) in facts.iter().take(EVIDENCE_MAX).enumerate() {
                // A hostile report may say an id twice; an address leads to the first.
                @let anchor = words::anchor(&fact.id);
                @let is_first = !facts.iter().take(index).any(|other| words::anchor(&other.id) == anchor);
                (item(fact, is_first.then_some(anchor)))
            }
            (more(facts.len(), EVIDENCE_MAX))
        }
    }
}

fn item(fact: &Evidence, anchor: Option<String>) -> Markup {
    let questions: Vec<String> = fact.questions.iter().take(24).map(|id| shown(&id.to_string())).collect();
    html! {
        article.card.fact id=[anchor] {
            h3 { span.mono { (shown(&fact.id.0)) } " " small { (words::measure(fact.kind)) } }
            p { (named(&fact.statement)) }
            (numbers(&fact.numbers, "Numbers"))
            p.when {
                "Source " code { (named(&fact.source.0)) }
                @if questions.is_empty() { ", no question" } @else { ", questions " (questions.join(", ")) }
                @if fact.questions.len() > 24 { " and " (fact.questions.len() - 24) " more" }
                @if let Some(window) = fact.window { ", window " (window.from.clock()) " to " (window.to.clock()) }
                @if let Some(trace) = fact.trace { ", trace " code { (trace.to_string()) } }
            }
            @for locator in fact.locators.iter().take(LOCATORS_MAX) {
                p.when { "Asked " code { (shown(&locator.query)) } " at " code { (shown(&locator.link)) } }
            }
        }
    }
}

/// The foot of the page.
pub(super) fn footer(report: &Report) -> Markup {
    html! {
        footer.foot #record aria-labelledby="record-title" {
            h2 #record-title { "Check it yourself" }
            dl.facts {
                dt { "Incident" } dd.mono { (named(&report.incident)) }
                dt { "Space" } dd.mono { (report.space.as_str()) }
                dt { "Schema" } dd.mono { (named(&report.schema)) }
                dt { "Journal head" } dd.mono { (named(&report.journal_head)) }
            }
            p { "That the journal is whole, and that it ends where this page says:" }
            pre tabindex="0" { code { "firstcause journal verify --head " (shown(&report.journal_head)) " FILE" } }
            p { "That the recorded answers give this conclusion again:" }
            pre tabindex="0" { code { "firstcause journal replay FILE" } }
            p.when { "FILE is the journal of this incident. This page asks for nothing from anywhere." }
        }
    }
}
