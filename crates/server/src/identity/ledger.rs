//! Making and revoking keys: one record each, durable before anybody is told.
//!
//! The journal is the caller's, who also sees to it that nobody else writes it meanwhile.

use journal::{Journal, JournalError};
use telemetry::UnixNanos;
use tools::Role;

use super::key::Key;
use super::records::{KeyMade, KeyRevoked, Keys, MADE, REVOKED};

/// Keys that are ever made here; each is a line that every start reads.
pub const KEYS_MAX: usize = 1000;
/// Longest name, and the longest name of a space, dialect or tool on a list, in characters.
pub const NAME_MAX: usize = 64;
/// Names on one list.
pub const LIST_MAX: usize = 100;

/// What is asked for. An empty list allows everything of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What its holder may do at most.
    pub role: Role,
    /// What people call it.
    pub name: String,
    /// When it ends.
    pub expires_at: Option<UnixNanos>,
    /// The spaces it opens.
    pub spaces: Vec<String>,
    /// The dialects whose tools it may call.
    pub dialects: Vec<String>,
    /// The tools it may call.
    pub tools: Vec<String>,
}

/// A key could not be made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There are too many.
    #[error("there are {KEYS_MAX} keys, the most that are kept; hint: begin a new data directory")]
    Full,
    /// A name cannot be used.
    #[error("{0}")]
    Name(String),
    /// No such key.
    #[error("there is no key `{id}`; hint: {}", listed(.known))]
    Unknown {
        /// Which was named.
        id: String,
        /// Which there are.
        known: Vec<String>,
    },
    /// The journal could not be written.
    #[error("failed to write control.journal")]
    Journal(#[from] JournalError),
}

fn listed(ids: &[String]) -> String {
    if ids.is_empty() { "none was made yet".to_owned() } else { format!("one of {}", ids.join(", ")) }
}

/// Makes a key of what `draw` draws, which must be chance that nobody can predict.
///
/// # Errors
/// When there are too many, a name cannot be used, or the journal cannot be written.
pub fn make(
    journal: &mut Journal,
    keys: &Keys,
    order: Order,
    draw: &mut dyn FnMut() -> u64,
) -> Result<Key, LedgerError> {
    if keys.len() >= KEYS_MAX {
        return Err(LedgerError::Full);
    }
    named("--name", &order.name)?;
    for (what, list) in
        [("--space", &order.spaces), ("--dialect", &order.dialects), ("--tools", &order.tools)]
    {
        if list.len() > LIST_MAX || list.iter().any(String::is_empty) {
            return Err(LedgerError::Name(format!(
                "`{what}` takes 1 to {LIST_MAX} names, none of them empty"
            )));
        }
        list.iter().try_for_each(|name| named(what, name))?;
    }
    let mut key = Key::drawn(draw);
    while keys.get(key.id()).is_some() {
        key = Key::drawn(draw);
    }
    let Order { role, name, expires_at, spaces, dialects, tools } = order;
    let (id, digest) = (key.id().to_owned(), key.digest());
    let made = KeyMade { id, digest, role, name, expires_at, spaces, dialects, tools };
    journal.append(MADE, &made, None)?;
    journal.commit()?;
    Ok(key)
}

/// Revokes the key of this id. One that is revoked stays so.
///
/// # Errors
/// When there is none, or the journal cannot be written.
pub fn revoke(journal: &mut Journal, keys: &Keys, id: &str) -> Result<(), LedgerError> {
    let Some(kept) = keys.get(id) else {
        let known = keys.iter().map(|kept| kept.made.id.clone()).take(10).collect();
        return Err(LedgerError::Unknown { id: id.to_owned(), known });
    };
    if kept.revoked_at.is_none() {
        journal.append(REVOKED, &KeyRevoked { id: id.to_owned() }, None)?;
        journal.commit()?;
    }
    Ok(())
}

fn named(what: &str, text: &str) -> Result<(), LedgerError> {
    if text.chars().count() <= NAME_MAX && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let hint = format!("hint: at most {NAME_MAX} characters, none of them a control character");
    Err(LedgerError::Name(format!("`{what}` cannot be used; {hint}")))
}
