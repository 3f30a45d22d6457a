//! Which operations are slower or fail more now than before: the statistics behind the watch.
//!
//! Every (service, operation) is one test on blocks of one second (spans are clustered, seconds much less so): the last
//! five complete seconds against the history before them, or the last ten, fifteen or twenty where five hold fewer than ten
//! requests or cannot show a rise. An operation is slow when all of these hold:
//! the rank-sum test over the whole family has q <= 0.01 (Benjamini-Hochberg), 1e-3 with a minute of history; the median of
//! the seconds is more than twice the baseline's (the "elevated" line of operational practice) and at least 5 ms above it;
//! at least four of five seconds lie above the baseline's 95th percentile; the rise is one that the operation's own noise
//! does not make in days of looks, see `noise`. While an instance has just started, see `started`, a small rise is not told
//! yet. It fails more when five requests failed and Fisher's test has q <= 1e-5 with a rate that rose by 0.05, or
//! q <= 1e-4 (1e-3 with a short history) with 0.2; and when the seconds fail more, too, by the rank-sum test.
//!
//! Does not say why, and does not remember: a symptom that lasts is found again at each step.

mod flow;
mod noise;
mod started;

pub use flow::is_lost;

use incident::{AlertSignal, Measured, Symptom};
use telemetry::answer::OnsetRow;
use telemetry::time::{SECOND_NS, Window};
use telemetry::{UnixNanos, number::Num};

use crate::series::{self, Second, Series};
use crate::statistics::{false_discovery, fisher, median, rank_sum};

/// Seconds compared with the history, where there are requests enough.
pub const OBSERVED_SECONDS: i64 = 5;
/// Seconds compared with the history where five do not suffice; at one request in two seconds, twenty hold ten.
const LONGER_SECONDS: [i64; 3] = [10, 15, 20];
/// Seconds after the earliest data that are start-up.
pub const START_SECONDS: i64 = 4;
/// Seconds with data that the history must hold.
pub const HISTORY_SECONDS_MIN: usize = 12;
/// False discovery rate over the family of one step, where the history is too short to prove more.
const Q_MAX: f64 = 0.01;
/// The same where there is a minute of history, in which five raised seconds can prove much more; a day has 43,200 looks.
const LONG_Q_MAX: f64 = 1e-3;
/// Seconds with data that make a history long.
const LONG_SECONDS: usize = 60;
/// Ratio of medians from which a latency counts as elevated; exactly twice is not.
const RATIO_MIN: f64 = 2.0;
/// Rise of the median, in milliseconds, below which no person would be paged.
const RISE_MS_MIN: f64 = 5.0;
/// Requests in the observed seconds.
const REQUESTS_MIN: u64 = 10;
/// Failed requests and rise of the failure rate that make errors a symptom, and the false discovery rate of that rise:
/// five failures among fifty are a matter of chance once in ten thousand looks, and a day has 43,200.
const FAILED_MIN: u64 = 5;
const FAILURE_RISE_MIN: f64 = 0.05;
const FAILED_Q_MAX: f64 = 1e-5;
/// A rise from which the share itself speaks, and its false discovery rate with a short and with a long history.
const LARGE_RISE_MIN: f64 = 0.2;
const LARGE_RISE_Q_MAX: [f64; 2] = [1e-3, 1e-4];

/// Probability by chance, over seconds instead of requests, up to which a rise of failures counts: a process that ends takes
/// with it what is under way, and such a moment or two are many failures but few seconds.
const FAILED_SECONDS_P_MAX: f64 = 2e-3;

/// One operation in the two windows.
#[derive(Clone)]
struct Case {
    service: String,
    operation: String,
    history: Vec<Second>,
    observed: Vec<Second>,
    baseline_window: Window,
    observed_window: Window,
    /// Whether nothing that has just started explains it.
    is_settled: bool,
}

