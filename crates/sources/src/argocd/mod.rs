//! Argo CD: what it synchronised when, from the history of its applications, as `changes`.
//!
//! A synchronisation is told as of its start: what it changes may take effect from then on. One that failed is a try and none
//! of the history. Which manifests changed, Git knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use telemetry::answer::Locator;
use telemetry::recorded::{Change, TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, UnixNanos,
    Window,
};

use crate::Backend;
use crate::http::{Asking, Http};
use crate::json::{self, list, text, time};
use crate::masked::{Values, flat, shown};

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "argocd",
    what: "Argo CD's API server; `tables` says which application a service is, where it is not called as the service",
    questions: &["changes"],
    tried: "contract server built from the API's OpenAPI document (applications, RevisionHistory, RevisionMetadata); no real one",
    needs: "`p, role:firstcause, applications, get, */*, allow` and a token of an account in that role; GET on /api/v1/applications \
            and /api/v1/applications/NAME/revisions/REVISION/metadata",
    open: |name, settings| {
        let http = Http::new(&name.0, settings)?;
        let of = settings.tables.iter().map(|(service, application)| (application.clone(), service.clone()));
        Ok(Arc::new(ArgoCd { name, services: of.collect(), http }))
    },
};

/// Who answers.
const WHOSE: &str = "Argo CD's API";
/// Revisions whose author and message are asked for, each by a request.
const DETAILS_MAX: usize = 30;

#[derive(Debug)]
struct ArgoCd {
    name: SourceName,
    http: Http,
    /// The service of an application.
    services: BTreeMap<String, String>,
}

impl Source for ArgoCd {
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
            let Ask::Changes { window, .. } = &question.ask else {
                return Err(AskError::Unsupported(question.ask.name().to_owned()));
            };
            let asking = self.http.asking(limits, cancel);
            let told = json::parse(&self.http.get("api/v1/applications", &[], &asking).await?, WHOSE)?;
            if told.get("items").is_none() {
                return Err(json::foreign(WHOSE, "a list without `items`"));
            }
            let mut locators = vec![Locator {
                query: "GET /api/v1/applications".to_owned(),
                link: self.http.link("applications", &[]),
            }];
            let mut changes = Vec::new();
            for application in list(&told, "/items") {
                let found = synchronised(application, *window);
                if !found.is_empty() {
                    locators.push(self.locator(application));
                }
                changes.extend(found);
            }
            // Who wrote a revision is said where there is time to ask; that it was synchronised, always.
            for one in changes.iter_mut().take(DETAILS_MAX) {
                if asking.has_time_left(3) {
                    self.describe(one, &asking).await?;
                }
            }
            for one in &mut changes {
                if let Some(service) = self.services.get(&one.service) {
                    one.service.clone_from(service);
                }
            }
            let mut tables = Tables { changes, ..Tables::default() };
            tables.sort();
            let answer = TableSource::new(tables).answer(question, &asking.limits(), cancel)?;
            Ok(Answer { locators, ..answer })
        })
    }
}

impl ArgoCd {
    /// The page of an application.
    fn locator(&self, application: &Json) -> Locator {
        let (namespace, name) =
            (text(application, "/metadata/namespace"), text(application, "/metadata/name"));
        let link = self.http.link(&format!("applications/{namespace}/{name}"), &[]);
        Locator { query: format!("status.history of application {name}"), link }
    }

    /// Adds who wrote the revision and what they said; a chart's has neither.
    async fn describe(&self, change: &mut Change, asking: &Asking) -> Result<(), AskError> {
        let is_hash = (7..=64).contains(&change.id.len()) && change.id.chars().all(|c| c.is_ascii_hexdigit());
        let is_name = change.service.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        if !is_hash || !is_name {
            return Ok(());
        }
        let path = format!("api/v1/applications/{}/revisions/{}/metadata", change.service, change.id);
        let told = match self.http.reply(&path, &[], asking).await {
            Ok(reply) => json::parse(&reply.body, WHOSE)?,
            // The repository may be gone or closed to Argo CD by now; the synchronisation was made all the same.
            Err(refusal) if matches!(refusal.status, Some(400..=404 | 500)) => return Ok(()),
            Err(refusal) => return Err(refusal.error),
        };
        let message = text(&told, "/message").lines().next().unwrap_or_default();
        if !message.is_empty() {
            change.summary = format!("{message}; {}", change.summary);
        }
        if change.author.is_empty() {
            text(&told, "/author").clone_into(&mut change.author);
        }
        Ok(())
    }
}

