//! A pool of database connections: whoever finds none waits in line, and the metrics say how long.
//! It deliberately never grows: a pool that is too small for what is asked of it is a fault of its configuration,
//! and shows as one.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock;
use crate::instrument::Telemetry;

/// The connections that nobody uses, and the places for those who do.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    slots: Arc<Semaphore>,
    telemetry: Arc<Telemetry>,
}

fn labels(state: Option<&'static str>) -> Vec<KeyValue> {
    let mut labels = vec![KeyValue::new("db.client.connection.pool.name", "main")];
    labels.extend(state.map(|state| KeyValue::new("db.client.connection.state", state)));
    labels
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>, telemetry: &Arc<Telemetry>) -> Arc<Self> {
        let size = i64::try_from(connections.len()).unwrap_or(i64::MAX);
        telemetry.instruments.connections_max.add(size, &labels(None));
        telemetry.instruments.connections.add(size, &labels(Some("idle")));
        telemetry.instruments.connections.add(0, &labels(Some("used")));
        telemetry.instruments.connections_pending.add(0, &labels(None));
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(connections.len())),
            idle: Mutex::new(connections),
            telemetry: Arc::clone(telemetry),
        })
    }

    /// The next connection, first come, first served.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Lease> {
        let started = clock::monotonic();
        let slot = match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(slot) => slot,
            Err(_) => {
                let _pending = Pending::new(&self.telemetry);
                Arc::clone(&self.slots).acquire_owned().await.ok()?
            }
        };
        let instruments = &self.telemetry.instruments;
        instruments.connection_wait.record(started.elapsed().as_secs_f64(), &labels(None));
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        instruments.connections.add(-1, &labels(Some("idle")));
        instruments.connections.add(1, &labels(Some("used")));
        Some(Lease { connection: Some(connection), pool: Arc::clone(self), _slot: slot })
    }
}

/// Counts one who waits, also when the wait is given up.
struct Pending<'a>(&'a Telemetry);

impl<'a> Pending<'a> {
    fn new(telemetry: &'a Telemetry) -> Self {
        telemetry.instruments.connections_pending.add(1, &labels(None));
        Self(telemetry)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.instruments.connections_pending.add(-1, &labels(None));
    }
}

/// A connection in use, which goes back when it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    /// Dropped after the connection has gone back, so that whoever is next finds it.
    _slot: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let instruments = &self.pool.telemetry.instruments;
        instruments.connections.add(-1, &labels(Some("used")));
        instruments.connections.add(1, &labels(Some("idle")));
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;
    use crate::instrument::{Identity, Outlet};

    fn pool(size: usize) -> Arc<Pool> {
        let identity = Identity { service: "stock".into(), version: "1".into(), instance: "stock-1".into() };
        let telemetry = Telemetry::start(&identity, &Outlet::default()).unwrap();
        Pool::new((0..size).map(|_| Connection::open_in_memory().unwrap()).collect(), &telemetry)
    }

    /// Whether a second connection is to be had while the first is in use.
    async fn serves_two(pool: &Arc<Pool>) -> bool {
        let first = pool.take().await.unwrap();
        let mut second = pin!(pool.take());
        let at_once = poll_fn(|context| Poll::Ready(second.as_mut().poll(context).is_ready())).await;
        drop(first);
        at_once || second.await.is_none()
    }

    #[tokio::test]
    async fn a_pool_of_one_serves_one_at_a_time_and_a_larger_one_does_not() {
        assert!(!serves_two(&pool(1)).await);
        assert!(serves_two(&pool(4)).await);
    }
}
