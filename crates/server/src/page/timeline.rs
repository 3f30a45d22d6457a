//! The affected operation over time, with what happened drawn across it.
//!
//! Drawn twice, for a wide and for a narrow page: a drawing that shrinks takes its labels with it.

mod labels;
mod lines;
mod marks;

use incident::Report;
use incident::report::Series;
use maud::{Markup, html};
use telemetry::{UnixNanos, Window};

use super::figures::{clipped, date, has_data, named, px, rounded};
use super::scale::{Scale, time_ticks};
use labels::Label;
use marks::Mark;
pub(super) use marks::{role, ruled_out};

/// Instances drawn at most.
const SERIES_MAX: usize = 12;
/// The classes of colour and dash; further instances are drawn alike.
pub(super) const COLOURS: usize = 6;
/// The width of a character of a label.
const CHARACTER: f64 = 6.9;
const LANE: f64 = 17.0;
const LEFT: f64 = 52.0;
const PLOT: f64 = 230.0;

/// The place of everything in one drawing.
struct Frame {
    width: f64,
    top: f64,
    bottom: f64,
    window: Window,
    x: Scale,
    y: Scale,
}

impl Frame {
    fn x(&self, at: UnixNanos) -> f64 {
        self.x.at(at.since(self.window.from) as f64)
    }
}

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    let drawn: Vec<&Series> =
        report.series.iter().filter(|series| series.points.iter().any(|point| has_data(&point))).collect();
    let shown = drawn.get(..SERIES_MAX).unwrap_or(&drawn);
    html! {
        section #timeline aria-labelledby="timeline-title" {
            h2 #timeline-title { "Timeline" }
            @match (shown.first(), window(shown)) {
                (Some(first), Some(window)) => {
                    p.lead {
                        "Median latency by second of " strong { (named(&first.operation)) } " in "
                        strong { (named(&first.service)) } ", by instance. Thin lines: 95th percentile."
                    }
                    (legend(shown, drawn.len()))
                    @for (width, class) in [(1000.0, "wide"), (390.0, "narrow")] {
                        figure class={ "drawing " (class) } { (drawing(report, shown, window, width)) }
                    }
                    @let left_out = marks::marks(report, extended(report, window)).1;
                    @if left_out > 0 {
                        p.more {
                            "Outside the drawn time or beyond the limit of marks: " (left_out) ", see "
                            a href="#changes" { "changes" } "."
                        }
                    }
                },
                _ => p.missing { "No series: the report holds no data by second of the affected operation." },
            }
        }
    }
}

/// The window that the points cover.
fn window(series: &[&Series]) -> Option<Window> {
    let seconds = || series.iter().flat_map(|series| series.points.iter().map(|point| point.second));
    Some(Window::new(seconds().min()?, seconds().max()?.plus_seconds(1)))
}

/// The same, reaching to the onset and the actions unless that would make the data a corner of the drawing.
fn extended(report: &Report, data: Window) -> Window {
    let trials = report.resolution.iter().flat_map(|resolution| &resolution.verifications);
    let trigger = report.diagnosis.root_cause.as_ref().and_then(|cause| cause.trigger.as_ref());
    let spare_ns = data.to.since(data.from) / 3;
    let mut window = data;
    let times = report.diagnosis.onset.iter().map(|onset| onset.at);
    let times = times.chain(trials.map(|record| record.trial.ready_at));
    for at in times.chain(trigger.map(|trigger| trigger.change.at)) {
        if data.from.since(at) <= spare_ns && at.since(data.to) < spare_ns {
            window.from = window.from.min(at);
            window.to = window.to.max(UnixNanos(at.0.saturating_add(1)));
        }
    }
    window
}

fn legend(series: &[&Series], all: usize) -> Markup {
    html! {
        ul.legend {
            @for (index, series) in series.iter().enumerate() {
                li {
                    svg.swatch viewBox="0 0 28 10" width="28" height="10" aria-hidden="true" {
                        line class={ "p50 " (colour(index)) } x1="1" y1="5" x2="27" y2="5" {}
                    }
                    (named(&series.instance))
                }
            }
            @if all > series.len() { li.more { (all - series.len()) " more instances not drawn" } }
        }
    }
}

/// The class of the colour and dash of the instance at this place.
pub(super) fn colour(index: usize) -> String {
    format!("s{}", index.min(COLOURS))
}

