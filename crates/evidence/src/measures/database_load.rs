//! State: what a database is short of, by what its load waits for: processors, locks, its volume, or room for its own
//! background work.
//!
//! The load is the mean number of active sessions, split by what each waits for; the class with most of it is the
//! bottleneck (PostgreSQL, "The Cumulative Statistics System", table of wait event types). A processor in use is a cause
//! only where most sessions want a processor: sessions that wait for something else keep it busy, too, and then it is an
//! effect. A lock matters once a whole session waits for one all the time. Background work (vacuum, checkpoints, an index
//! build; PostgreSQL, "Routine Vacuuming", "WAL Configuration") that makes most of the load takes what requests need.
//!
//! Where nothing tells that anything is still written and the room on the volume is not told, whoever holds a lock need not be to blame.
//! Without the load by wait a busy processor is a candidate, and no more: what it is busy with is not told.

use incident::{CandidateKind, Fault};
use telemetry::answer::StateRow;
use telemetry::answer::state::metric;

use super::Measure;
use crate::state::database::{self, Database, Trend, is_background, load};
use crate::state::{Bystander, Innocence, Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "database_load",
    finds: "what a database is short of: processors, locks, its volume, or room beside its own background work",
    questions: &["series_change", "state"],
};

/// Share of the processors from which waiting for them grows: in the simplest queue, four times the time served (M/M/1,
/// Kleinrock 1975).
const CPU_BUSY: f64 = 0.8;
/// Share of its own peak from which a processor rests again.
const RESTING: f64 = 0.5;
/// Share of the load that makes a class, or a kind of work, the bottleneck.
const DOMINANT: f64 = 0.5;
/// Sessions that must wait all the time.
const SESSIONS_MIN: f64 = 1.0;
/// Growth that is worth a word.
const GROWTH_MIN: f64 = 1.3;
/// Seconds of one read or write from which the volume is slow: ten times what block storage takes (single
/// milliseconds).
const SLOW_SECONDS: f64 = 0.02;
/// Share of the most writes from which nothing is written any more.
const STALLED: f64 = 0.02;
/// Share of a burst allowance below which the volume is throttled.
const BURST_LEFT: f64 = 0.02;

/// Reads the load of every database.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let mut reading = Reading::default();
    for database in database::all(*scene).iter().filter(|database| database.replica_of.is_empty()) {
        maintenance(database, &mut reading);
        processors(database, &mut reading);
        locks(database, &mut reading);
        volume(database, &mut reading);
        if !database.waits().is_told() {
            let text = format!("no load by wait event of `{}`", database.name);
            reading.gaps.push((text, "what its sessions wait for, and which statement makes them"));
        }
    }
    reading
}

fn maintenance(database: &Database<'_>, reading: &mut Reading) {
    let statements = database.statements();
    let all: f64 = statements.iter().map(|row| load(row)).sum();
    let own: f64 = statements.iter().filter(|row| is_background(row)).map(|row| load(row)).sum();
    let Some(heaviest) = statements.iter().find(|row| is_background(row)) else { return };
    if all <= 0.0 || own / all < DOMINANT || database.active() * own / all < SESSIONS_MIN {
        return;
    }
    let waits = database.waits();
    let queue = database.trend(metric::DISK_QUEUE);
    let writes = database.trend(metric::WRITES);
    let wal = database.trend(metric::LOG_WRITTEN);
    let mut says = format!(
        "the own background work of `{}` takes {:.0} % of its load: {} ({:.1} sessions), waiting for {}",
        database.name,
        100.0 * own / all,
        wording::short(&heaviest.text),
        load(heaviest),
        waits.largest
    );
    if !writes.is_empty() {
        says += &format!(
            "; writes grew from {:.0} to {:.0} a second, requests waiting for the volume from {:.1} to {:.1}, WAL from \
             {:.0} to {:.0} MB/s",
            writes.start_low(),
            writes.now(),
            queue.start_low(),
            queue.now(),
            wal.start_low() / 1e6,
            wal.now() / 1e6
        );
    }
    let checkpoints = database.events().find(|event| {
        database.scene.is_fresh(event.at)
            && wording::says(&event.text, &["checkpoints are occurring too frequently", "checkpoint"])
            && wording::says(&event.text, &["frequently", "storm"])
    });
    let mut found = Trouble::new(Fault::MaintenanceLoad, database.name, says, SeenIn::State);
    if !writes.is_empty() {
        found.seen_in.push(SeenIn::Series);
    }
    found.resource.clone_from(&heaviest.text);
    found.since = writes.first_at(GROWTH_MIN * writes.start_low().max(1.0));
    found.numbers = vec![
        ("share_of_load", own / all),
        ("sessions", load(heaviest)),
        ("writes_per_s_first", writes.start_low()),
        ("writes_per_s_now", writes.now()),
        ("disk_queue_now", queue.now()),
    ];
    found.trigger = format!("{} began", wording::short(&heaviest.text));
    if let Some(event) = checkpoints {
        found.condition =
            "the WAL between checkpoints is small for what is written (max_wal_size)".to_owned();
        found.sustained_by = format!(
            "each checkpoint flushes what was written and is followed by the next (\"{}\")",
            wording::short(&event.text)
        );
    }
    reading.troubles.push(found);
}

