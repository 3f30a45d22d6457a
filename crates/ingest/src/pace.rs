//! Watches how fast a sender gets its request head across.
//!
//! The library's own header timeout also runs while a kept connection is silent between two requests, and would
//! close it under an exporter that sends every five seconds. So that timeout bounds silence, and this one bounds
//! slow heads.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Since when the head of a request is under way, shared between connection and service.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    phase: Phase,
    /// When something was last heard; at first, when the connection began.
    heard_at: Instant,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Bytes of a head may be on their way since then.
    Head(Instant),
    /// The head is read; the body has its own timeout.
    Serving,
    /// The answer is given and nothing has come since.
    Silent,
}

impl Pace {
    /// A new connection owes its first head from the start.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let state = State { phase: Phase::Head(now), heard_at: now };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        self.lock().phase = phase;
    }

    pub(crate) fn head_was_read(&self) {
        self.set(Phase::Serving);
    }

    pub(crate) fn answer_is_ready(&self) {
        self.set(Phase::Silent);
    }

    fn bytes_came(&self) {
        let mut state = self.lock();
        state.heard_at = Instant::now();
        if matches!(state.phase, Phase::Silent) {
            state.phase = Phase::Head(state.heard_at);
        }
    }

    /// Whether nothing at all has been heard for `timeout`.
    pub(crate) fn is_silent_for(&self, timeout: Duration) -> bool {
        self.lock().heard_at.elapsed() > timeout
    }

    /// Whether a head has been under way for longer than `timeout`.
    pub(crate) fn is_too_slow(&self, timeout: Duration) -> bool {
        match self.lock().phase {
            Phase::Head(since) => since.elapsed() > timeout,
            Phase::Serving | Phase::Silent => false,
        }
    }
}

/// A stream that tells its [`Pace`] about bytes that came.
#[derive(Debug)]
pub(crate) struct PacedStream {
    pub(crate) stream: TcpStream,
    pub(crate) pace: Pace,
}

impl AsyncRead for PacedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pace.bytes_came();
        }
        polled
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
