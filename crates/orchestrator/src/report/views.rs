//! The parts of a report that people look at: series, service map, traces, changes.

use std::collections::BTreeMap;

use evidence::series::MS_NS;
use incident::Conclusion;
use incident::report::{Call, Point, Series};
use telemetry::answer::{ChangeRow, EdgeRow, OnsetRow, TraceRow};
use telemetry::number::Num;
use telemetry::{QuestionId, Table};

use crate::entry::Entry;
use crate::log::Logged;

/// What a report shows beside its sentences.
pub(super) struct Views {
    pub(super) series: Vec<Series>,
    pub(super) changes: Vec<ChangeRow>,
    pub(super) service_map: Vec<Call>,
    pub(super) bad_trace: Option<Vec<TraceRow>>,
    pub(super) good_trace: Option<Vec<TraceRow>>,
}

pub(super) fn of(logged: &[Logged], conclusion: &Conclusion) -> Views {
    let mut traces = tables(logged, "trace").into_iter().filter_map(|table| match table {
        Table::Trace(rows) => Some(rows.clone()),
        _ => None,
    });
    Views {
        series: series(logged, conclusion),
        changes: changes(logged),
        service_map: service_map(logged),
        bad_trace: traces.next(),
        good_trace: traces.next(),
    }
}

/// The tables that answer questions of this name, in the order of the questions.
fn tables<'a>(logged: &'a [Logged], name: &str) -> Vec<&'a Table> {
    let asked: Vec<&QuestionId> = logged
        .iter()
        .filter_map(|logged| match &logged.entry {
            Entry::Question(question) if question.ask.name() == name => Some(&question.id),
            _ => None,
        })
        .collect();
    let answer_of = |id: &QuestionId| {
        logged.iter().find_map(|logged| match &logged.entry {
            Entry::Answered(answered) if answered.question == *id => answered.result.as_ref().ok(),
            _ => None,
        })
    };
    asked.into_iter().filter_map(|id| answer_of(id).map(|answer| &answer.table)).collect()
}

/// Every onset row that was answered; later answers about the same second replace earlier ones.
pub(super) fn onset_rows(logged: &[Logged]) -> Vec<OnsetRow> {
    let mut rows: BTreeMap<_, OnsetRow> = BTreeMap::new();
    for table in tables(logged, "onset") {
        let Table::Onset(answered) = table else { continue };
        rows.extend(answered.iter().map(|row| ((row.subject.clone(), row.second), row.clone())));
    }
    rows.into_values().collect()
}

fn series(logged: &[Logged], conclusion: &Conclusion) -> Vec<Series> {
    let Some(cause) = &conclusion.root_cause else {
        return Vec::new();
    };
    let mut all: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for row in onset_rows(logged) {
        if row.subject.service != cause.service || row.subject.operation != cause.operation {
            continue;
        }
        all.entry(row.subject.instance.clone()).or_default().push(Point {
            second: row.second,
            count: row.count,
            errors: row.errors,
            p50_ms: Num::new(row.p50_ns as f64 / MS_NS),
            p95_ms: Num::new(row.p95_ns as f64 / MS_NS),
        });
    }
    all.into_iter()
        .map(|(instance, mut points)| {
            points.sort_by_key(|point| point.second);
            Series { service: cause.service.clone(), operation: cause.operation.clone(), instance, points }
        })
        .collect()
}

fn changes(logged: &[Logged]) -> Vec<ChangeRow> {
    let answered = tables(logged, "changes");
    answered
        .into_iter()
        .next_back()
        .and_then(|table| match table {
            Table::Changes(rows) => Some(rows.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

/// The edges of the bad window, with the good window's mean beside. The diagnosis asks for the good window first.
fn service_map(logged: &[Logged]) -> Vec<Call> {
    let windows: Vec<&Vec<EdgeRow>> = tables(logged, "edges")
        .into_iter()
        .filter_map(|table| match table {
            Table::Edges(rows) => Some(rows),
            _ => None,
        })
        .collect();
    let (good, bad) = match windows.as_slice() {
        [good, bad, ..] => (Some(*good), *bad),
        [only] => (None, *only),
        [] => return Vec::new(),
    };
    let mean_ms = |row: &EdgeRow| row.client_sum_ns as f64 / row.count.max(1) as f64 / MS_NS;
    let before = |row: &EdgeRow| {
        let same = |other: &&EdgeRow| (&other.caller, &other.callee) == (&row.caller, &row.callee);
        good.and_then(|rows| rows.iter().find(same)).map_or(0.0, mean_ms)
    };
    bad.iter()
        .map(|row| Call {
            caller: row.caller.clone(),
            callee: row.callee.clone(),
            is_instrumented: row.is_instrumented,
            count: row.count,
            errors: row.errors,
            mean_ms: Num::new(mean_ms(row)),
            good_mean_ms: Num::new(before(row)),
        })
        .collect()
}
