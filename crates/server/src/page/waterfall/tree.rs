//! The order of spans in a waterfall: each below its parent, with what no child covers.
//!
//! Takes any rows: parents may be missing, and may even form a ring.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::SpanId;
use telemetry::answer::TraceRow;

/// One span in its place.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The span.
    pub(super) row: &'a TraceRow,
    /// How many parents stand above it.
    pub(super) depth: usize,
    /// From where to where no child covers it, in nanoseconds since the epoch.
    pub(super) uncovered: Vec<(i64, i64)>,
}

/// The rows as lines: parents first, children by start.
pub(super) fn tree(rows: &[TraceRow]) -> Vec<Line<'_>> {
    let known: BTreeSet<SpanId> = rows.iter().map(|row| row.span_id).collect();
    let mut children: BTreeMap<Option<SpanId>, Vec<&TraceRow>> = BTreeMap::new();
    for row in rows {
        let parent = row.parent.filter(|parent| known.contains(parent) && *parent != row.span_id);
        children.entry(parent).or_default().push(row);
    }
    for group in children.values_mut() {
        group.sort_by_key(|row| (row.start, row.span_id));
    }
    let mut lines = Vec::with_capacity(rows.len());
    let mut seen = BTreeSet::new();
    let roots = children.get(&None).cloned().unwrap_or_default();
    // What no root reaches stands in a ring; each of its spans may begin it.
    for root in roots.into_iter().chain(rows) {
        let mut stack = vec![(root, 0)];
        while let Some((row, depth)) = stack.pop() {
            if !seen.insert(row.span_id) {
                continue;
            }
            let below = children.get(&Some(row.span_id)).map_or(&[][..], Vec::as_slice);
            lines.push(Line { row, depth, uncovered: uncovered(row, below) });
            stack.extend(below.iter().rev().map(|child| (*child, depth + 1)));
        }
    }
    lines
}

fn end(row: &TraceRow) -> i64 {
    row.start.0.saturating_add(row.duration_ns.max(0))
}

/// The parts of a span that none of its children covers; `children` come by start.
fn uncovered(row: &TraceRow, children: &[&TraceRow]) -> Vec<(i64, i64)> {
    let mut parts = Vec::new();
    let mut at = row.start.0;
    for child in children {
        if child.start.0.min(end(row)) > at {
            parts.push((at, child.start.0.min(end(row))));
        }
        at = at.max(end(child));
    }
    if end(row) > at {
        parts.push((at, end(row)));
    }
    parts
}

#[cfg(test)]
mod tests {
    use telemetry::answer::Subject;
    use telemetry::{SpanKind, StatusCode, UnixNanos};

    use super::*;

    fn row(id: u8, parent: Option<u8>, start: i64, duration_ns: i64) -> TraceRow {
        TraceRow {
            span_id: SpanId([id; 8]),
            parent: parent.map(|parent| SpanId([parent; 8])),
            subject: Subject {
                service: String::new(),
                operation: String::new(),
                instance: String::new(),
                version: String::new(),
            },
            kind: SpanKind::Internal,
            start: UnixNanos(start),
            duration_ns,
            exclusive_ns: 0,
            edge_delay_ns: None,
            status: StatusCode::Unset,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn children_stand_below_their_parent_and_leave_it_the_rest() {
        let rows =
            [row(3, Some(1), 60, 20), row(1, None, 0, 100), row(2, Some(1), 10, 30), row(4, Some(9), 5, 1)];
        let lines = tree(&rows);
        let order: Vec<(u8, usize)> = lines.iter().map(|line| (line.row.span_id.0[0], line.depth)).collect();
        assert_eq!(order, [(1, 0), (2, 1), (3, 1), (4, 0)]);
        let first = lines.first().map(|line| line.uncovered.clone());
        assert_eq!(first, Some(vec![(0, 10), (40, 60), (80, 100)]));
    }

    #[test]
    fn spans_whose_parents_form_a_ring_are_all_there_once() {
        let rows = [row(1, Some(2), 0, 1), row(2, Some(1), 0, 1), row(3, Some(3), 0, 1)];
        assert_eq!(tree(&rows).len(), 3);
    }
}
