//! The baseline that every score is held against: blame the service whose figures changed most.
//!
//! The relative change of every mean of every series, and of the rates and durations of spans and logs, between the
//! last minutes before the alert and everything before them. It knows no calls, no cause and no chance.

use std::collections::BTreeMap;

use telemetry::{UnixNanos, Window};

use crate::case::Case;

/// Added to both sides of a ratio, as a share of the larger one: what grows from nothing is not infinitely loud.
const FLOOR_SHARE: f64 = 0.05;

#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    good: (f64, f64),
    bad: (f64, f64),
}

impl Sides {
    fn add(&mut self, is_bad: bool, value: f64) {
        let side = if is_bad { &mut self.bad } else { &mut self.good };
        side.0 += value;
        side.1 += 1.0;
    }

    /// How much the mean changed, either way.
    fn change(&self) -> f64 {
        if self.good.1 == 0.0 || self.bad.1 == 0.0 {
            return 0.0;
        }
        let (good, bad) = ((self.good.0 / self.good.1).abs(), (self.bad.0 / self.bad.1).abs());
        let floor = FLOOR_SHARE * good.max(bad) + f64::MIN_POSITIVE;
        let ratio = (bad + floor) / (good + floor);
        ratio.max(1.0 / ratio)
    }

    /// How much the number a second changed.
    fn rate_change(&self, good: Window, bad: Window) -> f64 {
        let per_second = Self {
            good: (self.good.1 / good.seconds().max(1.0), 1.0),
            bad: (self.bad.1 / bad.seconds().max(1.0), 1.0),
        };
        per_second.change()
    }
}

/// The loudest service of a case: the first by name among equals, none when nothing can be compared.
pub(crate) fn service(case: &Case) -> Option<String> {
    let from = case.file.wrong_from();
    let bad = Window::new(from, case.file.at);
    let good = Window::new(earliest(case).max(case.file.history_from), from);
    let is_bad = |at: UnixNanos| {
        let known = good.contains(at) || bad.contains(at);
        known.then_some(bad.contains(at))
    };
    let mut loudness: BTreeMap<&str, f64> = BTreeMap::new();
    let mut raise = |service, change: f64| {
        let loudest = loudness.entry(service).or_insert(0.0);
        *loudest = loudest.max(change);
    };
    let mut events: BTreeMap<(&str, &str), Sides> = BTreeMap::new();
    for span in &case.tables.spans {
        if let Some(is_bad) = is_bad(span.end) {
            let key = (&*span.resource.service, "spans");
            events.entry(key).or_default().add(is_bad, span.duration_ns() as f64);
            if span.is_error() {
                events.entry((&*span.resource.service, "errors")).or_default().add(is_bad, 1.0);
            }
        }
    }
    for log in &case.tables.logs {
        if let Some(is_bad) = is_bad(log.at) {
            events.entry((&*log.resource.service, "logs")).or_default().add(is_bad, 1.0);
        }
    }
    for ((service, what), sides) in &events {
        raise(*service, sides.rate_change(good, bad));
        if *what == "spans" {
            raise(*service, sides.change());
        }
    }
    for series in &case.tables.series {
        let mut sides = Sides::default();
        for (at, value) in &series.points {
            if let Some(is_bad) = is_bad(*at) {
                sides.add(is_bad, *value);
            }
        }
        raise(&series.key.service, sides.change());
    }
    let loudest = loudness.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0)));
    loudest.filter(|(_, change)| *change > 1.0).map(|(service, _)| service.to_owned())
}

/// The first span or log: rates are of the time with data.
fn earliest(case: &Case) -> UnixNanos {
    let spans = case.tables.spans.iter().map(|span| span.end);
    let logs = case.tables.logs.iter().map(|log| log.at);
    spans.chain(logs).min().unwrap_or_default()
}
