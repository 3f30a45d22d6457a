//! The supervisor of the demo system: starts every instance, keeps it running, and restarts or deploys on request.
//! It deliberately decides nothing: who may ask is decided by the mode of its socket, and what may be asked by
//! `system.json`.

mod children;
pub mod client;
pub mod wire;

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::files;
use crate::lifetime::Lifetime;
use crate::outbound;
use crate::system::{System, SystemError};
use children::{Change, Slot};
use wire::{Deployed, Refusal, Reply, Request, RestartKind, Status};

/// How often the processes are looked after.
const MONITOR_INTERVAL: Duration = Duration::from_millis(100);
/// The longest wait before a process that keeps ending is started again.
const BACKOFF_LIMIT: Duration = Duration::from_secs(5);
/// Requests are read up to this length.
const REQUEST_LENGTH: u64 = 64 << 10;
/// Connections served at once; more wait in the backlog of the socket.
const CONNECTIONS: usize = 32;

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
    /// An instance did not start.
    #[error("the system did not start: {}", .0.error)]
    Start(Refusal),
}

/// Starts the system and serves requests until it is told to stop; no process is left afterwards.
pub async fn run(options: Options) -> Result<(), SuperviseError> {
    let mut lifetime = Lifetime::watch(options.stop_with_stdin).map_err(SuperviseError::Signal)?;
    let system = Arc::new(System::load(&options.system_file)?);
    let probe = outbound::client();
    let supervisor = Arc::new(Supervisor {
        slots: system
            .instances
            .iter()
            .map(|instance| Arc::new(Slot::new(&system, instance, &probe)))
            .collect(),
        allow_deploy: options.allow_deploy,
        stop: Notify::new(),
    });
    let mut listener = None;
    let supervised = tokio::select! {
        supervised = supervise(&supervisor, &options.socket, &mut listener) => supervised,
        () = supervisor.stop.notified() => Ok(()),
        () = lifetime.ended() => Ok(()),
    };
    if listener.is_some() {
        // A socket that is gone already has done its service.
        drop(std::fs::remove_file(&options.socket));
    }
    supervisor.stop_all().await;
    supervised
}

async fn supervise(
    supervisor: &Arc<Supervisor>,
    socket: &Path,
    kept: &mut Option<Arc<UnixListener>>,
) -> Result<(), SuperviseError> {
    let fail = |source| SuperviseError::Socket {
        socket: socket.to_owned(),
        source,
    };
    let listener = Arc::new(listen(socket).await.map_err(fail)?);
    *kept = Some(Arc::clone(&listener));
    supervisor.start_all().await.map_err(SuperviseError::Start)?;

    let mut tasks = JoinSet::new();
    for slot in &supervisor.slots {
        let slot = Arc::clone(slot);
        tasks.spawn(async move { monitor(&slot).await });
    }
    let monitors = tasks.len();
    loop {
        tokio::select! {
            accepted = listener.accept(), if tasks.len() < monitors + CONNECTIONS => {
                let (stream, _) = accepted.map_err(fail)?;
                let supervisor = Arc::clone(supervisor);
                tasks.spawn(async move {
                    // A client that goes away loses its answer, and nobody else anything.
                    drop(supervisor.converse(stream).await);
                });
            }
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// Makes the socket under another name first, so that it is never open to others, not even for a moment.
async fn listen(socket: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(socket).await.is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another supervisor listens there",
        ));
    }
    let unfinished = socket.with_extension("new");
    if unfinished.exists() {
        std::fs::remove_file(&unfinished)?;
    }
    let listener = UnixListener::bind(&unfinished)?;
    std::fs::set_permissions(&unfinished, Permissions::from_mode(0o600))?;
    files::rename(&unfinished, socket)?;
    Ok(listener)
}

/// Starts a process again when it has ended by itself, more and more slowly while it keeps ending.
async fn monitor(slot: &Slot) {
    let mut backoff = MONITOR_INTERVAL;
    loop {
        sleep(backoff).await;
        let ended = slot.revive().await;
        backoff = if ended {
            (backoff * 2).min(BACKOFF_LIMIT)
        } else {
            MONITOR_INTERVAL
        };
    }
}

#[derive(Debug)]
struct Supervisor {
    slots: Vec<Arc<Slot>>,
    allow_deploy: bool,
    stop: Notify,
}

impl Supervisor {
    async fn start_all(&self) -> Result<(), Refusal> {
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

    async fn stop_all(&self) {
        let mut stops = JoinSet::new();
        for slot in &self.slots {
            let slot = Arc::clone(slot);
            stops.spawn(async move { slot.stop().await });
        }
        stops.join_all().await;
    }

    async fn converse(&self, stream: UnixStream) -> io::Result<()> {
        let (input, mut output) = stream.into_split();
        let mut input = BufReader::new(input);
        loop {
            let mut line = String::new();
            if (&mut input).take(REQUEST_LENGTH).read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let request = serde_json::from_str::<Request>(&line);
            let stop = matches!(request, Ok(Request::Stop {}));
            let reply = match request {
                Ok(request) => self.carry_out(request).await.unwrap_or_else(Reply::Refused),
                Err(error) => Reply::Refused(Refusal::new(format!(
                    "the request is not understood: {error}; hint: verbs are status, restart, deploy and stop"
                ))),
            };
            let mut line = serde_json::to_vec(&reply)?;
            line.push(b'\n');
            output.write_all(&line).await?;
            if stop {
                self.stop.notify_one();
            }
        }
    }

    async fn carry_out(&self, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::Status {} => {
                let instances = self.slots.iter().map(|slot| slot.status()).collect();
                Ok(Reply::Status(Status { ok: true, instances }))
            }
            Request::Restart { instance, set, unset } => {
                let slots = self.find("instance", &instance, |status| status.instance == instance)?;
                let change = Change {
                    kind: RestartKind::Restart,
                    version: None,
                    set,
                    unset,
                };
                let mut restarted = restart_in_turn(slots, change).await?;
                restarted
                    .pop()
                    .map(Reply::Restarted)
                    .ok_or_else(|| Refusal::new("there is no such instance"))
            }
            Request::Deploy {
                service,
                version,
                set,
            } => {
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
                Ok(Reply::Deployed(Deployed {
                    ok: true,
                    service,
                    version,
                    instances,
                }))
            }
            Request::Stop {} => Ok(Reply::Stopping { ok: true }),
        }
    }

    fn find(
        &self,
        what: &str,
        name: &str,
        is_meant: impl Fn(&wire::InstanceStatus) -> bool,
    ) -> Result<Vec<Arc<Slot>>, Refusal> {
        let found: Vec<_> = self
            .slots
            .iter()
            .filter(|slot| is_meant(&slot.status()))
            .map(Arc::clone)
            .collect();
        if found.is_empty() {
            return Err(Refusal::new(format!(
                "there is no {what} `{name}`; hint: see status"
            )));
        }
        Ok(found)
    }
}

/// One instance after the other, each ready before the next is stopped.
async fn restart_in_turn(slots: Vec<Arc<Slot>>, change: Change) -> Result<Vec<wire::Restarted>, Refusal> {
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
