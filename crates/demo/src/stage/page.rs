//! The page of the stage, made on the server: it works without its script, which only keeps the figures fresh.
//! It deliberately loads nothing from elsewhere, and shows nothing of the choice before the verdict.

use maud::{DOCTYPE, Markup, html};

use super::http::{Phase, Shown};
use super::{Choice, Outcome, Seal};
use crate::fault::Fault;
use crate::load::Figures;

pub(super) const STYLE: &str = include_str!("stage.css");
pub(super) const SCRIPT: &str = include_str!("stage.js");

/// What the page may do: its own style, script and figures, and its own form.
pub(super) fn policy() -> String {
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'"
        .to_owned()
}

pub(super) fn page(shown: &Shown) -> String {
    let phase = match shown.phase {
        Phase::Waiting => "waiting",
        Phase::Sealed => "sealed",
        Phase::Revealed => "revealed",
    };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "You break it \u{B7} Firstcause" }
                link rel="stylesheet" href="/stage.css";
                script src="/stage.js" defer {}
                @if shown.phase == Phase::Sealed { noscript { meta http-equiv="refresh" content="3"; } }
            }
            body data-phase=(phase) {
                main {
                    h1 { "You break it" }
                    p.lead {
                        "A real system runs under load. You choose what breaks. The engine that has to explain it is \
                         another process and is not told: your choice stays sealed here until its verdict is out."
                    }
                    (alive(shown.live.as_ref()))
                    @match shown.phase {
                        Phase::Waiting => (choices(shown.warm_in_s)),
                        Phase::Sealed => (sealed(shown)),
                        Phase::Revealed => (revealed(shown)),
                    }
                }
            }
        }
    };
    markup.into_string()
}

fn alive(live: Option<&Figures>) -> Markup {
    let text = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "\u{2013}".to_owned(),
    };
    html! {
        section aria-labelledby="alive" {
            h2 #alive { "The system, as its users see it" }
            dl.figures {
                div { dt { "Requests a second" } dd #rate { (text(live.map(|live| live.rate_per_s), 1)) } }
                div { dt { "Median, ms" } dd #p50 { (text(live.map(|live| live.p50_ms), 1)) } }
                div { dt { "99 of 100 within, ms" } dd #p99 { (text(live.map(|live| live.p99_ms), 0)) } }
                div { dt { "Failed, %" } dd #failed { (text(live.map(|live| live.failed * 100.0), 1)) } }
            }
            p.small { "From the load's own clock, over the last four seconds." }
        }
    }
}

fn choices(warm_in_s: u64) -> Markup {
    html! {
        section aria-labelledby="choose" {
            h2 #choose { "Choose what breaks" }
            p #warm role="status" {
                @if warm_in_s > 0 {
                    "The engine is learning what healthy looks like. Whatever you choose begins in "
                    (warm_in_s.max(9)) " s at the earliest."
                } @else { "Whatever you choose begins about ten seconds later." }
            }
            form method="post" action="/break" {
                p.strength {
                    label for="strength" { "Strength" }
                    input #strength type="range" name="strength" min="0.5" max="2" step="0.1" value="1";
                    output #strength-shown for="strength" { "1.0" }
                }
                div.faults {
                    button.surprise type="submit" name="fault" value="surprise" {
                        strong { "Surprise me" } span { "one of them; you will not know either" }
                    }
                    @for fault in Fault::available() {
                        button type="submit" name="fault" value=(fault.name()) {
                            strong { (fault.name().replace('_', " ")) } span { (fault.says()) }
                        }
                    }
                }
            }
        }
    }
}

fn commitment(text: Option<&str>) -> Markup {
    html! {
        p { "The commitment to your choice, written down before anything was deployed:" }
        p { code #commitment { (text.unwrap_or_default()) } }
    }
}

fn sealed(shown: &Shown) -> Markup {
    html! {
        section aria-labelledby="sealed" {
            h2 #sealed { "Sealed" }
            p role="status" { "Your choice is made. Waiting for what the engine says." }
            p.small { "Chosen " span #since { (shown.since_choice_s.unwrap_or_default()) } " s ago. \
                       Where a fix exists the engine also tries and proves it, which takes about a minute." }
            (commitment(shown.commitment.as_deref()))
        }
    }
}

fn revealed(shown: &Shown) -> Markup {
    let choice = shown.seal.as_ref().and_then(|seal| serde_json::from_str::<Choice>(&seal.choice).ok());
    html! {
        @if let (Some(outcome), Some(choice)) = (&shown.outcome, &choice) { (verdict(outcome, choice)) }
        section aria-labelledby="proof" {
            h2 #proof { "The seal" }
            (commitment(shown.commitment.as_deref()))
            @if let Some(seal) = &shown.seal { (opened(seal)) }
            @if let Some(trouble) = &shown.trouble { p.wrong { "Something went wrong here: " (trouble) } }
            p.small { "To play again, start the demo again." }
        }
    }
}

fn opened(seal: &Seal) -> Markup {
    html! {
        p {
            @if seal.holds() { "It is BLAKE3 of these two lines, one after the other, without a line end:" }
            @else { "It does not match what follows; the choice was exchanged." }
        }
        pre tabindex="0" aria-label="Nonce and choice" { (seal.nonce) "\n" (seal.choice) }
    }
}

fn verdict(outcome: &Outcome, choice: &Choice) -> Markup {
    let list = |names: Vec<String>| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let seconds = |value: Option<f64>| value.map_or("\u{2013}".to_owned(), |value| format!("{value:.1} s"));
    let truth = choice.causes.iter().map(|cause| cause.name.clone()).collect();
    html! {
        section aria-labelledby="verdict" {
            h2 #verdict { "The verdict" }
            p role="status" class=(if outcome.is_right { "right" } else { "wrong" }) {
                strong { (if outcome.is_right { "Right" } else { "Wrong" }) } ": " (outcome.headline)
            }
            div.scroll tabindex="0" role="region" aria-label="Truth and answer" {
                table {
                    thead { tr { td {} th scope="col" { "The truth" } th scope="col" { "The engine" } } }
                    tbody {
                        tr { th scope="row" { "What" } td { (choice.fault.replace('_', " ")) } td { (list(outcome.blamed.clone())) } }
                        tr { th scope="row" { "Where" } td { (list(truth)) } td { "found " (list(outcome.found.clone())) @if !outcome.missed.is_empty() { ", missed " (list(outcome.missed.clone())) } } }
                        tr { th scope="row" { "Alarm after the onset" } td {} td { (seconds(outcome.onset_to_alarm_s)) } }
                        tr { th scope="row" { "Last word after the onset" } td {} td { (seconds(outcome.onset_to_verdict_s)) } }
                        tr { th scope="row" { "Fix" } td {} td { (outcome.fix.clone().unwrap_or_else(|| "none tried".to_owned())) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(phase: Phase) -> Shown {
        Shown {
            phase,
            warm_in_s: 0,
            live: None,
            commitment: Some("c0ffee".to_owned()),
            since_choice_s: Some(3),
            trouble: None,
            seal: None,
            outcome: None,
        }
    }

    #[test]
    fn every_fault_has_a_button_and_a_sealed_page_names_none() {
        let waiting = page(&shown(Phase::Waiting));
        let sealed = page(&shown(Phase::Sealed));
        for fault in Fault::available() {
            assert!(waiting.contains(&format!("value=\"{}\"", fault.name())), "{fault}");
            assert!(fault == Fault::None || !sealed.contains(&fault.name().replace('_', " ")), "{fault}");
        }
        assert!(waiting.contains("Surprise me") && sealed.contains("c0ffee"));
    }
}
