//! What the supervisor is asked and what it answers: one line of JSON each, over its Unix socket.
//! It deliberately names no program and no path: a request chooses among what `system.json` lists.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Variables to set.
pub type Variables = BTreeMap<String, String>;

/// A request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How all instances are.
    Status {},
    /// Restarts one instance with changed variables.
    Restart {
        /// The instance.
        instance: String,
        /// Names this restart for ever: under the same key it is carried out once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// Variables to set.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        set: Variables,
        /// Variables to remove.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unset: Vec<String>,
    },
    /// What came of the restart under a key.
    Recall {
        /// The key.
        key: String,
    },
    /// Gives all instances of a service another version, one after the other.
    Deploy {
        /// The service.
        service: String,
        /// The version.
        version: String,
        /// Variables to set.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        set: Variables,
    },
    /// Stops everything.
    Stop {},
}

/// An answer; `ok` is first, so that a reader can tell the shape.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Reply {
    Status(Status),
    Restarted(Restarted),
    Recalled(Recalled),
    Deployed(Deployed),
    Stopping { ok: bool },
    Refused(Refusal),
}

/// How all instances are.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Status {
    /// True.
    pub ok: bool,
    /// All instances, in the order of `system.json`.
    pub instances: Vec<InstanceStatus>,
}

/// How one instance is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct InstanceStatus {
    /// The instance.
    pub instance: String,
    /// Its service.
    pub service: String,
    /// The version that it runs.
    pub version: String,
    /// Its process, if there is one.
    pub pid: Option<u32>,
    /// Whether it has answered since its process started.
    pub ready: bool,
    /// When it last became ready.
    pub ready_at_unix_nanos: Option<i64>,
    /// The current values of the variables that may be changed.
    pub variables: BTreeMap<String, Option<String>>,
    /// How often it ended by itself.
    pub crashes: u32,
    /// Its latest starts, oldest first, at most 32.
    pub restarts: Vec<Restart>,
}

/// Why a process was started.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartKind {
    /// With the system.
    Start,
    /// Because an operator asked for it.
    Restart,
    /// As part of a deployment.
    Deploy,
    /// Because the process before it ended by itself.
    Crash,
}

/// One start of a process.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Restart {
    /// Why.
    pub kind: RestartKind,
    /// When the process before it was told to stop, or this one was started.
    pub begun_at_unix_nanos: i64,
    /// When it answered; absent while it has not.
    pub ready_at_unix_nanos: Option<i64>,
}

/// An instance was restarted.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Restarted {
    /// True.
    pub ok: bool,
    /// The instance.
    pub instance: String,
    /// The version that it runs.
    pub version: String,
    /// When it was ready again.
    pub ready_at_unix_nanos: i64,
    /// The values before of the variables that were named; null where there was none.
    pub previous: BTreeMap<String, Option<String>>,
    /// The new process.
    pub pid: u32,
}

/// What is known of a restart under a key.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Recalled {
    /// True.
    pub ok: bool,
    /// How far it came.
    pub state: RecalledState,
    /// When the instance was ready again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at_unix_nanos: Option<i64>,
    /// The values before.
    pub previous: BTreeMap<String, Option<String>>,
    /// What was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far a restart came.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecalledState {
    /// It was never begun.
    NotBegun,
    /// It was begun, and what came of it was not written down.
    Begun,
    /// It was carried out.
    Done,
    /// It was tried and failed.
    Failed,
}

/// A service was deployed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Deployed {
    /// True.
    pub ok: bool,
    /// The service.
    pub service: String,
    /// The version that it runs now.
    pub version: String,
    /// Its instances, in the order in which they were restarted.
    pub instances: Vec<Restarted>,
}

/// A request was not carried out.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Refusal {
    /// False.
    pub ok: bool,
    /// Why, and what to do.
    pub error: String,
    /// The variables that may be changed, where the request named another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
}

impl Refusal {
    pub(super) fn new(error: impl Into<String>) -> Self {
        Self { ok: false, error: error.into(), allowed: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_with_a_verb() {
        let line = r#"{"verb":"restart","instance":"orders-1","set":{"CUSTOMER_INDEX":"true"}}"#;
        let request: Request = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), line);
        assert_eq!(serde_json::from_str::<Request>(r#"{"verb":"status"}"#).unwrap(), Request::Status {});
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(
            serde_json::from_str::<Request>(r#"{"verb":"restart","instance":"a","command":"x"}"#).is_err()
        );
    }
}
