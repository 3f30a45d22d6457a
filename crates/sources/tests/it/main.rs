//! Back ends that do not run here, as contract servers: the vendors' documented answers, pages, errors and refusals.
//!
//! What runs here is asked for real in `crates/firstcause/tests/it/sources`; which is which, `docs/sources.md` tells.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and wait"
)]

mod argocd;
mod broken;
mod cloudtrail;
mod datadog;
mod elastic;
mod github;
mod jaeger;
mod kibana;
mod kubernetes;
mod loki;
mod mcp;
mod prometheus;
mod server;
mod tempo;
mod told;
mod victorialogs;

use std::sync::Arc;

use telemetry::{Answer, Ask, AskError, Cancel, Limits, Question, QuestionId, Source, Space, UnixNanos};

/// A source of `settings`.
fn open(settings: &sources::Settings) -> Arc<dyn Source> {
    sources::open("tried", settings).unwrap()
}

/// What the source answers within `seconds`.
fn ask(source: &Arc<dyn Source>, ask: Ask, seconds: u64) -> Result<Answer, AskError> {
    let question =
        Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before: UnixNanos(0) };
    let limits = Limits { seconds_max: seconds, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(source.ask(&question, limits, &Cancel::default()))
}
