//! The socket of the supervisor: one line of JSON in, one line out, for the owner of the socket alone.
//! It deliberately knows no verb but the one that ends it.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::fleet::Fleet;
use super::wire::{Refusal, Reply, Request};
use crate::files;

/// Requests are read up to this length.
const REQUEST_LENGTH: u64 = 64 << 10;
/// Connections served at once; more wait in the backlog of the socket.
const CONNECTIONS: usize = 32;

/// Makes the socket under another name first, so that under its own it only ever has its final mode.
pub(super) async fn listen(socket: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(socket).await.is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another supervisor listens there"));
    }
    let unfinished = socket.with_extension("new");
    if unfinished.exists() {
        std::fs::remove_file(&unfinished)?;
    }
    let listener = UnixListener::bind(&unfinished)?;
    std::fs::set_permissions(&unfinished, Permissions::from_mode(0o600))?;
    files::rename(&unfinished, socket)?;
    Ok(listener)
}

/// Accepts connections until it is dropped; who asked for a stop is told before `stop` is.
pub(super) async fn serve(listener: &UnixListener, fleet: &Arc<Fleet>, stop: &Arc<Notify>) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => {
                let (stream, _) = accepted?;
                let (fleet, stop) = (Arc::clone(fleet), Arc::clone(stop));
                connections.spawn(async move {
                    // A client that goes away loses its answer, and nobody else anything.
                    drop(converse(&fleet, &stop, stream).await);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(fleet: &Fleet, stop: &Notify, stream: UnixStream) -> io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    loop {
        let mut line = String::new();
        if (&mut input).take(REQUEST_LENGTH).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let request = serde_json::from_str::<Request>(&line);
        let asked_to_stop = matches!(request, Ok(Request::Stop {}));
        let reply = match request {
            Ok(request) => fleet.carry_out(request).await.unwrap_or_else(Reply::Refused),
            Err(error) => Reply::Refused(Refusal::new(format!(
                "the request is not understood: {error}; hint: verbs are status, restart, recall, deploy and stop"
            ))),
        };
        let mut line = serde_json::to_vec(&reply)?;
        line.push(b'\n');
        output.write_all(&line).await?;
        if asked_to_stop {
            stop.notify_one();
        }
    }
}
