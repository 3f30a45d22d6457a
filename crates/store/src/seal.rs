//! Makes segments of the heads that wait while there are more bytes in memory than there should be, and lets go of segments
//! that are too old or too many.
//!
//! Works beside the writer (`sealing`), which goes on meanwhile. One that cannot be written leaves everything where it is;
//! when the heads have grown a quarter beyond their limit by then, requests are refused until it can. Which rows come into which
//! segment is decided by the writer, when it freezes a head.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use platform::Disk;
use telemetry::{MetricPoint, Space, UnixNanos};

use crate::config::Config;
use crate::kept::Kept;
use crate::segment::{self, Manifest, Rows, Segment, Through};
use crate::spaces::Spaces;
use crate::stats::Counters;
use crate::{layout, recovery, wal};

/// What the segments of a store are made with. Only one of them is at work.
#[derive(Debug)]
pub(crate) struct Sealer {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) spaces: Arc<Spaces>,
    pub(crate) counters: Arc<Counters>,
    /// Whether requests are refused, because the heads are over their limit and nothing could be done about it.
    pub(crate) is_full: Arc<AtomicBool>,
}

impl Sealer {
    /// Makes one segment, if there is more in memory than there should be and a head waits. Says whether it did.
    pub(crate) fn make_room(&self) -> bool {
        let outcome = self.largest_waiting().map_or(Ok(false), |(space, kept)| {
            self.seal(&space, &kept)?;
            Ok::<_, io::Error>(true)
        });
        let is_over = outcome.is_err() && self.spaces.held_bytes() > self.config.refusal_bytes();
        self.is_full.store(is_over, Ordering::Relaxed);
        outcome.unwrap_or_else(|_| {
            self.counters.lock().failed_seals += 1;
            false
        })
    }

    /// The space whose heads wait with the most bytes, while there is more in memory than there should be.
    fn largest_waiting(&self) -> Option<(Space, Arc<RwLock<Kept>>)> {
        if self.spaces.held_bytes() <= self.config.head_max_bytes {
            return None;
        }
        let waiting = self.spaces.all().into_iter().map(|(space, kept)| {
            let bytes = kept.read().unwrap_or_else(PoisonError::into_inner).frozen_bytes();
            (bytes, space, kept)
        });
        waiting.filter(|of| of.0 > 0).max_by_key(|of| of.0).map(|(_, space, kept)| (space, kept))
    }

    /// Makes a segment of the oldest head that waits in `space`.
    fn seal(&self, space: &Space, kept: &RwLock<Kept>) -> io::Result<()> {
        let (head, others, before) = {
            let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
            (kept.oldest_frozen(), kept.sealed.clone(), kept.through)
        };
        let Some(head) = head else { return Ok(()) };
        let dir = layout::segments_dir(&self.config.data_dir, space);
        layout::create_dir(&*self.disk, &self.config.data_dir, space, &dir)?;
        let place = head.place();
        let points =
            if head.held().points > 0 { self.points(space, before.file, place.file)? } else { Vec::new() };
        let through = Through {
            file: place.file,
            sequence: place.sequence.max(before.sequence),
            segment: before.segment + 1,
        };
        let rows = Rows { head: &head, points: &points };
        let segment = segment::write(&*self.disk, &dir, through, &rows, &others)?;
        kept.write().unwrap_or_else(PoisonError::into_inner).seal(segment, through);
        wal::remove_through(&*self.disk, &layout::wal_dir(&self.config.data_dir, space), place.file);
        self.retain()
    }

    /// The metric points of the log files beyond `before` and up to `file`. Those before are in segments; they are still
    /// there when they could not be removed. What cannot be read is a loss and counted as one.
    fn points(&self, space: &Space, before: u64, file: u64) -> io::Result<Vec<MetricPoint>> {
        let dir = layout::wal_dir(&self.config.data_dir, space);
        let (mut points, mut damaged) = (Vec::new(), 0);
        for (number, path) in wal::files(&*self.disk, &dir)? {
            if before < number && number <= file {
                let bytes = self.disk.read(&path)?;
                let is_metrics = |signal| signal == otlp::Signal::Metrics;
                let read = recovery::read(&bytes, is_metrics, |decoded, _, _| points.extend(decoded.points));
                damaged += read.damaged_bytes + (bytes.len() as u64).saturating_sub(read.whole_len);
            }
        }
        self.counters.lock().damaged_bytes += damaged;
        Ok(points)
    }

    /// Removes segments that are too old, and the oldest ones of all spaces while there are too many bytes of them.
    fn retain(&self) -> io::Result<()> {
        let spaces = self.spaces.all();
        let read = |kept: &RwLock<Kept>| {
            let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
            (kept.sealed.clone(), kept.watermark())
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
        let is_behind = manifest.damaged == 0 && self.is_behind(space, &manifest)?;
        let mut locked = kept.write().unwrap_or_else(PoisonError::into_inner);
        let damaged_list = manifest.damaged > 0 || is_behind;
        let mut damaged = manifest.damaged + u64::from(is_behind);
        for entry in manifest.entries {
            let watermark = UnixNanos(entry.watermark);
            let (segment, lives, outcome) = Segment::open(&*self.disk, &dir, entry);
            damaged += u64::from(outcome.is_err());
            locked.remember(&lives, watermark);
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

    /// Whether the list is older than what it should name: there are files of later segments, and the log files are gone
    /// from which they would be written again if they never had been named.
    fn is_behind(&self, space: &Space, manifest: &Manifest) -> io::Result<bool> {
        let segments = layout::segments_dir(&self.config.data_dir, space);
        if highest_number(&*self.disk, &segments) <= manifest.through.segment {
            return Ok(false);
        }
        let log = wal::files(&*self.disk, &layout::wal_dir(&self.config.data_dir, space))?;
        Ok(log.first().is_none_or(|(number, _)| *number > manifest.through.file + 1))
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
