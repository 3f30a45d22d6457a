//! The rows of `state`: what workloads, nodes, databases and monitors are, and what happened to them.
//!
//! The words are those that Kubernetes and PostgreSQL use in their own interfaces; how a product names the same thing
//! is translated where that product is read. A row says what was so at one moment; how a figure moved over time is the
//! business of `series_change`, whose metrics of a database are named here so that every reader means the same.

use serde::{Deserialize, Serialize};

use crate::number::Num;
use crate::time::UnixNanos;

/// What a row speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StateKind {
    /// Who loads a database: a user or a host; figure `load`, attribute `by` (`user`, `host`).
    Client,
    /// A container of a pod, named `pod/container`: figures `ready` (0 or 1), `restarts`, `exit_code`; the status is
    /// why it waits or ended, else `Running`; attributes `pod`, `image`, `last_reason` (why it ended before).
    Container,
    /// A database instance: attribute `replica_of` when it is one; figures such as `connections_max`.
    Database,
    /// A workload that keeps replicas: figures `desired`, `ready`, `available`, `unavailable`.
    Deployment,
    /// Something that happened to the thing named: the status is its reason, figure `count`, `since` its first time;
    /// attribute `type` is `Warning` for trouble.
    Event,
    /// A rule that watches a figure: the status is `ok`, `alert`, `warn` or `no_data`.
    Monitor,
    /// A machine that runs pods: the status is `Ready`, `NotReady` or `Unknown`; attributes `memory_pressure`,
    /// `disk_pressure`, `pid_pressure` (`True`, `False`); figures `cpu_allocatable` (cores), `memory_allocatable`.
    Node,
    /// A pod: the status is its phase; attributes `node`, `replica_set`, `deleted_at` once it is being removed, and
    /// `not.<condition>` with reason and message for each condition that does not hold.
    Pod,
    /// A statement of a database in the text: figures `load` (sessions on average), `calls_per_s`, and `wait.<name>`
    /// for the load by wait event.
    Statement,
    /// A wait event of a database, by its name: figure `load` (sessions on average), attribute `class`: `cpu`, `io`,
    /// `lock`, `lwlock`, `client`, `ipc`, `timeout`, `wal`, else the database's own word in lower case.
    Wait,
}

impl StateKind {
    /// All kinds, sorted.
    pub const ALL: [Self; 10] = [
        Self::Client,
        Self::Container,
        Self::Database,
        Self::Deployment,
        Self::Event,
        Self::Monitor,
        Self::Node,
        Self::Pod,
        Self::Statement,
        Self::Wait,
    ];

    /// Its name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Container => "container",
            Self::Database => "database",
            Self::Deployment => "deployment",
            Self::Event => "event",
            Self::Monitor => "monitor",
            Self::Node => "node",
            Self::Pod => "pod",
            Self::Statement => "statement",
            Self::Wait => "wait",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What one thing was at one moment, or one thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StateRow {
    /// When it was so; of an event, when it happened last.
    pub at: UnixNanos,
    /// Since when it is so, or when it happened first, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixNanos>,
    /// What it speaks of.
    pub kind: StateKind,
    /// The service, workload or database it belongs to; empty when to none.
    pub service: String,
    /// Its own name.
    pub name: String,
    /// In one word.
    pub status: String,
    /// What it says about itself, cut at 400 characters.
    pub text: String,
    /// Its figures by name, sorted.
    pub figures: Vec<(String, Num)>,
    /// Everything else by name, sorted.
    pub attributes: Vec<(String, String)>,
}

impl StateRow {
    /// A figure.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(key, _)| key == name).map(|(_, value)| value.get())
    }

    /// An attribute, empty when it is not told.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// The names of the metrics of a database; `series_change` knows them by the instance as the service.
pub mod metric {
    /// Processor time in use, share of what there is (unit `1`).
    pub const CPU: &str = "db.cpu.utilization";
    /// Open connections.
    pub const CONNECTIONS: &str = "db.connections";
    /// Active sessions on average.
    pub const LOAD: &str = "db.load";
    /// Bytes that fit on the volume still.
    pub const STORAGE_FREE: &str = "db.storage.free";
    /// Bytes of memory that may be given to somebody.
    pub const MEMORY_FREE: &str = "db.memory.free";
    /// Bytes that were swapped out.
    pub const SWAP: &str = "db.swap.used";
    /// Seconds that a replica is behind.
    pub const REPLICATION_LAG: &str = "db.replication.lag";
    /// Bytes of write-ahead log per second.
    pub const LOG_WRITTEN: &str = "db.log.written";
    /// Reads of the volume per second.
    pub const READS: &str = "db.disk.reads";
    /// Writes to the volume per second.
    pub const WRITES: &str = "db.disk.writes";
    /// Requests that wait for the volume.
    pub const DISK_QUEUE: &str = "db.disk.queue";
    /// Seconds that a read takes.
    pub const READ_TIME: &str = "db.disk.read_time";
    /// Seconds that a write takes.
    pub const WRITE_TIME: &str = "db.disk.write_time";
    /// Share (0 to 1) of a burst allowance of the volume that is left.
    pub const BURST_LEFT: &str = "db.disk.burst_left";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_name_and_by_nothing_else() {
        assert!(StateKind::ALL.windows(2).all(|pair| pair[0].name() < pair[1].name()));
        assert!(StateKind::ALL.iter().all(|kind| StateKind::named(kind.name()) == Some(*kind)));
        assert_eq!(StateKind::named("pods"), None);
    }
}
