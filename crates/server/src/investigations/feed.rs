//! Which investigations run, and how many of their records are durable.
//!
//! Holds numbers only: the records themselves are read from the journal.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orchestrator::{Entry, Observer};
use telemetry::UnixNanos;
use tokio::sync::watch;

/// What runs now.
#[derive(Debug, Default)]
pub struct Feed {
    running: Mutex<BTreeMap<String, watch::Sender<u64>>>,
}

impl Feed {
    /// Follows `incident` from its first record: a resumed one is shown from the start again, too. It runs until the
    /// observer is dropped. `also` sees the same.
    #[must_use]
    pub fn follow(self: &Arc<Self>, incident: &str, also: Arc<dyn Observer>) -> Arc<dyn Observer> {
        let count = watch::Sender::new(0);
        self.lock().insert(incident.to_owned(), count.clone());
        Arc::new(Follower { feed: Arc::clone(self), incident: incident.to_owned(), count, also })
    }

    /// How many records of `incident` are durable; nothing when it does not run here.
    #[must_use]
    pub fn durable(&self, incident: &str) -> Option<u64> {
        self.lock().get(incident).map(|count| *count.borrow())
    }

    /// Hears of further durable records of `incident`; closed when it has ended, nothing when it does not run.
    #[must_use]
    pub fn changes(&self, incident: &str) -> Option<watch::Receiver<u64>> {
        self.lock().get(incident).map(watch::Sender::subscribe)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<u64>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Follower {
    feed: Arc<Feed>,
    incident: String,
    count: watch::Sender<u64>,
    also: Arc<dyn Observer>,
}

impl Observer for Follower {
    fn saw(&self, at: UnixNanos, entry: &Entry) {
        self.count.send_modify(|count| *count += 1);
        self.also.saw(at, entry);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.feed.lock().remove(&self.incident);
    }
}
