//! State: is what the alert speaks of well, as far as that can be seen?
//!
//! A workload is well when it has all the replicas it wants, all of them ready, no rule that watches it alerts, and it
//! logs no errors. A database is well when its processors, connections, storage and memory are known and none of them
//! moved far. Only what was looked at counts: something that is not told makes nobody well.

use telemetry::answer::StateKind;
use telemetry::answer::state::metric;

use super::Measure;
use crate::state::database;
use crate::state::workload;
use crate::state::{Innocence, Reading, Scene, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "wellness",
    finds: "whether a workload or a database is well, as far as it was looked at",
    questions: &["log_templates", "series_change", "state"],
};

/// Error lines from which something is wrong.
const LINES_MIN: u64 = 2;
/// What must be known of a database.
const NEEDED: [&str; 4] = [metric::CPU, metric::CONNECTIONS, metric::STORAGE_FREE, metric::MEMORY_FREE];

/// How something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wellness {
    /// All that was looked at is well, in a sentence.
    Well(String),
    /// Something is not, or is not told, in a sentence.
    Doubtful(String),
}

/// How `service` is, by what the other measures read.
#[must_use]
pub fn of(scene: &Scene<'_>, service: &str, reading: &Reading) -> Wellness {
    match (workload::deployment(scene, service), database::all(*scene).iter().find(|one| one.name == service))
    {
        (Some(deployment), _) => of_workload(scene, service, deployment),
        (None, Some(database)) => of_database(database, reading),
        (None, None) => Wellness::Doubtful(format!("nothing is told of the state of `{service}`")),
    }
}

fn of_workload(scene: &Scene<'_>, service: &str, deployment: &telemetry::answer::StateRow) -> Wellness {
    let pods = workload::pods(scene);
    let kept = || pods.iter().filter(|pod| pod.row.service == service && !pod.is_removed());
    let (ready, all) = (kept().filter(|pod| pod.is_ready()).count(), kept().count());
    let desired = deployment.figure("desired").unwrap_or(0.0);
    if !workload::is_complete(deployment) || ready < all || all == 0 {
        return Wellness::Doubtful(format!(
            "`{service}` has {ready} of {all} pods ready and wants {desired}"
        ));
    }
    let alerting = scene.of(StateKind::Monitor).find(|row| ["alert", "warn"].contains(&row.status.as_str()));
    if let Some(monitor) = alerting {
        return Wellness::Doubtful(format!(
            "the monitor \"{}\" alerts, and the state does not tell why",
            monitor.name
        ));
    }
    let errors = scene.logs.iter().filter(|row| row.service == service && row.severity >= 17);
    let lines: u64 = errors.clone().map(|row| row.count).sum();
    if lines >= LINES_MIN {
        let example = errors.map(|row| wording::short(&row.example)).next().unwrap_or_default();
        return Wellness::Doubtful(format!("`{service}` logs {lines} errors like \"{example}\""));
    }
    let down = scene.of(StateKind::Node).filter(|row| row.status != "Ready").count();
    if down > 0 {
        return Wellness::Doubtful(format!("{down} nodes are not ready"));
    }
    Wellness::Well(format!(
        "`{service}` has all {desired} replicas running and ready, and no monitor of it alerts"
    ))
}

fn of_database(database: &database::Database<'_>, reading: &Reading) -> Wellness {
    let unknown: Vec<&str> = NEEDED.into_iter().filter(|metric| database.trend(metric).is_empty()).collect();
    if !unknown.is_empty() {
        return Wellness::Doubtful(format!("of `{}` is not told: {}", database.name, unknown.join(", ")));
    }
    let moved = reading.bystanders.iter().find(|one| {
        one.service == database.name && matches!(one.innocence, Innocence::WithinLimits | Innocence::Effect)
    });
    if let Some(moved) = moved {
        return Wellness::Doubtful(moved.says.clone());
    }
    Wellness::Well(format!(
        "`{}` is within normal bounds: CPU {:.0} %, {:.0} connections, {:.0} GB of storage and {:.0} GB of memory free, \
         {:.1} active sessions",
        database.name,
        100.0 * database.trend(metric::CPU).now(),
        database.trend(metric::CONNECTIONS).now(),
        database.trend(metric::STORAGE_FREE).now() / 1e9,
        database.trend(metric::MEMORY_FREE).now() / 1e9,
        database.active()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{Container, WELL, World, row};

    fn workload(ready: f64) -> World {
        World::default().deployment("a", ready).pod("a", "1", "x", WELL)
    }

    #[test]
    fn a_workload_is_well_when_all_that_was_looked_at_is() {
        let of_a = |world: &World| world.read(|scene| of(scene, "a", &Reading::default()));
        assert!(matches!(of_a(&workload(3.0)), Wellness::Well(_)));
        let doubtful = [
            workload(2.0),
            workload(3.0).pod("a", "1", "y", Container { is_ready: false, ..WELL }),
            workload(3.0).log("a", 17, "it broke", 2),
            workload(3.0).add(row(StateKind::Monitor, "a", "errors", "alert")),
            workload(3.0).add(row(StateKind::Node, "", "n", "NotReady")),
            World::default(),
        ];
        assert!(doubtful.iter().all(|world| matches!(of_a(world), Wellness::Doubtful(_))));
    }

    #[test]
    fn a_database_is_well_only_when_its_figures_are_known() {
        let mut world = World::default().database("d", "");
        for metric in NEEDED {
            let before = world.read(|scene| of(scene, "d", &Reading::default()));
            assert!(matches!(before, Wellness::Doubtful(_)), "{metric} is missing");
            world = world.series("d", metric, |_| 0.2);
        }
        assert!(matches!(world.read(|scene| of(scene, "d", &Reading::default())), Wellness::Well(_)));
    }
}
