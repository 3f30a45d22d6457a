//! A person decides at the terminal.
//!
//! Used only when standard input is one. The prompt goes to standard error, so that `--json` stays clean.

use std::time::Duration;

use telemetry::source::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::{ApprovalChannel, ApprovalRequest, Decision, Now, Word, granted, plain, rejected, word};
use crate::approval::Authority;

/// Prompts for a decision.
pub struct TerminalChannel {
    authority: Authority,
    patience: Duration,
    now: Now,
}

impl std::fmt::Debug for TerminalChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalChannel").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl TerminalChannel {
    /// Prompts and waits at most `patience`; silence is a rejection.
    #[must_use]
    pub fn new(authority: Authority, patience: Duration, now: Now) -> Self {
        Self { authority, patience, now }
    }

    async fn prompt(&self, request: &ApprovalRequest) -> std::io::Result<String> {
        let settings: Vec<String> =
            request.action.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let text = format!(
            "\n{}\nRestart {} with {}? [approve/reject] ",
            plain(&request.because),
            request.action.instance,
            settings.join(" ")
        );
        let mut stderr = tokio::io::stderr();
        stderr.write_all(text.as_bytes()).await?;
        stderr.flush().await?;
        let mut line = String::new();
        BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
        Ok(line)
    }
}

impl ApprovalChannel for TerminalChannel {
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Decision> {
        Box::pin(async move {
            let action = &request.action;
            match tokio::time::timeout(self.patience, self.prompt(request)).await {
                Ok(Ok(line)) => match word(&line) {
                    Word::Approve => granted(&self.authority, action, "terminal", line.trim(), &self.now),
                    Word::Reject | Word::Other => rejected(action, "terminal", line.trim()),
                },
                Ok(Err(error)) => rejected(action, "terminal", format!("the terminal failed: {error}")),
                Err(_) => {
                    rejected(action, "terminal", format!("no decision within {} s", self.patience.as_secs()))
                }
            }
        })
    }
}
