//! Statements on SQLite, run on blocking threads, with a span and a duration for each.
//! It deliberately does not count the wait for a connection as part of an operation: that is a wait, not a query.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use rusqlite::{Connection, Params, Row};
use thiserror::Error;

use super::pool::{Lease, Pool};
use crate::clock;
use crate::instrument::{Telemetry, fail_span};

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

/// A database.
#[derive(Debug)]
pub(super) struct Database {
    pool: Arc<Pool>,
    telemetry: Arc<Telemetry>,
}

impl Database {
    /// Opens `size` connections and then runs `migration`.
    pub(super) async fn open(
        path: &Path,
        size: usize,
        migration: &'static str,
        telemetry: &Arc<Telemetry>,
    ) -> Result<Self, DatabaseError> {
        let path = path.to_owned();
        let connect = move || {
            let connections = (0..size).map(|_| connect(&path)).collect::<Result<Vec<_>, _>>()?;
            if let Some(connection) = connections.first() {
                connection.execute_batch(migration)?;
            }
            Ok::<_, rusqlite::Error>(connections)
        };
        let connections = tokio::task::spawn_blocking(connect).await.map_err(|_| DatabaseError::CutOff)??;
        Ok(Self { pool: Pool::new(connections, telemetry), telemetry: Arc::clone(telemetry) })
    }

    /// Takes a connection, for as long as the caller keeps it.
    pub(super) async fn connection(&self) -> Result<Session, DatabaseError> {
        let lease = self.pool.take().await.ok_or(DatabaseError::CutOff)?;
        Ok(Session { lease, telemetry: Arc::clone(&self.telemetry), context: Context::current() })
    }

    /// Runs `work` with a connection that is taken for it alone.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        Ok(self.connection().await?.run(work).await?.1)
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
    lease: Lease,
    telemetry: Arc<Telemetry>,
    context: Context,
}

impl Session {
    /// Runs `work` on a blocking thread, in the trace of the caller, and gives the connection back with the result.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<(Self, T), DatabaseError> {
        // The connection travels with the work: a caller that goes away does not lose it for the pool.
        let on_thread = move || work(&self).map(|done| (self, done));
        tokio::task::spawn_blocking(on_thread).await.map_err(|_| DatabaseError::CutOff)?
    }

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
        let outcome = match self.lease.connection() {
            Some(connection) => work(connection),
            None => Err(rusqlite::Error::InvalidQuery),
        };
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
        self.telemetry.instruments.operation_duration.record(elapsed.as_secs_f64(), &labels);
        outcome
    }
}

fn error_type(error: &rusqlite::Error) -> String {
    error.sqlite_error_code().map_or_else(|| "_OTHER".to_owned(), |code| format!("{code:?}"))
}
