//! What is kept of one space: the head and, before it, the segments. A question sees both as one.
//!
//! Reads no file: the rows of segments that a question needs are read before the lock is taken (`answer::past`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Iter;
use std::iter::Peekable;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use telemetry::{LogRecord, TraceId, UnixNanos, Window};

use crate::head::{Head, Trace};
use crate::incarnation::Incarnations;
use crate::presence::Signals;
use crate::rollup::{Figures, Key};
use crate::segment::{Segment, Through};
use crate::series::{Points, SeriesKey};

/// What is kept of one space.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) head: Head,
    /// By rising number.
    pub(crate) sealed: Vec<Arc<Segment>>,
    /// How far the log was moved into segments.
    pub(crate) through: Through,
    /// Counts how often rows moved between the two.
    pub(crate) moves: u64,
}

/// The head, locked, and heads that hold what was read of segments. Each thing is in one of them.
pub(crate) struct Parts<'a> {
    kept: RwLockReadGuard<'a, Kept>,
    past: &'a [Arc<Head>],
}

impl<'a> Parts<'a> {
    /// The parts, unless rows have moved since `moves`.
    pub(crate) fn new(kept: &'a RwLock<Kept>, past: &'a [Arc<Head>], moves: u64) -> Option<Self> {
        let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
        (kept.moves == moves).then_some(Self { kept, past })
    }

    fn heads(&self) -> impl Iterator<Item = &Head> {
        self.past.iter().map(|head| &**head).chain([&self.kept.head])
    }

    /// The seconds that begin inside `window`; one may come several times.
    pub(crate) fn rollups(
        &self,
        window: Window,
    ) -> impl Iterator<Item = (UnixNanos, &BTreeMap<Key, Figures>)> {
        self.heads().flat_map(move |head| head.rollups().within(window))
    }

    /// The seconds that begin inside `window`, one map of services each; one may come several times.
    pub(crate) fn presence(&self, window: Window) -> impl Iterator<Item = &BTreeMap<Arc<str>, Signals>> {
        self.heads().flat_map(move |head| head.presence().within(window))
    }

    /// The log records, request by request, the oldest first.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &Arc<Vec<LogRecord>>> {
        self.heads().flat_map(Head::logs)
    }

    /// All traces by id, those of several parts as one.
    pub(crate) fn traces(&self) -> impl Iterator<Item = Cow<'_, Trace>> {
        let mut parts: Vec<Peekable<Iter<'_, TraceId, Trace>>> =
            self.heads().map(|head| head.traces_by_id().peekable()).collect();
        std::iter::from_fn(move || {
            let next = parts.iter_mut().filter_map(|part| part.peek().map(|(id, _)| **id)).min()?;
            let same = parts.iter_mut().filter_map(|part| part.next_if(|(id, _)| **id == next));
            joined(same.map(|(_, trace)| trace))
        })
    }

    /// One trace.
    pub(crate) fn trace(&self, id: TraceId) -> Option<Cow<'_, Trace>> {
        joined(self.heads().filter_map(|head| head.trace(id)))
    }

    /// All series, or those of one metric, sorted; those of several parts as one.
    pub(crate) fn series<'b>(
        &'b self,
        metric: Option<&'b str>,
    ) -> impl Iterator<Item = (&'b SeriesKey, Cow<'b, Points>)> {
        let mut parts: Vec<_> = self.heads().map(|head| head.series().of(metric).peekable()).collect();
        std::iter::from_fn(move || {
            let next = parts.iter_mut().filter_map(|part| part.peek().map(|(key, _)| *key)).min()?;
            let mut same = parts.iter_mut().filter_map(|part| part.next_if(|(key, _)| *key == next));
            let mut points = Cow::Borrowed(same.next()?.1);
            for (_, more) in same {
                let known = points.to_mut();
                more.iter().for_each(|(times, value)| {
                    known.entry(*times).or_insert_with(|| value.clone());
                });
            }
            Some((next, points))
        })
    }

    /// The processes that were seen, those of segments included.
    pub(crate) fn incarnations(&self) -> &Incarnations {
        self.kept.head.incarnations()
    }

    /// The latest end of a span.
    pub(crate) fn watermark(&self) -> UnixNanos {
        self.kept.head.watermark()
    }
}

fn joined<'a>(mut parts: impl Iterator<Item = &'a Trace>) -> Option<Cow<'a, Trace>> {
    let first = Cow::Borrowed(parts.next()?);
    Some(parts.fold(first, |whole, part| Cow::Owned(whole.joined(part))))
}
