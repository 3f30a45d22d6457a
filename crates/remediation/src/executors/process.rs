//! Restarts one process with overrides, by asking the actuator (`firstcause actuate`) over its Unix socket.
//!
//! The actuator is a separate process and checks the variables once more against its own list; this process has no
//! means to start or stop anything. It keeps a durable record of what it did under which key, and is asked for it
//! when nothing else knows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use incident::{Action, Execution, ExecutionOutcome};
use serde::{Deserialize, Serialize};
use telemetry::UnixNanos;
use telemetry::source::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{ActionKey, ExecuteError, ExecuteFailure, Executor, Recalled, UndoPermit};
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
    key: &'a str,
    instance: &'a str,
    set: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<&'a String>,
}

#[derive(Debug, Serialize)]
struct StatusRequest {
    verb: &'static str,
}

#[derive(Debug, Serialize)]
struct RecallRequest<'a> {
    verb: &'static str,
    key: &'a str,
}

/// What the actuator has on record about a key.
#[derive(Debug, Deserialize)]
struct Recall {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    state: Option<State>,
    #[serde(default)]
    ready_at_unix_nanos: i64,
    #[serde(default)]
    previous: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    NotBegun,
    Begun,
    Done,
    Failed,
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
    /// The values before, as the actuator keeps them.
    #[serde(default)]
    previous: Option<BTreeMap<String, Option<String>>>,
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

