//! The store's door: opening, offering, asking, closing.
//!
//! Decoding and compressing happen on the caller's thread, so that only the order of the log is serial.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use otlp::{Budget, Charge, Intake, Receipt, Refusal, Request, ScanError, Ticket, decode, scan};
use platform::{Clock, Disk};
use telemetry::{Answer, Answerer, AskError, Cancel, Capabilities, Limits, Question, Space, UnixNanos};

use crate::answer::{self, Shelf};
use crate::config::Config;
use crate::layout::{self, OpenStoreError};
use crate::record;
use crate::recovery;
use crate::seal::Sealer;
use crate::sealing::{Bell, Sealing};
use crate::segment::Cache;
use crate::spaces::Spaces;
use crate::stats::{Counters, Stats};
use crate::wal::Log;
use crate::writer::{Job, Payload, Writer, sent_items};

/// When to try again after the budget or the queue was full, in seconds: a group commit takes milliseconds.
const RETRY_AFTER_S: u32 = 1;

/// An open store; clones are the same store. The last one dropped closes it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: RwLock<Option<SyncSender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    spaces: Arc<Spaces>,
    shelf: Shelf,
    is_full: Arc<AtomicBool>,
    counters: Arc<Counters>,
    budget: Budget,
    clock: Arc<dyn Clock>,
    bell: Arc<Bell>,
}

impl Store {
    /// Opens or creates the data directory of `config`, takes its lock, replays its log and starts the writer.
    ///
    /// # Errors
    /// When another process has it, its format is another, or the disk refuses.
    pub fn open(config: Config, disk: Arc<dyn Disk>, clock: Arc<dyn Clock>) -> Result<Self, OpenStoreError> {
        let lock = layout::open(&*disk, &config.data_dir)?;
        let (spaces, counters) = (Arc::new(Spaces::default()), Arc::new(Counters::default()));
        let is_full = Arc::new(AtomicBool::new(false));
        let budget = Budget::new(config.budget_bytes);
        let (sender, jobs) = sync_channel(config.queue_max.max(1));
        let shelf = Shelf {
            disk: Arc::clone(&disk),
            cache: Cache::new(config.cache_bytes),
            bytes_max: config.cache_bytes,
        };
        let sealer = Sealer {
            config: config.clone(),
            disk: Arc::clone(&disk),
            spaces: Arc::clone(&spaces),
            counters: Arc::clone(&counters),
            is_full: Arc::clone(&is_full),
        };
        let Recovered { logs, next_sequence } = recover(&sealer)?;
        let sealing = Sealing::start(sealer).map_err(OpenStoreError::Writer)?;
        let bell = sealing.bell();
        let writer = Writer {
            config,
            disk,
            spaces: Arc::clone(&spaces),
            counters: Arc::clone(&counters),
            logs,
            next_sequence,
            sealing,
            lock,
        };
        let thread =
            std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || writer.run(&jobs));
        let inner = Inner {
            queue: RwLock::new(Some(sender)),
            writer: Mutex::new(Some(thread.map_err(OpenStoreError::Writer)?)),
            spaces,
            shelf,
            is_full,
            counters,
            budget,
            clock,
            bell,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Refuses what comes from now on, finishes what waits, and releases the lock. Questions are still answered.
    pub fn close(&self) {
        self.inner.close();
    }

    /// Whether requests are taken: the store is not closed, its writer lives, and its heads have not outgrown what can be written.
    #[must_use]
    pub fn is_taking(&self) -> bool {
        let is_open = self.inner.queue.read().unwrap_or_else(PoisonError::into_inner).is_some();
        let writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let is_written = writer.as_ref().is_some_and(|thread| !thread.is_finished());
        is_open && is_written && !self.inner.is_full.load(Ordering::Relaxed)
    }

    /// The most bytes that requests in flight may take ([`Config::budget_bytes`]).
    #[must_use]
    pub fn budget_bytes(&self) -> u64 {
        self.inner.budget.max_bytes()
    }

    /// Waits until no segment is being written: the figures and files after it are those of a store at rest.
    pub fn settle(&self) {
        self.inner.bell.settle();
    }

    /// The figures of this moment.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.inner.counters.lock().clone();
        stats.used_bytes = self.inner.budget.used_bytes();
        for (_, kept) in self.inner.spaces.all() {
            let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
            let held = kept.held();
            stats.spans += held.spans;
            stats.logs += held.logs;
            stats.points += held.points;
            stats.head_bytes += held.bytes;
            stats.segments += kept.sealed.len() as u64;
            for segment in &kept.sealed {
                stats.sealed += segment.entry.rows();
                stats.segment_bytes += segment.entry.bytes();
            }
        }
        stats
    }

    /// The data time of a space: the latest end of a span, the epoch while there is none. Ends more than ten
    /// minutes ahead of their receipt count as their receipt.
    #[must_use]
    pub fn watermark(&self, space: &Space) -> UnixNanos {
        self.inner.spaces.find(space).map_or_else(UnixNanos::default, |kept| {
            kept.read().unwrap_or_else(PoisonError::into_inner).watermark()
        })
    }

    /// The spaces that hold something, sorted.
    #[must_use]
    pub fn spaces(&self) -> Vec<Space> {
        self.inner.spaces.all().into_iter().map(|(space, _)| space).collect()
    }
}

/// The logs as they were found.
struct Recovered {
    logs: BTreeMap<Space, Log>,
    next_sequence: u64,
}

