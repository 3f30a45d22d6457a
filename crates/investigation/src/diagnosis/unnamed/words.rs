//! What candidates show, in sentences and as facts.

use evidence::measures::lost_events::{Break, BreakKind};
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

fn of_usage(one: &Usage) -> String {
    let limit = one.limit().map_or(String::new(), |limit| format!(" of {limit}"));
    let which = if one.instance.is_empty() { String::new() } else { format!(" ({})", one.instance) };
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
            Shown::Usage(usage) => prove_usage(ledger, whole, usage),
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

fn prove_usage(ledger: &mut Ledger, whole: &Whole, one: &Usage) -> Option<EvidenceId> {
    ledger.prove(Fact {
        kind: EvidenceKind::Saturation,
        statement: of_usage(one),
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
