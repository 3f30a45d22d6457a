//! The only loop: asks the machines' questions, writes the journal, and walks an incident from alert to verdict.
//!
//! Reading order: [`entry`] (what a record says), [`log`] (journal and observers), [`sources`] (asking, side by
//! side), [`drive`] (the one loop), [`desk`] and [`watch`] (how incidents open), [`resolve`] (one incident),
//! [`report`] and [`replay`] (from the journal alone). [`follow`] stands beside: from one identifier to what it touched.
//!
//! Decides nothing about causes (`investigation`) nor about actions (`remediation`); never calls a receiver of
//! notifications. Only this crate spawns work for an investigation (I6).

pub mod desk;
pub mod drive;
pub mod entry;
pub mod follow;
pub mod log;
pub mod replay;
pub mod report;
pub mod resolve;
pub mod sources;
pub mod watch;

pub use desk::Desk;
pub use entry::Entry;
pub use log::{Log, Observer};
pub use resolve::{Remedy, Resolver, resume};
pub use sources::{Blocking, Sources};
