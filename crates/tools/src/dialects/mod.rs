//! Dialects: which tools are shown, and under which names.
//!
//! The default dialect is small and reaches everything. The others are the names that other systems gave to the same
//! functions, each in a module named after its system; a dialect adds names and shapes, never a second engine.

pub mod agenttel;
pub mod elastic;
pub mod elk;
mod reading;

use std::sync::Arc;

use crate::tool::Tool;
pub(crate) use elastic::fields::{Kind, kind as field_kind, others as other_names, resolve as resolve_field};
pub(crate) use elastic::kql::{Held, Query, Record, is_meant};

/// A set of tools that is shown together.
pub struct Dialect {
    /// Its name, for `--dialect`.
    pub name: &'static str,
    /// One line for help.
    pub what: &'static str,
    /// Its tools, in the order in which they are listed.
    pub tools: fn() -> Vec<Arc<dyn Tool>>,
    /// Tools that may require more than one argument, because their origin does.
    pub many_required: &'static [&'static str],
}

impl std::fmt::Debug for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialect").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Dialect {
    /// The name under which this dialect lists the tool that is asked for by any of its names.
    #[must_use]
    pub fn canonical<'a>(&self, asked: &'a str) -> &'a str {
        let known = (self.name == elastic::DIALECT.name).then(|| elastic::names::canonical(asked)).flatten();
        known.unwrap_or(asked)
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Dialect {}

/// The small one that reaches everything.
#[must_use]
pub fn default() -> &'static Dialect {
    &DEFAULT
}

const DEFAULT: Dialect =
    Dialect { name: "default", what: "ten tools that reach everything", tools: ten, many_required: &[] };

const AGENTTEL: Dialect = Dialect {
    name: "agenttel",
    what: "AgentTel's fifteen tools: health, incidents, trends, objectives, sessions",
    tools: agenttel::tools,
    many_required: agenttel::MANY_REQUIRED,
};

/// The dialects, the default first.
#[must_use]
pub fn all() -> &'static [Dialect] {
    &[DEFAULT, AGENTTEL, elastic::DIALECT, elk::DIALECT]
}

/// The dialect of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Dialect> {
    all().iter().find(|dialect| dialect.name == name)
}

/// The order in which an investigation uses them: a reader takes what stands first.
const ORDER: [&str; 10] = [
    "status",
    "incidents",
    "investigate",
    "report",
    "evidence",
    "compare",
    "trace",
    "logs",
    "changes",
    "propose_action",
];

fn ten() -> Vec<Arc<dyn Tool>> {
    let mut tools = crate::all();
    tools.sort_by_key(|tool| ORDER.iter().position(|name| *name == tool.about().name));
    tools
}
