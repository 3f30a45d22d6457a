//! What candidates show, in sentences and as facts.

use evidence::measures::error_lines::Lines;
use evidence::measures::lost_events::{Break, BreakKind};
use evidence::measures::request_metrics::{Figure, Rise};
use evidence::measures::saturation::Usage;
use incident::{EvidenceId, EvidenceKind};

use super::candidates::{Shown, Suspected};
use super::late;
use crate::ledger::{Fact, Ledger};
use crate::plan::Whole;

/// Facts of one candidate: the surest ones of each kind.
const FACTS_MAX: usize = 4;

/// The candidate in one sentence.
pub(super) fn text(one: &Suspected) -> String {
    match &one.best {
        Shown::Break(broken) => {
            let error = one.shown.iter().find_map(|shown| match shown {
                Shown::Break(other) if other.kind == BreakKind::NewError && is_same_place(broken, other) => {
                    Some(other)
                }
                _ => None,
            });
            let and = error.filter(|_| broken.kind == BreakKind::Lost);
            let and =
                and.map_or(String::new(), |error| format!("; `{}` is logged in its place", error.event));
            format!("{}{and}", of_break(broken))
        }
        Shown::Usage(usage) => of_usage(usage),
        Shown::Late(vote) => late::text(vote),
        Shown::Lines(lines) => of_lines(lines),
        Shown::Rise(rise) => of_rise(rise),
        Shown::Work(work) => work.text(),
    }
}

fn is_same_place(one: &Break, other: &Break) -> bool {
    one.operation == other.operation && one.callers == other.callers && one.place() == other.place()
}

fn of_break(one: &Break) -> String {
    let (service, operation) = (&one.service, &one.operation);
    let when = one.began.clock();
    let lost = one.bad.1 - one.bad.0;
    match one.kind {
        BreakKind::Lost => format!(
            "`{service}` no longer gets from {} in {operation}: {} of {} spans before did, and {lost} of {} since {when} UTC do not",
            spoken(&one.place()),
            one.good.0,
            one.good.1,
            one.bad.1
        ),
        BreakKind::NewError => format!(
            "`{service}` logs `{}` between {} in {operation}: {} of {} spans before, {lost} of {} since {when} UTC",
            one.event,
            one.place().replace(" -> ", " and "),
            one.good.1 - one.good.0,
            one.good.1,
            one.bad.1
        ),
    }
}

fn spoken(place: &str) -> String {
    place.replace(" -> ", " to ")
}

fn of_lines(one: &Lines) -> String {
    format!(
        "`{}` logs `{}`: {} of its {} lines since about {} UTC, at most {} of {} before",
        one.service,
        one.template,
        one.now.0,
        one.now.1,
        one.began.clock(),
        one.before.0,
        one.before.1
    )
}

fn which(one: &Usage) -> String {
    if one.instance.is_empty() { String::new() } else { format!(" ({})", one.instance) }
}

fn of_rise(one: &Rise) -> String {
    let usage = &one.usage;
    let what = match one.figure {
        Figure::Time => "takes longer for its requests",
        Figure::Failures => "fails more of its requests",
    };
    format!(
        "`{}`{} {what}, by its metrics alone: {} {}, at most {}; before {}, at most {}",
        usage.service,
        which(usage),
        usage.name(),
        short(usage.now),
        short(usage.peak),
        short(usage.normal),
        short(usage.most)
    )
}

/// Three digits, whatever the unit.
fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 1.0 {
        2
    } else {
        4
    };
    format!("{value:.digits$}")
}

fn of_usage(one: &Usage) -> String {
    let limit = one.limit().map_or(String::new(), |limit| format!(" of {limit}"));
    let which = which(one);
    format!(
        "`{}`{which} uses {}: {:.1}, at most {:.1}{limit}; before {:.1}, at most {:.1}",
        one.service,
        one.name(),
        one.now,
        one.peak,
        one.normal,
        one.most
    )
}

/// Seals what the candidate shows.
pub(super) fn prove(ledger: &mut Ledger, whole: &Whole, one: &Suspected) -> Vec<EvidenceId> {
    let mut facts = Vec::new();
    for shown in one.shown.iter().take(FACTS_MAX) {
        facts.extend(match shown {
            Shown::Break(broken) => prove_break(ledger, whole, broken),
            Shown::Usage(usage) => {
                prove_usage(ledger, whole, usage, (EvidenceKind::Saturation, of_usage(usage)))
            }
            Shown::Lines(lines) => prove_lines(ledger, whole, lines),
            Shown::Rise(rise) => {
                prove_usage(ledger, whole, &rise.usage, (EvidenceKind::MetricShift, of_rise(rise)))
            }
            Shown::Late(vote) => late::prove(ledger, whole, vote),
            Shown::Work(work) => work.prove(ledger, whole),
        });
    }
    facts
}

fn prove_break(ledger: &mut Ledger, whole: &Whole, one: &Break) -> Option<EvidenceId> {
    ledger.prove(Fact {
        kind: EvidenceKind::Structure,
        statement: of_break(one),
        numbers: &[
            ("kept_before", one.good.0 as f64),
            ("spans_before", one.good.1 as f64),
            ("kept_now", one.bad.0 as f64),
            ("spans_now", one.bad.1 as f64),
            ("p_value", one.p_value),
            ("q_value", one.q_value),
        ],
        questions: &[&whole.paths.0, &whole.paths.1],
        window: Some(whole.bad),
        trace: None,
    })
}

fn prove_usage(
    ledger: &mut Ledger,
    whole: &Whole,
    one: &Usage,
    (kind, statement): (EvidenceKind, String),
) -> Option<EvidenceId> {
    ledger.prove(Fact {
        kind,
        statement,
        numbers: &[
            ("level_before", one.normal),
            ("largest_before", one.most),
            ("level_now", one.now),
            ("largest_now", one.peak),
            ("log_growth_beyond_largest", one.growth),
            ("p_value", one.p_value),
            ("q_value", one.q_value),
        ],
        questions: &whole.series.iter().collect::<Vec<_>>(),
        window: Some(whole.bad),
        trace: None,
    })
}

fn prove_lines(ledger: &mut Ledger, whole: &Whole, one: &Lines) -> Option<EvidenceId> {
    let questions: Vec<_> = whole.logs.0.iter().chain([&whole.logs.1]).collect();
    ledger.prove(Fact {
        kind: EvidenceKind::ErrorLines,
        statement: of_lines(one),
        numbers: &[
            ("lines_before", one.before.0 as f64),
            ("all_lines_before", one.before.1 as f64),
            ("lines_now", one.now.0 as f64),
            ("all_lines_now", one.now.1 as f64),
            ("p_value", one.p_value),
            ("q_value", one.q_value),
        ],
        questions: &questions,
        window: Some(whole.bad),
        trace: None,
    })
}
