//! What is kept of all spaces, and how much of it.
//!
//! Which of it is frozen when is decided here; that the log files go with it is the writer's work.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use otlp::Refusal;
use telemetry::Space;

use crate::config::Config;
use crate::kept::Kept;

/// What is kept of all spaces; the lock is held to look one up, not while it is used.
#[derive(Debug, Default)]
pub(crate) struct Spaces {
    spaces: RwLock<BTreeMap<Space, Arc<RwLock<Kept>>>>,
}

/// Spaces of one store: each has its own log and is named by whoever may send.
const SPACES_MAX: usize = 64;

impl Spaces {
    pub(crate) fn find(&self, space: &Space) -> Option<Arc<RwLock<Kept>>> {
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        spaces.get(space).map(Arc::clone)
    }

    /// What is kept of `space`, created when there is room for one more.
    pub(crate) fn find_or_create(&self, space: &Space) -> Result<Arc<RwLock<Kept>>, Refusal> {
        if let Some(head) = self.find(space) {
            return Ok(head);
        }
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        if spaces.len() >= SPACES_MAX && !spaces.contains_key(space) {
            return Err(Refusal::TooLarge { limit: "spaces".to_owned(), max: SPACES_MAX as u64 });
        }
        Ok(Arc::clone(spaces.entry(space.clone()).or_default()))
    }

    pub(crate) fn all(&self) -> Vec<(Space, Arc<RwLock<Kept>>)> {
        let spaces = self.spaces.read().unwrap_or_else(PoisonError::into_inner);
        spaces.iter().map(|(space, head)| (space.clone(), Arc::clone(head))).collect()
    }

    /// Estimated bytes of the heads of all spaces.
    pub(crate) fn held_bytes(&self) -> u64 {
        let bytes = |kept: &RwLock<Kept>| kept.read().unwrap_or_else(PoisonError::into_inner).held().bytes;
        self.all().iter().map(|(_, kept)| bytes(kept)).sum()
    }

    /// Freezes each head that is large by itself, and the largest ones while all that grow are too large together. Gives
    /// their spaces, whose log files must get no more requests.
    pub(crate) fn freeze_large(&self, config: &Config) -> Vec<Space> {
        let mut growing: Vec<(u64, Space, Arc<RwLock<Kept>>)> = self
            .all()
            .into_iter()
            .map(|(space, kept)| {
                let bytes = kept.read().unwrap_or_else(PoisonError::into_inner).growing().bytes;
                (bytes, space, kept)
            })
            .collect();
        growing.sort_by_key(|of| std::cmp::Reverse(of.0));
        let mut total: u64 = growing.iter().map(|of| of.0).sum();
        let mut frozen = Vec::new();
        for (bytes, space, kept) in growing {
            if bytes <= config.frozen_bytes() && total <= config.growing_bytes() {
                break;
            }
            total -= bytes;
            kept.write().unwrap_or_else(PoisonError::into_inner).freeze();
            frozen.push(space);
        }
        frozen
    }
}
