//! The OTLP wire: decoding, limits, the memory budget, and the write port [`intake::Intake`].
//!
//! Reading order: [`wire`], [`mod@scan`], [`budget`], [`mod@decode`], [`intake`], [`response`]. The decoder is ours, so
//! that hostile input meets our limits before it meets an allocation; `prost` is the oracle in the tests. No
//! transport here and no status code of one: that is `ingest`.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod budget;
pub mod decode;
pub mod intake;
pub mod json;
pub mod response;
pub mod scan;
mod schema;
pub mod wire;

pub use budget::{Budget, Charge};
pub use decode::{Decoded, decode};
pub use intake::{Intake, Receipt, Refusal, Request, Resolver, Signal, Ticket};
pub use scan::{Extent, ScanError, scan};

#[cfg(test)]
mod tests;
