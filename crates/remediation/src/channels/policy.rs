//! The operator's policy decides, or passes the question on to a person.

use std::sync::Arc;

use telemetry::source::BoxFuture;

use super::{ApprovalChannel, ApprovalRequest, Decision, Now, granted, rejected};
use crate::approval::Authority;
use crate::policy::{Mode, Policy};

/// Decides by the policy; `ask` goes to the next channel.
pub struct PolicyChannel {
    policy: Policy,
    authority: Authority,
    person: Arc<dyn ApprovalChannel>,
    now: Now,
}

impl std::fmt::Debug for PolicyChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyChannel").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl PolicyChannel {
    /// Decides by `policy`, and asks `person` where the policy says so.
    #[must_use]
    pub fn new(policy: Policy, authority: Authority, person: Arc<dyn ApprovalChannel>, now: Now) -> Self {
        Self { policy, authority, person, now }
    }
}

impl ApprovalChannel for PolicyChannel {
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Decision> {
        let principal = self.policy.principal();
        match self.policy.mode(&request.space, &request.action) {
            Mode::Auto => {
                let decision =
                    granted(&self.authority, &request.action, &principal, "policy: auto", &self.now);
                Box::pin(std::future::ready(decision))
            }
            Mode::Never => {
                Box::pin(std::future::ready(rejected(&request.action, &principal, "policy: never")))
            }
            Mode::Ask => self.person.decide(request),
        }
    }
}
