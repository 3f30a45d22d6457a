//! The one order of an answer's rows.
//!
//! Whoever reasons on rows must not hang on the order in which a source happened to send them (I1): sums of floats, the first
//! of equals and the order of told things would. Exemplars are listed as their source chose them, the rows of a trace and of a
//! message are in the order of what happened, and the events of a way are pointed at by their places: these keep theirs.

use super::{Block, EdgeRow, SelfTimeTable, Table};

impl Table {
    /// Brings the rows into their one order.
    pub fn sort(&mut self) {
        match self {
            Self::Health(rows) => rows.sort_by(|a, b| a.subject.cmp(&b.subject)),
            Self::Onset(rows) => rows.sort_by(|a, b| (&a.subject, a.second).cmp(&(&b.subject, b.second))),
            Self::SelfTime(table) => self_time(table),
            Self::Paths(table) => table.rows.sort_by(|a, b| {
                (&a.service, &a.operation, &a.callers).cmp(&(&b.service, &b.operation, &b.callers))
            }),
            Self::Edges(rows) => {
                rows.sort_by(|a, b| edge(a).cmp(&edge(b)));
                rows.iter_mut().for_each(|row| by_second(&mut row.blocks));
            }
            Self::LogTemplates(rows) => rows.sort_by(|a, b| {
                (&a.service, a.severity, &a.template, a.first, &a.example).cmp(&(
                    &b.service,
                    b.severity,
                    &b.template,
                    b.first,
                    &b.example,
                ))
            }),
            Self::LogSearch(rows) => rows.sort_by(|a, b| {
                (a.at, &a.service, &a.instance, &a.body).cmp(&(b.at, &b.service, &b.instance, &b.body))
            }),
            Self::Changes(rows) => rows.sort_by(|a, b| {
                let commit = |row: &super::ChangeRow| row.detail.as_ref().map(|detail| detail.commit.clone());
                (a.at, a.kind, &a.service, &a.instance, &a.after, commit(a)).cmp(&(
                    b.at,
                    b.kind,
                    &b.service,
                    &b.instance,
                    &b.after,
                    commit(b),
                ))
            }),
            Self::SeriesChange(rows) => rows.sort_by(|a, b| {
                (&a.service, &a.instance, &a.version, &a.metric, &a.unit, &a.attributes, a.kind).cmp(&(
                    &b.service,
                    &b.instance,
                    &b.version,
                    &b.metric,
                    &b.unit,
                    &b.attributes,
                    b.kind,
                ))
            }),
            Self::Compare(table) => table
                .attributes
                .sort_by(|a, b| (&a.key, &a.service, a.carrier).cmp(&(&b.key, &b.service, b.carrier))),
            Self::Coverage(rows) => rows.sort_by(|a, b| a.service.cmp(&b.service)),
            Self::Topology(table) => {
                table.services.sort();
                table.calls.sort();
            }
            Self::State(rows) => rows.sort_by(|a, b| {
                (a.at, a.kind, &a.service, &a.name, &a.status, &a.text)
                    .cmp(&(b.at, b.kind, &b.service, &b.name, &b.status, &b.text))
            }),
            Self::Exemplars(_) | Self::Trace(_) | Self::Message(_) => {}
        }
    }
}

fn self_time(table: &mut SelfTimeTable) {
    table.rows.sort_by(|a, b| {
        (&a.subject, &a.entry, a.kind, &a.resource, &a.database).cmp(&(
            &b.subject,
            &b.entry,
            b.kind,
            &b.resource,
            &b.database,
        ))
    });
    table.rows.iter_mut().for_each(|row| by_second(&mut row.blocks));
    table.lanes.sort_by(|a, b| {
        (&a.service, &a.instance, &a.version, &a.target, &a.operation, a.is_database).cmp(&(
            &b.service,
            &b.instance,
            &b.version,
            &b.target,
            &b.operation,
            b.is_database,
        ))
    });
}

fn by_second(blocks: &mut [Block]) {
    blocks.sort_by_key(|block| block.second);
}

/// Calls first, then queues.
fn edge(row: &EdgeRow) -> (bool, &str, &str, &str, bool) {
    let queue = row.queue.as_ref().map_or("", |queue| queue.name.as_str());
    (row.queue.is_some(), &row.caller, queue, &row.callee, row.is_instrumented)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{CallRow, TopologyTable};
    use crate::time::UnixNanos;

    #[test]
    fn rows_of_any_order_come_into_one() {
        let call = |caller: &str| CallRow { caller: caller.to_owned(), callee: "x".to_owned() };
        let of = |names: [&str; 3]| {
            let calls = names.iter().map(|name| call(name)).collect();
            let mut table =
                Table::Topology(TopologyTable { services: names.map(str::to_owned).to_vec(), calls });
            table.sort();
            table
        };
        assert_eq!(of(["c", "a", "b"]), of(["b", "c", "a"]));
        let mut blocks =
            [3, 1, 2].map(|second| Block { second: UnixNanos(second), count: 1, sum_ns: second });
        by_second(&mut blocks);
        assert_eq!(blocks.map(|block| block.sum_ns), [1, 2, 3]);
    }
}
