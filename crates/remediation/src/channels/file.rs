//! A person decides by writing `approve` or `reject` into a file.
//!
//! The request is written beside it as text, so that it can be read with any tool. Other text is kept as a comment
//! and the wait goes on. Silence is a rejection.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use telemetry::source::BoxFuture;

use super::{ApprovalChannel, ApprovalRequest, Decision, Now, Word, granted, plain, rejected, word};
use crate::approval::Authority;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longest text that is read; a decision is a word and a comment.
const TEXT_BYTES_MAX: usize = 4096;

/// Waits for a decision in `<folder>/<incident>.decision`.
pub struct FileChannel {
    folder: PathBuf,
    authority: Authority,
    patience: Duration,
    now: Now,
    /// What stands in the file without deciding.
    steer: Mutex<String>,
}

impl std::fmt::Debug for FileChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileChannel").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl FileChannel {
    /// Decisions in `folder`, waited for at most `patience`.
    #[must_use]
    pub fn new(folder: PathBuf, authority: Authority, patience: Duration, now: Now) -> Self {
        Self { folder, authority, patience, now, steer: Mutex::default() }
    }

    fn keep(&self, text: String) {
        *self.steer.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    fn kept(&self) -> String {
        plain(&self.steer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn wait(&self, request: &ApprovalRequest) -> Decision {
        let file = self.folder.join(format!("{}.decision", request.incident));
        let principal = format!("file:{}.decision", request.incident);
        let action = &request.action;
        let question = self.folder.join(format!("{}.request", request.incident));
        let digest = action.digest().unwrap_or_default();
        let text = format!(
            "{}\n\nrestart {} with {:?}\naction {digest}\n\nwrite `approve` or `reject` into {}\n",
            plain(&request.because),
            action.instance,
            action.set,
            file.display()
        );
        if let Err(error) = tokio::fs::write(&question, text).await {
            return rejected(action, &principal, format!("the request could not be written: {error}"));
        }
        self.keep(String::new());
        let waited = tokio::time::timeout(self.patience, async {
            loop {
                if let Ok(text) = tokio::fs::read_to_string(&file).await {
                    let text: String = text.chars().take(TEXT_BYTES_MAX).collect();
                    let is_approved = match word(&text) {
                        Word::Approve => Some(true),
                        Word::Reject => Some(false),
                        Word::Other => None,
                    };
                    if let Some(is_approved) = is_approved {
                        // Spent: the next action needs its own word.
                        let removed = tokio::fs::remove_file(&file).await;
                        return (is_approved && removed.is_ok(), text);
                    }
                    self.keep(text);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        })
        .await;
        match waited {
            Ok((true, text)) => granted(&self.authority, action, &principal, text.trim(), &self.now),
            Ok((false, text)) => rejected(action, &principal, text.trim()),
            Err(_) => rejected(
                action,
                &principal,
                format!("no decision within {} s. {}", self.patience.as_secs(), self.kept()),
            ),
        }
    }
}

impl ApprovalChannel for FileChannel {
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Decision> {
        Box::pin(self.wait(request))
    }

    fn comments(&self, _incident: &str) -> String {
        self.kept()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use incident::Action;

    use super::*;

    fn request() -> ApprovalRequest {
        ApprovalRequest {
            incident: "inc_1".into(),
            space: telemetry::Space::default(),
            action: Action {
                spec: "restart_with_override".into(),
                profile: "slow_query".into(),
                service: "orders".into(),
                instance: "orders-1".into(),
                set: BTreeMap::new(),
                is_reversible: true,
                rationale: String::new(),
            },
            because: "it is slow".into(),
        }
    }

    async fn decided(text: &'static str) -> Decision {
        let folder = tempfile::tempdir().unwrap();
        let patience = Duration::from_millis(1500);
        let channel = FileChannel::new(folder.path().to_owned(), Authority::new(), patience, Arc::new(|| 0));
        tokio::fs::write(folder.path().join("inc_1.decision"), text).await.unwrap();
        channel.decide(&request()).await
    }

    // covers: AT-27
    #[tokio::test]
    async fn the_word_in_the_file_decides_and_other_text_is_kept_as_a_comment() {
        assert!(matches!(decided("approve, go").await, Decision::Granted(..)));
        assert!(matches!(decided("reject").await, Decision::Rejected(_)));
        let Decision::Rejected(record) = decided("look at the cache first").await else { panic!("rejects") };
        assert!(record.comment.contains("look at the cache first"), "{}", record.comment);
    }
}
