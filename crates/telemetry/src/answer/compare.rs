//! The rows of `compare`: over which attribute values the bad requests of a window differ from its good ones.
//!
//! Traces are counted, never spans: spans of one trace share its fate.

use serde::{Deserialize, Serialize};

/// Requests of the scope by what their traces carry: which attribute values go with bad ones.
///
/// A trace is *bad* when one of its entry spans in the scope failed, or took longer than [`CompareTable::slow_ns`];
/// else it is *fine*. The bad window is cut into blocks of equal length, so that whatever comes and goes with time
/// (a rollout, a burst) can be told from what tells bad traces of the same moment from fine ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompareTable {
    /// The 95 % quantile of the durations of the good window's entry spans, in nanoseconds; none when there were none.
    pub slow_ns: Option<i64>,
    /// Traces of the good window.
    pub good: Split,
    /// Traces of the bad window, by block.
    pub blocks: Vec<Split>,
    /// The attributes, by key, then by service.
    pub attributes: Vec<CompareAttribute>,
    /// Attributes left out because they have too many values to group requests by, such as ids.
    pub left_out: u64,
}

/// One attribute of one service in the traces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompareAttribute {
    /// The attribute's key.
    pub key: String,
    /// Whose spans or log records carry it; empty when the spans of all services are looked at together, as for hosts.
    pub service: String,
    /// Who says so.
    pub carrier: Carrier,
    /// Traces of the good window that carry the attribute, with whatever value.
    pub good: Split,
    /// The same of the bad window, by block.
    pub blocks: Vec<Split>,
    /// The values, sorted. Values that every trace with the attribute carries are not listed.
    pub values: Vec<CompareValue>,
}

/// One value of an attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompareValue {
    /// The value as text.
    pub value: String,
    /// Traces of the good window that carry it.
    pub good: Split,
    /// The same of the bad window, by block.
    pub blocks: Vec<Split>,
}

/// Traces, by how they went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Split {
    /// Traces that went well.
    pub fine: u64,
    /// Traces that failed or were slow.
    pub bad: u64,
}

impl Split {
    /// Counts one more trace.
    pub fn count(&mut self, is_bad: bool) {
        if is_bad { self.bad += 1 } else { self.fine += 1 }
    }

    /// All traces.
    #[must_use]
    pub fn all(self) -> u64 {
        self.fine + self.bad
    }
}

/// What carries an attribute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// The resource: where and as what the spans were made.
    #[default]
    Resource,
    /// The spans themselves.
    Span,
    /// Log records written in the trace.
    Log,
}
