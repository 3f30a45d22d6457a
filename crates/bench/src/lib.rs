//! Benchmarks of the ways in: what receiving, decoding and keeping signals costs, as ratios within one run.
//!
//! Reading order: [`generate`] (seeded requests), [`ratio`], [`cpu`], [`walk`] and [`tight`], [`child`] and [`server`] (the side that
//! is measured, in a process of its own), [`client`], [`settings`], [`table`] (the list and its bounds), [`measured`] (one file a
//! benchmark). `cargo xtask bench` runs the program of this crate and keeps what it says; nothing here is shipped.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod child;
pub mod client;
pub mod cpu;
pub mod generate;
pub mod measured;
pub mod ratio;
pub mod server;
pub mod settings;
pub mod table;
pub mod tight;
pub mod walk;
