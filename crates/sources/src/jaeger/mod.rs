//! Jaeger: traces, and what follows from them.
//!
//! Jaeger computes nothing over spans, so the traces of a window are fetched, up to a number a service, and the tables are
//! made here. Where there are more traces than that, `onset` asks for the window in parts and keeps the entry spans alone; a
//! count over a part of them would be wrong, so beyond a number of requests it has no answer. The other questions say that they
//! are cut. The traces of a window are fetched once for all questions about it.

mod entries;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::{Call, TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, Span,
    TraceId, Window,
};

use crate::Backend;
use crate::fetched::{Fetched, Kept, answer};
use crate::http::{Asking, Http};

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "jaeger",
    what: "Jaeger's query service, versions 1 and 2, and what speaks its /api",
    questions: &["compare", "edges", "exemplars", "onset", "paths", "self_time", "topology", "trace"],
    tried: "Jaeger 1.76 (the program of version 2), built from its Go module: every question over generated traces equals the tables that were sent, `onset` also where one request does not tell all of them",
    needs: "GET on /api/services, /api/traces and /api/dependencies; Jaeger itself knows no roles, a proxy before it may",
    open: |name, settings| {
        let http = Http::new(&name.0, settings)?;
        Ok(Arc::new(Jaeger { name, http, kept: Kept::default(), entries: Kept::default() }))
    },
};

/// Traces of one service and window that are fetched; Jaeger's own page shows 1500 at most.
const TRACES_MAX: usize = 1500;
/// Spans of a window that are held; services after that are not asked for.
const SPANS_MAX: usize = 500_000;
/// Seconds after a window in which spans of its traces may still begin.
const AFTER_SECONDS: i64 = 5;

struct Jaeger {
    name: SourceName,
    http: Http,
    kept: Kept,
    /// The entry spans of windows that are too large to be kept whole.
    entries: Kept,
}

impl Source for Jaeger {
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
            // A trace is read once for each of its services, and kept once.
            let asking = self.http.asking(limits, cancel).wide();
            let limits = asking.limits();
            match &question.ask {
                Ask::Topology { window } => self.topology(question, *window, &asking).await,
                Ask::Trace { trace_id } => self.trace(question, *trace_id, &asking).await,
                Ask::Compare { good, bad, .. } => {
                    let (good, bad) = (self.window(*good, &asking).await?, self.window(*bad, &asking).await?);
                    answer(question, &[good, bad], limits, cancel)
                }
                Ask::Onset { window, .. } => {
                    let fetched = self.window(*window, &asking).await?;
                    let fetched = if fetched.cut.is_empty() {
                        fetched
                    } else {
                        let entries = self.of_parts(*window, &fetched, &asking);
                        self.entries.window(*window, entries).await?
                    };
                    answer(question, &[fetched], limits, cancel)
                }
                Ask::Edges { window, .. }
                | Ask::Exemplars { window, .. }
                | Ask::Paths { window, .. }
                | Ask::SelfTime { window, .. } => {
                    answer(question, &[self.window(*window, &asking).await?], limits, cancel)
                }
                other => Err(AskError::Unsupported(other.name().to_owned())),
            }
        })
    }
}

impl Jaeger {
    async fn window(&self, window: Window, asking: &Asking) -> Result<Arc<Fetched>, AskError> {
        self.kept.window(window, self.fetch(window, asking)).await
    }

    async fn fetch(&self, window: Window, asking: &Asking) -> Result<Fetched, AskError> {
        let services = wire::services(&self.http.get("api/services", &[], asking).await?)?;
        let (mut fetched, mut seen) = (Fetched::default(), BTreeSet::new());
        for service in services {
            // The last third of the time is for the answer: what came by then is a part.
            let is_late = !asking.has_time_left(3) && !fetched.tables.spans.is_empty();
            if is_late || fetched.tables.spans.len() >= SPANS_MAX {
                fetched.cut.push(service);
                continue;
            }
            let whole = Window::new(window.from, window.to.plus_seconds(AFTER_SECONDS));
            let (count, spans, locator) = match self.traces(&service, whole, asking).await {
                // There is no room for more: what came is a part.
                Err(AskError::LimitReached(_)) if !fetched.tables.spans.is_empty() => {
                    fetched.cut.push(service);
                    continue;
                }
                other => other?,
            };
            if count >= TRACES_MAX {
                fetched.cut.push(service.clone());
            }
            fetched.locators.extend(locator);
            let is_new = |span: &Span| seen.insert((span.trace_id, span.span_id));
            fetched.tables.spans.extend(spans.into_iter().filter(is_new));
        }
        fetched.cut.sort();
        Ok(fetched)
    }

    /// The traces with a span of the service in the window: how many, their spans, and where to look at them.
    async fn traces(
        &self,
        service: &str,
        window: Window,
        asking: &Asking,
    ) -> Result<(usize, Vec<Span>, Option<Locator>), AskError> {
        let micros = |at: telemetry::UnixNanos| (at.0.div_euclid(1000)).to_string();
        let query = [
            ("service", service.to_owned()),
            ("start", micros(window.from)),
            ("end", micros(window.to)),
            ("limit", TRACES_MAX.to_string()),
        ];
        let (count, spans) = wire::traces(&self.http.get("api/traces", &query, asking).await?)?;
        let locator =
            || Locator { query: format!("service={service}"), link: self.http.link("search", &query) };
        Ok((count, spans, (count > 0).then(locator)))
    }

    async fn trace(&self, question: &Question, id: TraceId, asking: &Asking) -> Result<Answer, AskError> {
        let path = format!("api/traces/{id}");
        let (_, spans) = wire::traces(&self.http.get(&path, &[], asking).await?)?;
        let locator =
            Locator { query: format!("trace {id}"), link: self.http.link(&format!("trace/{id}"), &[]) };
        let tables = Tables { spans, ..Tables::default() };
        let fetched = Fetched { tables, locators: vec![locator], ..Fetched::default() };
        answer(question, &[Arc::new(fetched)], asking.limits(), &Cancel::default())
    }

    /// The calls that Jaeger has counted; with storage that counts none by itself, those of the traces.
    async fn topology(
        &self,
        question: &Question,
        window: Window,
        asking: &Asking,
    ) -> Result<Answer, AskError> {
        let millis = |at: telemetry::UnixNanos| at.0.div_euclid(1_000_000);
        let query = [
            ("endTs", millis(window.to).to_string()),
            ("lookback", (millis(window.to) - millis(window.from)).to_string()),
        ];
        let found = wire::dependencies(&self.http.get("api/dependencies", &query, asking).await?)?;
        if found.is_empty() {
            return Err(AskError::Unsupported("topology".to_owned()));
        }
        let calls = found.into_iter().map(|one| Call { caller: one.parent, callee: one.child }).collect();
        let tables = Tables { calls, ..Tables::default() };
        let answer = TableSource::new(tables).answer(question, &asking.limits(), &Cancel::default())?;
        let locator =
            Locator { query: "dependencies".to_owned(), link: self.http.link("api/dependencies", &query) };
        Ok(Answer { locators: vec![locator], ..answer })
    }
}
