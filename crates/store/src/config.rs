//! Where the store lives and how much it may take.
//!
//! Plain values; reading them from a file or the environment is the binary's work.

use std::path::PathBuf;

/// When a request counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// After the log was synced to the disk.
    #[default]
    Fsync,
    /// After it was handed to the operating system: **acknowledged requests are lost when the power fails**. It
    /// exists as the negative control of the crash tests and for measuring what the sync costs.
    None,
}

/// The store's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The data directory, created when missing.
    pub data_dir: PathBuf,
    /// When a request counts as durable.
    pub durability: Durability,
    /// Estimated bytes of signals kept in memory, over all spaces; the oldest become segments first.
    pub head_max_bytes: u64,
    /// Bytes of the segments of all spaces on the disk; the oldest are removed first.
    pub segments_max_bytes: u64,
    /// Seconds of data time after which a segment is removed.
    pub retention_s: i64,
    /// Estimated bytes of segments' rows kept in memory because they were asked for lately, and as many for one question.
    pub cache_bytes: u64,
    /// Bytes that requests in flight may take, wire and decoded form together.
    pub budget_bytes: u64,
    /// Requests that may wait for the writer.
    pub queue_max: usize,
    /// Bytes after which a log file is full. It also ends where a head does.
    pub wal_file_bytes: u64,
}

impl Config {
    /// Synced, 256 MiB of head (about 300,000 spans: minutes of a small system, enough around an alert), 10 GiB and
    /// three days of segments, 128 MiB of their rows in memory, 64 MiB in flight (two of the largest requests), 1,024
    /// waiting requests (the connections a receiver takes), log files of 4 MiB (one is read at once).
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            durability: Durability::Fsync,
            head_max_bytes: 256 << 20,
            segments_max_bytes: 10 << 30,
            retention_s: 3 * 86_400,
            cache_bytes: 128 << 20,
            budget_bytes: 64 << 20,
            queue_max: 1024,
            wal_file_bytes: 4 << 20,
        }
    }

    /// Estimated bytes of a head after which it is frozen: what becomes one segment.
    pub(crate) fn frozen_bytes(&self) -> u64 {
        self.head_max_bytes / 4
    }

    /// Estimated bytes of the heads of all spaces that still grow.
    pub(crate) fn growing_bytes(&self) -> u64 {
        self.head_max_bytes / 2
    }

    /// Estimated bytes of heads beyond which nothing is taken in: the writer waits for the next segment, and when none can
    /// be written, requests are refused.
    pub(crate) fn refusal_bytes(&self) -> u64 {
        self.head_max_bytes / 4 * 5
    }
}
