//! What is fetched: one adapter per back end, each a read-only [`telemetry::Source`].
//!
//! Reading order: [`settings`] (what an operator writes), `http` (the one door to the network), then a back end:
//! `prometheus`, `jaeger`, `clickhouse`, `elastic`, `git`, and the others. A back end is a folder here, a line in [`all`], and
//! tests against the real thing in
//! `cloudtrail`, `datadog`, `github`, `argocd`, `mcp`. A back end is a folder here, a line in [`all`], and tests against the real thing in
//! `crates/firstcause/tests/it/sources`.
//!
//! Knows no incident and keeps nothing: every answer is fetched when it is asked for. No source can write; [`elastic::kibana`], which
//! no source reaches, makes and removes what `setup elastic` names.

mod argocd;
mod clickhouse;
mod cloudtrail;
mod datadog;
pub mod elastic;
mod fetched;
mod git;
mod github;
mod http;
mod jaeger;
mod json;
mod kubernetes;
mod lines;
mod loki;
mod masked;
mod mcp;
mod owners;
mod parts;
mod prometheus;
mod quoted;
mod rfc3339;
pub mod settings;
mod tempo;
mod versions;
mod victorialogs;

use std::sync::Arc;

use telemetry::{Capabilities, Source, SourceName};

pub use settings::{Settings, SettingsError};

/// A source, or why there is none.
type Opened = Result<Arc<dyn Source>, SettingsError>;

/// A back end that can be asked.
#[derive(Clone, Copy)]
pub struct Backend {
    /// What `kind` says in the settings.
    pub kind: &'static str,
    /// What it is, and which versions were tried.
    pub what: &'static str,
    /// The questions it answers, sorted.
    pub questions: &'static [&'static str],
    /// What its answers are held against in the tests.
    pub tried: &'static str,
    /// What the principal that asks must be allowed, and nothing more.
    pub needs: &'static str,
    open: fn(SourceName, &Settings) -> Opened,
}

impl Backend {
    pub(crate) fn capabilities(&self) -> Capabilities {
        Capabilities { questions: self.questions.iter().map(|name| (*name).to_owned()).collect() }
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Every back end, sorted by kind.
#[must_use]
pub fn all() -> &'static [Backend] {
    &[
        argocd::BACKEND,
        clickhouse::BACKEND,
        cloudtrail::BACKEND,
        datadog::BACKEND,
        elastic::ELASTICSEARCH,
        git::BACKEND,
        github::BACKEND,
        jaeger::BACKEND,
        kubernetes::BACKEND,
        loki::BACKEND,
        mcp::BACKEND,
        elastic::OPENSEARCH,
        prometheus::BACKEND,
        tempo::BACKEND,
        victorialogs::BACKEND,
    ]
}

/// The source that `settings` describe, under the name that evidence cites. Nothing is asked yet.
///
/// # Errors
/// When the kind is unknown, the address cannot be used, or a secret is not there.
pub fn open(name: &str, settings: &Settings) -> Result<Arc<dyn Source>, SettingsError> {
    (settings.backend(name)?.open)(SourceName(name.to_owned()), settings)
}

#[cfg(test)]
mod tests {
    #[test]
    fn back_ends_are_sorted_and_answer_known_questions() {
        let all = super::all();
        assert!(all.windows(2).all(|pair| pair[0].kind < pair[1].kind));
        for backend in all {
            assert!(backend.questions.windows(2).all(|pair| pair[0] < pair[1]), "{}", backend.kind);
            assert!(backend.questions.iter().all(|name| telemetry::question::NAMES.contains(name)));
        }
    }
}
