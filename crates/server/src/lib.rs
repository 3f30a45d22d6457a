//! What people and programs see over HTTP: investigations as they run, the page of a report, the questions, health.
//!
//! Deliberately absent: reasoning (the report holds every conclusion already) and storage. The one outbound request
//! is [`client`]'s, to another Firstcause.
//! The page of a report is one file that asks for nothing: it can be mailed, printed and read years later. The live
//! pages ask their own server and nobody else.

mod body;
pub mod client;
pub mod compat;
mod guard;
pub mod identity;
pub mod investigations;
pub mod mcp;
pub mod page;
mod query;
pub mod rest;
pub mod serve;
pub mod toolbox;
