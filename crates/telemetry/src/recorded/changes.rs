//! Answers `changes` with those that were told.

use crate::answer::{ChangeDetail, ChangeKind, ChangeRow, FileDiff};
use crate::{Scope, Window};

use super::tables::Change;

pub(super) fn rows(changes: &[Change], window: Window, scope: &Scope) -> Vec<ChangeRow> {
    let operation = scope.operation.as_deref().unwrap_or_default();
    let told = changes.iter().filter(|change| {
        window.contains(change.at) && scope.admits(&change.service, operation, &change.instance)
    });
    told.filter_map(row).collect()
}

fn row(change: &Change) -> Option<ChangeRow> {
    let kind = match change.kind.as_str() {
        "commit" => ChangeKind::Commit,
        "deploy" => ChangeKind::Deploy,
        "flag" | "config" => ChangeKind::Flag,
        "restart" => ChangeKind::Restart,
        "scale" => ChangeKind::InstanceAdded,
        _ => return None,
    };
    let after = if change.after.is_empty() { &change.id } else { &change.after };
    Some(ChangeRow {
        at: change.at,
        kind,
        service: change.service.clone(),
        instance: change.instance.clone(),
        before: change.before.clone(),
        after: after.clone(),
        detail: detail(change),
    })
}

/// What is told beyond the change itself, if anything is.
fn detail(change: &Change) -> Option<Box<ChangeDetail>> {
    let diff: String = change.diff.chars().take(ChangeDetail::TEXT_MAX).collect();
    let mut files = change.files.clone();
    files.sort();
    let detail = ChangeDetail {
        commit: change.id.clone(),
        author: change.author.clone(),
        message: change.summary.lines().next().unwrap_or_default().to_owned(),
        diffs: file_diffs(&diff, &files),
        files,
        truncated: diff.len() < change.diff.len(),
    };
    (detail != ChangeDetail::default()).then(|| Box::new(detail))
}

/// The hunks of a diff by file: by the lines that name files, or by hunk heads that hold the path of one; the first
/// file's when nothing names one.
fn file_diffs(diff: &str, files: &[String]) -> Vec<FileDiff> {
    let mut found: Vec<FileDiff> = Vec::new();
    for line in diff.lines() {
        if let Some(path) = line.strip_prefix("+++ ") {
            let path = path.strip_prefix("b/").unwrap_or(path).to_owned();
            found.push(FileDiff { path, lines: Vec::new() });
            continue;
        }
        let named = files.iter().find(|file| line.starts_with("@@") && line.contains(file.as_str()));
        if let Some(file) = named.filter(|file| found.last().is_none_or(|last| last.path != **file)) {
            found.push(FileDiff { path: file.clone(), lines: Vec::new() });
        }
        let is_head = ["--- ", "diff ", "index "].iter().any(|head| line.starts_with(head));
        if is_head || !line.starts_with(['+', '-', ' ', '@']) {
            continue;
        }
        if found.is_empty() {
            let path = files.first().cloned().unwrap_or_default();
            found.push(FileDiff { path, lines: Vec::new() });
        }
        if let Some(last) = found.last_mut() {
            last.lines.push(line.to_owned());
        }
    }
    found
}
