//! Argo CD's API as its OpenAPI document describes it: `GET /api/v1/applications` (v1alpha1ApplicationList, RevisionHistory),
//! `GET /api/v1/applications/{name}/revisions/{revision}/metadata` (v1alpha1RevisionMetadata).

use serde_json::{Value as Json, json};
use sources::Settings;
use telemetry::answer::{ChangeKind, Table};
use telemetry::{Ask, AskError, Scope, UnixNanos, Window};

use crate::server::{Reply, Request, Server};
use crate::{ask, broken, open};

/// When everything happens.
const BEGIN: UnixNanos = UnixNanos(1_780_000_000_000_000_000);
const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn at(seconds: i64) -> String {
    BEGIN.plus_seconds(seconds).rfc3339().replace(".000Z", "Z")
}

fn settings(url: &str) -> Settings {
    Settings {
        kind: "argocd".to_owned(),
        url: url.to_owned(),
        tables: [("orders".to_owned(), "orders-prod".to_owned())].into(),
        ..Settings::default()
    }
}

fn changes() -> Ask {
    Ask::Changes { window: Window::new(BEGIN, BEGIN.plus_seconds(600)), scope: Scope::all() }
}

fn entry(id: u32, revision: &str, seconds: i64, replicas: &str, by: Json) -> Json {
    json!({"id": id, "revision": revision, "deployStartedAt": at(seconds), "deployedAt": at(seconds + 9),
        "initiatedBy": by, "source": {"repoURL": "https://git.example/shop", "path": "orders", "targetRevision": "HEAD",
        "helm": {"parameters": [{"name": "replicas", "value": replicas}]}}})
}

fn argocd(request: &Request) -> Reply {
    let automated = json!({"automated": true});
    if request.path.ends_with("/metadata") {
        if request.path.contains(A) {
            return Reply::status(500, "{\"error\":\"repository not accessible\"}");
        }
        return Reply::json(
            &json!({"author": "Lee <lee@example.org>", "date": at(10), "message": "drop the index\n\nwords"}),
        );
    }
    let orders = json!({"metadata": {"name": "orders-prod", "namespace": "argocd"}, "spec": {"project": "shop"}, "status": {
        "history": [entry(3, A, -9_000, "2", json!({"username": "kim"})), entry(5, A, 300, "2", json!({"username": "kim"})),
            entry(4, B, 60, "2", automated.clone()), entry(6, A, 400, "1", json!({"username": "kim"}))],
        "operationState": {"phase": "Failed", "finishedAt": at(500)}, "summary": {"images": ["orders:1"]}}});
    // A chart has a version, and two sources have a list; nothing of it lies in the window.
    let charts = json!({"metadata": {"name": "cache", "namespace": "argocd"}, "status": {"history": [
        {"id": 0, "revisions": ["1.2.3", B], "deployedAt": at(-600), "sources": [{"repoURL": "https://charts.example"}]}]}});
    let never = json!({"metadata": {"name": "new", "namespace": "argocd"}, "status": {}});
    Reply::json(&json!({"metadata": {"resourceVersion": "7"}, "items": [orders, charts, never]}))
}

#[test]
fn synchronisations_are_told_with_who_what_and_back_to_which() {
    let server = Server::start(argocd);
    let told = ask(&open(&settings(&server.url)), changes(), 10).unwrap();
    assert!(!told.truncated && told.locators.len() == 2);
    assert!(told.locators[1].link.ends_with("/applications/argocd/orders-prod"), "{:?}", told.locators);
    let Table::Changes(rows) = told.table else { panic!("changes") };
    let said: Vec<(i64, ChangeKind, &str, &str, &str)> = rows
        .iter()
        .map(|row| {
            let seconds = row.at.since(BEGIN) / 1_000_000_000;
            (seconds, row.kind, row.service.as_str(), row.before.as_str(), row.after.as_str())
        })
        .collect();
    assert_eq!(
        said,
        [
            (60, ChangeKind::Deploy, "orders", A, B),
            (300, ChangeKind::Deploy, "orders", B, A),
            (400, ChangeKind::Flag, "orders", A, A),
        ]
    );
    let detail = |place: usize| rows[place].detail.clone().unwrap();
    assert_eq!((detail(0).author.as_str(), detail(0).commit.as_str()), ("automated", B));
    assert!(
        detail(0).message.starts_with("drop the index; application argocd/orders-prod"),
        "{}",
        detail(0).message
    );
    assert!(detail(1).message.contains("back to the revision of history 3"), "{}", detail(1).message);
    assert!(detail(2).message.contains("images now: orders:1"), "{}", detail(2).message);
    let lines = detail(2).diffs[0].lines.clone();
    assert_eq!(lines, ["-source.helm.parameters.0.value=2", "+source.helm.parameters.0.value=1"]);
    let other = ask(&open(&settings(&server.url)), Ask::Topology { window: Window::new(BEGIN, BEGIN) }, 10);
    assert_eq!(other, Err(AskError::Unsupported("topology".to_owned())));
    broken::assert_asked_only(&server, &[("GET", "/api/v1/applications")]);
}

#[test]
fn limits_and_refusals_are_told() {
    let refused = Server::start(|_| Reply::status(403, "{\"error\":\"permission denied\",\"code\":7}"));
    let why = ask(&open(&settings(&refused.url)), changes(), 5).unwrap_err().to_string();
    assert!(why.contains("403") && why.contains("permission denied") && why.contains("hint: "), "{why}");
    let far = Server::start(|_| Reply::Of(429, vec![("Retry-After", "600".to_owned())], "slow".to_owned()));
    let why = ask(&open(&settings(&far.url)), changes(), 5).unwrap_err().to_string();
    assert!(why.contains("429"), "{why}");
}

#[test]
fn what_breaks_ends_in_time_and_says_so() {
    broken::assert_ends_in_time(settings, &changes());
}
