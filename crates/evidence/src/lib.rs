//! Pure functions from answers to evidence: symptoms, change points, contrasts, differences in differences.
//!
//! No IO, no clock, no chance, no async, no iteration over a hash map, and no transcendental function of `std`
//! (their last bits differ between platforms): `libm` only (I1). What a figure means for a cause is decided in
//! `investigation`.

pub mod change_match;
pub mod change_point;
pub mod difference;
pub mod expectations;
pub mod measures;
pub mod series;
pub mod state;
pub mod statistics;
pub mod symptoms;
pub mod thresholds;
pub mod trace_diff;

pub use thresholds::Thresholds;
