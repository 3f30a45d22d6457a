//! State: a database whose volume or memory is used up, or only shrinks.
//!
//! PostgreSQL, "Disk Full Failure": without room no write succeeds, while reads may. Shown by the figure of what is left,
//! or by what the database says of itself; without both it is a gap. A volume that fills and has room left is named with
//! the time until it is full: it is not what fails now.

use incident::{CandidateKind, Fault};
use telemetry::answer::state::metric;

use super::Measure;
use crate::state::database::{self, Database, Trend};
use crate::state::{Bystander, Innocence, Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "database_storage",
    finds: "databases without room on the volume or in memory, and how long what is left lasts",
    questions: &["log_templates", "series_change", "state"],
};

/// Share of the largest value below which nothing is left: a database reserves about that for itself.
const NOTHING_LEFT: f64 = 0.02;
/// Share from which there is room again: five times what a database reserves for itself.
const ROOM: f64 = 0.1;
/// Share below which memory is used up, when the host swaps as well.
const MEMORY_LEFT: f64 = 0.05;
/// Share that something must have lost to be worth a word.
const SHRUNK: f64 = 0.95;
/// Growth of swap from which the host swaps, and the bytes that everybody swaps.
const SWAP_GROWTH: f64 = 2.0;
const SWAP_FLOOR: f64 = 1e8;
const GB: f64 = 1e9;

/// Reads what is left.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let mut reading = Reading::default();
    for database in database::all(*scene).iter().filter(|database| database.replica_of.is_empty()) {
        storage(database, &mut reading);
        memory(database, &mut reading);
    }
    reading
}

fn storage(database: &Database<'_>, reading: &mut Reading) {
    let free = database.trend(metric::STORAGE_FREE);
    let scene = &database.scene;
    let is_full = |text: &str| wording::says(text, &wording::NO_ROOM);
    let said = database.events().find(|event| scene.is_fresh(event.at) && is_full(&event.text));
    let logged = scene.logs.iter().find(|row| is_full(&row.example));
    let share = if free.is_empty() { 1.0 } else { free.last_min() / free.most().max(1.0) };
    if free.is_empty() {
        let text = format!("no figure of the free storage of `{}`", database.name);
        reading.gaps.push((text, "whether its volume is full, unless it says so itself"));
    }
    let has_room = !free.is_empty() && share > ROOM;
    if has_room && (said.is_some() || free.least() <= NOTHING_LEFT * free.most()) {
        reading.bystanders.push(recovered(database, &free));
        return;
    }
    if said.is_none() && logged.is_none() && share > NOTHING_LEFT {
        reading.bystanders.extend(shrunk(database, "storage", &free));
        return;
    }
    let told = said.map(|event| event.text.as_str()).or(logged.map(|row| row.example.as_str()));
    let told = told.map_or(String::new(), |text| format!(" (\"{}\")", wording::short(text)));
    let writes = database.trend(metric::WRITES);
    let stalled = if !writes.is_empty() && writes.last() < NOTHING_LEFT * writes.most() {
        format!("; writes fell from {:.0} to {:.0} a second", writes.most(), writes.last())
    } else {
        String::new()
    };
    let left = if free.is_empty() {
        "the figure of free storage is missing, it says so itself".to_owned()
    } else {
        format!("{:.2} GB of storage space are left", free.last_min() / GB)
    };
    let mut found = Trouble::new(
        Fault::StorageFull,
        database.name,
        format!("`{}` has no storage space left{told}: {left}{stalled}", database.name),
        if said.is_some() { SeenIn::State } else { SeenIn::Logs },
    );
    if said.is_none() && logged.is_none() {
        found.seen_in = vec![SeenIn::Series];
    } else if !free.is_empty() || !writes.is_empty() {
        found.seen_in.push(SeenIn::Series);
    }
    found.since = said.map(|event| event.at).or(logged.map(|row| row.first));
    found.numbers = vec![("writes_per_s_most", writes.most()), ("writes_per_s_now", writes.last())];
    if !free.is_empty() {
        found.numbers.push(("storage_free_bytes", free.last_min()));
    }
    found.resource = "storage".to_owned();
    found.sustained_by = "writes wait for room that nobody makes".to_owned();
    reading.troubles.push(found);
}

