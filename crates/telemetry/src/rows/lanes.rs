//! The lanes of `self_time`: how the spans of one instance that wait for the same thing lie in time.
//!
//! Counts overlaps and what else the instance does meanwhile; what that means is for the evidence to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::answer::LaneRow;
use crate::peer;
use crate::question::Scope;
use crate::signal::SpanKind;
use crate::trace::{AssembledTrace, Node};

/// One running instance of one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    service: Arc<str>,
    instance: Arc<str>,
    version: Arc<str>,
}

/// What calls go to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    name: String,
    operation: String,
    is_database: bool,
}

/// A span in time, with the number of its trace.
#[derive(Debug, Clone, Copy)]
struct Interval {
    from: i64,
    to: i64,
    trace: u64,
}

#[derive(Debug, Default)]
struct Lane {
    intervals: Vec<Interval>,
    lead_ns: i64,
}

/// The lanes of all instances.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<(Process, Target), Lane>,
    events: BTreeMap<Process, Events>,
}

/// Starts and ends of all spans of an instance.
#[derive(Debug, Default)]
struct Events {
    all: Vec<i64>,
    /// The same by the number of their trace, so that a call's own trace can be left out of what it waits beside.
    by_trace: Vec<(u64, i64)>,
}

impl Events {
    fn add(&mut self, at: i64, trace: u64) {
        self.all.push(at);
        self.by_trace.push((trace, at));
    }

    fn sort(&mut self) {
        self.all.sort_unstable();
        self.by_trace.sort_unstable();
    }

    /// Events between the ends of `interval`, ends excluded, that are not of its own trace.
    fn of_others_inside(&self, interval: &Interval) -> u64 {
        let Interval { from, to, trace } = *interval;
        let before_end = self.all.partition_point(|at| *at < to);
        let inside = before_end.saturating_sub(self.all.partition_point(|at| *at <= from));
        let own_before_end = self.by_trace.partition_point(|event| *event < (trace, to));
        let own =
            own_before_end.saturating_sub(self.by_trace.partition_point(|event| *event <= (trace, from)));
        inside.saturating_sub(own) as u64
    }

    /// Events from `from` to `to`, ends included.
    fn within(&self, from: i64, to: i64) -> u64 {
        let until = self.all.partition_point(|at| *at <= to);
        until.saturating_sub(self.all.partition_point(|at| *at < from)) as u64
    }
}

impl Lanes {
    /// Takes in trace number `number`.
    pub(super) fn take(&mut self, trace: &AssembledTrace<'_>, number: u64, scope: &Scope) {
        for node in &trace.nodes {
            let (span, resource) = (node.span, &node.span.resource);
            if !scope.admits(&resource.service, &span.name, &resource.instance) {
                continue;
            }
            let process = Process {
                service: Arc::clone(&resource.service),
                instance: Arc::clone(&resource.instance),
                version: Arc::clone(&resource.version),
            };
            let interval = Interval { from: span.start.0, to: span.end.0.max(span.start.0), trace: number };
            let events = self.events.entry(process.clone()).or_default();
            events.add(interval.from, number);
            events.add(interval.to, number);
            if let Some(target) = target(trace, node) {
                let lane = self.lanes.entry((process, target)).or_default();
                lane.intervals.push(interval);
                lane.lead_ns = lane.lead_ns.saturating_add(node.lead_ns);
            }
        }
    }

    /// The lanes as rows, sorted. `go_on` is asked before each process and each lane.
    pub(super) fn rows<E>(mut self, mut go_on: impl FnMut() -> Result<(), E>) -> Result<Vec<LaneRow>, E> {
        for events in self.events.values_mut() {
            go_on()?;
            events.sort();
        }
        let mut rows = Vec::with_capacity(self.lanes.len());
        let none = Events::default();
        for ((process, target), lane) in self.lanes {
            go_on()?;
            let events = self.events.get(&process).unwrap_or(&none);
            rows.push(lane.row(process, target, events));
        }
        Ok(rows)
    }
}

