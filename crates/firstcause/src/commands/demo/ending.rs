//! When a demo without a time limit ends: with Enter, or when it is interrupted or told to stop.
//!
//! Deliberately does not end with the end of standard input: a demo without a keyboard goes on until it is told.

use anyhow::Context;
use tokio::io::AsyncBufReadExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The end of the demo, as often as somebody waits for it.
#[derive(Clone)]
pub(super) struct Ending {
    ended: watch::Receiver<bool>,
}

impl Ending {
    /// Begins to listen.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let (sender, ended) = watch::channel(false);
        let interrupt = signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?;
        let terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
        tokio::spawn(async move {
            told_to_end(interrupt, terminate).await;
            sender.send_replace(true);
        });
        Ok(Self { ended })
    }

    /// Waits for the end.
    pub(super) async fn wait(&mut self) {
        // The sender goes away only with the runtime, which is an end too.
        self.ended.wait_for(|ended| *ended).await.ok();
    }
}

async fn told_to_end(mut interrupt: Signal, mut terminate: Signal) {
    let entered = async {
        let mut line = String::new();
        let read = tokio::io::BufReader::new(tokio::io::stdin()).read_line(&mut line).await;
        if !matches!(read, Ok(length) if length > 0) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = entered => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
