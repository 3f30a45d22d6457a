//! The list of benchmarks, what each must reach, and what is said where none was measured.
//!
//! The bounds are the design's. How a figure is printed for people is the business of `cargo xtask bench`.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::measured;
use crate::ratio::Spread;

/// On which side of a number a figure must lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Smaller is better.
    AtMost(f64),
    /// Larger is better.
    AtLeast(f64),
}

impl Bound {
    /// Whether the value lies on the right side.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn json(self) -> Value {
        match self {
            Self::AtMost(most) => json!({ "at_most": most }),
            Self::AtLeast(least) => json!({ "at_least": least }),
        }
    }
}

/// One figure of a benchmark.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// What it is a figure of.
    pub what: &'static str,
    /// What it must reach.
    pub must: Bound,
    /// What it should reach.
    pub goal: Bound,
}

/// How a benchmark is run.
#[derive(Clone, Copy)]
pub enum Run {
    /// By this function.
    By(fn(&Settings) -> anyhow::Result<Outcome>),
    /// Not yet, and why.
    NotYet(&'static str),
}

/// One benchmark of the table.
pub struct Benchmark {
    /// `B1` to `B18`.
    pub id: &'static str,
    /// A word for it.
    pub name: &'static str,
    /// What is done and held against what.
    pub workload: &'static str,
    /// Its figures.
    pub measures: &'static [Measure],
    /// How it is run.
    pub run: Run,
}

impl std::fmt::Debug for Benchmark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Benchmark").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A system that is running already and takes OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// How the record calls it.
    pub name: String,
    /// Host and port.
    pub address: String,
}

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Of the generator.
    pub seed: u64,
    /// Turns of each side.
    pub rounds: usize,
    /// Requests a round; a benchmark may take a share of it.
    pub requests: usize,
    /// Seconds of overload.
    pub overload_seconds: u64,
    /// Where data directories are made.
    pub work_dir: PathBuf,
    /// This program, which is the child too.
    pub program: PathBuf,
    /// The release build of the product, where there is one.
    pub product: Option<PathBuf>,
    /// Seconds that a build into an empty folder took, where somebody measured it.
    pub cold_build_seconds: Option<f64>,
    /// A Python with the peers' packages, where there is one.
    pub python: Option<PathBuf>,
    /// What is running already.
    pub peers: Vec<Peer>,
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each measure; none where it could not be measured.
    pub values: Vec<Option<Spread>>,
    /// What stands behind them.
    pub figures: Map<String, Value>,
    /// What a reader must know: a peer that was not there, a part that is not measured.
    pub notes: Vec<String>,
}

impl Benchmark {
    /// The row of a run.
    #[must_use]
    pub fn row(&self, outcome: &Outcome) -> Value {
        let measures: Vec<Value> = self
            .measures
            .iter()
            .enumerate()
            .map(|(place, measure)| {
                let value = outcome.values.get(place).copied().flatten();
                json!({
                    "what": measure.what,
                    "must": measure.must.json(),
                    "goal": measure.goal.json(),
                    "value": value.as_ref().map(Spread::json),
                    "meets": value.map(|value| meets(measure, value.median)),
                })
            })
            .collect();
        json!({
            "id": self.id,
            "name": self.name,
            "workload": self.workload,
            "measures": measures,
            "figures": outcome.figures,
            "notes": outcome.notes,
        })
    }

    /// The row of a benchmark that was not run, with the reason.
    #[must_use]
    pub fn unmeasured(&self, reason: &str) -> Value {
        self.row(&Outcome { notes: vec![reason.to_owned()], ..Outcome::default() })
    }
}

fn meets(measure: &Measure, value: f64) -> &'static str {
    if measure.goal.holds(value) {
        "goal"
    } else if measure.must.holds(value) {
        "must"
    } else {
        "no"
    }
}

const fn most(what: &'static str, must: f64, goal: f64) -> Measure {
    Measure { what, must: Bound::AtMost(must), goal: Bound::AtMost(goal) }
}

const fn least(what: &'static str, must: f64, goal: f64) -> Measure {
    Measure { what, must: Bound::AtLeast(must), goal: Bound::AtLeast(goal) }
}

const ALL: &[Benchmark] = &[
    Benchmark {
        id: "B1",
        name: "ingest-durable",
        workload: "spans over HTTP on loopback, each request synced to disk before its answer, against prost decoding the same bytes",
        measures: &[most("our CPU / CPU of prost decode", 1.5, 1.0)],
        run: Run::By(measured::durable::run),
    },
    Benchmark {
        id: "B2",
        name: "decode-share",
        workload: "spans decoded in process, against a walk that reads every field and checks every text",
        measures: &[most("our CPU / CPU of the walk", 5.0, 3.2)],
        run: Run::By(measured::decode::run),
    },
];

/// Every benchmark, in order.
#[must_use]
pub fn all() -> &'static [Benchmark] {
    ALL
}
