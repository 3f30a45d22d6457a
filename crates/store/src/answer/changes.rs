//! Answers `changes`: deploys, restarts and new instances that the telemetry itself shows.
//!
//! Changes told by others (deploy webhooks) are not known to the store.

use telemetry::answer::ChangeRow;
use telemetry::{Answer, AskError, Table};

use super::Asking;

pub(super) fn answer(rows: Vec<ChangeRow>, asking: &Asking<'_>) -> Result<Answer, AskError> {
    asking.look_at(rows.len() as u64)?;
    Ok(asking.exact(rows, Table::Changes))
}