fn processors(database: &Database<'_>, reading: &mut Reading) {
    let trend = database.trend(metric::CPU);
    if trend.is_empty() {
        let text = format!("no figure of the processors of `{}`", database.name);
        reading.gaps.push((text, "whether they are saturated"));
        return;
    }
    let is_busy = trend.now() >= CPU_BUSY;
    let waits = database.waits();
    if is_busy && (waits.share("cpu") >= DOMINANT || !waits.is_told()) {
        reading.troubles.push(saturated(database, &trend));
    } else if is_busy || trend.growth(0.01) >= GROWTH_MIN || trend.most() >= CPU_BUSY {
        reading.bystanders.push(used(database, &trend));
    }
}

fn percent(share: f64) -> f64 {
    100.0 * share
}

fn figures(database: &Database<'_>, trend: &Trend) -> Vec<(&'static str, f64)> {
    let on_cpu = database.waits().share("cpu");
    vec![("cpu_first", trend.start_low()), ("cpu_now", trend.now()), ("share_of_load_on_cpu", on_cpu)]
}

/// Processors that most of the load wants, or of which nobody tells who wants them.
fn saturated(database: &Database<'_>, trend: &Trend) -> Trouble {
    let waits = database.waits();
    let reader = database.heaviest(|row| !is_background(row)).filter(|_| waits.is_told());
    let what = match reader {
        Some((row, share)) => format!(
            "the query \"{}\" makes {:.0} % of the load ({:.1} sessions), and {:.0} % of all load is {}",
            wording::short(&row.text),
            percent(share),
            load(row),
            percent(waits.share("cpu")),
            waits.largest
        ),
        None => "what runs on them is not told".to_owned(),
    };
    let says = format!(
        "the CPU of `{}` is saturated ({:.0} % used, {:.0} % at first): {what}",
        database.name,
        percent(trend.now()),
        percent(trend.start_low())
    );
    let mut found = Trouble::new(Fault::CpuSaturated, database.name, says, SeenIn::Series);
    found.since = trend.first_at(CPU_BUSY);
    found.resource = reader.map_or(String::new(), |(row, _)| row.text.clone());
    found.numbers = figures(database, trend);
    if waits.is_told() {
        found.seen_in.push(SeenIn::State);
    } else {
        found.missing = "what the load of the database waits for".to_owned();
    }
    found
}

