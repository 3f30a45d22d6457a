//! How the conclusion was reached: symptoms, hypotheses with their predictions, what was ruled out, and the gaps.
//!
//! Adds no judgement: statements, outcomes and numbers are the report's.

use std::collections::BTreeMap;

use incident::{Hypothesis, Measured, Report, RuledOut, Symptom};
use maud::{Markup, html};
use telemetry::Window;
use telemetry::number::Num;

use super::figures::{named, number, percent, shown};
use super::header::figure;
use super::words::{self, more};

const HYPOTHESES_MAX: usize = 40;
const LIST_MAX: usize = 120;

/// The section of symptoms.
pub(super) fn symptoms(report: &Report) -> Markup {
    let symptoms = &report.diagnosis.symptoms;
    html! {
        section #symptoms aria-labelledby="symptoms-title" {
            h2 #symptoms-title { "Symptoms" }
            p.lead { (named(&report.diagnosis.statement)) }
            @if symptoms.is_empty() {
                p.missing { "No symptoms are recorded." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Symptoms, scrolls sideways" {
                    table {
                        caption { "What was wrong, as seen from outside" }
                        thead { tr {
                            th scope="col" { "Operation" } th scope="col" { "Figure" }
                            th.n scope="col" { "Before" } th.n scope="col" { "Now" } th.n scope="col" { "q-value" }
                        } }
                        tbody { @for symptom in symptoms.iter().take(LIST_MAX) { (symptom_row(symptom)) } }
                    }
                }
                (more(symptoms.len(), LIST_MAX))
            }
        }
    }
}

fn symptom_row(symptom: &Symptom) -> Markup {
    let side = |measured: &Measured, window: Window| {
        html! {
            strong { (figure(symptom, measured.value.get())) }
            br;
            small { (measured.count) " requests" br; (window.from.clock()) " to " (window.to.clock()) }
        }
    };
    html! {
        tr {
            th scope="row" { (named(&symptom.operation)) br; small { (named(&symptom.service)) } }
            td { (words::signal(symptom.signal))  }
            td.n { (side(&symptom.baseline, symptom.baseline_window)) }
            td.n { (side(&symptom.observed, symptom.observed_window)) }
            td.n { (number(symptom.q_value.get())) }
        }
    }
}

/// The sections of hypotheses, of what was ruled out, and of gaps.
pub(super) fn sections(report: &Report) -> Markup {
    let conclusion = &report.diagnosis;
    html! {
        section #hypotheses aria-labelledby="hypotheses-title" {
            h2 #hypotheses-title { "Hypotheses" }
            @if conclusion.hypotheses.is_empty() {
                p.missing { "No hypothesis was formed." }
            } @else {
                p.lead { "Best first. The share says how much of the excess a candidate explains; it is no probability." }
                ol.ranked {
                    @for one in conclusion.hypotheses.iter().take(HYPOTHESES_MAX) { (hypothesis(report, one)) }
                }
                (more(conclusion.hypotheses.len(), HYPOTHESES_MAX))
            }
        }
        section #ruled-out aria-labelledby="ruled-out-title" {
            h2 #ruled-out-title { "Ruled out" }
            @if conclusion.ruled_out.is_empty() { p.missing { "Nothing was ruled out." } }
            @for one in conclusion.ruled_out.iter().take(LIST_MAX) { (ruled_out(report, one)) }
            (more(conclusion.ruled_out.len(), LIST_MAX))
        }
        (gaps(report))
    }
}

fn hypothesis(report: &Report, one: &Hypothesis) -> Markup {
    html! {
        li.card {
            h3 { (words::candidate(&one.candidate)) " " (words::status(one.status)) }
            p { (shown(&one.statement)) }
            p.share {
                meter min="0" max="1" value=(format!("{:.3}", one.score.get().clamp(0.0, 1.0)))
                    aria-label="share of the excess explained" {}
                " explains " strong { (percent(one.score.get())) } " of the excess"
            }
            @if one.predictions.is_empty() {
                p.missing { "It predicts nothing that was checked." }
            } @else {
                ul.predictions {
                    @for prediction in one.predictions.iter().take(LIST_MAX) {
                        li { (words::outcome(prediction.outcome)) " " (shown(&prediction.statement)) }
                    }
                }
            }
            (words::cited(report, "Evidence: ", &one.evidence))
        }
    }
}

fn ruled_out(report: &Report, one: &RuledOut) -> Markup {
    html! {
        div.card.out {
            h3 { (words::candidate(&one.candidate)) }
            p { (shown(&one.why)) " " small { "Rule " code { (shown(&one.rule)) } } }
            (numbers(&one.numbers, "Numbers of the check"))
            (words::cited(report, "Evidence: ", &one.evidence))
        }
    }
}

/// Numbers by name, the unit in the name.
pub(super) fn numbers(numbers: &BTreeMap<String, Num>, caption: &'static str) -> Markup {
    html! {
        @if !numbers.is_empty() {
            table.numbers {
                caption { (caption) }
                tbody {
                    @for (name, value) in numbers.iter().take(40) {
                        tr { th scope="row" { (shown(name)) } td.n { (number(value.get())) } }
                    }
                }
            }
            (more(numbers.len(), 40))
        }
    }
}

fn gaps(report: &Report) -> Markup {
    let gaps = &report.diagnosis.gaps;
    html! {
        section #gaps aria-labelledby="gaps-title" {
            h2 #gaps-title { "Gaps" }
            @if gaps.is_empty() {
                p { "None recorded." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Gaps, scrolls sideways" {
                    table {
                        caption { "What could not be looked at, and what it could change" }
                        thead { tr { th scope="col" { "Missing" } th scope="col" { "Could change" } } }
                        tbody {
                            @for gap in gaps.iter().take(LIST_MAX) {
                                tr { th scope="row" { (named(&gap.missing)) } td { (named(&gap.could_change)) } }
                            }
                        }
                    }
                }
                (more(gaps.len(), LIST_MAX))
            }
        }
    }
}
