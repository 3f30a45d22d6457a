//! What `git log --patch` prints in our format, as changes.

use std::collections::BTreeSet;

use telemetry::UnixNanos;
use telemetry::recorded::Change;

use crate::owners;

/// One commit: a record separator; hash, seconds, author and subject between unit separators; then the patch.
pub(super) const FORMAT: &str = "%x1e%H%x1f%ct%x1f%an%x1f%s";
pub(super) const RECORD: char = '\u{1e}';
const UNIT: char = '\u{1f}';

/// Bytes of one commit's diff that are kept.
const DIFF_MAX: usize = 64 << 10;
/// Files of one commit that are named.
const FILES_MAX: usize = 200;

/// A change for every service whose code a commit touches; one of no service where none is known.
pub(super) fn changes(text: &str, paths: &[(String, String)]) -> Vec<Change> {
    text.split(RECORD).skip(1).filter_map(|commit| one(commit, paths)).flatten().collect()
}

fn one(commit: &str, paths: &[(String, String)]) -> Option<Vec<Change>> {
    let (head, patch) = commit.split_once('\n').unwrap_or((commit, ""));
    let mut parts = head.splitn(4, UNIT);
    let (hash, seconds) = (parts.next()?, parts.next()?.parse::<i64>().ok()?);
    let (author, summary) = (parts.next()?, parts.next()?);
    let files: Vec<String> = patch.lines().filter_map(file).take(FILES_MAX).map(str::to_owned).collect();
    let services: BTreeSet<&str> = files.iter().filter_map(|file| owners::of(file, paths, &['/'])).collect();
    let change = |service: &str| Change {
        at: UnixNanos(0).plus_seconds(seconds),
        kind: "commit".to_owned(),
        service: service.to_owned(),
        id: hash.to_owned(),
        after: hash.get(..12).unwrap_or(hash).to_owned(),
        author: author.to_owned(),
        summary: summary.to_owned(),
        files: files.clone(),
        diff: cut(patch.trim_start()).to_owned(),
        ..Change::default()
    };
    if services.is_empty() {
        return Some(vec![change("")]);
    }
    Some(services.into_iter().map(change).collect())
}

/// The file that a line of a patch begins; a file whose name git quotes is told as it is quoted.
fn file(line: &str) -> Option<&str> {
    let both = line.strip_prefix("diff --git a/")?;
    both.split_once(" b/").map(|(_, name)| name)
}

/// The beginning, on whole characters.
fn cut(text: &str) -> &str {
    let end = (0..=DIFF_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
