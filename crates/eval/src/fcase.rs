//! The case file: everything about one incident in one file, to be kept, sent and looked at where nothing else is.
//!
//! Reading order: [`container`] (named sections with checksums), [`contents`] (what the sections are),
//! [`save`] (from a journal, from a staged case), [`rerun`] (the engine again, on what was recorded).
//!
//! Holds what was recorded and what follows from it; asks no source.

pub mod container;
pub mod contents;
mod filtered;
mod recorded;
pub mod rerun;
pub mod save;

pub use contents::{Contents, OpenError};
pub use rerun::{Changed, Side, Without};

#[cfg(test)]
mod tests;
