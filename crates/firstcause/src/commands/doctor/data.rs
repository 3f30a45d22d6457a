//! The data directory: writable, ours, stamped, with room, and on a disk that syncs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::network::Running;
use super::{Finding, ground};
use crate::config::Settings;
use crate::wiring::Doors;

/// How often the sync is measured.
const SYNCS: usize = 16;
/// A page of the disk.
const PROBE: [u8; 4096] = [0x5a; 4096];
/// Each request waits for a sync; beyond this a sender notices. A spinning disk takes 10 ms.
const SYNC_SLOW: Duration = Duration::from_millis(50);
/// No disk does it in this time; a cache does.
const SYNC_TOO_FAST: Duration = Duration::from_micros(20);
/// Two files of the log, which are removed in steps.
const LOG_FILES_MIB: u64 = 8;

/// Looks at the data directory.
pub(super) fn check(settings: &Settings, doors: &Doors, running: Option<&Running>) -> Vec<Finding> {
    let dir = &settings.data_dir;
    let ground = ground(dir);
    let mut findings = match std::fs::metadata(&ground) {
        Ok(metadata) if metadata.is_dir() => Vec::new(),
        Ok(_) => {
            let says =
                format!("`{}` is a file, so that `{}` cannot be made", ground.display(), dir.display());
            return vec![Finding::problem("data directory", says, "choose another with `--data-dir`")];
        }
        Err(error) => {
            let says = format!("failed to look at `{}`: {error}", ground.display());
            return vec![Finding::problem("data directory", says, "choose another with `--data-dir`")];
        }
    };
    let is_there = ground == *dir;
    let synced = sync(&ground, doors);
    findings.push(match &synced {
        Ok(_) if is_there => Finding::ok("data directory", format!("`{}` can be written", dir.display())),
        Ok(_) => {
            let says = format!("`{}` is not there yet; `serve` makes it", dir.display());
            Finding::ok("data directory", says)
        }
        Err(error) => Finding::problem(
            "data directory",
            format!("failed to write below `{}`: {error}", ground.display()),
            "give this user the right to write there, or choose another with `--data-dir`",
        ),
    });
    if is_there {
        findings.push(lock(dir, doors, running));
        findings.push(format(dir, doors));
    }
    findings.push(space(&ground, settings));
    findings.extend(synced.ok().map(|times| sync_times(&ground, times)));
    findings
}

