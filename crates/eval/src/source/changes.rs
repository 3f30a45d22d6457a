//! Answers `changes` with the deploys and restarts that were told.

use telemetry::answer::{ChangeKind, ChangeRow};
use telemetry::{Scope, Window};

use crate::tables::Change;

pub(super) fn rows(changes: &[Change], window: Window, scope: &Scope) -> Vec<ChangeRow> {
    let operation = scope.operation.as_deref().unwrap_or_default();
    let told = changes.iter().filter(|change| {
        window.contains(change.at) && scope.admits(&change.service, operation, &change.instance)
    });
    told.filter_map(row).collect()
}

fn row(change: &Change) -> Option<ChangeRow> {
    let kind = match change.kind.as_str() {
        "deploy" => ChangeKind::Deploy,
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
        detail: None,
    })
}
