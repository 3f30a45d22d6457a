//! The lines of one instance: median and 95th percentile by second.
//!
//! A line is lifted where seconds are missing: what was not measured is not drawn.

use incident::report::{Point, Series};
use maud::{Markup, html};
use telemetry::UnixNanos;

use super::super::figures::{has_data, median, named, px};
use super::{Frame, colour};

/// Points a line has at most: longer series are drawn by the median of neighbours.
const POINTS_MAX: usize = 600;

/// The two lines of the instance at this place.
pub(super) fn lines(series: &Series, index: usize, frame: &Frame) -> Markup {
    let points = thinned(&series.points);
    let p50 = |point: &Point| point.p50_ms.get();
    let p95 = |point: &Point| point.p95_ms.get();
    html! {
        g class=(colour(index)) {
            title { (named(&series.instance)) }
            path class={ "p95 " (colour(index)) } d=(path(&points, frame, p95)) {}
            path class={ "p50 " (colour(index)) } d=(path(&points, frame, p50)) {}
        }
    }
}

/// The points with data, neighbours joined by their median when there are too many to draw.
fn thinned(points: &[Point]) -> Vec<Point> {
    let held: Vec<Point> = points.iter().filter(has_data).copied().collect();
    if held.len() <= POINTS_MAX {
        return held;
    }
    held.chunks(held.len().div_ceil(POINTS_MAX))
        .filter_map(|chunk| {
            let of = |pick: fn(&Point) -> f64| median(&mut chunk.iter().map(pick).collect::<Vec<_>>());
            let (p50, p95) = (of(|point| point.p50_ms.get())?, of(|point| point.p95_ms.get())?);
            chunk.first().map(|first| Point { p50_ms: p50.into(), p95_ms: p95.into(), ..*first })
        })
        .collect()
}

/// A line through the points, lifted where seconds are missing.
fn path(points: &[Point], frame: &Frame, value: fn(&Point) -> f64) -> String {
    let gaps = points.windows(2).filter_map(|pair| match pair {
        [one, next] => Some(next.second.since(one.second) as f64),
        _ => None,
    });
    let usual = median(&mut gaps.collect::<Vec<_>>()).unwrap_or(1e9);
    let mut path = String::new();
    let mut last: Option<UnixNanos> = None;
    for point in points {
        let goes_on = last.is_some_and(|last| point.second.since(last) as f64 <= usual * 3.5);
        path.push(if goes_on { 'L' } else { 'M' });
        let (x, y) = (px(frame.x(point.second)), px(frame.y.at(value(point))));
        path.push_str(&format!("{x} {y}"));
        if !goes_on {
            // A lone second is a dot: a line of no length with round ends.
            path.push_str("h.01");
        }
        last = Some(point.second);
    }
    path
}
