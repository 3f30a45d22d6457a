//! A small pool of SQLite connections, used on blocking threads, with a span and a duration for each statement.
//! It deliberately does not count the wait for a connection as part of an operation: that is a wait, not a query.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use rusqlite::{Connection, Params, Row};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::clock;
use crate::instrument::{Telemetry, fail_span};

/// Connections in the pool: readers run side by side, as in any service with a database.
const CONNECTIONS: usize = 4;
/// How long SQLite itself waits for a lock, for example while a retention job prunes the table.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a database gave no answer.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// SQLite said no.
    #[error("SQLite failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The work did not run to its end.
    #[error("the database work was cut off")]
    CutOff,
}

/// A statement, with the attributes that describe it.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) operation: &'static str,
    pub(super) collection: &'static str,
    pub(super) summary: &'static str,
    pub(super) text: &'static str,
}

/// The pool.
#[derive(Debug)]
pub(super) struct Database {
    idle: Arc<Mutex<Vec<Connection>>>,
    slots: Arc<Semaphore>,
    telemetry: Arc<Telemetry>,
}

impl Database {
    /// Opens the pool and then runs `migration`.
    pub(super) async fn open(
        path: &Path,
        migration: &'static str,
        telemetry: &Arc<Telemetry>,
    ) -> Result<Self, DatabaseError> {
        let path = path.to_owned();
        let connect = move || {
            let connections = (0..CONNECTIONS).map(|_| connect(&path)).collect::<Result<Vec<_>, _>>()?;
            if let Some(connection) = connections.first() {
                connection.execute_batch(migration)?;
            }
            Ok::<_, rusqlite::Error>(connections)
        };
        let connections = tokio::task::spawn_blocking(connect).await.map_err(|_| DatabaseError::CutOff)??;
        Ok(Self {
            slots: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
            telemetry: Arc::clone(telemetry),
        })
    }

    /// Runs `work` with a connection, on a blocking thread, in the trace of the caller.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| DatabaseError::CutOff)?;
        let (idle, telemetry, context) =
            (Arc::clone(&self.idle), Arc::clone(&self.telemetry), Context::current());
        let on_thread = move || {
            // The slot and the connection travel with the work: a caller that goes away does not lose them.
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let session =
                Session { connection: connection.ok_or(DatabaseError::CutOff)?, telemetry, context };
            let outcome = work(&session);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(session.connection);
            drop(slot);
            outcome
        };
        tokio::task::spawn_blocking(on_thread).await.map_err(|_| DatabaseError::CutOff)?
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Orders of a demo may be lost with the power, not with the process: no fsync for each of them.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
    Ok(connection)
}

/// One connection in use.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    telemetry: Arc<Telemetry>,
    context: Context,
}

impl Session {
    /// Reads all rows of `statement`.
    pub(super) fn query<T>(
        &self,
        statement: &Statement,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, DatabaseError> {
        self.observed(statement, |connection| {
            let rows = connection
                .prepare(statement.text)?
                .query_map(params, read)?
                .collect::<Result<Vec<T>, _>>()?;
            let returned = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            Ok((rows, Some(KeyValue::new("db.response.returned_rows", returned))))
        })
    }

    /// Runs `statement` and returns the number of rows that it changed.
    pub(super) fn execute(&self, statement: &Statement, params: impl Params) -> Result<usize, DatabaseError> {
        self.observed(statement, |connection| {
            Ok((connection.prepare(statement.text)?.execute(params)?, None))
        })
    }

    fn observed<T>(
        &self,
        statement: &Statement,
        work: impl FnOnce(&Connection) -> rusqlite::Result<(T, Option<KeyValue>)>,
    ) -> Result<T, DatabaseError> {
        let mut labels = vec![
            KeyValue::new("db.system.name", "sqlite"),
            KeyValue::new("db.operation.name", statement.operation),
            KeyValue::new("db.collection.name", statement.collection),
            KeyValue::new("db.query.summary", statement.summary),
        ];
        let mut attributes = labels.clone();
        attributes.push(KeyValue::new("db.query.text", statement.text));
        let name = statement.summary.to_owned();
        let context = self.telemetry.start_span(name, SpanKind::Client, attributes, &self.context);
        let started = clock::monotonic();
        let outcome = work(&self.connection);
        let elapsed = started.elapsed();
        let outcome = match outcome {
            Ok((value, attribute)) => {
                context.span().set_attributes(attribute);
                Ok(value)
            }
            Err(error) => {
                let error_type = error_type(&error);
                labels.push(KeyValue::new("error.type", error_type.clone()));
                fail_span(&context, error_type, error.to_string());
                Err(error.into())
            }
        };
        context.span().end();
        self.telemetry.record_operation(elapsed, &labels);
        outcome
    }
}

fn error_type(error: &rusqlite::Error) -> String {
    error.sqlite_error_code().map_or_else(|| "_OTHER".to_owned(), |code| format!("{code:?}"))
}
