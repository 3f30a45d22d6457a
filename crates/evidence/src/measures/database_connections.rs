//! State: a database that accepts no further connection, and who holds those that it has.
//!
//! PostgreSQL, "Connections and Authentication": beyond `max_connections`, less the slots reserved for superusers, clients
//! are refused (SQLSTATE 53300). Sessions that wait for their client (`Client:ClientRead`) hold a slot and do nothing: the
//! client keeps them, idle or in an open transaction. Sessions that wait for a lock or a processor are an effect of that.

use incident::{CandidateKind, Fault};
use telemetry::answer::state::metric;

use super::Measure;
use crate::state::database::{self, Database, Trend};
use crate::state::{Bystander, Innocence, Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "database_connections",
    finds: "databases whose connections are used up, and what holds them",
    questions: &["log_templates", "series_change", "state"],
};

/// Share of the limit from which it counts as reached: PostgreSQL reserves three of a hundred by default.
const NEAR_LIMIT: f64 = 0.95;
/// Share of the limit under which there are slots again.
const ROOM: f64 = 0.8;
/// Growth that is worth a word when nobody is refused.
const GROWTH_MIN: f64 = 1.5;
/// Share of the load from which a class of wait is what sessions do.
const DOMINANT: f64 = 0.5;

/// Reads the connections.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let mut reading = Reading::default();
    for database in database::all(*scene) {
        reading.merge(of(&database));
    }
    reading
}

fn of(database: &Database<'_>) -> Reading {
    let mut reading = Reading::default();
    let trend = database.trend(metric::CONNECTIONS);
    let scene = &database.scene;
    let fresh = || database.events().filter(|event| scene.is_fresh(event.at));
    let limit = limit(database);
    let refused = fresh().find(|event| wording::says(&event.text, &wording::NO_SLOT));
    let in_logs = scene.logs.iter().find(|row| wording::says(&row.example, &wording::NO_SLOT));
    let share = limit.filter(|limit| *limit > 0.0 && !trend.is_empty()).map(|limit| trend.last_max() / limit);
    let is_full = share.is_some_and(|share| share >= NEAR_LIMIT);
    if share.is_some_and(|share| share < ROOM) && (refused.is_some() || was_full(&trend, limit)) {
        reading.bystanders.push(recovered(database, &trend));
        return reading;
    }
    if refused.is_none() && in_logs.is_none() && !is_full {
        reading.bystanders.extend(moved(database, limit));
        return reading;
    }
    let waits = database.waits();
    let held = match (limit, trend.is_empty()) {
        (Some(limit), false) => {
            format!("{:.0} of {limit:.0} connections (max_connections) are open", trend.last_max())
        }
        (None, false) => format!("{:.0} connections are open", trend.last_max()),
        _ => "how many are open is not told".to_owned(),
    };
    let told = refused.map(|event| event.text.as_str()).or(in_logs.map(|row| row.example.as_str()));
    let refusal =
        told.map_or(String::new(), |text| format!("; clients are refused (\"{}\")", wording::short(text)));
    let mut found = Trouble::new(
        Fault::ConnectionsExhausted,
        database.name,
        format!("`{}` accepts no further connection: {held}{refusal}{}", database.name, holder(database)),
        if is_full { SeenIn::Series } else { SeenIn::State },
    );
    if refused.is_some() || waits.is_told() || limit.is_some() {
        found.seen_in.push(SeenIn::State);
    }
    if in_logs.is_some() {
        found.seen_in.push(SeenIn::Logs);
    }
    found.numbers = vec![("connections", trend.last_max()), ("connections_first", trend.start_low())];
    found.numbers.extend(limit.map(|limit| ("connections_max", limit)));
    found.numbers.push(("share_waiting_for_client", waits.share("client")));
    found.since =
        trend.first_at(NEAR_LIMIT * limit.unwrap_or(f64::INFINITY)).or(refused.map(|event| event.at));
    if waits.share("client") >= DOMINANT {
        found.resource = database.heaviest(|_| true).map_or(String::new(), |(row, _)| row.text.clone());
        found.sustained_by = "idle client sessions keep their slots and wait for their client".to_owned();
    }
    reading.troubles.push(found);
    reading
}

fn was_full(trend: &Trend, limit: Option<f64>) -> bool {
    limit.is_some_and(|limit| trend.most() >= NEAR_LIMIT * limit)
}

