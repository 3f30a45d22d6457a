//! The tools that agents and people use: typed, small, within a budget, one file each.
//!
//! Reading order: [`access`] (who may), [`installation`] (the port to a running Firstcause), [`tool`] (what a tool is),
//! [`budget`], [`hint`], [`schema`], [`registry`], [`definition`] and [`custom`], [`converse`]; then the tools of the default dialect. [`dialects`] holds other systems' names for
//! the same functions.
//!
//! Decides nothing about causes, carries no approval, and knows no transport.

pub mod access;
pub mod agents;
pub mod asked;
pub mod budget;
pub mod changes;
pub mod compare;
pub mod converse;
pub mod custom;
pub mod definition;
pub mod dialects;
pub mod evidence;
pub mod health;
pub mod hint;
pub mod incidents;
pub mod installation;
pub mod investigate;
pub mod lint;
pub mod logs;
pub mod near;
pub mod propose_action;
pub mod registry;
pub mod report;
pub mod schema;
mod services;
pub mod status;
pub mod tool;
pub mod trace;
pub mod when;

use std::sync::Arc;

pub use access::{Caller, Permission, Role};
pub use agents::Agents;
pub use custom::Custom;
pub use definition::{Confirmation, Definition};
pub use hint::Hint;
pub use installation::{AllowedAction, IncidentRow, Installation, InstallationError, Listed, Proposed};
pub use registry::Registry;
pub use tool::{About, Context, Reply, Tool, ToolError, registered};

/// The tools of the default dialect, by name.
#[must_use]
pub fn all() -> Vec<Arc<dyn Tool>> {
    vec![
        registered::<changes::Changes>(),
        registered::<compare::Compare>(),
        registered::<evidence::EvidenceOf>(),
        registered::<incidents::Incidents>(),
        registered::<investigate::Investigate>(),
        registered::<logs::Logs>(),
        registered::<propose_action::ProposeAction>(),
        registered::<report::ReportOf>(),
        registered::<status::Status>(),
        registered::<trace::Trace>(),
    ]
}