fn memory(database: &Database<'_>, reading: &mut Reading) {
    let (free, swap) = (database.trend(metric::MEMORY_FREE), database.trend(metric::SWAP));
    let scene = &database.scene;
    let is_out = |text: &str| wording::says(text, &["out of memory", "oom", "cannot allocate memory"]);
    let said = database.events().find(|event| scene.is_fresh(event.at) && is_out(&event.text));
    let share = if free.is_empty() { 1.0 } else { free.last_min() / free.most().max(1.0) };
    let swaps = !swap.is_empty() && swap.growth(SWAP_FLOOR) >= SWAP_GROWTH;
    if said.is_none() && !(share <= MEMORY_LEFT && swaps) {
        reading.bystanders.extend(shrunk(database, "memory", &free).filter(|_| share < 0.5));
        return;
    }
    let says = format!(
        "`{}` has no memory left: {:.2} GB of {:.2} GB are free, and it swaps {:.2} GB",
        database.name,
        free.last_min() / GB,
        free.most() / GB,
        swap.now() / GB
    );
    let seen = if said.is_some() { SeenIn::State } else { SeenIn::Series };
    let mut found = Trouble::new(Fault::MemoryExhausted, database.name, says, seen);
    found.resource = "memory".to_owned();
    found.since = said.map(|event| event.at);
    found.numbers = vec![("memory_free_bytes", free.last_min()), ("swap_bytes", swap.now())];
    reading.troubles.push(found);
}

/// A volume that was full and has room again.
fn recovered(database: &Database<'_>, free: &Trend) -> Bystander {
    Bystander {
        innocence: Innocence::Over,
        kind: CandidateKind::Resource,
        service: database.name.to_owned(),
        name: "storage".to_owned(),
        says: format!(
            "the storage of `{}` was used up ({:.2} GB left at least) and has recovered: {:.0} GB are free",
            database.name,
            free.least() / GB,
            free.last() / GB
        ),
        numbers: vec![("storage_free_bytes_least", free.least()), ("storage_free_bytes", free.last_min())],
        seen_in: SeenIn::Series,
    }
}

/// Something that shrinks, with the time until nothing is left.
fn shrunk(database: &Database<'_>, what: &str, free: &Trend) -> Option<Bystander> {
    let (first, now) = (free.start_high(), free.last_min());
    if free.is_empty() || now >= SHRUNK * first {
        return None;
    }
    let minutes = now / ((first - now) / free.seconds().max(1.0)) / 60.0;
    Some(Bystander {
        innocence: Innocence::WithinLimits,
        kind: CandidateKind::Resource,
        service: database.name.to_owned(),
        name: what.to_owned(),
        says: format!(
            "free {what} of `{}` fell from {:.0} to {:.0} GB ({:.0} % left, {minutes:.0} minutes at this rate): \
             an effect, and not critical now",
            database.name,
            first / GB,
            now / GB,
            100.0 * now / first
        ),
        numbers: vec![("bytes_first", first), ("bytes_now", now), ("minutes_left", minutes)],
        seen_in: SeenIn::Series,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{World, faults};

    fn free(value: impl Fn(usize) -> f64) -> World {
        World::default().database("d", "").series("d", metric::STORAGE_FREE, value)
    }

    #[test]
    fn no_room_is_shown_by_the_figure_or_by_the_database_itself() {
        let fills = free(|slice| 1e11 - 5e9 * slice as f64);
        assert_eq!(faults(&free(|slice| if slice < 12 { 1e11 } else { 1e8 }).read(read)), ["storage_full"]);
        let said = ("failure", "the instance ran out of storage space");
        let alone = World::default().database("d", "").event("d", "d", said, 4).read(read);
        assert_eq!(faults(&alone), ["storage_full"]);
        assert_eq!(alone.gaps.len(), 1, "the figure is missing");
        assert!(World::default().database("d", "").event("d", "d", said, 60).read(read).troubles.is_empty());
        // Room that was made since tells that it is over, whatever was said.
        let again = free(|slice| if (5..12).contains(&slice) { 1e8 } else { 1e11 });
        for world in [again.clone(), again.event("d", "d", said, 10)] {
            let reading = world.read(read);
            assert!(reading.troubles.is_empty());
            assert_eq!(reading.bystanders[0].innocence, Innocence::Over);
        }
        let shrinking = fills.read(read);
        assert!(shrinking.troubles.is_empty());
        assert_eq!(shrinking.bystanders[0].innocence, Innocence::WithinLimits);
        assert_eq!(free(|_| 1e9).read(read), Reading::default(), "little room is no less than before");
    }

    #[test]
    fn memory_is_used_up_when_the_host_swaps_as_well() {
        let world = |swap: f64| {
            let world =
                free(|_| 1e11).series("d", metric::MEMORY_FREE, |slice| if slice < 5 { 1e10 } else { 1e8 });
            world.series("d", metric::SWAP, move |slice| if slice < 5 { 1e8 } else { swap }).read(read)
        };
        assert_eq!(faults(&world(4e9)), ["memory_exhausted"]);
        assert!(world(1e8).troubles.is_empty());
    }
}
