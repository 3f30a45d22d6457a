//! Puts the parts together: store, receiver, questions, watch, desk.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use orchestrator::{Blocking, Sources};
use platform::clock::{Clock, SystemClock};
use platform::disk::Disk;
use platform::real_disk::RealDisk;
use store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::failure::Failure;

/// The doors to the world that everything shares.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: Arc<dyn Disk>,
}

impl Doors {
    pub(crate) fn real() -> Self {
        Self { clock: Arc::new(SystemClock::new()), disk: Arc::new(RealDisk) }
    }
}

/// The name under which our own store is cited as a source.
pub(crate) const STORE: &str = "store";

/// The sources of this process: its own store.
pub(crate) fn sources(store: &Store) -> Sources {
    Sources::new(vec![Arc::new(Blocking::new(STORE, store.clone()))])
}

/// A receiver of OTLP that runs until told to stop.
pub(crate) struct Receiver {
    /// Where OTLP/HTTP is received.
    pub(crate) address: SocketAddr,
    /// Where OTLP/gRPC is received, when it is.
    pub(crate) grpc: Option<SocketAddr>,
    stop: tokio::sync::watch::Sender<bool>,
    tasks: Vec<JoinHandle<Result<(), ingest::ServeError>>>,
}

impl Receiver {
    /// Listens for HTTP on `address` (port 0 takes a free one) and hands requests to `store`.
    pub(crate) async fn start(address: SocketAddr, store: &Store) -> anyhow::Result<Self> {
        let http = listen(address, "OTLP/HTTP", "--otlp-http").await?;
        Self::over(http, None, store)
    }

    /// Like [`Self::start`], and listens for gRPC on `grpc`. Both share one memory for bodies.
    pub(crate) async fn start_both(
        address: SocketAddr,
        grpc: SocketAddr,
        store: &Store,
    ) -> anyhow::Result<Self> {
        let http = listen(address, "OTLP/HTTP", "--otlp-http").await?;
        let grpc = listen(grpc, "OTLP/gRPC", "--otlp-grpc").await?;
        Self::over(http, Some(grpc), store)
    }

    fn over(http: TcpListener, grpc: Option<TcpListener>, store: &Store) -> anyhow::Result<Self> {
        let address_of =
            |listener: &TcpListener| listener.local_addr().context("failed to read the address listened on");
        let (address, grpc_address) = (address_of(&http)?, grpc.as_ref().map(address_of).transpose()?);
        let intake: Arc<dyn otlp::Intake> = Arc::new(store.clone());
        let exchange = Arc::new(ingest::Exchange::new(intake, ingest::Limits::beside(store.budget_bytes())));
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let serve = |(listener, protocol)| {
            let mut stopped = stopped.clone();
            let shutdown = async move {
                stopped.wait_for(|is_stopping| *is_stopping).await.ok();
            };
            tokio::spawn(ingest::serve(listener, protocol, Arc::clone(&exchange), shutdown))
        };
        let grpc = grpc.map(|listener| (listener, ingest::Protocol::Grpc));
        let tasks = [(http, ingest::Protocol::Http)].into_iter().chain(grpc).map(serve).collect();
        Ok(Self { address, grpc: grpc_address, stop, tasks })
    }

    /// Stops listening and waits for requests under way, on every listener whatever became of the others.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        let mut outcome = Ok(());
        for task in self.tasks {
            let ended = task.await.context("the receiver failed");
            outcome = outcome.and(ended.and_then(|ended| ended.context("failed to receive")));
        }
        outcome
    }
}

/// Binds `address`, or says which flag to change.
pub(crate) async fn listen(address: SocketAddr, what: &str, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::usage(
            format!("failed to listen on {address} for {what}: {error}"),
            format!("another process holds the address; choose one with `{flag}`"),
        )
    })
}

/// Writes a small file of ours, durable: content first, then its folder.
pub(crate) fn write_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let draft: PathBuf = path.with_extension("draft");
    let written = (|| {
        if disk.read(&draft).is_ok() {
            disk.remove(&draft)?;
        }
        let mut file = disk.open_new(&draft)?;
        file.append(bytes)?;
        file.sync_data()?;
        disk.rename(&draft, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        disk.sync_dir(folder.unwrap_or(Path::new(".")))
    })();
    written.with_context(|| format!("failed to write `{}`", path.display()))
}
