//! Turns a failing trace into a test that continuous integration can run: reads and writes trace files, reads the
//! trace expectation language, and writes verdicts for people, for test reporters and for hosted workflows.
//!
//! What is expected and whether it holds is decided in `evidence`. Nothing is run here yet: bundles and isolated runs
//! are to come.

pub mod compare;
pub mod expectations;
mod github;
pub mod junit;
pub mod traces;

mod patterns;

pub use expectations::{File, ReadExpectationsError};
pub use github::commands as annotations;
pub use patterns::Patterns;
