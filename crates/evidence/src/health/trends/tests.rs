//! Planted ramps, and null data at the stated rate.

use telemetry::answer::HealthRow;

use super::*;
use crate::health::planted::{row, window};
use crate::statistics::null::{Seeded, false_alarm_rate};

/// Half a minute each: requests, failed ones, median in milliseconds.
fn of_samples(samples: &[(u64, u64, f64)]) -> Trends {
    let rows: Vec<[HealthRow; 1]> =
        samples.iter().map(|(count, errors, ms)| [row("a", "GET /", *count, *errors, *ms)]).collect();
    let parts: Vec<Part<'_>> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| (window(at as i64 * 30, at as i64 * 30 + 30), row.as_slice()))
        .collect();
    of(&parts, "a", "GET /", &Settings::default())
}

// covers: AG-17, AG-37
#[test]
fn a_ramp_of_latency_and_failures_is_degrading_with_its_figures() {
    let samples: Vec<(u64, u64, f64)> = (0_u32..60)
        .map(|at| (90 - u64::from(at > 30) * 8, u64::from(at / 12), 45.0 + 4.5 * f64::from(at)))
        .collect();
    let trends = of_samples(&samples);
    assert_eq!((trends.samples, trends.assessment), (60, Assessment::Degrading));
    assert_eq!(
        [trends.p50_ms.direction, trends.p99_ms.direction, trends.failure_rate.direction],
        [Direction::Rising; 3]
    );
    assert!((trends.p50_ms.from - 49.5).abs() < 1e-9 && (trends.p50_ms.to - 306.0).abs() < 1e-9);
    assert!((trends.p50_ms.change.unwrap() - (306.0 / 49.5 - 1.0)).abs() < 1e-9);
    assert!((trends.p99_ms.to - 4.0 * 306.0).abs() < 1e-9, "the 99th percentile of its own window");
    let mut turned = samples;
    turned.reverse();
    assert_eq!(of_samples(&turned).assessment, Assessment::Improving);
}

// covers: AG-17
#[test]
fn throughput_has_a_trend_of_its_own_that_is_neither_good_nor_bad() {
    let samples: Vec<(u64, u64, f64)> = (0..60).map(|at| (180 - at, 0, 45.0)).collect();
    let trends = of_samples(&samples);
    assert_eq!((trends.per_minute.direction, trends.assessment), (Direction::Falling, Assessment::Stable));
    assert!((trends.per_minute.from - 358.0).abs() < 1e-9, "{:?}", trends.per_minute);
}

// covers: AG-17, W-06
#[test]
fn noise_stays_stable_at_the_stated_rate_over_all_four_measures() {
    let noisy = |seed: u64, phi: f64| {
        let mut noise = Seeded(seed);
        let latency = noise.autocorrelated(phi, 60);
        let load = noise.autocorrelated(phi, 60);
        let samples: Vec<(u64, u64, f64)> = latency
            .iter()
            .zip(&load)
            .map(|(latency, load)| {
                let count = libm::round(200.0 * libm::exp(0.1 * load)) as u64;
                let errors = (0..count).filter(|_| noise.uniform() < 0.01).count() as u64;
                (count, errors, 45.0 * libm::exp(0.3 * latency))
            })
            .collect();
        of_samples(&samples)
    };
    for phi in [0.0, 0.5, 0.8] {
        let rate = false_alarm_rate(400, |seed| {
            let trends = noisy(seed, phi);
            let all = [trends.p50_ms, trends.p99_ms, trends.failure_rate, trends.per_minute];
            all.iter().any(|trend| trend.direction != Direction::Stable)
        });
        assert!(rate <= 0.015, "stated 0.01, measured {rate} at {phi}");
    }
}

// covers: W-06
#[test]
fn without_the_correction_the_rate_would_be_far_above_the_stated_one() {
    let rate = false_alarm_rate(300, |seed| {
        let values = Seeded(seed).autocorrelated(0.8, 60);
        let agreement: f64 = (0..60)
            .flat_map(|early| (early + 1..60).map(move |late| (early, late)))
            .map(|(early, late)| if values[late] > values[early] { 1.0 } else { -1.0 })
            .sum();
        let variance = 60.0 * 59.0 * 125.0 / 18.0;
        let p_value = 2.0 * crate::statistics::rank_sum::upper_tail(agreement.abs() / libm::sqrt(variance));
        p_value <= Settings::default().trend_p_max
    });
    assert!(rate > 0.1, "{rate}");
}

// covers: AG-37
#[test]
fn few_samples_are_unknown_a_small_rise_is_stable_and_one_wild_sample_is_nothing() {
    let flat: Vec<(u64, u64, f64)> = vec![(90, 0, 45.0); 9];
    assert_eq!(of_samples(&flat).assessment, Assessment::Unknown);
    let small: Vec<(u64, u64, f64)> = (0..60).map(|at| (90, 0, 45.0 + 0.03 * f64::from(at))).collect();
    assert_eq!(of_samples(&small).p50_ms.direction, Direction::Stable, "significant, and 4 %");
    let mut wild = vec![(90, 0, 45.0); 60];
    wild[59] = (90, 0, 4_500.0);
    assert_eq!(of_samples(&wild).assessment, Assessment::Stable);
    assert_eq!(of_samples(&[]).assessment, Assessment::Unknown);
}

// covers: W-06
#[test]
fn a_part_without_requests_has_no_latency_and_a_throughput_of_none() {
    let samples: Vec<(u64, u64, f64)> =
        (0..60).map(|at| if at % 3 == 0 { (0, 0, 0.0) } else { (90, 0, 45.0) }).collect();
    let trends = of_samples(&samples);
    assert_eq!((trends.samples, trends.p50_ms.from), (40, 45.0));
    assert_eq!(trends.assessment, Assessment::Stable);
}

#[test]
fn half_an_hour_is_asked_for_in_sixty_parts_and_a_day_in_no_more_than_120() {
    let half_hour = parts(window(0, 1_800));
    assert_eq!((half_hour.len(), half_hour[0], half_hour[59]), (60, window(0, 30), window(1_770, 1_800)));
    let day = parts(window(0, 86_400));
    assert_eq!((day.len(), day[0].from, day[119].to), (120, window(0, 0).from, window(0, 86_400).to));
    assert!(parts(window(10, 10)).is_empty() && parts(window(0, 20)).is_empty());
}
