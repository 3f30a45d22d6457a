//! What a request says of the agent behind it, in headers and in arguments.
//!
//! Labels and a wish to be less: none of it makes anybody more than their key does.

use hyper::header::HeaderMap;
use serde_json::Value;
use tools::Role;

use super::refusal::Refusal;

/// Longest name of an agent or a session, in characters.
const LABEL_MAX: usize = 128;

/// What a request says of its agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// What the agent calls itself.
    pub agent: Option<String>,
    /// The role it wants to have, at most.
    pub role: Option<Role>,
    /// The notes it shares with others.
    pub session: Option<String>,
}

impl Said {
    /// What `X-Agent-Id`, `X-Agent-Role` and `X-Agent-Session-Id` say.
    ///
    /// # Errors
    /// When one stands there twice, is not ASCII, is too long, or names no role.
    pub fn of_headers(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |name: &str| {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => value.to_str().map(Some).map_err(|_| wrong(name, "it is not ASCII")),
                _ => Err(wrong(name, "it stands there twice")),
            }
        };
        Self::read([
            ("x-agent-id", text("x-agent-id")?),
            ("x-agent-role", text("x-agent-role")?),
            ("x-agent-session-id", text("x-agent-session-id")?),
        ])
    }

    /// What `_agent_id`, `_agent_role` and `_agent_session_id` say. They are taken out: no tool knows them.
    ///
    /// # Errors
    /// When one is no text, is too long, or names no role.
    pub fn of_arguments(arguments: &mut Value) -> Result<Self, Refusal> {
        let mut taken = |name: &str| match arguments.as_object_mut().and_then(|object| object.remove(name)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "it is no text")),
        };
        let (agent, role, session) =
            (taken("_agent_id")?, taken("_agent_role")?, taken("_agent_session_id")?);
        Self::read([
            ("_agent_id", agent.as_deref()),
            ("_agent_role", role.as_deref()),
            ("_agent_session_id", session.as_deref()),
        ])
    }

    fn read([agent, role, session]: [(&str, Option<&str>); 3]) -> Result<Self, Refusal> {
        Ok(Self { agent: label(agent)?, role: wished(role)?, session: label(session)? })
    }
}

fn label((name, text): (&str, Option<&str>)) -> Result<Option<String>, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > LABEL_MAX || text.chars().any(char::is_control) {
        return Err(wrong(name, "it is longer than 128 characters, or has control characters"));
    }
    Ok(Some(text.to_owned()))
}

fn wished((name, text): (&str, Option<&str>)) -> Result<Option<Role>, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    Role::named(text).map(Some).ok_or_else(|| {
        let known = Role::ALL.map(Role::name).join(", ");
        Refusal::NotUnderstood(format!("`{name}` names no role; hint: one of {known}"))
    })
}

fn wrong(name: &str, why: &str) -> Refusal {
    Refusal::NotUnderstood(format!("`{name}` cannot be read: {why}; hint: leave it out, or say it once"))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use serde_json::json;

    use super::*;

    // covers: AG-03
    #[test]
    fn arguments_about_the_agent_do_not_reach_a_tool() {
        let mut arguments = json!({ "service": "orders", "_agent_id": "a", "_agent_role": "observer", "_agent_session_id": "s" });
        let said = Said::of_arguments(&mut arguments).unwrap();
        assert_eq!(arguments, json!({ "service": "orders" }));
        assert_eq!(
            (said.agent.as_deref(), said.role, said.session.as_deref()),
            (Some("a"), Some(Role::Observer), Some("s"))
        );
        assert_eq!(Said::of_arguments(&mut Value::Null).unwrap(), Said::default());
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_not_passed_over() {
        for wrong in [
            json!({ "_agent_role": "root" }),
            json!({ "_agent_role": 1 }),
            json!({ "_agent_id": "x".repeat(129) }),
        ] {
            assert!(Said::of_arguments(&mut wrong.clone()).is_err(), "{wrong}");
        }
        let mut headers = HeaderMap::new();
        headers.append("x-agent-role", HeaderValue::from_static("observer"));
        assert_eq!(Said::of_headers(&headers).unwrap().role, Some(Role::Observer));
        headers.append("x-agent-role", HeaderValue::from_static("admin"));
        assert!(Said::of_headers(&headers).is_err(), "two roles");
        let mut headers = HeaderMap::new();
        headers.append("x-agent-id", HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(Said::of_headers(&headers).is_err());
    }
}
