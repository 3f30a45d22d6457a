//! The director: brings the fault and an innocent deployment into the system at times that the seed decides, heals
//! the system if the plan says so, and writes down what really happened.
//! It deliberately tells nobody but the truth file: whoever investigates the system sees its telemetry only.

mod truth;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{sleep, sleep_until};

use crate::clock;
use crate::data::{self, DataError};
use crate::files;
use crate::lifetime::Lifetime;
use crate::rng::Rng;
use crate::service::Role;
use crate::supervisor::client::{Client, ClientError};
use crate::supervisor::wire::{RestartKind, Status, Variables};
use crate::system::{System, SystemError};
pub use truth::{Decoy, Deploy, Truth};

/// How often the director looks for a restart.
const POLL: Duration = Duration::from_millis(100);
/// How long a retention job tries to get the lock.
const PRUNE_LIMIT: Duration = Duration::from_secs(30);

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The new version of `orders` comes without the index on the customer.
    SlowQuery,
    /// Nothing.
    None,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SlowQuery => "slow_query",
            Self::None => "none",
        })
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::SlowQuery, Self::None]
            .into_iter()
            .find(|fault| fault.to_string() == name)
            .ok_or_else(|| format!("there is no fault `{name}`; hint: there are slow_query and none"))
    }
}

/// What is to happen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The description of the system.
    pub system_file: PathBuf,
    /// The socket of its supervisor, which must allow deployments.
    pub socket: PathBuf,
    /// What goes wrong.
    pub fault: Fault,
    /// Decides the decoy and its time.
    pub seed: u64,
    /// Seconds from now to the fault.
    pub fault_after_s: u64,
    /// Heals the system at the earliest so many seconds after the onset, and not before its trigger: the beginning
    /// of the first restart of an instance of the faulty service that is not part of a deployment.
    pub heal_at_s: Option<u64>,
    /// Makes the appearance of this file the trigger instead.
    pub heal_after_file: Option<PathBuf>,
    /// Where to write what really happened.
    pub truth_file: PathBuf,
    /// Whether to stop when standard input ends.
    pub stop_with_stdin: bool,
}

