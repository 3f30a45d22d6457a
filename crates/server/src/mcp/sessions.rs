//! How many sessions there are, whose they are, and which revision they speak.
//!
//! The library keeps and ends them; what it does not know is who opened one, and when there are enough.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use hyper::header::HeaderValue;
use rmcp::model::ProtocolVersion;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio::sync::Mutex;

use super::bearer::Principal;
use super::{Answered, SESSION, refusal};
use crate::serve::Body;

/// The first revision whose clients read an event without data, by which a stream says where to go on.
const PRIMED: &str = "2025-11-25";

/// The sessions of one mounted handler.
pub(super) struct Sessions {
    /// Sessions of clients that would stumble over an event without data.
    quiet: Arc<LocalSessionManager>,
    primed: Arc<LocalSessionManager>,
    known: Mutex<BTreeMap<String, Known>>,
    max: usize,
}

struct Known {
    owner: Option<String>,
    version: Option<String>,
}

impl Sessions {
    pub(super) fn new(max: usize, idle: Duration) -> Self {
        let mut primed = LocalSessionManager::default();
        primed.session_config.keep_alive = Some(idle);
        let mut quiet = LocalSessionManager::default();
        quiet.session_config = primed.session_config.clone();
        quiet.session_config.sse_retry = None;
        Self { quiet: Arc::new(quiet), primed: Arc::new(primed), known: Mutex::default(), max }
    }

    /// Who keeps the sessions of older revisions.
    pub(super) fn quiet(&self) -> Arc<LocalSessionManager> {
        Arc::clone(&self.quiet)
    }

    /// Who keeps the sessions since [`PRIMED`].
    pub(super) fn primed(&self) -> Arc<LocalSessionManager> {
        Arc::clone(&self.primed)
    }

    /// Whether a session is there and was opened by the one who names it now: its id alone opens nothing.
    pub(super) async fn is_owned(&self, id: &HeaderValue, principal: Option<&Principal>) -> bool {
        let Ok(id) = id.to_str() else { return false };
        let known = self.known.lock().await;
        known.get(id).is_some_and(|known| known.owner.as_deref() == principal.map(Principal::name))
    }

    /// The revision that the session `id` was opened with.
    pub(super) async fn version(&self, id: &str) -> Option<String> {
        self.known.lock().await.get(id)?.version.clone()
    }

    /// Opens a session, unless there are enough. The lock is held meanwhile, so that the bound is exact.
    pub(super) async fn open(
        &self,
        principal: Option<Principal>,
        version: Option<String>,
        opening: Answered,
    ) -> Response<Body> {
        let mut known = self.known.lock().await;
        {
            let (quiet, primed) = (self.quiet.sessions.read().await, self.primed.sessions.read().await);
            known.retain(|id, _| quiet.contains_key(id.as_str()) || primed.contains_key(id.as_str()));
            if quiet.len() + primed.len() >= self.max {
                return refusal::busy("too many sessions are open; end one (DELETE), or come again\n");
            }
        }
        let response = opening.await;
        if let Some(id) = response.headers().get(SESSION).and_then(|id| id.to_str().ok()) {
            let owner = principal.map(|one| one.name().to_owned());
            known.insert(id.to_owned(), Known { owner, version });
        }
        response
    }
}

/// Whether a client of `version` reads no event without data.
pub(super) fn is_quiet(version: &str) -> bool {
    version < PRIMED
}

/// The revision that the handshake comes to: the one asked for where it is known, else the newest that has one.
pub(super) fn negotiated(asked: &str) -> Option<String> {
    let mut with_handshake = ProtocolVersion::KNOWN_VERSIONS.iter().filter(|one| one.has_initialize());
    let newest = with_handshake.next_back();
    let exact = ProtocolVersion::KNOWN_VERSIONS
        .iter()
        .find(|known| known.as_str() == asked && known.has_initialize());
    exact.or(newest).map(|version| version.as_str().to_owned())
}
