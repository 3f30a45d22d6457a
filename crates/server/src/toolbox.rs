//! What agents may use: the registered tools over one installation, called by who was let in.
//!
//! Transports (REST, MCP) bring a name and arguments and take a reply; what is checked in between is checked here, once,
//! and in one order: is the tool on the key's list, does it exist, may the role. No call carries an approval (I5).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tools::dialects::Dialect;
use tools::{Context, Installation, Registry, Reply, Tool, ToolError};

use crate::identity::{Admitted, Refusal};

/// Calls under way at a time, over every door; a further one is told to come again. More would not be answered sooner.
pub const CALLS_MAX: usize = 64;
/// How long a call may take: an investigation asks many questions, one after the other.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(240);

/// The tools of one dialect, and the operator's own. Cheap to clone; clones share the number of calls.
#[derive(Clone)]
pub struct Toolbox {
    registry: Arc<Registry>,
    installation: Arc<dyn Installation>,
    calls: Arc<Semaphore>,
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
    /// There are [`CALLS_MAX`] calls under way.
    #[error("{CALLS_MAX} calls are under way already; hint: ask again in a second")]
    Busy,
    /// It took longer than [`CALL_TIMEOUT`].
    #[error("the call took longer than {} s", CALL_TIMEOUT.as_secs())]
    TimedOut,
    /// The tool says why.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl Toolbox {
    /// The tools of `registry` over `installation`.
    #[must_use]
    pub fn new(registry: Arc<Registry>, installation: Arc<dyn Installation>) -> Self {
        Self { registry, installation, calls: Arc::new(Semaphore::new(CALLS_MAX)) }
    }

    /// The same installation in another dialect.
    #[must_use]
    pub fn speaking(&self, dialect: &'static Dialect) -> Self {
        Self { registry: Arc::new(Registry::new(dialect)), ..self.clone() }
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
        let _permit = self.permit()?;
        let called = tokio::time::timeout(CALL_TIMEOUT, tool.call(&context, arguments)).await;
        Ok(called.map_err(|_| CallError::TimedOut)??)
    }

    /// Room for one more call, as long as it is held.
    ///
    /// # Errors
    /// [`CallError::Busy`].
    pub(crate) fn permit(&self) -> Result<SemaphorePermit<'_>, CallError> {
        self.calls.try_acquire().map_err(|_| CallError::Busy)
    }
}