/// Connections that were used up and are not any more.
fn recovered(database: &Database<'_>, trend: &Trend) -> Bystander {
    let (most, now) = (trend.most(), trend.last_max());
    Bystander {
        innocence: Innocence::Over,
        kind: CandidateKind::Resource,
        service: database.name.to_owned(),
        name: "connections".to_owned(),
        says: format!(
            "the connections of `{}` were used up ({most:.0}) and are free again: {now:.0} are open",
            database.name
        ),
        numbers: vec![("connections_most", most), ("connections", now)],
        seen_in: SeenIn::Series,
    }
}

/// What the sessions wait for, in words.
fn holder(database: &Database<'_>) -> String {
    let waits = database.waits();
    if !waits.is_told() {
        return String::new();
    }
    let share = |class: &str| 100.0 * waits.share(class);
    if waits.share("client") >= DOMINANT {
        return format!(
            "; the sessions are idle and held by their clients ({:.0} % of the load is {}), not by expensive statements",
            share("client"),
            waits.largest
        );
    }
    format!("; the sessions wait mostly for {}", waits.largest)
}

/// The most connections that are allowed: a figure of the database, or what an event says.
fn limit(database: &Database<'_>) -> Option<f64> {
    let rows = database.scene.of(telemetry::answer::StateKind::Database);
    let told = rows.filter(|row| row.name == database.name).find_map(|row| row.figure("connections_max"));
    let said = || {
        let events = database.events().filter(|event| wording::says(&event.text, &["connection"]));
        events.filter_map(|event| wording::part_of_whole(&event.text)).last().map(|(_, whole)| whole)
    };
    told.or_else(said)
}

fn moved(database: &Database<'_>, limit: Option<f64>) -> Option<Bystander> {
    let trend = database.trend(metric::CONNECTIONS);
    if trend.is_empty() || trend.growth(1.0) < GROWTH_MIN {
        return None;
    }
    let of = limit.map_or("no limit is told".to_owned(), |limit| format!("of {limit:.0}"));
    Some(Bystander {
        innocence: Innocence::WithinLimits,
        kind: CandidateKind::Resource,
        service: database.name.to_owned(),
        name: "connections".to_owned(),
        says: format!(
            "connections of `{}` grew from {:.0} to {:.0} ({of}), and nobody is refused: sessions pile up behind something",
            database.name,
            trend.start_low(),
            trend.now()
        ),
        numbers: vec![("connections", trend.now()), ("connections_first", trend.start_low())],
        seen_in: SeenIn::Series,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{World, faults};

    fn growing() -> World {
        let world = World::default().database("d", "");
        world.series("d", metric::CONNECTIONS, |slice| 200.0 + 20.0 * slice as f64)
    }

    #[test]
    fn a_limit_that_is_reached_or_a_client_that_is_refused_shows_it() {
        let limit = ("notification", "close to the limit: 450 of 490 connections");
        let full = growing().event("d", "d", limit, 3).wait("d", "client", "ClientRead", 5.0).read(read);
        assert_eq!(faults(&full), ["connections_exhausted"]);
        assert!(full.troubles[0].says.contains("held by their clients"), "{}", full.troubles[0].says);
        let refused = growing().log("x", 17, "FATAL: sorry, too many clients already", 1).read(read);
        assert_eq!(faults(&refused), ["connections_exhausted"]);
    }

    #[test]
    fn connections_that_are_free_again_are_over() {
        let limit = ("notification", "close to the limit: 480 of 490 connections");
        let world = World::default().database("d", "").event("d", "d", limit, 3);
        let world = world.series("d", metric::CONNECTIONS, |slice| if slice == 6 { 488.0 } else { 100.0 });
        let reading = world.read(read);
        assert!(reading.troubles.is_empty());
        assert_eq!(reading.bystanders[0].innocence, Innocence::Over);
    }

    #[test]
    fn a_refusal_without_the_figure_is_not_taken_for_over() {
        let limit = ("notification", "close to the limit: 480 of 490 connections");
        let refused = ("failure", "remaining connection slots are reserved");
        let world = World::default().database("d", "").event("d", "d", limit, 4).event("d", "d", refused, 2);
        assert_eq!(faults(&world.read(read)), ["connections_exhausted"]);
    }

    #[test]
    fn growth_without_a_limit_or_far_from_it_is_a_bystander_and_steadiness_is_nothing() {
        let far = ("notification", "now 450 of 5000 connections");
        for world in [growing(), growing().event("d", "d", far, 3)] {
            let reading = world.read(read);
            assert!(reading.troubles.is_empty());
            assert_eq!(reading.bystanders[0].innocence, Innocence::WithinLimits);
        }
        let steady = World::default().database("d", "").series("d", metric::CONNECTIONS, |_| 90.0);
        assert_eq!(steady.read(read), Reading::default());
    }
}
