//! Signs out of answers: log templates, slices of series, spans of exemplary traces.
//!
//! A sign dates the onset only where its data can: a template that was never seen before by its third line (one
//! stray line dates nothing), a series by the end of the slice in which it left its range. Spans of exemplars date
//! nothing, since they were chosen for being bad.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;
use telemetry::answer::{LogTemplateRow, SeriesRow, TraceRow};
use telemetry::signal::StatusCode;
use telemetry::time::Window;

use super::signs::{Sign, SignKind};
use crate::Thresholds;

/// Severity from which a line tells of something wrong: WARN of OpenTelemetry.
const WARN: u8 = 13;
/// Severity from which a single line is enough: ERROR.
const ERROR: u8 = 17;
/// The least width of a good range, as a share of its mean: below it a change is nothing that anyone pages for.
const WIDTH_MIN: f64 = 0.1;
/// A span this many times as long as the longest good one of its name is slow.
const SLOW_MIN: f64 = 2.0;

/// A series: its service, its metric, its instance and attributes.
type Key = (String, String, String);

/// Templates of trouble that are new or come more often.
#[must_use]
pub fn from_logs(
    good: (&[LogTemplateRow], Window),
    bad: (&[LogTemplateRow], Window),
    thresholds: &Thresholds,
) -> Vec<Sign> {
    let is_same = |a: &LogTemplateRow, b: &LogTemplateRow| {
        (&a.service, a.severity, &a.template) == (&b.service, b.severity, &b.template)
    };
    let raised = bad.0.iter().filter(|row| row.severity >= ERROR || (row.severity >= WARN && row.count > 1));
    let signs = raised.filter_map(|row| {
        let before = good.0.iter().find(|old| is_same(old, row)).map_or(0, |old| old.count);
        let rates = (before as f64 / good.1.seconds().max(1.0), row.count as f64 / bad.1.seconds().max(1.0));
        (rates.1 >= thresholds.template_growth_min * rates.0).then(|| Sign {
            service: row.service.clone(),
            kind: SignKind::Log,
            text: row.example.clone(),
            attributes: row.attributes.clone(),
            since: if before == 0 && row.count > 2 { row.third } else { bad.1.to },
        })
    });
    signs.collect()
}

/// The messages of the good window.
#[must_use]
pub fn healthy(good: &[LogTemplateRow]) -> Vec<String> {
    good.iter().map(|row| row.example.clone()).collect()
}

/// Series that left their good range and stayed out: each slice is the same good window against a later part. A series
/// has left when its mean lies beyond its good range by as much again as that range is wide; of six points without
/// trend that is 3.75 standard deviations, and twice in a row.
#[must_use]
pub fn from_series(slices: &[(Window, &[SeriesRow])], thresholds: &Thresholds) -> Vec<Sign> {
    let mut runs: BTreeMap<Key, Vec<(Window, Option<bool>)>> = BTreeMap::new();
    let mut means: BTreeMap<Key, Vec<f64>> = BTreeMap::new();
    for (window, rows) in slices {
        for row in *rows {
            let key =
                (row.service.clone(), row.metric.clone(), format!("{}{:?}", row.instance, row.attributes));
            if row.bad.n > 0 {
                means.entry(key.clone()).or_default().push(row.bad.mean.get());
            }
            runs.entry(key).or_default().push((*window, left(row, thresholds.ranges_beyond)));
        }
    }
    let trends: BTreeSet<Key> =
        means.into_iter().filter(|(_, means)| moves_evenly(means)).map(|(key, _)| key).collect();
    let last = slices.last().map_or(UnixNanos(i64::MAX), |(window, _)| window.to);
    let signs = runs.into_iter().filter_map(|((service, metric, key), run)| {
        let (window, has_risen) = first_out(&run)?;
        let was_moving = trends.contains(&(service.clone(), metric.clone(), key));
        Some(Sign {
            service,
            kind: if has_risen { SignKind::Risen } else { SignKind::Fallen },
            text: metric,
            attributes: Vec::new(),
            // What counts down or up all the time has not begun when it leaves a range.
            since: if was_moving { last } else { window.to },
        })
    });
    signs.collect()
}

/// The longest that anything took, by service, in milliseconds: good spans, and figures of durations in
/// milliseconds by their name.
#[must_use]
pub fn usual_ms(good: &[TraceRow], series: &[SeriesRow]) -> BTreeMap<String, f64> {
    let mut usual: BTreeMap<String, f64> = BTreeMap::new();
    let spans = good.iter().map(|row| (&row.subject.service, row.duration_ns as f64 / 1e6));
    let is_duration = |row: &&SeriesRow| {
        let name = row.metric.to_ascii_lowercase();
        (name.contains("duration") || name.contains("latency")) && name.ends_with("ms")
    };
    let figures = series.iter().filter(is_duration).map(|row| (&row.service, row.good.max.get()));
    for (service, ms) in spans.chain(figures) {
        let longest = usual.entry(service.clone()).or_default();
        *longest = longest.max(ms);
    }
    usual
}

/// Whether the slice lies above (`true`) or below its good range; nothing when inside, or not known.
fn left(row: &SeriesRow, ranges_beyond: f64) -> Option<bool> {
    if row.good.n < 2 || row.bad.n == 0 {
        return None;
    }
    let (low, high) = (row.good.min.get(), row.good.max.get());
    let width = (high - low).max(WIDTH_MIN * libm::fabs(row.good.mean.get()));
    let mean = row.bad.mean.get();
    if mean > high + ranges_beyond * width {
        Some(true)
    } else if mean < low - ranges_beyond * width {
        Some(false)
    } else {
        None
    }
}

