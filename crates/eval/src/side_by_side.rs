//! Cases side by side, their results in the order of the cases.

use std::sync::Mutex;

/// Threads that work side by side.
const THREADS: usize = 2;

/// What `of` makes of each item, in the order of the items. A panic in `of` is handed on.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(items.iter().enumerate());
    let found = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                // Who panics poisons the queue, and the scope hands the panic on.
                while let Some((place, item)) = next.lock().ok().and_then(|mut next| next.next()) {
                    let result = of(item);
                    if let Ok(mut found) = found.lock() {
                        found.push((place, result));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items_whoever_is_done_first() {
        let items: Vec<u64> = (0..200).collect();
        let slow_first = |item: &u64| {
            (0..(200 - item) * 500).fold(*item, |sum, one| std::hint::black_box(sum ^ one ^ one))
        };
        assert_eq!(map(&items, slow_first), items);
        assert!(map(&[] as &[u64], |item| *item).is_empty());
    }
}
