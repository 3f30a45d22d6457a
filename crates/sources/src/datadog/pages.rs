//! Searches of Datadog, page by page, and what a refusal means there.
//!
//! Searches for spans may be asked 300 times an hour by a whole organisation: pages are few and large, and where there are
//! more, the answer says that it is cut.

use serde_json::{Value as Json, json};
use telemetry::answer::Locator;
use telemetry::{AskError, Window};

use crate::http::{Asking, Http, Refusal};
use crate::json;

/// Items of one page, the most there is.
const PAGE: usize = 1000;
/// Pages of one search.
const PAGES_MAX: usize = 10;

/// Something that can be searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Searched {
    /// `api/v2/...`.
    path: &'static str,
    /// The page of the application that shows the same, and how it calls the range.
    shown: &'static str,
    range: (&'static str, &'static str),
    /// What the application's key must be allowed.
    pub(super) scope: &'static str,
    /// Whether the search is wrapped as JSON:API has it.
    is_wrapped: bool,
}

pub(super) const SPANS: Searched = Searched {
    path: "api/v2/spans/events/search",
    shown: "apm/traces",
    range: ("start", "end"),
    scope: "apm_read",
    is_wrapped: true,
};
pub(super) const LOGS: Searched = Searched {
    path: "api/v2/logs/events/search",
    shown: "logs",
    range: ("from_ts", "to_ts"),
    scope: "logs_read_data",
    is_wrapped: false,
};
pub(super) const EVENTS: Searched = Searched {
    path: "api/v2/events/search",
    shown: "event/explorer",
    range: ("from_ts", "to_ts"),
    scope: "events_read",
    is_wrapped: false,
};

/// What a search found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) items: Vec<Json>,
    /// Why there is more than was found; nothing when all is there.
    pub(super) cut: Option<String>,
    pub(super) locator: Locator,
}

/// The interface, and the application beside it.
#[derive(Debug)]
pub(super) struct Searches {
    pub(super) http: Http,
    /// Where people look: `https://app.datadoghq.eu`.
    pub(super) application: String,
}

impl Searches {
    /// Everything that `query` finds in the window, in the order of time.
    pub(super) async fn all(
        &self,
        searched: Searched,
        query: &str,
        (from, to): (String, String),
        asking: &Asking,
    ) -> Result<Found, AskError> {
        let link = self
            .link(searched.shown, &[("query", query), (searched.range.0, &from), (searched.range.1, &to)]);
        let said = format!("POST /{} {query} from {from} to {to}", searched.path);
        let mut found = Found { items: Vec::new(), cut: None, locator: Locator { query: said, link } };
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let mut page = json!({"limit": PAGE});
            if !cursor.is_empty() {
                page["cursor"] = json!(cursor);
            }
            let search = json!({"filter": {"query": query, "from": from, "to": to}, "options": {"timezone": "GMT"},
                "page": page, "sort": "timestamp"});
            let body = if searched.is_wrapped {
                json!({"data": {"type": "search_request", "attributes": search}})
            } else {
                search
            };
            let reply = self.http.search_reply(searched.path, &[], &body, asking).await;
            let mut told =
                json::parse(&reply.map_err(|why| refused(why, searched.scope))?.body, "Datadog's API")?;
            let Some(Json::Array(items)) = told.get_mut("data").map(Json::take) else {
                return Err(json::foreign("Datadog's API", "a search without `data`"));
            };
            let is_empty = items.is_empty();
            found.items.extend(items);
            if json::text(&told, "/meta/status") == "timeout" {
                found.cut = Some("Datadog's own search ran out of time".to_owned());
            }
            json::text(&told, "/meta/page/after").clone_into(&mut cursor);
            if cursor.is_empty() || is_empty {
                return Ok(found);
            }
            if !asking.has_time_left(3) {
                found.cut = Some(format!("there was time for {} items", found.items.len()));
                return Ok(found);
            }
        }
        found.cut = Some(format!("there are more than {} items", PAGE * PAGES_MAX));
        Ok(found)
    }

    /// What a GET answers.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        scope: &'static str,
        asking: &Asking,
    ) -> Result<Json, AskError> {
        let reply = self.http.reply(path, query, asking).await.map_err(|why| refused(why, scope))?;
        json::parse(&reply.body, "Datadog's API")
    }

    /// An address of the application.
    pub(super) fn link(&self, page: &str, query: &[(&str, &str)]) -> String {
        let base = format!("{}/{page}", self.application);
        reqwest::Url::parse_with_params(&base, query).map_or(base, String::from)
    }
}

/// A refusal, with the permission whose want is the usual reason.
fn refused(refusal: Refusal, scope: &'static str) -> AskError {
    match (refusal.status, refusal.error) {
        (Some(403), AskError::Unavailable(why)) => AskError::Unavailable(format!(
            "{why}; hint: DD-APPLICATION-KEY must have the scope `{scope}`, and both keys must be of this site"
        )),
        (Some(429), AskError::Unavailable(why)) => AskError::Unavailable(format!(
            "{why}; hint: the organisation's limit is used up; X-RateLimit-Reset says for how long"
        )),
        (_, error) => error,
    }
}

/// The range of a window as searches take it: milliseconds.
pub(super) fn range(window: Window, after_seconds: i64) -> (String, String) {
    let millis = |at: telemetry::UnixNanos| at.0.div_euclid(1_000_000).to_string();
    (millis(window.from), millis(window.to.plus_seconds(after_seconds)))
}

/// The value of a tag `name:value`, empty when there is none.
pub(super) fn tag<'a>(tags: &'a [Json], name: &str) -> &'a str {
    let values = tags.iter().filter_map(|tag| tag.as_str()?.split_once(':'));
    values.filter(|(key, _)| *key == name).map(|(_, value)| value).next().unwrap_or_default()
}