/// The symptoms at data time `at` (the end of the last complete second), worst first.
#[must_use]
pub fn find(rows: &[OnsetRow], history_from: UnixNanos, at: UnixNanos) -> Vec<Symptom> {
    let observed_window = Window::new(at.plus_seconds(-OBSERVED_SECONDS), at);
    let baseline_window = baseline(rows, history_from, observed_window.from);
    let by_operation = series::by_operation(rows);
    let started = started::operations(rows, baseline_window.from, at);
    let windows = std::iter::once(OBSERVED_SECONDS).chain(LONGER_SECONDS).map(|seconds| {
        let observed = Window::new(at.plus_seconds(-seconds), at);
        (Window::new(baseline_window.from, observed.from), observed)
    });
    let windows: Vec<(Window, Window)> = windows.collect();
    let looked: Vec<Looked> = by_operation
        .iter()
        .filter_map(|named| {
            let cases = windows.iter().filter_map(|windows| case(named, *windows));
            Looked::new(cases, started.contains(named.0))
        })
        .collect();
    let slow_p: Vec<f64> = looked.iter().map(|looked| slow_p(&looked.slow)).collect();
    let failed_p: Vec<f64> = looked.iter().map(|looked| failed_p(&looked.failing)).collect();
    let family: Vec<f64> = slow_p.iter().chain(&failed_p).copied().collect();
    let q_values = false_discovery::q_values(&family);
    let q_at = |place: usize| q_values.get(place).copied().unwrap_or(1.0);
    let mut symptoms: Vec<(f64, Symptom)> = Vec::new();
    for (place, looked) in looked.iter().enumerate() {
        symptoms.extend(slow(&looked.slow, q_at(place)));
        symptoms.extend(failing(&looked.failing, q_at(place + slow_p.len())));
    }
    symptoms.extend(flow::fewer_messages(rows, &by_operation, baseline_window, observed_window));
    let is_known = |found: &Symptom| {
        symptoms.iter().any(|(_, s)| s.service == found.service && s.operation == found.operation)
    };
    let new = flow::new_failures(&by_operation, baseline_window, observed_window);
    let new: Vec<_> = new.into_iter().filter(|(_, symptom)| !is_known(symptom)).collect();
    symptoms.extend(new);
    symptoms.sort_by(|a, b| {
        let names = |symptom: &Symptom| (symptom.service.clone(), symptom.operation.clone(), symptom.signal);
        b.0.total_cmp(&a.0).then_with(|| names(&a.1).cmp(&names(&b.1)))
    });
    symptoms.into_iter().map(|(_, symptom)| symptom).collect()
}

/// The history, without a start-up that falls into it: the first requests of a system open connections and fill caches,
/// and one such second among a dozen hides what comes after them.
fn baseline(rows: &[OnsetRow], history_from: UnixNanos, to: UnixNanos) -> Window {
    let first = rows.iter().map(|row| row.second).min().unwrap_or(history_from);
    let warm = first.plus_seconds(START_SECONDS);
    let is_long = to.since(warm) >= HISTORY_SECONDS_MIN as i64 * SECOND_NS;
    Window::new(if first > history_from && is_long { warm } else { history_from }, to)
}

/// The cases of one operation that are tested. Which of the windows it is costs no share of the family: the noise, and
/// the number of failures, are held against each.
struct Looked {
    slow: Case,
    failing: Case,
}

impl Looked {
    /// The first window in which it is slow, or fails, else the first of all.
    fn new(cases: impl Iterator<Item = Case>, has_started: bool) -> Option<Self> {
        let (mut first, mut slow, mut failing) = (None, None, None);
        for mut case in cases {
            case.is_settled =
                !has_started || started::is_settled(&medians(&case.history), &medians(&case.observed));
            slow = slow.or_else(|| case.rise().map(|_| case.clone()));
            failing = failing.or_else(|| case.failures().map(|_| case.clone()));
            first = first.or(Some(case));
        }
        let first: Case = first?;
        Some(Self { slow: slow.unwrap_or_else(|| first.clone()), failing: failing.unwrap_or(first) })
    }
}

