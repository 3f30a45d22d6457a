//! Deploys, from the versions that targets say they are: `target_info` of OpenTelemetry's resources.
//!
//! What is scraped was so before: a version is told as of two intervals before its first sample, one for the scrape and one
//! for who exports in between. It must not seem to follow what it brought about.

use telemetry::recorded::Tables;
use telemetry::{AskError, UnixNanos, Window};

use super::wire::Sampled;
use super::{Queries, families};
use crate::versions::{Seen, deploys};

/// Intervals between a version's beginning and its first sample, at most.
const INTERVALS: i64 = 2;

/// The versions that appeared in the window.
pub(super) async fn in_window(queries: &mut Queries<'_>, window: Window) -> Result<Tables, AskError> {
    let found = queries.samples("target_info{service_version!=\"\"}", window).await?;
    let late_ns = INTERVALS * step(&found);
    let seen: Vec<Seen> = found.iter().filter_map(|one| seen(one, late_ns)).collect();
    Ok(Tables { changes: deploys(&seen, window), ..Tables::default() })
}

/// The smallest nanoseconds between two samples of one target.
fn step(found: &[Sampled]) -> i64 {
    let steps = found.iter().flat_map(|one| {
        let times = one.samples.iter().map(|(at, _)| *at);
        times.clone().zip(times.skip(1)).map(|(one, next)| next.since(one))
    });
    steps.filter(|step| *step > 0).min().unwrap_or(0)
}

fn seen(one: &Sampled, late_ns: i64) -> Option<Seen> {
    Some(Seen {
        service: families::service(one).to_owned(),
        instance: families::instance(one).to_owned(),
        version: one.label("service_version").to_owned(),
        first: UnixNanos(one.samples.first()?.0.0.saturating_sub(late_ns)),
    })
}
