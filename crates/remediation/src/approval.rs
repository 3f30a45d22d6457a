//! Approvals, and the only place that makes them.
//!
//! An [`Approval`] is bound to one action's digest, expires, is spent by use (it is moved, never cloned), and comes
//! from a verified principal that is not the requester. Its fields are private: code outside this module can hold
//! one and hand it to an executor, and nothing else.
//!
//! Does not verify who a principal is: a channel does that before it asks the [`Authority`].

use incident::{Action, ApprovalRecord};

/// How long an approval may wait to be used: as long as a person needs to look up, no longer.
pub const LIFETIME_NS: i64 = 10 * 60 * 1_000_000_000;

/// The engine itself, which requests and never approves.
pub const REQUESTER: &str = "firstcause";

/// Permission to carry out one action once.
#[derive(Debug)]
pub struct Approval {
    action_digest: String,
    principal: String,
    expires_at_ns: i64,
}

/// Makes approvals. Handed to the approval channels alone.
#[derive(Debug)]
pub struct Authority {
    _only_made_here: (),
}

/// Why there is no approval, or why it does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// The requester tried to approve its own request.
    #[error("`{0}` requested the action and cannot approve it")]
    OwnRequest(String),
    /// The principal has no name.
    #[error("an approval needs a named principal")]
    NoPrincipal,
    /// It was for another action, or the action was changed since.
    #[error("the approval is for action {approved}, not for {asked}")]
    OtherAction {
        /// The digest approved.
        approved: String,
        /// The digest to be carried out.
        asked: String,
    },
    /// It waited too long.
    #[error("the approval of `{0}` has expired")]
    Expired(String),
    /// The action has no digest.
    #[error("the action cannot be digested")]
    NoDigest,
}

impl Authority {
    /// The authority of this process. `firstcause` makes one and hands it to the channels.
    #[must_use]
    pub fn new() -> Self {
        Self { _only_made_here: () }
    }

    /// An approval of `action` by `principal` at `now_ns` (Unix nanoseconds), and its record.
    ///
    /// # Errors
    /// When the principal is nameless or the requester, or the action has no digest.
    pub fn approve(
        &self,
        action: &Action,
        principal: &str,
        comment: &str,
        now_ns: i64,
    ) -> Result<(Approval, ApprovalRecord), ApprovalError> {
        if principal.is_empty() {
            return Err(ApprovalError::NoPrincipal);
        }
        if principal == REQUESTER {
            return Err(ApprovalError::OwnRequest(principal.to_owned()));
        }
        let action_digest = action.digest().map_err(|_| ApprovalError::NoDigest)?;
        let record = ApprovalRecord {
            action_digest: action_digest.clone(),
            principal: principal.to_owned(),
            is_granted: true,
            comment: comment.to_owned(),
        };
        let expires_at_ns = now_ns.saturating_add(LIFETIME_NS);
        Ok((Approval { action_digest, principal: principal.to_owned(), expires_at_ns }, record))
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Approval {
    /// Spends the approval on `action` at `now_ns`; gives the digest it was for.
    ///
    /// # Errors
    /// When it is for another action or has expired; it is spent all the same.
    pub fn spend(self, action: &Action, now_ns: i64) -> Result<String, ApprovalError> {
        let asked = action.digest().map_err(|_| ApprovalError::NoDigest)?;
        if asked != self.action_digest {
            return Err(ApprovalError::OtherAction { approved: self.action_digest, asked });
        }
        if now_ns >= self.expires_at_ns {
            return Err(ApprovalError::Expired(self.principal));
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn action(value: &str) -> Action {
        Action {
            spec: "restart_with_override".into(),
            profile: "slow_query".into(),
            service: "orders".into(),
            instance: "orders-1".into(),
            set: BTreeMap::from([("CUSTOMER_INDEX".to_owned(), value.to_owned())]),
            is_reversible: true,
            rationale: String::new(),
        }
    }

    // covers: W-08
    #[test]
    fn an_approval_holds_for_its_action_and_its_time_only() {
        let authority = Authority::new();
        let approve = || authority.approve(&action("true"), "terminal", "", 0).unwrap().0;
        assert!(approve().spend(&action("true"), 1).is_ok());
        assert!(matches!(approve().spend(&action("false"), 1), Err(ApprovalError::OtherAction { .. })));
        assert!(matches!(approve().spend(&action("true"), LIFETIME_NS), Err(ApprovalError::Expired(_))));
    }

    // covers: W-08
    #[test]
    fn the_requester_and_the_nameless_cannot_approve() {
        let authority = Authority::new();
        assert!(authority.approve(&action("true"), REQUESTER, "", 0).is_err());
        assert!(authority.approve(&action("true"), "", "", 0).is_err());
    }
}
