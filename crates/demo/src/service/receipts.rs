//! The worker: writes a receipt for each order that the queue announces, one message after the other.
//! It deliberately has no way to set a message aside: one that cannot be processed keeps its place at the head.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{FutureExt as _, TraceContextExt as _};
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::database::{Database, DatabaseError, Statement};
use super::messaging::Consumer;
use super::queue::Delivery;
use crate::clock;
use crate::instrument::{Telemetry, fail_span};

/// How long the worker rests when the queue has nothing for it.
const IDLE: Duration = Duration::from_millis(40);

/// What makes the table of receipts.
pub(super) const MIGRATION: &str = "CREATE TABLE IF NOT EXISTS receipts \
     (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, product_id INTEGER NOT NULL, written_at INTEGER NOT NULL);";

const INSERT: Statement = Statement {
    operation: "INSERT",
    collection: "receipts",
    summary: "INSERT receipts",
    text: "INSERT INTO receipts (customer_id, product_id, written_at) VALUES (?, ?, ?)",
};

/// How receipts are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Receipts {
    /// Whether an order that is a gift has a receipt; a renderer without them fails on one.
    pub gifts: bool,
    /// The share of messages that a deduplication takes for known and throws away, from 0 to 1.
    pub discard: f64,
}

/// Why a message has no receipt.
#[derive(Debug, Error)]
enum ProcessError {
    #[error("the message is not an order: {0}")]
    Format(#[from] serde_json::Error),
    #[error("no template for the receipt of a gift")]
    Template,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl ProcessError {
    fn error_type(&self) -> &'static str {
        match self {
            Self::Format(_) => "malformed_message",
            Self::Template => "template_missing",
            Self::Database(_) => "database_error",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Order {
    customer: u32,
    product: u32,
    #[serde(default)]
    gift: bool,
}

#[derive(Debug)]
pub(super) struct Worker {
    consumer: Consumer,
    database: Database,
    receipts: Receipts,
    telemetry: Arc<Telemetry>,
}

/// A worker at work.
#[derive(Debug)]
pub(super) struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Lets the message under way be finished, for at most `limit`; its lease brings it back otherwise.
    pub(super) async fn stop(self, limit: Duration) {
        self.stop.send_replace(true);
        // A worker that is cut off leaves a leased message, which is delivered again.
        drop(timeout(limit, self.task).await);
    }
}

impl Worker {
    pub(super) fn new(
        consumer: Consumer,
        database: Database,
        receipts: Receipts,
        telemetry: &Arc<Telemetry>,
    ) -> Self {
        Self { consumer, database, receipts, telemetry: Arc::clone(telemetry) }
    }

    /// Begins to work.
    pub(super) fn start(self) -> Running {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            while !*stopped.borrow() {
                match self.consumer.receive().await {
                    Ok(Some(delivery)) => self.handle(&delivery).await,
                    Ok(None) => sleep(IDLE).await,
                    Err(error) => {
                        self.telemetry.error(error.to_string(), "queue_error".to_owned());
                        sleep(IDLE).await;
                    }
                }
            }
        });
        Running { stop, task }
    }

    async fn handle(&self, delivery: &Delivery) {
        let queue = &self.consumer.queue;
        let settled = if self.is_discarded(delivery.id) || self.process(delivery).await {
            queue.acknowledge(delivery.id).await
        } else {
            queue.give_back(delivery.id).await
        };
        if let Err(error) = settled {
            self.telemetry.error(error.to_string(), "queue_error".to_owned());
        }
    }

    /// A message whose key the deduplication believes to have seen; the keys are spread evenly.
    fn is_discarded(&self, id: i64) -> bool {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        (hasher.finish() >> 11) as f64 / ((1_u64 << 53) as f64) < self.receipts.discard
    }

    /// Writes the receipt; whether that worked.
    async fn process(&self, delivery: &Delivery) -> bool {
        let context = self.consumer.start_processing(delivery);
        let outcome = async {
            let written = self.write(delivery).await;
            match &written {
                Ok(()) => self.telemetry.info("receipt written", Vec::new()),
                Err(error) => self.telemetry.error(error.to_string(), error.error_type().to_owned()),
            }
            written
        };
        let outcome = outcome.with_context(context.clone()).await;
        if let Err(error) = &outcome {
            fail_span(&context, error.error_type().to_owned(), error.to_string());
        }
        context.span().end();
        outcome.is_ok()
    }

    async fn write(&self, delivery: &Delivery) -> Result<(), ProcessError> {
        let Order { customer, product, gift } = serde_json::from_str(&delivery.body)?;
        if gift && !self.receipts.gifts {
            return Err(ProcessError::Template);
        }
        let written_at = clock::unix_nanos() / 1_000_000;
        let store = self
            .database
            .run(move |session| session.execute(&INSERT, (customer, product, written_at)).map(drop));
        Ok(store.await?)
    }
}
