//! The services that are known in a window, and what to say about a name that is not among them.

use telemetry::answer::{CoverageRow, HealthRow, Table};
use telemetry::{Ask, Scope, Window};

use crate::asked;
use crate::health;
use crate::near;
use crate::tool::{Context, ToolError};

/// Refuses a service that is not known in `window`, and names the nearest ones. Where no service is known at all, an
/// empty answer is the truth, and so is one when nobody could be asked.
pub(crate) async fn known(context: &Context, window: Window, service: &str) -> Result<(), ToolError> {
    let names = names(context, window).await;
    if names.is_empty() || names.iter().any(|name| name == service) {
        return Ok(());
    }
    Err(ToolError::Input(near::unknown("service", service, &names)))
}

/// The same for an operation of a service.
pub(crate) async fn known_operation(
    context: &Context,
    window: Window,
    service: &str,
    operation: &str,
) -> Result<(), ToolError> {
    let rows = health(context, window, Scope::service(service)).await;
    let names: Vec<String> = rows.into_iter().map(|row| row.subject.operation).collect();
    if names.is_empty() || names.iter().any(|name| name == operation) {
        return Ok(());
    }
    Err(ToolError::Input(near::unknown("operation", operation, &names)))
}

/// Seconds in which a service must have been seen to be known by name.
const KNOWN_FOR: i64 = 24 * 3600;

/// The services that were seen in the last day; sorted.
pub(crate) async fn lately(context: &Context) -> Vec<String> {
    let now = context.installation.now();
    names(context, Window::new(now.plus_seconds(-KNOWN_FOR), now)).await
}

/// The names of services that send any signal; sorted.
pub(crate) async fn names(context: &Context, window: Window) -> Vec<String> {
    let rows = health(context, window, Scope::all()).await;
    let mut names: Vec<String> = rows.into_iter().map(|row| row.subject.service).collect();
    // Who only logs or measures is known, too.
    let coverage = asked::one::<Vec<CoverageRow>>(context, Ask::Coverage { window }, |table| match table {
        Table::Coverage(rows) => Some(rows),
        _ => None,
    });
    names.extend(coverage.await.rows.into_iter().filter(|row| row.is_instrumented).map(|row| row.service));
    names.sort();
    names.dedup();
    names
}

async fn health(context: &Context, window: Window, scope: Scope) -> Vec<HealthRow> {
    health::of(context, window, &scope).await.rows
}
