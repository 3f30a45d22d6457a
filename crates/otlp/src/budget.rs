//! One number of bytes that all requests in flight share.
//!
//! Who gets no charge is told to come back later; nobody waits here. It counts what the caller says, not what
//! the allocator gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A shared limit of bytes; clones share it.
#[derive(Debug, Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    max_bytes: u64,
    used_bytes: AtomicU64,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub struct Charge {
    shared: Arc<Shared>,
    bytes: u64,
}

impl Budget {
    /// A budget of `max_bytes`.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let shared = Shared { max_bytes, used_bytes: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Takes `bytes`, or nothing when they are not there.
    #[must_use]
    pub fn charge(&self, bytes: u64) -> Option<Charge> {
        let shared = &self.shared;
        let taken = shared.used_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= shared.max_bytes)
        });
        taken.ok().map(|_| Charge { shared: Arc::clone(shared), bytes })
    }

    /// Bytes taken at this moment.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.shared.used_bytes.load(Ordering::Acquire)
    }

    /// Bytes there are in all.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.shared.max_bytes
    }
}

impl Charge {
    /// How much it holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shared.used_bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_and_more_than_there_is_is_refused() {
        let budget = Budget::new(100);
        let first = budget.charge(60).unwrap();
        assert!(budget.charge(41).is_none());
        let second = budget.charge(40).unwrap();
        assert_eq!((budget.used_bytes(), second.bytes()), (100, 40));
        drop(first);
        assert_eq!(budget.used_bytes(), 40);
        assert!(budget.charge(u64::MAX).is_none());
    }
}