/// The case of one operation, when there is enough of it in both windows.
fn case(
    ((service, operation), series): (&(String, String), &Series),
    (baseline_window, observed_window): (Window, Window),
) -> Option<Case> {
    let seconds = |window| series::within(series, window).map(|(_, second)| second).collect();
    let (history, observed): (Vec<Second>, Vec<Second>) =
        (seconds(baseline_window), seconds(observed_window));
    let requests: u64 = observed.iter().map(|second| second.count).sum();
    let has_enough = history.len() >= HISTORY_SECONDS_MIN && observed.len() >= 4 && requests >= REQUESTS_MIN;
    has_enough.then(|| Case {
        service: service.clone(),
        operation: operation.clone(),
        history,
        observed,
        baseline_window,
        observed_window,
        is_settled: true,
    })
}

impl Case {
    fn is_long(&self) -> bool {
        self.history.len() >= LONG_SECONDS
    }

    /// The medians before and now, when they are apart by more than twice, than a trifle, than single seconds and than
    /// noise.
    fn rise(&self) -> Option<(f64, f64)> {
        let (history, observed) = (medians(&self.history), medians(&self.observed));
        let (before, now) = (median::median(&history)?, median::median(&observed)?);
        if now <= RATIO_MIN * before || now - before < RISE_MS_MIN || !self.is_settled {
            return None;
        }
        let usual = median::quantile(&history, 0.95)?;
        let above = observed.iter().filter(|value| **value > usual).count();
        let is_lasting = 5 * above >= 4 * observed.len().max(OBSERVED_SECONDS as usize);
        let is_beyond = noise::is_beyond(&history, &observed, RATIO_MIN);
        (is_lasting && is_beyond).then_some((before, now))
    }

    /// The shares of failed requests before and now, when enough failed and they are apart.
    fn failures(&self) -> Option<(f64, f64)> {
        let ((good_failed, good), (bad_failed, bad)) = (totals(&self.history), totals(&self.observed));
        let (before, now) = (good_failed as f64 / good.max(1) as f64, bad_failed as f64 / bad.max(1) as f64);
        let is_more = bad_failed >= FAILED_MIN && now - before >= FAILURE_RISE_MIN;
        (is_more && self.is_failing_for_seconds()).then_some((before, now))
    }

    /// Whether it is the seconds that fail more, and not a moment or two among them.
    fn is_failing_for_seconds(&self) -> bool {
        let shares = |seconds: &[Second]| -> Vec<f64> {
            seconds.iter().map(|second| second.errors as f64 / second.count.max(1) as f64).collect()
        };
        rank_sum::p_raised(&shares(&self.history), &shares(&self.observed)) <= FAILED_SECONDS_P_MAX
    }
}

fn medians(seconds: &[Second]) -> Vec<f64> {
    seconds.iter().map(Second::p50_ms).collect()
}

fn slow_p(case: &Case) -> f64 {
    rank_sum::p_raised(&medians(&case.history), &medians(&case.observed))
}

fn totals(seconds: &[Second]) -> (u64, u64) {
    (seconds.iter().map(|second| second.errors).sum(), seconds.iter().map(|second| second.count).sum())
}

fn failed_p(case: &Case) -> f64 {
    let ((good_failed, good), (bad_failed, bad)) = (totals(&case.history), totals(&case.observed));
    fisher::p_raised(good_failed, good, bad_failed, bad)
}

fn slow(case: &Case, q_value: f64) -> Option<(f64, Symptom)> {
    let q_max = if case.is_long() { LONG_Q_MAX } else { Q_MAX };
    let (before, now) = case.rise().filter(|_| q_value <= q_max)?;
    Some((now / before.max(0.1), symptom(case, AlertSignal::Latency, (before, now), q_value)))
}

