//! A database as its metrics, waits, statements and events show it.
//!
//! What the load waits for tells what it is short of: the class of wait events with most of the load is the bottleneck
//! (PostgreSQL, "The Cumulative Statistics System", wait events; the same is what load charts by wait are for).

use std::collections::BTreeMap;

use telemetry::answer::{SeriesFigures, StateKind, StateRow};
use telemetry::time::Window;

use super::{Scene, wording};

/// Slices that are "now": six minutes at slices of two.
const NOW_SLICES: usize = 3;
/// Words that a statement of the database itself begins with: work that no client waits for and that may take all the
/// same volume. PostgreSQL: "Routine Database Maintenance Tasks", "WAL Configuration"; MySQL: `OPTIMIZE TABLE`.
const BACKGROUND: [&str; 11] = [
    "autovacuum",
    "vacuum",
    "analyze",
    "reindex",
    "create index",
    "create unique index",
    "cluster ",
    "optimize table",
    "checkpoint",
    "postgres: checkpointer",
    "postgres: autovacuum",
];
/// Words that a statement which writes begins with.
const WRITES: [&str; 7] = ["insert", "update", "delete", "merge", "copy", "truncate", "create table"];

/// One database instance.
#[derive(Debug, Clone, Copy)]
pub struct Database<'a> {
    /// Everything that is known.
    pub scene: Scene<'a>,
    /// Its name.
    pub name: &'a str,
    /// The instance that it replicates, empty when none.
    pub replica_of: &'a str,
}

/// A figure over the slices of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trend(Vec<(Window, SeriesFigures)>);

impl Trend {
    /// Whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mean of the last slices; 0 when there are none.
    #[must_use]
    pub fn now(&self) -> f64 {
        let last = self.0.iter().rev().take(NOW_SLICES).map(|(_, figures)| figures.mean.get());
        last.sum::<f64>() / self.0.len().clamp(1, NOW_SLICES) as f64
    }

    /// The last slice; 0 when there is none.
    #[must_use]
    pub fn last(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, figures)| figures.mean.get())
    }

    /// The largest value of the last slice.
    #[must_use]
    pub fn last_max(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, figures)| figures.max.get())
    }

    /// The smallest value of the last slice.
    #[must_use]
    pub fn last_min(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, figures)| figures.min.get())
    }

    /// The smallest value of the first slice: what it was before it rose.
    #[must_use]
    pub fn start_low(&self) -> f64 {
        self.0.first().map_or(0.0, |(_, figures)| figures.min.get())
    }

    /// The largest value of the first slice: what it was before it fell.
    #[must_use]
    pub fn start_high(&self) -> f64 {
        self.0.first().map_or(0.0, |(_, figures)| figures.max.get())
    }

    /// The largest value of all.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.0.iter().map(|(_, figures)| figures.max.get()).fold(0.0, f64::max)
    }

    /// The smallest value of all; 0 when there is none.
    #[must_use]
    pub fn least(&self) -> f64 {
        let least = self.0.iter().map(|(_, figures)| figures.min.get()).reduce(f64::min);
        least.unwrap_or(0.0)
    }

    /// The beginning of the first slice whose largest value reaches `bound`.
    #[must_use]
    pub fn first_at(&self, bound: f64) -> Option<telemetry::UnixNanos> {
        self.0.iter().find(|(_, figures)| figures.max.get() >= bound).map(|(window, _)| window.from)
    }

    /// How many times what it was at the start it is now; `floor` is added to both.
    #[must_use]
    pub fn growth(&self, floor: f64) -> f64 {
        (self.now() + floor) / (self.start_low() + floor)
    }

    /// Seconds from the first slice to the last.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        match (self.0.first(), self.0.last()) {
            (Some((first, _)), Some((last, _))) => last.from.since(first.from) as f64 / 1e9,
            _ => 0.0,
        }
    }
}

/// All databases of a scene, by name.
#[must_use]
pub fn all<'a>(scene: Scene<'a>) -> Vec<Database<'a>> {
    scene
        .of(StateKind::Database)
        .map(|row| Database { scene, name: &row.service, replica_of: row.attribute("replica_of") })
        .collect()
}

impl<'a> Database<'a> {
    /// A metric of it.
    #[must_use]
    pub fn trend(&self, metric: &str) -> Trend {
        let of_slice = |(window, rows): &(Window, &'a [telemetry::answer::SeriesRow])| {
            let mut found = rows.iter().filter(|row| row.service == self.name && row.metric == metric);
            found.find(|row| row.bad.n > 0).map(|row| (*window, row.bad))
        };
        Trend(self.scene.slices.iter().filter_map(of_slice).collect())
    }

