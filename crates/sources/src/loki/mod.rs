//! Loki: lines of a window, as they are.
//!
//! Which label names the service is found out: Loki wants a selector, so the streams are asked for by the known labels, each
//! stream by the first one that it has. Loki counts by label and not by what a line says, so lines are fetched, up to a
//! number; where the index says that there are more, the same number of lines from each of twenty parts of the window, and
//! the answer says that it is cut. Streams that have none of the labels are not read; `fields` names another one.
//!
//! Tenants are chosen by `headers` (`X-Scope-OrgID`).

mod pages;
mod wire;

use std::sync::Arc;

use telemetry::recorded::Tables;
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Ask, AskError, Cancel, Capabilities, Limits, Question, Scope, Source, SourceName, UnixNanos,
    Window,
};

use crate::Backend;
use crate::fetched::{Fetched, Kept, answer};
use crate::http::{Asking, Http};
use crate::lines::{Names, Reader, sort};
use crate::quoted::text;
use crate::settings::{Settings, SettingsError};
use pages::Pages;

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "loki",
    what: "Loki 2.9 and 3, fed by OTLP, Alloy or Promtail",
    questions: &["log_templates"],
    tried: "a contract server built from the documentation of Loki's HTTP API; no real one",
    needs: "GET on /loki/api/v1/labels, /loki/api/v1/index/stats and /loki/api/v1/query_range; Loki itself knows no roles, a \
            proxy before it or an access policy with logs:read does",
    open: |name, settings| Ok(Arc::new(Loki::new(name, settings)?)),
};

const LABELS: &str = "loki/api/v1/labels";
const STATS: &str = "loki/api/v1/index/stats";
const RANGE: &str = "loki/api/v1/query_range";
/// Asks for a line's own metadata apart from the labels of its stream.
const APART: (&str, &str) = ("X-Loki-Response-Encoding-Flags", "categorize-labels");
/// Lines of a window that are fetched.
const LINES_MAX: usize = 20_000;
/// Parts of a window of which lines are fetched where there are more.
const PARTS: usize = 20;

#[derive(Debug)]
struct Loki {
    name: SourceName,
    http: Http,
    names: Names,
    kept: Kept,
}

impl Source for Loki {
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
            let Ask::LogTemplates { window, scope } = &question.ask else {
                return Err(AskError::Unsupported(question.ask.name().to_owned()));
            };
            let all = self.kept.window(*window, self.fetch(*window, &Scope::all(), &asking)).await?;
            // Of one service there may be all, where there is too much of everything.
            let fetched = if all.cut.is_empty() || scope.service.is_none() {
                all
            } else {
                Arc::new(self.fetch(*window, scope, &asking).await?)
            };
            answer(question, &[fetched], asking.limits(), cancel)
        })
    }
}

impl Loki {
    fn new(name: SourceName, settings: &Settings) -> Result<Self, SettingsError> {
        let mut settings = settings.clone();
        settings.headers.insert(APART.0.to_owned(), APART.1.to_owned());
        let (http, names) = (Http::new(&name.0, &settings)?, Names::of(&name.0, &settings)?);
        Ok(Self { name, http, names, kept: Kept::default() })
    }

    async fn get(&self, path: &str, query: &[(&str, String)], asking: &Asking) -> Result<Vec<u8>, AskError> {
        self.http.get(path, query, asking).await.map_err(wire::error)
    }

    /// The lines of the services in the scope, or some of them from every part of the window.
    async fn fetch(&self, window: Window, scope: &Scope, asking: &Asking) -> Result<Fetched, AskError> {
        let mut lines = Vec::new();
        let mut fetched = Fetched::default();
        for selector in self.selectors(window, scope, asking).await? {
            let left = LINES_MAX.saturating_sub(lines.len());
            let entries = self.entries(&selector, window, asking).await?;
            let parts = if entries.is_some_and(|entries| entries > left as u64) { PARTS } else { 1 };
            for part in split(window, parts) {
                let Pages { lines: found, is_cut, locators } =
                    self.pages(&selector, part, left / parts, asking).await?;
                lines.extend(found);
                fetched.locators.extend(locators);
                if is_cut && fetched.cut.is_empty() {
                    fetched.cut.push("lines".to_owned());
                }
            }
        }
        let mut reader = Reader::new(&self.names);
        let mut logs: Vec<_> =
            lines.iter().map(|line| reader.record(line.at, &line.text, &line.stream, &line.own)).collect();
        sort(&mut logs);
        fetched.tables = Tables { logs, ..Tables::default() };
        Ok(fetched)
    }

    /// Selectors that reach every stream with one of the known labels once: by the first of them that it has.
    async fn selectors(
        &self,
        window: Window,
        scope: &Scope,
        asking: &Asking,
    ) -> Result<Vec<String>, AskError> {
        let times = [("start", window.from.0.to_string()), ("end", window.to.0.to_string())];
        let there = wire::labels(&self.get(LABELS, &times, asking).await?)?;
        let known = self.names.services().iter().filter(|name| there.contains(name));
        let (mut before, mut selectors) = (String::new(), Vec::new());
        for name in known {
            let wanted = scope.service.as_ref().filter(|service| *service != "unknown_service");
            let wanted =
                wanted.map_or_else(|| "=~\".+\"".to_owned(), |service| format!("={}", text(service)));
            selectors.push(format!("{{{before}{name}{wanted}}}"));
            before.push_str(&format!("{name}=\"\","));
        }
        if selectors.is_empty() && !there.is_empty() {
            return Err(AskError::Unavailable(format!(
                "none of the labels {} names a service; hint: `service` in the source's `fields`",
                there.join(", ")
            )));
        }
        Ok(selectors)
    }

    /// How many lines the index takes there to be; nothing where it does not say.
    async fn entries(
        &self,
        selector: &str,
        window: Window,
        asking: &Asking,
    ) -> Result<Option<u64>, AskError> {
        let parameters = [
            ("query", selector.to_owned()),
            ("start", window.from.0.to_string()),
            ("end", window.to.0.to_string()),
        ];
        match self.get(STATS, &parameters, asking).await {
            Ok(body) => wire::entries(&body).map(Some),
            // An index of old, or a proxy that does not let this pass.
            Err(AskError::Unavailable(why))
                if ["400", "403", "404"].iter().any(|code| why.contains(code)) =>
            {
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

/// The window in so many parts.
fn split(window: Window, parts: usize) -> Vec<Window> {
    let parts = i64::try_from(parts).unwrap_or(1);
    let length = window.to.since(window.from).max(0);
    let at = |part: i64| {
        UnixNanos(window.from.0.saturating_add(length / parts * part + length % parts * part / parts))
    };
    (0..parts).map(|part| Window::new(at(part), at(part + 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_window_touch_and_are_the_window() {
        let window = Window::new(UnixNanos(5), UnixNanos(108));
        let parts = split(window, 20);
        assert_eq!((parts.len(), parts[0].from, parts[19].to), (20, window.from, window.to));
        assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(split(window, 1), [window]);
    }
}
