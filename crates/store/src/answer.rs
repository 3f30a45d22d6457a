//! The thirteen questions that the head answers, one file each.
//!
//! The lock on the head is held while traces are picked, not while they are assembled. Rows come in the order of
//! their keys; every loop looks at the limits.

use std::cell::Cell;
use std::sync::RwLock;
use std::time::Duration;

use platform::Clock;
use telemetry::{Answer, Ask, AskError, Cancel, Capabilities, Limits, Table, UnixNanos};

use crate::head::Trace;
use crate::kept::{Kept, Parts};

mod changes;
mod compare;
mod coverage;
mod edges;
mod exemplars;
mod from_metrics;
mod health;
mod logs;
mod message;
mod onset;
mod past;
mod select;
mod self_time;
mod series_change;
mod trace;

pub(crate) use past::Shelf;

/// How often a question begins anew because rows moved while it was read.
const MOVES_MAX: usize = 5;

/// The questions that are answered here, sorted.
const ANSWERED: [&str; 13] = [
    "changes",
    "compare",
    "coverage",
    "edges",
    "exemplars",
    "health",
    "log_search",
    "log_templates",
    "message",
    "onset",
    "self_time",
    "series_change",
    "trace",
];

/// What the store can be asked.
pub(crate) fn capabilities() -> Capabilities {
    Capabilities { questions: ANSWERED.into_iter().map(str::to_owned).collect() }
}

/// One act of asking: its limits and how much of them is used.
pub(crate) struct Asking<'a> {
    limits: Limits,
    cancel: &'a Cancel,
    clock: &'a dyn Clock,
    deadline: Duration,
    scanned: Cell<u64>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(limits: &Limits, cancel: &'a Cancel, clock: &'a dyn Clock) -> Self {
        let allowed = Duration::from_secs(limits.seconds_max);
        Self {
            limits: *limits,
            cancel,
            clock,
            deadline: clock.monotonic().saturating_add(allowed),
            scanned: Cell::new(0),
        }
    }

    /// Counts `items` as looked at, and says whether to go on.
    fn look_at(&self, items: u64) -> Result<(), AskError> {
        let scanned = self.scanned.get().saturating_add(items);
        self.scanned.set(scanned);
        if self.cancel.is_cancelled() {
            return Err(AskError::Cancelled);
        }
        if scanned > self.limits.scanned_max {
            return Err(AskError::LimitReached(format!("{} items looked at", self.limits.scanned_max)));
        }
        if self.clock.monotonic() > self.deadline {
            return Err(AskError::TimedOut(self.limits.seconds_max));
        }
        Ok(())
    }

    /// Cuts `rows` to the limit, and says whether that was needed.
    fn cut<T>(&self, rows: &mut Vec<T>) -> bool {
        let is_over = rows.len() > self.limits.rows_max;
        rows.truncate(self.limits.rows_max);
        is_over
    }

    fn now(&self) -> UnixNanos {
        UnixNanos(self.clock.now_unix_nanos())
    }

    /// An exact answer of `rows`, cut to the limit.
    fn exact<T>(&self, mut rows: Vec<T>, table: impl FnOnce(Vec<T>) -> Table) -> Answer {
        let truncated = self.cut(&mut rows);
        Answer { truncated, ..Answer::exact(table(rows)) }
    }
}

/// Answers `ask` from what is `kept`, the rows of segments coming from the `shelf`.
pub(crate) fn answer(
    kept: &RwLock<Kept>,
    shelf: &Shelf,
    ask: &Ask,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    for _ in 0..MOVES_MAX {
        let past = shelf.read(kept, ask, asking)?;
        if let Some(parts) = Parts::new(kept, &past.heads, past.moves) {
            let answer = answered(parts, ask, asking)?;
            let truncated = answer.truncated || past.is_cut;
            return Ok(Answer { unreadable: past.unreadable, truncated, ..answer });
        }
    }
    Err(AskError::LimitReached(format!("rows moved {MOVES_MAX} times while they were read")))
}

/// The lock that `parts` hold is given back as soon as what is needed was picked.
fn answered(parts: Parts<'_>, ask: &Ask, asking: &Asking<'_>) -> Result<Answer, AskError> {
    match ask {
        Ask::Health { window, scope } => health::answer(&parts, *window, scope, asking),
        Ask::Onset { window, scope } => onset::answer(&parts, *window, scope, asking),
        Ask::LogTemplates { window, scope } => {
            let requests = logs::requests(&parts);
            drop(parts);
            logs::templates(&requests, *window, scope, asking)
        }
        Ask::LogSearch { window, scope, text } => {
            let requests = logs::requests(&parts);
            drop(parts);
            logs::search(&requests, (*window, scope), text, asking)
        }
        Ask::Changes { window, scope } => {
            let rows = parts.incarnations().changes(*window, scope);
            changes::answer(rows, asking)
        }
        Ask::Compare { good, bad, scope } => {
            // A trace in both windows is one of the bad one.
            let is_now = |trace: &Trace| select::is_entered_in(trace, *bad, scope);
            let is_before = |trace: &Trace| !is_now(trace) && select::is_entered_in(trace, *good, scope);
            let before = select::meant_in(&parts, *good, asking, is_before)?;
            let now = select::meant_in(&parts, *bad, asking, is_now)?;
            drop(parts);
            compare::answer((*good, *bad), before, now, scope, asking)
        }
        Ask::Trace { trace_id } => {
            let spans = select::one(&parts, *trace_id);
            drop(parts);
            trace::answer(&spans, asking)
        }
        Ask::Message { message_id } => message::answer(&parts, message_id, asking),
        Ask::SelfTime { window, scope } => {
            let selected = select::rooted_in(&parts, *window, asking)?;
            drop(parts);
            self_time::answer(selected, scope, asking)
        }
        Ask::Edges { window, scope } => {
            let selected = select::rooted_in(&parts, *window, asking)?;
            let deliveries = edges::deliveries(&parts, window.from, asking)?;
            drop(parts);
            edges::answer(selected, deliveries, scope, asking)
        }
        Ask::Exemplars { window, scope, limit } => {
            let selected = select::entered_in(&parts, *window, scope, asking)?;
            drop(parts);
            exemplars::answer(selected, *window, scope, *limit, asking)
        }
        Ask::SeriesChange { good, bad, scope, metrics } => {
            let windows = series_change::Windows { good: *good, bad: *bad };
            series_change::answer(&parts, windows, scope, metrics, asking)
        }
        Ask::Coverage { window } => {
            let sent = coverage::sent(&parts, *window, asking)?;
            let selected = select::rooted_in(&parts, *window, asking)?;
            drop(parts);
            coverage::answer(sent, selected, asking)
        }
        other => Err(AskError::Unsupported(other.name().to_owned())),
    }
}
