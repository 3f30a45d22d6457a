//! The live pages: the list with the system's health, and an investigation while it runs.
//!
//! The server writes all of the HTML; the one script puts in what the server sends later, and without it the page
//! shows the state so far. All text that comes from telemetry passes `figures::shown` and the templates' escaping.

mod decision;
mod entry;
mod home;
mod running;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(crate) use entry::markup as entry_markup;
pub(crate) use entry::{entry, spoken};
pub(crate) use home::{Home, home};
pub(crate) use running::{pieces, running};

use super::STYLE;
use super::words;

pub(super) const LIVE_STYLE: &str = include_str!("live/live.css");
const SCRIPT: &str = include_str!("live/live.js");

/// What a live page may do: style itself, run the script with the nonce, ask its own server, send its own form.
pub(crate) fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// What stands around every live page.
struct Shell<'a> {
    title: &'a str,
    nonce: &'a str,
    /// Seconds after which a browser without script asks again; none while somebody may be typing.
    refresh: Option<u32>,
    /// The stream that the script follows.
    events: Option<String>,
    /// What the script puts in anew every few seconds.
    renew: Option<&'static str>,
}

fn shell(shell: &Shell<'_>, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                link rel="icon" href="data:,";
                title { (super::figures::clipped(shell.title, 120)) " \u{00B7} Firstcause" }
                @if let Some(seconds) = shell.refresh {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
                style { (PreEscaped(STYLE)) (PreEscaped(LIVE_STYLE)) }
            }
            body data-events=[shell.events.as_ref()] data-renew=[shell.renew] {
                a.skip href="#main" { "Skip to the content" }
                (content)
                script nonce=(shell.nonce) { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The line at the top that leads to the list.
pub(super) fn bar() -> Markup {
    html! {
        nav.wayback aria-label="Firstcause" { a href="/" { strong { "Firstcause" } " \u{00B7} all investigations" } }
    }
}

/// A page that says why a word did not count.
pub(crate) fn refused(why: &str, back: &str, nonce: &str) -> String {
    let content = html! {
        header.top { (bar()) h1 { "This did not count" } }
        main #main {
            p { (words::chip("bad", "\u{2717}", "nothing happened")) }
            p { (super::figures::shown(why)) }
            p { a href=(back) { "Back to the investigation" } }
        }
    };
    shell(&Shell { title: "Not counted", nonce, refresh: None, events: None, renew: None }, &content)
}
