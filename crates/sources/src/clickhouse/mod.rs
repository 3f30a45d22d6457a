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
use telemetry::source::BoxFuture;
use telemetry::{Answer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, Window};

use crate::Backend;
use crate::fetched::{Fetched, Kept, answer};
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
        let names =
            Names::of(settings).map_err(|what| SettingsError::Value { source_name: name.0.clone(), what })?;
        Ok(Arc::new(ClickHouse { name, http, names, kept: Kept::default() }))
    },
};

#[derive(Debug)]
struct ClickHouse {
    name: SourceName,
    http: Http,
    names: Names,
    kept: Kept,
}

impl Source for ClickHouse {
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
            let queries = Queries { of: self, asking: self.http.asking(limits, cancel) };
            let limits = queries.asking.limits();
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

impl ClickHouse {
    async fn window(&self, window: Window, queries: &Queries<'_>) -> Result<Arc<Fetched>, AskError> {
        self.kept.window(window, spans::window(queries, window)).await
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
