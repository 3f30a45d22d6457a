//! What callers of every other system need: to be let in, to have an alert explained, to have a question answered.
//!
//! Through the tools of the default dialect, whatever this server shows, so that roles, keys, bounds and gaps are theirs.
//! Refusals are a status and a sentence; [`detail`] words them as FastAPI does, which both HolmesGPT and OpenSRE are.

use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tools::converse::intent::Subject;
use tools::converse::{self, Round};
use tools::{Context, Installation, InstallationError, Reply, ToolError, dialects};

use super::explained::Explained;
use crate::body::{self, Unread};
use crate::guard;
use crate::identity::{Admitted, Identity, SPACE};
use crate::serve::{Body, reply};
use crate::toolbox::{CallError, Toolbox};

/// Longest body: an alert with its context, or a conversation with what tools said in it.
pub(super) const BODY_MAX: usize = 1 << 20;
/// The header in which callers of other systems carry their key.
const API_KEY: &str = "x-api-key";

/// Why there is no answer.
pub(super) type Refused = (StatusCode, String);

/// The common part. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    identity: Identity,
    tools: Toolbox,
}

impl Desk {
    pub(super) fn new(identity: Identity, shown: &Toolbox) -> Self {
        Self { identity, tools: shown.speaking(dialects::default()) }
    }

    pub(super) fn installation(&self) -> &dyn Installation {
        &**self.tools.installation()
    }

    /// Who asks, by `Authorization` or, where there is none, by `X-API-Key`.
    pub(super) fn admitted(&self, headers: &HeaderMap) -> Result<Admitted, Refused> {
        if !guard::origin(headers) {
            return Err((StatusCode::FORBIDDEN, "the request comes from a page of another site".to_owned()));
        }
        let admitted = match headers.get(API_KEY).filter(|_| !headers.contains_key(header::AUTHORIZATION)) {
            None => self.identity.admit(headers, SPACE),
            Some(key) => {
                let mut headers = headers.clone();
                let bytes = [b"Bearer ", key.as_bytes()].concat();
                // What was a header's value is one behind a scheme, too.
                headers
                    .extend(HeaderValue::from_bytes(&bytes).ok().map(|value| (header::AUTHORIZATION, value)));
                self.identity.admit(&headers, SPACE)
            }
        };
        admitted.map_err(|refusal| (refusal.status(), refusal.to_string()))
    }

    /// Has `alert` explained, and the facts behind the explanation looked up.
    pub(super) async fn explained(&self, admitted: &Admitted, alert: &Value) -> Result<Explained, Refused> {
        let arguments = converse::alert::arguments(&self.context(admitted, "investigate")?, alert).await;
        let report = self.called(admitted, "investigate", arguments.clone()).await?;
        self.with_evidence(admitted, arguments, report).await
    }

    /// An incident that was explained before.
    pub(super) async fn told(&self, admitted: &Admitted, incident: &str) -> Result<Explained, Refused> {
        let arguments = json!({ "incident": incident });
        let report = self.called(admitted, "report", arguments.clone()).await?;
        self.with_evidence(admitted, arguments, report).await
    }

    async fn with_evidence(
        &self,
        admitted: &Admitted,
        arguments: Value,
        report: Reply,
    ) -> Result<Explained, Refused> {
        let incident = json!({ "incident": report.structured.get("incident") });
        let evidence = self.called(admitted, "evidence", incident).await?;
        Ok(Explained { arguments, report, evidence })
    }

    /// Calls one tool.
    pub(super) async fn called(
        &self,
        admitted: &Admitted,
        tool: &str,
        arguments: Value,
    ) -> Result<Reply, Refused> {
        self.tools.call(admitted, tool, arguments).await.map_err(|error| (status(&error), error.to_string()))
    }

    /// What was spoken of in a conversation that the caller remembers: `(is a question, text)`, oldest first.
    pub(super) async fn spoken_of(
        &self,
        admitted: &Admitted,
        said: &[(bool, &str)],
    ) -> Result<Subject, Refused> {
        Ok(converse::spoken_of(&self.context(admitted, "converse")?, said).await)
    }

    /// Answers a question in plain words; `before` is what was spoken of.
    pub(super) async fn round(
        &self,
        admitted: &Admitted,
        before: &Subject,
        input: &str,
    ) -> Result<Round, Refused> {
        // A conversation chooses among all tools of the caller's role.
        if !admitted.reads() {
            let why = "a key for some tools only does not converse; hint: call its tools";
            return Err((StatusCode::FORBIDDEN, why.to_owned()));
        }
        let busy = |busy: CallError| (StatusCode::SERVICE_UNAVAILABLE, busy.to_string());
        let _permit = self.tools.permit().map_err(busy)?;
        let context = self.context(admitted, "converse")?;
        Ok(converse::answer(&context, self.tools.registry(), before, input).await)
    }

    /// What a tool of the caller is called in.
    pub(super) fn context(&self, admitted: &Admitted, tool: &str) -> Result<Context, Refused> {
        let dialect = self.tools.registry().dialect().name;
        let caller = admitted
            .caller(dialect, tool, &mut Value::Null)
            .map_err(|refusal| (refusal.status(), refusal.to_string()))?;
        Ok(Context { installation: self.tools.installation().clone(), caller })
    }
}

/// The status of a call that has no reply.
fn status(error: &CallError) -> StatusCode {
    match error {
        CallError::Refused(refusal) => refusal.status(),
        CallError::UnknownTool(_) => StatusCode::NOT_FOUND,
        CallError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        CallError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        CallError::Tool(ToolError::Input(_)) => StatusCode::BAD_REQUEST,
        CallError::Tool(ToolError::NotAllowed { .. }) => StatusCode::FORBIDDEN,
        CallError::Tool(ToolError::Installation(error)) => match error {
            InstallationError::UnknownIncident { .. } => StatusCode::NOT_FOUND,
            InstallationError::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
        },
    }
}

/// The body of a request as `T`; what does not hold by it is 422, as FastAPI has it.
pub(super) async fn sent<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refused> {
    let bytes = body::read_at_most(request, BODY_MAX).await.map_err(|why| match why {
        Unread::Long => (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {BODY_MAX} bytes")),
        Unread::Slow => (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time".to_owned()),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
}

/// A refusal as FastAPI words it.
pub(super) fn detail((status, text): Refused) -> Response<Body> {
    let body = if status == StatusCode::UNPROCESSABLE_ENTITY {
        json!({ "detail": [{ "loc": ["body"], "msg": text, "type": "value_error" }] })
    } else {
        json!({ "detail": text })
    };
    answer(status, &body)
}

/// An answer in JSON.
pub(super) fn answer(status: StatusCode, value: &Value) -> Response<Body> {
    reply(status, "application/json", Bytes::from(value.to_string()))
}

/// The answer to a method that a path does not take.
pub(super) fn another_method() -> Response<Body> {
    detail((StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed".to_owned()))
}