/// What an application was synchronised to in the window.
fn synchronised(application: &Json, window: Window) -> Vec<Change> {
    let mut history: Vec<&Json> = list(application, "/status/history").iter().collect();
    history.sort_by_key(|one| one.get("id").and_then(Json::as_i64));
    let mut changes = Vec::new();
    for (place, one) in history.iter().enumerate() {
        let Some(at) = began(one).filter(|at| window.contains(*at)) else { continue };
        let before = place.checked_sub(1).and_then(|before| history.get(before));
        let earlier = history.iter().take(place.saturating_sub(1)).rev();
        let again =
            earlier.filter(|old| revision(old) == revision(one)).map(|old| old.get("id")).next().flatten();
        let was = before.map(|before| revision(before)).unwrap_or_default();
        let is_last = place + 1 == history.len();
        changes.push(change(application, one, (at, &was), before.copied(), (again, is_last)));
    }
    changes
}

/// When it began; of old versions only the end is told.
fn began(one: &Json) -> Option<UnixNanos> {
    time(one, "/deployStartedAt").or_else(|| time(one, "/deployedAt"))
}

/// The revision, or those of all its sources.
fn revision(one: &Json) -> String {
    let single = text(one, "/revision");
    if !single.is_empty() {
        return single.to_owned();
    }
    list(one, "/revisions").iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ")
}

fn change(
    application: &Json,
    one: &Json,
    (at, was): (UnixNanos, &str),
    before: Option<&Json>,
    (again, is_last): (Option<&Json>, bool),
) -> Change {
    let (namespace, name) = (text(application, "/metadata/namespace"), text(application, "/metadata/name"));
    let now = revision(one);
    let diff = difference(before, one);
    // The same revision with other parameters is another setting.
    let kind = if was == now && !diff.is_empty() { "config" } else { "deploy" };
    let mut summary =
        format!("application {namespace}/{name} was synchronised from {}", source(one, "repoURL"));
    if let Some(id) = again.filter(|_| was != now) {
        summary.push_str(&format!(", back to the revision of history {id}"));
    }
    if is_last {
        let images: Vec<&str> =
            list(application, "/status/summary/images").iter().filter_map(Json::as_str).collect();
        if !images.is_empty() {
            summary.push_str(&format!("; images now: {}", images.join(" ")));
        }
    }
    let is_automated = one.pointer("/initiatedBy/automated") == Some(&Json::Bool(true));
    let username = text(one, "/initiatedBy/username");
    Change {
        at,
        kind: kind.to_owned(),
        service: name.to_owned(),
        id: now.clone(),
        before: was.to_owned(),
        after: now,
        author: if username.is_empty() && is_automated {
            "automated".to_owned()
        } else {
            username.to_owned()
        },
        summary,
        files: vec![format!("{name}/{}", source(one, "path"))],
        diff,
        ..Change::default()
    }
}

/// A field of the source, or of the first of several.
fn source<'a>(one: &'a Json, field: &str) -> &'a str {
    let told = text(one, &format!("/source/{field}"));
    if told.is_empty() { text(one, &format!("/sources/0/{field}")) } else { told }
}

/// What the source says otherwise than before: parameters, values, images.
fn difference(before: Option<&Json>, after: &Json) -> String {
    let values = |one: Option<&Json>| {
        let mut values = Values::new();
        for place in ["source", "sources"] {
            if let Some(found) = one.and_then(|one| one.get(place)) {
                flat(place, found, &mut values);
            }
        }
        values
    };
    if before.is_none() {
        return String::new();
    }
    let (old, new) = (values(before), values(Some(after)));
    let mut diff = String::new();
    for (sign, these, others) in [('-', &old, &new), ('+', &new, &old)] {
        for (name, value) in these.iter().filter(|(name, value)| others.get(*name) != Some(value)) {
            diff.push_str(&format!("{sign}{}\n", shown(name, value)));
        }
    }
    diff
}
