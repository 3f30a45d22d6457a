//! Hours without a fault raise nothing; the same hours with one are raised soon.
//!
//! The short form looks at a few hours in a debug build. With `FIRSTCAUSE_SOAK` it is 2,000 service-hours and the figures are
//! printed.

use serde_json::json;
use testkit::hours::{DAY, Patrol, Plant, Planted, Raised, World};

use crate::soak;

/// Seconds from a fault to the symptom that the threshold counts.
const SOON_SECONDS: i64 = 16;
/// Seconds after which a fault counts as missed.
const MISSED_SECONDS: i64 = 30;
/// Seconds before a fault is planted.
const WARM_SECONDS: i64 = 100;
/// Share of the planted faults that must be raised soon.
const POWER_MIN: f64 = 0.95;

/// The kinds of fault, the least requests or messages a second of their operations (so few of them fail or go missing in
/// sixteen seconds below it that chance does as much), and whether a threshold stands on them.
const PLANTS: [(&str, Plant, f64, bool); 4] = [
    ("three times slower", Plant::Slower(3.0), 3.0, true),
    ("two and a half times slower", Plant::Slower(2.5), 3.0, false),
    ("20 % fail", Plant::Failing(0.2), 5.0, true),
    ("70 % of messages lost", Plant::Missing(0.7), 8.0, true),
];

fn words(raised: &Raised) -> String {
    let symptom = &raised.symptoms[0];
    format!(
        "{} {} {} {:?}: {} -> {} ({} and {} requests, q {})",
        raised.at.clock(),
        symptom.service,
        symptom.operation,
        symptom.signal,
        symptom.baseline.value.get(),
        symptom.observed.value.get(),
        symptom.baseline.count,
        symptom.observed.count,
        symptom.q_value.get()
    )
}

/// The incidents of `worlds` worlds of `services` for `hours` each, two at a time.
fn quiet(seed: u64, worlds: u64, services: usize, hours: i64) -> Vec<String> {
    let halves: Vec<_> = (0..2_u64)
        .map(|half| {
            std::thread::spawn(move || {
                let mine = (0..worlds).filter(move |world| world % 2 == half);
                mine.flat_map(|world| {
                    // Worlds begin at different times of the week.
                    let start = (world as i64 * 41 + 8) * 3_600 % (7 * DAY);
                    let mut patrol = Patrol::new(World::new(seed + world, services, start));
                    patrol.incidents(hours * 3_600).iter().map(words).collect::<Vec<_>>()
                })
                .collect::<Vec<String>>()
            })
        })
        .collect();
    halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
}

/// Seconds until a planted fault is raised at its place, `None` when it is missed; nothing where there is no place for it.
fn planted(seed: u64, plant: Plant, rate: f64) -> Option<Option<i64>> {
    let start = seed as i64 * 7_919 % (7 * DAY);
    let mut patrol = Patrol::new(World::new(seed, 12, start));
    (0..WARM_SECONDS / 2).for_each(|_| drop(patrol.look()));
    let places = patrol.world.places(plant, rate);
    let place = *places.get(seed as usize % places.len().max(1))?;
    let (service, operation) = patrol.world.name(place).map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    patrol.world.plant(Planted { plant, place });
    let found = (1..=MISSED_SECONDS / 2).find(|_| {
        patrol.look().is_some_and(|raised| {
            raised.symptoms.iter().any(|symptom| symptom.service == service && symptom.operation == operation)
        })
    });
    Some(found.map(|looks| looks * 2))
}

#[test]
fn a_world_without_a_fault_raises_nothing_and_with_one_is_raised_soon() {
    let seed = soak::seed();
    let (worlds, services, hours, trials) = if soak::is_long() { (10, 20, 10, 200) } else { (2, 3, 1, 6) };
    let incidents = quiet(seed, worlds, services, hours);
    let service_hours = worlds * services as u64 * hours as u64;
    let mut table =
        vec![format!("{service_hours} service-hours without a fault: {} incidents", incidents.len())];
    table.extend(incidents.iter().cloned());
    let mut passed = incidents.is_empty();
    let mut power = Vec::new();
    for (name, plant, rate, is_threshold) in PLANTS {
        let mut times: Vec<Option<i64>> =
            (1..=trials).filter_map(|trial| planted(seed * 1_000 + trial, plant, rate)).collect();
        times.sort_by_key(|time| time.unwrap_or(i64::MAX));
        let soon = times.iter().flatten().filter(|seconds| **seconds <= SOON_SECONDS).count();
        let median = times.get(times.len() / 2).copied().flatten();
        let share = soon as f64 / times.len().max(1) as f64;
        passed &= !is_threshold || share >= POWER_MIN;
        let needed = if is_threshold { "at least 95 %" } else { "recorded" };
        table.push(format!(
            "{name:<28} at {rate} a second and more: {soon:>3} of {:>3} within {SOON_SECONDS} s, median {median:?} s, {needed}",
            times.len()
        ));
        power.push(json!({ "fault": name, "of": times.len(), "soon": soon, "median_seconds": median }));
    }
    let figures = json!({
        "service_hours": service_hours,
        "incidents": incidents,
        "power": power,
        "passed": passed,
        "table": table,
    });
    soak::report(&figures);
    if !soak::is_long() {
        assert!(incidents.is_empty(), "{incidents:#?}");
        let missed = power.iter().filter(|figures| figures["soon"].as_u64() < Some(trials - 2)).count();
        assert!(missed <= 2, "{power:#?}");
    }
}
