//! Asking a running Firstcause, with the key of the environment.
//!
//! The key is no flag: what stands on a command line, others on the machine can read.

use std::net::SocketAddr;

use serde_json::Value;
use server::client::AskServerError;
use telemetry::{Answer, Question};

use crate::config::KEY;
use crate::failure::Failure;

/// Asks the Firstcause at `at`.
///
/// # Errors
/// When it cannot be reached or refuses.
pub(crate) async fn ask(at: SocketAddr, question: &Question) -> Result<Answer, AskServerError> {
    server::client::ask(at, question, key().as_deref()).await
}

/// Calls a tool of the Firstcause at `at`.
///
/// # Errors
/// When it cannot be reached or refuses; with what to do next.
pub(crate) async fn call(at: SocketAddr, tool: &str, arguments: &Value) -> anyhow::Result<Value> {
    server::client::call(at, tool, arguments, key().as_deref()).await.map_err(|error| match &error {
        AskServerError::Unreachable { .. } => {
            Failure::unreachable(error.to_string(), "is `firstcause serve` running? `--at` says where")
        }
        AskServerError::Refused { code, .. } => {
            let text = error.to_string();
            // What the other side advises is nearer than what can be said from here.
            if let Some((what, advice)) = text.split_once("; hint: ") {
                let advice = advice.split(" (FC-").next().unwrap_or(advice);
                return Failure::usage(what, advice);
            }
            let fallback = match code.as_str() {
                "FC-0050" | "FC-0051" => {
                    "`firstcause tools --dialect NAME` tells the tools of a dialect and their arguments"
                }
                _ => "`firstcause doctor` looks at the installation and its keys",
            };
            Failure::usage(text.clone(), hint(code).unwrap_or(fallback))
        }
    })
}

fn key() -> Option<String> {
    std::env::var(KEY).ok().filter(|key| !key.is_empty())
}

/// What to do about a refusal of this code, when it is about the key.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    let is_of_key = matches!(code, "FC-0040" | "FC-0041");
    is_of_key.then_some("`FIRSTCAUSE_KEY=fck_...` in the environment asks with a key")
}
