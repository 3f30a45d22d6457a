//! The two drawings of a trial: its seconds before and after in both arms, and its difference against zero.
//!
//! Narrow enough for a telephone; two stand side by side on a wide page.

use incident::report::Point;
use incident::{Report, VerificationRecord};
use maud::{Markup, html};
use telemetry::Window;

use super::super::figures::{has_data, interval_ms, median, ms, px, signed};
use super::super::scale::Scale;
use super::super::timeline::{axis_name, tick_text};

const WIDTH: f64 = 380.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 210.0;
/// Dots drawn in one strip.
const DOTS_MAX: usize = 400;

/// One strip: an arm in a window.
struct Strip {
    name: &'static str,
    class: &'static str,
    dots: Vec<f64>,
}

/// The seconds of both arms before and after, with their medians.
pub(super) fn strips(report: &Report, index: usize, record: &VerificationRecord) -> Markup {
    let treated = std::slice::from_ref(&record.trial.treated);
    let controls = &record.trial.controls;
    let strip = |name, class, instances: &[String], window| {
        let dots = seconds(report, record, instances, window);
        Strip { name, class, dots }
    };
    let strips = [
        strip("treated before", "before", treated, record.trial.before),
        strip("treated after", "after", treated, record.after),
        strip("control before", "before control", controls, record.trial.before),
        strip("control after", "after control", controls, record.after),
    ];
    let healthy = record.trial.healthy_p50_ns as f64 / 1e6;
    let mut values: Vec<f64> = strips.iter().flat_map(|strip| strip.dots.iter().copied()).collect();
    if values.is_empty() {
        return html! { p.missing { "No seconds of the series fall into the windows of this trial." } };
    }
    values.push(healthy);
    let y = Scale::latency(&values, BOTTOM, TOP);
    html! {
        figure.drawing {
            figcaption { "Median of each second, in " (axis_name(y)) }
            svg.chart role="img" aria-labelledby={ "st" (index) "-t st" (index) "-d" } viewBox="0 0 380 252" {
                title id={ "st" (index) "-t" } { "Latency of each second before and after, treated and control" }
                desc id={ "st" (index) "-d" } { (described(&strips)) }
                @for tick in y.ticks(4) {
                    line.grid x1=(px(LEFT)) x2=(px(WIDTH - 4.0)) y1=(px(y.at(tick))) y2=(px(y.at(tick))) {}
                    text.tick.end x=(px(LEFT - 6.0)) y=(px(y.at(tick) + 4.0)) { (tick_text(tick)) }
                }
                @if healthy > 0.0 {
                    line.healthy x1=(px(LEFT)) x2=(px(WIDTH - 4.0)) y1=(px(y.at(healthy))) y2=(px(y.at(healthy))) {}
                }
                @for (place, one) in strips.iter().enumerate() { (drawn(one, place, y)) }
                @if healthy > 0.0 {
                    text.tick.end x=(px(WIDTH - 4.0)) y="12" { "dashed: median before the incident, " (ms(healthy)) }
                }
            }
        }
    }
}

/// The medians by second of these instances within a window.
fn seconds(report: &Report, record: &VerificationRecord, instances: &[String], window: Window) -> Vec<f64> {
    let is_measured = |series: &&incident::report::Series| {
        series.service == record.trial.service
            && series.operation == record.trial.operation
            && instances.contains(&series.instance)
    };
    let inside = |point: &&Point| has_data(point) && window.contains(point.second);
    let all: Vec<f64> = report
        .series
        .iter()
        .filter(is_measured)
        .flat_map(|series| series.points.iter().filter(inside).map(|point| point.p50_ms.get()))
        .collect();
    let step = all.len().div_ceil(DOTS_MAX).max(1);
    all.into_iter().step_by(step).collect()
}

