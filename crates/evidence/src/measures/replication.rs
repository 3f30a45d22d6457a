//! State: a replica that falls behind, and what is written meanwhile.
//!
//! PostgreSQL, "Log-Shipping Standby Servers": a standby applies the write-ahead log of its primary with one process, so
//! that a burst of writes on the primary, by as many sessions as it likes, is what it cannot follow. Shown by the figure
//! of the lag or by an event that tells one, together with a driver: more log written than at first, by a statement that
//! writes. A lag of up to five minutes is normal where nothing is written (a segment is shipped when it is full or after
//! `archive_timeout`, five minutes where databases are hosted).

use incident::{CandidateKind, Fault};
use telemetry::answer::StateRow;
use telemetry::answer::state::metric;

use super::Measure;
use crate::state::database::{self, Database, Trend, is_write, load};
use crate::state::{Bystander, Innocence, Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "replication",
    finds: "replicas that fall behind their primary, and the writing that they cannot follow",
    questions: &["series_change", "state"],
};

/// Seconds of lag that are no accident.
const LAG_SECONDS: f64 = 300.0;
/// How many times as much log as at first is a burst.
const BURST: f64 = 3.0;
/// Bytes of log a second below which nobody falls behind.
const LOG_MIN: f64 = 1e7;
/// Share of the slices' largest lag below which a replica catches up.
const CATCHING_UP: f64 = 0.5;

/// Reads the replicas of every database.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let mut reading = Reading::default();
    for primary in database::all(*scene).iter().filter(|database| database.replica_of.is_empty()) {
        for replica in primary.replicas() {
            behind(primary, &replica, &mut reading);
        }
        // A replica whose primary is not told of.
        if !primary.trend(metric::REPLICATION_LAG).is_empty() {
            behind(primary, primary, &mut reading);
        }
    }
    reading
}

fn behind(primary: &Database<'_>, replica: &Database<'_>, reading: &mut Reading) {
    let lag = replica.trend(metric::REPLICATION_LAG);
    let told = told_lag(primary, replica);
    if lag.is_empty() {
        let text = format!("no figure of the replication lag of `{}`", replica.name);
        reading.gaps.push((text, "how far it is behind, unless an event tells it"));
    }
    let is_behind = lag.last() >= LAG_SECONDS && lag.last() >= CATCHING_UP * lag.most();
    let is_told = lag.is_empty() && told.is_some_and(|(_, seconds)| seconds >= LAG_SECONDS);
    if !is_behind && !is_told {
        if lag.most() >= LAG_SECONDS {
            reading.bystanders.push(caught_up(replica, &lag));
        }
        return;
    }
    let wal = primary.trend(metric::LOG_WRITTEN);
    let writes = primary.trend(metric::WRITES);
    let is_burst = |trend: &Trend| !trend.is_empty() && trend.most() >= BURST * trend.start_low().max(1.0);
    let writer = primary.heaviest(is_write);
    let is_driven = (is_burst(&wal) && wal.now() >= LOG_MIN) || (wal.is_empty() && is_burst(&writes));
    let seconds = if is_behind { lag.last() } else { told.map_or(0.0, |(_, seconds)| seconds) };
    let how = if is_behind {
        format!("{:.0} s behind, {:.0} s at first", seconds, lag.start_low())
    } else {
        format!("more than {seconds:.0} s behind by its events; the figure of the lag is missing")
    };
    let written = if is_driven { written(primary.name, &wal, &writes) } else { String::new() };
    let says = format!(
        "the replication lag of replica `{}` grows ({how}){written}{}",
        replica.name,
        writer.map_or(String::new(), |(row, share)| by_whom(primary, row, share))
    );
    let mut found = Trouble::new(
        Fault::ReplicationLag,
        primary.name,
        says,
        if is_behind { SeenIn::Series } else { SeenIn::State },
    );
    found
        .seen_in
        .extend([SeenIn::Series, SeenIn::State].into_iter().filter(|_| writer.is_some() || is_driven));
    found.seen_in.sort_unstable();
    found.seen_in.dedup();
    found.instances = vec![replica.name.to_owned()];
    found.resource = writer.map_or(String::new(), |(row, _)| row.text.clone());
    found.since = wal.first_at(BURST * wal.start_low().max(1.0)).or(told.map(|(at, _)| at));
    found.numbers = vec![
        ("lag_seconds", seconds),
        ("log_bytes_per_s_first", wal.start_low()),
        ("log_bytes_per_s_now", wal.now()),
        ("writes_per_s_first", writes.start_low()),
        ("writes_per_s_now", writes.now()),
    ];
    if let Some((row, _)) = writer.filter(|_| is_driven) {
        found.trigger = format!("\"{}\" began", wording::short(&row.text));
        found.condition = "a replica applies the log with one process".to_owned();
        found.sustained_by = "the writing goes on at this rate".to_owned();
    }
    if !is_driven {
        found.missing = "what keeps the replica from following: no more is written than at first".to_owned();
    }
    reading.troubles.push(found);
}

