//! The top of the page: what broke, why, since when, what was done, did it work.
//!
//! Meant to be read in five seconds; everything it says is shown with its grounds further down.

use incident::{Conclusion, Report, Symptom};
use maud::{Markup, html};
use telemetry::UnixNanos;

use super::figures::{date, duration, fine_clock, interval_ms, interval_percent, ms, named, percent, shown};
use super::words;

/// The header of the page.
pub(super) fn header(report: &Report) -> Markup {
    html! {
        header.top {
            p.over { "Incident report " span.mono { (shown(&report.incident)) } }
            h1 { (named(&report.headline)) }
            p.chips {
                (words::conclusion(report.diagnosis.kind))
                @match &report.verification {
                    Some(summary) => (words::verdict(summary.verdict)),
                    None => (words::chip("dull", "\u{2013}", "nothing was tried")),
                }
            }
            dl.answers {
                (answer("What broke", broke(&report.diagnosis)))
                (answer("Why", why(&report.diagnosis)))
                (answer("Since", since(report)))
                (answer("Done", done(report)))
                (answer("Did it work?", worked(report)))
                (answer("Confidence", confidence(&report.diagnosis)))
            }
            p.times {
                "Alert " (clock(report.opened_at))
                " \u{2192} last record " (clock(report.closed_at))
                " \u{00B7} " strong { (duration(report.closed_at.since(report.opened_at))) }
                @if report.verification.is_some() { " from alert to verdict" } @else { " from alert to end" }
                " \u{00B7} engine computed for " strong { (ms(report.engine_ms.get())) }
                " \u{00B7} all times are UTC, " (date(report.opened_at))
            }
        }
    }
}

fn answer(question: &'static str, text: Markup) -> Markup {
    html! { div { dt { (question) } dd { (text) } } }
}

/// A point in time, for people and for machines.
pub(super) fn clock(at: UnixNanos) -> Markup {
    html! { time datetime=(at.rfc3339()) { (at.clock()) } }
}

fn broke(conclusion: &Conclusion) -> Markup {
    html! {
        @if let Some(symptom) = conclusion.symptoms.first() {
            strong { (named(&symptom.operation)) } " of " strong { (named(&symptom.service)) } ": "
            (words::signal(symptom.signal)) " " (figure(symptom, symptom.baseline.value.get()))
            " \u{2192} " strong { (figure(symptom, symptom.observed.value.get())) }
            @if conclusion.symptoms.len() > 1 {
                " and " a href="#symptoms" { (conclusion.symptoms.len() - 1) " more" }
            }
        } @else {
            "No symptom is recorded."
        }
    }
}

/// A value in the unit of its symptom.
pub(super) fn figure(symptom: &Symptom, value: f64) -> String {
    match symptom.signal {
        incident::AlertSignal::Latency => ms(value),
        incident::AlertSignal::Errors => percent(value),
        incident::AlertSignal::Throughput => format!("{value:.1} a second"),
    }
}

fn why(conclusion: &Conclusion) -> Markup {
    let Some(cause) = &conclusion.root_cause else {
        return html! { (named(&conclusion.statement)) };
    };
    html! {
        (named(&cause.statement))
        @if let Some(trigger) = &cause.trigger {
            br;
            "Set off by " strong {
                (words::change(trigger.change.kind)) " of " (named(&trigger.change.service))
                @if !trigger.change.after.is_empty() { " to " (shown(&trigger.change.after)) }
            }
            ", " (lead(trigger.before_onset_ns)) "."
        } @else {
            br; "No change explains it."
        }
        @if cause.component != incident::ComponentKind::Service {
            br;
            "It lies at or behind the " (cause.component.name()) " " strong { (named(&cause.service)) }
            @if !cause.seen_from.is_empty() {
                ", as seen from "
                (cause.seen_from.iter().take(6).map(|service| shown(service)).collect::<Vec<_>>().join(", "))
            }
            "."
        }
        @for factor in cause.factors.iter().take(4) {
            br;
            strong {
                @match factor.role {
                    incident::FactorRole::Contributing => "Beside it: ",
                    incident::FactorRole::Sustaining => "Kept up by: ",
                }
            }
            (named(&factor.statement))
        }
        @for further in conclusion.further_causes.iter().take(4) {
            br; strong { "And: " } (named(&further.statement))
        }
    }
}

/// How a change and the onset follow each other.
pub(super) fn lead(before_onset_ns: i64) -> String {
    match before_onset_ns {
        0.. => format!("{} before the onset", duration(before_onset_ns)),
        _ => {
            format!("{} after the onset, within the clock error", duration(before_onset_ns.saturating_neg()))
        }
    }
}

fn since(report: &Report) -> Markup {
    let Some(onset) = &report.diagnosis.onset else {
        return html! { "The onset could not be told." };
    };
    html! {
        strong { time datetime=(onset.at.rfc3339()) { (fine_clock(onset.at)) } }
        " between " (fine_clock(onset.earliest)) " and " (fine_clock(onset.latest))
        br; (date(onset.at)) " UTC"
        @let before_alert = report.opened_at.since(onset.at);
        @if before_alert > 0 { ", " (duration(before_alert)) " before the alert" }
    }
}

fn done(report: &Report) -> Markup {
    let actions = report.resolution.as_ref().map_or(&[][..], |resolution| &resolution.actions);
    let failed = report.resolution.as_ref().and_then(|resolution| resolution.failed.as_ref());
    let Some(first) = actions.first() else {
        return match failed {
            Some(why) => html! { strong { "Ended as failed: " } (shown(why)) },
            None => html! { "Nothing was done." },
        };
    };
    html! {
        @if let Some(why) = failed {
            strong { "Ended as failed: " } (shown(why)) br;
        }
        strong { (named(&first.spec)) } " on "
        (actions.iter().take(6).map(|action| named(&action.instance)).collect::<Vec<_>>().join(", "))
        @if actions.len() > 6 { " and " (actions.len() - 6) " more" }
        @for (name, value) in first.set.iter().take(4) {
            br; code { (shown(name)) "=" (shown(value)) }
            @if value.is_empty() { " (unset)" }
        }
        @if report.resolution.as_ref().is_some_and(|resolution| resolution.was_undone) {
            br; strong { "Taken back." }
        }
        @if let Some(why) = report.resolution.as_ref().and_then(|resolution| resolution.not_undone.as_ref()) {
            br; strong { "Attention: " } (shown(why))
        }
    }
}

fn worked(report: &Report) -> Markup {
    let Some(summary) = &report.verification else {
        return html! { "Not measured: nothing was tried." };
    };
    html! {
        (words::meaning(summary.verdict))
        @if let Some(difference) = &summary.difference_ms {
            br; strong { (interval_ms(difference)) } " against the control"
            @if let Some(relative) = &summary.relative { " (" (interval_percent(relative)) ")" }
            ", " (percent(difference.level.get())) " interval"
        } @else {
            br; "No interval could be computed."
        }
    }
}

fn confidence(conclusion: &Conclusion) -> Markup {
    html! {
        @match conclusion.confidence {
            Some(share) => {
                strong { (percent(share.get())) }
                " \u{2013} right in about " (format!("{:.0}", (share.get() * 100.0).min(99.0)))
                " of 100 cases like this, measured on labelled incidents"
            },
            None => { strong { "unmeasured" } " \u{2013} not calibrated, so no probability is given" },
        }
        @match conclusion.gaps.len() {
            0 => { br; "No gaps." }
            1 => { br; a href="#gaps" { "1 gap" } }
            count => { br; a href="#gaps" { (count) " gaps" } }
        }
    }
}