/// Processors that are used more than at first, and are not what the load waits for.
fn used(database: &Database<'_>, trend: &Trend) -> Bystander {
    let waits = database.waits();
    let wants_cpu =
        |row: &StateRow| !is_background(row) && database::share_in_class(database, row, "cpu") >= DOMINANT;
    let who = database.heaviest(wants_cpu).map_or(String::new(), |(row, _)| {
        format!("; what runs on them is mostly \"{}\", which is another thing", wording::short(&row.text))
    });
    let (innocence, why) = if trend.now() >= CPU_BUSY {
        let share = percent(waits.share("cpu"));
        let largest = waits.largest;
        let why = format!(
            "only {share:.0} % of the load wants them, most waits for {largest}: the CPU is an effect"
        );
        (Innocence::Effect, why)
    } else if trend.most() >= CPU_BUSY && trend.now() <= RESTING * trend.most() {
        (Innocence::Over, format!("it was {:.0} % and has recovered", percent(trend.most())))
    } else {
        let why = format!("under the {:.0} % at which requests begin to wait for them", percent(CPU_BUSY));
        (Innocence::WithinLimits, why)
    };
    Bystander {
        innocence,
        kind: CandidateKind::Resource,
        service: database.name.to_owned(),
        name: "cpu".to_owned(),
        says: format!(
            "the CPU of `{}` rose from {:.0} to {:.0} %: {why}{who}; it is not the cause",
            database.name,
            percent(trend.start_low()),
            percent(trend.now())
        ),
        numbers: figures(database, trend),
        seen_in: SeenIn::Series,
    }
}

fn locks(database: &Database<'_>, reading: &mut Reading) {
    let waits = database.waits();
    let waiting = database.active() * waits.share("lock");
    if waits.share("lock") < DOMINANT || waiting < SESSIONS_MIN {
        return;
    }
    let lock_share = |row: &StateRow| database::share_in_class(database, row, "lock");
    let waiter = database.heaviest(|row| lock_share(row) >= DOMINANT);
    let holder = database.heaviest(|row| lock_share(row) < DOMINANT);
    let who = |found: Option<(&StateRow, f64)>| {
        found.map_or("a statement that is not told".to_owned(), |(row, _)| {
            format!("\"{}\"", wording::short(&row.text))
        })
    };
    let mut found = Trouble::new(
        Fault::LockContention,
        database.name,
        format!(
            "{:.1} sessions of `{}` wait for locks ({:.0} % of its load, {}): {}",
            waiting,
            database.name,
            100.0 * waits.share("lock"),
            waits.largest,
            who(waiter)
        ),
        SeenIn::State,
    );
    found.resource = waiter.map_or(String::new(), |(row, _)| row.text.clone());
    found.numbers = vec![("sessions_waiting", waiting), ("share_of_load", waits.share("lock"))];
    if holder.is_some() {
        found.condition = format!("beside them runs {}", who(holder));
    }
    // Whoever holds a lock and runs writes something, or room is known not to be what is wanted.
    let writes = database.trend(metric::WRITES);
    let goes_on = !writes.is_empty() && writes.last() >= STALLED * writes.most();
    if !goes_on && database.trend(metric::STORAGE_FREE).is_empty() {
        found.missing =
            "who holds the locks and runs, or whether the volume has room: nothing tells that anything is written"
                .to_owned();
    }
    reading.troubles.push(found);
}

