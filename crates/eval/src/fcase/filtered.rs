//! Recorded answers as they would have been without a kind of data.
//!
//! An answer that was made of one kind becomes an empty table, and of one that was made of several the parts go.
//! Versions on the rows stay: they are part of the signals that are left.

use telemetry::answer::{ChangeKind, PathEventKind, PathRow, PathTable, SelfTimeTable, TopologyTable};
use telemetry::{Answer, Table};

use super::rerun::Without;

/// `answer` without these.
pub(super) fn answer(mut answer: Answer, without: &[Without]) -> Answer {
    for kind in without {
        answer = match kind {
            Without::Deploys => without_deploys(answer),
            Without::Changes => without_changes(answer),
            Without::Logs => without_logs(answer),
            Without::Metrics => without_metrics(answer),
            Without::Traces => without_traces(answer),
        };
    }
    answer
}

fn without_deploys(mut answer: Answer) -> Answer {
    if let Table::Changes(rows) = &mut answer.table {
        rows.retain(|row| row.kind != ChangeKind::Deploy);
    }
    answer
}

fn without_changes(mut answer: Answer) -> Answer {
    if let Table::Changes(rows) = &mut answer.table {
        rows.clear();
    }
    answer
}

fn without_logs(mut answer: Answer) -> Answer {
    match &mut answer.table {
        Table::LogTemplates(rows) => rows.clear(),
        Table::LogSearch(rows) => rows.clear(),
        Table::Paths(table) => table.rows.iter_mut().for_each(drop_logs),
        Table::Coverage(rows) => rows.iter_mut().for_each(|row| row.logs = 0),
        _ => {}
    }
    answer
}

/// Takes the log lines out of a way, and with them the pairs that they are part of.
fn drop_logs(row: &mut PathRow) {
    let mut places = Vec::new();
    let mut left = 0_u32;
    for event in &row.events {
        let is_kept = event.kind != PathEventKind::Log;
        places.push(is_kept.then_some(left));
        left += u32::from(is_kept);
    }
    let place = |old: u32| places.get(usize::try_from(old).ok()?).copied().flatten();
    row.events.retain(|event| event.kind != PathEventKind::Log);
    row.pairs.retain_mut(|pair| match (place(pair.first), place(pair.then)) {
        (Some(first), Some(then)) => {
            (pair.first, pair.then) = (first, then);
            true
        }
        _ => false,
    });
}

fn without_metrics(mut answer: Answer) -> Answer {
    match &mut answer.table {
        Table::SeriesChange(rows) => rows.clear(),
        Table::Onset(rows) => rows.retain(|row| !answer.from_metrics.contains(&row.subject.service)),
        Table::Health(rows) => rows.retain(|row| !answer.from_metrics.contains(&row.subject.service)),
        Table::Coverage(rows) => rows.iter_mut().for_each(|row| row.points = 0),
        _ => {}
    }
    answer.from_metrics.clear();
    answer
}

fn without_traces(mut answer: Answer) -> Answer {
    match &mut answer.table {
        Table::SelfTime(table) => *table = SelfTimeTable { traces: 0, rows: Vec::new(), lanes: Vec::new() },
        Table::Paths(table) => *table = PathTable { block_ns: table.block_ns, rows: Vec::new() },
        Table::Compare(table) => table.attributes.clear(),
        Table::Exemplars(rows) => rows.clear(),
        Table::Trace(rows) => rows.clear(),
        Table::Message(rows) => rows.clear(),
        Table::Edges(rows) => rows.clear(),
        Table::Topology(table) => *table = TopologyTable { services: Vec::new(), calls: Vec::new() },
        Table::Onset(rows) => rows.retain(|row| answer.from_metrics.contains(&row.subject.service)),
        Table::Health(rows) => rows.retain(|row| answer.from_metrics.contains(&row.subject.service)),
        Table::Coverage(rows) => {
            rows.iter_mut().for_each(|row| (row.spans, row.entry_spans, row.unanswered_calls) = (0, 0, 0));
        }
        Table::LogTemplates(_)
        | Table::LogSearch(_)
        | Table::Changes(_)
        | Table::SeriesChange(_)
        | Table::State(_) => {}
    }
    answer
}
