//! What a question needs of the segments, and how it is read.
//!
//! A trace may reach beyond a window and over the border of a segment: rows are looked for a minute around it. What of a
//! trace lies farther away is missing, and the trace is then one that is not whole, as the answer counts. A segment that
//! cannot be read is left out, and the answer counts its rows as `unreadable`. The newest are read first; when the rows of
//! one question are too many for the memory the older ones are left out, and the answer is one that was cut.

use std::sync::{Arc, PoisonError, RwLock};

use platform::Disk;
use telemetry::{Ask, AskError, UnixNanos, Window};

use super::Asking;
use crate::head::Head;
use crate::kept::Kept;
use crate::segment::{Cache, Segment, Wanted};

/// How far around a window the spans of its traces are looked for.
const TRACE_S: i64 = 60;
/// How long after a window deliveries of what was sent in it are looked for.
const DELIVERY_S: i64 = 600;
/// How long before a window the point is looked for that an interval begins at.
const POINT_S: i64 = 600;
/// How long before a window it counts who sent spans (`from_metrics`).
const SILENT_S: i64 = 120;

/// Where the rows of segments come from.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) cache: Cache,
    /// Estimated bytes of the rows of one question.
    pub(crate) bytes_max: u64,
}

/// What was read for a question.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) heads: Vec<Arc<Head>>,
    /// How often rows had moved when it was read.
    pub(super) moves: u64,
    /// Rows that could not be read.
    pub(super) unreadable: u64,
    /// Whether older rows were left out because they do not fit the memory.
    pub(super) is_cut: bool,
}

fn around(window: Window, before_s: i64, after_s: i64) -> Window {
    Window::new(window.from.plus_seconds(-before_s), window.to.plus_seconds(after_s))
}

fn needs(ask: &Ask) -> Vec<Wanted> {
    let spans = |window: &Window| Wanted::Spans(around(*window, TRACE_S, TRACE_S));
    let points = |window: &Window| Wanted::Points(around(*window, POINT_S, 0));
    let nothing = Window::new(UnixNanos(0), UnixNanos(0));
    match ask {
        Ask::Health { window, .. } | Ask::Onset { window, .. } => {
            let by_second = matches!(ask, Ask::Onset { .. });
            let presence = around(*window, SILENT_S, 0);
            let points = Wanted::EntryPoints(around(*window, POINT_S, 0));
            vec![Wanted::Derived { rollups: *window, presence, by_second }, points]
        }
        Ask::Coverage { window } => {
            let sent = Wanted::Derived { rollups: nothing, presence: *window, by_second: false };
            vec![sent, spans(window)]
        }
        Ask::Compare { good, bad, .. } => vec![spans(good), spans(bad)],
        Ask::SelfTime { window, .. } | Ask::Exemplars { window, .. } => vec![spans(window)],
        Ask::Edges { window, .. } => vec![Wanted::Spans(around(*window, TRACE_S, DELIVERY_S))],
        Ask::Trace { trace_id } => vec![Wanted::Trace(*trace_id)],
        Ask::Message { .. } => vec![Wanted::Messages],
        Ask::LogTemplates { window, .. } | Ask::LogSearch { window, .. } => vec![Wanted::Logs(*window)],
        Ask::SeriesChange { good, bad, .. } => vec![points(good), points(bad)],
        Ask::Paths { .. } | Ask::State { .. } | Ask::Topology { .. } | Ask::Changes { .. } => Vec::new(),
    }
}

/// Two windows that meet are one, or their rows would count twice.
fn apart(rows: Vec<Wanted>) -> Vec<Wanted> {
    let hull = |a: Window, b: Window| Window::new(a.from.min(b.from), a.to.max(b.to));
    let meet = |a: Window, b: Window| a.from <= b.to && b.from <= a.to;
    match rows.as_slice() {
        [Wanted::Spans(a), Wanted::Spans(b)] if meet(*a, *b) => vec![Wanted::Spans(hull(*a, *b))],
        [Wanted::Points(a), Wanted::Points(b)] if meet(*a, *b) => vec![Wanted::Points(hull(*a, *b))],
        _ => rows,
    }
}

impl Shelf {
    /// Reads what `ask` needs of the segments of `kept`.
    pub(super) fn read(&self, kept: &RwLock<Kept>, ask: &Ask, asking: &Asking<'_>) -> Result<Past, AskError> {
        let (sealed, moves) = {
            let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
            (kept.sealed.clone(), kept.moves)
        };
        let mut past = Past { moves, ..Past::default() };
        let mut bytes = 0;
        // The bad window comes after the good one, and what is bad is what was asked about.
        for wanted in apart(needs(ask)).into_iter().rev() {
            for segment in sealed.iter().rev().filter(|segment| segment.rows_of(wanted) > 0) {
                asking.look_at(0)?;
                if bytes > self.bytes_max {
                    past.is_cut = true;
                    return Ok(past);
                }
                bytes += self.add(segment, wanted, &mut past);
            }
        }
        Ok(past)
    }

    /// Adds what is wanted of a segment. Gives its estimated bytes.
    fn add(&self, segment: &Segment, wanted: Wanted, past: &mut Past) -> u64 {
        match self.cache.read(&*self.disk, segment, wanted) {
            Ok(head) => {
                let bytes = head.held().bytes;
                past.heads.push(head);
                bytes
            }
            Err(_) => {
                past.unreadable += segment.rows_of(wanted);
                0
            }
        }
    }
}