/// Opens the segments of every space and replays the rest of its log into its heads.
fn recover(sealer: &Sealer) -> Result<Recovered, OpenStoreError> {
    let Sealer { config, disk, spaces, counters, .. } = sealer;
    let mut recovered = Recovered { logs: BTreeMap::new(), next_sequence: 1 };
    for space in layout::spaces(&**disk, &config.data_dir)? {
        let Ok(kept) = spaces.find_or_create(&space) else {
            break;
        };
        let dir = layout::wal_dir(&config.data_dir, &space);
        let sealed =
            sealer.open_segments(&space, &kept).map_err(layout::on("read the segments beside", &dir))?;
        let mut duplicates = 0;
        let replayed = recovery::replay(&**disk, &dir, sealed.file, |decoded, received_at, place| {
            let last = kept.read().unwrap_or_else(PoisonError::into_inner).place();
            if last.file != place.file {
                spaces.freeze_large(config);
                while sealer.make_room() {}
            }
            let mut kept = kept.write().unwrap_or_else(PoisonError::into_inner);
            duplicates += kept.apply(decoded, received_at, place);
        })
        .map_err(layout::on("replay", &dir))?;
        let last = replayed.last_sequence.max(sealed.sequence);
        recovered.next_sequence = recovered.next_sequence.max(last.saturating_add(1));
        let log = Log::new(dir, Arc::clone(disk), config, replayed.next_file);
        recovered.logs.insert(space, log);
        let mut stats = counters.lock();
        stats.duplicates += duplicates;
        stats.recovered += replayed.items;
        stats.torn_bytes += replayed.torn_bytes;
        stats.damaged_bytes += replayed.damaged_bytes;
    }
    spaces.freeze_large(config);
    while sealer.make_room() {}
    Ok(recovered)
}

impl Inner {
    fn close(&self) {
        drop(self.queue.write().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A writer that panicked has refused its tickets; there is nothing left to save here.
            let _outcome = thread.join();
        }
    }

    /// Looks over, charges and decodes a request, and hands it to the writer.
    fn submit(&self, request: Request) -> Result<Ticket, Refusal> {
        let mut items = 0;
        self.try_submit(request, &mut items).inspect_err(|refusal| {
            let mut stats = self.counters.lock();
            *stats.refused.entry(refusal.reason().to_owned()).or_default() += 1;
            stats.refused_items += items;
        })
    }

    fn try_submit(&self, request: Request, items: &mut u64) -> Result<Ticket, Refusal> {
        let Request { space, signal, bytes, received_at } = request;
        let queue =
            self.queue.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Refusal::Draining)?;
        let extent = scan(signal, &bytes).map_err(refusal_of)?;
        *items = extent.items;
        if self.is_full.load(Ordering::Relaxed) {
            return Err(Refusal::Overloaded { retry_after_s: RETRY_AFTER_S });
        }
        let charge = self.charge(bytes.len(), extent.decoded_bytes)?;
        let received_at = received_at.unwrap_or_else(|| UnixNanos(self.clock.now_unix_nanos()));
        let decoded = decode(signal, &bytes, received_at)
            .map_err(|error| Refusal::Malformed { detail: error.to_string() })?;
        if decoded.receipt.accepted == 0 {
            self.count_empty(&decoded.receipt);
            return Ok(Ticket::resolved(Ok(decoded.receipt)));
        }
        *items = sent_items(&decoded);
        self.spaces.find_or_create(&space)?;
        let payload = Payload { signal, raw_len: bytes.len(), compressed: record::compress(&bytes) };
        let (resolver, ticket) = Ticket::open();
        let job = Job { space, received_at, decoded, payload, resolver, charge };
        match queue.try_send(job) {
            Ok(()) => Ok(ticket),
            Err(TrySendError::Full(_)) => Err(Refusal::Overloaded { retry_after_s: RETRY_AFTER_S }),
            Err(TrySendError::Disconnected(_)) => {
                Err(Refusal::Failed { detail: "the writer has stopped".to_owned() })
            }
        }
    }

    /// A request that could never fit is too large; one that does not fit now may come again.
    fn charge(&self, len: usize, decoded_bytes: u64) -> Result<Charge, Refusal> {
        let max = self.budget.max_bytes().min(record::RAW_LEN_MAX as u64);
        let bytes = decoded_bytes.saturating_add(len as u64);
        if len as u64 > max || bytes > self.budget.max_bytes() {
            return Err(Refusal::TooLarge {
                limit: "bytes, decoded".to_owned(),
                max: self.budget.max_bytes(),
            });
        }
        self.budget.charge(bytes).ok_or(Refusal::Overloaded { retry_after_s: RETRY_AFTER_S })
    }

    fn count_empty(&self, receipt: &Receipt) {
        let mut stats = self.counters.lock();
        crate::stats::add(&mut stats.rejected, &receipt.rejected);
    }
}

fn refusal_of(error: ScanError) -> Refusal {
    match error {
        ScanError::Malformed(wire) => Refusal::Malformed { detail: wire.to_string() },
        ScanError::TooDeep => Refusal::Malformed { detail: error.to_string() },
        ScanError::TooManyItems => {
            Refusal::TooLarge { limit: "items".to_owned(), max: otlp::scan::ITEMS_MAX }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Intake for Store {
    fn offer(&self, request: Request) -> Ticket {
        self.inner.submit(request).unwrap_or_else(|refusal| Ticket::resolved(Err(refusal)))
    }
}

impl Answerer for Store {
    fn can(&self) -> Capabilities {
        answer::capabilities()
    }

    fn answer(&self, question: &Question, limits: &Limits, cancel: &Cancel) -> Result<Answer, AskError> {
        let asking = answer::Asking::new(limits, cancel, &*self.inner.clock);
        let kept = self.inner.spaces.find(&question.space).unwrap_or_default();
        answer::answer(&kept, &self.inner.shelf, &question.ask, &asking)
    }
}
