//! Deploys, from the versions that targets say they are: `target_info` of OpenTelemetry's resources.
//!
//! Does not see a deploy that keeps its version, and none of targets without one.

use std::collections::BTreeMap;

use telemetry::recorded::{Change, Tables};
use telemetry::{AskError, UnixNanos, Window};

use super::wire::Sampled;
use super::{Queries, families};

/// The versions that appeared in the window beside or after another one of the same service.
pub(super) async fn deploys(queries: &mut Queries<'_>, window: Window) -> Result<Tables, AskError> {
    let found = queries.samples("target_info{service_version!=\"\"}", window).await?;
    Ok(Tables { changes: from_versions(&found, window), ..Tables::default() })
}

fn from_versions(found: &[Sampled], window: Window) -> Vec<Change> {
    let mut seen: BTreeMap<&str, Vec<(UnixNanos, &Sampled)>> = BTreeMap::new();
    for one in found {
        if let Some((at, _)) = one.samples.first() {
            seen.entry(families::service(one)).or_default().push((*at, one));
        }
    }
    let mut changes = Vec::new();
    for (service, mut starts) in seen {
        starts.sort_by_key(|(at, one)| (*at, families::instance(one).to_owned()));
        for (place, (at, one)) in starts.iter().enumerate() {
            let version = one.label("service_version");
            let earlier = starts.iter().take(place).rfind(|(before, _)| before < at);
            let Some(before) = earlier.map(|(_, one)| one.label("service_version")) else { continue };
            let is_new = !starts.iter().take(place).any(|(began, other)| {
                began < at
                    && other.label("service_version") == version
                    && families::instance(other) == families::instance(one)
            });
            if version != before && is_new && window.contains(*at) {
                changes.push(Change {
                    at: *at,
                    kind: "deploy".to_owned(),
                    service: service.to_owned(),
                    instance: families::instance(one).to_owned(),
                    id: version.to_owned(),
                    before: before.to_owned(),
                    after: version.to_owned(),
                    ..Change::default()
                });
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str, instance: &str, from: i64) -> Sampled {
        let labels = [("job", "shop/web"), ("service_version", version), ("instance", instance)];
        Sampled {
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            samples: (0..4).map(|step| (UnixNanos(0).plus_seconds(from + 15 * step), 1.0)).collect(),
        }
    }

    #[test]
    fn a_version_that_appears_beside_another_is_a_deploy_and_a_first_one_is_none() {
        let window = Window::new(UnixNanos(0), UnixNanos(0).plus_seconds(600));
        let changes = from_versions(&[info("1.0", "a", 0), info("1.1", "b", 60)], window);
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].service.as_str(), changes[0].before.as_str()), ("web", "1.0"));
        assert_eq!((changes[0].after.as_str(), changes[0].at), ("1.1", UnixNanos(0).plus_seconds(60)));
        assert!(from_versions(&[info("1.0", "a", 0), info("1.0", "b", 60)], window).is_empty());
        assert!(from_versions(&[info("1.0", "a", 0)], window).is_empty());
    }
}
