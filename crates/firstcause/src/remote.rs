//! Asking a running Firstcause, with the key of the environment.
//!
//! The key is no flag: what stands on a command line, others on the machine can read.

use std::net::SocketAddr;

use server::client::AskServerError;
use telemetry::{Answer, Question};

use crate::config::KEY;

/// Asks the Firstcause at `at`.
///
/// # Errors
/// When it cannot be reached or refuses.
pub(crate) async fn ask(at: SocketAddr, question: &Question) -> Result<Answer, AskServerError> {
    let key = std::env::var(KEY).ok().filter(|key| !key.is_empty());
    server::client::ask(at, question, key.as_deref()).await
}

/// What to do about a refusal of this code, when it is about the key.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    code.starts_with("FC-004").then_some("`FIRSTCAUSE_KEY=fck_... firstcause ask ...` asks with a key")
}
