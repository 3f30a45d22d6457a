//! Callees that emit no spans themselves, and how often they were called.

use std::collections::BTreeMap;

use crate::peer;
use crate::signal::SpanKind;
use crate::trace::AssembledTrace;

/// Calls by what the callee is known by, taken in trace by trace.
#[derive(Debug, Default)]
pub struct Unanswered(BTreeMap<String, u64>);

impl Unanswered {
    /// Takes in a complete trace.
    pub fn take(&mut self, trace: &AssembledTrace<'_>) {
        for node in trace.nodes.iter().filter(|node| node.span.kind == SpanKind::Client) {
            let mut children = node.children.iter().filter_map(|child| trace.nodes.get(*child));
            if !children.any(|child| child.span.is_entry()) {
                *self.0.entry(peer::name(node.span)).or_default() += 1;
            }
        }
    }

    /// Callees with their calls, sorted.
    #[must_use]
    pub fn into_calls(self) -> BTreeMap<String, u64> {
        self.0
    }
}
