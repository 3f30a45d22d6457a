//! Deploys, from the versions that targets say they are: `target_info` of OpenTelemetry's resources.

use telemetry::recorded::Tables;
use telemetry::{AskError, Window};

use super::wire::Sampled;
use super::{Queries, families};
use crate::versions::{Seen, deploys};

/// The versions that appeared in the window.
pub(super) async fn in_window(queries: &mut Queries<'_>, window: Window) -> Result<Tables, AskError> {
    let found = queries.samples("target_info{service_version!=\"\"}", window).await?;
    let seen: Vec<Seen> = found.iter().filter_map(seen).collect();
    Ok(Tables { changes: deploys(&seen, window), ..Tables::default() })
}

fn seen(one: &Sampled) -> Option<Seen> {
    Some(Seen {
        service: families::service(one).to_owned(),
        instance: families::instance(one).to_owned(),
        version: one.label("service_version").to_owned(),
        first: one.samples.first()?.0,
    })
}
