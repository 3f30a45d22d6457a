//! Seeded systems with their telemetry, quiet or at fault, for the tests and soaks of the engine.
//!
//! Reading order: [`dice`], [`system`] (spans of a generated system with one fault), [`hours`] (the watch's rows of
//! long quiet hours), [`shuffle`] (the same answers in another order). Everything is drawn from a seed.
//!
//! A dev-dependency only: no figure of the product and no threshold of the engine stands here.

pub mod dice;
pub mod hours;
pub mod shuffle;
pub mod system;
