//! What `control.journal` says of keys: who made which, and which were revoked.
//!
//! Other kinds of records are others' and are passed over; a record about keys that is not understood is not, because
//! what it takes away would be given.

use std::collections::BTreeMap;

use journal::Record;
use serde::{Deserialize, Serialize};
use telemetry::UnixNanos;
use tools::Role;

use super::key::Key;
use super::refusal::Refusal;

/// The kind of the record of a new key.
pub const MADE: &str = "key_made";
/// The kind of the record of a revoked key.
pub const REVOKED: &str = "key_revoked";
/// What the kinds of all records about keys begin with.
const PREFIX: &str = "key_";

/// The body of a [`MADE`] record. An empty list allows everything of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyMade {
    /// What names it.
    pub id: String,
    /// What is kept of the key itself ([`Key::digest`]).
    pub digest: String,
    /// What its holder may do at most.
    pub role: Role,
    /// What people call it.
    pub name: String,
    /// When it ends, Unix nanoseconds; never when absent.
    pub expires_at: Option<UnixNanos>,
    /// The spaces it opens.
    pub spaces: Vec<String>,
    /// The dialects whose tools it may call.
    pub dialects: Vec<String>,
    /// The tools it may call.
    pub tools: Vec<String>,
}

/// The body of a [`REVOKED`] record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRevoked {
    /// Which key.
    pub id: String,
}

/// One key as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// How it was made.
    pub made: KeyMade,
    /// When.
    pub made_at: UnixNanos,
    /// When it was revoked, if it was.
    pub revoked_at: Option<UnixNanos>,
}

impl Kept {
    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: UnixNanos) -> bool {
        self.made.expires_at.is_some_and(|end| now >= end)
    }

    /// `valid`, `expired` or `revoked`.
    #[must_use]
    pub fn state(&self, now: UnixNanos) -> &'static str {
        match (self.revoked_at, self.is_expired(now)) {
            (Some(_), _) => "revoked",
            (None, true) => "expired",
            (None, false) => "valid",
        }
    }
}

/// All keys that were ever made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    by_id: BTreeMap<String, Kept>,
}

/// A record about keys that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} about keys is not understood: {why}; hint: a newer Firstcause may have written it")]
pub struct NotUnderstood {
    seq: u64,
    why: String,
}

impl Keys {
    /// The keys by the records of the journal.
    ///
    /// # Errors
    /// When a record about keys is not understood: then none of them is used.
    pub fn of(records: &[Record]) -> Result<Self, NotUnderstood> {
        let mut keys = Self::default();
        for record in records.iter().filter(|record| record.kind.starts_with(PREFIX)) {
            keys.take(record).map_err(|why| NotUnderstood { seq: record.seq, why })?;
        }
        Ok(keys)
    }

    fn take(&mut self, record: &Record) -> Result<(), String> {
        let at = UnixNanos(record.at);
        match record.kind.as_str() {
            MADE => {
                let made: KeyMade = body(record)?;
                if self.by_id.contains_key(&made.id) {
                    return Err(format!("the key `{}` is made twice", made.id));
                }
                let id = made.id.clone();
                self.by_id.insert(id, Kept { made, made_at: at, revoked_at: None });
            }
            REVOKED => {
                let revoked: KeyRevoked = body(record)?;
                let kept = self.by_id.get_mut(&revoked.id);
                let kept = kept.ok_or_else(|| format!("the key `{}` was never made", revoked.id))?;
                kept.revoked_at.get_or_insert(at);
            }
            other => return Err(format!("its kind is `{other}`")),
        }
        Ok(())
    }

    /// Whether a key is asked for: as soon as one was made, and for ever. With the last one revoked nobody comes in,
    /// rather than everybody.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        !self.by_id.is_empty()
    }

    /// The key of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Kept> {
        self.by_id.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.by_id.values()
    }

    /// How many were ever made.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none was ever made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The key that `text` is, when it opens something now. That it was revoked or has ended is told only to who shows
    /// the whole key.
    ///
    /// # Errors
    /// [`Refusal::NotAKey`], [`Refusal::Unknown`], [`Refusal::Revoked`] or [`Refusal::Expired`].
    pub fn verify(&self, text: &str, now: UnixNanos) -> Result<&KeyMade, Refusal> {
        let key = Key::read(text).ok_or(Refusal::NotAKey("it does not have the form of a key"))?;
        let kept = self.get(key.id()).filter(|kept| key.is(&kept.made.digest)).ok_or(Refusal::Unknown)?;
        match kept.state(now) {
            "valid" => Ok(&kept.made),
            "expired" => Err(Refusal::Expired),
            _ => Err(Refusal::Revoked),
        }
    }
}

fn body<'a, T: Deserialize<'a>>(record: &'a Record) -> Result<T, String> {
    serde_json::from_str(record.body.get()).map_err(|error| error.to_string())
}
