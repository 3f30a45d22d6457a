//! ClickHouse with the tables of the OpenTelemetry Collector's exporter (HyperDX has the same): `otel_traces`, `otel_logs`.
//!
//! `onset`, the question over a whole history, is computed where the data lie. The other questions are about two short
//! windows: their traces are fetched, of a share of all trace ids where there are too many, and the tables are made here.
//! Every statement is sent with GET, which ClickHouse runs read-only, and carries its own limits.
//!
//! Metrics are not read, and SigNoz' tables are not known.

mod onset;
mod rows;
mod spans;
mod sql;

use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, Window,
};
use tokio::sync::{Mutex, OnceCell};

use crate::Backend;
use crate::http::{Asking, Http};
use crate::settings::SettingsError;
use sql::Names;

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "clickhouse",
    what: "ClickHouse with the tables of the OpenTelemetry Collector's exporter, as HyperDX has them too",
    questions: &[
        "changes",
        "compare",
        "edges",
        "exemplars",
        "log_templates",
        "onset",
        "paths",
        "self_time",
        "trace",
    ],
    tried: "ClickHouse 26.9 (chDB behind an HTTP front): every question over generated traces equals the tables that were \
            inserted; no server of its own",
    needs: "SELECT on otel_traces; also on otel_traces_trace_id_ts, which finds a trace by its times, and on otel_logs, \
            without which there are no lines",
    open: |name, settings| {
        let http = Http::new(&name.0, settings)?;
        let names = Names::of(settings)
            .map_err(|what| SettingsError::Secret { source_name: name.0.clone(), what })?;
        Ok(Arc::new(ClickHouse { name, http, names, kept: Mutex::default() }))
    },
};

/// Windows that are kept for the questions that follow.
const KEPT_MAX: usize = 4;

#[derive(Debug)]
struct ClickHouse {
    name: SourceName,
    http: Http,
    names: Names,
    /// The latest windows, the newest last.
    kept: Mutex<Vec<(Window, Cell)>>,
}

/// Where what was fetched of a window is once somebody has fetched it.
type Cell = Arc<OnceCell<Arc<Fetched>>>;

/// What was fetched of a window.
#[derive(Debug, Default)]
struct Fetched {
    tables: Tables,
    /// Whether it is a part of what there is.
    is_cut: bool,
    locators: Vec<Locator>,
}

impl Source for ClickHouse {
    fn name(&self) -> SourceName {
        self.name.clone()
    }

    fn can(&self) -> Capabilities {
        Capabilities { questions: BACKEND.questions.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn ask<'a>(
        &'a self,
        question: &'a Question,
        limits: Limits,
        cancel: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>> {
        Box::pin(async move {
            let queries = Queries { of: self, asking: Asking::new(limits, cancel) };
            let fetched = match &question.ask {
                Ask::Onset { window, scope } => return onset::answer(&queries, *window, scope).await,
                Ask::Changes { window, .. } => vec![Arc::new(onset::versions(&queries, *window).await?)],
                Ask::Trace { trace_id } => vec![Arc::new(spans::one(&queries, *trace_id).await?)],
                Ask::Compare { good, bad, .. } => {
                    vec![self.window(*good, &queries).await?, self.window(*bad, &queries).await?]
                }
                Ask::Edges { window, .. }
                | Ask::Exemplars { window, .. }
                | Ask::LogTemplates { window, .. }
                | Ask::Paths { window, .. }
                | Ask::SelfTime { window, .. } => vec![self.window(*window, &queries).await?],
                other => return Err(AskError::Unsupported(other.name().to_owned())),
            };
            answer(question, &fetched, limits, cancel)
        })
    }
}

/// The answer from what was fetched; spans and lines of two windows that overlap count once.
fn answer(
    question: &Question,
    fetched: &[Arc<Fetched>],
    limits: Limits,
    cancel: &Cancel,
) -> Result<Answer, AskError> {
    let mut tables = Tables::default();
    for one in fetched {
        tables.spans.extend(one.tables.spans.iter().cloned());
        tables.logs.extend(one.tables.logs.iter().cloned());
        tables.changes.extend(one.tables.changes.iter().cloned());
    }
    tables.spans.sort_by_key(|span| (span.trace_id, span.span_id));
    tables.spans.dedup_by_key(|span| (span.trace_id, span.span_id));
    tables.sort();
    let answer = TableSource::new(tables).answer(question, &limits, cancel)?;
    let is_cut = fetched.iter().any(|one| one.is_cut);
    let locators = fetched.iter().flat_map(|one| one.locators.iter().cloned()).collect();
    Ok(Answer { locators, truncated: answer.truncated || is_cut, ..answer })
}

impl ClickHouse {
    /// The traces and lines of a window, fetched when nobody asked for them lately.
    async fn window(&self, window: Window, queries: &Queries<'_>) -> Result<Arc<Fetched>, AskError> {
        let cell = {
            let mut kept = self.kept.lock().await;
            match kept.iter().find(|(known, _)| *known == window) {
                Some((_, cell)) => Arc::clone(cell),
                None => {
                    if kept.len() == KEPT_MAX {
                        kept.remove(0);
                    }
                    let cell = Cell::default();
                    kept.push((window, Arc::clone(&cell)));
                    cell
                }
            }
        };
        // Questions about one window are asked side by side: one of them fetches, the others wait for it.
        let fetched = cell.get_or_try_init(|| async { spans::window(queries, window).await.map(Arc::new) });
        fetched.await.map(Arc::clone)
    }
}

/// The statements of one answer.
struct Queries<'a> {
    of: &'a ClickHouse,
    asking: Asking,
}

impl Queries<'_> {
    /// The lines that a statement answers, and where it can be run again.
    async fn lines(&self, statement: &str) -> Result<(String, Locator), AskError> {
        let statement = sql::bounded(statement, self.asking.limits());
        let query = [("query", statement.clone())];
        let body = self.of.http.get("", &query, &self.asking).await.map_err(sql::error)?;
        let text =
            String::from_utf8(body).map_err(|_| AskError::Unavailable("the answer is no text".to_owned()))?;
        Ok((text, Locator { link: self.of.http.link("", &query), query: statement }))
    }
}
