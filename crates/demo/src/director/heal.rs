//! The system heals although nobody mended it: a retention job prunes the table that had grown, or somebody else
//! takes the faulty version back.
//! It deliberately waits for a fix to run first, so that the fix stands in the way of an honest verdict.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

use super::{DirectError, Plan};
use crate::clock;
use crate::data;
use crate::fault::{REMEDIES, Script};
use crate::service::Role;
use crate::supervisor::client::Client;
use crate::supervisor::wire::{RestartKind, Status, Variables};
use crate::system::System;

/// How often the director looks for a restart.
const POLL: Duration = Duration::from_millis(100);
/// How long a retention job tries to get the lock.
const PRUNE_LIMIT: Duration = Duration::from_secs(30);

/// Waits until an instance of a faulty service was restarted since `onset`, or for the plan's file.
pub(super) async fn await_trigger(
    plan: &Plan,
    script: &Script,
    client: &Client,
    onset: i64,
) -> Result<(), DirectError> {
    loop {
        let triggered = match &plan.heal_after_file {
            Some(file) => file.exists(),
            None => was_restarted(&client.status().await?, script, onset),
        };
        if triggered {
            return Ok(());
        }
        sleep(POLL).await;
    }
}

/// Whether somebody has begun to restart an instance of a faulty service since the onset.
fn was_restarted(status: &Status, script: &Script, onset: i64) -> bool {
    let is_faulty = |service: &str| script.causes.iter().any(|cause| cause.deployed.name() == service);
    let faulty = status.instances.iter().filter(|instance| is_faulty(&instance.service));
    let mut restarts = faulty.flat_map(|instance| &instance.restarts);
    restarts.any(|restart| restart.kind == RestartKind::Restart && restart.begun_at_unix_nanos >= onset)
}

/// Heals every cause that has a fix: a grown table is pruned, everything else is taken back by a deployment.
pub(super) async fn heal(system: &System, script: &Script, client: &Client) -> Result<(), DirectError> {
    for cause in &script.causes {
        let remedy = REMEDIES.iter().find(|remedy| Some(remedy.profile) == cause.profile);
        match remedy.map(|remedy| (remedy.profile, remedy.fix)) {
            Some(("slow_query", _)) => prune(system.database_files(Role::Orders)).await?,
            Some((_, (variable, value))) => {
                let set = Variables::from([(variable.to_owned(), value.to_owned())]);
                client.deploy(cause.deployed.name(), "1.5.1", set).await?;
            }
            None => {}
        }
    }
    Ok(())
}

/// Runs the retention job on all replicas at once.
async fn prune(replicas: Vec<PathBuf>) -> Result<(), DirectError> {
    let mut jobs = tokio::task::JoinSet::new();
    for file in replicas {
        jobs.spawn(async move {
            let deadline = clock::monotonic() + PRUNE_LIMIT;
            loop {
                let path = file.clone();
                let pruned = tokio::task::spawn_blocking(move || data::prune_orders(&path)).await;
                match pruned.map_err(|_| DirectError::CutOff)? {
                    Err(error) if error.is_busy() && clock::monotonic() < deadline => sleep(POLL).await,
                    pruned => return pruned.map_err(DirectError::from),
                }
            }
        });
    }
    while let Some(job) = jobs.join_next().await {
        job.map_err(|_| DirectError::CutOff)??;
    }
    Ok(())
}
