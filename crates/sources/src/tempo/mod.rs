//! Tempo: traces, and what follows from them.
//!
//! Entry spans come from searches alone, which tell what a query selects, in parts of the window where there are too many;
//! `onset` is counted over all of them or refused. Every other question is about whole traces, which Tempo tells one by one:
//! of a window with more than five hundred, as many from each tenth of it, and the answer says that it is cut.
//!
//! TraceQL metrics are not asked: they count spans by when they began, and their quantiles are of buckets. What Tempo took in
//! within the last half minute it may not find yet. Tenants are chosen by `headers` (`X-Scope-OrgID`).

mod otlp;
mod traces;
mod wire;

use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::Tables;
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, TraceId, Window,
};

use crate::Backend;
use crate::fetched::{Fetched, Kept, answer};
use crate::http::{Asking, Http};

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "tempo",
    what: "Tempo 2 with TraceQL: its search, and traces by their ids",
    questions: &["compare", "edges", "exemplars", "onset", "paths", "self_time", "trace"],
    tried: "a contract server built from the documentation of Tempo's HTTP API: every question over generated traces equals \
            the tables behind it; no real one",
    needs: "GET on /api/search, /api/v2/traces and, before Tempo 2.7, /api/traces; Tempo itself knows no roles, a proxy \
            before it or an access policy with traces:read does",
    open: |name, settings| {
        let http = Http::new(&name.0, settings)?;
        Ok(Arc::new(Tempo { name, door: Door { http }, kept: Kept::default() }))
    },
};

struct Tempo {
    name: SourceName,
    door: Door,
    kept: Kept,
}

/// Tempo's interface.
#[derive(Debug, Clone)]
struct Door {
    http: Http,
}

impl Door {
    async fn get(&self, path: &str, query: &[(&str, String)], asking: &Asking) -> Result<Vec<u8>, AskError> {
        self.http.get(path, query, asking).await.map_err(wire::error)
    }
}

impl Source for Tempo {
    fn name(&self) -> SourceName {
        self.name.clone()
    }

    fn can(&self) -> Capabilities {
        BACKEND.capabilities()
    }

    fn ask<'a>(
        &'a self,
        question: &'a Question,
        limits: Limits,
        cancel: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>> {
        Box::pin(async move {
            let asking = self.door.http.asking(limits, cancel);
            let fetched = match &question.ask {
                Ask::Onset { window, .. } => vec![Arc::new(self.door.entries(*window, &asking).await?)],
                Ask::Trace { trace_id } => vec![Arc::new(self.one(*trace_id, &asking).await?)],
                Ask::Compare { good, bad, .. } => {
                    vec![self.window(*good, &asking).await?, self.window(*bad, &asking).await?]
                }
                Ask::Edges { window, .. }
                | Ask::Exemplars { window, .. }
                | Ask::Paths { window, .. }
                | Ask::SelfTime { window, .. } => vec![self.window(*window, &asking).await?],
                other => return Err(AskError::Unsupported(other.name().to_owned())),
            };
            answer(question, &fetched, asking.limits(), cancel)
        })
    }
}

impl Tempo {
    async fn window(&self, window: Window, asking: &Asking) -> Result<Arc<Fetched>, AskError> {
        self.kept.window(window, self.door.window(window, asking)).await
    }

    async fn one(&self, id: TraceId, asking: &Asking) -> Result<Fetched, AskError> {
        let (spans, is_whole) = self.door.trace(id, asking).await?;
        let link = self.door.http.link(&format!("api/v2/traces/{id}"), &[]);
        let cut = (!is_whole).then(|| "spans".to_owned()).into_iter().collect();
        let tables = Tables { spans, ..Tables::default() };
        Ok(Fetched { tables, cut, locators: vec![Locator { query: format!("trace {id}"), link }] })
    }
}
