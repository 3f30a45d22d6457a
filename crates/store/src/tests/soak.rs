//! The long forms of the harnesses: `cargo xtask soak crash-states`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Whether a harness may take its time.
pub(super) fn is_on() -> bool {
    std::env::var_os("FIRSTCAUSE_SOAK").is_some()
}

/// The first seed of a long form.
pub(super) fn seed() -> u64 {
    std::env::var("FIRSTCAUSE_SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0)
}

/// Prints figures for the record of a soak.
pub(super) fn tell(figures: &[(&str, u64)]) {
    if is_on() {
        let parts: Vec<String> = figures.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        println!("FIGURES {{{}}}", parts.join(", "));
    }
}

/// Runs `each` for `count` seeds from `first` on, in a soak on every core; each worker has a tally of its own.
pub(super) fn by_seed<T: Default + Send>(
    first: u64,
    count: u64,
    each: impl Fn(u64, &mut T) + Sync,
) -> Vec<T> {
    let workers = if is_on() { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    let next = AtomicU64::new(first);
    let work = || {
        let mut tally = T::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return tally;
            }
            each(seed, &mut tally);
        }
    };
    std::thread::scope(|scope| {
        let working: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        working.into_iter().map(|worker| worker.join().expect("the worker says above what it saw")).collect()
    })
}
