//! Where alerts come in: one incident for alerts of the same kind while it is open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use incident::{Alert, AlertDesk, AlertReceipt};
use platform::chance::Chance;
use platform::clock::Clock;
use tokio::sync::mpsc;

/// Incidents that wait to be worked on; more alerts than that are told to come again by being dropped here and
/// raised again by the watch.
const WAITING_MAX: usize = 64;

/// An incident to work on.
#[derive(Debug)]
pub struct Opened {
    /// Its id.
    pub incident: String,
    /// What opened it.
    pub alert: Alert,
}

/// Opens incidents and remembers which are open.
pub struct Desk {
    open: Mutex<BTreeMap<String, String>>,
    waiting: mpsc::Sender<Opened>,
    clock: Arc<dyn Clock>,
    chance: Mutex<Box<dyn Chance>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk, and where the incidents it opens come out.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, chance: Box<dyn Chance>) -> (Arc<Self>, mpsc::Receiver<Opened>) {
        let (waiting, opened) = mpsc::channel(WAITING_MAX);
        (Arc::new(Self { open: Mutex::default(), waiting, clock, chance: Mutex::new(chance) }), opened)
    }

    /// Takes `incident`, which an earlier life of this process opened, as the open one of `dedupe_key`.
    pub fn adopt(&self, dedupe_key: &str, incident: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(dedupe_key.to_owned(), incident.to_owned());
    }

    /// Closes the incident of `dedupe_key`: a later alert opens a new one.
    pub fn close(&self, dedupe_key: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(dedupe_key);
    }
}

impl AlertDesk for Desk {
    fn accept(&self, alert: Alert) -> AlertReceipt {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(incident) = open.get(&alert.dedupe_key) {
            return AlertReceipt { incident: incident.clone(), is_new: false };
        }
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let incident = format!("inc_{}", platform::uuid_v7::uuid_v7(&*self.clock, &mut **chance));
        let key = alert.dedupe_key.clone();
        let is_new = self.waiting.try_send(Opened { incident: incident.clone(), alert }).is_ok();
        if is_new {
            open.insert(key, incident.clone());
        }
        AlertReceipt { incident, is_new }
    }
}
