//! The port of the product's handler: which tools there are for whom, and the calling of one.
//!
//! [`Open`] offers everything to the one who started the program; what a key opens is `keyed`'s business.

use std::sync::Arc;

use serde_json::Value;
use telemetry::source::BoxFuture;
use tools::{Reply, Role, Tool, ToolError};

use crate::identity::Admitted;
use crate::mcp::bearer::Principal;
use crate::toolbox::{self, Toolbox};

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
    /// The key does not go so far, or there is no room or time left.
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

/// The toolbox for the one who started the program.
#[derive(Debug)]
pub struct Open {
    toolbox: Toolbox,
    admitted: Admitted,
}

impl Open {
    /// All that `toolbox` holds, for one who has `role`.
    #[must_use]
    pub fn new(toolbox: Toolbox, role: Role) -> Self {
        Self { toolbox, admitted: Admitted::of_process(role) }
    }
}

impl Offered for Open {
    fn shown(&self, _: Option<&Principal>) -> Vec<Arc<dyn Tool>> {
        self.toolbox.shown(&self.admitted)
    }

    fn reads(&self, _: Option<&Principal>) -> bool {
        self.admitted.reads()
    }

    fn call<'a>(&'a self, _: Option<&'a Principal>, call: Call) -> BoxFuture<'a, Result<Reply, CallError>> {
        Box::pin(async move { Ok(self.toolbox.call(&self.admitted, &call.name, call.arguments).await?) })
    }
}

impl From<toolbox::CallError> for CallError {
    fn from(error: toolbox::CallError) -> Self {
        match error {
            toolbox::CallError::Tool(error) => Self::Tool(error),
            toolbox::CallError::UnknownTool(text) => Self::Unknown(text),
            other => Self::Refused(other.to_string()),
        }
    }
}
