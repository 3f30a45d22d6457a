//! When a process of the demo ends: on SIGTERM, on SIGINT, or when its parent is gone, which it sees as the end
//! of its standard input. The pipe closes even when the parent is killed outright, so there are no orphans.
//! It deliberately does not end anything itself.

use std::io::{self, Read as _};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// The events that end a process.
#[derive(Debug)]
pub(crate) struct Lifetime {
    terminate: Signal,
    interrupt: Signal,
    stdin: Option<oneshot::Receiver<()>>,
}

impl Lifetime {
    /// Listens for the signals and, if asked, for the end of standard input.
    pub(crate) fn watch(stop_with_stdin: bool) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            stdin: if stop_with_stdin { Some(stdin_closed()?) } else { None },
        })
    }

    /// Completes when the process should end.
    pub(crate) async fn ended(&mut self) {
        let Self { terminate, interrupt, stdin } = self;
        let closed = async {
            match stdin {
                // A sender that is gone says the same as one that has spoken.
                Some(receiver) => drop(receiver.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = closed => {}
        }
    }
}

/// A thread of its own, because a blocking read of standard input would keep a runtime from shutting down.
fn stdin_closed() -> io::Result<oneshot::Receiver<()>> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut sink = [0_u8; 256];
        let mut stdin = io::stdin().lock();
        while matches!(stdin.read(&mut sink), Ok(read) if read > 0) {}
        drop(sender);
    })?;
    Ok(receiver)
}