/// Why the plan was not carried out.
#[derive(Debug, Error)]
pub enum DirectError {
    /// The description cannot be read.
    #[error("cannot read the system")]
    System(#[from] SystemError),
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The supervisor does not do its part.
    #[error("the supervisor does not do its part")]
    Supervisor(#[from] ClientError),
    /// The data cannot be pruned.
    #[error("cannot heal the system")]
    Data(#[from] DataError),
    /// The data were not pruned.
    #[error("healing the system was cut off")]
    CutOff,
    /// The truth cannot be written.
    #[error("cannot write the truth to `{path}`")]
    Truth {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Carries out the plan; returns when everything in it has happened, or early when told to stop.
pub async fn run(plan: Plan) -> Result<(), DirectError> {
    let mut lifetime = Lifetime::watch(plan.stop_with_stdin).map_err(DirectError::Signal)?;
    let system = System::load(&plan.system_file)?;
    let client = Client::new(&plan.socket);
    tokio::select! {
        directed = direct(&plan, &system, &client) => directed,
        () = lifetime.ended() => Ok(()),
    }
}

async fn direct(plan: &Plan, system: &System, client: &Client) -> Result<(), DirectError> {
    let start = clock::monotonic();
    let mut truth = Truth::new(plan);
    for step in script(plan) {
        sleep_until((start + step.after).into()).await;
        let deployed = client.deploy(step.service, step.version, step.set).await?;
        truth.record(step.is_fault, &deployed);
        write_truth(&truth, &plan.truth_file)?;
    }

    let (Some(heal_at_s), Some(onset)) = (plan.heal_at_s, truth.onset_unix_nanos) else {
        return Ok(());
    };
    // Both waits begin at the onset, so the system heals when the later one is over.
    await_trigger(plan, client, onset).await?;
    let due =
        onset.saturating_add(i64::try_from(heal_at_s).unwrap_or(i64::MAX).saturating_mul(1_000_000_000));
    sleep(Duration::from_nanos(u64::try_from(due - clock::unix_nanos()).unwrap_or(0))).await;
    prune(system).await?;
    truth.healed_at_unix_nanos = Some(clock::unix_nanos());
    write_truth(&truth, &plan.truth_file)
}

/// A deployment to come.
#[derive(Debug)]
struct Step {
    after: Duration,
    service: &'static str,
    version: &'static str,
    set: Variables,
    is_fault: bool,
}

/// The deployments in the order of their times: the fault, and a decoy some seconds before or after it.
fn script(plan: &Plan) -> Vec<Step> {
    let mut rng = Rng::new(plan.seed, 3);
    let fault_after = Duration::from_secs(plan.fault_after_s);
    let innocent = if rng.below(2) == 0 { Role::Checkout } else { Role::Gateway };
    let offset = Duration::from_secs_f64(2.0 + 6.0 * rng.unit());
    let after = if rng.below(2) == 0 { fault_after + offset } else { fault_after.saturating_sub(offset) };
    let decoy =
        Step { after, service: innocent.name(), version: "1.4.1", set: Variables::new(), is_fault: false };
    let mut steps = vec![decoy];
    if plan.fault == Fault::SlowQuery {
        steps.push(Step {
            after: fault_after,
            service: Role::Orders.name(),
            version: "1.5.0",
            set: Variables::from([("CUSTOMER_INDEX".to_owned(), "false".to_owned())]),
            is_fault: true,
        });
    }
    steps.sort_by_key(|step| step.after);
    steps
}

async fn await_trigger(plan: &Plan, client: &Client, onset: i64) -> Result<(), DirectError> {
    loop {
        let triggered = match &plan.heal_after_file {
            Some(file) => file.exists(),
            None => was_restarted(&client.status().await?, onset),
        };
        if triggered {
            return Ok(());
        }
        sleep(POLL).await;
    }
}

/// Whether somebody has begun to restart an instance of the faulty service since the onset.
fn was_restarted(status: &Status, onset: i64) -> bool {
    let faulty = status.instances.iter().filter(|instance| instance.service == Role::Orders.name());
    let mut restarts = faulty.flat_map(|instance| &instance.restarts);
    restarts.any(|restart| restart.kind == RestartKind::Restart && restart.begun_at_unix_nanos >= onset)
}

/// Runs the retention job on all replicas at once.
async fn prune(system: &System) -> Result<(), DirectError> {
    let mut jobs = tokio::task::JoinSet::new();
    for file in system.database_files(Role::Orders) {
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

fn write_truth(truth: &Truth, path: &Path) -> Result<(), DirectError> {
    let written = serde_json::to_vec_pretty(truth).map_err(io::Error::from);
    let written = written.and_then(|document| files::write_atomically(path, &document));
    written.map_err(|source| DirectError::Truth { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(fault: Fault, seed: u64) -> Plan {
        Plan {
            system_file: PathBuf::new(),
            socket: PathBuf::new(),
            fault,
            seed,
            fault_after_s: 25,
            heal_at_s: None,
            heal_after_file: None,
            truth_file: PathBuf::new(),
            stop_with_stdin: false,
        }
    }

    #[test]
    fn a_fault_has_a_decoy_two_to_eight_seconds_before_or_after_it() {
        let (mut before, mut after) = (0, 0);
        for seed in 0..64 {
            let steps = script(&plan(Fault::SlowQuery, seed));
            let fault = steps.iter().find(|step| step.is_fault).unwrap().after.as_secs_f64();
            let decoy = steps.iter().find(|step| !step.is_fault).unwrap();
            let offset = decoy.after.as_secs_f64() - fault;
            assert!((2.0..=8.0).contains(&offset.abs()), "seed {seed}: {offset}");
            assert!(decoy.set.is_empty() && decoy.service != "orders");
            if offset < 0.0 { before += 1 } else { after += 1 }
        }
        assert!(before > 16 && after > 16, "{before} before, {after} after");
    }

    #[test]
    fn without_a_fault_only_the_decoy_is_deployed() {
        let steps = script(&plan(Fault::None, 5));
        assert!(steps.len() == 1 && !steps[0].is_fault);
    }
}
