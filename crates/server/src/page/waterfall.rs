//! A trace that shows the symptom and a typical one from before, span by span.
//!
//! Draws what the rows say: exclusive time is the report's figure, and where it lies within a span is what no child
//! covers. Bars are boxes, not a drawing, so that names stay readable on a narrow page.

mod tree;

use incident::Report;
use maud::{Markup, html};
use telemetry::answer::TraceRow;
use telemetry::{SpanKind, StatusCode};

use super::figures::{named, ns, percent, shown};
use tree::{Line, tree};

/// Spans shown of one trace.
const SPANS_MAX: usize = 200;
/// Attributes shown of one span.
const ATTRIBUTES_MAX: usize = 40;
/// Up to this ratio of lengths both traces are drawn to the same scale.
const SAME_SCALE_RATIO: f64 = 8.0;

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    let bad = report.bad_trace.as_deref().filter(|rows| !rows.is_empty());
    let good = report.good_trace.as_deref().filter(|rows| !rows.is_empty());
    let [bad_ns, good_ns] = [bad, good].map(|rows| rows.map_or(0, length_ns));
    let is_same = good_ns > 0 && bad_ns > 0 && {
        let ratio = bad_ns as f64 / good_ns as f64;
        (1.0 / SAME_SCALE_RATIO..=SAME_SCALE_RATIO).contains(&ratio)
    };
    let longest = bad_ns.max(good_ns);
    let scale = |own: i64| if is_same { longest } else { own };
    html! {
        section #traces aria-labelledby="traces-title" {
            h2 #traces-title { "Traces" }
            p.lead {
                @if is_same {
                    "Both traces are drawn to the same time scale. "
                } @else if bad_ns > 0 && good_ns > 0 {
                    "Each trace is drawn to a time scale of its own, because one is "
                    (format!("{:.0}", longest as f64 / bad_ns.min(good_ns).max(1) as f64)) " times as long as the other. "
                }
                "The strong part of a bar is time that no child span explains (exclusive time). The longest is red in the bad trace. "
                "Open a span for its attributes."
            }
            h3 { "Bad: shows the symptom" }
            div.symptom { (one(bad, scale(bad_ns), "a trace that shows the symptom")) }
            h3 { "Good: typical from before" }
            (one(good, scale(good_ns), "a typical trace from before"))
        }
    }
}

fn length_ns(rows: &[TraceRow]) -> i64 {
    let start = rows.iter().map(|row| row.start.0).min().unwrap_or(0);
    let end = rows.iter().map(|row| row.start.0.saturating_add(row.duration_ns.max(0))).max().unwrap_or(0);
    end.saturating_sub(start).max(1)
}

fn one(rows: Option<&[TraceRow]>, scale_ns: i64, what: &'static str) -> Markup {
    let Some(rows) = rows else {
        return html! { p.missing { "Missing: the report holds no " (what.trim_start_matches("a ")) "." } };
    };
    let lines = tree(rows);
    let start = rows.iter().map(|row| row.start.0).min().unwrap_or(0);
    let most = rows.iter().map(|row| row.exclusive_ns).max().unwrap_or(0);
    html! {
        p.when {
            (lines.len()) @if lines.len() == 1 { " span" } @else { " spans" }
            ", " strong { (ns(length_ns(rows))) } " from first to last; the bars span " (ns(scale_ns))
        }
        ol.waterfall {
            @for line in lines.iter().take(SPANS_MAX) {
                (span(line, start, scale_ns as f64, line.row.exclusive_ns == most && most > 0))
            }
        }
        @if lines.len() > SPANS_MAX { p.more { (lines.len() - SPANS_MAX) " more spans in the report as JSON" } }
    }
}

fn span(line: &Line<'_>, start: i64, scale_ns: f64, is_most: bool) -> Markup {
    let row = line.row;
    let failed = row.status == StatusCode::Error;
    html! {
        li {
            details {
                summary.most[is_most] {
                    span.who style={ "--depth:" (line.depth.min(14)) } {
                        b { (named(&row.subject.service)) } " " (named(&row.subject.operation))
                        @if failed { " " span.error { "\u{2717} failed" } }
                    }
                    span.bar aria-hidden="true" {
                        i.whole.failed[failed] style=(place(row.start.0, row.duration_ns, start, scale_ns)) {}
                        @for (from, to) in line.uncovered.iter().take(60) {
                            i.own.edge[row.edge_delay_ns.is_some()]
                                style=(place(*from, to.saturating_sub(*from), start, scale_ns)) {}
                        }
                    }
                    span.took {
                        (ns(row.duration_ns))
                        @if row.exclusive_ns > 0 { small { " own " (ns(row.exclusive_ns)) } }
                        @if row.exclusive_ns <= 0 {
                            @if let Some(delay) = row.edge_delay_ns { small { " edge " (ns(delay)) } }
                        }
                    }
                }
                (facts(row, scale_ns))
            }
        }
    }
}

/// Where a bar stands, in percent of the scale. Numbers only: no text of telemetry comes near an attribute here.
fn place(from: i64, length: i64, start: i64, scale_ns: f64) -> String {
    let left = from.saturating_sub(start) as f64 / scale_ns * 100.0;
    let width = length.max(0) as f64 / scale_ns * 100.0;
    format!("left:{:.3}%;width:{:.3}%", left.clamp(0.0, 100.0), width.clamp(0.0, 100.0))
}

fn facts(row: &TraceRow, scale_ns: f64) -> Markup {
    html! {
        dl.facts {
            dt { "span" } dd.mono { (row.span_id.to_string()) }
            dt { "kind" } dd { (kind(row.kind)) }
            dt { "instance" } dd { (named(&row.subject.instance)) }
            dt { "version" } dd { (named(&row.subject.version)) }
            dt { "began" } dd { (row.start.rfc3339()) }
            dt { "exclusive" } dd { (ns(row.exclusive_ns)) ", " (percent(row.exclusive_ns as f64 / scale_ns)) " of the scale" }
            @if let Some(delay) = row.edge_delay_ns { dt { "edge delay" } dd { (ns(delay)) } }
            @for (name, value) in row.attributes.iter().take(ATTRIBUTES_MAX) {
                dt.mono { (shown(name)) } dd.mono { (shown(value)) }
            }
            @if row.attributes.is_empty() { dt { "attributes" } dd { "none" } }
            @if row.attributes.len() > ATTRIBUTES_MAX {
                dt { "and" } dd { (row.attributes.len() - ATTRIBUTES_MAX) " more in the report as JSON" }
            }
        }
    }
}

fn kind(kind: SpanKind) -> &'static str {
    if kind == SpanKind::Unspecified { "not told" } else { kind.name() }
}
