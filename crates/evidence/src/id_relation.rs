//! Which field of the logs is the id of a message, by how its values go with trace ids; and what belongs to what.
//!
//! Nothing is known by name: a field is an id of messages when its values look like ids, are many, lie in one trace each, and come up
//! again in further records. So a field called `msgId` is found, and a user (several traces), a route (few values) and the
//! span's own id (no second service speaks of it) are not. The relation is asked in both directions.
//! Stated rate: none of the null sets, whose values are drawn without regard to traces, relates.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::TraceId;

/// Values that a field must have.
const VALUES_MIN: usize = 3;
/// Share of its values that lie in one trace.
const ONE_TRACE_MIN: f64 = 0.95;
/// Share of its values that come up in the records of a second service.
const AGAIN_MIN: f64 = 0.5;
/// Least length of an id.
const ID_CHARS_MIN: usize = 3;

/// One log record: who wrote it, in which trace, and its fields.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// `service.name`.
    pub service: &'a str,
    /// The trace it was written in.
    pub trace: Option<TraceId>,
    /// Its fields, by name.
    pub fields: &'a [(&'a str, &'a str)],
}

/// A field whose values belong to one trace each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdRelation {
    /// The field.
    pub field: String,
    /// Values in several traces: these could not be told.
    pub ambiguous: usize,
    traces: BTreeMap<String, TraceId>,
}

impl IdRelation {
    /// The trace in which a message was spoken of.
    #[must_use]
    pub fn trace_of(&self, message: &str) -> Option<TraceId> {
        self.traces.get(message).copied()
    }

    /// The messages that a trace speaks of, sorted.
    #[must_use]
    pub fn messages_of(&self, trace: TraceId) -> Vec<&str> {
        self.traces.iter().filter(|(_, of)| **of == trace).map(|(message, _)| message.as_str()).collect()
    }

    /// Messages whose trace is known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }
}

#[derive(Default)]
struct Seen<'a> {
    traces: BTreeSet<TraceId>,
    services: BTreeSet<&'a str>,
}

/// The fields that relate messages to traces, those with most messages first, then by name.
#[must_use]
pub fn relations(records: &[Record<'_>]) -> Vec<IdRelation> {
    let mut fields: BTreeMap<&str, BTreeMap<&str, Seen<'_>>> = BTreeMap::new();
    for record in records {
        for (field, value) in record.fields.iter().filter(|(_, value)| is_id(value)) {
            let seen = fields.entry(field).or_default().entry(value).or_default();
            seen.traces.extend(record.trace);
            seen.services.insert(record.service);
        }
    }
    let mut found: Vec<IdRelation> =
        fields.into_iter().filter_map(|(field, values)| relation(field, &values)).collect();
    found.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.field.cmp(&b.field)));
    found
}

fn relation(field: &str, values: &BTreeMap<&str, Seen<'_>>) -> Option<IdRelation> {
    let traced = || values.iter().filter(|(_, seen)| !seen.traces.is_empty());
    let count = traced().count();
    let distinct: BTreeSet<&TraceId> = values.values().flat_map(|seen| &seen.traces).collect();
    let again = traced().filter(|(_, seen)| seen.services.len() > 1).count();
    // A trace id written into a field says nothing new.
    let is_trace_id =
        traced().any(|(value, seen)| seen.traces.iter().any(|trace| trace.to_string() == **value));
    let traces: BTreeMap<String, TraceId> = traced()
        .filter(|(_, seen)| seen.traces.len() == 1)
        .filter_map(|(value, seen)| Some(((*value).to_owned(), *seen.traces.first()?)))
        .collect();
    let is_related = count >= VALUES_MIN
        && distinct.len() >= VALUES_MIN
        && !is_trace_id
        && traces.len() as f64 >= ONE_TRACE_MIN * count as f64
        && again as f64 >= AGAIN_MIN * count as f64;
    is_related.then(|| IdRelation { field: field.to_owned(), ambiguous: count - traces.len(), traces })
}

/// Whether a value could be an id: long enough, one word, with a digit in it.
fn is_id(value: &str) -> bool {
    value.chars().count() >= ID_CHARS_MIN
        && !value.contains(char::is_whitespace)
        && value.contains(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::Seeded;

    fn trace(number: u8) -> TraceId {
        TraceId([number; 16])
    }

    type Line = (&'static str, Option<TraceId>, Vec<(&'static str, String)>);

    fn relations_of(lines: &[Line]) -> Vec<IdRelation> {
        let fields: Vec<Vec<(&str, &str)>> = lines
            .iter()
            .map(|(_, _, fields)| fields.iter().map(|(name, value)| (*name, value.as_str())).collect())
            .collect();
        let records: Vec<Record<'_>> = lines
            .iter()
            .zip(&fields)
            .map(|((service, trace, _), fields)| Record { service, trace: *trace, fields })
            .collect();
        relations(&records)
    }

    fn lines() -> Vec<Line> {
        (1..=10_u8)
            .flat_map(|number| {
                let fields = |span: u8| {
                    vec![
                        ("msgId", format!("m-{number}")),
                        ("user", format!("u{}", number % 3)),
                        ("route", "/v1/orders".to_owned()),
                        ("span_id", format!("{number:08x}{span:08x}")),
                        ("trace", trace(number).to_string()),
                    ]
                };
                [
                    ("sender", Some(trace(number)), fields(1)),
                    ("taker", Some(trace(number)), fields(2)),
                    ("audit", None, vec![("msgId", format!("m-{number}"))]),
                ]
            })
            .collect()
    }

    // covers: AW-23
    #[test]
    fn a_field_called_anything_is_found_by_how_its_values_lie_and_works_both_ways() {
        let found = relations_of(&lines());
        let names: Vec<&str> = found.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(names, ["msgId"]);
        assert_eq!(found[0].trace_of("m-4"), Some(trace(4)));
        assert_eq!(found[0].messages_of(trace(7)), ["m-7"]);
        assert_eq!((found[0].trace_of("m-99"), found[0].len(), found[0].ambiguous), (None, 10, 0));
    }

    #[test]
    fn a_message_that_was_sent_twice_is_told_as_ambiguous_and_not_guessed() {
        let mut lines = lines();
        for number in 11..=40_u8 {
            let fields = || vec![("msgId", format!("m-{number}"))];
            lines.push(("sender", Some(trace(number)), fields()));
            lines.push(("taker", Some(trace(number)), fields()));
        }
        lines.push(("taker", Some(trace(2)), vec![("msgId", "m-1".to_owned())]));
        let found = relations_of(&lines);
        assert_eq!((found[0].ambiguous, found[0].trace_of("m-1")), (1, None));
    }

    // covers: AW-23
    #[test]
    fn values_without_regard_to_traces_never_relate() {
        for seed in 1..=200 {
            let mut noise = Seeded(seed);
            let lines: Vec<Line> = (0..60)
                .map(|_| {
                    let (value, of) = (noise.next() % 15, (noise.next() % 20) as u8);
                    let service = if noise.uniform() < 0.5 { "a" } else { "b" };
                    (service, Some(trace(of)), vec![("id", format!("x{value:03}"))])
                })
                .collect();
            assert!(relations_of(&lines).is_empty(), "seed {seed}");
        }
        assert!(relations(&[]).is_empty());
    }
}
