//! The tools that are shown: those of a dialect, and the operator's own, which come and go.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::custom::Custom;
use crate::definition::Definition;
use crate::dialects::Dialect;
use crate::lint;
use crate::tool::Tool;

/// Tools of the operator's own at most: a list that nobody reads helps no agent.
pub const CUSTOM_MAX: usize = 50;

/// The tools that are shown.
pub struct Registry {
    dialect: &'static Dialect,
    fixed: Vec<Arc<dyn Tool>>,
    custom: RwLock<BTreeMap<String, Arc<Custom>>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("dialect", &self.dialect.name).finish_non_exhaustive()
    }
}

/// Why a tool is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The definition cannot be used.
    #[error("the tool `{name}`: {why}")]
    Definition {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// A tool of the dialect has the name.
    #[error("`{0}` is a tool of the dialect and cannot be replaced")]
    Taken(String),
    /// There are too many.
    #[error("there are {CUSTOM_MAX} custom tools already; hint: remove one")]
    TooMany,
}

impl Registry {
    /// The tools of `dialect`.
    #[must_use]
    pub fn new(dialect: &'static Dialect) -> Self {
        Self { dialect, fixed: (dialect.tools)(), custom: RwLock::default() }
    }

    /// Which dialect.
    #[must_use]
    pub fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// All tools: those of the dialect in its order, then the operator's own by name.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<dyn Tool>> {
        let custom = self.custom.read().unwrap_or_else(PoisonError::into_inner);
        let custom = custom.values().map(|tool| Arc::clone(tool) as Arc<dyn Tool>);
        self.fixed.iter().cloned().chain(custom).collect()
    }

    /// The tool of this name, or of another name that the dialect knows it by.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let name = self.dialect.canonical(name);
        if let Some(tool) = self.fixed.iter().find(|tool| tool.about().name == name) {
            return Some(Arc::clone(tool));
        }
        let custom = self.custom.read().unwrap_or_else(PoisonError::into_inner);
        custom.get(name).map(|tool| Arc::clone(tool) as Arc<dyn Tool>)
    }

    /// The operator's own tools, by name.
    #[must_use]
    pub fn custom(&self) -> Vec<Arc<Custom>> {
        self.custom.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Takes a tool of the operator's own, in place of an earlier one of the same name. It is listed at once.
    ///
    /// # Errors
    /// When the definition breaks a rule that all tools keep, the name is one of the dialect's, or there are too many.
    pub fn add(&self, name: &str, definition: Definition) -> Result<(), RegistryError> {
        let plain = self.dialect.canonical(name);
        if self.fixed.iter().any(|tool| tool.about().name == plain) {
            return Err(RegistryError::Taken(name.to_owned()));
        }
        let refused = |why: String| RegistryError::Definition { name: name.to_owned(), why };
        let tool = Arc::new(Custom::new(name, definition).map_err(refused)?);
        let mut custom = self.custom.write().unwrap_or_else(PoisonError::into_inner);
        if custom.len() >= CUSTOM_MAX && !custom.contains_key(name) {
            return Err(RegistryError::TooMany);
        }
        let others =
            custom.values().filter(|other| other.about().name != name).map(|other| &**other as &dyn Tool);
        let mut shown: Vec<&dyn Tool> = self.fixed.iter().map(AsRef::as_ref).chain(others).collect();
        shown.push(&*tool);
        let broken = lint::check(&shown, self.dialect.many_required);
        let own = format!("`{name}`: ");
        if let Some(why) = broken.iter().find_map(|line| line.strip_prefix(&own)) {
            return Err(refused(why.to_owned()));
        }
        custom.insert(name.to_owned(), tool);
        Ok(())
    }

    /// Takes a tool of the operator's own away; tells whether it was there.
    pub fn remove(&self, name: &str) -> bool {
        self.custom.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }
}