/// Whether all steps from slice to slice are alike: within a tenth of their mean, which no noise brings about nine
/// times in a row. A countdown is no failure until it ends.
fn moves_evenly(means: &[f64]) -> bool {
    let steps: Vec<f64> = means.windows(2).filter_map(|pair| Some(pair.get(1)? - pair.first()?)).collect();
    let mean = steps.iter().fold(0.0, |sum, step| sum + step) / steps.len().max(1) as f64;
    // The last slice may be cut short by the alert.
    let whole = steps.get(..steps.len().saturating_sub(1)).unwrap_or_default();
    whole.len() > 2 && whole.iter().all(|step| libm::fabs(step - mean) <= 0.1 * libm::fabs(mean))
}

/// The first slice that is out with the one after it; the last one needs none.
fn first_out(run: &[(Window, Option<bool>)]) -> Option<(Window, bool)> {
    run.iter().enumerate().find_map(|(place, (window, out))| {
        let side = (*out)?;
        match run.get(place + 1) {
            Some((_, after)) if *after != Some(side) => None,
            _ => Some((*window, side)),
        }
    })
}

/// Failed spans, and spans far slower than the good ones of their name; `at` is the time of the alert.
#[must_use]
pub fn from_spans(good: &[TraceRow], bad: &[TraceRow], at: UnixNanos) -> Vec<Sign> {
    let mut longest: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for row in good {
        let known = longest.entry((&row.subject.service, &row.subject.operation)).or_default();
        *known = row.duration_ns.max(*known);
    }
    let signs = bad.iter().filter_map(|row| {
        let before = longest.get(&(row.subject.service.as_str(), row.subject.operation.as_str())).copied();
        let is_slow = before.is_some_and(|before| row.duration_ns as f64 > SLOW_MIN * before as f64);
        let has_failed = row.status == StatusCode::Error;
        if !is_slow && !has_failed {
            return None;
        }
        let said = MESSAGES.iter().find_map(|key| value(row, key));
        let text = match said {
            Some(said) => format!("{} {said}", row.subject.operation),
            None if is_slow => format!("slow {}", row.subject.operation),
            None => row.subject.operation.clone(),
        };
        Some(Sign {
            service: row.subject.service.clone(),
            kind: SignKind::Span,
            text,
            attributes: row.attributes.clone(),
            since: at,
        })
    });
    signs.collect()
}

/// Where spans keep what went wrong; the first is OpenTelemetry's.
const MESSAGES: [&str; 5] = ["exception.message", "error.message", "status_message", "error", "error.type"];

fn value<'a>(row: &'a TraceRow, key: &str) -> Option<&'a str> {
    row.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use telemetry::answer::{SeriesFigures, SeriesKind};
    use telemetry::number::Num;

    use super::*;

    fn from_logs(good: (&[LogTemplateRow], Window), bad: (&[LogTemplateRow], Window)) -> Vec<Sign> {
        super::from_logs(good, bad, &Thresholds::default())
    }

    fn from_series(slices: &[(Window, &[SeriesRow])]) -> Vec<Sign> {
        super::from_series(slices, &Thresholds::default())
    }

    fn slice(from: i64) -> Window {
        Window::new(UnixNanos(0).plus_seconds(from), UnixNanos(0).plus_seconds(from + 10))
    }

    fn row(bad: f64) -> SeriesRow {
        let figures = |mean: f64, spread: f64| SeriesFigures {
            n: 6,
            mean: Num::new(mean),
            min: Num::new(mean - spread),
            max: Num::new(mean + spread),
        };
        SeriesRow {
            service: "cart".into(),
            instance: String::new(),
            version: String::new(),
            metric: "hit_ratio".into(),
            unit: String::new(),
            attributes: Vec::new(),
            kind: SeriesKind::Gauge,
            good: figures(0.9, 0.02),
            bad: figures(bad, 0.02),
        }
    }

    fn log(count: u64, second: i64) -> LogTemplateRow {
        let at = UnixNanos(0).plus_seconds(second);
        LogTemplateRow {
            service: "cart".into(),
            severity: 17,
            template: "it broke".into(),
            count,
            first: at,
            third: at.plus_seconds(2),
            example: "it broke".into(),
            attributes: Vec::new(),
        }
    }

    #[test]
    fn a_series_that_leaves_and_stays_out_is_a_sign_and_a_blip_is_not() {
        let run = |values: [f64; 4]| {
            let rows: Vec<[SeriesRow; 1]> = values.iter().map(|value| [row(*value)]).collect();
            let slices: Vec<(Window, &[SeriesRow])> =
                rows.iter().enumerate().map(|(n, rows)| (slice(n as i64 * 10), rows.as_slice())).collect();
            from_series(&slices)
        };
        let left = run([0.9, 0.9, 0.5, 0.4]);
        assert_eq!(
            (left.len(), left[0].kind, left[0].since),
            (1, SignKind::Fallen, UnixNanos(0).plus_seconds(30))
        );
        assert!(run([0.9, 0.5, 0.9, 0.9]).is_empty(), "a blip");
        assert!(run([0.9, 0.88, 0.93, 0.91]).is_empty(), "noise");
    }

    #[test]
    fn a_new_template_dates_the_onset_and_a_common_one_is_no_sign() {
        let (good, bad) = (slice(0), slice(10));
        let new = from_logs((&[], good), (&[log(5, 12)], bad));
        assert_eq!(new[0].since, UnixNanos(0).plus_seconds(14));
        assert!(from_logs((&[log(5, 2)], good), (&[log(6, 12)], bad)).is_empty());
        assert!(from_logs((&[], good), (&[], bad)).is_empty());
    }
}
