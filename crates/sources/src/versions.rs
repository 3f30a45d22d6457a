//! Deploys, from the versions that instances say they are and when each was first seen.
//!
//! Does not see a deploy that keeps its version, and none back to a version that the service still has or had minutes ago.

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

/// The time in which a version of an instance was seen without a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) seen: Seen,
    pub(crate) last: UnixNanos,
}

/// A version that was not seen for that long did not run.
const PAUSE_SECONDS: i64 = 300;

/// The versions that appeared in the window beside or after another one of the same service.
pub(crate) fn deploys(seen: &[Seen], window: Window) -> Vec<Change> {
    let begin = seen.iter().map(|one| one.first).min().unwrap_or_default();
    let run = |one: &Seen| Run { seen: one.clone(), last: UnixNanos(i64::MAX) };
    appeared(&seen.iter().map(run).collect::<Vec<_>>(), begin, window)
}

/// The same where it is known how long each was seen, part by part: then a version that comes back is found as well.
/// `older` is what ran long before.
pub(crate) fn deploys_of_runs(parts: Vec<Run>, older: Vec<Run>, window: Window) -> Vec<Change> {
    let begin = parts.iter().map(|run| run.seen.first).min().unwrap_or_default();
    let mut runs = joined(parts);
    runs.extend(older);
    appeared(&runs, begin, window)
}

/// Parts of one instance and version between which there is no pause, as one.
fn joined(mut parts: Vec<Run>) -> Vec<Run> {
    let who = |run: &Run| (run.seen.service.clone(), run.seen.instance.clone(), run.seen.version.clone());
    parts.sort_by_cached_key(|run| (who(run), run.seen.first));
    let mut runs: Vec<Run> = Vec::new();
    for part in parts {
        match runs.last_mut() {
            Some(run)
                if who(run) == who(&part) && part.seen.first <= run.last.plus_seconds(PAUSE_SECONDS) =>
            {
                run.last = run.last.max(part.last);
            }
            _ => runs.push(part),
        }
    }
    runs
}

fn appeared(runs: &[Run], begin: UnixNanos, window: Window) -> Vec<Change> {
    let mut of: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        of.entry(&run.seen.service).or_default().push(run);
    }
    let mut changes = Vec::new();
    for starts in of.values_mut() {
        starts.sort_by_key(|run| (run.seen.first, &run.seen.instance, &run.seen.version));
        for (place, one) in starts.iter().map(|run| &run.seen).enumerate() {
            let earlier = || starts.iter().take(place);
            let before = earlier().map(|run| &run.seen).rfind(|other| other.first < one.first);
            let Some(before) = before.filter(|before| before.version != one.version) else { continue };
            // What is seen when looking begins ran before, and so did a version that the service has already.
            let is_there = earlier().any(|run| {
                run.seen.version == one.version && one.first <= run.last.plus_seconds(PAUSE_SECONDS)
            });
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

    fn run(version: &str, instance: &str, first: i64, last: i64) -> Run {
        Run { seen: seen(version, instance, first), last: UnixNanos(0).plus_seconds(last) }
    }

    // covers: EL-20
    #[test]
    fn a_version_that_comes_back_is_a_deploy_and_one_that_pauses_is_none() {
        let window = Window::new(UnixNanos(0), UnixNanos(0).plus_seconds(6000));
        let told = |parts: &[Run], older: &[Run]| {
            let changes = deploys_of_runs(parts.to_vec(), older.to_vec(), window);
            changes.iter().map(|one| format!("{}>{}", one.before, one.after)).collect::<Vec<_>>().join(" ")
        };
        let minutes = |version: &str, from: i64, to: i64| {
            (from..to).map(|minute| run(version, "a", minute * 60, minute * 60 + 60)).collect::<Vec<_>>()
        };
        let back = [minutes("1.0", 0, 20), minutes("1.1", 20, 40), minutes("1.0", 40, 50)].concat();
        assert_eq!(told(&back, &[]), "1.0>1.1 1.1>1.0");
        let paused = [minutes("1.0", 0, 20), minutes("1.0", 40, 50)].concat();
        assert_eq!(told(&paused, &[]), "", "nothing else ran in between");
        let canary = [minutes("1.0", 0, 50), minutes("1.1", 20, 40)].concat();
        assert_eq!(told(&canary, &[]), "1.0>1.1", "what ran all the time does not come back");
        let other = minutes("2.0", 30, 40);
        let mut with_begin = minutes("2.0", 30, 40);
        with_begin.push(Run {
            seen: Seen { service: "other".to_owned(), ..seen("1", "b", 0) },
            last: UnixNanos(0),
        });
        assert_eq!(
            told(&with_begin, &[run("1.9", "", -90_000, -90_000)]),
            "1.9>2.0",
            "it was silent for a day"
        );
        assert_eq!(told(&other, &[]), "");
    }
}
