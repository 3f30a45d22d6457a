//! GitHub's REST API as its reference (2022-11-28) describes it: "Deployments" (list, statuses), "Commits" (list, get, compare),
//! "Using pagination" (the header Link), "Rate limits" (primary, secondary) and "Troubleshooting" (404 for what is private).

use std::sync::Mutex;

use serde_json::{Value as Json, json};
use sources::Settings;
use telemetry::answer::{ChangeKind, ChangeRow, Table};
use telemetry::{Answer, Ask, AskError, Scope, UnixNanos, Window};

use crate::server::{Reply, Request, Server};
use crate::{ask, broken, open};

/// When everything happens: 2026-05-28T20:26:40Z.
const BEGIN: UnixNanos = UnixNanos(1_780_000_000_000_000_000);
const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";

fn at(seconds: i64) -> String {
    BEGIN.plus_seconds(seconds).rfc3339().replace(".000Z", "Z")
}

fn settings(url: &str) -> Settings {
    let of = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    Settings {
        kind: "github".to_owned(),
        url: url.to_owned(),
        tables: of(&[("orders", "acme/shop"), ("web", "acme/shop")]),
        paths: of(&[("orders", "services/orders"), ("web", "/services/web/")]),
        ..Settings::default()
    }
}

fn changes() -> Ask {
    Ask::Changes { window: Window::new(BEGIN, BEGIN.plus_seconds(600)), scope: Scope::all() }
}

fn deployment(id: u32, sha: &str, environment: &str, made: i64) -> Json {
    json!({"id": id, "sha": sha, "ref": "main", "task": "deploy", "environment": environment, "description": null,
        "creator": {"login": "kim"}, "created_at": at(made), "updated_at": at(made + 60),
        "repository_url": "https://api.github.com/repos/acme/shop"})
}

fn file(name: &str, patch: Option<&str>) -> Json {
    json!({"filename": name, "status": "modified", "additions": 1, "deletions": 1, "patch": patch})
}

/// One item a page; the next one is in the header.
fn paged(request: &Request, all: &[Json]) -> Reply {
    let page: usize = request.parameter("page").unwrap().parse().unwrap();
    let mut headers = vec![("Content-Type", "application/json".to_owned())];
    if page < all.len() {
        let next = format!("<https://evil.example/steal?page={}>; rel=\"next\"", page + 1);
        headers.push(("Link", format!("{next}, <https://evil.example/>; rel=\"last\"")));
    }
    let items: Vec<&Json> = all.iter().skip(page - 1).take(1).collect();
    Reply::Of(200, headers, json!(items).to_string())
}

fn github(request: &Request) -> Reply {
    assert_eq!(request.header("x-github-api-version"), Some("2022-11-28"));
    let statuses = |all: &[(&str, i64)]| -> Vec<Json> {
        all.iter().map(|(state, seconds)| json!({"state": state, "created_at": at(*seconds)})).collect()
    };
    let orders = file("services/orders/db.py", Some("@@ -1 +1 @@\n-INDEX = True\n+INDEX = False"));
    let commit = |sha: &str, seconds: i64, message: &str| {
        json!({"sha": sha, "author": {"login": "lee"}, "commit": {"author": {"name": "Lee", "date": at(-9_000)},
            "committer": {"name": "GitHub", "date": at(seconds)}, "message": message}})
    };
    let with_files = |mut commit: Json, files: &[Json]| {
        commit["files"] = json!(files);
        Reply::json(&commit)
    };
    match request.path.strip_prefix("/repos/acme/shop/").unwrap_or_default() {
        "deployments" => paged(
            request,
            &[
                deployment(5, C, "production", 590),
                deployment(4, C, "staging", 100),
                deployment(3, B, "production", 60),
                deployment(2, C, "production", -40),
                deployment(1, A, "production", -9_000),
            ],
        ),
        "deployments/5/statuses" => paged(request, &statuses(&[("success", 660), ("in_progress", 595)])),
        "deployments/4/statuses" => paged(request, &statuses(&[("failure", 130), ("in_progress", 101)])),
        "deployments/3/statuses" => {
            paged(request, &statuses(&[("inactive", 400), ("success", 120), ("in_progress", 61)]))
        }
        "deployments/2/statuses" => paged(request, &statuses(&[("success", -5)])),
        path if path == format!("compare/{C}...{B}") => {
            let large = file("services/orders/data.bin", None);
            Reply::json(&json!({"status": "ahead", "files": [orders, large]}))
        }
        "commits" => {
            assert_eq!(request.parameter("since"), Some("2026-05-28T20:26:40.000Z"));
            paged(request, &[commit(B, 30, "orders: drop the index\n\nwords"), commit(A, 20, "docs")])
        }
        path if path == format!("commits/{B}") => with_files(commit(B, 30, "x"), &[orders]),
        path if path == format!("commits/{A}") => {
            with_files(commit(A, 20, "x"), &[file("docs/a.md", Some("+words"))])
        }
        _ => Reply::status(404, "{\"message\":\"Not Found\",\"status\":\"404\"}"),
    }
}

