//! Moves the oldest of the log into segments when the heads are over their limit, and lets go of segments that are too
//! old or too many.
//!
//! Works on the writer's thread: while a segment is written, requests wait. One that cannot be written leaves everything
//! where it is; when the heads have grown a quarter beyond their limit by then, requests are refused until it can.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use platform::Disk;
use telemetry::{Space, UnixNanos};

use crate::kept::Kept;
use crate::segment::{self, Manifest, Rows, Segment, Through};
use crate::writer::Writer;
use crate::{layout, recovery, wal};

impl Writer {
    /// Brings the heads within their limit again.
    pub(crate) fn make_room(&mut self) {
        let limit = self.config.head_max_bytes;
        loop {
            let sized: Vec<(u64, Space, Arc<RwLock<Kept>>)> = self
                .spaces
                .all()
                .into_iter()
                .map(|(space, kept)| {
                    let bytes = kept.read().unwrap_or_else(PoisonError::into_inner).head.held().bytes;
                    (bytes, space, kept)
                })
                .collect();
            let total: u64 = sized.iter().map(|sized| sized.0).sum();
            let largest = sized.into_iter().max_by_key(|sized| sized.0).filter(|_| total > limit);
            let outcome = match largest {
                None => {
                    self.is_full.store(false, Ordering::Relaxed);
                    return;
                }
                Some((bytes, space, kept)) => self.seal(&space, &kept, bytes / 4 * 3),
            };
            if outcome.is_err() {
                self.counters.lock().failed_seals += 1;
                self.is_full.store(total > limit / 4 * 5, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Moves log files into one segment until at most `bytes` of the head of `space` are left.
    fn seal(&mut self, space: &Space, kept: &RwLock<Kept>, bytes: u64) -> io::Result<()> {
        let (file, others, before) = {
            let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
            (kept.head.file_beyond(bytes), kept.sealed.clone(), kept.through)
        };
        let Some(file) = file else {
            return Err(io::Error::other("the head is over its limit and holds no request"));
        };
        let dir = layout::segments_dir(&self.config.data_dir, space);
        layout::create_dir(&*self.disk, &self.config.data_dir, space, &dir)?;
        self.log(space)?.close_through(file);
        let rows = self.rows_between(space, before.file, file)?;
        let through = Through {
            file,
            sequence: rows.last_sequence().max(before.sequence),
            segment: before.segment + 1,
        };
        let segment = segment::write(&*self.disk, &dir, through, rows, &others)?;
        let mut locked = kept.write().unwrap_or_else(PoisonError::into_inner);
        locked.sealed.push(Arc::new(segment));
        locked.through = through;
        locked.head.leave_through(file);
        locked.moves += 1;
        drop(locked);
        self.log(space)?.remove_through(file);
        self.retain()
    }

    /// The requests of the log files beyond `before` and up to `file`. Those before are in segments; they are still there
    /// when they could not be removed. What cannot be read is a loss and counted as one.
    fn rows_between(&self, space: &Space, before: u64, file: u64) -> io::Result<Rows> {
        let dir = layout::wal_dir(&self.config.data_dir, space);
        let (mut rows, mut damaged) = (Rows::default(), 0);
        for (number, path) in wal::files(&*self.disk, &dir)? {
            if before < number && number <= file {
                let bytes = self.disk.read(&path)?;
                let read = recovery::read(&bytes, |decoded, received_at, sequence| {
                    rows.take(decoded, received_at, sequence);
                });
                damaged += read.damaged_bytes + (bytes.len() as u64).saturating_sub(read.whole_len);
            }
        }
        self.counters.lock().damaged_bytes += damaged;
        Ok(rows)
    }

    /// Removes segments that are too old, and the oldest ones of all spaces while there are too many bytes of them.
    fn retain(&self) -> io::Result<()> {
        let spaces = self.spaces.all();
        let read = |kept: &RwLock<Kept>| {
            let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
            (kept.sealed.clone(), kept.head.watermark())
        };
        let mut by_age: Vec<(UnixNanos, u64, bool)> = Vec::new();
        for (_, kept) in &spaces {
            let (sealed, watermark) = read(kept);
            let oldest = watermark.plus_seconds(-self.config.retention_s);
            by_age.extend(sealed.iter().map(|one| (one.latest(), one.entry.bytes(), one.latest() < oldest)));
        }
        by_age.sort_unstable();
        let mut bytes: u64 = by_age.iter().map(|(_, bytes, _)| bytes).sum();
        // What ends before this is too much.
        let mut bound = UnixNanos(i64::MIN);
        for (latest, of, is_old) in by_age {
            if bytes > self.config.segments_max_bytes || is_old {
                bytes -= of;
                bound = bound.max(UnixNanos(latest.0.saturating_add(1)));
            }
        }
        for (space, kept) in &spaces {
            self.let_go(space, kept, bound)?;
        }
        Ok(())
    }

    /// Removes the segments of `space` that end before `bound`.
    fn let_go(&self, space: &Space, kept: &RwLock<Kept>, bound: UnixNanos) -> io::Result<()> {
        let (sealed, through) = {
            let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
            (kept.sealed.clone(), kept.through)
        };
        let (gone, stay): (Vec<_>, Vec<_>) = sealed.into_iter().partition(|segment| segment.latest() < bound);
        if gone.is_empty() {
            return Ok(());
        }
        let dir = layout::segments_dir(&self.config.data_dir, space);
        segment::remove(&*self.disk, &dir, through, &stay, &gone)?;
        let mut locked = kept.write().unwrap_or_else(PoisonError::into_inner);
        locked.sealed = stay;
        locked.moves += 1;
        drop(locked);
        self.counters.lock().expired += gone.iter().map(|segment| segment.entry.rows()).sum::<u64>();
        Ok(())
    }

    /// Opens the segments of `space`. Says how far its log was moved into them.
    pub(crate) fn open_segments(&self, space: &Space, kept: &RwLock<Kept>) -> io::Result<Through> {
        let dir = layout::segments_dir(&self.config.data_dir, space);
        let manifest = Manifest::load(&*self.disk, &dir)?;
        let mut locked = kept.write().unwrap_or_else(PoisonError::into_inner);
        let damaged_list = manifest.damaged > 0;
        let mut damaged = manifest.damaged;
        for entry in manifest.entries {
            let (segment, outcome) = Segment::open(&*self.disk, &dir, entry, &mut locked.head);
            damaged += u64::from(outcome.is_err());
            locked.sealed.push(Arc::new(segment));
        }
        clear(&*self.disk, &dir, &locked.sealed, damaged_list).map_err(|error| {
            io::Error::new(error.kind(), format!("files that no list names could not be set aside: {error}"))
        })?;
        self.counters.lock().damaged_segments += damaged;
        locked.through = manifest.through;
        // A list that cannot be read whole must not make a number come again that a file of rows still has.
        locked.through.segment = locked.through.segment.max(highest_number(&*self.disk, &dir));
        Ok(locked.through)
    }
}

/// The highest number that a file of segments has in its name.
fn highest_number(disk: &dyn Disk, dir: &std::path::Path) -> u64 {
    let names = disk.list(dir).unwrap_or_default();
    names.iter().filter_map(|name| name.split('.').next()?.parse().ok()).max().unwrap_or_default()
}

/// Removes what a segment left that was begun and never named; failures leave it for the next time. Where the list itself
/// is damaged, a file that it does not name may be one that it named: it is set aside under another name and never removed.
fn clear(
    disk: &dyn Disk,
    dir: &std::path::Path,
    sealed: &[Arc<Segment>],
    is_damaged: bool,
) -> io::Result<()> {
    let is_named =
        |name: &str| sealed.iter().any(|segment| segment.entry.files().any(|stored| stored.name == name));
    let mut was_changed = false;
    for name in disk.list(dir).unwrap_or_default() {
        if !segment::is_file_name(&name) || is_named(&name) {
            continue;
        }
        was_changed = true;
        if is_damaged {
            disk.rename(&dir.join(&name), &dir.join(format!("{SET_ASIDE}{name}")))?;
        } else {
            let _outcome = disk.remove(&dir.join(name));
        }
    }
    if was_changed { disk.sync_dir(dir) } else { Ok(()) }
}

/// What the names of files begin with that were set aside.
const SET_ASIDE: &str = "lost-";
