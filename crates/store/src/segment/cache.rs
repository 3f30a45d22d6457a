//! Rows of segments that were read lately: the questions of one investigation ask for the same ones again and again.
//!
//! Bounded by the estimated bytes of what is held; what was not used for longest goes first.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use platform::Disk;

use super::{Segment, Wanted};
use crate::head::Head;

/// Readings held, however little they are: most of a segment that was looked at in vain is nothing.
const ENTRIES_MAX: usize = 1_024;

/// What was read from where.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    dir: PathBuf,
    id: u64,
    wanted: Wanted,
}

/// Rows that were read lately.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes_max: u64,
    held: Mutex<VecDeque<(Key, Arc<Head>)>>,
}

impl Cache {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, held: Mutex::default() }
    }

    /// What is `wanted` of `segment`, from memory or from `disk`.
    pub(crate) fn read(&self, disk: &dyn Disk, segment: &Segment, wanted: Wanted) -> io::Result<Arc<Head>> {
        let key = Key { dir: segment.dir.clone(), id: segment.entry.id, wanted };
        if let Some(head) = self.take(&key) {
            return Ok(head);
        }
        let head = Arc::new(segment.read(disk, wanted)?);
        self.put(key, Arc::clone(&head));
        Ok(head)
    }

    /// What is held under `key`, which becomes the last used.
    fn take(&self, key: &Key) -> Option<Arc<Head>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let at = held.iter().position(|(known, _)| known == key)?;
        let entry = held.remove(at)?;
        let head = Arc::clone(&entry.1);
        held.push_back(entry);
        Some(head)
    }

    fn put(&self, key: Key, head: Arc<Head>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push_back((key, head));
        let mut bytes: u64 = held.iter().map(|(_, head)| head.held().bytes).sum();
        while bytes > self.bytes_max || held.len() > ENTRIES_MAX {
            let Some((_, head)) = held.pop_front() else { return };
            bytes -= head.held().bytes;
        }
    }
}
