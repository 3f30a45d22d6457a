//! The one thread that writes: it takes what is waiting, makes it durable with one sync per space, applies it to
//! the head, and only then resolves the tickets.
//!
//! The order is the promise of the store; `tests` break it on purpose to see that they would notice.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use otlp::{Charge, Decoded, Refusal, Resolver};
use platform::{Disk, DiskLock};
use telemetry::{Space, UnixNanos};

use crate::config::Config;
use crate::head::Place;
use crate::layout;
use crate::sealing::Sealing;
use crate::spaces::Spaces;
use crate::stats::{self, Counters};
use crate::wal::Log;

/// Requests made durable by one sync.
const GROUP_MAX: usize = 256;
/// Longest pause between two groups while segments are written and there still is room.
const PAUSE_MAX: Duration = Duration::from_millis(250);

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

/// What the writer's thread owns.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) spaces: Arc<Spaces>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) logs: BTreeMap<Space, Log>,
    pub(crate) next_sequence: u64,
    pub(crate) sealing: Sealing,
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
            self.slow_down();
        }
        drop(self.sealing);
        drop(self.lock);
    }

    /// Freezes heads that are large, and calls for segments when there is too much in memory.
    fn keep_within_limits(&mut self) {
        for space in self.spaces.freeze_large(&self.config) {
            // What comes next must not stand in a log file of what is frozen.
            if let Some(log) = self.logs.get_mut(&space) {
                log.close();
            }
        }
        if self.spaces.held_bytes() > self.config.head_max_bytes {
            self.sealing.call();
        }
    }

    /// Keeps senders to the speed at which segments are written: the longer, the more there is in memory. What waits
    /// meanwhile is bounded by the budget of requests in flight.
    fn slow_down(&self) {
        let limit = self.config.head_max_bytes;
        let over = self.spaces.held_bytes().saturating_sub(limit) as f64;
        let share = over / (self.config.refusal_bytes() - limit).max(1) as f64;
        if share >= 1.0 {
            self.sealing.wait_for_segment(None);
        } else if share > 0.0 {
            self.sealing.wait_for_segment(Some(PAUSE_MAX.mul_f64(share * share)));
        }
    }

    fn commit(&mut self, space: &Space, jobs: Vec<Job>) {
        let first = self.next_sequence;
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
            Ok(file) => self.acknowledge(space, jobs, Place { file, sequence: first }),
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
                let dir = layout::wal_dir(&self.config.data_dir, space);
                layout::create_dir(&*self.disk, &self.config.data_dir, space, &dir)?;
                let log = Log::new(dir, Arc::clone(&self.disk), &self.config, 1);
                Ok(entry.insert(log))
            }
        }
    }

    /// The requests are durable, the first of them at `place`: applies them, counts them, and tells the senders.
    fn acknowledge(&mut self, space: &Space, jobs: Vec<Job>, mut place: Place) {
        let Ok(kept) = self.spaces.find_or_create(space) else {
            return;
        };
        let mut answers = Vec::with_capacity(jobs.len());
        let mut duplicates = 0;
        let mut locked = kept.write().unwrap_or_else(PoisonError::into_inner);
        for job in jobs {
            let receipt = job.decoded.receipt.clone();
            duplicates += locked.apply(job.decoded, job.received_at, place);
            place.sequence += 1;
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
        self.keep_within_limits();
        for (resolver, receipt) in answers {
            resolver.resolve(Ok(receipt));
        }
    }
}

/// Items in a request, kept or rejected.
pub(crate) fn sent_items(decoded: &Decoded) -> u64 {
    decoded.receipt.accepted + decoded.receipt.rejected_total()
}
