//! The fitted weights, and the ways to a conclusion that are measured: none.
//!
//! Written by `firstcause eval calibrate NEZHA PETSHOP ROOTCAUSEBENCH OPENSRE --keep DIR --table FILE`, never by hand;
//! `docs/results/calibration.md` has the figures.

use super::{Model, Table};

/// What confidence is read from. The weights are those of: margin, lead, kinds of evidence, telemetry told, first look.
pub const TABLE: Table = Table {
    model: Model { intercept: -0.4877, weights: [0.9199, 0.6807, 0.1445, 0.8020, 0.6536] },
    measured: &[],
};
