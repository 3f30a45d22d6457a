//! The paths and shapes of other systems, for callers that were written for those, one module each.
//!
//! Names and shapes only: what is answered comes from the same tools, behind the same keys (`desk`). Whatever such a
//! caller says, it approves nothing (I5).

mod desk;
mod elastic_kibana;
mod explained;
mod holmes_gpt;
mod open_sre;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response};

use crate::identity::Identity;
use crate::investigations::Investigations;
use crate::mcp;
use crate::serve::Body;
use crate::toolbox::Toolbox;
use desk::Desk;
use elastic_kibana::AgentBuilder;
use holmes_gpt::HolmesGpt;
use open_sre::OpenSre;

/// Everybody's paths. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Compat {
    agent_builder: AgentBuilder,
    holmes_gpt: HolmesGpt,
    open_sre: OpenSre,
}

impl Compat {
    /// Answers with the tools of `shown` and the reports of `investigations`, to whom `identity` admits; `door` is that of
    /// the agents' protocol, and `fresh` gives an id that nobody can guess.
    #[must_use]
    pub fn new(
        identity: Identity,
        shown: &Toolbox,
        investigations: Investigations,
        door: mcp::Settings,
        fresh: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Self {
        let desk = Desk::new(identity, shown);
        Self {
            agent_builder: AgentBuilder::new(desk.clone(), shown.clone(), (investigations, door), fresh),
            holmes_gpt: HolmesGpt::new(desk.clone()),
            open_sre: OpenSre::new(desk),
        }
    }

    /// Whether a request is one of another system's.
    pub(crate) fn takes(method: &Method, parts: &[&str], headers: &HeaderMap) -> bool {
        matches!(parts, ["api", "agent_builder", ..])
            || HolmesGpt::takes(parts)
            || OpenSre::takes(method, parts, headers)
    }

    /// Answers a request that [`Compat::takes`] names.
    pub(crate) async fn answer(&self, parts: &[&str], request: Request<Incoming>) -> Response<Body> {
        match parts {
            ["api", "agent_builder", rest @ ..] => self.agent_builder.answer(rest, request).await,
            ["api", rest @ ..] => self.holmes_gpt.answer(rest, request).await,
            _ => self.open_sre.answer(parts, request).await,
        }
    }
}
