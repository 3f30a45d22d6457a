//! The one thread that writes: it takes what is waiting, makes it durable with one sync per space, applies it to
//! the head, and only then resolves the tickets.
//!
//! The order is the promise of the store; `tests` break it on purpose to see that they would notice.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError, RwLock};

use otlp::{Charge, Decoded, Refusal, Resolver};
use platform::{Disk, DiskLock};
use telemetry::{Space, UnixNanos};

use crate::config::Config;
use crate::head::Head;
use crate::layout;
use crate::stats::{self, Counters};
use crate::wal::Log;

/// Requests made durable by one sync.
const GROUP_MAX: usize = 256;

/// A request on its way to the log.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) space: Space,
    pub(crate) received_at: UnixNanos,
    pub(crate) decoded: Decoded,
    /// Encodes the record once its sequence is known.
    pub(crate) payload: Payload,
    pub(crate) resolver: Resolver,
    /// Given back when the job is done.
    pub(crate) charge: Charge,
}

/// A compressed request.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) signal: otlp::Signal,
    pub(crate) raw_len: usize,
    pub(crate) compressed: Vec<u8>,
}

/// The heads of all spaces; the lock is held to look one up, not while it is used.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    spaces: RwLock<BTreeMap<Space, Arc<RwLock<Head>>>>,
}

/// Spaces of one store: each has its own log and is named by whoever may send.
const SPACES_MAX: usize = 64;

impl Heads {
    pub(crate) fn find(&self, space: &Space) -> Option<Arc<RwLock<Head>>> {
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        spaces.get(space).map(Arc::clone)
    }

    /// The head of `space`, created when there is room for one more.
    pub(crate) fn find_or_create(&self, space: &Space) -> Result<Arc<RwLock<Head>>, Refusal> {
        if let Some(head) = self.find(space) {
            return Ok(head);
        }
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        if spaces.len() >= SPACES_MAX && !spaces.contains_key(space) {
            return Err(Refusal::TooLarge { limit: "spaces".to_owned(), max: SPACES_MAX as u64 });
        }
        Ok(Arc::clone(spaces.entry(space.clone()).or_default()))
    }

    pub(crate) fn all(&self) -> Vec<(Space, Arc<RwLock<Head>>)> {
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        spaces.iter().map(|(space, head)| (space.clone(), Arc::clone(head))).collect()
    }
}

/// What the writer's thread owns.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) heads: Arc<Heads>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) logs: BTreeMap<Space, Log>,
    pub(crate) next_sequence: u64,
    /// Held as long as anything may be written.
    pub(crate) lock: Box<dyn DiskLock>,
}

impl Writer {
    /// Works until every sender is gone and the queue is empty.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut group: BTreeMap<Space, Vec<Job>> = BTreeMap::new();
            let waiting = jobs.try_iter().take(GROUP_MAX - 1);
            for job in std::iter::once(first).chain(waiting) {
                group.entry(job.space.clone()).or_default().push(job);
            }
            for (space, jobs) in group {
                self.commit(&space, jobs);
            }
            self.expire();
        }
        drop(self.lock);
    }

    fn commit(&mut self, space: &Space, jobs: Vec<Job>) {
        let records: Vec<Vec<u8>> = jobs
            .iter()
            .map(|job| {
                let sequence = self.next_sequence;
                self.next_sequence += 1;
                let Payload { signal, raw_len, compressed } = &job.payload;
                crate::record::encode(sequence, *signal, job.received_at, *raw_len, compressed)
            })
            .collect();
        let written = self.log(space).and_then(|log| log.commit(records.iter().map(Vec::as_slice)));
        match written {
            Ok(file) => self.acknowledge(space, jobs, file),
            Err(error) => {
                let mut stats = self.counters.lock();
                stats.failed_writes += 1;
                *stats.refused.entry("failed".to_owned()).or_default() += jobs.len() as u64;
                stats.refused_items += jobs.iter().map(|job| sent_items(&job.decoded)).sum::<u64>();
                drop(stats);
                for job in jobs {
                    let detail = format!("the log could not be written: {error}");
                    job.resolver.resolve(Err(Refusal::Failed { detail }));
                }
            }
        }
    }

    fn log(&mut self, space: &Space) -> std::io::Result<&mut Log> {
        use std::collections::btree_map::Entry;
        match self.logs.entry(space.clone()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let dir = layout::create_wal_dir(&*self.disk, &self.config.data_dir, space)?;
                let log = Log::new(dir, Arc::clone(&self.disk), &self.config, 1);
                Ok(entry.insert(log))
            }
        }
    }

    /// The requests are durable: applies them, counts them, and tells the senders.
    fn acknowledge(&self, space: &Space, jobs: Vec<Job>, file: u64) {
        let Ok(head) = self.heads.find_or_create(space) else {
            return;
        };
        let mut answers = Vec::with_capacity(jobs.len());
        let mut duplicates = 0;
        let mut locked = head.write().unwrap_or_else(PoisonError::into_inner);
        for job in jobs {
            let receipt = job.decoded.receipt.clone();
            duplicates += locked.apply(job.decoded, job.received_at, file);
            answers.push((job.resolver, receipt));
            drop(job.charge);
        }
        drop(locked);
        let mut stats = self.counters.lock();
        stats.duplicates += duplicates;
        for (_, receipt) in &answers {
            stats.accepted += receipt.accepted;
            stats::add(&mut stats.rejected, &receipt.rejected);
            stats::add(&mut stats.repaired, &receipt.repaired);
        }
        drop(stats);
        for (resolver, receipt) in answers {
            resolver.resolve(Ok(receipt));
        }
    }

    /// When the heads are over their limit, the largest gives up its oldest quarter, and the log files with it.
    pub(crate) fn expire(&mut self) {
        loop {
            let sized: Vec<(u64, Space, Arc<RwLock<Head>>)> = self
                .heads
                .all()
                .into_iter()
                .map(|(space, head)| {
                    let bytes = head.read().unwrap_or_else(PoisonError::into_inner).held().bytes;
                    (bytes, space, head)
                })
                .collect();
            let total: u64 = sized.iter().map(|sized| sized.0).sum();
            let largest = sized.into_iter().max_by_key(|sized| sized.0);
            let Some((bytes, space, head)) = largest.filter(|_| total > self.config.head_max_bytes) else {
                return;
            };
            let mut locked = head.write().unwrap_or_else(PoisonError::into_inner);
            let expired = locked.expire(bytes / 4 * 3);
            let oldest_file = locked.oldest_file().unwrap_or(u64::MAX);
            drop(locked);
            self.counters.lock().expired += expired;
            if let Some(log) = self.logs.get_mut(&space) {
                log.remove_before(oldest_file);
            }
        }
    }
}

/// Items in a request, kept or rejected.
pub(crate) fn sent_items(decoded: &Decoded) -> u64 {
    decoded.receipt.accepted + decoded.receipt.rejected_total()
}
