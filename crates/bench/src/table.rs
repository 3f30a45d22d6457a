//! The list of benchmarks, what each must reach, and what is said where none was measured.
//!
//! The bounds are the design's. How a figure is printed for people is the business of `cargo xtask bench`.

use serde_json::{Value, json};

use crate::measured;
use crate::ratio::Spread;
use crate::settings::{Outcome, Settings};

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
#[derive(Debug, Clone, Copy)]
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

const NO_LONG_MEMORY: &str =
    "needs millions of signals kept in segments, which the store learned only after this harness was made";

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
    Benchmark {
        id: "B3",
        name: "fsync-share",
        workload: "the bytes that B1 writes, written plainly and synced in groups, against receiving the requests",
        measures: &[least("seconds of plain writes / our seconds", 0.5, 0.8)],
        run: Run::By(measured::synced::run),
    },
    Benchmark {
        id: "B4",
        name: "ingest-vs-peer",
        workload: "the requests of B1 to us and to a peer, all processor time of both counted",
        measures: &[least("our spans a CPU second / the peer's", 2.0, 3.0)],
        run: Run::By(measured::against::run),
    },
    Benchmark {
        id: "B5",
        name: "ingest-gzip",
        workload: "the requests of B1 in gzip level 6, against only decompressing them",
        measures: &[most("our CPU / CPU of gunzip", 3.0, 2.0)],
        run: Run::By(measured::compressed::run),
    },
    Benchmark {
        id: "B6",
        name: "logs-ingest",
        workload: "log lines of 400 templates over HTTP, synced, against prost decoding the same bytes and against Drain3",
        measures: &[
            least("our lines a CPU second / prost decode's", 1.0, 1.5),
            least("our lines a CPU second, templates included / Drain3's", 20.0, 50.0),
        ],
        run: Run::By(measured::lines::run),
    },
    Benchmark {
        id: "B7",
        name: "size",
        workload: "spans of interleaved traces, log lines and metric points kept, against the same rows in ClickHouse",
        measures: &[
            most("bytes of our spans / ClickHouse's", 1.0, 0.75),
            most("bytes of our log records / ClickHouse's", 1.0, 0.75),
            most("bytes of one metric point", 3.75, 3.75),
        ],
        run: Run::By(measured::size::run),
    },
    Benchmark {
        id: "B8",
        name: "trace-by-id",
        workload: "1,000 traces by id among 10 million spans, warm and cold, against ClickHouse",
        measures: &[most("our p50 / ClickHouse's", 0.2, 0.05), most("our p99 / ClickHouse's", 1.0, 0.5)],
        run: Run::NotYet(NO_LONG_MEMORY),
    },
    Benchmark {
        id: "B9",
        name: "red",
        workload: "rate, errors and p95 by service, operation and minute over an hour of 10 million spans, against ClickHouse",
        measures: &[most("our seconds / ClickHouse's", 0.1, 0.02)],
        run: Run::NotYet(NO_LONG_MEMORY),
    },
    Benchmark {
        id: "B10",
        name: "compare",
        workload: "all attributes of 2 million spans, 2 % of them selected, against ClickHouse; the same top 20",
        measures: &[most("our seconds / ClickHouse's", 0.1, 0.02)],
        run: Run::NotYet(NO_LONG_MEMORY),
    },
    Benchmark {
        id: "B11",
        name: "templates",
        workload: "templates of 10 million lines before and after, a new one planted, against Drain3 and ClickHouse",
        measures: &[most("our seconds / the peers'", 0.1, 0.02)],
        run: Run::NotYet(NO_LONG_MEMORY),
    },
    Benchmark {
        id: "B12",
        name: "investigate",
        workload: "whole investigations over 10 million spans, 10 million lines and 20,000 series, 20 seeds, answers checked",
        measures: &[most("seconds", 3.0, 1.0)],
        run: Run::NotYet(NO_LONG_MEMORY),
    },
    Benchmark {
        id: "B13",
        name: "growth",
        workload: "B12 with 1, 10 and 100 times the history outside of the window",
        measures: &[most("seconds for each tenfold history", 1.3, 1.15)],
        run: Run::NotYet(NO_LONG_MEMORY),
    },
    Benchmark {
        id: "B14",
        name: "ingest-under-query",
        workload: "the requests of B1 while four threads ask an investigation's first questions, against the same without questions",
        measures: &[
            least("our spans a second with questions / without", 0.6, 0.8),
            most("p99 of acknowledgements with questions, ms", 50.0, 20.0),
        ],
        run: Run::By(measured::questions::run),
    },
    Benchmark {
        id: "B15",
        name: "crash",
        workload: "SIGKILL at 200 random points and torn writes; acknowledged rows missing, seconds of recovery",
        measures: &[
            most("acknowledged rows lost or doubled", 0.0, 0.0),
            most("seconds of recovery for each GiB of log", 3.0, 1.0),
        ],
        run: Run::NotYet(
            "losses are counted by `cargo xtask soak kill`, whose record is docs/results/kill.json; the time of recovery has no harness yet",
        ),
    },
    Benchmark {
        id: "B16",
        name: "memory",
        workload: "senders that never wait, spans that share nothing, until the time is over",
        measures: &[
            most("peak RSS / the sum of the budgets", 1.1, 1.1),
            most("acknowledged spans that are not accounted for", 0.0, 0.0),
        ],
        run: Run::By(measured::overload::run),
    },
    Benchmark {
        id: "B17",
        name: "pushdown",
        workload: "the same questions answered by back ends: bytes over the wire, identical answers",
        measures: &[most("bytes on the wire / bytes scanned", 1e-3, 1e-5)],
        run: Run::NotYet(
            "measured by `cargo xtask soak pushdown`; its figures stand in docs/decisions/0036-groups-come-back.md",
        ),
    },
    Benchmark {
        id: "B18",
        name: "footprint",
        workload: "the release binary of the product: its size, a cold build, its start, its memory while nothing happens",
        measures: &[
            most("binary, MiB", 40.0, 40.0),
            most("cold build, minutes", 6.0, 6.0),
            most("start to first acknowledgement, ms", 200.0, 200.0),
            most("idle RSS, MiB", 30.0, 30.0),
        ],
        run: Run::By(measured::footprint::run),
    },
];

