//! Reads what changes do and holds it against what fails.
//!
//! Text in, evidence out: diffs, settings, messages, names of figures. No language is parsed and no product known;
//! words are compared by how rare they are in the incident's own material. What is concluded is the business of
//! `investigation`.

pub mod deployed;
pub mod diff;
pub mod effects;
pub mod gather;
pub mod inert;
pub mod judge;
pub mod modes;
pub mod rarity;
pub mod settings;
pub mod signs;
pub mod sql;
pub mod strength;
mod vocabulary;
pub mod words;

#[cfg(test)]
mod tests;