    /// Its replicas.
    #[must_use]
    pub fn replicas(&self) -> Vec<Database<'a>> {
        all(self.scene).into_iter().filter(|other| other.replica_of == self.name).collect()
    }

    /// Its events, oldest first: those that name it.
    pub fn events(&self) -> impl Iterator<Item = &'a StateRow> + use<'a> {
        let (name, scene) = (self.name, self.scene);
        scene.of(StateKind::Event).filter(move |row| row.name == name || row.service == name)
    }

    /// Average active sessions by class of wait, and their share of all: empty when nothing is told.
    #[must_use]
    pub fn waits(&self) -> Waits<'a> {
        let mut by_class: BTreeMap<&str, f64> = BTreeMap::new();
        let mut largest: Option<(&str, f64)> = None;
        for row in self.scene.of(StateKind::Wait).filter(|row| row.service == self.name) {
            let load = row.figure("load").unwrap_or(0.0);
            *by_class.entry(row.attribute("class")).or_default() += load;
            if largest.is_none_or(|(_, most)| load > most) {
                largest = Some((&row.name, load));
            }
        }
        Waits { total: by_class.values().sum(), by_class, largest: largest.map_or("", |(name, _)| name) }
    }

    /// Its statements, the one with most load first.
    #[must_use]
    pub fn statements(&self) -> Vec<&'a StateRow> {
        let mut rows: Vec<&StateRow> =
            self.scene.of(StateKind::Statement).filter(|row| row.service == self.name).collect();
        rows.sort_by(|a, b| load(b).total_cmp(&load(a)).then_with(|| a.text.cmp(&b.text)));
        rows
    }

    /// The statement with most load that `is` meant, and its share of the load of all statements.
    pub fn heaviest(&self, is: impl Fn(&StateRow) -> bool) -> Option<(&'a StateRow, f64)> {
        let rows = self.statements();
        let all: f64 = rows.iter().map(|row| load(row)).sum();
        let found = rows.into_iter().find(|row| is(row))?;
        (all > 0.0).then(|| (found, load(found) / all))
    }

    /// Sessions that are active now: the metric, else the load of all waits.
    #[must_use]
    pub fn active(&self) -> f64 {
        let trend = self.trend(telemetry::answer::state::metric::LOAD);
        if trend.is_empty() { self.waits().total } else { trend.now() }
    }
}

/// The load of a statement, wait or client.
#[must_use]
pub fn load(row: &StateRow) -> f64 {
    row.figure("load").unwrap_or(0.0)
}

/// Whether a statement is the database's own background work.
#[must_use]
pub fn is_background(row: &StateRow) -> bool {
    let text = row.text.trim_start().to_lowercase();
    BACKGROUND.iter().any(|word| text.starts_with(word))
}

/// Whether a statement writes.
#[must_use]
pub fn is_write(row: &StateRow) -> bool {
    let text = row.text.to_lowercase();
    let bare = text.trim_start().trim_start_matches("begin;").trim_start();
    WRITES.iter().any(|word| bare.starts_with(word))
        || (bare.starts_with("with ") && wording::says(bare, &["insert into", "update ", "delete from"]))
}

/// The share of a statement's load that waits for something of this class, by the wait rows of its database.
#[must_use]
pub fn share_in_class(database: &Database<'_>, statement: &StateRow, class: &str) -> f64 {
    let of_class = |wait: &str| {
        database
            .scene
            .of(StateKind::Wait)
            .any(|row| row.service == database.name && row.name == wait && row.attribute("class") == class)
    };
    let waits =
        statement.figures.iter().filter_map(|(name, value)| Some((name.strip_prefix("wait.")?, value)));
    let in_class: f64 = waits.filter(|(name, _)| of_class(name)).map(|(_, value)| value.get()).sum();
    let all = load(statement);
    if all > 0.0 { in_class / all } else { 0.0 }
}

/// What the load of a database waits for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waits<'a> {
    /// Average active sessions by class.
    pub by_class: BTreeMap<&'a str, f64>,
    /// All of them; shares when the source tells shares.
    pub total: f64,
    /// The wait event with most load, empty when nothing is told.
    pub largest: &'a str,
}

impl Waits<'_> {
    /// Whether anything is told.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.total > 0.0
    }

    /// The share of a class, 0 to 1.
    #[must_use]
    pub fn share(&self, class: &str) -> f64 {
        let load = self.by_class.get(class).copied().unwrap_or(0.0);
        if self.total > 0.0 { load / self.total } else { 0.0 }
    }
}