fn failing(case: &Case, q_value: f64) -> Option<(f64, Symptom)> {
    let (before, now) = case.failures()?;
    let [short, long] = LARGE_RISE_Q_MAX;
    let q_max = match now - before >= LARGE_RISE_MIN {
        true if case.is_long() => long,
        true => short,
        false => FAILED_Q_MAX,
    };
    (q_value <= q_max)
        .then(|| (now / before.max(0.001), symptom(case, AlertSignal::Errors, (before, now), q_value)))
}

fn symptom(case: &Case, signal: AlertSignal, (before, now): (f64, f64), q_value: f64) -> Symptom {
    let measured = |seconds: &[Second], value: f64| Measured {
        count: totals(seconds).1,
        seconds: seconds.len() as u64,
        value: Num::new(value),
    };
    Symptom {
        service: case.service.clone(),
        operation: case.operation.clone(),
        signal,
        baseline: measured(&case.history, before),
        observed: measured(&case.observed, now),
        baseline_window: case.baseline_window,
        observed_window: case.observed_window,
        q_value: Num::new(q_value),
    }
}

#[cfg(test)]
mod tests {
    use telemetry::answer::Subject;

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    /// Five services for a minute; `slow` of them is `factor` times slower from second 55 on.
    fn rows(seed: u64, factor: f64) -> Vec<OnsetRow> {
        let mut noise = Seeded(seed);
        let mut rows = Vec::new();
        for service in ["a", "b", "c", "d", "e"] {
            // Load of the whole machine moves all latencies together for a while: seconds are not independent.
            let mut drift = 0.0;
            for second in 0..60 {
                drift = 0.7 * drift + 0.1 * noise.normal();
                let level = if service == "c" && second >= 55 { 10.0 * factor } else { 10.0 };
                let p50 = (noise.latency(level, 0.15) * libm::exp(drift) * MS) as i64;
                rows.push(row(service, second, 6, p50));
            }
        }
        rows
    }

    const MS: f64 = series::MS_NS;

    fn row(service: &str, second: i64, count: u64, p50_ns: i64) -> OnsetRow {
        OnsetRow {
            is_message: false,
            subject: Subject {
                service: service.into(),
                operation: "GET /".into(),
                instance: "1".into(),
                version: "1".into(),
            },
            second: UnixNanos(0).plus_seconds(second),
            count,
            errors: 0,
            sum_ns: p50_ns * count as i64,
            p50_ns,
            p95_ns: p50_ns * 2,
        }
    }

    fn at(second: i64) -> UnixNanos {
        UnixNanos(0).plus_seconds(second)
    }

    // covers: AT-02, W-01, W-02
    #[test]
    fn one_service_ten_times_slower_among_five_is_the_only_symptom() {
        for seed in 1..=200 {
            let found = find(&rows(seed, 10.0), at(0), at(60));
            let named: Vec<_> = found.iter().map(|symptom| symptom.service.as_str()).collect();
            assert_eq!(named, ["c"], "seed {seed}");
        }
    }

    // covers: AT-02
    #[test]
    fn healthy_data_raise_an_alarm_in_less_than_one_step_in_two_hundred() {
        let rate = false_alarm_rate(1000, |seed| !find(&rows(seed, 1.0), at(0), at(60)).is_empty());
        assert!(rate <= 0.005, "stated 0.005, measured {rate}");
    }

    // covers: AG-31
    #[test]
    fn exactly_twice_the_baseline_is_not_elevated_and_a_little_more_is() {
        let step = |factor: f64| -> Vec<OnsetRow> {
            (0..60)
                .map(|second| {
                    let level = if second >= 55 { 10.0 * factor } else { 10.0 };
                    row("a", second, 6, (level * MS) as i64)
                })
                .collect()
        };
        assert!(find(&step(2.0), at(0), at(60)).is_empty());
        assert_eq!(find(&step(2.01), at(0), at(60)).len(), 1);
        assert!(find(&step(2.01)[50..], at(0), at(60)).is_empty(), "no baseline, no judgement");
    }