/// Every benchmark, in order.
#[must_use]
pub fn all() -> &'static [Benchmark] {
    ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_eighteen_rows_in_order_and_each_goal_is_at_least_as_hard_as_its_must() {
        let ids: Vec<String> = all().iter().map(|benchmark| benchmark.id.to_owned()).collect();
        assert_eq!(ids, (1..=18).map(|number| format!("B{number}")).collect::<Vec<_>>());
        for measure in all().iter().flat_map(|benchmark| benchmark.measures) {
            match (measure.must, measure.goal) {
                (Bound::AtMost(must), Bound::AtMost(goal)) => assert!(goal <= must, "{}", measure.what),
                (Bound::AtLeast(must), Bound::AtLeast(goal)) => assert!(goal >= must, "{}", measure.what),
                _ => panic!("{} points both ways", measure.what),
            }
        }
    }

    #[test]
    fn a_value_meets_its_goal_its_must_or_nothing_and_none_is_no_success() {
        let benchmark = &all()[0];
        let meets = |value: f64| {
            let outcome = Outcome { values: vec![Spread::one(value)], ..Outcome::default() };
            benchmark.row(&outcome)["measures"][0]["meets"].clone()
        };
        assert_eq!([meets(0.9), meets(1.0), meets(1.2), meets(1.51)], ["goal", "goal", "must", "no"]);
        let row = benchmark.unmeasured("no disk");
        assert_eq!(row["measures"][0]["meets"], Value::Null);
        assert_eq!(row["measures"][0]["value"], Value::Null);
        assert_eq!(row["notes"], json!(["no disk"]));
    }
}
