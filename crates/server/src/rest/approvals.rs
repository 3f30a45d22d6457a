//! A person's word about an action, from the page or from a program.
//!
//! It needs the token of this process, which stands on the terminal alone, or the key of an approver; it comes from our
//! own origin; it names the digest of the action that was shown. Makes no approval: it puts a word into the mailbox, and
//! the channel behind it does the rest.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use remediation::channels::page::{Mailbox, MailboxError, PageWord, Said};
use serde::Deserialize;

use super::{Api, json, problem};
use crate::guard;
use crate::identity::{self, Refusal, SPACE, key};
use crate::query::Query;
use crate::serve::{Body, reply};

/// Longest body: a comment and a few names.
const BODY_BYTES_MAX: usize = 32 * 1024;
/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest name of a person that is recorded.
const NAME_MAX: usize = 40;

/// Who may approve, and where their word goes.
#[derive(Clone)]
pub struct Approvals {
    mailbox: Mailbox,
    token: String,
}

impl std::fmt::Debug for Approvals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Approvals").finish_non_exhaustive()
    }
}

impl Approvals {
    /// Words go into `mailbox` from whoever knows `token`: at least 32 characters that nobody can guess.
    #[must_use]
    pub fn new(mailbox: Mailbox, token: String) -> Self {
        Self { mailbox, token }
    }

    /// Where words go.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    fn admits(&self, token: &str) -> bool {
        self.token.len() >= 32 && guard::same(&self.token, token)
    }

    /// How a record names who spoke: the name is what the person typed, the token's id is what was checked.
    fn principal(&self, name: &str) -> String {
        let digest = incident::canonical::blake3_hex(self.token.as_bytes());
        let id = digest.get(..8).unwrap_or_default();
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
        let name: String = name.chars().filter(is_plain).take(NAME_MAX).collect();
        if name.is_empty() { format!("page:token-{id}") } else { format!("page:{name}(token-{id})") }
    }
}

/// What is sent.
#[derive(Debug, Default, Deserialize)]
struct Sent {
    #[serde(default)]
    token: String,
    digest: String,
    decision: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    name: String,
}

/// From the form of the page: leads back to it.
pub(super) async fn from_page(api: Api, id: &str, request: Request<Incoming>) -> Response<Body> {
    let place = format!("/investigations/{id}");
    match heard(&api, id, request).await {
        Ok(_) => {
            let mut response = reply(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "".into());
            if let Ok(place) = HeaderValue::from_str(&place) {
                response.headers_mut().insert(header::LOCATION, place);
            }
            response
        }
        Err(unheard) => super::pages::refused(&api, unheard.status(), &unheard.to_string(), &place),
    }
}

/// From a program: JSON, with the token as bearer.
pub(super) async fn from_program(api: Api, id: &str, request: Request<Incoming>) -> Response<Body> {
    match heard(&api, id, request).await {
        Ok(principal) => json(&serde_json::json!({ "is_counted": true, "principal": principal })),
        Err(Unheard::Key(refusal)) => super::refused(&refusal),
        Err(Unheard::Word(status, detail)) => {
            let code = if status == StatusCode::FORBIDDEN { "FC-0030" } else { "FC-0031" };
            problem(status, code, &detail)
        }
    }
}

/// Why a word does not count.
#[derive(Debug, thiserror::Error)]
enum Unheard {
    /// The key opens nothing, or not this.
    #[error(transparent)]
    Key(#[from] Refusal),
    /// Everything else.
    #[error("{1}")]
    Word(StatusCode, String),
}

impl Unheard {
    fn status(&self) -> StatusCode {
        match self {
            Self::Key(refusal) => refusal.status(),
            Self::Word(status, _) => *status,
        }
    }
}

async fn heard(api: &Api, id: &str, request: Request<Incoming>) -> Result<String, Unheard> {
    let forbidden = |why: &str| Unheard::Word(StatusCode::FORBIDDEN, why.to_owned());
    let Some(approvals) = &api.approvals else {
        return Err(forbidden(
            "nothing is approved on this page; hint: `serve` asks here when it is given `--inventory`, `--policy` and \
             `--actuator`, and `demo` with `--ask`",
        ));
    };
    if !guard::origin(request.headers()) {
        return Err(forbidden("the word comes from another site"));
    }
    let shown = shown(request.headers()).map(str::to_owned);
    let by_key = by_key(api, &request)?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
    let sent = read(request, is_json).await?;
    if by_key.is_none() && !approvals.admits(shown.as_deref().unwrap_or(&sent.token)) {
        return Err(forbidden("the token is missing or wrong; hint: it stands on the terminal"));
    }
    let said = match sent.decision.as_str() {
        "approve" => Said::Approve,
        "reject" => Said::Reject,
        "comment" => Said::Comment,
        _ => {
            let why = "the decision is `approve`, `reject` or `comment`".to_owned();
            return Err(Unheard::Word(StatusCode::BAD_REQUEST, why));
        }
    };
    let principal = by_key.unwrap_or_else(|| approvals.principal(&sent.name));
    let word = PageWord {
        incident: id.to_owned(),
        digest: sent.digest,
        principal: principal.clone(),
        said,
        comment: sent.comment,
    };
    match approvals.mailbox.put(word) {
        Ok(()) => Ok(principal),
        Err(error @ (MailboxError::NotAsked | MailboxError::OtherAction)) => {
            Err(Unheard::Word(StatusCode::CONFLICT, error.to_string()))
        }
    }
}

/// The principal of an approver's key; nothing when no key is shown, but perhaps the token. What the person calls
/// themselves is not asked then: the key says who it is.
fn by_key(api: &Api, request: &Request<Incoming>) -> Result<Option<String>, Unheard> {
    let headers = request.headers();
    if !shown(headers).is_some_and(key::is_alike) {
        return Ok(None);
    }
    let admitted = api.identity.admit(headers, SPACE)?;
    if !admitted.decides() {
        let why = "the key is not an approver's; hint: `firstcause key new --role approver` makes one";
        return Err(Unheard::Word(StatusCode::FORBIDDEN, why.to_owned()));
    }
    Ok(Some(admitted.principal().to_owned()))
}

/// What stands in the header as a key does. What cannot be read there may be a proxy's affair: the form brings a token.
fn shown(headers: &HeaderMap) -> Option<&str> {
    identity::credential(headers).ok().flatten()
}

async fn read(request: Request<Incoming>, is_json: bool) -> Result<Sent, Unheard> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    let body = match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            return Err(Unheard::Word(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the word is too long or was cut".to_owned(),
            ));
        }
        Err(_) => {
            let why = "the word did not arrive in time".to_owned();
            return Err(Unheard::Word(StatusCode::REQUEST_TIMEOUT, why));
        }
    };
    if is_json {
        return serde_json::from_slice(&body)
            .map_err(|error| Unheard::Word(StatusCode::BAD_REQUEST, format!("not a decision: {error}")));
    }
    let form = Query::read(&String::from_utf8_lossy(&body));
    let field = |name| form.get(name).unwrap_or_default().to_owned();
    Ok(Sent {
        token: field("token"),
        digest: field("digest"),
        decision: field("decision"),
        comment: field("comment"),
        name: field("name"),
    })
}
