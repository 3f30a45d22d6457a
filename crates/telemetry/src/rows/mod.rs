//! The rows of answers about traces, made from assembled traces one by one: exclusive times, edges with queues, lanes,
//! exemplars, one trace, callees without spans, bad requests against good ones.
//!
//! Whoever answers (the store, an evaluation's tables) picks the traces and keeps the limits; that both give the same
//! rows is why this stands here.

mod compare;
mod edges;
mod exemplars;
mod lanes;
pub mod queues;
mod self_time;
mod trace;
mod unanswered;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use compare::{Comparison, is_place};
pub use edges::Edges;
pub use exemplars::{Exemplars, is_entered};
pub use self_time::SelfTimes;
pub use trace::rows as of_trace;
pub use unanswered::Unanswered;

use crate::answer::{Block, Subject};
use crate::signal::Span;
use crate::time::UnixNanos;

/// Who: service, operation, instance, version. A [`Subject`] with shared texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// `service.name`.
    pub service: Arc<str>,
    /// Span name.
    pub operation: Arc<str>,
    /// `service.instance.id`, empty when not told.
    pub instance: Arc<str>,
    /// `service.version`, empty when not told.
    pub version: Arc<str>,
}

impl Key {
    /// Of whom a span speaks.
    #[must_use]
    pub fn of(span: &Span) -> Self {
        Self {
            service: Arc::clone(&span.resource.service),
            operation: Arc::clone(&span.name),
            instance: Arc::clone(&span.resource.instance),
            version: Arc::clone(&span.resource.version),
        }
    }

    /// The same in rows.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            service: self.service.to_string(),
            operation: self.operation.to_string(),
            instance: self.instance.to_string(),
            version: self.version.to_string(),
        }
    }
}

/// The exact quantile of sorted values: that of rank `ceil(q * n)`, counted from one; zero when there are none.
#[must_use]
pub fn exact_quantile(sorted: &[i64], q: f64) -> i64 {
    let rank = ((q * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// Seconds with counts and sums, as rows.
fn blocks(blocks: BTreeMap<UnixNanos, (u64, i64)>) -> Vec<Block> {
    blocks.into_iter().map(|(second, (count, sum_ns))| Block { second, count, sum_ns }).collect()
}
