//! The table of `topology`: services and who calls whom.
//!
//! It says what is there and what is connected, not how much or how long: counts and durations of calls are the
//! business of `edges`.

use serde::{Deserialize, Serialize};

/// The services of a system and the calls between them, each sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TopologyTable {
    /// Every service, also those that call nobody and that nobody calls.
    pub services: Vec<String>,
    /// Who calls whom.
    pub calls: Vec<CallRow>,
}

/// One service calls another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallRow {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
}
