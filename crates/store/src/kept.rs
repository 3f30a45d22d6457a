//! What is kept of one space: the head, the heads before it that no longer change, and the segments before those. A question
//! sees all of them as one.
//!
//! Reads no file: the rows of segments that a question needs are read before the lock is taken (`answer::past`).

use std::borrow::Cow;
use std::collections::btree_map::Iter;
use std::collections::{BTreeMap, VecDeque};
use std::iter::Peekable;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use otlp::Decoded;
use telemetry::{LogRecord, TraceId, UnixNanos, Window};

use crate::head::{Head, Held, Place, Trace};
use crate::incarnation::Incarnations;
use crate::presence::Signals;
use crate::resources::{Resources, each_stay};
use crate::rollup::{Figures, Key};
use crate::segment::{Segment, Through};
use crate::series::{Points, SeriesKey};

/// What is kept of one space.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// What comes now.
    head: Head,
    /// Heads that wait to become segments, the oldest first; a log file has requests of one of them only.
    frozen: VecDeque<Arc<Head>>,
    resources: Resources,
    /// The processes that were seen, those of segments included.
    lives: Incarnations,
    /// The latest end of a span, those of segments included.
    watermark: UnixNanos,
    /// By rising number.
    pub(crate) sealed: Vec<Arc<Segment>>,
    /// How far the log was moved into segments.
    pub(crate) through: Through,
    /// Counts how often rows moved between the two.
    pub(crate) moves: u64,
}

impl Kept {
    /// Takes in a request that is durable at `place`. Gives the number of spans and points that were here already.
    pub(crate) fn apply(&mut self, mut decoded: Decoded, received_at: UnixNanos, place: Place) -> u64 {
        let new_bytes = self.resources.share(&mut decoded);
        each_stay(&decoded, |resource, from, to| self.lives.observe(resource, from, to));
        let sent = decoded.spans.len() + decoded.points.len();
        decoded.spans.retain(|span| !self.frozen.iter().any(|head| head.has_span(span)));
        decoded.points.retain(|point| !self.frozen.iter().any(|head| head.has_point(point)));
        let known = (sent - decoded.spans.len() - decoded.points.len()) as u64;
        let duplicates = self.head.apply(decoded, received_at, place);
        self.head.charge(new_bytes);
        self.watermark = self.watermark.max(self.head.watermark());
        known + duplicates
    }

    /// Begins a new head. The log file of the last request must get no more of them.
    pub(crate) fn freeze(&mut self) {
        if self.head.place() != Place::default() {
            self.frozen.push_back(Arc::new(std::mem::take(&mut self.head)));
        }
    }

    /// The head that becomes a segment next.
    pub(crate) fn oldest_frozen(&self) -> Option<Arc<Head>> {
        self.frozen.front().map(Arc::clone)
    }

    /// The oldest of the frozen heads is `segment` now.
    pub(crate) fn seal(&mut self, segment: Segment, through: Through) {
        self.frozen.pop_front();
        self.sealed.push(Arc::new(segment));
        self.through = through;
        self.moves += 1;
    }

    /// Takes in what a segment knows: the processes that were seen, and how far the data had come.
    pub(crate) fn remember(&mut self, lives: &Incarnations, watermark: UnixNanos) {
        for (service, instance, life) in lives.all() {
            self.lives.see(service, instance, life.clone());
        }
        self.watermark = self.watermark.max(watermark);
    }

    fn heads(&self) -> impl Iterator<Item = &Head> {
        self.frozen.iter().map(|head| &**head).chain([&self.head])
    }

    /// How many of what is in memory.
    pub(crate) fn held(&self) -> Held {
        self.heads().map(Head::held).fold(Held::default(), Held::plus)
    }

    /// How many of what is in the head that still grows.
    pub(crate) fn growing(&self) -> Held {
        self.head.held()
    }

    /// Estimated bytes of the heads that wait.
    pub(crate) fn frozen_bytes(&self) -> u64 {
        self.frozen.iter().map(|head| head.held().bytes).sum()
    }

    /// Where the last request stands.
    pub(crate) fn place(&self) -> Place {
        self.head.place()
    }

    pub(crate) fn watermark(&self) -> UnixNanos {
        self.watermark
    }
}

/// The heads, locked, and heads that hold what was read of segments. Each thing is in one of them.
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
        self.past.iter().map(|head| &**head).chain(self.kept.heads())
    }

    /// The seconds that begin inside `window`; one may come several times.
    pub(crate) fn rollups(
        &self,
        window: Window,
    ) -> impl Iterator<Item = (UnixNanos, &BTreeMap<Key, Figures>)> {
        self.heads().flat_map(move |head| head.derived().rollups.within(window))
    }

    /// The seconds that begin inside `window`, one map of services each; one may come several times.
    pub(crate) fn presence(&self, window: Window) -> impl Iterator<Item = &BTreeMap<Arc<str>, Signals>> {
        self.heads().flat_map(move |head| head.derived().presence.within(window))
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
        &self.kept.lives
    }

    /// The latest end of a span.
    pub(crate) fn watermark(&self) -> UnixNanos {
        self.kept.watermark
    }
}

fn joined<'a>(mut parts: impl Iterator<Item = &'a Trace>) -> Option<Cow<'a, Trace>> {
    let first = Cow::Borrowed(parts.next()?);
    Some(parts.fold(first, |whole, part| Cow::Owned(whole.joined(part))))
}
