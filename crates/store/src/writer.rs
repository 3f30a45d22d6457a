//! The one thread that writes: it takes what is waiting, makes it durable with one sync per space, applies it to
//! the head, and only then resolves the tickets.
//!
//! The order is the promise of the store; `tests` break it on purpose to see that they would notice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use otlp::{Charge, Decoded, Refusal, Resolver};
use platform::{Disk, DiskLock};
use telemetry::{Space, UnixNanos};

use crate::config::Config;
use crate::kept::Kept;
use crate::layout;
use crate::stats::{self, Counters};
use crate::wal::Log;

/// Requests made durable by one sync.
const GROUP_MAX: usize = 256;
/// How often room is looked for while there is none: as often as senders are told to come again.
const ROOM_EVERY: Duration = Duration::from_secs(1);

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

/// What is kept of all spaces; the lock is held to look one up, not while it is used.
#[derive(Debug, Default)]
pub(crate) struct Spaces {
    spaces: RwLock<BTreeMap<Space, Arc<RwLock<Kept>>>>,
}

/// Spaces of one store: each has its own log and is named by whoever may send.
const SPACES_MAX: usize = 64;

impl Spaces {
    pub(crate) fn find(&self, space: &Space) -> Option<Arc<RwLock<Kept>>> {
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        spaces.get(space).map(Arc::clone)
    }

    /// What is kept of `space`, created when there is room for one more.
    pub(crate) fn find_or_create(&self, space: &Space) -> Result<Arc<RwLock<Kept>>, Refusal> {
        if let Some(head) = self.find(space) {
            return Ok(head);
        }
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        if spaces.len() >= SPACES_MAX && !spaces.contains_key(space) {
            return Err(Refusal::TooLarge { limit: "spaces".to_owned(), max: SPACES_MAX as u64 });
        }
        Ok(Arc::clone(spaces.entry(space.clone()).or_default()))
    }

    pub(crate) fn all(&self) -> Vec<(Space, Arc<RwLock<Kept>>)> {
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        spaces.iter().map(|(space, head)| (space.clone(), Arc::clone(head))).collect()
    }
}

/// What the writer's thread owns.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) spaces: Arc<Spaces>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) logs: BTreeMap<Space, Log>,
    pub(crate) next_sequence: u64,
    /// Whether the heads are over their limit and nothing could be done about it; requests are refused then.
    pub(crate) is_full: Arc<AtomicBool>,
    /// Held as long as anything may be written.
    pub(crate) lock: Box<dyn DiskLock>,
}

impl Writer {
    /// Works until every sender is gone and the queue is empty.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        while let Some(first) = self.next(jobs) {
            let mut group: BTreeMap<Space, Vec<Job>> = BTreeMap::new();
            let waiting = jobs.try_iter().take(GROUP_MAX - 1);
            for job in std::iter::once(first).chain(waiting) {
                group.entry(job.space.clone()).or_default().push(job);
            }
            for (space, jobs) in group {
                self.commit(&space, jobs);
            }
            self.make_room();
        }
        drop(self.lock);
    }

    /// The next job. While nothing is taken because the heads are full, room is looked for again and again.
    fn next(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        loop {
            if !self.is_full.load(Ordering::Relaxed) {
                return jobs.recv().ok();
            }
            match jobs.recv_timeout(ROOM_EVERY) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Timeout) => self.make_room(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
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

    pub(crate) fn log(&mut self, space: &Space) -> std::io::Result<&mut Log> {
        use std::collections::btree_map::Entry;
        match self.logs.entry(space.clone()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let dir = layout::wal_dir(&self.config.data_dir, space);
                layout::create_dir(&*self.disk, &self.config.data_dir, space, &dir)?;
                let log = Log::new(dir, Arc::clone(&self.disk), &self.config, 1);
                Ok(entry.insert(log))
            }
        }
    }

    /// The requests are durable: applies them, counts them, and tells the senders.
    fn acknowledge(&self, space: &Space, jobs: Vec<Job>, file: u64) {
        let Ok(kept) = self.spaces.find_or_create(space) else {
            return;
        };
        let mut answers = Vec::with_capacity(jobs.len());
        let mut duplicates = 0;
        let mut locked = kept.write().unwrap_or_else(PoisonError::into_inner);
        for job in jobs {
            let receipt = job.decoded.receipt.clone();
            duplicates += locked.head.apply(job.decoded, job.received_at, file);
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
}

/// Items in a request, kept or rejected.
pub(crate) fn sent_items(decoded: &Decoded) -> u64 {
    decoded.receipt.accepted + decoded.receipt.rejected_total()
}
