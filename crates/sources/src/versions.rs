//! Deploys, from the versions that instances say they are and when each was first seen.
//!
//! Does not see a deploy that keeps its version, and none back to a version that the service still has.

use std::collections::BTreeMap;

use telemetry::recorded::Change;
use telemetry::time::SECOND_NS;
use telemetry::{UnixNanos, Window};

/// A version of an instance, and when it was first seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) service: String,
    pub(crate) instance: String,
    pub(crate) version: String,
    pub(crate) first: UnixNanos,
}

/// Seconds after the first thing seen in which what is seen for the first time is taken to have been there.
const SETTLED_SECONDS: i64 = 5;

/// The versions that appeared in the window beside or after another one of the same service.
pub(crate) fn deploys(seen: &[Seen], window: Window) -> Vec<Change> {
    let mut of: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for one in seen {
        of.entry(&one.service).or_default().push(one);
    }
    let begin = seen.iter().map(|one| one.first).min().unwrap_or_default();
    let mut changes = Vec::new();
    for starts in of.values_mut() {
        starts.sort_by_key(|one| (one.first, &one.instance, &one.version));
        for (place, one) in starts.iter().enumerate() {
            let before = starts.iter().take(place).rfind(|other| other.first < one.first);
            let Some(before) = before.filter(|before| before.version != one.version) else { continue };
            // What is seen when looking begins ran before, and so did a version that the service has already.
            let is_there = starts.iter().take(place).any(|other| other.version == one.version);
            let is_new = !is_there && one.first.since(begin) >= SETTLED_SECONDS * SECOND_NS;
            if is_new && window.contains(one.first) {
                changes.push(Change {
                    at: one.first,
                    kind: "deploy".to_owned(),
                    service: one.service.clone(),
                    instance: one.instance.clone(),
                    id: one.version.clone(),
                    before: before.version.clone(),
                    after: one.version.clone(),
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

    fn seen(version: &str, instance: &str, second: i64) -> Seen {
        Seen {
            service: "web".to_owned(),
            instance: instance.to_owned(),
            version: version.to_owned(),
            first: UnixNanos(0).plus_seconds(second),
        }
    }

    #[test]
    fn a_version_that_appears_beside_another_is_a_deploy_and_a_first_one_is_none() {
        let window = Window::new(UnixNanos(0), UnixNanos(0).plus_seconds(600));
        let changes = deploys(&[seen("1.0", "a", 0), seen("1.1", "b", 60)], window);
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].service.as_str(), changes[0].before.as_str()), ("web", "1.0"));
        assert_eq!((changes[0].after.as_str(), changes[0].at), ("1.1", UnixNanos(0).plus_seconds(60)));
        assert!(deploys(&[seen("1.0", "a", 0), seen("1.0", "b", 60)], window).is_empty());
        assert!(deploys(&[seen("1.0", "a", 0)], window).is_empty());
        let canary = [seen("1.0", "a", 0), seen("1.1", "b", 1), seen("1.0", "c", 60)];
        assert!(deploys(&canary, window).is_empty(), "two versions side by side, from the beginning");
        let later = Window::new(UnixNanos(0).plus_seconds(100), window.to);
        assert!(deploys(&[seen("1.0", "a", 0), seen("1.1", "b", 60)], later).is_empty());
    }
}
