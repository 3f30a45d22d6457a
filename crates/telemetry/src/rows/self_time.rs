//! Where the time went and where errors began, by group of spans.
//!
//! Quantiles are exact: the spans are there. The scope filters rows, not traces, so that the figures of a service
//! are the same whether it was asked for alone or with all others.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lanes::Lanes;
use super::{Key, blocks, exact_quantile};
use crate::answer::{SelfTimeRow, SelfTimeTable};
use crate::peer;
use crate::question::Scope;
use crate::signal::SpanKind;
use crate::time::UnixNanos;
use crate::trace::{AssembledTrace, Node};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    subject: Key,
    entry: Arc<str>,
    kind: SpanKind,
    resource: String,
    database: String,
}

#[derive(Debug, Default)]
struct Group {
    exclusive_ns: Vec<i64>,
    errors: u64,
    error_origins: u64,
    lead_ns: i64,
    blocks: BTreeMap<UnixNanos, (u64, i64)>,
}

/// Groups of spans, taken in trace by trace.
#[derive(Debug, Default)]
pub struct SelfTimes {
    groups: BTreeMap<GroupKey, Group>,
    lanes: Lanes,
    traces: u64,
}

impl SelfTimes {
    /// Takes in a complete trace whose root began at `start`.
    pub fn take(&mut self, trace: &AssembledTrace<'_>, start: UnixNanos, scope: &Scope) {
        self.lanes.take(trace, self.traces, scope);
        self.traces += 1;
        for node in &trace.nodes {
            let span = node.span;
            if scope.admits(&span.resource.service, &span.name, &span.resource.instance) {
                let group = self.groups.entry(key_of(trace, node)).or_default();
                group.take(trace, node, start.floor_second());
            }
        }
    }

    /// The table, rows sorted. `go_on` is asked before each lane.
    ///
    /// # Errors
    /// When `go_on` says no.
    pub fn finish<E>(self, go_on: impl FnMut() -> Result<(), E>) -> Result<SelfTimeTable, E> {
        Ok(SelfTimeTable {
            traces: self.traces,
            rows: self.groups.into_iter().map(|(key, group)| group.row(key)).collect(),
            lanes: self.lanes.rows(go_on)?,
        })
    }
}

fn key_of(trace: &AssembledTrace<'_>, node: &Node<'_>) -> GroupKey {
    let span = node.span;
    let calls_out = matches!(span.kind, SpanKind::Client | SpanKind::Producer);
    let resource =
        if calls_out && node.edge_delay_ns.is_none() { peer::resource(span) } else { peer::statement(span) };
    GroupKey {
        subject: Key::of(span),
        entry: entry_of(trace, node),
        kind: span.kind,
        resource,
        database: peer::database(span),
    }
}

/// The name of the nearest entry span of the same service at or above the span, empty when there is none.
fn entry_of(trace: &AssembledTrace<'_>, node: &Node<'_>) -> Arc<str> {
    let service = &node.span.resource.service;
    let mut current = Some(node);
    // A circle of parents cannot be longer than the trace.
    for _ in 0..trace.nodes.len() {
        match current {
            Some(node) if node.span.resource.service != *service => break,
            Some(node) if node.span.is_entry() => return Arc::clone(&node.span.name),
            Some(node) => current = node.parent.and_then(|parent| trace.nodes.get(parent)),
            None => break,
        }
    }
    Arc::from("")
}

impl Group {
    fn take(&mut self, trace: &AssembledTrace<'_>, node: &Node<'_>, second: UnixNanos) {
        let has_failed_child = node
            .children
            .iter()
            .filter_map(|child| trace.nodes.get(*child))
            .any(|child| child.span.is_error());
        self.exclusive_ns.push(node.exclusive_ns);
        self.errors += u64::from(node.span.is_error());
        self.error_origins += u64::from(node.span.is_error() && !has_failed_child);
        self.lead_ns = self.lead_ns.saturating_add(node.lead_ns);
        let block = self.blocks.entry(second).or_default();
        block.0 += 1;
        block.1 = block.1.saturating_add(node.exclusive_ns);
    }

    fn row(mut self, key: GroupKey) -> SelfTimeRow {
        self.exclusive_ns.sort_unstable();
        SelfTimeRow {
            subject: key.subject.subject(),
            entry: key.entry.to_string(),
            kind: key.kind,
            resource: key.resource,
            database: key.database,
            count: self.exclusive_ns.len() as u64,
            error_origins: self.error_origins,
            errors: self.errors,
            sum_ns: self.exclusive_ns.iter().fold(0, |sum: i64, nanos| sum.saturating_add(*nanos)),
            p50_ns: exact_quantile(&self.exclusive_ns, 0.5),
            p95_ns: exact_quantile(&self.exclusive_ns, 0.95),
            lead_ns: self.lead_ns,
            blocks: blocks(self.blocks),
        }
    }
}
