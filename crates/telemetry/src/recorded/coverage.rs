//! Answers `coverage`: which signals exist for which services, in the seconds that begin inside the window.

use std::collections::BTreeMap;

use crate::Window;
use crate::answer::CoverageRow;

use super::tables::Tables;

pub(super) fn rows(tables: &Tables, window: Window) -> Vec<CoverageRow> {
    let mut sent: BTreeMap<&str, CoverageRow> = BTreeMap::new();
    for span in &tables.spans {
        if window.contains(span.end.floor_second()) {
            let row = of(&mut sent, &span.resource.service);
            row.spans += 1;
            row.entry_spans += u64::from(span.is_entry());
        }
    }
    for log in &tables.logs {
        if window.contains(log.at.floor_second()) {
            of(&mut sent, &log.resource.service).logs += 1;
        }
    }
    for series in &tables.series {
        let inside = series.points.iter().filter(|(at, _)| window.contains(at.floor_second())).count();
        if inside > 0 {
            of(&mut sent, &series.key.service).points += inside as u64;
        }
    }
    sent.into_values().collect()
}

fn of<'a, 'b>(sent: &'b mut BTreeMap<&'a str, CoverageRow>, service: &'a str) -> &'b mut CoverageRow {
    sent.entry(service).or_insert_with(|| CoverageRow {
        service: service.to_owned(),
        is_instrumented: true,
        spans: 0,
        entry_spans: 0,
        logs: 0,
        points: 0,
        unanswered_calls: 0,
        sampled: Vec::new(),
    })
}
