//! Who calls, and what a role may do.
//!
//! Says what a permission covers; who somebody is was found out before a [`Caller`] is made, from the key alone. A
//! caller can ask for less than the key allows and never for more.

use serde::{Deserialize, Serialize};

/// What a tool needs its caller to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read what is there.
    Read,
    /// Begin an investigation, write notes for others, ask whether an action worked.
    Diagnose,
    /// Look at what may be done and propose it.
    Remediate,
    /// Decide about what is proposed. No tool needs it: it is given by people, outside of every tool.
    Approve,
    /// Make and revoke keys, and tools of one's own.
    Administer,
}

/// What a principal is, and so what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Observer,
    /// Reads and investigates.
    Diagnostician,
    /// Reads, investigates and proposes. The older name `operator` is understood, too.
    #[serde(alias = "operator")]
    Remediator,
    /// Reads and decides about proposals; does not propose, so that nobody decides about their own.
    Approver,
    /// Everything but deciding: an administrator makes an approver's key and does not hold one by accident.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] =
        [Self::Observer, Self::Diagnostician, Self::Remediator, Self::Approver, Self::Admin];

    /// The name in interfaces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::Diagnostician => "diagnostician",
            Self::Remediator => "remediator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// The role of this name, or of its older name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == "operator" { "remediator" } else { name };
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// What it may do.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        use Permission::{Administer, Approve, Diagnose, Read, Remediate};
        match self {
            Self::Observer => &[Read],
            Self::Diagnostician => &[Read, Diagnose],
            Self::Remediator => &[Read, Diagnose, Remediate],
            Self::Approver => &[Read, Approve],
            Self::Admin => &[Read, Diagnose, Remediate, Administer],
        }
    }

    /// Whether it may.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    /// This role, or the one asked for when that may do nothing that this one may not.
    #[must_use]
    pub fn lowered(self, asked: Option<Self>) -> Self {
        match asked {
            Some(asked) if asked.permissions().iter().all(|permission| self.may(*permission)) => asked,
            _ => self,
        }
    }
}

/// Who calls a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who, as records name it: `key:<id>`, `stdio`, `local`.
    pub principal: String,
    /// What it may do.
    pub role: Role,
    /// What the agent calls itself; a label that decides nothing.
    pub agent: Option<String>,
    /// The notes it shares with others, when it says so.
    pub session: Option<String>,
}

impl Caller {
    /// The person at this machine, who started the process and could read its files.
    #[must_use]
    pub fn local(role: Role) -> Self {
        Self { principal: "local".to_owned(), role, agent: None, session: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: AG-03, AG-04, C-09
    #[test]
    fn a_role_is_lowered_and_never_raised() {
        for own in Role::ALL {
            for asked in Role::ALL {
                let got = own.lowered(Some(asked));
                assert!(got.permissions().iter().all(|permission| own.may(*permission)), "{own:?} {asked:?}");
            }
        }
        assert_eq!(Role::Admin.lowered(Some(Role::Observer)), Role::Observer);
        assert_eq!(Role::Observer.lowered(Some(Role::Admin)), Role::Observer);
        assert_eq!(Role::Admin.lowered(Some(Role::Approver)), Role::Admin, "an admin decides nothing");
        assert_eq!(Role::named("operator"), Some(Role::Remediator));
    }

    #[test]
    fn nobody_who_proposes_decides() {
        for role in Role::ALL {
            assert!(!(role.may(Permission::Remediate) && role.may(Permission::Approve)), "{role:?}");
        }
    }
}