fn described(strips: &[Strip]) -> String {
    let one = |strip: &Strip| match median(&mut strip.dots.clone()) {
        Some(middle) => format!("{}: median {} over {} seconds", strip.name, ms(middle), strip.dots.len()),
        None => format!("{}: no data", strip.name),
    };
    strips.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn drawn(strip: &Strip, place: usize, y: Scale) -> Markup {
    let column = (WIDTH - LEFT - 4.0) / 4.0;
    let middle = LEFT + (place as f64 + 0.5) * column;
    let (arm, when) = strip.name.split_once(' ').unwrap_or((strip.name, ""));
    // Golden-ratio steps spread dots evenly without chance, so that the same report draws the same page.
    let spread = |index: usize| ((index as f64 * 0.618_034).fract() - 0.5) * column * 0.55;
    html! {
        g class={ "strip " (strip.class) } {
            @for (index, dot) in strip.dots.iter().enumerate() {
                circle cx=(px(middle + spread(index))) cy=(px(y.at(*dot))) r="2.4" {}
            }
            @if let Some(value) = median(&mut strip.dots.clone()) {
                line.median x1=(px(middle - column * 0.36)) x2=(px(middle + column * 0.36))
                    y1=(px(y.at(value))) y2=(px(y.at(value))) {}
                @let highest = strip.dots.iter().copied().fold(value, f64::max);
                text.value.middle x=(px(middle)) y=(px(y.at(highest) - 8.0)) { (ms(value)) }
            } @else {
                text.tick.middle x=(px(middle)) y="120" { "no data" }
            }
        }
        text.tick.middle x=(px(middle)) y=(px(BOTTOM + 18.0)) { (arm) }
        text.tick.middle x=(px(middle)) y=(px(BOTTOM + 32.0)) { (when) }
    }
}

/// The difference in differences with its interval, against zero.
pub(super) fn difference(index: usize, record: &VerificationRecord) -> Markup {
    let Some(interval) = &record.difference_ms else {
        return html! { p.missing { "No interval: too little data for a difference in differences." } };
    };
    let (estimate, low, high) = (interval.estimate.get(), interval.low.get(), interval.high.get());
    let reach = [estimate, low, high].iter().map(|value| value.abs()).fold(0.0, f64::max).max(1e-3) * 1.15;
    let x = Scale::linear(-reach, reach, 16.0, WIDTH - 16.0);
    let class = if high < 0.0 {
        "better"
    } else if low > 0.0 {
        "worse"
    } else {
        "open"
    };
    html! {
        figure.drawing {
            figcaption { "Difference in differences of the mean, in milliseconds" }
            svg.chart role="img" aria-labelledby={ "di" (index) "-t di" (index) "-d" } viewBox="0 0 380 130" {
                title id={ "di" (index) "-t" } { "Difference in differences against zero" }
                desc id={ "di" (index) "-d" } { (interval_ms(interval)) "; negative is better" }
                text.tick x="16" y="20" { "\u{2190} better" }
                text.tick.end x=(px(WIDTH - 16.0)) y="20" { "worse \u{2192}" }
                @for tick in x.ticks(5) {
                    line.grid x1=(px(x.at(tick))) x2=(px(x.at(tick))) y1="30" y2="96" {}
                    text.tick.middle x=(px(x.at(tick))) y="112" { (if tick == 0.0 { "0".to_owned() } else { signed(tick) }) }
                }
                line.zero x1=(px(x.at(0.0))) x2=(px(x.at(0.0))) y1="26" y2="98" {}
                g class={ "interval " (class) } {
                    line x1=(px(x.at(low))) x2=(px(x.at(high))) y1="70" y2="70" {}
                    line x1=(px(x.at(low))) x2=(px(x.at(low))) y1="63" y2="77" {}
                    line x1=(px(x.at(high))) x2=(px(x.at(high))) y1="63" y2="77" {}
                    circle cx=(px(x.at(estimate))) cy="70" r="5" {}
                }
                text.value.middle x=(px(x.at(estimate).clamp(90.0, WIDTH - 90.0))) y="52" { (interval_ms(interval)) }
            }
        }
    }
}
