//! A repository that is made here, by the real program.

use std::path::Path;

use telemetry::answer::{ChangeRow, Table};
use telemetry::{QuestionId, Scope, Space, UnixNanos};

use super::*;

/// When everything here begins: git takes small numbers for no time.
const BEGIN: i64 = 1_700_000_000;

fn git(folder: &Path, seconds: i64, words: &[&str]) {
    let date = format!("@{} +0000", BEGIN + seconds);
    let status = std::process::Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=kim", "-c", "user.email=kim@example.org", "-c", "commit.gpgsign=false"])
        .args(words)
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "git {words:?}");
}

#[allow(clippy::disallowed_methods, reason = "nothing is lost when a test loses a file")]
fn commit(folder: &Path, seconds: i64, file: &str, text: &str, summary: &str) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    git(folder, seconds, &["add", "."]);
    git(folder, seconds, &["commit", "--quiet", "-m", summary]);
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), 0, &["init", "--quiet"]);
    commit(folder.path(), 1_000, "services/orders/db.py", "INDEX = True\n", "orders: begin");
    commit(folder.path(), 2_000, "services/orders/db.py", "INDEX = False\n", "orders: drop the index\u{1f}x");
    commit(folder.path(), 2_100, "docs/a.md", "words\n", "docs: words");
    commit(folder.path(), 3_000, "services/web/a.py", "x\n", "web: too late");
    folder
}

fn source(folder: &Path) -> Arc<dyn Source> {
    let settings = Settings {
        kind: "git".to_owned(),
        url: folder.display().to_string(),
        paths: [("orders", "services/orders"), ("web", "/services/web/")]
            .map(|(service, path)| (service.to_owned(), path.to_owned()))
            .into(),
        ..Settings::default()
    };
    crate::open("code", &settings).unwrap()
}

async fn changes(source: &Arc<dyn Source>) -> Result<Vec<ChangeRow>, AskError> {
    let at = |seconds: i64| UnixNanos(0).plus_seconds(BEGIN + seconds);
    let question = Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask: Ask::Changes { window: Window::new(at(1_500), at(2_500)), scope: Scope::all() },
        not_before: UnixNanos(0),
    };
    let answer = source.ask(&question, Limits::default(), &Cancel::default()).await?;
    assert!(answer.locators[0].query.starts_with("git log --all"));
    let Table::Changes(rows) = answer.table else { panic!("changes") };
    Ok(rows)
}

#[tokio::test]
async fn commits_of_the_window_are_told_with_their_service_their_words_and_their_diff() {
    let folder = repository();
    let rows = changes(&source(folder.path())).await.unwrap();
    let told: Vec<_> =
        rows.iter().map(|row| (row.service.as_str(), row.at.0 / 1_000_000_000 - BEGIN)).collect();
    assert_eq!(told.len(), 2, "{rows:?}");
    assert!(told.contains(&("orders", 2_000)) && told.contains(&("", 2_100)), "{told:?}");
    let detail = rows.iter().find(|row| row.service == "orders").unwrap().detail.clone().unwrap();
    assert_eq!(
        (detail.author.as_str(), detail.files.as_slice()),
        ("kim", &["services/orders/db.py".to_owned()][..])
    );
    assert!(detail.message.starts_with("orders: drop the index"), "{}", detail.message);
    assert!(format!("{:?}", detail.diffs).contains("INDEX = False"), "{:?}", detail.diffs);
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "nothing is lost when a test loses a file")]
async fn nothing_that_the_repository_names_is_run() {
    let folder = repository();
    let trap = folder.path().join("ran");
    let script = folder.path().join("trap.sh");
    std::fs::write(&script, format!("#!/bin/sh\ntouch '{}'\n", trap.display())).unwrap();
    std::process::Command::new("chmod").arg("+x").arg(&script).status().unwrap();
    let path = script.display().to_string();
    for key in ["core.pager", "core.fsmonitor", "diff.external", "diff.t.textconv", "core.editor"] {
        git(folder.path(), 0, &["config", key, &path]);
    }
    std::fs::write(folder.path().join(".git/info/attributes"), "*.py diff=t\n").unwrap();
    assert_eq!(changes(&source(folder.path())).await.unwrap().len(), 2);
    assert!(!trap.exists(), "something of the repository's configuration was run");
    // The trap is one: git runs it when it is not told otherwise.
    git(folder.path(), 0, &["--no-pager", "diff", "--ext-diff", "HEAD~3", "HEAD"]);
    assert!(trap.exists(), "the control must be caught");
}

#[tokio::test]
async fn more_than_is_read_is_cut_and_does_not_wait() {
    let folder = repository();
    let line = format!("{}\n", "x".repeat(1_000));
    commit(folder.path(), 2_200, "services/orders/large.txt", &line.repeat(20_000), "orders: large");
    let source = source(folder.path());
    let at = |seconds: i64| UnixNanos(0).plus_seconds(BEGIN + seconds);
    let question = Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask: Ask::Changes { window: Window::new(at(1_500), at(2_500)), scope: Scope::all() },
        not_before: UnixNanos(0),
    };
    let answer = source.ask(&question, Limits::default(), &Cancel::default()).await.unwrap();
    assert!(answer.truncated && !answer.table.is_empty());
}

#[tokio::test]
async fn a_prefix_that_the_repository_chooses_changes_nothing() {
    let folder = repository();
    git(folder.path(), 0, &["config", "diff.noprefix", "true"]);
    let rows = changes(&source(folder.path())).await.unwrap();
    assert!(rows.iter().any(|row| row.service == "orders"), "{rows:?}");
}

#[tokio::test]
async fn a_folder_that_is_no_repository_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = changes(&source(folder.path())).await.unwrap_err().to_string();
    assert!(error.contains("not a git repository"), "{error}");
    let nowhere =
        Settings { kind: "git".to_owned(), url: "/no/such/folder".to_owned(), ..Settings::default() };
    assert!(crate::open("code", &nowhere).is_err());
}
