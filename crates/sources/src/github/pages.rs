//! Lists and single things of GitHub's API, page by page, and what a refusal means there.
//!
//! The header `Link` says whether there is another page; its address is not followed, the number of the page is counted up.

use serde_json::Value as Json;
use telemetry::AskError;

use crate::http::{Asking, Http, Refusal};
use crate::json;

/// Items of one page, the most there is.
const PAGE: usize = 100;
/// Pages of one list.
pub(super) const PAGES_MAX: usize = 10;
/// Who answers.
const WHOSE: &str = "GitHub's API";

/// The interface within one answer.
pub(super) struct Pages<'a> {
    pub(super) http: &'a Http,
    pub(super) asking: &'a Asking,
}

impl Pages<'_> {
    /// One thing.
    pub(super) async fn one(&self, path: &str) -> Result<Json, Refusal> {
        let reply = self.http.reply(path, &[], self.asking).await?;
        Ok(json::parse(&reply.body, WHOSE)?)
    }

    /// The items of a list while `is_wanted` says so of the last one, and whether there are more that were wanted.
    pub(super) async fn list(
        &self,
        path: &str,
        query: &[(&str, String)],
        is_wanted: impl Fn(&Json) -> bool,
    ) -> Result<(Vec<Json>, bool), Refusal> {
        let mut items = Vec::new();
        for page in 1..=PAGES_MAX {
            let mut all = query.to_vec();
            all.push(("per_page", PAGE.to_string()));
            all.push(("page", page.to_string()));
            let reply = self.http.reply(path, &all, self.asking).await?;
            let has_next = reply.header("link").is_some_and(|link| link.contains("rel=\"next\""));
            let Json::Array(found) = json::parse(&reply.body, WHOSE)? else {
                return Err(json::foreign(WHOSE, "no list").into());
            };
            let is_over = found.last().is_none_or(|last| !is_wanted(last));
            items.extend(found);
            if !has_next || is_over {
                return Ok((items, false));
            }
        }
        Ok((items, true))
    }
}

/// Why a repository was not read, when the others can be: what is private and not allowed is told as not there.
pub(super) fn unreadable(refusal: &Refusal, repository: &str) -> Option<String> {
    if !matches!(refusal.status, Some(403 | 404)) || refusal.error.to_string().contains("too often") {
        return None;
    }
    let hint = "the token must be allowed Contents: read and Deployments: read there";
    Some(format!("not read: {repository}: {}; hint: {hint}", said(&refusal.error)))
}

fn said(error: &AskError) -> String {
    error.to_string().split("; hint").next().unwrap_or_default().to_owned()
}
