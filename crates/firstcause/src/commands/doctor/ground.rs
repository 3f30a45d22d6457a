//! What the operating system says about a path: its file system, its free space, who holds its lock.
//!
//! Read from `/proc` where there is one; elsewhere the answer is "unknown".

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Free bytes for this user.
pub(super) fn free_bytes(path: &Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The kind of the file system that a folder lies on.
pub(super) fn file_system(path: &Path) -> Option<String> {
    let path = std::fs::canonicalize(path).ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    kind_of(&path, &mounts)
}

/// The last of the longest mount points above `path` decides: later mounts cover earlier ones.
fn kind_of(path: &Path, mounts: &str) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else { continue };
        let point = PathBuf::from(point.replace("\\040", " "));
        let depth = point.components().count();
        if path.starts_with(&point) && best.is_none_or(|(deepest, _)| depth >= deepest) {
            best = Some((depth, kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}

/// Who holds the lock on a file: pid and name.
pub(super) fn lock_holder(path: &Path) -> Option<(u64, String)> {
    let inode = std::fs::metadata(path).ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let pid = holder_of(inode, &locks)?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_else(|_| "unknown".to_owned());
    Some((pid, name.trim().to_owned()))
}

/// A line is `1: FLOCK ADVISORY WRITE <pid> <major>:<minor>:<inode> 0 EOF` (proc_locks(5)); a waiter has `->`.
fn holder_of(inode: u64, locks: &str) -> Option<u64> {
    let suffix = format!(":{inode}");
    locks.lines().find_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [_, "FLOCK", _, "WRITE", pid, place, ..] if place.ends_with(&suffix) => pid.parse().ok(),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_decides_and_the_holder_is_no_waiter() {
        let mounts =
            "a / ext4 rw 0 0\nb /run tmpfs rw 0 0\nc /run/my\\040data xfs rw 0 0\nd /runner zfs rw 0 0\n";
        let kind = |path: &str| kind_of(Path::new(path), mounts).unwrap();
        assert_eq!(kind("/run/my data/x"), "xfs");
        assert_eq!((kind("/run/other"), kind("/home")), ("tmpfs".to_owned(), "ext4".to_owned()));
        let locks = "1: POSIX  ADVISORY  WRITE 7 08:01:42 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 8 08:01:42 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 9 08:01:42 0 EOF\n";
        assert_eq!((holder_of(42, locks), holder_of(2, locks)), (Some(9), None));
    }
}
