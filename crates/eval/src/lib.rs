//! Labelled incidents in, scores out.
//!
//! Three processes that share no memory: [`stage`] reads a dataset with its labels and writes opaque cases,
//! [`predict`] runs the engine on them without labels, [`score`] compares. A case is neutral tables, which
//! [`telemetry::recorded`] answers from. Reading order: [`case`], [`folder`], [`datasets`], [`conclusion_line`], [`label`].
//!
//! Holds no threshold of the engine, and gives it nothing but an alert, a time and the data.

pub mod ablate;
pub mod backtest;
pub mod bench;
pub mod calibrate;
pub mod case;
pub mod clock_text;
pub mod conclusion_line;
pub mod datasets;
pub mod example;
pub mod fcase;
pub mod files;
pub mod folder;
pub mod holdout;
pub mod label;
mod loudest;
mod peak;
pub mod predict;
pub mod sample;
pub mod score;
mod side_by_side;
pub mod stage;
mod way;

pub use case::{Case, CaseFile};
