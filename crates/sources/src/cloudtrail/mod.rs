//! AWS CloudTrail: who changed what in an account, as `changes`, from the log files that a trail delivers.
//!
//! Reads a local copy of the trail's bucket, so no credentials of AWS are needed here; keeping the copy fresh is the business
//! of whatever copies. Sees management events alone, and those only once they were delivered.

mod events;
mod files;

use std::path::PathBuf;
use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, Window,
};

use crate::Backend;
use crate::http::Asking;
use crate::settings::{Budget, Settings, SettingsError};

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "cloudtrail",
    what: "AWS CloudTrail's log files; `url` is the folder of the bucket's copy, `paths` says which resources are whose",
    questions: &["changes"],
    tried: "log files written from the documentation of CloudTrail's records (1.08 to 1.11), packed with gzip; no real trail",
    needs: "reading the folder; to fill it, s3:ListBucket and s3:GetObject on the trail's bucket",
    open,
};

/// Events that are told by their own addresses.
const LOCATORS_MAX: usize = 50;

#[derive(Debug)]
struct CloudTrail {
    name: SourceName,
    root: PathBuf,
    /// The beginning of resources' names, and the service whose they are.
    paths: Vec<(String, String)>,
    budget: Budget,
}

fn open(name: SourceName, settings: &Settings) -> Result<Arc<dyn Source>, SettingsError> {
    let folder = settings.url.strip_prefix("file://").unwrap_or(&settings.url).to_owned();
    if !std::path::Path::new(&folder).is_dir() {
        let hint = "`url` is a folder, filled by `aws s3 sync s3://BUCKET/AWSLogs FOLDER/AWSLogs`";
        let why = format!("no such folder; hint: {hint}");
        return Err(SettingsError::Url { source_name: name.0, url: folder, why });
    }
    let paths = settings.paths.iter().map(|(service, path)| (path.clone(), service.clone())).collect();
    Ok(Arc::new(CloudTrail { name, root: folder.into(), paths, budget: settings.budget.clone() }))
}

impl Source for CloudTrail {
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
            let asking = Asking::new(limits, &self.budget, cancel);
            let (root, window, reader) = (self.root.clone(), *window, asking.clone());
            // Files are read beside whoever else waits; the reader looks at the time itself.
            let reading = tokio::task::spawn_blocking(move || files::read(&root, window, &reader));
            let found = asking
                .bounded(reading)
                .await?
                .map_err(|error| AskError::Unavailable(format!("reading was stopped: {error}")))??;
            if asking.is_over() {
                return Err(AskError::TimedOut(asking.limits().seconds_max));
            }
            let mut locators = found.gaps;
            let is_cut = !locators.is_empty();
            locators.push(self.locator(window, found.opened));
            let mut changes = Vec::new();
            for record in &found.records {
                let Some(change) = events::change(record, &self.paths) else { continue };
                if window.contains(change.at) && locators.len() < LOCATORS_MAX {
                    let query = change.summary.clone();
                    locators.push(Locator { query, link: events::link(record) });
                }
                changes.push(change);
            }
            let mut tables = Tables { changes, ..Tables::default() };
            tables.sort();
            let answer = TableSource::new(tables).answer(question, &asking.limits(), cancel)?;
            Ok(Answer { locators, truncated: answer.truncated || is_cut, ..answer })
        })
    }
}

impl CloudTrail {
    fn locator(&self, window: Window, opened: usize) -> Locator {
        let query = format!(
            "{opened} files delivered from {} to 15 min after {}",
            window.from.rfc3339(),
            window.to.rfc3339()
        );
        Locator { query, link: files::link(&self.root) }
    }
}
