//! Deployments and commits of one repository as changes, with what they change.
//!
//! A deployment is a change once one of its statuses is `success`; one that failed is a try. What it carries is everything
//! since the one before it in the same environment.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use telemetry::answer::Locator;
use telemetry::recorded::Change;
use telemetry::{UnixNanos, Window};

use super::pages::{PAGES_MAX, Pages};
use crate::http::Refusal;
use crate::json::{list, text, time};
use crate::owners::{self, Owners};

/// Commits and deployments whose files are asked for, each by a request.
const DETAILS_MAX: usize = 30;
/// Seconds from a deployment's making to its success, at most: older ones are not asked about.
const LASTS_SECONDS: i64 = 7_200;
/// Bytes of one diff that are kept.
const DIFF_MAX: usize = 64 << 10;

/// A repository, and whose code lies where in it.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    /// `owner/name`.
    pub(super) name: String,
    /// Folders, and whose code is in them; the whole repository when that is empty.
    pub(super) services: Owners,
}

/// What was read of a repository.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) changes: Vec<Change>,
    pub(super) gaps: Vec<String>,
    pub(super) locators: Vec<Locator>,
}

impl Repository {
    /// Everything that was deployed or committed in the window.
    pub(super) async fn read(&self, pages: &Pages<'_>, window: Window) -> Result<Read, Refusal> {
        let mut read = Read::default();
        self.deployments(pages, window, &mut read).await?;
        self.commits(pages, window, &mut read).await?;
        Ok(read)
    }

    async fn deployments(&self, pages: &Pages<'_>, window: Window, read: &mut Read) -> Result<(), Refusal> {
        let path = format!("repos/{}/deployments", self.name);
        let oldest = window.from.plus_seconds(-LASTS_SECONDS);
        // The page on which they are old enough has, as a rule, the one before as well.
        let is_recent = |one: &Json| time(one, "/created_at").is_none_or(|at| at >= oldest);
        let (found, is_cut) = pages.list(&path, &[], is_recent).await?;
        let link = pages.http.link(&path, &[]);
        if is_cut {
            read.gaps.push(format!("{}: more deployments than {} pages hold", self.name, PAGES_MAX));
        }
        read.locators.push(Locator { query: format!("GET /{path}"), link });
        let mut asked = 0;
        for (place, one) in found.iter().enumerate() {
            let made = time(one, "/created_at").unwrap_or_default();
            if made < oldest || made >= window.to {
                continue;
            }
            let Some(at) = self.succeeded(pages, one, made).await?.filter(|at| window.contains(*at)) else {
                continue;
            };
            let (environment, sha) = (text(one, "/environment"), text(one, "/sha"));
            let older = found.iter().skip(place + 1);
            let before = older
                .filter(|other| text(other, "/environment") == environment && text(other, "/sha") != sha)
                .map(|other| text(other, "/sha"))
                .next()
                .unwrap_or_default();
            let mut carried = Files::default();
            if is_hash(before) && is_hash(sha) && asked < DETAILS_MAX && pages.asking.has_time_left(3) {
                asked += 1;
                let compared = format!("repos/{}/compare/{before}...{sha}", self.name);
                carried = files(&pages.one(&compared).await?);
                let link = format!("{}/compare/{before}...{sha}", page(one));
                read.locators.push(Locator { query: format!("GET /{compared}"), link });
            }
            let said =
                [text(one, "/description"), text(one, "/ref")].into_iter().find(|said| !said.is_empty());
            let change = Change {
                at,
                kind: "deploy".to_owned(),
                id: sha.to_owned(),
                before: short(before).to_owned(),
                after: short(sha).to_owned(),
                author: text(one, "/creator/login").to_owned(),
                summary: format!("{} to {environment}: {}", self.name, said.unwrap_or_default()),
                ..Change::default()
            };
            read.changes.extend(self.of_services(change, carried));
        }
        Ok(())
    }

