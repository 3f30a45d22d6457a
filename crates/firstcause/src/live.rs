//! The wiring of the live page: where journals lie, what runs, who may approve.
//!
//! Says nothing about how a page looks; that is `server`'s.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use evidence::health::Declared;
use orchestrator::Resolver;
use platform::chance::{Chance, OsChance};
use platform::disk::Disk;
use server::compat::Compat;
use server::identity::{Identity, Reach};
use server::investigations::{Feed, Investigations, Shelf};
use server::mcp::product::Product;
use server::mcp::product::{keyed, skills};
use server::mcp::{Mcp, Settings};
use server::rest::{Api, Approvals, STREAMS_MAX};
use server::toolbox::Toolbox;
use store::Store;
use telemetry::{Answerer, UnixNanos};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tools::Registry;

use crate::config::Names;
use crate::installation::Running;
use crate::journals::JournalFile;
use crate::terminal;
use crate::wiring::Doors;

/// What the page shows.
pub(crate) struct Shown<'a> {
    /// `<data dir>`; journals are at `spaces/<space>/incidents`.
    pub(crate) data_dir: &'a Path,
    /// Where questions are answered from.
    pub(crate) store: &'a Store,
    /// Where signals are sent to.
    pub(crate) otlp: SocketAddr,
    /// Who may approve.
    pub(crate) approvals: Option<Approvals>,
    /// Who explains what a tool asks to be explained.
    pub(crate) resolver: &'a Resolver,
    /// Which tools agents are shown.
    pub(crate) registry: Arc<Registry>,
    /// What the operator declared of the services.
    pub(crate) declared: Arc<Declared>,
    /// Under which names it is asked.
    pub(crate) names: Names,
}

/// The page and the interface, served until stopped.
pub(crate) struct Live {
    /// Where.
    pub(crate) address: SocketAddr,
    /// What runs: observers are made here.
    pub(crate) feed: Arc<Feed>,
    is_ending: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Live {
    /// Serves on `listener`.
    pub(crate) fn start(listener: TcpListener, doors: &Doors, shown: Shown<'_>) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("failed to read the address listened on")?;
        let feed = Arc::new(Feed::default());
        let shelf = Folder { disk: Arc::clone(&doors.disk), data_dir: shown.data_dir.to_owned() };
        let (answerer, counted) = (shown.store.clone(), shown.store.clone());
        let answerer: Arc<dyn Answerer> = Arc::new(answerer);
        let clock = Arc::clone(&doors.clock);
        let now: Arc<dyn Fn() -> UnixNanos + Send + Sync> =
            Arc::new(move || UnixNanos(clock.now_unix_nanos()));
        let control = Arc::new(JournalFile::new(doors, shown.data_dir));
        let identity = Identity::new(control, Reach::of(&address), Arc::clone(&now));
        let chance = Mutex::new(OsChance);
        let investigations = Investigations::new(Arc::new(shelf), Arc::clone(&feed));
        for wrong in skills::unusable(&investigations) {
            terminal::say_aside(&format!("warning: {wrong}"));
        }
        let running = Running::new(shown.resolver, investigations.clone()).declaring(shown.declared);
        let running = match &shown.approvals {
            Some(approvals) => {
                let reached = shown.names.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
                running.deciding_at(approvals.mailbox().clone(), reached)
            }
            None => running,
        };
        let toolbox = Toolbox::new(shown.registry, Arc::new(running));
        let fresh: Arc<dyn Fn() -> String + Send + Sync> = Arc::new(|| text(&mut OsChance));
        let product = Product::new(Arc::new(toolbox.clone()), investigations.clone());
        let allowed_hosts: Arc<[String]> = shown.names.hosts.0.into();
        let door = Settings::reached(allowed_hosts.to_vec(), shown.names.origins.0, shown.names.public_url)
            .checking(keyed::bearer(identity.clone()));
        let is_ending = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&is_ending);
        let compat = Compat::new(identity.clone(), &toolbox, investigations.clone(), door.clone(), fresh);
        let api = Api {
            answerer,
            toolbox,
            compat,
            mcp: Mcp::new(move || product.clone(), door),
            stats: Arc::new(move || stats(&counted, ending.load(Ordering::Relaxed))),
            investigations,
            approvals: shown.approvals,
            identity,
            allowed_hosts,
            now,
            nonce: Arc::new(move || text(&mut *chance.lock().unwrap_or_else(PoisonError::into_inner))),
            otlp: format!("http://{}", shown.otlp),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server::rest::serve(listener, api, async {
            stopped.await.ok();
        }));
        Ok(Self { address, feed, is_ending, stop, task })
    }

