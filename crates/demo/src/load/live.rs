//! How the system does right now, as the load sees it: the last few seconds, for a page that shows it alive.
//! It deliberately keeps no history: the summary at the end counts everything.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::files;

/// The time that the figures cover.
const WINDOW: Duration = Duration::from_secs(4);
/// How often they are written.
const INTERVAL: Duration = Duration::from_millis(500);

/// The figures of the last seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Figures {
    /// Answers per second, good and bad.
    pub rate_per_s: f64,
    /// Median latency of those answers from their intended start.
    pub p50_ms: f64,
    /// 99th percentile of it.
    pub p99_ms: f64,
    /// The share that failed, from 0 to 1.
    pub failed: f64,
}

impl Figures {
    /// What the load has written to `path`; nothing before the first time.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// Writes the figures.
#[derive(Debug)]
pub(super) struct Live {
    path: PathBuf,
    recent: VecDeque<(Instant, Duration, bool)>,
    written: Option<Instant>,
}

impl Live {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, recent: VecDeque::new(), written: None }
    }

    pub(super) fn record(&mut self, now: Instant, latency: Duration, ok: bool) {
        self.recent.push_back((now, latency, ok));
    }

    /// Writes the figures if it is time to.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.written.is_some_and(|written| now.saturating_duration_since(written) < INTERVAL) {
            return;
        }
        self.written = Some(now);
        while self.recent.front().is_some_and(|(at, ..)| now.saturating_duration_since(*at) > WINDOW) {
            self.recent.pop_front();
        }
        // A page that shows older figures for a moment is no reason to stop the load.
        if let Ok(document) = serde_json::to_vec(&self.figures()) {
            drop(files::write_scratch(&self.path, &document));
        }
    }

    fn figures(&self) -> Figures {
        let mut latencies: Vec<_> = self.recent.iter().map(|(_, latency, _)| *latency).collect();
        latencies.sort_unstable();
        let count = latencies.len();
        let quantile = |permille: usize| {
            let rank = (count * permille / 1_000).min(count.saturating_sub(1));
            latencies.get(rank).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
        };
        let failed = self.recent.iter().filter(|(_, _, ok)| !ok).count();
        Figures {
            rate_per_s: count as f64 / WINDOW.as_secs_f64(),
            p50_ms: quantile(500),
            p99_ms: quantile(990),
            failed: if count == 0 { 0.0 } else { failed as f64 / count as f64 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn figures_cover_the_window_and_forget_what_is_older() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live.json");
        let mut live = Live::new(path.clone());
        let start = clock::monotonic();
        live.record(start, Duration::from_secs(9), false);
        for turn in 0..40 {
            live.record(start + WINDOW, Duration::from_millis(10), turn % 4 != 0);
        }
        live.tick(start + WINDOW + Duration::from_millis(1));
        let figures = Figures::read(&path).unwrap();
        assert_eq!(figures, Figures { rate_per_s: 10.0, p50_ms: 10.0, p99_ms: 10.0, failed: 0.25 });
    }
}
