//! The paths and shapes of other systems, for callers that were written for those, one module each.
//!
//! Names and shapes only: what is answered comes from the same tools, behind the same keys.

mod elastic_kibana;

pub use elastic_kibana::AgentBuilder;
