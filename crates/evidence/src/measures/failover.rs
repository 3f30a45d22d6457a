//! State: databases that were restarted or moved, and what else was done to them, against the time of the alert.
//!
//! A failover, a restart or an upgrade cuts every connection and is over once the instance says that it is available; what
//! is over for longer than the half hour that is looked at explains nothing that begins after it (a cause does not come
//! back by itself). Backups, snapshots, announcements and changed settings that only wait for a restart do not cut
//! anything: they are named as what they are, coincidences.

use incident::{CandidateKind, Fault};
use telemetry::answer::StateRow;
use telemetry::time::SECOND_NS;

use super::Measure;
use crate::state::database::{self, Database};
use crate::state::{Bystander, Innocence, Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "failover",
    finds: "databases that were restarted or moved lately, and what was done to them that explains nothing",
    questions: &["state"],
};

/// Seconds before the alert in which an interruption may explain it.
const NEAR_SECONDS: i64 = 1800;
/// Words of what cuts connections.
const CUTS: [&str; 8] =
    ["failover", "restart", "reboot", "shutdown", "shut down", "version upgrade", "recovery of the", "crash"];
/// Words of what was done and cuts nothing by itself.
const DONE: [&str; 7] =
    ["backup", "snapshot", "parameter group", "maintenance", "promot", "configuration", "resiz"];
/// Words of an end.
const ENDS: [&str; 5] = ["finished", "completed", "complete", "is available", "successfully"];
/// Words of what has not happened.
const ANNOUNCED: [&str; 3] = ["will undergo", "needs to be rebooted", "is scheduled"];

/// Reads what was done to the databases.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let mut reading = Reading::default();
    for database in database::all(*scene).iter().filter(|database| database.replica_of.is_empty()) {
        of(database, &mut reading);
    }
    reading
}

fn of(database: &Database<'_>, reading: &mut Reading) {
    let events: Vec<&StateRow> = database.events().collect();
    let is_end = |event: &&&StateRow| wording::says(&event.text, &ENDS);
    let is_cut = |event: &StateRow| {
        wording::says(&event.text, &CUTS)
            && !wording::says(&event.text, &ANNOUNCED)
            && !wording::says(&event.text, &ENDS)
    };
    let mut last_end = None;
    for (place, event) in events.iter().enumerate() {
        let end = events.iter().skip(place + 1).find(is_end).map(|end| end.at);
        if is_cut(event) {
            // Steps of one interruption have one end.
            if last_end.is_some() && last_end == end {
                continue;
            }
            last_end = end;
            let lead = database.scene.at.since(event.at);
            if end.is_none() || lead <= NEAR_SECONDS * SECOND_NS {
                reading.troubles.push(cut(database, event, end));
            } else {
                reading.bystanders.push(bystander(database, event, end, Innocence::Over));
            }
        } else if wording::says(&event.text, &DONE) && !is_end(&event) {
            let innocence = if database.scene.at.since(event.at) > NEAR_SECONDS * SECOND_NS {
                Innocence::Over
            } else {
                Innocence::Coincides
            };
            reading.bystanders.push(bystander(database, event, end, innocence));
        }
    }
}

fn ended(end: Option<telemetry::UnixNanos>) -> String {
    end.map_or("its end is not told".to_owned(), |end| format!("completed at {} UTC", end.clock()))
}

fn cut(database: &Database<'_>, event: &StateRow, end: Option<telemetry::UnixNanos>) -> Trouble {
    let says = format!(
        "`{}` was interrupted at {} UTC (\"{}\"), {}",
        database.name,
        event.at.clock(),
        wording::short(&event.text),
        ended(end)
    );
    let mut found = Trouble::new(Fault::Failover, database.name, says, SeenIn::State);
    found.since = Some(event.at);
    found.resource = event.status.clone();
    found.numbers = vec![("minutes_before_alert", database.scene.minutes_before(event.at))];
    found
}

fn bystander(
    database: &Database<'_>,
    event: &StateRow,
    end: Option<telemetry::UnixNanos>,
    innocence: Innocence,
) -> Bystander {
    let why = match (innocence, end) {
        (Innocence::Over, Some(_)) => format!("{}, long before the alert: historical, resolved", ended(end)),
        (Innocence::Over, None) => "done long before the alert".to_owned(),
        _ => "it coincides, and cuts or slows nothing by itself".to_owned(),
    };
    Bystander {
        innocence,
        kind: CandidateKind::Change,
        service: database.name.to_owned(),
        name: wording::short(&event.text),
        says: format!(
            "{} UTC, {}: \"{}\" - {why}",
            event.at.clock(),
            event.name,
            wording::short(&event.text)
        ),
        numbers: vec![("minutes_before_alert", database.scene.minutes_before(event.at))],
        seen_in: SeenIn::State,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{World, faults};

    const BEGAN: (&str, &str) = ("failover", "A failover has been initiated.");
    const ENDED: (&str, &str) = ("failover", "The failover completed; the instance is available.");

    fn at(minutes: i64) -> Reading {
        let world = World::default().database("d", "").event("d", "d", BEGAN, minutes);
        world.event("d", "d", ENDED, minutes - 1).read(read)
    }

    #[test]
    fn a_failover_counts_near_the_alert_and_while_it_lasts() {
        assert_eq!(faults(&at(10)), ["failover"]);
        let over = at(300);
        assert!(over.troubles.is_empty());
        assert_eq!(over.bystanders[0].innocence, Innocence::Over);
        let lasting = World::default().database("d", "").event("d", "d", BEGAN, 300).read(read);
        assert_eq!(faults(&lasting), ["failover"]);
    }

    #[test]
    fn a_backup_that_coincides_is_named_and_blamed_for_nothing() {
        let backup = ("backup", "Automated backup started.");
        let backup = World::default().database("d", "").event("d", "d", backup, 5).read(read);
        assert!(backup.troubles.is_empty());
        assert_eq!(backup.bystanders[0].innocence, Innocence::Coincides);
        let other = ("notification", "Something else was noticed.");
        assert_eq!(
            World::default().database("d", "").event("d", "d", other, 5).read(read),
            Reading::default()
        );
    }
}