    /// When the deployment had succeeded; one without a status is taken to take effect when it is made.
    async fn succeeded(
        &self,
        pages: &Pages<'_>,
        one: &Json,
        made: UnixNanos,
    ) -> Result<Option<UnixNanos>, Refusal> {
        let Some(id) = one.get("id").and_then(Json::as_u64) else { return Ok(None) };
        let path = format!("repos/{}/deployments/{id}/statuses", self.name);
        let (statuses, _) = pages.list(&path, &[], |_| true).await?;
        if statuses.is_empty() {
            return Ok(Some(made));
        }
        let successes = statuses.iter().filter(|one| text(one, "/state") == "success");
        Ok(successes.filter_map(|one| time(one, "/created_at")).min())
    }

    async fn commits(&self, pages: &Pages<'_>, window: Window, read: &mut Read) -> Result<(), Refusal> {
        let path = format!("repos/{}/commits", self.name);
        let query = [("since", window.from.rfc3339()), ("until", window.to.rfc3339())];
        let (found, is_cut) = pages.list(&path, &query, |_| true).await?;
        let link = pages.http.link(&path, &query);
        read.locators.push(Locator { query: format!("GET /{path}"), link });
        let mut described = 0;
        for one in &found {
            let sha = text(one, "/sha");
            let mut carried = Files::default();
            if described < DETAILS_MAX && is_hash(sha) && pages.asking.has_time_left(3) {
                described += 1;
                carried = files(&pages.one(&format!("{path}/{sha}")).await?);
            }
            let logins = [text(one, "/author/login"), text(one, "/commit/author/name")];
            let change = Change {
                at: time(one, "/commit/committer/date").unwrap_or_default(),
                kind: "commit".to_owned(),
                id: sha.to_owned(),
                after: short(sha).to_owned(),
                author: logins.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned(),
                summary: text(one, "/commit/message").to_owned(),
                ..Change::default()
            };
            read.changes.extend(self.of_services(change, carried));
        }
        if is_cut || described < found.len() {
            let more = if is_cut { " and more" } else { "" };
            let told = format!("the files of {described} of {}{more} commits were read", found.len());
            read.gaps.push(format!("{}: {told}", self.name));
        }
        Ok(())
    }

    /// The change of every service whose code it touches; of all of them when that is not known.
    fn of_services(&self, change: Change, carried: Files) -> Vec<Change> {
        let mut touched: BTreeSet<&str> =
            carried.names.iter().filter_map(|file| owners::of(file, &self.services, &['/'])).collect();
        if touched.is_empty() {
            let all =
                self.services.iter().filter(|(folder, _)| carried.names.is_empty() || folder.is_empty());
            touched = all.map(|(_, service)| service.as_str()).collect();
        }
        let of = |service: &str| Change {
            service: service.to_owned(),
            files: carried.names.clone(),
            diff: carried.diff.clone(),
            ..change.clone()
        };
        if touched.is_empty() { vec![of("")] } else { touched.into_iter().map(of).collect() }
    }
}

/// Files, and what is changed in them.
#[derive(Debug, Default)]
struct Files {
    names: Vec<String>,
    diff: String,
}

/// The files of a commit or a comparison; of a large or binary one there is no patch.
fn files(one: &Json) -> Files {
    let mut found = Files::default();
    for file in list(one, "/files") {
        let (name, patch) = (text(file, "/filename"), text(file, "/patch"));
        found.names.push(name.to_owned());
        let more = format!("--- a/{name}\n+++ b/{name}\n{patch}\n");
        if !patch.is_empty() && found.diff.len() + more.len() <= DIFF_MAX {
            found.diff.push_str(&more);
        }
    }
    found
}

fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn short(sha: &str) -> &str {
    sha.get(..12).unwrap_or(sha)
}

/// The repository's page for people, from the address of the interface.
fn page(one: &Json) -> String {
    let repository = text(one, "/repository_url");
    repository.replacen("://api.github.com/repos/", "://github.com/", 1).replacen("/api/v3/repos/", "/", 1)
}