/// The data directory, or the nearest folder above it that is there.
fn ground(dir: &Path) -> PathBuf {
    let found = dir.ancestors().find(|path| path.as_os_str().is_empty() || path.symlink_metadata().is_ok());
    match found {
        Some(path) if !path.as_os_str().is_empty() => path.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn lock(dir: &Path, doors: &Doors, running: Option<&Running>) -> Finding {
    let path = dir.join("LOCK");
    if !path.exists() {
        return Finding::ok("lock", "nobody has used the directory yet");
    }
    match doors.disk.lock(&path) {
        Ok(_) => Finding::ok("lock", "free"),
        Err(error) if error.kind() == ErrorKind::WouldBlock => held(ground::lock_holder(&path), running),
        Err(error) => Finding::problem(
            "lock",
            format!("failed to take the lock `{}`: {error}", path.display()),
            "give this user the right to write there, or choose another with `--data-dir`",
        ),
    }
}

fn held(holder: Option<(u64, String)>, running: Option<&Running>) -> Finding {
    let who = match &holder {
        Some((pid, name)) => format!("process {pid} (`{name}`)"),
        None => "a process that cannot be told from here".to_owned(),
    };
    let Some(running) = running else {
        let hint = "stop it, or choose another with `--data-dir`; if it is your Firstcause, give doctor its `--http`";
        return Finding::problem("lock", format!("held by {who}"), hint);
    };
    match (holder, running.pid) {
        (Some((pid, _)), Some(answers)) if pid != answers => Finding::warning(
            "lock",
            format!("held by {who}; the Firstcause that answers at {} calls itself {answers}", running.at),
            "in another container both may be the same; otherwise another Firstcause uses this directory",
        ),
        _ => Finding::ok("lock", format!("held by {who}, which answers at {}", running.at)),
    }
}

fn format(dir: &Path, doors: &Doors) -> Finding {
    let path = dir.join("FORMAT");
    match doors.disk.read(&path) {
        Ok(bytes) if bytes == store::FORMAT.as_bytes() => Finding::ok("format", store::FORMAT.trim_end()),
        Ok(bytes) => {
            let found: String = String::from_utf8_lossy(&bytes).trim().chars().take(40).collect();
            let says = format!("`{found}` instead of `{}`", store::FORMAT.trim_end());
            Finding::problem(
                "format",
                says,
                "use the version that wrote it, or choose another with `--data-dir`",
            )
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let names = doors.disk.list(dir).unwrap_or_default();
            if names.iter().any(|name| name != "LOCK") {
                let says = "no stamp, and things of others are there";
                return Finding::warning("format", says, "give Firstcause a folder of its own");
            }
            Finding::ok("format", "new: `serve` writes the stamp")
        }
        Err(error) => {
            let says = format!("failed to read `{}`: {error}", path.display());
            Finding::problem("format", says, "give this user the right to read it")
        }
    }
}

/// The log holds, compressed, what the head holds; so the head and two files bound it from above. Segments have a limit of
/// their own.
fn space(ground: &Path, settings: &Settings) -> Finding {
    let needed_mib = settings.head_mib + LOG_FILES_MIB;
    let segments_mib = settings.segments_gib << 10;
    let free_mib = match ground::free_bytes(ground) {
        Ok(bytes) => bytes >> 20,
        Err(error) => {
            let says = format!("failed to ask for the free space: {error}");
            return Finding::warning("disk space", says, "look with `df`");
        }
    };
    let says = format!(
        "{free_mib} MiB free, the log takes up to {needed_mib} MiB, segments up to {segments_mib} MiB"
    );
    match free_mib {
        free if free < needed_mib => Finding::problem("disk space", says, "make room, or lower `--head-mib`"),
        free if free < 2 * needed_mib + segments_mib => {
            Finding::warning("disk space", says, "lower `--segments-gib`; journals and reports come on top")
        }
        _ => Finding::ok("disk space", says),
    }
}

/// Writes and syncs a file of its own, and removes it: how long each sync took, sorted.
fn sync(ground: &Path, doors: &Doors) -> std::io::Result<Vec<Duration>> {
    let path = ground.join(format!(".firstcause-doctor-{}", std::process::id()));
    let measured = (|| {
        let mut file = doors.disk.open_new(&path)?;
        let mut times = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            file.append(&PROBE)?;
            let began = doors.clock.monotonic();
            file.sync_data()?;
            times.push(doors.clock.monotonic().saturating_sub(began));
        }
        doors.disk.sync_dir(ground)?;
        times.sort();
        Ok(times)
    })();
    // A file that could not be made cannot be removed either; the first error is the one to tell.
    let removed = match doors.disk.remove(&path) {
        Err(error) if measured.is_ok() => Err(error),
        _ => Ok(()),
    };
    removed.and(measured)
}

fn sync_times(ground: &Path, times: Vec<Duration>) -> Finding {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let (median, worst) = (times.get(times.len() / 2), times.last());
    let (median, worst) = (median.copied().unwrap_or_default(), worst.copied().unwrap_or_default());
    let kind = ground::file_system(ground);
    let on = kind.as_deref().map(|kind| format!(" on {kind}")).unwrap_or_default();
    let says = format!(
        "{:.2} ms, at worst {:.2} ms, of {} syncs{on}",
        milliseconds(median),
        milliseconds(worst),
        times.len()
    );
    match kind.as_deref() {
        Some("tmpfs" | "ramfs") => {
            Finding::warning("sync", says, "this is memory: nothing survives a restart of the machine")
        }
        _ if median > SYNC_SLOW => {
            Finding::warning("sync", says, "each request waits for one: use a faster disk, or larger batches")
        }
        _ if median < SYNC_TOO_FAST => Finding::warning(
            "sync",
            says,
            "no disk is that fast: a cache may lose acknowledged data with the power",
        ),
        _ => Finding::ok("sync", says),
    }
}
