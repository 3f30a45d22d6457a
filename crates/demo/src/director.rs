//! The director: brings the fault and an innocent deployment into the system at times that the seed decides, heals
//! the system if the plan says so, and writes down what really happened.
//! It deliberately tells nobody but the truth file: whoever investigates the system sees its telemetry only.

mod heal;
mod timeline;
mod truth;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::clock;
use crate::data::DataError;
use crate::fault::{Action, Fault, Script};
use crate::files;
use crate::lifetime::Lifetime;
use crate::load::control;
use crate::supervisor::client::{Client, ClientError};
use crate::supervisor::wire::Deployed;
use crate::system::{System, SystemError};
use timeline::{Event, timeline};
pub use truth::{Cause, Decoy, Deploy, Truth};

/// What is to happen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The description of the system.
    pub system_file: PathBuf,
    /// The socket of its supervisor, which must allow deployments.
    pub socket: PathBuf,
    /// What goes wrong.
    pub fault: Fault,
    /// How strong, within [`crate::fault::STRENGTH`].
    pub strength: f64,
    /// Decides the decoy and its time.
    pub seed: u64,
    /// Seconds from now to the fault.
    pub fault_after_s: u64,
    /// Heals the system at the earliest so many seconds after the onset, and not before its trigger: the beginning
    /// of the first restart of an instance of the faulty service that is not part of a deployment.
    pub heal_at_s: Option<u64>,
    /// Makes the appearance of this file the trigger instead.
    pub heal_after_file: Option<PathBuf>,
    /// Where the load reads what is wanted of it; faults that change the load need it.
    pub load_control: Option<PathBuf>,
    /// Where to write what really happened, as it happens; nowhere for a truth that is sealed.
    pub truth_file: Option<PathBuf>,
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
    /// A task did not run to its end.
    #[error("a deployment or the healing was cut off")]
    CutOff,
    /// This build has no such fault.
    #[error("this build cannot bring in {0}; hint: see `firstcause demo --help`")]
    Unavailable(Fault),
    /// The load cannot be told.
    #[error("cannot tell the load through `{path}`")]
    Load {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
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
    let (client, ledger) = (Client::new(&plan.socket), Ledger::default());
    tokio::select! {
        directed = direct(&plan, &system, &client, &ledger) => directed,
        () = lifetime.ended() => Ok(()),
    }
}

/// Carries out the plan.
pub(crate) async fn direct(
    plan: &Plan,
    system: &System,
    client: &Client,
    ledger: &Ledger,
) -> Result<(), DirectError> {
    let script = plan.fault.script(plan.strength).ok_or(DirectError::Unavailable(plan.fault))?;
    let mut truth = Truth::new(plan.fault, plan.strength, plan.seed, &script);
    ledger.enter(&truth, plan)?;
    play(plan, &script, client, &mut truth, ledger).await?;

    let (Some(heal_at_s), Some(onset)) = (plan.heal_at_s, truth.onset_unix_nanos()) else {
        return Ok(());
    };
    // Both waits begin at the onset, so the system heals when the later one is over.
    heal::await_trigger(plan, &script, client, onset).await?;
    let due =
        onset.saturating_add(i64::try_from(heal_at_s).unwrap_or(i64::MAX).saturating_mul(1_000_000_000));
    sleep(Duration::from_nanos(u64::try_from(due - clock::unix_nanos()).unwrap_or(0))).await;
    heal::heal(system, &script, client).await?;
    truth.healed_at_unix_nanos = Some(clock::unix_nanos());
    ledger.enter(&truth, plan)
}

/// Lets every event happen at its time, whether or not the ones before are over: two faults may overlap.
async fn play(
    plan: &Plan,
    script: &Script,
    client: &Client,
    truth: &mut Truth,
    ledger: &Ledger,
) -> Result<(), DirectError> {
    let start = clock::monotonic();
    let mut events = JoinSet::new();
    for event in timeline(plan.fault, script, plan.seed, Duration::from_secs(plan.fault_after_s)) {
        let (client, load_control) = (client.clone(), plan.load_control.clone());
        events.spawn(async move {
            sleep_until((start + event.after).into()).await;
            happen(&event, &client, load_control).await.map(|deployed| (event.part, deployed))
        });
    }
    while let Some(happened) = events.join_next().await {
        match happened.map_err(|_| DirectError::CutOff)?? {
            (part, Some(deployed)) => truth.record(part, &deployed),
            (part, None) => truth.begin(part, clock::unix_nanos()),
        }
        ledger.enter(truth, plan)?;
    }
    Ok(())
}

async fn happen(
    event: &Event,
    client: &Client,
    load_control: Option<PathBuf>,
) -> Result<Option<Deployed>, DirectError> {
    match &event.action {
        Action::Deploy { service, version, set } => {
            Ok(Some(client.deploy(service.name(), version, set.clone()).await?))
        }
        Action::Load { factor } => {
            if let Some(path) = load_control {
                control::write(&path, *factor).map_err(|source| DirectError::Load { path, source })?;
            }
            Ok(None)
        }
    }
}

/// What has happened so far, for whoever plays the director in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    latest: Arc<Mutex<Option<Truth>>>,
}

impl Ledger {
    /// What has happened so far.
    pub(crate) fn latest(&self) -> Option<Truth> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn enter(&self, truth: &Truth, plan: &Plan) -> Result<(), DirectError> {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(truth.clone());
        plan.truth_file.as_ref().map_or(Ok(()), |path| write_truth(truth, path))
    }
}

/// Writes the truth to `path`.
pub(crate) fn write_truth(truth: &Truth, path: &Path) -> Result<(), DirectError> {
    let written = serde_json::to_vec_pretty(truth).map_err(io::Error::from);
    let written = written.and_then(|document| files::write_atomically(path, &document));
    written.map_err(|source| DirectError::Truth { path: path.to_owned(), source })
}
