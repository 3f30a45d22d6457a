//! Restarts one process with overrides, by asking the actuator (`firstcause actuate`) over its Unix socket.
//!
//! The actuator is a separate process and checks the variables once more against its own list; this process has no
//! means to start or stop anything.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use incident::{Action, Execution, ExecutionOutcome};
use serde::{Deserialize, Serialize};
use telemetry::UnixNanos;
use telemetry::source::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{ExecuteError, ExecuteFailure, Executor, UndoPermit};
use crate::approval::Approval;

/// A restart waits for its process to be ready; the actuator gives up before this.
const REPLY_SECONDS_MAX: u64 = 30;

/// Longest reply that is read; the actuator's are a few hundred bytes.
const REPLY_BYTES_MAX: u64 = 64 * 1024;

/// Asks one actuator.
#[derive(Debug, Clone)]
pub struct ProcessExecutor {
    socket: PathBuf,
}

#[derive(Debug, Serialize)]
struct Request<'a> {
    verb: &'static str,
    instance: &'a str,
    set: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<&'a String>,
}

#[derive(Debug, Serialize)]
struct StatusRequest {
    verb: &'static str,
}

#[derive(Debug, Deserialize)]
struct Status {
    ok: bool,
    #[serde(default)]
    instances: Vec<InstanceStatus>,
}

#[derive(Debug, Deserialize)]
struct InstanceStatus {
    instance: String,
    variables: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    ok: bool,
    #[serde(default)]
    error: String,
    /// There when a variable was not allowed: then nothing was done.
    #[serde(default)]
    allowed: Option<Vec<String>>,
    #[serde(default)]
    ready_at_unix_nanos: i64,
}

impl ProcessExecutor {
    /// An executor that asks the actuator listening on `socket`.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    async fn restart(&self, request: &Request<'_>) -> Result<Reply, ExecuteError> {
        let reply: Reply = self.exchange(request).await?;
        match (reply.ok, &reply.allowed) {
            (true, _) => Ok(reply),
            (false, Some(_)) => Err(ExecuteError::NotAllowed(reply.error)),
            (false, None) => Err(ExecuteError::Refused(reply.error)),
        }
    }

    /// The values that `action` is about to replace.
    async fn previous(&self, action: &Action) -> Result<BTreeMap<String, Option<String>>, ExecuteError> {
        let status: Status = self.exchange(&StatusRequest { verb: "status" }).await?;
        let found = status.instances.into_iter().find(|known| known.instance == action.instance);
        let Some(instance) = found.filter(|_| status.ok) else {
            return Err(ExecuteError::Refused(format!("it knows no instance `{}`", action.instance)));
        };
        let value = |name: &String| (name.clone(), instance.variables.get(name).cloned().flatten());
        Ok(action.set.keys().map(value).collect())
    }

    async fn exchange<T: serde::de::DeserializeOwned>(
        &self,
        request: &impl Serialize,
    ) -> Result<T, ExecuteError> {
        let unreachable =
            |why: String| ExecuteError::Unreachable { at: self.socket.display().to_string(), why };
        let line = serde_json::to_string(request).map_err(|error| unreachable(error.to_string()))?;
        let asked = tokio::time::timeout(Duration::from_secs(REPLY_SECONDS_MAX), self.ask(line)).await;
        let reply = asked
            .map_err(|_| unreachable(format!("no reply within {REPLY_SECONDS_MAX} s")))?
            .map_err(|error| unreachable(error.to_string()))?;
        serde_json::from_str(&reply).map_err(|error| unreachable(format!("not a reply: {error}")))
    }

    async fn ask(&self, mut line: String) -> std::io::Result<String> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (read, mut write) = stream.into_split();
        line.push('\n');
        write.write_all(line.as_bytes()).await?;
        let mut reply = String::new();
        BufReader::new(tokio::io::AsyncReadExt::take(read, REPLY_BYTES_MAX)).read_line(&mut reply).await?;
        Ok(reply)
    }
}

fn execution(
    action_digest: &str,
    instance: &str,
    reply: &Reply,
    undo: &BTreeMap<String, Option<String>>,
) -> Execution {
    Execution {
        action_digest: action_digest.to_owned(),
        instance: instance.to_owned(),
        outcome: ExecutionOutcome::Done { ready_at: UnixNanos(reply.ready_at_unix_nanos) },
        undo: undo.clone(),
    }
}

