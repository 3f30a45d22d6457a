//! Long quiet hours: what the watch sees of services over days, second by second, with all that is no fault in them.
//!
//! A day and a week have their shape; noise is correlated in time and between services; traffic bursts, stops and starts;
//! instances are deployed, restarted, added and taken away, are cold when they start and pause for garbage; jobs run by
//! night and every hour. A [`Plant`] puts a fault into it. Rows are those of the question `onset`, made directly: days of
//! spans would not fit.

mod latency;
mod operation;
mod patrol;
mod service;
mod world;

pub use patrol::{Patrol, Raised};
pub use world::{Plant, Planted, World};

/// Seconds of a day.
pub const DAY: i64 = 86_400;