fn rows(answer: Answer) -> Vec<ChangeRow> {
    let Table::Changes(rows) = answer.table else { panic!("changes") };
    rows
}

// covers: AT-04
#[test]
fn what_was_deployed_and_committed_is_told_with_its_diff_and_tries_that_failed_are_not() {
    let server = Server::start(github);
    let told = ask(&open(&settings(&server.url)), changes(), 10).unwrap();
    assert!(!told.truncated, "{:?}", told.locators);
    let links: Vec<&str> = told.locators.iter().map(|one| one.link.as_str()).collect();
    assert!(links.contains(&format!("https://github.com/acme/shop/compare/{C}...{B}").as_str()), "{links:?}");
    let rows = rows(told);
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
            (20, ChangeKind::Commit, "", "", &A[..12]),
            (30, ChangeKind::Commit, "orders", "", &B[..12]),
            (120, ChangeKind::Deploy, "orders", &C[..12], &B[..12]),
        ]
    );
    let deploy = rows[2].detail.clone().unwrap();
    assert_eq!((deploy.commit.as_str(), deploy.author.as_str()), (B, "kim"));
    assert_eq!(deploy.message, "acme/shop to production: main");
    assert_eq!(deploy.files, ["services/orders/data.bin", "services/orders/db.py"]);
    assert_eq!((deploy.diffs[0].path.as_str(), deploy.diffs.len()), ("services/orders/db.py", 1));
    assert!(deploy.diffs[0].lines.contains(&"+INDEX = False".to_owned()), "{:?}", deploy.diffs);
    let commit = rows[1].detail.clone().unwrap();
    assert_eq!((commit.author.as_str(), commit.message.as_str()), ("lee", "orders: drop the index"));
    let other = ask(&open(&settings(&server.url)), Ask::Topology { window: Window::new(BEGIN, BEGIN) }, 10);
    assert_eq!(other, Err(AskError::Unsupported("topology".to_owned())));
    broken::assert_asked_only(&server, &[("GET", "/repos/acme/shop/")]);
}

#[test]
fn a_repository_that_may_not_be_read_is_a_gap_and_the_others_are_told() {
    let server = Server::start(github);
    let mut two = settings(&server.url);
    two.tables.insert("pay".to_owned(), "acme/pay".to_owned());
    let told = ask(&open(&two), changes(), 10).unwrap();
    let said = told.locators[0].query.clone();
    assert!(
        told.truncated && said.contains("not read: acme/pay") && said.contains("Deployments: read"),
        "{said}"
    );
    assert_eq!(rows(told).len(), 3);
    two.tables.retain(|_, repository| repository == "acme/pay");
    let why = ask(&open(&two), changes(), 10).unwrap_err().to_string();
    assert!(why.contains("404") && why.contains("hint: the token must be allowed"), "{why}");
    for wrong in ["acme", "acme/../x", "a/b/c", "acme/shop?x=1", "/shop", "acme/.."] {
        two.tables.insert("pay".to_owned(), wrong.to_owned());
        let why = sources::open("tried", &two).err().unwrap().to_string();
        assert!(why.contains("is no repository; hint: OWNER/NAME"), "{wrong}: {why}");
    }
}

/// Refuses the first request so; what is asked afterwards is answered.
fn refusing(status: u16, headers: Vec<(&'static str, String)>) -> Server {
    let count = Mutex::new(0);
    Server::start(move |request| {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count == 1 {
            return Reply::Of(
                status,
                headers.clone(),
                "{\"message\":\"API rate limit exceeded\"}".to_owned(),
            );
        }
        github(request)
    })
}

#[test]
fn both_kinds_of_limits_are_waited_for_when_that_is_in_time_and_told_when_it_is_not() {
    let date = ("Date", "Thu, 28 May 2026 20:26:40 GMT".to_owned());
    let primary = |reset: &str| {
        vec![("X-RateLimit-Remaining", "0".to_owned()), ("X-RateLimit-Reset", reset.to_owned()), date.clone()]
    };
    let secondary = vec![("Retry-After", "1".to_owned()), ("X-RateLimit-Remaining", "4000".to_owned())];
    for (status, headers) in [(403, primary("1780000001")), (429, primary("1780000001")), (403, secondary)] {
        let server = refusing(status, headers);
        let told = ask(&open(&settings(&server.url)), changes(), 10).unwrap();
        assert!(!told.truncated && rows(told).len() == 3);
    }
    let server = refusing(403, primary("1780003600"));
    let why = ask(&open(&settings(&server.url)), changes(), 5).unwrap_err().to_string();
    assert!(
        why.contains("403") && why.contains("rate limit exceeded") && why.contains("asked too often"),
        "{why}"
    );
    assert_eq!(server.seen().len(), 1, "who waits an hour is not asked on");
}

#[test]
fn what_breaks_ends_in_time_and_says_so() {
    broken::assert_ends_in_time(settings, &changes());
}
