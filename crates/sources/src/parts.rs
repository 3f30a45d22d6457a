//! A window that is asked for in parts, where a back end tells only so much at once.
//!
//! A part that came full is asked for again in quarters, until it is too short or too much was asked. What is told twice, the
//! caller leaves out.

use telemetry::{UnixNanos, Window};

/// Parts that a full one is split into.
const SPLIT: i64 = 4;

/// The parts that are still to be asked for, the earliest last.
#[derive(Debug)]
pub(crate) struct Parts {
    to_ask: Vec<Window>,
    asks_left: usize,
    /// Every part begins and ends at a multiple of it.
    unit_ns: i64,
}

impl Parts {
    /// The window as one part, `asks_max` of which may be asked for.
    pub(crate) fn new(window: Window, asks_max: usize, unit_ns: i64) -> Self {
        Self { to_ask: vec![window], asks_left: asks_max, unit_ns }
    }

    /// The next part to ask for; nothing when all were, or no more may be.
    pub(crate) fn next(&mut self) -> Option<Window> {
        self.asks_left = self.asks_left.checked_sub(1)?;
        self.to_ask.pop()
    }

    /// Splits a part that came full; false when it cannot be.
    pub(crate) fn split(&mut self, full: Window) -> bool {
        let units = full.to.since(full.from) / self.unit_ns;
        if units < 2 || self.asks_left == 0 {
            return false;
        }
        let at = |part: i64| UnixNanos(full.from.0.saturating_add(units * part / SPLIT * self.unit_ns));
        let parts = (0..SPLIT).rev().map(|part| {
            let to = if part + 1 == SPLIT { full.to } else { at(part + 1) };
            Window::new(at(part), to)
        });
        self.to_ask.extend(parts.filter(|part| part.from < part.to));
        true
    }

    /// Whether every part was asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.to_ask.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: i64, to: i64) -> Window {
        Window::new(UnixNanos(from), UnixNanos(to))
    }

    #[test]
    fn full_parts_are_split_until_they_are_short_and_all_of_the_window_is_asked_for() {
        let mut parts = Parts::new(window(0, 103), 100, 10);
        let mut asked = Vec::new();
        while let Some(part) = parts.next() {
            // Everything before 40 is too much for any part.
            if part.from.0 >= 40 || !parts.split(part) {
                asked.push((part.from.0, part.to.0));
            }
        }
        assert!(parts.is_done());
        assert_eq!(asked.first(), Some(&(0, 10)));
        assert!(
            asked.windows(2).all(|pair| pair[0].1 == pair[1].0) && asked.last().unwrap().1 == 103,
            "{asked:?}"
        );
    }

    #[test]
    fn no_more_is_asked_for_than_may_be() {
        let mut parts = Parts::new(window(0, 1_000_000), 7, 1);
        let mut asked = 0;
        while let Some(part) = parts.next() {
            asked += 1;
            parts.split(part);
        }
        assert_eq!((asked, parts.is_done()), (7, false));
    }
}
