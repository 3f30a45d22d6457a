//! Any server of the Model Context Protocol: the tools that the settings name answer the questions that the settings say.
//!
//! Calls those tools and no others, and none that says of itself that it changes something. What a tool means by its rows, no
//! protocol says: that is in the settings, and a wrong one is told.

mod arguments;
mod names;
mod rows;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use telemetry::answer::Locator;
use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Scope, Source, SourceName,
    Table, Window,
};
use tokio::sync::Mutex;

use crate::Backend;
use crate::http::{Asking, Http, Refusal};
use crate::settings::{Settings, SettingsError, Tool};
use wire::{Endpoint, Session};

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "mcp",
    what: "any MCP server with Streamable HTTP that takes `initialize` (2025-06-18 and 2025-11-25 were tried), an Agent \
           Builder's (`api/agent_builder/mcp`, with `kbn-xsrf` in `headers`) among them; `tools` says which tool answers which of these questions",
    questions: &["changes", "log_templates", "series_change", "state", "topology"],
    tried: "the server of Python's `mcp` 2.3.0, answering in streams and in JSON; a contract server built from the specification \
            for sessions that end, limits and refusals; no Agent Builder",
    needs: "POST on the endpoint, whose path ends in /mcp; the tools that are named, none of which may say that it changes something",
    open,
};

#[derive(Debug)]
struct Mcp {
    name: SourceName,
    endpoint: Endpoint,
    link: String,
    tools: BTreeMap<String, Tool>,
    session: Mutex<Option<Arc<Session>>>,
}

fn open(name: SourceName, settings: &Settings) -> Result<Arc<dyn Source>, SettingsError> {
    let wrong = |what: String| SettingsError::Value { source_name: name.0.clone(), what };
    for (question, tool) in &settings.tools {
        if !BACKEND.questions.contains(&question.as_str()) {
            let known = BACKEND.questions.join(", ");
            return Err(wrong(format!("tools: no tool can answer `{question}`; hint: one of {known}")));
        }
        if !tool.rows.is_empty() && !tool.rows.starts_with('/') {
            return Err(wrong(format!("tools: rows `{}` is no JSON pointer; hint: `/results/0`", tool.rows)));
        }
    }
    if settings.tools.is_empty() {
        return Err(wrong(
            "no tool is named; hint: `[sources.NAME.tools.log_templates]` with tool = \"...\"".to_owned(),
        ));
    }
    let url = settings.url.trim_end_matches('/');
    let (base, path) = url.rsplit_once('/').unwrap_or(("", url));
    if path != "mcp" {
        return Err(wrong(format!("`{url}` is no endpoint that may be asked; hint: its path ends in /mcp")));
    }
    let http = Http::new(&name.0, &Settings { url: base.to_owned(), ..settings.clone() })?;
    Ok(Arc::new(Mcp {
        endpoint: Endpoint { http, path: path.to_owned() },
        link: url.to_owned(),
        tools: settings.tools.clone(),
        session: Mutex::default(),
        name,
    }))
}

impl Source for Mcp {
    fn name(&self) -> SourceName {
        self.name.clone()
    }

    fn can(&self) -> Capabilities {
        Capabilities { questions: self.tools.keys().cloned().collect() }
    }

    fn ask<'a>(
        &'a self,
        question: &'a Question,
        limits: Limits,
        cancel: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>> {
        Box::pin(async move {
            let name = question.ask.name();
            let unanswered = || AskError::Unsupported(name.to_owned());
            let tool = self.tools.get(name).ok_or_else(unanswered)?;
            let all = Scope::all();
            let (windows, scope): (Vec<Window>, &Scope) = match &question.ask {
                Ask::Changes { window, scope }
                | Ask::LogTemplates { window, scope }
                | Ask::State { window, scope } => (vec![*window], scope),
                Ask::SeriesChange { good, bad, scope, .. } => (vec![*good, *bad], scope),
                Ask::Topology { window } => (vec![*window], &all),
                _ => return Err(unanswered()),
            };
            let asking = self.endpoint.http.asking(limits, cancel);
            let (mut filled, mut locators) = (rows::Filled::default(), Vec::new());
            let (mut count, mut left_out, mut is_cut) = (0, 0, false);
            for window in windows {
                let arguments = arguments::of(tool, window, scope)?;
                let result = self.call(tool, &arguments, &asking).await?;
                let rows = rows::rows(tool, &result).map_err(AskError::Unavailable)?;
                count += rows.len() as u64;
                is_cut |= rows::is_cut(tool, rows.len());
                left_out += rows::add(name, tool, &rows, window, &mut filled);
                let query = format!("tools/call {} {arguments}", tool.tool);
                locators.push(Locator { query, link: self.link.clone() });
            }
            if count > 0 && left_out == count {
                return Err(AskError::Unavailable(format!(
                    "none of the {count} rows of the tool `{}` could be used; hint: `fields` says where time, kind or value stand",
                    tool.tool
                )));
            }
            let answer = answer(question, filled.finish(), &asking.limits(), cancel)?;
            Ok(Answer { locators, left_out, truncated: answer.truncated || is_cut, ..answer })
        })
    }
}

impl Mcp {
    /// What the tool answers; in a new session when the server has forgotten the old one.
    async fn call(&self, tool: &Tool, arguments: &Json, asking: &Asking) -> Result<Json, AskError> {
        let (session, is_old) = self.session(asking).await?;
        match self.call_in(&session, tool, arguments, asking).await {
            Err(refusal) if is_old && matches!(refusal.status, Some(400 | 404)) => {
                *self.session.lock().await = None;
                let (session, _) = self.session(asking).await?;
                self.call_in(&session, tool, arguments, asking).await.map_err(AskError::from)
            }
            other => other.map_err(AskError::from),
        }
    }

    async fn call_in(
        &self,
        session: &Session,
        tool: &Tool,
        arguments: &Json,
        asking: &Asking,
    ) -> Result<Json, Refusal> {
        let name = names::found(&tool.tool, &session.tools).map_err(AskError::Unavailable)?;
        self.endpoint.call(name, arguments, session, asking).await
    }

    /// The session, and whether it was begun for an earlier question. Those that ask side by side share one.
    async fn session(&self, asking: &Asking) -> Result<(Arc<Session>, bool), AskError> {
        let mut kept = asking.bounded(self.session.lock()).await?;
        if let Some(session) = kept.as_ref() {
            return Ok((Arc::clone(session), true));
        }
        let session = Arc::new(self.endpoint.begin(asking).await?);
        *kept = Some(Arc::clone(&session));
        Ok((session, false))
    }
}

fn answer(
    question: &Question,
    mut tables: Tables,
    limits: &Limits,
    cancel: &Cancel,
) -> Result<Answer, AskError> {
    tables.sort();
    match &question.ask {
        // No row is an answer too.
        Ask::State { .. } if tables.states.is_empty() => Ok(Answer::exact(Table::State(Vec::new()))),
        _ => TableSource::new(tables).answer(question, limits, cancel),
    }
}
