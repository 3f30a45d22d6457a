//! The port of the product's handler: which tools there are for whom, and the calling of one.
//!
//! [`Open`] offers everything to the one who started the program; what a key opens is `keyed`'s business.

use std::sync::Arc;

use serde_json::Value;
use telemetry::source::BoxFuture;
use tools::{Caller, Context, Installation, Registry, Reply, Role, Tool, ToolError, near};

use crate::identity::said::Said;
use crate::mcp::bearer::Principal;

/// A call as the protocol brings it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which tool.
    pub name: String,
    /// An object, or null.
    pub arguments: Value,
    /// Which trace the call belongs to (W3C Trace Context), when the client says it in a form that can be read.
    pub traceparent: Option<String>,
}

/// Why a call has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No such tool; the text names the nearest ones.
    #[error("{0}")]
    Unknown(String),
    /// The key does not go so far.
    #[error("{0}")]
    Refused(String),
    /// The tool says why.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// What is offered, and to whom; a principal is absent where nobody is asked for a key.
pub trait Offered: Send + Sync {
    /// The tools that are listed, always in the same order.
    fn shown(&self, who: Option<&Principal>) -> Vec<Arc<dyn Tool>>;

    /// Whether reports and journals may be read.
    fn reads(&self, who: Option<&Principal>) -> bool;

    /// Calls a tool.
    fn call<'a>(&'a self, who: Option<&'a Principal>, call: Call) -> BoxFuture<'a, Result<Reply, CallError>>;
}

/// Every tool of a registry, for the one who started the program.
pub struct Open {
    registry: Arc<Registry>,
    installation: Arc<dyn Installation>,
    role: Role,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open")
            .field("registry", &self.registry)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Open {
    /// The tools of `registry` over `installation`, for one who has `role`.
    #[must_use]
    pub fn new(registry: Arc<Registry>, installation: Arc<dyn Installation>, role: Role) -> Self {
        Self { registry, installation, role }
    }

    /// Who calls. What the arguments say of the agent is taken out of them; it lowers the role at most.
    fn caller(&self, arguments: &mut Value) -> Result<Caller, CallError> {
        let said =
            Said::of_arguments(arguments).map_err(|refusal| CallError::Refused(refusal.to_string()))?;
        Ok(Caller {
            principal: "stdio".to_owned(),
            role: self.role.lowered(said.role),
            agent: said.agent,
            session: said.session,
        })
    }
}

impl Offered for Open {
    fn shown(&self, _: Option<&Principal>) -> Vec<Arc<dyn Tool>> {
        self.registry.list()
    }

    fn reads(&self, _: Option<&Principal>) -> bool {
        true
    }

    fn call<'a>(&'a self, _: Option<&'a Principal>, call: Call) -> BoxFuture<'a, Result<Reply, CallError>> {
        Box::pin(async move {
            let Call { name, mut arguments, .. } = call;
            let Some(tool) = self.registry.get(&name) else {
                let shown = self.registry.list();
                let names: Vec<String> = shown.iter().map(|tool| tool.about().name.clone()).collect();
                return Err(CallError::Unknown(near::unknown("tool", &name, &names)));
            };
            let caller = self.caller(&mut arguments)?;
            let context = Context { installation: Arc::clone(&self.installation), caller };
            Ok(tool.call(&context, arguments).await?)
        })
    }
}
