//! The pages for people: the list with the system's health, and one investigation.
//!
//! Gathers what they show; how it looks is `page::live`'s business.

use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use telemetry::answer::{EdgeRow, HealthRow, Table};
use telemetry::question::Scope;
use telemetry::{Ask, Cancel, Limits, Question, QuestionId, Space, Window};

use super::{Api, investigations};
use crate::investigations::{OpenError, Opened, Status, seen};
use crate::page::{self, live};
use crate::serve::{Body, reply};

/// Rows of one page of the list.
const ROWS: usize = 20;
/// Seconds of which "now" is made.
const NOW_SECONDS: i64 = 60;

/// `/`.
pub(super) async fn home(api: Api) -> Response<Body> {
    let nonce = (api.nonce)();
    let policy = live::policy(&nonce);
    let working = tokio::task::spawn_blocking(move || gather(&api).map(|home| live::home(&home, &nonce)));
    finish(working.await, &policy)
}

/// `/investigations/ID`.
pub(super) async fn investigation(api: Api, id: &str) -> Response<Body> {
    let (nonce, id) = ((api.nonce)(), id.to_owned());
    let policy = live::policy(&nonce);
    let working = tokio::task::spawn_blocking(move || {
        let opened = api.investigations.open(&id)?;
        Ok(investigation_page(&api, &id, &opened, &nonce))
    });
    finish(working.await, &policy)
}

/// A word that did not count, and the way back.
pub(super) fn refused(api: &Api, status: StatusCode, why: &str, back: &str) -> Response<Body> {
    let nonce = (api.nonce)();
    with_policy(status, live::refused(why, back, &nonce), &live::policy(&nonce))
}

fn investigation_page(api: &Api, id: &str, opened: &Opened, nonce: &str) -> String {
    let all = seen::all(id, &opened.records, &opened.logged);
    if opened.status != Status::Running {
        return page::with_journal(&opened.report, opened.status, &all);
    }
    let asked = api.approvals.as_ref().and_then(|approvals| approvals.mailbox().asked(id));
    live::running(opened, &all, asked.as_ref(), nonce)
}

fn gather(api: &Api) -> Result<live::Home, OpenError> {
    let ids = api.investigations.ids()?;
    let rows = ids.iter().take(ROWS).map(|(space, id)| api.investigations.row(space, id)).collect();
    let now = (api.now)();
    let window = Window::new(now.plus_seconds(-NOW_SECONDS), now);
    let scope = Scope::all();
    let health: Vec<HealthRow> = match ask(api, Ask::Health { window, scope: scope.clone() }) {
        Some(Table::Health(rows)) => rows,
        _ => Vec::new(),
    };
    let edges: Vec<EdgeRow> = match ask(api, Ask::Edges { window, scope }) {
        Some(Table::Edges(rows)) => rows,
        _ => Vec::new(),
    };
    Ok(live::Home {
        rows,
        more: ids.len().saturating_sub(ROWS),
        health,
        edges,
        at: now,
        otlp: api.otlp.clone(),
    })
}

/// What cannot be answered now is left out: the page says that nothing was seen.
fn ask(api: &Api, ask: Ask) -> Option<Table> {
    let question =
        Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before: (api.now)() };
    api.answerer.answer(&question, &Limits::default(), &Cancel::default()).ok().map(|answer| answer.table)
}

type Worked = Result<Result<String, OpenError>, tokio::task::JoinError>;

fn finish(worked: Worked, policy: &str) -> Response<Body> {
    match worked {
        Ok(Ok(html)) => with_policy(StatusCode::OK, html, policy),
        Ok(Err(error)) => investigations::refused(&error),
        Err(error) => super::problem(StatusCode::INTERNAL_SERVER_ERROR, "FC-0070", &error.to_string()),
    }
}

fn with_policy(status: StatusCode, html: String, policy: &str) -> Response<Body> {
    let mut response = reply(status, "text/html; charset=utf-8", html.into());
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // `no-referrer` would make the browser hide the origin of our own form.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
