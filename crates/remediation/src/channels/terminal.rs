//! A person decides at the terminal.
//!
//! Used only when standard input is one. The prompt goes to standard error, so that `--json` stays clean. Other text
//! than a decision is kept as a comment, and the question is asked again. Silence is a rejection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use telemetry::source::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdin};

use super::{ApprovalChannel, ApprovalRequest, Decision, Now, Word, granted, plain, rejected, word};
use crate::approval::Authority;

/// How long a line that was typed before the question takes at most to show up.
const STALE: Duration = Duration::from_millis(50);
/// Lines thrown away at most before a question; who pastes more than that is asked with the rest waiting.
const STALE_MAX: usize = 1000;

/// The lines of standard input. One for the whole process: a reader that is given up keeps the next line.
#[derive(Clone)]
pub struct Keyboard {
    lines: Arc<tokio::sync::Mutex<Lines<BufReader<Stdin>>>>,
}

impl std::fmt::Debug for Keyboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyboard").finish_non_exhaustive()
    }
}

impl Default for Keyboard {
    fn default() -> Self {
        let lines = BufReader::new(tokio::io::stdin()).lines();
        Self { lines: Arc::new(tokio::sync::Mutex::new(lines)) }
    }
}

impl Keyboard {
    /// The next line, nothing at the end of input.
    ///
    /// # Errors
    /// When standard input cannot be read.
    pub async fn line(&self) -> std::io::Result<Option<String>> {
        self.lines.lock().await.next_line().await
    }

    /// Throws away what was typed before a question was seen: it cannot be meant as its answer.
    pub async fn forget(&self) {
        for _ in 0..STALE_MAX {
            if !matches!(tokio::time::timeout(STALE, self.line()).await, Ok(Ok(Some(_)))) {
                return;
            }
        }
    }
}

/// Prompts for a decision.
pub struct TerminalChannel {
    keyboard: Keyboard,
    authority: Authority,
    patience: Duration,
    now: Now,
    /// What was typed without deciding.
    steer: Mutex<String>,
}

impl std::fmt::Debug for TerminalChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalChannel").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl TerminalChannel {
    /// Prompts and waits at most `patience`; silence is a rejection.
    #[must_use]
    pub fn new(keyboard: Keyboard, authority: Authority, patience: Duration, now: Now) -> Self {
        Self { keyboard, authority, patience, now, steer: Mutex::default() }
    }

    fn keep(&self, text: String) {
        *self.steer.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    fn kept(&self) -> String {
        self.steer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn prompt(&self, request: &ApprovalRequest) -> std::io::Result<(Word, String)> {
        let settings: Vec<String> =
            request.action.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.keep(String::new());
        self.keyboard.forget().await;
        say(&format!("\n{}\n", plain(&request.because))).await?;
        loop {
            let (instance, settings) = (&request.action.instance, settings.join(" "));
            say(&format!("Restart {instance} with {settings}? [approve/reject] ")).await?;
            let Some(line) = self.keyboard.line().await? else {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            };
            match word(&line) {
                Word::Other if line.trim().is_empty() => {}
                Word::Other => self.keep(line.chars().take(super::page::COMMENT_MAX).collect()),
                decided => return Ok((decided, line)),
            }
        }
    }
}

async fn say(text: &str) -> std::io::Result<()> {
    let mut stderr = tokio::io::stderr();
    stderr.write_all(text.as_bytes()).await?;
    stderr.flush().await
}

impl ApprovalChannel for TerminalChannel {
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Decision> {
        Box::pin(async move {
            let action = &request.action;
            match tokio::time::timeout(self.patience, self.prompt(request)).await {
                Ok(Ok((Word::Approve, line))) => {
                    granted(&self.authority, action, "terminal", line.trim(), &self.now)
                }
                Ok(Ok((_, line))) => rejected(action, "terminal", line.trim()),
                Ok(Err(error)) => rejected(action, "terminal", format!("the terminal failed: {error}")),
                Err(_) => {
                    let why = format!("no decision within {} s. {}", self.patience.as_secs(), self.kept());
                    rejected(action, "terminal", why.trim())
                }
            }
        })
    }

    fn comments(&self, _incident: &str) -> String {
        self.kept()
    }
}
