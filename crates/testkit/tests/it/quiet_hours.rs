//! Hours without a fault raise nothing; the same hours with one are raised soon.

use testkit::hours::{Patrol, Plant, Planted, World, DAY};

fn long() -> bool { std::env::var_os("FIRSTCAUSE_SOAK").is_some() }

#[test]
fn scratch() {
    let hours: i64 = std::env::var("HOURS").ok().and_then(|h| h.parse().ok()).unwrap_or(2);
    let mut threads = vec![];
    for world in 0..2_u64 {
        threads.push(std::thread::spawn(move || {
            let began = std::time::Instant::now();
            let mut patrol = Patrol::new(World::new(world + 1, 20, DAY / 3 + world as i64 * 2 * DAY));
            let found = patrol.incidents(hours * 3600);
            for raised in &found {
                for s in &raised.symptoms {
                    println!("{world} {} {} {} {:?} {} -> {} n {} -> {} q {}", raised.at.clock(), s.service, s.operation, s.signal, s.baseline.value.get(), s.observed.value.get(), s.baseline.count, s.observed.count, s.q_value.get());
                }
            }
            println!("world {world}: {} incidents in {} service-hours {:?}", found.len(), 20 * hours, began.elapsed());
        }));
    }
    for t in threads { t.join().unwrap(); }
}

#[test]
fn power() {
    for plant in [Plant::Slower(3.0), Plant::Slower(2.5), Plant::Failing(0.2), Plant::Missing(0.7)] {
        let (mut found, mut all, mut times) = (0, 0, vec![]);
        for seed in 1..=60_u64 {
            let mut patrol = Patrol::new(World::new(seed, 20, (seed as i64 * 7_919) % (7 * DAY)));
            for _ in 0..50 { patrol.look(); }
            let places = patrol.world.places(plant, 2.0);
            if places.is_empty() { continue; }
            let place = places[seed as usize % places.len()];
            let name = patrol.world.name(place).map(|(s, o)| (s.to_owned(), o.to_owned())).unwrap();
            patrol.world.plant(Planted { plant, place });
            all += 1;
            for look in 1..=15 {
                if let Some(raised) = patrol.look() && raised.symptoms.iter().any(|s| (s.service.as_str(), s.operation.as_str()) == (name.0.as_str(), name.1.as_str())) {
                    found += 1; times.push(look * 2); break;
                }
            }
        }
        times.sort();
        println!("{plant:?}: {found} of {all}, median {:?}, p95 {:?}, within 16 {}", times.get(times.len() / 2), times.get(times.len() * 95 / 100), times.iter().filter(|t| **t <= 16).count());
    }
}
