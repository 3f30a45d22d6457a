//! What agents may use: the registered tools over one installation, called by who was let in.
//!
//! Transports (REST, MCP) bring a name and arguments and take a reply; what is checked in between is checked here, once,
//! and in one order: is the tool on the key's list, does it exist, may the role. No call carries an approval (I5).

use std::sync::Arc;

use serde_json::Value;
use tools::dialects::Dialect;
use tools::{Context, Installation, Registry, Reply, Tool, ToolError};

use crate::identity::{Admitted, Refusal};

/// The tools of one dialect, and the operator's own. Cheap to clone.
#[derive(Clone)]
pub struct Toolbox {
    registry: Arc<Registry>,
    installation: Arc<dyn Installation>,
}

impl std::fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toolbox").field("registry", &self.registry).finish_non_exhaustive()
    }
}

/// Why a call has no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The key does not go so far.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No such tool; the text names the nearest ones.
    #[error("{0}")]
    UnknownTool(String),
    /// The tool says why.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl Toolbox {
    /// The tools of `registry` over `installation`.
    #[must_use]
    pub fn new(registry: Arc<Registry>, installation: Arc<dyn Installation>) -> Self {
        Self { registry, installation }
    }

    /// The same installation in another dialect.
    #[must_use]
    pub fn speaking(&self, dialect: &'static Dialect) -> Self {
        Self::new(Arc::new(Registry::new(dialect)), Arc::clone(&self.installation))
    }

    /// Which tools there are.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What is asked.
    #[must_use]
    pub fn installation(&self) -> &Arc<dyn Installation> {
        &self.installation
    }

    /// The tools that `admitted` is shown, in the registry's order.
    #[must_use]
    pub fn shown(&self, admitted: &Admitted) -> Vec<Arc<dyn Tool>> {
        let dialect = self.registry.dialect().name;
        let tools = self.registry.list().into_iter();
        tools.filter(|tool| admitted.shows(dialect, &tool.about().name)).collect()
    }

    /// Calls the tool `name`. What the arguments say of the agent is taken out of them first.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(
        &self,
        admitted: &Admitted,
        name: &str,
        mut arguments: Value,
    ) -> Result<Reply, CallError> {
        // A key is for tools, whichever of their names is used.
        let name = self.registry.dialect().canonical(name);
        let caller = admitted.caller(self.registry.dialect().name, name, &mut arguments)?;
        let Some(tool) = self.registry.get(name) else {
            let names: Vec<String> =
                self.shown(admitted).iter().map(|tool| tool.about().name.clone()).collect();
            return Err(CallError::UnknownTool(tools::near::unknown("tool", name, &names)));
        };
        let context = Context { installation: Arc::clone(&self.installation), caller };
        Ok(tool.call(&context, arguments).await?)
    }
}