    /// Four operations with a request every other second for 90 s; `c` is `factor` times slower since second 70.
    fn sparse(seed: u64, factor: f64) -> Vec<OnsetRow> {
        let mut noise = Seeded(seed);
        let mut rows = Vec::new();
        for service in ["a", "b", "c", "d"] {
            for second in (0..90).filter(|second| second % 2 == 0) {
                let level = if service == "c" && second >= 70 { 20.0 * factor } else { 20.0 };
                rows.push(row(service, second, 1, (noise.latency(level, 0.3) * MS) as i64));
            }
        }
        rows
    }

    #[test]
    fn an_operation_with_few_requests_is_looked_at_for_longer_and_chance_seldom_raises_it() {
        let found = find(&sparse(1, 5.0), at(0), at(90));
        let named: Vec<_> = found.iter().map(|s| (s.service.as_str(), s.observed_window.seconds())).collect();
        assert_eq!(named, [("c", 20.0)]);
        let mut failing = sparse(2, 1.0);
        for row in failing.iter_mut().filter(|row| row.subject.service == "c" && row.second >= at(78)) {
            row.errors = 1;
        }
        assert_eq!(find(&failing, at(0), at(90)).len(), 1, "six of ten requests fail");
        let rate = false_alarm_rate(1000, |seed| !find(&sparse(seed, 1.0), at(0), at(90)).is_empty());
        assert!(rate <= 0.005, "stated 0.005, measured {rate}");
    }

    #[test]
    fn failures_of_a_moment_are_none_of_a_state() {
        let with = |failed: &dyn Fn(i64) -> u64| {
            let mut data = rows(1, 1.0);
            for row in data.iter_mut().filter(|row| row.subject.service == "b") {
                row.errors = failed(row.second.since(at(0)) / 1_000_000_000).min(row.count);
            }
            find(&data, at(0), at(60)).len()
        };
        assert_eq!(with(&|second| if second == 58 { 6 } else { 0 }), 0, "one second, and all of it");
        assert_eq!(with(&|second| if second >= 57 { 2 } else { 0 }), 1, "as many in three seconds");
    }

    #[test]
    fn one_slow_operation_among_two_hundred_is_found() {
        let mut noise = Seeded(5);
        let mut data = Vec::new();
        for number in 0..200 {
            for second in 0..60 {
                let level = if number == 77 && second >= 55 { 1000.0 } else { 10.0 };
                data.push(row(&format!("s{number}"), second, 6, (noise.latency(level, 0.15) * MS) as i64));
            }
        }
        let found = find(&data, at(0), at(60));
        let named: Vec<_> = found.iter().map(|symptom| symptom.service.as_str()).collect();
        assert_eq!(named, ["s77"]);
    }

    #[test]
    fn a_slow_first_second_does_not_hide_what_comes_after_it() {
        let mut data: Vec<OnsetRow> = Vec::new();
        for number in 0..20 {
            for second in 40..64 {
                let level = match second {
                    40 => 300.0,
                    59.. if number == 7 => 50.0,
                    _ => 10.0,
                };
                let p50 = level * MS + (second * 7 % 5) as f64 * 1e4 + f64::from(number) * 1e3;
                data.push(row(&format!("s{number}"), second, 6, p50 as i64));
            }
        }
        let found = find(&data, at(0), at(64));
        let named: Vec<_> = found.iter().map(|symptom| symptom.service.as_str()).collect();
        assert_eq!(named, ["s7"]);
        assert!(find(&data, at(40), at(64)).is_empty(), "with the start-up in the history it is hidden");
    }

    #[test]
    fn failures_are_a_symptom_of_their_own() {
        let mut data = rows(1, 1.0);
        for row in data.iter_mut().filter(|row| row.subject.service == "b" && row.second >= at(55)) {
            row.errors = 3;
        }
        let found = find(&data, at(0), at(60));
        assert_eq!((found.len(), found[0].signal), (1, AlertSignal::Errors));
        assert_eq!(found[0].observed.value.get(), 0.5);
    }
}