    /// Tells whoever asks that no requests are taken any more. To be said before the receivers stop, which takes a while.
    pub(crate) fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }

    /// Stops; answers under way are finished, streams are cut.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.send(()).ok();
        self.task.await.context("the interface failed")?.context("failed to answer")
    }
}

/// A text that nobody can guess: 128 bits twice, in hex.
pub(crate) fn secret() -> String {
    let mut chance = OsChance;
    format!("{}{}", text(&mut chance), text(&mut chance))
}

fn text(chance: &mut dyn Chance) -> String {
    format!("{:016x}{:016x}", chance.next_u64(), chance.next_u64())
}

/// The journals below a data directory.
pub(crate) struct Folder {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) data_dir: PathBuf,
}

impl Folder {
    fn names(&self, folder: &Path) -> std::io::Result<Vec<String>> {
        match self.disk.list(folder) {
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(Vec::new())
            }
            names => names,
        }
    }
}

impl Shelf for Folder {
    fn list(&self) -> std::io::Result<Vec<(String, String)>> {
        let spaces = self.data_dir.join("spaces");
        let mut found = Vec::new();
        for space in self.names(&spaces)? {
            let names = self.names(&spaces.join(&space).join("incidents"))?;
            let ids = names.iter().filter_map(|name| name.strip_suffix(".journal"));
            found.extend(ids.map(|id| (space.clone(), id.to_owned())));
        }
        Ok(found)
    }

    fn read(&self, space: &str, incident: &str) -> std::io::Result<Vec<u8>> {
        let folder = self.data_dir.join("spaces").join(space).join("incidents");
        self.disk.read(&folder.join(format!("{incident}.journal")))
    }

    fn skills(&self) -> std::io::Result<Vec<(String, Vec<u8>)>> {
        let folder = self.data_dir.join("skills");
        let read = |name: String| {
            // A folder without the document is somebody else's.
            let bytes = self.disk.read(&folder.join(&name).join("SKILL.md")).ok()?;
            Some((name, bytes))
        };
        Ok(self.names(&folder)?.into_iter().filter_map(read).collect())
    }
}

fn stats(store: &Store, is_ending: bool) -> serde_json::Value {
    let stats = store.stats();
    serde_json::json!({
        "schema": "firstcause.stats/1",
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "is_taking": store.is_taking() && !is_ending,
        "accepted": stats.accepted,
        "rejected": stats.rejected,
        "repaired": stats.repaired,
        "refused_requests": stats.refused,
        "refused_items": stats.refused_items,
        "recovered": stats.recovered,
        "duplicates": stats.duplicates,
        "torn_bytes": stats.torn_bytes,
        "damaged_bytes": stats.damaged_bytes,
        "expired": stats.expired,
        "sealed": stats.sealed,
        "segments": stats.segments,
        "segment_bytes": stats.segment_bytes,
        "failed_seals": stats.failed_seals,
        "damaged_segments": stats.damaged_segments,
        "failed_writes": stats.failed_writes,
        "in_flight_bytes": stats.used_bytes,
        "head_bytes": stats.head_bytes,
        "spans": stats.spans,
        "log_records": stats.logs,
        "metric_points": stats.points,
    })
}
