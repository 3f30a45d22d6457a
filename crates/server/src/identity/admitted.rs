//! Who came in, and what for: a space is entered once, a tool is asked for at each call.
//!
//! A [`tools::Caller`] leaves here only through [`Admitted::caller`], which looks at the tool first.

use serde_json::Value;
use tools::{Caller, Permission, Role};

use super::records::KeyMade;
use super::refusal::Refusal;
use super::said::Said;

/// Who sent a request, before it is known what they ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    caller: Caller,
    spaces: Vec<String>,
    dialects: Vec<String>,
    tools: Vec<String>,
}

/// Who may ask about a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    caller: Caller,
    dialects: Vec<String>,
    tools: Vec<String>,
}

impl Known {
    /// The person at this machine, for whom nothing is narrowed.
    pub(super) fn local(caller: Caller) -> Self {
        Self { caller, spaces: Vec::new(), dialects: Vec::new(), tools: Vec::new() }
    }

    /// The holder of a key.
    pub(super) fn by_key(made: &KeyMade) -> Self {
        let principal = format!("key:{}", made.id);
        Self {
            caller: Caller { principal, role: made.role, agent: None, session: None },
            spaces: made.spaces.clone(),
            dialects: made.dialects.clone(),
            tools: made.tools.clone(),
        }
    }

    pub(super) fn lowered(self, said: Said) -> Self {
        Self { caller: lowered(self.caller, said), ..self }
    }

    /// Who it is: as records name them.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.caller.principal
    }

    /// Lets them ask about `space`.
    ///
    /// # Errors
    /// When their key does not open it.
    pub fn within(self, space: &str) -> Result<Admitted, Refusal> {
        if is_in(&self.spaces, space) {
            return Ok(Admitted { caller: self.caller, dialects: self.dialects, tools: self.tools });
        }
        Err(Refusal::OtherSpace { space: space.to_owned(), opens: self.spaces })
    }
}

impl Admitted {
    /// The one who started the process and speaks to it over standard input, as `role`.
    #[must_use]
    pub fn of_process(role: Role) -> Self {
        let caller = Caller { principal: "stdio".to_owned(), ..Caller::local(role) };
        Self { caller, dialects: Vec::new(), tools: Vec::new() }
    }

    /// Who it is: as records name them.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.caller.principal
    }

    /// Whether they read without a tool: the questions and the views over them.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.may_beside_tools(Permission::Read)
    }

    /// Whether they write notes for others without a tool: what changed, and when.
    #[must_use]
    pub fn notes(&self) -> bool {
        self.may_beside_tools(Permission::Diagnose)
    }

    /// Whether they decide about actions, which no tool does.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.may_beside_tools(Permission::Approve)
    }

    /// A key for some tools is one for these tools.
    fn may_beside_tools(&self, permission: Permission) -> bool {
        self.tools.is_empty() && self.dialects.is_empty() && self.caller.role.may(permission)
    }

    /// Whether a tool is on the key's list; who is not shown a tool cannot call it either.
    #[must_use]
    pub fn shows(&self, dialect: &str, tool: &str) -> bool {
        is_in(&self.dialects, dialect) && is_in(&self.tools, tool)
    }

    /// Who calls `tool` of `dialect`. What the arguments say of the agent is taken out of them.
    ///
    /// # Errors
    /// When the tool is not on the key's list, or the arguments say something of the agent that cannot be read.
    /// Whether the role may is the tool's own question ([`tools::tool::allowed`]).
    pub fn caller(&self, dialect: &str, tool: &str, arguments: &mut Value) -> Result<Caller, Refusal> {
        if !self.shows(dialect, tool) {
            let may = match (self.dialects.as_slice(), self.tools.as_slice()) {
                (dialects, []) => format!("the tools of {}", dialects.join(", ")),
                ([], tools) => tools.join(", "),
                (dialects, tools) => format!("{} of {}", tools.join(", "), dialects.join(", ")),
            };
            return Err(Refusal::OtherTool { tool: tool.to_owned(), may });
        }
        Ok(lowered(self.caller.clone(), Said::of_arguments(arguments)?))
    }
}

/// An argument is nearer to the call than a header: its labels win. Both only lower the role.
fn lowered(caller: Caller, said: Said) -> Caller {
    Caller {
        role: caller.role.lowered(said.role),
        agent: said.agent.or(caller.agent),
        session: said.session.or(caller.session),
        principal: caller.principal,
    }
}

/// An empty list holds everything.
fn is_in(list: &[String], name: &str) -> bool {
    list.is_empty() || list.iter().any(|known| known == name)
}
