//! The crate from outside: pages of whole reports, and the serving of one over a socket.
//!
//! What a single module promises is tested beside it.

#![expect(clippy::expect_used, reason = "what a test builds on is said in words")]

mod agent_builder;
mod calls;
mod compat;
mod fixture;
mod identity;
mod kept;
mod live;
mod markup;
mod mcp;
mod page;
mod rig;
mod serving;
mod story;
mod tools_over_http;
