//! A person decides by writing `approve` or `reject` into a file.
//!
//! The request is written beside it as text, so that it can be read with any tool. Other text is kept as a comment
//! and the wait goes on. Silence is a rejection. What stood in the file before the question never counts: it was said
//! about something else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use telemetry::source::BoxFuture;

use super::{ApprovalChannel, ApprovalRequest, Decision, Now, Word, granted, plain, rejected, word};
use crate::approval::Authority;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longest text that is read; a decision is a word and a comment.
const TEXT_BYTES_MAX: usize = 4096;
/// Characters of the action's digest that the question shows, and that name the action after `approve`.
const DIGEST_CHARS: usize = 8;

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
            "{}\n\nrestart {} with {:?}\naction {digest}\n\nwrite `approve`, `approve {}` or `reject` into {}; what stood \
             there before was removed\n",
            plain(&request.because),
            action.instance,
            action.set,
            digest.get(..DIGEST_CHARS).unwrap_or(&digest),
            file.display()
        );
        if let Err(error) = clear(&file).await {
            let why = format!("what stands in `{}` could not be removed: {error}", file.display());
            return rejected(action, &principal, why);
        }
        let asked = Asked(question);
        if let Err(error) = tokio::fs::write(&asked.0, text).await {
            return rejected(action, &principal, format!("the request could not be written: {error}"));
        }
        self.keep(String::new());
        let waited = tokio::time::timeout(self.patience, async {
            loop {
                if let Ok(text) = tokio::fs::read_to_string(&file).await {
                    let text: String = text.chars().take(TEXT_BYTES_MAX).collect();
                    let is_approved = match word(&text) {
                        Word::Approve if names_another(&text, &digest) => None,
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

/// The question's file, there for as long as the question is asked.
struct Asked(PathBuf);

impl Drop for Asked {
    fn drop(&mut self) {
        // Gone already, or not to be removed: then the next question is written over it.
        drop(std::fs::remove_file(&self.0));
    }
}

/// Removes what stands in `file`, if anything does.
async fn clear(file: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(file).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether the word after the first looks like a digest and is not the beginning of `digest`.
fn names_another(text: &str, digest: &str) -> bool {
    text.split_whitespace().nth(1).is_some_and(|named| {
        let is_digest = named.len() >= DIGEST_CHARS && named.chars().all(|c| c.is_ascii_hexdigit());
        is_digest && !digest.starts_with(&named.to_ascii_lowercase())
    })
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

    /// Decides with `before` standing in the file when it is asked, and `text` written when the question is there.
    async fn decided(before: Option<&str>, text: Option<&str>) -> Decision {
        let folder = tempfile::tempdir().unwrap();
        let patience = Duration::from_millis(1000);
        let channel = FileChannel::new(folder.path().to_owned(), Authority::new(), patience, Arc::new(|| 0));
        let (file, question) = (folder.path().join("inc_1.decision"), folder.path().join("inc_1.request"));
        if let Some(before) = before {
            tokio::fs::write(&file, before).await.unwrap();
        }
        let answering = async {
            while !question.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if let Some(text) = text {
                tokio::fs::write(&file, text).await.unwrap();
            }
        };
        let asked = request();
        let (decision, ()) = tokio::join!(channel.decide(&asked), answering);
        assert!(!question.exists(), "the question is over");
        decision
    }

    // covers: AT-27
    #[tokio::test]
    async fn the_word_in_the_file_decides_and_other_text_is_kept_as_a_comment() {
        assert!(matches!(decided(None, Some("approve, go")).await, Decision::Granted(..)));
        assert!(matches!(decided(None, Some("reject")).await, Decision::Rejected(_)));
        let decision = decided(None, Some("look at the cache first")).await;
        let Decision::Rejected(record) = decision else { panic!("rejects") };
        assert!(record.comment.contains("look at the cache first"), "{}", record.comment);
    }

    #[tokio::test]
    async fn what_stood_in_the_file_before_the_question_does_not_count() {
        let Decision::Rejected(record) = decided(Some("approve"), None).await else { panic!("rejects") };
        assert!(record.comment.starts_with("no decision within"), "{}", record.comment);
    }

    #[tokio::test]
    async fn approve_with_the_digest_of_another_action_is_a_comment() {
        let own = request().action.digest().unwrap();
        assert!(matches!(
            decided(None, Some(&format!("approve {}", &own[..8]))).await,
            Decision::Granted(..)
        ));
        let other: String = own.chars().map(|c| if c == '0' { '1' } else { '0' }).take(8).collect();
        let decision = decided(None, Some(&format!("approve {other}"))).await;
        let Decision::Rejected(record) = decision else { panic!("rejects") };
        assert!(record.comment.contains(&other), "{}", record.comment);
    }

    #[tokio::test]
    async fn what_cannot_be_removed_before_the_question_is_a_rejection() {
        let folder = tempfile::tempdir().unwrap();
        tokio::fs::create_dir(folder.path().join("inc_1.decision")).await.unwrap();
        let patience = Duration::from_secs(60);
        let channel = FileChannel::new(folder.path().to_owned(), Authority::new(), patience, Arc::new(|| 0));
        let Decision::Rejected(record) = channel.decide(&request()).await else { panic!("rejects") };
        assert!(record.comment.contains("could not be removed"), "{}", record.comment);
    }

    #[tokio::test]
    async fn a_question_that_is_not_waited_for_any_longer_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let patience = Duration::from_secs(60);
        let channel = FileChannel::new(folder.path().to_owned(), Authority::new(), patience, Arc::new(|| 0));
        let asked = request();
        let mut question = channel.decide(&asked);
        let waited = tokio::time::timeout(Duration::from_millis(600), &mut question).await;
        assert!(waited.is_err() && folder.path().join("inc_1.request").exists());
        drop(question);
        assert!(!folder.path().join("inc_1.request").exists());
    }
}