impl Executor for ProcessExecutor {
    fn execute<'a>(
        &'a self,
        action: &'a Action,
        approval: Approval,
        now_ns: i64,
    ) -> BoxFuture<'a, Result<(Execution, UndoPermit), ExecuteFailure>> {
        Box::pin(async move {
            let action_digest = approval.spend(action, now_ns)?;
            let previous = self.previous(action).await?;
            let permit = UndoPermit {
                action_digest: action_digest.clone(),
                instance: action.instance.clone(),
                previous,
            };
            let request =
                Request { verb: "restart", instance: &action.instance, set: &action.set, unset: Vec::new() };
            match self.restart(&request).await {
                Ok(reply) => {
                    Ok((execution(&action_digest, &action.instance, &reply, &permit.previous), permit))
                }
                Err(error @ ExecuteError::NotAllowed(_)) => Err(error.into()),
                // The override may be set and the process down: only the caller can decide to take it back.
                Err(error) => Err(ExecuteFailure { error, permit: Some(permit) }),
            }
        })
    }

    fn undo(&self, permit: UndoPermit) -> BoxFuture<'_, Result<Execution, ExecuteError>> {
        Box::pin(async move {
            let set = permit
                .previous
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
                .collect();
            let unset =
                permit.previous.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
            let request = Request { verb: "restart", instance: &permit.instance, set: &set, unset };
            let reply = self.restart(&request).await?;
            Ok(execution(&permit.action_digest, &permit.instance, &reply, &permit.previous))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;
    use crate::approval::Authority;

    const STATUS: &str = "{\"ok\":true,\"instances\":[{\"instance\":\"orders-1\",\
                          \"variables\":{\"CUSTOMER_INDEX\":\"false\",\"READ_AUDIT\":null}}]}\n";

    fn action() -> Action {
        Action {
            spec: "restart_with_override".into(),
            profile: "slow_query".into(),
            service: "orders".into(),
            instance: "orders-1".into(),
            set: BTreeMap::from([("CUSTOMER_INDEX".to_owned(), "true".to_owned())]),
            is_reversible: true,
            rationale: String::new(),
        }
    }

    /// Answers each request with the next reply and gives the requests back.
    async fn actuator(listener: UnixListener, replies: Vec<&'static str>) -> Vec<String> {
        let mut requests = Vec::new();
        for reply in replies {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let mut line = String::new();
            BufReader::new(read).read_line(&mut line).await.unwrap();
            requests.push(line);
            write.write_all(reply.as_bytes()).await.unwrap();
        }
        requests
    }

    // covers: AT-07
    #[tokio::test]
    async fn an_action_is_one_restart_of_one_instance_and_its_undo_restores_what_was_before() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("actuate.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let reply = "{\"ok\":true,\"ready_at_unix_nanos\":7}\n";
        let server = tokio::spawn(actuator(listener, vec![STATUS, reply, reply]));
        let executor = ProcessExecutor::new(socket);
        let (approval, _) = Authority::new().approve(&action(), "terminal", "", 0).unwrap();
        let (execution, permit) = executor.execute(&action(), approval, 1).await.unwrap();
        assert_eq!(execution.outcome, ExecutionOutcome::Done { ready_at: UnixNanos(7) });
        executor.undo(permit).await.unwrap();
        let requests = server.await.unwrap();
        assert!(
            requests[1].contains(r#""instance":"orders-1","set":{"CUSTOMER_INDEX":"true"}"#),
            "{}",
            requests[0]
        );
        assert!(requests[2].contains(r#""set":{"CUSTOMER_INDEX":"false"}"#), "{}", requests[1]);
    }

    // covers: W-08
    #[tokio::test]
    async fn a_restart_that_does_not_come_back_can_be_taken_back_and_a_forbidden_one_need_not() {
        for (reply, may_have_acted) in [
            ("{\"ok\":false,\"error\":\"not ready within 20 s\"}\n", true),
            ("{\"ok\":false,\"error\":\"not allowed\",\"allowed\":[\"QUERY_HINT\"]}\n", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let socket = folder.path().join("actuate.sock");
            let listener = UnixListener::bind(&socket).unwrap();
            let server = tokio::spawn(actuator(listener, vec![STATUS, reply]));
            let executor = ProcessExecutor::new(socket);
            let (approval, _) = Authority::new().approve(&action(), "terminal", "", 0).unwrap();
            let failure = executor.execute(&action(), approval, 1).await.unwrap_err();
            assert_eq!(failure.permit.is_some(), may_have_acted, "{failure:?}");
            server.await.unwrap();
        }
    }

    #[tokio::test]
    async fn without_an_actuator_nothing_is_done_and_the_hint_says_what_to_start() {
        let executor = ProcessExecutor::new(PathBuf::from("/nonexistent/actuate.sock"));
        let (approval, _) = Authority::new().approve(&action(), "terminal", "", 0).unwrap();
        let error = executor.execute(&action(), approval, 1).await.unwrap_err();
        assert!(error.error.to_string().contains("hint: is `firstcause actuate` running?"), "{error:?}");
    }

    #[tokio::test]
    async fn an_approval_for_another_action_reaches_no_actuator() {
        let executor = ProcessExecutor::new(PathBuf::from("/nonexistent/actuate.sock"));
        let mut other = action();
        other.set.insert("READ_AUDIT".into(), "full".into());
        let (approval, _) = Authority::new().approve(&other, "terminal", "", 0).unwrap();
        let error = executor.execute(&action(), approval, 1).await.unwrap_err();
        assert!(matches!(error.error, ExecuteError::NotApproved(_)), "{error:?}");
    }
}
