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
    pub(crate) address: SocketAddr,
    stop: tokio::sync::oneshot::Sender<()>,
    task: JoinHandle<Result<(), ingest::ServeError>>,
}

impl Receiver {
    /// Listens on `address` (port 0 takes a free one) and hands requests to `store`.
    pub(crate) async fn start(address: SocketAddr, store: &Store) -> anyhow::Result<Self> {
        let listener = listen(address, "OTLP/HTTP", "--otlp-http").await?;
        let address = listener.local_addr().context("failed to read the address listened on")?;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let intake: Arc<dyn otlp::Intake> = Arc::new(store.clone());
        let shutdown = async {
            stopped.await.ok();
        };
        let task = tokio::spawn(ingest::serve(listener, intake, ingest::Limits::default(), shutdown));
        Ok(Self { address, stop, task })
    }

    /// Stops listening and waits for requests under way.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.send(()).ok();
        self.task.await.context("the receiver failed")?.context("failed to receive")
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
        disk.sync_dir(path.parent().unwrap_or(Path::new(".")))
    })();
    written.with_context(|| format!("failed to write `{}`", path.display()))
}
