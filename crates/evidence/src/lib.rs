//! Pure functions from answers to evidence: symptoms, change points, contrasts, differences in differences, patterns of
//! incidents, their impact, categories of errors, and the health of services with all that people ask of it.
//!
//! No IO, no clock, no chance, no async, no iteration over a hash map, and no transcendental function of `std`
//! (their last bits differ between platforms): `libm` only (I1). What a figure means for a cause is decided in
//! `investigation`.

pub mod change_kind;
pub mod change_match;
pub mod change_point;
pub mod difference;
pub mod error_category;
pub mod expectations;
pub mod health;
pub mod id_relation;
pub mod impact;
pub mod measures;
pub mod patterns;
pub mod prior;
pub mod series;
pub mod state;
pub mod statistics;
pub mod symptoms;
pub mod thresholds;
pub mod trace_diff;

pub use thresholds::Thresholds;
