//! Answers `state`: what things are at the end of the window, and what happened in it.
//!
//! Of each thing the latest row counts; one without a time was read when the alert was looked at. A kind that the
//! question does not know has no row.

use std::collections::BTreeMap;

use crate::answer::{StateKind, StateRow};
use crate::number::Num;
use crate::{Scope, UnixNanos, Window};

use super::tables::State;

/// Characters of a text shown.
const TEXT_CHARS_MAX: usize = 400;
/// Characters of an attribute shown.
const VALUE_CHARS_MAX: usize = 200;

pub(super) fn rows(states: &[State], window: Window, scope: &Scope) -> Vec<StateRow> {
    let operation = scope.operation.as_deref().unwrap_or_default();
    let mut events = Vec::new();
    let mut latest: BTreeMap<(StateKind, &str, &str, &str), StateRow> = BTreeMap::new();
    for state in states {
        let Some(kind) = StateKind::named(&state.kind) else { continue };
        let at = if state.at == UnixNanos(0) { window.to } else { state.at };
        if at > window.to || !scope.admits(&state.service, operation, &state.name) {
            continue;
        }
        let row = row(state, kind, at);
        if kind == StateKind::Event {
            if at >= window.from {
                events.push(row);
            }
            continue;
        }
        // Statements have no name but their text.
        let key = (kind, state.service.as_str(), state.name.as_str(), state.text.as_str());
        let key = if kind == StateKind::Statement { key } else { (key.0, key.1, key.2, "") };
        if latest.get(&key).is_none_or(|known| known.at <= at) {
            latest.insert(key, row);
        }
    }
    events.sort_by(|a, b| (a.at, &a.name, &a.text).cmp(&(b.at, &b.name, &b.text)));
    latest.into_values().chain(events).collect()
}

fn row(state: &State, kind: StateKind, at: UnixNanos) -> StateRow {
    let cut = |text: &str, max: usize| text.chars().take(max).collect::<String>();
    StateRow {
        at,
        since: state.since,
        kind,
        service: state.service.clone(),
        name: state.name.clone(),
        status: state.status.clone(),
        text: cut(&state.text, TEXT_CHARS_MAX),
        figures: state.figures.iter().map(|(name, value)| (name.clone(), Num::new(*value))).collect(),
        attributes: state
            .attributes
            .iter()
            .map(|(name, value)| (name.clone(), cut(value, VALUE_CHARS_MAX)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(kind: &str, name: &str, at: i64, status: &str) -> State {
        State {
            at: UnixNanos(at),
            kind: kind.to_owned(),
            service: "a".to_owned(),
            name: name.to_owned(),
            status: status.to_owned(),
            ..State::default()
        }
    }

    #[test]
    fn the_latest_of_each_thing_and_the_events_of_the_window_are_told() {
        let states = [
            state("pod", "a-1", 10, "Pending"),
            state("pod", "a-1", 20, "Running"),
            state("pod", "a-1", 99, "Failed"),
            state("node", "n", 0, "Ready"),
            state("event", "Pod/a-1", 5, "Failed"),
            state("event", "Pod/a-1", 15, "BackOff"),
            state("what", "x", 15, "?"),
        ];
        let window = Window::new(UnixNanos(10), UnixNanos(50));
        let told = rows(&states, window, &Scope::all());
        let said: Vec<(&str, i64)> = told.iter().map(|row| (row.status.as_str(), row.at.0)).collect();
        assert_eq!(said, [("Ready", 50), ("Running", 20), ("BackOff", 15)]);
        assert!(rows(&states, window, &Scope::service("b")).is_empty());
    }
}