fn drawing(report: &Report, series: &[&Series], data: Window, width: f64) -> Markup {
    let window = extended(report, data);
    let (marks, _) = marks::marks(report, window);
    let nanos = window.to.since(window.from) as f64;
    let x = Scale::linear(0.0, nanos, LEFT, width - 8.0);
    let labels: Vec<Label> = marks.iter().map(|mark| label(mark, &x, window, width)).collect();
    let lanes = labels::lanes(&labels);
    let top = 8.0 + LANE * (lanes.iter().max().map_or(0, |lane| lane + 1)) as f64;
    let bottom = top + PLOT;
    let values: Vec<f64> = series
        .iter()
        .flat_map(|series| series.points.iter().filter(has_data))
        .flat_map(|point| [point.p50_ms.get(), point.p95_ms.get()])
        .collect();
    let frame = Frame { width, top, bottom, window, x, y: Scale::latency(&values, bottom, top) };
    let id = if width > 500.0 { "wide" } else { "narrow" };
    html! {
        svg.chart role="img" aria-labelledby={ "tl-" (id) "-t tl-" (id) "-d" }
            viewBox={ "0 0 " (px(width)) " " (px(bottom + 40.0)) } {
            title id={ "tl-" (id) "-t" } { "Latency over time by instance" }
            desc id={ "tl-" (id) "-d" } { (description(&marks, series.len(), window)) }
            (axes(&frame))
            (band(report, &frame))
            @for (mark, lane) in marks.iter().zip(&lanes) {
                (mark_lines(mark, &frame, report))
                line class={ "stem " (mark.class) } x1=(px(frame.x(mark.at))) x2=(px(frame.x(mark.at)))
                    y1=(px(top - LANE * (*lane as f64 + 0.8))) y2=(px(top)) {}
            }
            @for (index, series) in series.iter().enumerate().rev() { (lines::lines(series, index, &frame)) }
            @for (mark, (label, lane)) in marks.iter().zip(labels.iter().zip(&lanes)) {
                @let side = if label.is_left() { "end" } else { "start" };
                @let x = if label.is_left() { label.stem - 4.0 } else { label.stem + 4.0 };
                text class={ "label " (mark.class) " " (side) } x=(px(x)) y=(px(top - LANE * *lane as f64 - 5.0)) {
                    (label.text)
                }
            }
        }
    }
}

/// The label of a mark: to its right, or to its left where the drawing ends.
fn label(mark: &Mark, x: &Scale, window: Window, width: f64) -> Label {
    let stem = x.at(mark.at.since(window.from) as f64);
    let room = (width - stem).max(stem) - 10.0;
    let text = clipped(&mark.label, (room / CHARACTER) as usize);
    let length = text.chars().count() as f64 * CHARACTER + 10.0;
    if stem + length <= width {
        return Label { left: stem, right: stem + length, stem, text };
    }
    Label { left: stem - length, right: stem, stem, text }
}

fn description(marks: &[Mark], instances: usize, window: Window) -> String {
    let events: Vec<String> =
        marks.iter().map(|mark| format!("{} at {}", mark.label, mark.at.clock())).collect();
    let (from, to) = (window.from.clock(), window.to.clock());
    format!("{instances} instances from {from} to {to} UTC on {}. {}.", date(window.from), events.join("; "))
}

fn axes(frame: &Frame) -> Markup {
    let count = ((frame.width - LEFT) / 76.0) as usize;
    html! {
        @for tick in frame.y.ticks(5) {
            @let y = px(frame.y.at(tick));
            line.grid x1=(px(LEFT)) x2=(px(frame.width - 8.0)) y1=(y) y2=(y) {}
            text.tick.end x=(px(LEFT - 6.0)) y=(px(frame.y.at(tick) + 4.0)) { (tick_text(tick)) }
        }
        @for tick in time_ticks(frame.window.from, frame.window.to, count) {
            @let x = frame.x(tick);
            line.grid.minor x1=(px(x)) x2=(px(x)) y1=(px(frame.bottom)) y2=(px(frame.bottom + 5.0)) {}
            @if x > LEFT + 8.0 && x < frame.width - 30.0 {
                text.tick.middle x=(px(x)) y=(px(frame.bottom + 18.0)) { (tick.clock()) }
            }
        }
        line.axis x1=(px(LEFT)) x2=(px(frame.width - 8.0)) y1=(px(frame.bottom)) y2=(px(frame.bottom)) {}
        text.tick x="2" y=(px(frame.bottom + 34.0)) { (axis_name(frame.y)) }
        text.tick.end x=(px(frame.width - 8.0)) y=(px(frame.bottom + 34.0)) { "time of day, UTC" }
    }
}

/// A tick of a latency axis: round by construction, so short.
pub(super) fn tick_text(tick: f64) -> String {
    if tick >= 10.0 {
        format!("{tick:.0}")
    } else {
        rounded(tick).trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// What a latency axis measures, and how.
pub(super) fn axis_name(scale: Scale) -> &'static str {
    if scale.is_log() { "milliseconds, logarithmic" } else { "milliseconds" }
}

/// The interval of the onset.
fn band(report: &Report, frame: &Frame) -> Markup {
    let Some(onset) = &report.diagnosis.onset else { return html! {} };
    let (from, to) = (frame.x(onset.earliest), frame.x(onset.latest));
    html! {
        rect.band x=(px(from)) y=(px(frame.top)) width=(px((to - from).max(2.0)))
            height=(px(frame.bottom - frame.top)) {
            title { "The onset lies between " (onset.earliest.clock()) " and " (onset.latest.clock()) }
        }
    }
}

fn mark_lines(mark: &Mark, frame: &Frame, report: &Report) -> Markup {
    let onset = report.diagnosis.onset.map(|onset| onset.at);
    html! {
        g class={ "mark " (mark.class) } {
            title { (marks::title(mark, onset)) }
            @for (index, at) in std::iter::once(&mark.at).chain(mark.also.iter().take(40)).enumerate() {
                @if frame.window.contains(*at) {
                    @let x = px(frame.x(*at));
                    @let top = if index == 0 { frame.top } else { frame.bottom - 14.0 };
                    line x1=(x) x2=(x) y1=(px(top)) y2=(px(frame.bottom)) {}
                }
            }
        }
    }
}