/// What a span waits for; nothing for work inside the process, and for the requests that it serves.
///
/// One process may call the same service in two ways, of which one blocks it; so calls are kept apart by operation.
fn target(trace: &AssembledTrace<'_>, node: &Node<'_>) -> Option<Target> {
    if node.span.kind != SpanKind::Client {
        return None;
    }
    let database = peer::database(node.span);
    if !database.is_empty() {
        return Some(Target { name: database, operation: String::new(), is_database: true });
    }
    let callee = peer::callee(trace, node);
    Some(Target {
        name: callee.map_or_else(|| peer::name(node.span), |span| span.resource.service.to_string()),
        operation: callee.unwrap_or(node.span).name.to_string(),
        is_database: false,
    })
}

impl Lane {
    fn row(mut self, process: Process, target: Target, events: &Events) -> LaneRow {
        self.intervals.sort_unstable_by_key(|interval| (interval.from, interval.to));
        let (busy_ns, total_ns) = (self.busy_ns(), self.total_ns());
        let from = self.intervals.first().map_or(0, |interval| interval.from);
        let to = self.intervals.iter().map(|interval| interval.to).max().unwrap_or(from);
        LaneRow {
            service: process.service.to_string(),
            instance: process.instance.to_string(),
            version: process.version.to_string(),
            target: target.name,
            operation: target.operation,
            is_database: target.is_database,
            count: self.intervals.len() as u64,
            total_ns,
            busy_ns,
            elapsed_ns: to - from,
            most_at_once: self.most_at_once(),
            lead_ns: self.lead_ns,
            events: events.within(from, to),
            events_inside: self.intervals.iter().map(|interval| events.of_others_inside(interval)).sum(),
        }
    }

    fn total_ns(&self) -> i64 {
        self.intervals.iter().fold(0, |sum, interval| sum.saturating_add(interval.to - interval.from))
    }

    /// Length of the union; the intervals are sorted.
    fn busy_ns(&self) -> i64 {
        let (mut busy, mut reached) = (0, i64::MIN);
        for interval in &self.intervals {
            busy += (interval.to - interval.from.max(reached)).max(0);
            reached = reached.max(interval.to);
        }
        busy
    }

    fn most_at_once(&self) -> u64 {
        let mut edges: Vec<(i64, i64)> =
            self.intervals.iter().flat_map(|interval| [(interval.from, 1), (interval.to, -1)]).collect();
        // An end before a start of the same instant: what touches does not overlap.
        edges.sort_unstable();
        let (mut open, mut most) = (0_i64, 0_i64);
        for (_, step) in edges {
            open += step;
            most = most.max(open);
        }
        most.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(intervals: &[(i64, i64)]) -> Lane {
        let intervals =
            intervals.iter().zip(1..).map(|((from, to), trace)| Interval { from: *from, to: *to, trace });
        Lane { intervals: intervals.collect(), lead_ns: 0 }
    }

    fn process() -> Process {
        Process { service: Arc::from("a"), instance: Arc::from("a-1"), version: Arc::from("1") }
    }

    #[test]
    fn spans_that_touch_do_not_overlap_and_those_that_overlap_are_counted() {
        assert_eq!(lane(&[(0, 10), (10, 20)]).most_at_once(), 1);
        let row = lane(&[(0, 10), (5, 20), (8, 9)]).row(process(), Target::default(), &Events::default());
        assert_eq!((row.most_at_once, row.busy_ns, row.total_ns, row.elapsed_ns), (3, 20, 26, 20));
    }

    #[test]
    fn what_another_trace_does_inside_is_counted_and_the_own_trace_is_not() {
        // Trace 1 waits from 0 to 10; trace 2 begins at 4; trace 1 itself has a child inside; one is outside.
        let mut events = Events::default();
        for (at, trace) in [(12, 2), (0, 1), (3, 1), (4, 2), (6, 1), (10, 1)] {
            events.add(at, trace);
        }
        events.sort();
        let row = lane(&[(0, 10), (11, 13)]).row(process(), Target::default(), &events);
        assert_eq!((row.events_inside, row.events), (1, 6));
    }
}
