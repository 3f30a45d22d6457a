//! Budgets and burn rates at their bounds.

use telemetry::answer::HealthRow;

use super::*;
use crate::health::planted::row;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn now() -> UnixNanos {
    UnixNanos(0).plus_seconds(100 * DAY)
}

fn slo(kind: SloKind) -> Slo {
    Slo {
        name: "slo".into(),
        operation: None,
        kind,
        target: None,
        threshold: kind.is_latency().then(|| "200ms".parse().unwrap()),
        window_days: 30,
    }
}

/// One part for each (age in seconds at its start, at its end) with its requests.
fn at(slo: &Slo, planted: &[(i64, i64, HealthRow)]) -> SloState {
    let rows: Vec<[HealthRow; 1]> = planted.iter().map(|(_, _, row)| [row.clone()]).collect();
    let parts: Vec<Part<'_>> = planted
        .iter()
        .zip(&rows)
        .map(|((from, to, _), row)| {
            (Window::new(now().plus_seconds(-from), now().plus_seconds(-to)), row.as_slice())
        })
        .collect();
    state(slo, "a", &parts, now(), 100)
}

fn requests(count: u64, errors: u64) -> HealthRow {
    row("a", "POST /pay", count, errors, 50.0)
}

// covers: AG-39, AG-15
#[test]
fn half_a_quarter_and_a_tenth_of_the_budget_are_the_bounds_of_the_report() {
    let left = |errors| at(&slo(SloKind::Availability), &[(2 * DAY, DAY, requests(100_000, errors))]);
    // A thousandth of 100,000 may fail: a hundred.
    assert_eq!([left(49).standing, left(50).standing], [Standing::Healthy, Standing::AtRisk]);
    assert_eq!([left(74).standing, left(75).standing], [Standing::AtRisk, Standing::Warning]);
    assert_eq!([left(89).standing, left(90).standing], [Standing::Warning, Standing::Violated]);
    assert_eq!((left(50).budget_left, left(150).budget_left), (Some(0.5), Some(0.0)));
    assert!((left(150).burn_rate.unwrap() - 1.5).abs() < 1e-9, "what is beyond the budget is still told");
    let none = at(&slo(SloKind::Availability), &[]);
    assert_eq!((none.standing, none.budget_left, none.covered_seconds), (Standing::NoData, None, 0.0));
}

// covers: AG-39, W-14
#[test]
fn what_failed_before_the_window_is_no_longer_counted_and_the_covered_part_is_told() {
    let planted = [(40 * DAY, 31 * DAY, requests(1_000, 1_000)), (2 * DAY, 0, requests(1_000, 0))];
    let state = at(&slo(SloKind::Availability), &planted);
    assert_eq!((state.total, state.budget_left), (1_000, Some(1.0)));
    assert!((state.covered_seconds - (2 * DAY) as f64).abs() < 1e-6);
}

// covers: AG-39, W-14
#[test]
fn a_latency_objective_counts_slow_requests_and_520_of_10_000_leave_nothing_of_one_percent() {
    // 5.2 % over 200 ms: the 95th percentile lies a little above the threshold.
    let mut slow = requests(10_000, 0);
    (slow.p50_ns, slow.p95_ns, slow.p99_ns) = (45_000_000, 201_000_000, 312_000_000);
    let state = at(&slo(SloKind::LatencyP99), &[(DAY, 0, slow.clone())]);
    assert!(state.bad.least <= 520.0 && 520.0 <= state.bad.most, "{:?}", state.bad);
    assert_eq!((state.budget_left, state.standing), (Some(0.0), Standing::Violated));
    assert!((state.measured_ms.unwrap() - 312.0).abs() < 1e-9 && !state.bad.is_exact());
    (slow.p95_ns, slow.p99_ns) = (90_000_000, 120_000_000);
    let fast = at(&slo(SloKind::LatencyP99), &[(DAY, 0, slow.clone())]);
    assert!(fast.budget_left.unwrap() > 0.5, "{fast:?}");
    let half = at(&slo(SloKind::LatencyP50), &[(DAY, 0, slow)]);
    assert_eq!((half.target, half.standing), (0.5, Standing::Healthy));
}

// covers: AG-39, W-14
#[test]
fn what_burns_needs_both_windows_of_a_pair() {
    let objective = slo(SloKind::Availability);
    let burning = |planted: &[(i64, i64, HealthRow)]| -> Vec<f64> {
        let state = at(&objective, planted);
        state.burns.iter().filter(|burn| burn.is_burning).map(|burn| burn.rule.factor).collect()
    };
    let (good, bad) = (|count| requests(count, 0), |count, errors| requests(count, errors));
    let halves = |errors| {
        [(HOUR, 1_800, bad(27_500, errors)), (1_800, 300, bad(27_500, 396)), (300, 0, bad(5_000, 72))]
    };
    // 1.44 % of the hour and of its last five minutes.
    assert_eq!(burning(&halves(396)), [14.4, 6.0, 1.0]);
    assert_eq!(burning(&halves(395)), [6.0, 1.0], "one less");
    // It is over: the hour still looks bad, the last five minutes and the last half hour do not.
    let over = [(HOUR, 1_800, bad(30_000, 3_000)), (1_800, 300, good(25_000)), (300, 0, good(5_000))];
    assert_eq!(burning(&over), [1.0]);
    // A blip: the last five minutes are bad, the hour is not.
    let quiet =
        [(3 * DAY, 6 * HOUR, good(9_000_000)), (6 * HOUR, HOUR, good(800_000)), (HOUR, 1_800, good(100_000))];
    let blip: Vec<_> =
        quiet.into_iter().chain([(1_800, 300, good(100_000)), (300, 0, bad(1_000, 20))]).collect();
    assert_eq!(burning(&blip), Vec::<f64>::new());
    // A few failures among few requests are no alert.
    assert_eq!(
        burning(&[(HOUR, 1_800, good(60)), (1_800, 300, good(10)), (300, 0, bad(10, 10))]),
        Vec::<f64>::new()
    );
    // What reaches into a window from before it says nothing of that window.
    let cut = at(&objective, &[(HOUR, 0, bad(10_000, 5_000))]);
    let long: Vec<bool> = cut.burns.iter().map(|burn| burn.long.is_some()).collect();
    let short: Vec<bool> = cut.burns.iter().map(|burn| burn.short.is_some()).collect();
    assert_eq!((long, short), (vec![true, true, true], vec![false, false, true]));
}

#[test]
fn the_parts_to_ask_for_meet_and_end_where_burn_windows_begin() {
    let parts = parts(&slo(SloKind::Availability), now());
    assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from) && parts.len() <= 70, "{}", parts.len());
    let ages: Vec<i64> = parts.iter().map(|part| now().since(part.from) / 1_000_000_000).collect();
    let begins = [30 * DAY, 3 * DAY, 6 * HOUR, HOUR, 1_800, 300];
    assert!(begins.iter().all(|age| ages.contains(age)) && ages[0] == 30 * DAY, "{ages:?}");
    let year = Slo { window_days: 365, ..slo(SloKind::LatencyP99) };
    assert!(super::parts(&year, now()).len() <= 75);
    let short = Slo { window_days: 1, ..slo(SloKind::Availability) };
    let short = super::parts(&short, now());
    assert_eq!(
        now().since(short[0].from),
        DAY * 1_000_000_000,
        "no burn window is longer than the objective's"
    );
}
