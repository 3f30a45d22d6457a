//! A typed client of the supervisor.
//! It deliberately opens a connection for each request: requests are rare, and a restarted supervisor is no case
//! to handle.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::wire::{Deployed, Refusal, Request, Restarted, Status, Variables};

/// A rolling deployment restarts every instance in turn, so an answer can take some time.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// No answer is near this long.
const ANSWER_LENGTH: u64 = 1 << 20;

/// Why a request has no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The supervisor cannot be reached, or went away.
    #[error("cannot talk to the supervisor at `{socket}`; hint: is it running?")]
    Io {
        /// Its socket.
        socket: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The supervisor did not carry out the request.
    #[error("the supervisor refused: {}", .0.error)]
    Refused(Refusal),
    /// The answer is not one.
    #[error("the supervisor's answer is not understood")]
    Format(#[from] serde_json::Error),
}

/// A client of the supervisor at one socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client for the supervisor that listens on `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// How all instances are.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.ask(&Request::Status {}).await
    }

    /// Restarts one instance with changed variables.
    pub async fn restart(
        &self,
        instance: &str,
        set: Variables,
        unset: Vec<String>,
    ) -> Result<Restarted, ClientError> {
        self.ask(&Request::Restart { instance: instance.to_owned(), key: None, set, unset }).await
    }

    /// Deploys another version of a service, instance by instance.
    pub async fn deploy(
        &self,
        service: &str,
        version: &str,
        set: Variables,
    ) -> Result<Deployed, ClientError> {
        self.ask(&Request::Deploy { service: service.to_owned(), version: version.to_owned(), set }).await
    }

    /// Stops everything.
    pub async fn stop(&self) -> Result<(), ClientError> {
        self.ask::<serde_json::Value>(&Request::Stop {}).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, ClientError> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let exchanged =
            timeout(ANSWER_LIMIT, self.exchange(&line)).await.unwrap_or_else(|late| Err(late.into()));
        let answer = exchanged.map_err(|source| ClientError::Io { socket: self.socket.clone(), source })?;
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        if answer.get("ok") == Some(&serde_json::Value::Bool(true)) {
            Ok(serde_json::from_value(answer)?)
        } else {
            Err(ClientError::Refused(serde_json::from_value(answer)?))
        }
    }

    async fn exchange(&self, line: &[u8]) -> io::Result<String> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        stream.write_all(line).await?;
        let mut answer = String::new();
        BufReader::new(stream.take(ANSWER_LENGTH)).read_line(&mut answer).await?;
        Ok(answer)
    }
}