    async fn recalled(&self, key: &ActionKey, action: &Action) -> Result<Recalled, ExecuteError> {
        let asked: Recall = self.exchange(&RecallRequest { verb: "recall", key: key.as_str() }).await?;
        let Some(state) = asked.state.filter(|_| asked.ok) else {
            let why = if asked.error.is_empty() { "it keeps no record" } else { &asked.error };
            return Ok(Recalled::Unknown(why.to_owned()));
        };
        let action_digest = action.digest().unwrap_or_default();
        let permit = UndoPermit {
            action_digest: action_digest.clone(),
            instance: action.instance.clone(),
            previous: asked.previous,
        };
        Ok(match state {
            State::NotBegun => Recalled::NotBegun,
            State::Begun => Recalled::Unknown(
                "the actuator began and was itself ended before it wrote down what came of it".to_owned(),
            ),
            State::Done => {
                let ready_at = asked.ready_at_unix_nanos;
                Recalled::Done(
                    execution(&action_digest, &action.instance, ready_at, &permit.previous),
                    permit,
                )
            }
            State::Failed => Recalled::Failed(ExecuteFailure {
                error: ExecuteError::Refused(asked.error),
                permit: Some(permit),
            }),
        })
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
    ready_at_unix_nanos: i64,
    undo: &BTreeMap<String, Option<String>>,
) -> Execution {
    Execution {
        action_digest: action_digest.to_owned(),
        instance: instance.to_owned(),
        outcome: ExecutionOutcome::Done { ready_at: UnixNanos(ready_at_unix_nanos) },
        undo: undo.clone(),
    }
}

impl Executor for ProcessExecutor {
    fn execute<'a>(
        &'a self,
        key: &'a ActionKey,
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
            let request = Request {
                verb: "restart",
                key: key.as_str(),
                instance: &action.instance,
                set: &action.set,
                unset: Vec::new(),
            };
            match self.restart(&request).await {
                Ok(reply) => {
                    // Done under this key before: what was there before that is what takes it back.
                    let previous = reply.previous.unwrap_or(permit.previous);
                    let permit = UndoPermit { previous, ..permit };
                    let ready_at = reply.ready_at_unix_nanos;
                    Ok((execution(&action_digest, &action.instance, ready_at, &permit.previous), permit))
                }
                Err(error @ ExecuteError::NotAllowed(_)) => Err(error.into()),
                // The override may be set and the process down: only the caller can decide to take it back.
                Err(error) => Err(ExecuteFailure { error, permit: Some(permit) }),
            }
        })
    }

    fn undo<'a>(
        &'a self,
        key: &'a ActionKey,
        permit: UndoPermit,
    ) -> BoxFuture<'a, Result<Execution, ExecuteError>> {
        Box::pin(async move {
            let set = permit
                .previous
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
                .collect();
            let unset =
                permit.previous.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
            let request =
                Request { verb: "restart", key: key.as_str(), instance: &permit.instance, set: &set, unset };
            let reply = self.restart(&request).await?;
            let ready_at = reply.ready_at_unix_nanos;
            Ok(execution(&permit.action_digest, &permit.instance, ready_at, &permit.previous))
        })
    }

    fn recall<'a>(
        &'a self,
        key: &'a ActionKey,
        action: &'a Action,
    ) -> BoxFuture<'a, Result<Recalled, ExecuteError>> {
        Box::pin(self.recalled(key, action))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;
    use crate::approval::Authority;

    const STATUS: &str = "{\"ok\":true,\"instances\":[{\"instance\":\"orders-1\",\
                          \"variables\":{\"CUSTOMER_INDEX\":\"false\",\"READ_AUDIT\":null}}]}\n";

    fn key() -> ActionKey {
        ActionKey::new("inc_1", &action().digest().unwrap(), 0)
    }

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
        let (execution, permit) = executor.execute(&key(), &action(), approval, 1).await.unwrap();
        assert_eq!(execution.outcome, ExecutionOutcome::Done { ready_at: UnixNanos(7) });
        executor.undo(&key().undo(), permit).await.unwrap();
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
            let failure = executor.execute(&key(), &action(), approval, 1).await.unwrap_err();
            assert_eq!(failure.permit.is_some(), may_have_acted, "{failure:?}");
            server.await.unwrap();
        }
    }

    #[tokio::test]
    async fn without_an_actuator_nothing_is_done_and_the_hint_says_what_to_start() {
        let executor = ProcessExecutor::new(PathBuf::from("/nonexistent/actuate.sock"));
        let (approval, _) = Authority::new().approve(&action(), "terminal", "", 0).unwrap();
        let error = executor.execute(&key(), &action(), approval, 1).await.unwrap_err();
        assert!(error.error.to_string().contains("hint: is `firstcause actuate` running?"), "{error:?}");
    }

    #[tokio::test]
    async fn an_approval_for_another_action_reaches_no_actuator() {
        let executor = ProcessExecutor::new(PathBuf::from("/nonexistent/actuate.sock"));
        let mut other = action();
        other.set.insert("READ_AUDIT".into(), "full".into());
        let (approval, _) = Authority::new().approve(&other, "terminal", "", 0).unwrap();
        let error = executor.execute(&key(), &action(), approval, 1).await.unwrap_err();
        assert!(matches!(error.error, ExecuteError::NotApproved(_)), "{error:?}");
    }

    #[tokio::test]
    async fn what_came_of_an_action_is_recalled_and_nothing_is_guessed() {
        let replies = [
            ("{\"ok\":true,\"state\":\"not_begun\"}\n", "NotBegun"),
            ("{\"ok\":true,\"state\":\"begun\"}\n", "Unknown"),
            (
                "{\"ok\":true,\"state\":\"done\",\"ready_at_unix_nanos\":7,\"previous\":{\"A\":null}}\n",
                "Done",
            ),
            ("{\"ok\":true,\"state\":\"failed\",\"error\":\"not ready\"}\n", "Failed"),
            ("{\"ok\":false,\"error\":\"the request is not understood\"}\n", "Unknown"),
        ];
        for (reply, name) in replies {
            let folder = tempfile::tempdir().unwrap();
            let socket = folder.path().join("actuate.sock");
            let listener = UnixListener::bind(&socket).unwrap();
            let server = tokio::spawn(actuator(listener, vec![reply]));
            let recalled = ProcessExecutor::new(socket).recall(&key(), &action()).await.unwrap();
            assert!(format!("{recalled:?}").starts_with(name), "{reply}: {recalled:?}");
            let requests = server.await.unwrap();
            assert!(requests[0].contains(r#""verb":"recall","key":"inc_1/0/"#), "{}", requests[0]);
        }
    }
}
