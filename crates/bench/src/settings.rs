//! What a run is made of and what it finds: plain values between the program, the table and the benchmarks.
//!
//! Nothing is read or judged here.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::ratio::Spread;

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
