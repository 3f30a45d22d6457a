//! The question to a person: exactly what would be done, and the form to answer it.
//!
//! Every value stands in text or in a hidden field that the server compares; nothing here is a link to elsewhere.

use maud::{Markup, html};
use orchestrator::Entry;
use remediation::channels::page::Asked;

use crate::investigations::Opened;
use crate::page::figures::{named, shown};
use crate::page::words::chip;

/// Variables shown; an action of the inventory has a handful.
const VARIABLES_MAX: usize = 40;

/// The section; empty when nothing is asked.
pub(super) fn section(opened: &Opened, asked: Option<&Asked>) -> Markup {
    let Some(asked) = asked else { return html! {} };
    let action = &asked.action;
    html! {
        section.card.ask aria-labelledby="ask-title" {
            h2 #ask-title { (chip("warn", "!", "your decision")) " Restart " (named(&action.instance)) "?" }
            p { (named(&asked.because)) }
            dl.facts {
                dt { "Service" } dd { (named(&action.service)) }
                dt { "Instance" } dd { (named(&action.instance)) " alone; its siblings wait" }
                dt { "What" } dd { (named(&action.spec.replace('_', " "))) }
                dt { "Why" } dd { (named(&action.rationale)) }
                dt { "Reversible" } dd { @if action.is_reversible { "yes: the values before are kept" } @else { "no" } }
                dt { "Action" } dd.mono { (shown(&asked.digest)) }
            }
            (variables(opened, asked))
            (form(asked))
        }
    }
}

fn variables(opened: &Opened, asked: &Asked) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Variables, scrolls sideways" {
            table {
                caption { "Variables of the environment that the restart changes" }
                thead { tr { th scope="col" { "Variable" } th scope="col" { "Now" } th scope="col" { "Then" } } }
                tbody {
                    @for (name, value) in asked.action.set.iter().take(VARIABLES_MAX) {
                        tr {
                            th.mono scope="row" { (shown(name)) }
                            td { (before(opened, name)) }
                            td.mono { @if value.is_empty() { "(unset)" } @else { (shown(value)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What a variable was on an instance that was changed before this one; of this instance it is read when it is changed.
fn before(opened: &Opened, name: &str) -> Markup {
    let changed = opened.logged.iter().rev().find_map(|logged| match &logged.entry {
        Entry::Execution(done) => done.undo.get(name).map(|value| (done.instance.clone(), value.clone())),
        _ => None,
    });
    html! {
        @match changed {
            Some((instance, value)) => {
                code { (value.map_or_else(|| "(unset)".to_owned(), |value| shown(&value))) }
                " on " (named(&instance)) " before its change"
            },
            None => "as deployed; read and kept at the restart",
        }
    }
}

fn form(asked: &Asked) -> Markup {
    html! {
        form method="post" action={ "/investigations/" (asked.incident) "/approvals" } autocomplete="off" {
            input type="hidden" name="digest" value=(asked.digest);
            p.field #token-row {
                label for="token" { "Token, as printed on the terminal" }
                input #token type="password" name="token" required autocomplete="off";
            }
            p.field {
                label for="name" { "Your name, for the record (optional)" }
                input #name type="text" name="name" maxlength="40";
            }
            p.field {
                label for="comment" { "Comment (optional)" }
                textarea #comment name="comment" rows="2" maxlength="2000" {}
            }
            p.buttons {
                button.approve type="submit" name="decision" value="approve" { "\u{2713} Approve this action" }
                button.reject type="submit" name="decision" value="reject" { "\u{2717} Reject" }
                button type="submit" name="decision" value="comment" { "Only comment" }
            }
            p.when { "It can be answered once. The terminal and the file are asked as well; whoever answers first decides. Silence is a no." }
        }
    }
}
