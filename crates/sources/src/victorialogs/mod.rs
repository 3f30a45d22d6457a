//! VictoriaLogs: lines of a window, and how often each kind of them is written.
//!
//! A window with few lines is fetched as it is. Of more, VictoriaLogs counts: it groups lines that differ in numbers only and
//! tells the earliest three of each group, from which the templates are made here; counts and times stay exact. Where there
//! are too many groups, or the server is too old for that, a share of the lines is fetched, and the answer says so.
//!
//! Traces and metrics are not read; tenants are chosen by `headers` (`AccountID`, `ProjectID`).

mod logsql;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Scope, Source, SourceName,
    Table, Window, template,
};

use crate::Backend;
use crate::fetched::{Fetched, Kept, answer};
use crate::http::{Asking, Http};
use crate::lines::{Fields, Names};
use rows::Group;

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "victorialogs",
    what: "VictoriaLogs, fed by OTLP, JSON lines or a shipper",
    questions: &["log_templates"],
    tried: "VictoriaLogs 1.52.1, built from its Go module: templates of lines sent by OTLP and as JSON lines equal the \
            tables that were sent, fetched and counted there",
    needs: "GET on /select/logsql/query, and nothing else; VictoriaLogs itself knows no roles, vmauth before it does",
    open: |name, settings| {
        let (http, names) = (Http::new(&name.0, settings)?, Names::of(&name.0, settings)?);
        Ok(Arc::new(VictoriaLogs { name, http, names, kept: Kept::default() }))
    },
};

/// The path that is asked.
const QUERY: &str = "select/logsql/query";
/// Lines of a window that are fetched as they are.
const LINES_MAX: usize = 20_000;
/// Groups of lines that are told, each with at most three lines.
const GROUPS_MAX: usize = 6_000;

#[derive(Debug)]
struct VictoriaLogs {
    name: SourceName,
    http: Http,
    names: Names,
    kept: Kept,
}

impl Source for VictoriaLogs {
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
            let asking = self.http.asking(limits, cancel);
            match &question.ask {
                Ask::LogTemplates { window, scope } => {
                    self.templates(question, *window, scope, &asking).await
                }
                other => Err(AskError::Unsupported(other.name().to_owned())),
            }
        })
    }
}

impl VictoriaLogs {
    async fn templates(
        &self,
        question: &Question,
        window: Window,
        scope: &Scope,
        asking: &Asking,
    ) -> Result<Answer, AskError> {
        let limits = asking.limits();
        let all = logsql::lines(window, &Scope::all(), &self.names);
        let count = self.count(&all, asking).await?;
        if count <= LINES_MAX as u64 {
            let fetched = self.kept.window(window, self.fetch(&all, count, asking)).await?;
            return answer(question, &[fetched], limits, &Cancel::default());
        }
        let lines = logsql::lines(window, scope, &self.names);
        let count = if lines == all { count } else { self.count(&lines, asking).await? };
        let found =
            if count > limits.scanned_max { None } else { self.groups(&lines, scope, asking).await? };
        if let Some((groups, locator)) = found {
            return counted(question, groups, count, locator, limits);
        }
        // Room is left for hashes that are not spread evenly.
        let part = count.div_ceil(LINES_MAX as u64 / 2).max(1);
        let (told, locator) = self.rows(&logsql::share(&lines, part, LINES_MAX), asking).await?;
        let logs = rows::lines(told, &self.names)?;
        let tables = Tables { logs, ..Tables::default() };
        let fetched = Fetched { tables, cut: vec!["lines".to_owned()], locators: vec![locator] };
        let answer = answer(question, &[Arc::new(fetched)], limits, &Cancel::default())?;
        Ok(Answer { sampled_of: Some(count), ..answer })
    }

    async fn count(&self, lines: &str, asking: &Asking) -> Result<u64, AskError> {
        let (told, _) = self.rows(&logsql::count(lines), asking).await?;
        told.first().map_or(Ok(0), rows::count)
    }

    /// Every line, as it is. Of a stream that is new, the lines are counted some seconds before they are told.
    async fn fetch(&self, lines: &str, count: u64, asking: &Asking) -> Result<Fetched, AskError> {
        // Lines may have come since they were counted.
        let (told, locator) = self.rows(&logsql::up_to(lines, LINES_MAX + 1), asking).await?;
        let is_cut = told.len() > LINES_MAX || (told.len() as u64) < count;
        let cut = is_cut.then(|| "lines".to_owned()).into_iter().collect();
        let tables = Tables { logs: rows::lines(told, &self.names)?, ..Tables::default() };
        Ok(Fetched { tables, cut, locators: vec![locator] })
    }

    /// The lines in groups, counted there; nothing when that cannot be had.
    async fn groups(
        &self,
        lines: &str,
        scope: &Scope,
        asking: &Asking,
    ) -> Result<Option<(Vec<Group>, Locator)>, AskError> {
        let query = logsql::grouped(lines, &self.names, GROUPS_MAX + 1, scope.instance.is_some());
        let (told, locator) = match self.rows(&query, asking).await {
            Err(AskError::LimitReached(_)) => return Ok(None),
            // A server that does not know the functions.
            Err(AskError::Unavailable(why)) if why.contains("cannot parse") => return Ok(None),
            other => other?,
        };
        if told.len() > GROUPS_MAX {
            return Ok(None);
        }
        Ok(rows::groups(told, &self.names)?.map(|groups| (groups, locator)))
    }

    /// The rows that a query answers, and where it can be run again.
    async fn rows(&self, query: &str, asking: &Asking) -> Result<(Vec<Fields>, Locator), AskError> {
        let timeout = format!("{}s", asking.limits().seconds_max);
        let parameters = [("query", query.to_owned()), ("timeout", timeout)];
        let body = self.http.get(QUERY, &parameters, asking).await.map_err(rows::error)?;
        let link = self.http.link(QUERY, parameters.get(..1).unwrap_or_default());
        Ok((rows::read(&body)?, Locator { link, query: query.to_owned() }))
    }
}

/// The templates of the groups. Each group's earliest lines are there, so the first and the third line of every template
/// are; how many there are, the groups say.
fn counted(
    question: &Question,
    groups: Vec<Group>,
    count: u64,
    locator: Locator,
    limits: Limits,
) -> Result<Answer, AskError> {
    let Ask::LogTemplates { window, scope } = &question.ask else {
        return Err(AskError::Unsupported(question.ask.name().to_owned()));
    };
    let operation = scope.operation.as_deref().unwrap_or_default();
    let is_cut = groups.iter().map(|group| group.count).sum::<u64>() < count;
    let mut counts: BTreeMap<(String, u8, String), u64> = BTreeMap::new();
    let mut logs = Vec::new();
    for group in groups {
        let Some(log) = group.earliest.first() else { continue };
        let resource = &log.resource;
        if window.contains(log.at) && scope.admits(&resource.service, operation, &resource.instance) {
            let severity = u8::try_from(log.severity.clamp(0, 24)).unwrap_or(0);
            let key = (resource.service.to_string(), severity, template::of(&log.body.render()));
            *counts.entry(key).or_default() += group.count;
            logs.extend(group.earliest);
        }
    }
    let tables = Tables { logs, ..Tables::default() };
    let mut answer = TableSource::new(tables).answer(question, &limits, &Cancel::default())?;
    if let Table::LogTemplates(rows) = &mut answer.table {
        for row in rows {
            let key = (row.service.clone(), row.severity, row.template.clone());
            row.count = counts.get(&key).copied().unwrap_or(row.count);
        }
    }
    Ok(Answer { truncated: answer.truncated || is_cut, locators: vec![locator], ..answer })
}