/// A replica that was behind and is not any more, or less and less.
fn caught_up(replica: &Database<'_>, lag: &Trend) -> Bystander {
    Bystander {
        innocence: Innocence::Over,
        kind: CandidateKind::Resource,
        service: replica.name.to_owned(),
        name: "replication lag".to_owned(),
        says: format!(
            "`{}` was {:.0} s behind and catches up: {:.0} s now",
            replica.name,
            lag.most(),
            lag.last()
        ),
        numbers: vec![("lag_seconds_most", lag.most()), ("lag_seconds", lag.last())],
        seen_in: SeenIn::Series,
    }
}

/// How much more is written than at first.
fn written(name: &str, wal: &Trend, writes: &Trend) -> String {
    format!(
        ": `{name}` writes {:.0} MB of WAL a second, {:.0} at first ({:.0} writes a second, {:.0} at first), more than a \
         replica can apply",
        wal.now() / 1e6,
        wal.start_low() / 1e6,
        writes.now(),
        writes.start_low()
    )
}

/// The statement that writes most, and who sends it.
fn by_whom(primary: &Database<'_>, writer: &StateRow, share: f64) -> String {
    format!(
        "; {:.0} % of the load is the write \"{}\"{} ({:.1} sessions, waiting mostly for {})",
        100.0 * share,
        wording::short(&writer.text),
        by(primary),
        load(writer),
        largest_wait(writer)
    )
}

/// The lag that the last event about it tells: of one that says that it is over, the small one.
fn told_lag(primary: &Database<'_>, replica: &Database<'_>) -> Option<(telemetry::UnixNanos, f64)> {
    let of = |event: &&StateRow| {
        (event.name == replica.name || event.text.contains(replica.name))
            && wording::says(&event.text, &["replication lag", "replica lag"])
            && primary.scene.is_fresh(event.at)
    };
    let last = primary.events().filter(of).last()?;
    let seconds = wording::largest_with_unit(&last.text, &["seconds", "s", "sec", "secs"])?;
    Some((last.at, seconds))
}

/// The client with most load.
fn by(primary: &Database<'_>) -> String {
    let clients = primary.scene.of(telemetry::answer::StateKind::Client);
    let users = clients.filter(|row| row.service == primary.name && row.attribute("by") == "user");
    let most = users.max_by(|a, b| load(a).total_cmp(&load(b)).then_with(|| b.name.cmp(&a.name)));
    most.map_or(String::new(), |row| format!(" by {}", row.name))
}

fn largest_wait(row: &StateRow) -> &str {
    let waits =
        row.figures.iter().filter_map(|(name, value)| Some((name.strip_prefix("wait.")?, value.get())));
    waits.max_by(|a, b| a.1.total_cmp(&b.1)).map_or("nothing that is told", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{World, faults};

    fn pair() -> World {
        World::default().database("d", "").database("r", "d")
    }

    fn burst(world: World) -> World {
        let world = world.series("d", metric::LOG_WRITTEN, |slice| if slice < 2 { 4e6 } else { 2e8 });
        world.statement("d", "INSERT INTO t", 5.0, &[("WALWrite", 4.0)])
    }

    fn lagging(world: World) -> World {
        world.series("r", metric::REPLICATION_LAG, |slice| 100.0 * slice as f64)
    }

    #[test]
    fn a_lag_with_a_burst_of_writes_is_a_cause_with_its_writer() {
        let shown = lagging(burst(pair())).read(read);
        assert_eq!(faults(&shown), ["replication_lag"]);
        assert!(shown.troubles[0].is_shown());
        assert_eq!(
            (shown.troubles[0].service.as_str(), shown.troubles[0].resource.as_str()),
            ("d", "INSERT INTO t")
        );
        let untold = lagging(pair()).read(read);
        assert!(!untold.troubles[0].is_shown(), "nothing drives it");
    }

    #[test]
    fn an_event_stands_for_the_figure_and_a_small_or_passing_lag_is_nothing() {
        let said = ("read_replica", "replication lag of r has exceeded 900 seconds");
        let told = burst(pair()).event("d", "r", said, 5).read(read);
        assert_eq!(faults(&told), ["replication_lag"]);
        assert_eq!(told.gaps.len(), 1);
        let small = ("read_replica", "replication lag of r has exceeded 60 seconds");
        assert!(burst(pair()).event("d", "r", small, 5).read(read).troubles.is_empty());
        let passing = |slice: usize| if slice == 5 { 2000.0 } else { 1.0 };
        let passed = burst(pair()).series("r", metric::REPLICATION_LAG, passing).read(read);
        assert!(passed.troubles.is_empty());
        assert_eq!(passed.bystanders[0].innocence, Innocence::Over);
        assert!(burst(pair()).series("r", metric::REPLICATION_LAG, |_| 2.0).read(read).troubles.is_empty());
    }
}
