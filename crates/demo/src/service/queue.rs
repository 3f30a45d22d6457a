//! A durable queue in a SQLite file: sent messages stay, in order, until they are acknowledged. A received message
//! is leased for a while; when the lease ends without an acknowledgement it is delivered again, and what was sent
//! after it waits, as in any queue that keeps the order.
//! It deliberately knows nothing of what a message means, and records no telemetry.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};

use super::database::DatabaseError;
use crate::clock;

/// How long a consumer has before its message is delivered again.
const LEASE: Duration = Duration::from_secs(2);
/// How long a message rests after a consumer gave it back.
const REST: Duration = Duration::from_millis(400);
/// How long SQLite itself waits for a lock: senders and consumers share the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// A message that was received and is leased.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Delivery {
    /// Its place in the queue, which never occurs twice.
    pub(super) id: i64,
    pub(super) body: String,
    /// Where it came from, as W3C trace context has it.
    pub(super) traceparent: String,
}

/// One end of the queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    connection: Arc<Mutex<Connection>>,
}

impl Queue {
    /// Opens the queue in `path`, which the system created.
    pub(super) async fn open(path: &Path) -> Result<Self, DatabaseError> {
        let path = path.to_owned();
        let connect = move || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            // As for the orders of a demo: messages survive the process, not the power.
            connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
            Ok::<_, rusqlite::Error>(connection)
        };
        let connection = tokio::task::spawn_blocking(connect).await.map_err(|_| DatabaseError::CutOff)??;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Adds a message and returns its id.
    pub(super) async fn send(&self, body: String, traceparent: String) -> Result<i64, DatabaseError> {
        self.run(move |connection| {
            let text = "INSERT INTO messages (body, traceparent, leased_until) VALUES (?, ?, 0)";
            connection.prepare(text)?.execute((body, traceparent))?;
            Ok(connection.last_insert_rowid())
        })
        .await
    }

    /// Leases the message at the head, unless there is none or it is leased.
    pub(super) async fn receive(&self) -> Result<Option<Delivery>, DatabaseError> {
        self.run(|connection| {
            let now = clock::unix_nanos();
            // Looking first spares an empty queue the lock for writing.
            let head = "SELECT leased_until FROM messages ORDER BY id LIMIT 1";
            let leased_until =
                connection.prepare(head)?.query_row([], |row| row.get::<_, i64>(0)).optional()?;
            if leased_until.is_none_or(|until| until > now) {
                return Ok(None);
            }
            let lease = "UPDATE messages SET leased_until = ? \
                         WHERE id = (SELECT min(id) FROM messages) AND leased_until <= ? \
                         RETURNING id, body, traceparent";
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Delivery { id: row.get(0)?, body: row.get(1)?, traceparent: row.get(2)? })
            };
            connection.prepare(lease)?.query_row((later(LEASE), now), read).optional()
        })
        .await
    }

    /// The message is dealt with and leaves the queue.
    pub(super) async fn acknowledge(&self, id: i64) -> Result<(), DatabaseError> {
        self.run(move |connection| {
            connection.prepare("DELETE FROM messages WHERE id = ?")?.execute([id]).map(drop)
        })
        .await
    }

    /// The message could not be dealt with: it keeps its place and is delivered again after a short rest.
    pub(super) async fn give_back(&self, id: i64) -> Result<(), DatabaseError> {
        self.run(move |connection| {
            let text = "UPDATE messages SET leased_until = ? WHERE id = ?";
            connection.prepare(text)?.execute((later(REST), id)).map(drop)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let connection = Arc::clone(&self.connection);
        let on_thread = move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner));
        let outcome = tokio::task::spawn_blocking(on_thread).await.map_err(|_| DatabaseError::CutOff)?;
        Ok(outcome?)
    }
}

fn later(by: Duration) -> i64 {
    clock::unix_nanos().saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_keep_their_order_and_a_failed_one_blocks_the_ones_behind_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue.db");
        crate::data::create_queue(&path).unwrap();
        let (sender, consumer) = (Queue::open(&path).await.unwrap(), Queue::open(&path).await.unwrap());
        assert_eq!(consumer.receive().await.unwrap(), None);
        for body in ["first", "second"] {
            sender.send(body.to_owned(), "00-1-2-01".to_owned()).await.unwrap();
        }
        let first = consumer.receive().await.unwrap().unwrap();
        assert_eq!((first.body.as_str(), first.traceparent.as_str()), ("first", "00-1-2-01"));
        // Leased, so neither it nor what is behind it is delivered.
        assert_eq!(consumer.receive().await.unwrap(), None);
        consumer.give_back(first.id).await.unwrap();
        assert_eq!(consumer.receive().await.unwrap(), None);
        tokio::time::sleep(REST + Duration::from_millis(20)).await;
        assert_eq!(consumer.receive().await.unwrap().unwrap(), first);
        consumer.acknowledge(first.id).await.unwrap();
        assert_eq!(consumer.receive().await.unwrap().unwrap().body, "second");
    }
}
