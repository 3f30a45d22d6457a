//! What people and programs see over HTTP: the page of a report, the questions, health.
//!
//! Deliberately absent: reasoning (the report holds every conclusion already) and storage. The one outbound request
//! is [`client`]'s, to another Firstcause.
//! A page is one file that asks for nothing: it can be mailed, printed and read years later.

pub mod client;
pub mod page;
pub mod rest;
pub mod serve;
