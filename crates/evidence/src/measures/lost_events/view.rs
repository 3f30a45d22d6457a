//! One row of `paths`, indexed: how often its events occur, together, and in which order.

use std::collections::BTreeMap;

use telemetry::UnixNanos;
use telemetry::answer::{PathEvent, PathEventKind, PathRow, Tally};

use super::ERROR_SEVERITY;

/// The place that stands for the beginning of the span; events follow from 1.
pub(super) const BEGIN: usize = 0;

/// Spans of one block that reached a place, and those of them that kept the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beat {
    pub(super) at: UnixNanos,
    pub(super) seen: u64,
    pub(super) kept: u64,
}

/// A row with its counts.
#[derive(Debug)]
pub(super) struct View<'a> {
    row: &'a PathRow,
    /// Of each place, how many spans reached it.
    counts: Vec<u64>,
    /// Of two places, how many spans reached both, the first one earlier.
    ordered: BTreeMap<(usize, usize), &'a [Tally]>,
    /// Of each place, how many others come before it.
    depths: Vec<usize>,
    law_min: f64,
}

fn sum(tallies: &[Tally]) -> u64 {
    tallies.iter().map(|tally| tally.count).sum()
}

impl<'a> View<'a> {
    pub(super) fn new(row: &'a PathRow, law_min: f64) -> Self {
        let mut counts = vec![sum(&row.spans)];
        counts.extend(row.events.iter().map(|event| sum(&event.spans)));
        let place = |index: u32| index as usize + 1;
        let ordered = row
            .pairs
            .iter()
            .map(|pair| ((place(pair.first), place(pair.then)), pair.spans.as_slice()))
            .collect();
        let mut view = Self { row, counts, ordered, depths: Vec::new(), law_min };
        let places = 0..view.counts.len();
        view.depths =
            places.clone().map(|to| places.clone().filter(|from| view.precedes(*from, to)).count()).collect();
        view
    }

    /// Share from which an event follows another one always.
    pub(super) fn law_min(&self) -> f64 {
        self.law_min
    }

    pub(super) fn row(&self) -> &'a PathRow {
        self.row
    }

    /// The places of all events.
    pub(super) fn events(&self) -> impl Iterator<Item = usize> + use<> {
        1..self.counts.len()
    }

    /// The places of error lines.
    pub(super) fn errors(&self) -> impl Iterator<Item = usize> + '_ {
        self.events().filter(|place| self.is_error(*place))
    }

    /// The beginning and the places of log lines that are no errors: what a place in the code is named after.
    pub(super) fn statements(&self) -> impl Iterator<Item = usize> + '_ {
        let is_line = |place: &usize| self.kind(*place) == PathEventKind::Log && !self.is_error(*place);
        std::iter::once(BEGIN).chain(self.events().filter(is_line))
    }

    fn event(&self, place: usize) -> Option<&'a PathEvent> {
        self.row.events.get(place.checked_sub(1)?)
    }

    pub(super) fn name(&self, place: usize) -> &'a str {
        self.event(place).map_or("", |event| &event.name)
    }

    pub(super) fn kind(&self, place: usize) -> PathEventKind {
        self.event(place).map_or(PathEventKind::Call, |event| event.kind)
    }

    pub(super) fn is_error(&self, place: usize) -> bool {
        self.event(place).is_some_and(|event| event.severity >= ERROR_SEVERITY)
    }

    pub(super) fn count(&self, place: usize) -> u64 {
        self.counts.get(place).copied().unwrap_or(0)
    }

    pub(super) fn depth(&self, place: usize) -> usize {
        self.depths.get(place).copied().unwrap_or(0)
    }

    fn in_order(&self, first: usize, then: usize) -> &'a [Tally] {
        self.ordered.get(&(first, then)).copied().unwrap_or_default()
    }

    /// Spans that reached both places.
    pub(super) fn both(&self, one: usize, other: usize) -> u64 {
        match (one, other) {
            (BEGIN, place) | (place, BEGIN) => self.count(place),
            _ => sum(self.in_order(one, other)) + sum(self.in_order(other, one)),
        }
    }

    /// Share of the spans that reached `one` which reached `other`, too.
    pub(super) fn share(&self, one: usize, other: usize) -> f64 {
        self.both(one, other) as f64 / self.count(one).max(1) as f64
    }

    /// Whether `cause` is there nearly always when `event` is.
    pub(super) fn is_law(&self, cause: usize, event: usize) -> bool {
        self.share(event, cause) >= self.law_min
    }

    /// Whether `first` comes before `then` in most of the spans that reached both.
    pub(super) fn precedes(&self, first: usize, then: usize) -> bool {
        if first == then || then == BEGIN {
            return false;
        }
        let before = if first == BEGIN { self.count(then) } else { sum(self.in_order(first, then)) };
        2 * before > self.both(first, then)
    }

    /// The place here of what stands at `place` in `other`.
    pub(super) fn find(&self, other: &View<'_>, place: usize) -> Option<usize> {
        let Some(wanted) = other.event(place) else { return Some(BEGIN) };
        let same = |event: &PathEvent| {
            (event.kind, &event.name, event.severity) == (wanted.kind, &wanted.name, wanted.severity)
        };
        self.row.events.iter().position(same).map(|index| index + 1)
    }

    /// By block: spans that reached what stands at `after` in `rules`, and those that reached `event`, too.
    pub(super) fn beats(&self, rules: &View<'_>, after: usize, event: usize) -> Vec<Beat> {
        let Some(after) = self.find(rules, after) else { return Vec::new() };
        let seen = match self.event(after) {
            Some(event) => &event.spans,
            None => &self.row.spans,
        };
        let Some(event) = self.find(rules, event) else { return beats(seen, &[]) };
        match self.event(event) {
            Some(whole) if after == BEGIN => beats(seen, &[&whole.spans]),
            _ => beats(seen, &[self.in_order(after, event), self.in_order(event, after)]),
        }
    }

    /// By block: spans, and those that did not reach `place`.
    pub(super) fn without(&self, place: usize) -> Vec<Beat> {
        let with = self.event(place).map(|event| event.spans.as_slice()).unwrap_or_default();
        let mut beats = beats(&self.row.spans, &[with]);
        for beat in &mut beats {
            beat.kept = beat.seen - beat.kept;
        }
        beats
    }
}

fn beats(seen: &[Tally], kept: &[&[Tally]]) -> Vec<Beat> {
    let in_block = |at: UnixNanos| {
        kept.iter().copied().flatten().filter(|tally| tally.at == at).map(|tally| tally.count).sum::<u64>()
    };
    seen.iter()
        .filter(|tally| tally.count > 0)
        .map(|tally| Beat { at: tally.at, seen: tally.count, kept: in_block(tally.at).min(tally.count) })
        .collect()
}
