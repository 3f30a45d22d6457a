//! The fitted weights, and the ways to a conclusion that are measured: metrics and call graph.
//!
//! Written by `firstcause eval calibrate NEZHA PETSHOP ROOTCAUSEBENCH OPENSRE --keep DIR --table FILE`, never by hand;
//! `docs/results/calibration.md` has the figures.

use super::{Model, Route, Table};

/// What confidence is read from. The weights are those of: margin, lead, kinds of evidence, telemetry told, first look.
pub const TABLE: Table = Table {
    model: Model { intercept: -0.9238, weights: [2.0945, 1.5505, 0.2412, 0.0596, 0.0096] },
    measured: &[Route::CallGraph],
};
