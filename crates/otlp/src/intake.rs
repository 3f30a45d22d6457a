//! The write port: who receives requests offers them here, and the store takes them.
//!
//! The result arrives through a [`Ticket`], a future that needs no runtime, so that the store stays synchronous
//! and the receiver asynchronous. Status codes of a transport are chosen by the receiver.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use telemetry::{Space, UnixNanos};

/// The kind of signals in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// `ExportTraceServiceRequest`.
    Traces,
    /// `ExportLogsServiceRequest`.
    Logs,
    /// `ExportMetricsServiceRequest`.
    Metrics,
}

impl Signal {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// The name, as OTLP paths say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// One export request as it came in, decompressed.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it belongs.
    pub space: Space,
    /// What it holds.
    pub signal: Signal,
    /// The protobuf message.
    pub bytes: Bytes,
    /// When it was received; `None` lets the store ask its own clock.
    pub received_at: Option<UnixNanos>,
}

/// What became of the items of a request that was taken. `accepted` and the rejected sum up to what was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Items kept.
    pub accepted: u64,
    /// Items not kept, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Repairs made to items that were kept, by reason.
    pub repaired: BTreeMap<String, u64>,
}

impl Receipt {
    /// Items not kept.
    #[must_use]
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// Why a request was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are not what they claim to be; sending them again cannot help.
    #[error("malformed request: {detail}")]
    Malformed {
        /// What and where.
        detail: String,
    },
    /// A limit on the size of a request was passed; sending it again cannot help.
    #[error("request over the limit of {max} {limit}")]
    TooLarge {
        /// Which limit, in the plural.
        limit: String,
        /// Its value.
        max: u64,
    },
    /// No room at this moment.
    #[error("overloaded, try again in {retry_after_s} s")]
    Overloaded {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// It could not be made durable.
    #[error("failed to store: {detail}")]
    Failed {
        /// What happened.
        detail: String,
    },
    /// The store is closing.
    #[error("closing")]
    Draining,
}

impl Refusal {
    /// A stable word for counters.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } => "too_large",
            Self::Overloaded { .. } => "overloaded",
            Self::Failed { .. } => "failed",
            Self::Draining => "draining",
        }
    }
}

/// Takes requests and makes them durable.
pub trait Intake: Send + Sync {
    /// Offers a request. It returns at once; the ticket resolves when the request is durable or refused.
    fn offer(&self, request: Request) -> Ticket;
}

type Outcome = Result<Receipt, Refusal>;

#[derive(Debug, Default)]
struct Slot {
    state: Mutex<SlotState>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct SlotState {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, outcome: Outcome) {
        let mut state = self.lock();
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
            let waker = state.waker.take();
            drop(state);
            self.arrived.notify_all();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// The result of an offer, to come.
#[derive(Debug)]
#[must_use = "the request counts as taken only when the ticket says so"]
pub struct Ticket {
    slot: Arc<Slot>,
}

/// The other end of a ticket.
#[derive(Debug)]
pub struct Resolver {
    slot: Arc<Slot>,
}

impl Ticket {
    /// A ticket and what resolves it.
    pub fn open() -> (Resolver, Self) {
        let slot = Arc::new(Slot::default());
        let resolver = Resolver { slot: Arc::clone(&slot) };
        (resolver, Self { slot })
    }

    /// A ticket that is resolved already.
    pub fn resolved(outcome: Outcome) -> Self {
        let (resolver, ticket) = Self::open();
        resolver.resolve(outcome);
        ticket
    }

    /// Blocks this thread until the result is there.
    ///
    /// # Errors
    /// When the request was refused.
    pub fn wait(self) -> Outcome {
        let mut state = self.slot.lock();
        loop {
            if let Some(outcome) = state.outcome.take() {
                return outcome;
            }
            state = self.slot.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Ticket {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut state = self.slot.lock();
        if let Some(outcome) = &state.outcome {
            return Poll::Ready(outcome.clone());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Resolver {
    /// Resolves the ticket.
    pub fn resolve(self, outcome: Outcome) {
        self.slot.put(outcome);
    }
}

impl Drop for Resolver {
    /// A resolver that was forgotten must not leave a sender waiting.
    fn drop(&mut self) {
        self.slot.put(Err(Refusal::Failed {
            detail: "the writer stopped before the request was durable".to_owned(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Release);
        }
    }

    #[test]
    fn a_ticket_wakes_its_task_and_then_gives_the_result() {
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let (resolver, mut ticket) = Ticket::open();
        assert!(Pin::new(&mut ticket).poll(&mut context).is_pending());
        resolver.resolve(Err(Refusal::Draining));
        assert!(flag.0.load(Ordering::Acquire));
        assert_eq!(Pin::new(&mut ticket).poll(&mut context), Poll::Ready(Err(Refusal::Draining)));
    }

    #[test]
    fn a_forgotten_resolver_refuses_and_waiting_crosses_threads() {
        let (resolver, ticket) = Ticket::open();
        drop(resolver);
        assert_eq!(ticket.wait().unwrap_err().reason(), "failed");
        let (resolver, ticket) = Ticket::open();
        let thread = std::thread::spawn(move || ticket.wait());
        resolver.resolve(Ok(Receipt::default()));
        assert_eq!(thread.join().unwrap(), Ok(Receipt::default()));
    }
}
