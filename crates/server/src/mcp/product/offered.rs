//! The port of the product's handler: which tools there are for whom, and the calling of one.
//!
//! [`Open`] is the simplest implementation: every tool for everybody, with one role.

use std::sync::Arc;

use serde_json::Value;
use telemetry::source::BoxFuture;
use tools::{Caller, Context, Installation, Registry, Reply, Role, Tool, ToolError, near};

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

/// Every tool of a registry over one installation.
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
    /// The tools of `registry` over `installation`, for whoever comes, as `role`.
    #[must_use]
    pub fn new(registry: Arc<Registry>, installation: Arc<dyn Installation>, role: Role) -> Self {
        Self { registry, installation, role }
    }

    /// Who calls: whom the check of the key knows, or the person at this machine.
    fn caller(&self, who: Option<&Principal>) -> Caller {
        match who.and_then(Principal::known::<Caller>) {
            Some(caller) => caller.clone(),
            None => Caller::local(self.role),
        }
    }
}

impl Offered for Open {
    fn shown(&self, _: Option<&Principal>) -> Vec<Arc<dyn Tool>> {
        self.registry.list()
    }

    fn reads(&self, _: Option<&Principal>) -> bool {
        true
    }

    fn call<'a>(&'a self, who: Option<&'a Principal>, call: Call) -> BoxFuture<'a, Result<Reply, CallError>> {
        Box::pin(async move {
            let Some(tool) = self.registry.get(&call.name) else {
                let shown = self.registry.list();
                let names: Vec<String> = shown.iter().map(|tool| tool.about().name.clone()).collect();
                return Err(CallError::Unknown(near::unknown("tool", &call.name, &names)));
            };
            let context = Context { installation: Arc::clone(&self.installation), caller: self.caller(who) };
            Ok(tool.call(&context, call.arguments).await?)
        })
    }
}
