//! The supervisor of the demo system: starts every instance, keeps it running, and restarts or deploys on request.
//! It deliberately decides nothing: who may ask is decided by the mode of its socket, and what may be asked by
//! `system.json`.

mod children;
pub mod client;
mod fleet;
pub mod ledger;
mod socket;
pub mod wire;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::UnixListener;
use tokio::sync::Notify;

use crate::lifetime::Lifetime;
use crate::system::{System, SystemError};
use fleet::Fleet;
use ledger::Ledger;
use wire::Refusal;

/// What the supervisor is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The description of the system.
    pub system_file: PathBuf,
    /// The socket to listen on.
    pub socket: PathBuf,
    /// Whether deployments are carried out.
    pub allow_deploy: bool,
    /// Whether to stop when standard input ends.
    pub stop_with_stdin: bool,
}

/// Why the supervisor did not start, or did not go on.
#[derive(Debug, Error)]
pub enum SuperviseError {
    /// The description cannot be read.
    #[error("cannot read the system")]
    System(#[from] SystemError),
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The socket cannot be made.
    #[error("cannot listen on `{socket}`; hint: its path is at most 100 characters, in a directory of yours")]
    Socket {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The record of what was done cannot be read or made.
    #[error("cannot open the record of actions")]
    Ledger(#[source] io::Error),
    /// An instance did not start.
    #[error("the system did not start: {}", .0.error)]
    Start(Refusal),
}

/// Starts the system and serves requests until it is told to stop; no process is left afterwards.
pub async fn run(options: Options) -> Result<(), SuperviseError> {
    let mut lifetime = Lifetime::watch(options.stop_with_stdin).map_err(SuperviseError::Signal)?;
    let system = Arc::new(System::load(&options.system_file)?);
    let fail = |source| SuperviseError::Socket { socket: options.socket.clone(), source };
    let listener = socket::listen(&options.socket).await.map_err(fail)?;
    let ledger = Ledger::open(&system.directory).map_err(SuperviseError::Ledger)?;
    let fleet = Arc::new(Fleet::new(&system, options.allow_deploy, ledger));
    let stop = Arc::new(Notify::new());
    let supervised = tokio::select! {
        supervised = supervise(&fleet, &listener, &stop) => supervised.map_err(|error| match error {
            Ended::Start(refusal) => SuperviseError::Start(refusal),
            Ended::Socket(source) => fail(source),
        }),
        () = stop.notified() => Ok(()),
        () = lifetime.ended() => Ok(()),
    };
    // A socket that is gone already has done its service.
    drop(std::fs::remove_file(&options.socket));
    fleet.stop_all().await;
    supervised
}

/// Why supervision ended before it was told to.
enum Ended {
    Start(Refusal),
    Socket(io::Error),
}

async fn supervise(fleet: &Arc<Fleet>, listener: &UnixListener, stop: &Arc<Notify>) -> Result<(), Ended> {
    fleet.start_all().await.map_err(Ended::Start)?;
    // Dropped with this future, so that nothing is started again while everything is being stopped.
    let _monitors = fleet.monitors();
    socket::serve(listener, fleet, stop).await.map_err(Ended::Socket)
}
