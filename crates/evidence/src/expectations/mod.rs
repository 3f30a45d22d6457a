//! Expectations: checkable statements about the spans and logs of a request, and their judgement.
//!
//! The statements are those of the trace expectation language: `span` with its claims, `log_absent`, `log_present`,
//! and our own `topology`, `traceparent` and `errors`. Judging is strict where a green light would be hollow: a selector
//! that selects nothing fails, too few runs are inconclusive, and what was answered by a stub proves nothing (W-22).
//!
//! Reading a file and regular expressions are left to `replay`, which hands a [`Texts`] in.

mod derive;
mod gate;
mod judge;
mod logs;
mod render;
mod runs;
mod spans;
mod structure;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use derive::derive;
pub use gate::{Gate, gate};
pub use judge::judge;
pub use render::to_yaml;
pub use runs::{Run, split};

/// The statements of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expectations {
    /// In the order written.
    pub items: Vec<Item>,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its line in the file, counted from one; zero when it was derived.
    pub line: usize,
    /// The figures it was derived from, empty when it was written by hand.
    pub because: String,
    /// What it states.
    pub states: Statement,
}

/// What an entry states.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// Something about spans.
    Span(SpanItem),
    /// No log record of the request is such.
    LogAbsent(LogPattern),
    /// Each run of the request has such a log record.
    LogPresent(LogPattern),
    /// No services, edges, retries or loops but the known ones.
    Topology(Topology),
    /// Every call hands the trace on; the hops named here may lose it.
    Traceparent(Vec<String>),
    /// What failed in the baseline is there and does not fail.
    ErrorsCleared,
}

/// Claims about the spans that a selector selects.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanItem {
    /// Which spans.
    pub selector: Selector,
    /// Whether there need not be any.
    pub is_optional: bool,
    /// The claims with their lines; without any, the spans must exist.
    pub claims: Vec<(usize, Claim)>,
}

/// Selects spans.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selector {
    /// `<service> <operation>`; the operation alone when the service is given.
    pub span: String,
    /// The service.
    pub service: Option<String>,
    /// Attributes that must have these values, compared as text.
    pub attributes: Vec<(String, String)>,
}

/// One claim about selected spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Claim {
    /// None fails, or all do. A status that is not told counts as ok.
    IsError(bool),
    /// Each takes at most this many milliseconds.
    MaxMs(f64),
    /// The median over all runs is at most this many milliseconds.
    P50Ms(f64),
    /// The 95th percentile over all runs is at most this many milliseconds.
    P95Ms(f64),
    /// Repeated calls after a failure, in each group of calls.
    Retries(Bound),
    /// Spans selected in each run.
    Count(Bound),
}

/// A comparison with a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// How to compare.
    pub operator: Operator,
    /// With what.
    pub number: u64,
}

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `==`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

impl Operator {
    /// All, with their signs; the longer sign of a common beginning first.
    pub const SIGNS: [(&'static str, Self); 5] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("==", Self::Equal),
        ("<", Self::Below),
        (">", Self::Above),
    ];
}

impl Bound {
    /// Whether `number` satisfies it.
    #[must_use]
    pub fn admits(self, number: u64) -> bool {
        match self.operator {
            Operator::AtMost => number <= self.number,
            Operator::Below => number < self.number,
            Operator::Equal => number == self.number,
            Operator::AtLeast => number >= self.number,
            Operator::Above => number > self.number,
        }
    }

    /// Whether it can be satisfied by nothing at all and by nothing else.
    fn demands_none(self) -> bool {
        self.admits(0) && !self.admits(1)
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = Operator::SIGNS.iter().find(|(_, operator)| *operator == self.operator);
        write!(f, "{} {}", sign.map_or("==", |(sign, _)| sign), self.number)
    }
}

/// Selects log records of the request; exceptions recorded on spans count as records of level ERROR.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogPattern {
    /// The level, any when not given.
    pub level: Option<Level>,
    /// A regular expression that the message must match somewhere; any when not given.
    pub message: Option<String>,
    /// Whether it may stay open when no log record came with the traces.
    pub is_optional: bool,
}

/// The severity ranges of OpenTelemetry's log data model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// 1 to 4.
    Trace,
    /// 5 to 8.
    Debug,
    /// 9 to 12.
    Info,
    /// 13 to 16.
    Warn,
    /// 17 to 20.
    Error,
    /// 21 to 24.
    Fatal,
}

impl Level {
    /// All, by severity, with their names.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("TRACE", Self::Trace),
        ("DEBUG", Self::Debug),
        ("INFO", Self::Info),
        ("WARN", Self::Warn),
        ("ERROR", Self::Error),
        ("FATAL", Self::Fatal),
    ];

    /// The level of a severity number; nothing when it is not told.
    #[must_use]
    pub fn of(severity: i32) -> Option<Self> {
        let place = usize::try_from(severity).ok()?.checked_sub(1)? / 4;
        Self::NAMES.get(place).map(|(_, level)| *level)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, level)| *level == self).map_or("ERROR", |(name, _)| name)
    }
}

/// What may be called.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topology {
    /// Edges `caller -> callee` that are known; those of the baseline when empty.
    pub edges: Vec<String>,
    /// What may be new: a service, an edge `caller -> callee`, or `<service> <operation>` that may be retried or loop.
    pub allow: Vec<String>,
}

/// Matches regular expressions; `replay` brings the engine.
pub trait Texts {
    /// Whether `pattern` matches somewhere in `text`.
    fn is_match(&self, pattern: &str, text: &str) -> bool;
}

/// How a claim turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As expected.
    Pass,
    /// Not as expected.
    Fail,
    /// Cannot be told from what is there; not green.
    Inconclusive,
}

/// One claim with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The line of the claim in the file; zero when derived.
    pub line: usize,
    /// The claim, in the words of the language.
    pub claim: String,
    /// How it turned out.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// Spans or records that it was judged on.
    pub matched: usize,
    /// Whether it passed only because there was nothing to judge.
    pub is_vacuous: bool,
}
