//! GitHub: deployments, commits and what they change, as `changes`.
//!
//! Knows deployments that were told to GitHub, by its own actions or by others; which repository is whose, `tables` says. Asks
//! for nothing but lists, and never for more than a few dozen single commits.

mod pages;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName,
};

use crate::Backend;
use crate::http::Http;
use crate::owners::Owners;
use crate::settings::{Settings, SettingsError};
use pages::{Pages, unreadable};
use read::Repository;

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "github",
    what: "GitHub's REST API (https://api.github.com) and that of its Enterprise Server (https://HOST/api/v3); `tables` says which \
           repository (OWNER/NAME) a service is deployed from, `paths` in which folder of it its code lies",
    questions: &["changes"],
    tried: "contract server built from the REST API's reference (2022-11-28); no real one",
    needs: "a fine-grained token with Contents: read and Deployments: read on these repositories; GET on \
            /repos/OWNER/NAME/deployments, /deployments/ID/statuses, /commits, /compare",
    open,
};

#[derive(Debug)]
struct GitHub {
    name: SourceName,
    http: Http,
    repositories: Vec<Repository>,
}

fn open(name: SourceName, settings: &Settings) -> Result<Arc<dyn Source>, SettingsError> {
    let wrong = |what: String| SettingsError::Value { source_name: name.0.clone(), what };
    let mut known: BTreeMap<&str, Owners> = BTreeMap::new();
    for (service, repository) in &settings.tables {
        if !is_repository(repository) {
            return Err(wrong(format!("tables: `{repository}` is no repository; hint: OWNER/NAME")));
        }
        let folder = settings.paths.get(service).map_or("", |folder| folder.trim_matches('/'));
        known.entry(repository).or_default().push((folder.to_owned(), service.clone()));
    }
    if known.is_empty() {
        return Err(wrong(
            "no repository is named; hint: `[sources.NAME.tables]` with SERVICE = \"OWNER/NAME\"".to_owned(),
        ));
    }
    let mut settings = settings.clone();
    for (header, value) in [("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", "2022-11-28")]
    {
        settings.headers.entry(header.to_owned()).or_insert_with(|| value.to_owned());
    }
    let http = Http::new(&name.0, &settings)?;
    let of = |(name, services): (&str, _)| Repository { name: name.to_owned(), services };
    let repositories = known.into_iter().map(of).collect();
    Ok(Arc::new(GitHub { name, http, repositories }))
}

/// Whether nothing but an owner and a name stands there: it becomes part of a path.
fn is_repository(text: &str) -> bool {
    let is_name = |part: &str| {
        let keeps = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(keeps)
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

impl Source for GitHub {
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
            let pages = Pages { http: &self.http, asking: &asking };
            let (mut tables, mut gaps, mut locators) = (Tables::default(), Vec::new(), Vec::new());
            for repository in &self.repositories {
                match repository.read(&pages, *window).await {
                    Ok(read) => {
                        tables.changes.extend(read.changes);
                        gaps.extend(read.gaps);
                        locators.extend(read.locators);
                    }
                    Err(refusal) => match unreadable(&refusal, &repository.name) {
                        Some(why) => gaps.push(why),
                        None => return Err(refusal.error),
                    },
                }
            }
            if locators.is_empty() {
                return Err(AskError::Unavailable(gaps.join("; ")));
            }
            tables.sort();
            let answer = TableSource::new(tables).answer(question, &asking.limits(), cancel)?;
            let truncated = answer.truncated || !gaps.is_empty();
            let told = gaps.into_iter().map(|query| Locator { query, link: self.http.link("", &[]) });
            Ok(Answer { locators: told.chain(locators).collect(), truncated, ..answer })
        })
    }
}
