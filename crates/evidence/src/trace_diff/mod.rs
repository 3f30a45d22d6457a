//! Compares two traces of the same request: what a person would call a difference, once each.
//!
//! Path-wise the trees are aligned by service, operation and kind; metric-wise aligned spans are compared by status,
//! exclusive time, retries and significant attributes; topology-wise services and edges are. Ids, times, the order of
//! parallel siblings, and jitter below a [`Tolerance`] are no differences. Time is compared as exclusive time, so that
//! a slow leaf is one difference and not one for each ancestor; an error that travels up is one difference where it
//! began.
//!
//! Does not say whether a difference is good: that is an expectation.

mod align;
pub(crate) mod graph;
mod matching;
mod significant;
mod walk;

#[cfg(test)]
mod tests;

use serde::Serialize;
use telemetry::Span;

use graph::Graph;

/// How two traces can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A service, or an uninstrumented callee, that was not called before.
    ServiceNew,
    /// A service that is not called any more.
    ServiceMissing,
    /// Two known services, one of which now calls the other.
    EdgeNew,
    /// A call between services that no longer happens.
    EdgeMissing,
    /// A span that was not there, or more calls of the same.
    SpanNew,
    /// A span that is gone, or fewer calls of the same.
    SpanMissing,
    /// The same work under another name.
    SpanRenamed,
    /// Failed instead of fine, or the other way round.
    Status,
    /// More, or fewer, repeated calls after a failure.
    Retries,
    /// Exclusive time or edge delay moved beyond the tolerance.
    Latency,
    /// A significant attribute has another value.
    Attribute,
}

/// The three ways of comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Which spans there are.
    Path,
    /// How they went.
    Metric,
    /// Who calls whom.
    Topology,
}

impl Kind {
    /// The way of comparing that finds it.
    #[must_use]
    pub fn strategy(self) -> Strategy {
        match self {
            Self::ServiceNew | Self::ServiceMissing | Self::EdgeNew | Self::EdgeMissing => Strategy::Topology,
            Self::SpanNew | Self::SpanMissing | Self::SpanRenamed => Strategy::Path,
            Self::Status | Self::Retries | Self::Latency | Self::Attribute => Strategy::Metric,
        }
    }

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ServiceNew => "service_new",
            Self::ServiceMissing => "service_missing",
            Self::EdgeNew => "edge_new",
            Self::EdgeMissing => "edge_missing",
            Self::SpanNew => "span_new",
            Self::SpanMissing => "span_missing",
            Self::SpanRenamed => "span_renamed",
            Self::Status => "status",
            Self::Retries => "retries",
            Self::Latency => "latency",
            Self::Attribute => "attribute",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// What kind.
    pub kind: Kind,
    /// The way of comparing that found it.
    pub strategy: Strategy,
    /// The names from the root down to the span.
    pub path: String,
    /// What differs there: an attribute, a service, an edge, a name; empty when the kind says it all.
    pub what: String,
    /// How it was.
    pub base: String,
    /// How it is.
    pub new: String,
    /// How often the same difference occurs at the same path.
    pub times: usize,
    /// Spans that show the same only because this one does, such as the callers of what failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// What counts as jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Times are alike when the larger is at most this many times the smaller.
    pub ratio: f64,
    /// Times are alike when they differ by at most this many nanoseconds.
    pub floor_ns: i64,
}

impl Default for Tolerance {
    /// Twice, and five milliseconds: a scheduling slice or a short collection of garbage is no difference.
    fn default() -> Self {
        Self { ratio: 2.0, floor_ns: 5_000_000 }
    }
}

impl Tolerance {
    /// Whether two durations differ beyond jitter.
    #[must_use]
    pub fn is_exceeded(&self, base_ns: i64, new_ns: i64) -> bool {
        let (low, high) = (base_ns.min(new_ns).max(0), base_ns.max(new_ns).max(0));
        high - low > self.floor_ns && high as f64 > low as f64 * self.ratio
    }
}

/// The differences from `base` to `new`, each the spans of one run; sorted, most telling kinds first.
#[must_use]
pub fn diff(base: &[Span], new: &[Span], tolerance: Tolerance) -> Vec<Difference> {
    walk::Walk::new(&Graph::of(base), &Graph::of(new), tolerance).run()
}
