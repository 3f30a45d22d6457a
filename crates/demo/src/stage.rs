//! The stage: the director with a small page. Whoever opens it chooses what breaks; this process seals the choice,
//! shows its commitment, brings the fault in, and waits for the engine's verdict before it opens the seal.
//! It deliberately plays one round, and keeps the choice in its own memory until then: the engine is another process,
//! is not told, and finds nothing of it in a file, an argument or a variable.

mod http;
mod judge;
mod page;
mod seal;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::clock;
use crate::director::{self, DirectError, Ledger, Plan};
use crate::fault::Fault;
use crate::files;
use crate::lifetime::Lifetime;
use crate::load::Figures;
use crate::supervisor::client::Client;
use crate::system::{System, SystemError};
pub use judge::Outcome;
pub use seal::{Choice, Seal};

/// How often the verdict is looked for.
const POLL: Duration = Duration::from_millis(250);
/// The shortest time from the choice to the fault: an innocent deployment may have to come first.
const LEAD: Duration = Duration::from_secs(9);
/// Where nothing is wrong, the engine has been silent long enough after this time.
const SILENCE: Duration = Duration::from_secs(75);
/// The engine has no answer when it has none after this time.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the stage is for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The description of the system.
    pub system_file: PathBuf,
    /// The socket of its supervisor, which must allow deployments.
    pub socket: PathBuf,
    /// Decides the innocent deployment. It does not decide a surprise: whoever knows the seed would know that too.
    pub seed: u64,
    /// Seconds of healthy operation before anything breaks.
    pub healthy_for_s: u64,
    /// Where the load reads what is wanted of it.
    pub load_control: PathBuf,
    /// Where the load writes how the system does.
    pub live_file: PathBuf,
    /// The folder where the engine leaves `report.json`. The commitment goes there at once (`commitment.txt`), the
    /// opened seal (`seal.json`) and the truth (`truth.json`) after the verdict.
    pub folder: PathBuf,
    /// The address of the page, on the loopback interface.
    pub listen: SocketAddr,
}

/// Why there is no stage.
#[derive(Debug, Error)]
pub enum StageError {
    /// The description cannot be read.
    #[error("cannot read the system")]
    System(#[from] SystemError),
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The address is not free.
    #[error("cannot listen on {address}; hint: run the demo again, another process took the port")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server failed while serving.
    #[error("the page failed")]
    Serve(#[source] io::Error),
}

/// Serves the page until told to stop or standard input ends.
pub async fn run(options: Options) -> Result<(), StageError> {
    let mut lifetime = Lifetime::watch(true).map_err(StageError::Signal)?;
    let system = System::load(&options.system_file)?;
    let address = options.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| StageError::Bind { address, source })?;
    let stage = Arc::new(Stage { options, system, started: clock::monotonic(), round: Mutex::default() });
    tokio::select! {
        served = axum::serve(listener, http::router(stage)).into_future() => served.map_err(StageError::Serve),
        () = lifetime.ended() => Ok(()),
    }
}

#[derive(Debug)]
struct Stage {
    options: Options,
    system: System,
    started: Instant,
    round: Mutex<Option<Round>>,
}

/// One choice and what became of it.
#[derive(Clone, Debug)]
struct Round {
    seal: Seal,
    chosen_at: Instant,
    outcome: Option<Outcome>,
    trouble: Option<String>,
}

/// Why a choice was not taken.
#[derive(Debug)]
enum NotTaken {
    /// There is one already.
    Chosen,
    /// It cannot be sealed.
    Seal(io::Error),
}

impl Stage {
    fn round(&self) -> MutexGuard<'_, Option<Round>> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn figures(&self) -> Option<Figures> {
        Figures::read(&self.options.live_file)
    }

    /// The time until the system has been healthy for long enough.
    fn warm_in(&self) -> Duration {
        let healthy_for = Duration::from_secs(self.options.healthy_for_s);
        healthy_for.saturating_sub(clock::monotonic().saturating_duration_since(self.started))
    }

    /// Seals the choice, commits to it, and begins.
    fn choose(self: &Arc<Self>, fault: Fault, strength: f64) -> Result<(), NotTaken> {
        let mut round = self.round();
        if round.is_some() {
            return Err(NotTaken::Chosen);
        }
        let seal = Seal::new(fault, strength).map_err(NotTaken::Seal)?;
        // On disk before anything happens: a commitment that comes later proves nothing.
        let path = self.options.folder.join("commitment.txt");
        files::write_atomically(&path, format!("{}\n", seal.commitment).as_bytes())
            .map_err(NotTaken::Seal)?;
        *round = Some(Round { seal, chosen_at: clock::monotonic(), outcome: None, trouble: None });
        drop(round);
        let stage = Arc::clone(self);
        tokio::spawn(async move { stage.play(fault, strength).await });
        Ok(())
    }

    async fn play(&self, fault: Fault, strength: f64) {
        let lead = self.warm_in().max(LEAD);
        let plan = Plan {
            system_file: self.options.system_file.clone(),
            socket: self.options.socket.clone(),
            fault,
            strength,
            seed: self.options.seed,
            fault_after_s: lead.as_secs() + 1,
            heal_at_s: None,
            heal_after_file: None,
            load_control: Some(self.options.load_control.clone()),
            truth_file: None,
            stop_with_stdin: false,
        };
        let (client, ledger) = (Client::new(&self.options.socket), Ledger::default());
        let directed = director::direct(&plan, &self.system, &client, &ledger);
        let (directed, ()) = tokio::join!(directed, self.await_verdict(&plan, &ledger));
        if let Err(error) = directed {
            self.trouble(&error);
        }
    }

    /// Waits for the engine's report and opens the seal.
    async fn await_verdict(&self, plan: &Plan, ledger: &Ledger) {
        let is_faultless = plan.fault.script(plan.strength).is_none_or(|script| script.causes.is_empty());
        let limit = if is_faultless { SILENCE } else { PATIENCE };
        let deadline = clock::monotonic() + Duration::from_secs(plan.fault_after_s) + limit;
        let path = self.options.folder.join("report.json");
        let report = loop {
            let text = std::fs::read(&path).ok();
            let report = text.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
            if report.is_some() || clock::monotonic() > deadline {
                break report;
            }
            sleep(POLL).await;
        };
        if let (Some(truth), Some(round)) = (ledger.latest(), self.round().as_mut()) {
            round.outcome = Some(judge::judge(report.as_ref(), &truth));
            let opened = open(&self.options.folder, &round.seal, &truth);
            round.trouble = opened.err().map(|error| told(&error));
        }
    }

    fn trouble(&self, error: &DirectError) {
        if let Some(round) = self.round().as_mut() {
            round.trouble = Some(told(error));
        }
    }
}

/// Writes what was sealed, now that everybody may know.
fn open(folder: &Path, seal: &Seal, truth: &director::Truth) -> Result<(), DirectError> {
    let path = folder.join("seal.json");
    let written = serde_json::to_vec_pretty(seal).map_err(io::Error::from);
    let written = written.and_then(|document| files::write_atomically(&path, &document));
    written.map_err(|source| DirectError::Truth { path, source })?;
    director::write_truth(truth, &folder.join("truth.json"))
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
