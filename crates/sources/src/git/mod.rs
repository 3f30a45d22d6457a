//! A local Git repository: what was committed, with its diffs, as `changes`.
//!
//! Asks the program `git`, told to run nothing that the repository's own configuration names: no pager, no external diff,
//! no text conversion, no hook, no monitor of files. Commits are no deploys; what ran, others must tell.

mod log;

use std::process::Stdio;
use std::sync::Arc;

use telemetry::answer::Locator;
use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, Window,
};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::Backend;
use crate::http::Asking;
use crate::settings::{Budget, Settings, SettingsError};

/// This back end.
pub(crate) const BACKEND: Backend = Backend {
    kind: "git",
    what: "a local repository; `url` is its folder, and `paths` says which service lies where in it",
    questions: &["changes"],
    tried: "a repository that the test makes, by the real program",
    needs: "reading the repository's folder; the program `git`, which is told to run nothing of the repository's",
    open,
};

/// Commits of one answer; the latest are kept.
const COMMITS_MAX: usize = 200;
/// Bytes that are read of all diffs.
const BYTES_MAX: u64 = 16 << 20;
/// What a repository could have run.
const INERT: [&str; 10] = [
    // Whose the folder is does not matter where nothing of it is run.
    "-c",
    "safe.directory=*",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
    "-c",
    "core.attributesFile=/dev/null",
];

#[derive(Debug)]
struct Git {
    name: SourceName,
    folder: String,
    /// Folder inside the repository, and the service whose code it is.
    paths: Vec<(String, String)>,
    budget: Budget,
}

fn open(name: SourceName, settings: &Settings) -> Result<Arc<dyn Source>, SettingsError> {
    let folder = settings.url.strip_prefix("file://").unwrap_or(&settings.url).to_owned();
    if !std::path::Path::new(&folder).is_dir() {
        return Err(SettingsError::Url {
            source_name: name.0,
            url: folder,
            why: "no such folder; hint: `url` is the folder of a repository".to_owned(),
        });
    }
    let paths =
        settings.paths.iter().map(|(service, path)| (path.trim_matches('/').to_owned(), service.clone()));
    Ok(Arc::new(Git { name, folder, paths: paths.collect(), budget: settings.budget.clone() }))
}

impl Source for Git {
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
            let words = words(*window);
            let asking = Asking::new(limits, &self.budget, cancel);
            let limits = asking.limits();
            let (text, is_cut) = self.run(&words, &asking).await?;
            let changes = log::changes(&text, &self.paths);
            let tables = Tables { changes, ..Tables::default() };
            let answer = TableSource::new(tables).answer(question, &limits, cancel)?;
            let query = format!("git {}", words.join(" "));
            let locator = Locator { query, link: format!("file://{}", self.folder) };
            Ok(Answer { locators: vec![locator], truncated: answer.truncated || is_cut, ..answer })
        })
    }
}

/// What is asked: the commits of all branches, by the time at which they were committed.
fn words(window: Window) -> Vec<String> {
    let seconds = |at: telemetry::UnixNanos| at.0.div_euclid(telemetry::time::SECOND_NS);
    vec![
        "log".to_owned(),
        "--all".to_owned(),
        format!("--since=@{}", seconds(window.from) - 1),
        format!("--until=@{}", seconds(window.to) + 1),
        format!("--max-count={COMMITS_MAX}"),
        format!("--format={}", log::FORMAT),
        "--patch".to_owned(),
        "--no-ext-diff".to_owned(),
        "--no-textconv".to_owned(),
        "--no-color".to_owned(),
        "--src-prefix=a/".to_owned(),
        "--dst-prefix=b/".to_owned(),
        "--diff-merges=first-parent".to_owned(),
    ]
}

impl Git {
    /// What git prints, and whether there was more than is read.
    async fn run(&self, words: &[String], asking: &Asking) -> Result<(String, bool), AskError> {
        let failed = |what: String| AskError::Unavailable(format!("git: {what}"));
        let mut command = Command::new("git");
        command.args(["--no-pager", "-C", &self.folder]).args(INERT).args(words);
        for inherited in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
            command.env_remove(inherited);
        }
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_NO_LAZY_FETCH", "1");
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let work = async {
            let mut child =
                command.spawn().map_err(|error| failed(format!("{error}; hint: is `git` installed?")))?;
            let (mut text, mut said) = (Vec::new(), Vec::new());
            if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
                let (mut out, mut err) = (out.take(BYTES_MAX), err.take(4096));
                let reading = async {
                    let read = out.read_to_end(&mut text).await;
                    if text.len() as u64 == BYTES_MAX {
                        // It would wait for ever to be read on.
                        child.start_kill()?;
                    }
                    read
                };
                let read = tokio::join!(reading, err.read_to_end(&mut said));
                read.0.map_err(|error| failed(error.to_string()))?;
            }
            if text.len() as u64 == BYTES_MAX {
                return Ok((text, true));
            }
            let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
            if !status.success() {
                let said = String::from_utf8_lossy(&said);
                return Err(failed(said.lines().next().unwrap_or("it failed").to_owned()));
            }
            let is_cut = text.iter().filter(|byte| **byte == log::RECORD as u8).count() >= COMMITS_MAX;
            Ok((text, is_cut))
        };
        let (text, is_cut) = asking.bounded(work).await??;
        Ok((String::from_utf8_lossy(&text).into_owned(), is_cut))
    }
}

#[cfg(test)]
mod tests;
