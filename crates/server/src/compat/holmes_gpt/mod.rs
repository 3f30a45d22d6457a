//! HolmesGPT's interface, as its callers know it: have an issue investigated, ask in plain words, ask how a workload is.
//!
//! `/api/chat` after release 0.45, and the paths that releases up to 0.17 had besides it (`/api/investigate`,
//! `/api/stream/investigate`, `/api/issue_chat`, `/api/workload_health_check`, `/api/workload_health_chat`); the shapes are
//! those of `holmes/core/models.py`. No model answers, so what only a model reads (`model`, prompts, images, a format for
//! its answer) is named in `metadata.ignored`. A decision about a tool (`tool_decisions`) that approves something is
//! refused: who chats here decides nothing (I5).

mod chat;
mod investigate;
mod shapes;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::desk::{Desk, another_method, answer, detail};
use crate::serve::Body;

/// What is answered here. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct HolmesGpt {
    desk: Desk,
}

impl HolmesGpt {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk }
    }

    pub(super) fn takes(parts: &[&str]) -> bool {
        matches!(
            parts,
            [
                "api",
                "chat"
                    | "investigate"
                    | "issue_chat"
                    | "model"
                    | "workload_health_chat"
                    | "workload_health_check"
            ] | ["api", "stream", "investigate"]
        )
    }

    /// Answers what was asked below `/api`.
    pub(super) async fn answer(&self, parts: &[&str], request: Request<Incoming>) -> Response<Body> {
        let admitted = match self.desk.admitted(request.headers()) {
            Ok(admitted) => admitted,
            Err(refused) => return detail(refused),
        };
        let answered = match (request.method(), parts) {
            // A list in a text, as it comes from there.
            (&Method::GET, ["model"]) => {
                return answer(StatusCode::OK, &json!({ "model_name": "[\"firstcause\"]" }));
            }
            (&Method::POST, ["investigate"]) => self.investigated(&admitted, request).await,
            (&Method::POST, ["stream", "investigate"]) => self.investigating(admitted, request).await,
            (&Method::POST, ["workload_health_check"]) => self.checked(&admitted, request).await,
            (&Method::POST, ["chat" | "issue_chat" | "workload_health_chat"]) => {
                self.chatted(&admitted, request).await
            }
            _ => Ok(another_method()),
        };
        answered.unwrap_or_else(detail)
    }
}
