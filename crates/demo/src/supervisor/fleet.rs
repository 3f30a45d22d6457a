//! All instances together: starts and stops them, and carries out what is asked of them.
//! It deliberately does not know how it was asked: sockets and lines are elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::children::{Change, Slot};
use super::ledger::{Ledger, What};
use super::wire::{Deployed, InstanceStatus, Refusal, Reply, Request, RestartKind, Restarted, Status};
use crate::outbound;
use crate::system::System;

/// How often the processes are looked after.
const MONITOR_INTERVAL: Duration = Duration::from_millis(100);
/// The longest wait before a process that keeps ending is started again.
const BACKOFF_LIMIT: Duration = Duration::from_secs(5);

/// All instances, in the order of `system.json`.
#[derive(Debug)]
pub(super) struct Fleet {
    slots: Vec<Arc<Slot>>,
    allow_deploy: bool,
    /// Held while an action with a key is carried out: one at a time, and nobody is told of one half done.
    ledger: Mutex<Ledger>,
}

impl Fleet {
    pub(super) fn new(system: &Arc<System>, allow_deploy: bool, ledger: Ledger) -> Self {
        let probe = outbound::client();
        let slots = system.instances.iter().map(|instance| Arc::new(Slot::new(system, instance, &probe)));
        Self { slots: slots.collect(), allow_deploy, ledger: Mutex::new(ledger) }
    }

    /// Starts all instances at once: none needs another to start.
    pub(super) async fn start_all(&self) -> Result<(), Refusal> {
        let mut starts = JoinSet::new();
        for slot in &self.slots {
            let slot = Arc::clone(slot);
            starts.spawn(async move { slot.restart(Change::none(RestartKind::Start)).await });
        }
        for started in starts.join_all().await {
            started?;
        }
        Ok(())
    }

    /// Looks after every process until it is dropped.
    pub(super) fn monitors(&self) -> JoinSet<()> {
        let mut monitors = JoinSet::new();
        for slot in &self.slots {
            let slot = Arc::clone(slot);
            monitors.spawn(async move { monitor(&slot).await });
        }
        monitors
    }

    pub(super) async fn stop_all(&self) {
        let mut stops = JoinSet::new();
        for slot in &self.slots {
            let slot = Arc::clone(slot);
            stops.spawn(async move { slot.stop().await });
        }
        stops.join_all().await;
    }

    /// Does what is asked, but for stopping, which is the affair of whoever runs the fleet.
    pub(super) async fn carry_out(&self, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::Status {} => {
                let instances = self.slots.iter().map(|slot| slot.status()).collect();
                Ok(Reply::Status(Status { ok: true, instances }))
            }
            Request::Restart { instance, key: Some(key), set, unset } => {
                let change = Change { kind: RestartKind::Restart, version: None, set, unset };
                self.restart_once(&key, &instance, change).await.map(Reply::Restarted)
            }
            Request::Recall { key } => Ok(Reply::Recalled(self.ledger.lock().await.recall(&key))),
            Request::Restart { instance, key: None, set, unset } => {
                let slots = self.find("instance", &instance, |status| status.instance == instance)?;
                let change = Change { kind: RestartKind::Restart, version: None, set, unset };
                let mut restarted = restart_in_turn(slots, change).await?;
                restarted.pop().map(Reply::Restarted).ok_or_else(|| Refusal::new("there is no such instance"))
            }
            Request::Deploy { service, version, set } => {
                if !self.allow_deploy {
                    return Err(Refusal::new(
                        "this supervisor does not deploy; hint: start it with deployments allowed",
                    ));
                }
                let slots = self.find("service", &service, |status| status.service == service)?;
                let change = Change {
                    kind: RestartKind::Deploy,
                    version: Some(version.clone()),
                    set,
                    unset: Vec::new(),
                };
                let instances = restart_in_turn(slots, change).await?;
                Ok(Reply::Deployed(Deployed { ok: true, service, version, instances }))
            }
            Request::Stop {} => Ok(Reply::Stopping { ok: true }),
        }
    }

    /// Restarts `instance` unless that was done under `key` before; what came of it is on disk either way.
    async fn restart_once(&self, key: &str, instance: &str, change: Change) -> Result<Restarted, Refusal> {
        let mut ledger = self.ledger.lock().await;
        if let Some(result) = ledger.result(key) {
            return result;
        }
        let slot = self.find("instance", instance, |status| status.instance == instance)?.swap_remove(0);
        slot.check(&change)?;
        let variables = slot.status().variables;
        let named = change.set.keys().chain(&change.unset);
        let previous: BTreeMap<_, _> =
            named.map(|name| (name.clone(), variables.get(name).cloned().flatten())).collect();
        ledger.write(key, instance, What::Begun { previous: previous.clone() })?;
        let result = slot.restart(change).await;
        let what = match &result {
            Ok(restarted) => What::Done { restarted: restarted.clone() },
            Err(refusal) => What::Failed { previous, error: refusal.error.clone() },
        };
        ledger.write(key, instance, what)?;
        result
    }

    fn find(
        &self,
        what: &str,
        name: &str,
        is_meant: impl Fn(&InstanceStatus) -> bool,
    ) -> Result<Vec<Arc<Slot>>, Refusal> {
        let found: Vec<_> =
            self.slots.iter().filter(|slot| is_meant(&slot.status())).map(Arc::clone).collect();
        if found.is_empty() {
            return Err(Refusal::new(format!("there is no {what} `{name}`; hint: see status")));
        }
        Ok(found)
    }
}

/// One instance after the other, each ready before the next is stopped.
async fn restart_in_turn(slots: Vec<Arc<Slot>>, change: Change) -> Result<Vec<Restarted>, Refusal> {
    // A deployment that the last instance would refuse does not begin with the first.
    for slot in &slots {
        slot.check(&change)?;
    }
    let mut restarted = Vec::with_capacity(slots.len());
    for slot in slots {
        restarted.push(slot.restart(change.clone()).await?);
    }
    Ok(restarted)
}

/// Starts a process again when it has ended by itself, more and more slowly while it keeps ending.
async fn monitor(slot: &Slot) {
    let mut backoff = MONITOR_INTERVAL;
    loop {
        sleep(backoff).await;
        let ended = slot.revive().await;
        backoff = if ended { (backoff * 2).min(BACKOFF_LIMIT) } else { MONITOR_INTERVAL };
    }
}
