//! A person decides on the live page.
//!
//! Two halves of one thing: the [`PageChannel`] holds the `Authority` and waits; the [`Mailbox`] is what the page
//! gets: it can show what is asked and put a word in, and can make no approval. A word counts once, for the digest it
//! names, and only while that action is asked about.
//!
//! Who may put a word in (token, origin) is checked by `server` before it comes here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use incident::Action;
use telemetry::source::BoxFuture;
use tokio::sync::{oneshot, watch};

use super::{ApprovalChannel, ApprovalRequest, Decision, Now, granted, plain, rejected};
use crate::approval::Authority;

/// Longest comment that is kept, in characters; further comments on one action are cut to it together.
pub const COMMENT_MAX: usize = 2000;

/// What is asked of whoever looks at the page.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The incident.
    pub incident: String,
    /// The digest of `action`: the word must name it.
    pub digest: String,
    /// Exactly what would be done.
    pub action: Action,
    /// The conclusion in a sentence.
    pub because: String,
}

/// What a person said.
#[derive(Debug, Clone)]
pub struct PageWord {
    /// The incident.
    pub incident: String,
    /// The digest of the action that was shown.
    pub digest: String,
    /// Who, as the record will name it: `page:<name or token id>`.
    pub principal: String,
    /// What.
    pub said: Said,
    /// In words.
    pub comment: String,
}

/// The three things that can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Do it.
    Approve,
    /// Do not.
    Reject,
    /// Neither: a comment, which is kept.
    Comment,
}

/// Why a word did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// Nothing is asked, or no more.
    #[error("nothing is asked about this incident; it may have been decided elsewhere")]
    NotAsked,
    /// Another action is asked about than the one that was shown.
    #[error("another action is asked about than the one that was shown")]
    OtherAction,
}

struct Slot {
    asked: Asked,
    comments: Vec<String>,
    answer: oneshot::Sender<PageWord>,
}

type Slots = Mutex<BTreeMap<String, Slot>>;

/// What the page may do: show what is asked, and put a word in.
#[derive(Clone)]
pub struct Mailbox {
    slots: Arc<Slots>,
    changed: watch::Sender<u64>,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { slots: Arc::default(), changed: watch::Sender::new(0) }
    }
}

impl Mailbox {
    /// What is asked about `incident`, if anything.
    #[must_use]
    pub fn asked(&self, incident: &str) -> Option<Asked> {
        self.lock().get(incident).map(|slot| slot.asked.clone())
    }

    /// Counts up when something is asked or is no longer asked.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Puts a word in. The first decision takes the question away, so that it counts once.
    ///
    /// # Errors
    /// When nothing is asked about the incident, or about another action.
    pub fn put(&self, mut word: PageWord) -> Result<(), MailboxError> {
        word.comment = plain(&word.comment).chars().take(COMMENT_MAX).collect();
        let mut slots = self.lock();
        let slot = slots.get_mut(&word.incident).ok_or(MailboxError::NotAsked)?;
        if slot.asked.digest != word.digest {
            return Err(MailboxError::OtherAction);
        }
        if word.said == Said::Comment {
            let kept: usize = slot.comments.iter().map(|comment| comment.chars().count()).sum();
            let room = COMMENT_MAX.saturating_sub(kept);
            slot.comments.push(word.comment.chars().take(room).collect());
            return Ok(());
        }
        let slot = slots.remove(&word.incident).ok_or(MailboxError::NotAsked)?;
        let earlier: String = slot.comments.iter().map(|comment| format!("{comment} ")).collect();
        word.comment.insert_str(0, &earlier);
        drop(slots);
        self.changed.send_modify(|count| *count += 1);
        slot.answer.send(word).map_err(|_| MailboxError::NotAsked)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, asked: Asked) -> (oneshot::Receiver<PageWord>, Withdrawal) {
        let (answer, answered) = oneshot::channel();
        let withdrawal = Withdrawal { mailbox: self.clone(), incident: asked.incident.clone() };
        self.lock().insert(asked.incident.clone(), Slot { asked, comments: Vec::new(), answer });
        self.changed.send_modify(|count| *count += 1);
        (answered, withdrawal)
    }

    fn comments(&self, incident: &str) -> String {
        self.lock().get(incident).map(|slot| slot.comments.join(" ")).unwrap_or_default()
    }
}

/// Takes the question away when nobody waits any more: another channel was first, or time is over.
struct Withdrawal {
    mailbox: Mailbox,
    incident: String,
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        if self.mailbox.lock().remove(&self.incident).is_some() {
            self.mailbox.changed.send_modify(|count| *count += 1);
        }
    }
}

/// Asks through a [`Mailbox`]; silence is a rejection.
pub struct PageChannel {
    mailbox: Mailbox,
    authority: Authority,
    patience: Duration,
    now: Now,
}

impl std::fmt::Debug for PageChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageChannel").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl PageChannel {
    /// Asks through `mailbox` and waits at most `patience`.
    #[must_use]
    pub fn new(mailbox: Mailbox, authority: Authority, patience: Duration, now: Now) -> Self {
        Self { mailbox, authority, patience, now }
    }

    async fn wait(&self, request: &ApprovalRequest) -> Decision {
        let action = &request.action;
        let asked = Asked {
            incident: request.incident.clone(),
            digest: action.digest().unwrap_or_default(),
            action: action.clone(),
            because: request.because.clone(),
        };
        let digest = asked.digest.clone();
        let (answered, withdrawal) = self.mailbox.ask(asked);
        match tokio::time::timeout(self.patience, answered).await {
            // The digest was compared when the word was put in; it is compared again where it turns into an approval.
            Ok(Ok(word)) if word.said == Said::Approve && word.digest == digest && !digest.is_empty() => {
                granted(&self.authority, action, &word.principal, word.comment.trim(), &self.now)
            }
            Ok(Ok(word)) => rejected(action, &word.principal, word.comment.trim()),
            Ok(Err(_)) => rejected(action, "page", "the question was asked anew"),
            Err(_) => {
                let comments = withdrawal.mailbox.comments(&request.incident);
                let why = format!("no decision within {} s. {comments}", self.patience.as_secs());
                rejected(action, "page", why.trim())
            }
        }
    }
}

impl ApprovalChannel for PageChannel {
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Decision> {
        Box::pin(self.wait(request))
    }

    fn comments(&self, incident: &str) -> String {
        self.mailbox.comments(incident)
    }
}

#[cfg(test)]
#[path = "page/tests.rs"]
mod tests;
