//! The fitted weights, and the ways to a conclusion that are measured: metrics and call graph.
//!
//! Written by `firstcause eval calibrate NEZHA PETSHOP ROOTCAUSEBENCH OPENSRE --keep DIR --table FILE`, never by hand;
//! `docs/results/calibration.md` has the figures.

use super::{Model, Route, Table};

/// What confidence is read from. The weights are those of: margin, lead, kinds of evidence, telemetry told, first look.
pub const TABLE: Table = Table {
    model: Model { intercept: -0.8985, weights: [1.4711, 1.0031, 0.3357, 0.4124, 0.4959] },
    measured: &[Route::CallGraph],
};