fn volume(database: &Database<'_>, reading: &mut Reading) {
    let waits = database.waits();
    let burst = database.trend(metric::BURST_LEFT);
    let is_throttled = !burst.is_empty() && burst.last_min() <= BURST_LEFT;
    let times = [metric::READ_TIME, metric::WRITE_TIME].map(|name| database.trend(name));
    let slowest = times.iter().map(Trend::now).fold(0.0, f64::max);
    let waiting = database.active() * waits.share("io");
    let is_slow = waits.share("io") >= DOMINANT && waiting >= SESSIONS_MIN && slowest >= SLOW_SECONDS;
    if !is_throttled && !is_slow {
        return;
    }
    let top = database.heaviest(|_| true);
    let mut says = format!(
        "the volume of `{}` takes {:.0} ms a request, and {:.1} sessions wait for it",
        database.name,
        1000.0 * slowest,
        waiting
    );
    if is_throttled {
        says += "; its burst allowance is used up";
    }
    if let Some((row, share)) = top {
        says += &format!("; {:.0} % of the load is \"{}\"", 100.0 * share, wording::short(&row.text));
    }
    let mut found = Trouble::new(Fault::DiskSaturated, database.name, says, SeenIn::Series);
    found.seen_in.push(SeenIn::State);
    found.resource = top.map_or("storage".to_owned(), |(row, _)| row.text.clone());
    found.numbers = vec![("seconds_a_request", slowest), ("sessions_waiting", waiting)];
    reading.troubles.push(found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{World, faults};

    fn busy() -> World {
        let world = World::default().database("d", "").series("d", metric::LOAD, |_| 8.0);
        world.series("d", metric::CPU, |slice| if slice < 2 { 0.2 } else { 0.95 })
    }

    #[test]
    fn busy_processors_are_a_cause_only_where_sessions_want_them() {
        let wanted = busy()
            .wait("d", "cpu", "CPU", 7.0)
            .wait("d", "io", "DataFileRead", 1.0)
            .statement("d", "SELECT a", 7.0, &[("CPU", 7.0)])
            .read(read);
        assert_eq!(faults(&wanted), ["cpu_saturated"]);
        assert_eq!(wanted.troubles[0].resource, "SELECT a");
        let other = busy().wait("d", "cpu", "CPU", 1.0).wait("d", "wal", "WALWrite", 7.0).read(read);
        assert!(other.troubles.is_empty());
        assert_eq!(other.bystanders[0].innocence, Innocence::Effect);
        let world = World::default().database("d", "").wait("d", "cpu", "CPU", 1.0);
        let rests = world.series("d", metric::CPU, |slice| if slice == 6 { 0.95 } else { 0.2 }).read(read);
        assert!(rests.troubles.is_empty());
        assert_eq!(rests.bystanders[0].innocence, Innocence::Over);
        let untold = busy().read(read);
        assert!(!untold.troubles[0].is_shown() && !untold.gaps.is_empty());
    }

    #[test]
    fn background_work_is_named_when_it_makes_most_of_the_load() {
        let with = |own: f64| {
            let world = busy().wait("d", "io", "WALWrite", 8.0).wait("d", "cpu", "CPU", 0.1);
            let world = world.statement("d", "autovacuum: VACUUM t", own, &[("WALWrite", own)]);
            faults(&world.statement("d", "SELECT 1", 2.0, &[("CPU", 2.0)]).read(read))
        };
        assert_eq!(with(6.0), ["maintenance_load"]);
        assert!(with(0.5).is_empty());
    }

    #[test]
    fn locks_count_when_a_session_waits_all_the_time_and_somebody_can_hold_them() {
        let locked = |sessions: f64, writes: f64| {
            let world = World::default().database("d", "").series("d", metric::LOAD, move |_| sessions);
            let world = world.series("d", metric::CPU, |_| 0.2);
            let falls = move |slice| if slice < 5 { 1000.0 } else { writes };
            let world = world.series("d", metric::WRITES, falls);
            let world = world.wait("d", "lock", "transactionid", 9.0).wait("d", "cpu", "CPU", 1.0);
            world.statement("d", "UPDATE t", 9.0, &[("transactionid", 9.0)]).read(read)
        };
        assert_eq!(faults(&locked(10.0, 900.0)), ["lock_contention"]);
        assert!(locked(10.0, 900.0).troubles[0].is_shown());
        assert!(!locked(10.0, 0.0).troubles[0].is_shown(), "room may be what is wanted");
        assert!(locked(0.5, 900.0).troubles.is_empty());
    }

    #[test]
    fn a_slow_volume_needs_sessions_that_wait_for_it() {
        let slow = |seconds: f64, io: f64| {
            let world = World::default().database("d", "").series("d", metric::LOAD, |_| 6.0);
            let world = world.series("d", metric::READ_TIME, move |_| seconds);
            let world = world.wait("d", "io", "DataFileRead", io).wait("d", "cpu", "CPU", 6.0 - io);
            faults(&world.read(read))
        };
        assert_eq!(slow(0.1, 5.0), ["disk_saturated"]);
        assert!(slow(0.1, 1.0).is_empty() && slow(0.002, 5.0).is_empty());
        let burst = World::default().database("d", "").series("d", metric::BURST_LEFT, |_| 0.0);
        assert_eq!(faults(&burst.read(read)), ["disk_saturated"]);
    }
}
