//! What grew between the points of a series: a counter's increments, a distribution's observations.
//!
//! An interval belongs to the window in which it ends. A value that falls, and a start that is another one, begin
//! anew from zero. The first point ever seen of a series that began before the window says nothing: how much of it
//! grew inside the window is not known.

use std::collections::BTreeMap;

use telemetry::signal::MetricValue;
use telemetry::time::SECOND_NS;
use telemetry::{UnixNanos, Window};

use crate::series::{Points, Shape, Times, within};

/// Points looked at before the window to find the one that an interval begins at. More than one are needed only
/// when several processes without any mark of their own share a series.
const BACK_MAX: usize = 64;

/// What grew in an interval that ended inside a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    /// When it ended.
    pub(crate) at: UnixNanos,
    /// How long it was, when known; above zero.
    pub(crate) seconds: Option<f64>,
    /// What was added, or how many observations.
    pub(crate) amount: f64,
    /// The sum of the observations of a distribution, when told.
    pub(crate) sum: Option<f64>,
}

/// The intervals of a series that ended inside `window`, by time. A level has none.
pub(crate) fn intervals(points: &Points, shape: Shape, window: Window) -> Vec<Interval> {
    match shape {
        Shape::Level => Vec::new(),
        Shape::Counter | Shape::Distribution => since_start(points, window),
        Shape::Step | Shape::DistributionStep => steps(points, window),
    }
}

/// Amount and sum of a point, `None` when nothing was recorded.
fn reading(value: &MetricValue) -> Option<(f64, Option<f64>)> {
    let read = match *value {
        MetricValue::Number(number) => (number, None),
        MetricValue::Distribution { count, sum } => (count as f64, sum.filter(|sum| sum.is_finite())),
    };
    read.0.is_finite().then_some(read)
}

fn seconds(from: UnixNanos, to: UnixNanos) -> Option<f64> {
    (from < to).then(|| to.since(from) as f64 / SECOND_NS as f64)
}

/// Intervals of points that count since the last one.
fn steps(points: &Points, window: Window) -> Vec<Interval> {
    let mut last = points.range(..lowest(window)).next_back().map(|((at, _), _)| *at);
    let mut intervals = Vec::new();
    for ((at, start), value) in within(points, window) {
        let from = if is_told(start) { Some(start) } else { last };
        last = Some(at);
        if let Some((amount, sum)) = reading(value) {
            intervals.push(Interval { at, seconds: from.and_then(|from| seconds(from, at)), amount, sum });
        }
    }
    intervals
}

type Seen = (UnixNanos, f64, Option<f64>);

/// Intervals of points that count since their start.
fn since_start(points: &Points, window: Window) -> Vec<Interval> {
    let mut last: BTreeMap<UnixNanos, Option<Seen>> = BTreeMap::new();
    let mut intervals = Vec::new();
    for ((at, start), value) in within(points, window) {
        let Some((amount, sum)) = reading(value) else { continue };
        let before = last.entry(start).or_insert_with(|| seen_before(points, window, start));
        let grown = match *before {
            // A distribution of nothing after one of something is a gap in the recording.
            Some((_, was, _))
                if amount == 0.0 && was > 0.0 && matches!(value, MetricValue::Distribution { .. }) =>
            {
                continue;
            }
            Some((from, was, was_sum)) if amount >= was => {
                let sum = sum.zip(was_sum).map(|(is, was)| is - was);
                Some(Interval { at, seconds: seconds(from, at), amount: amount - was, sum })
            }
            Some((from, _, _)) => Some(Interval { at, seconds: seconds(from, at), amount, sum }),
            None if is_told(start) && start >= window.from => {
                Some(Interval { at, seconds: seconds(start, at), amount, sum })
            }
            None => None,
        };
        *before = Some((at, amount, sum));
        intervals.extend(grown);
    }
    intervals
}

/// The last point before the window that counts since `start`.
fn seen_before(points: &Points, window: Window, start: UnixNanos) -> Option<Seen> {
    points
        .range(..lowest(window))
        .rev()
        .take(BACK_MAX)
        .filter(|((_, of), _)| *of == start)
        .find_map(|((at, _), value)| reading(value).map(|(amount, sum)| (*at, amount, sum)))
}

fn lowest(window: Window) -> Times {
    (window.from, UnixNanos(i64::MIN))
}

/// A start of zero is one that was not told.
fn is_told(start: UnixNanos) -> bool {
    start > UnixNanos::default()
}
