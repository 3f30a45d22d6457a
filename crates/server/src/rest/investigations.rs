//! Investigations for programs: the list, one of them, its records, its summary.
//!
//! Lists are paged: `limit` (1 to 100), `order` (`asc`, `desc`), `nextToken` from the page before.

use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Api, json as answer, problem};
use crate::investigations::seen::{self, Seen, SeenId, TYPES};
use crate::investigations::{OpenError, Opened, summary};
use crate::query::Query;
use crate::serve::{Body, reply};

const LIMIT: usize = 25;
const LIMIT_MAX: usize = 100;
/// Journals that are opened at most to fill one page when a status is asked for.
const LOOKED_AT_MAX: usize = 1000;

type Refused = Box<Response<Body>>;

/// Answers what stands behind `/api/v1/investigations`.
pub(super) async fn get(api: Api, path: &[&str], request: &Request<Incoming>) -> Response<Body> {
    let query = Query::read(request.uri().query().unwrap_or_default());
    let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
    // Journals are read from disk: not on a thread that serves others.
    let working = tokio::task::spawn_blocking(move || {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            [] => list(&api, &query),
            [id] => open(&api, id).map(|opened| report(&opened)),
            [id, "records"] => open(&api, id).and_then(|opened| records(id, &opened, &query)),
            [id, "records", seq] => open(&api, id).and_then(|opened| record(&opened, seq)),
            [id, "summary"] => open(&api, id).map(|opened| answer(&summary::json(&opened.report))),
            _ => Err(Box::new(problem(StatusCode::NOT_FOUND, "FC-0001", "no such path"))),
        }
    });
    match working.await {
        Ok(Ok(response)) => response,
        Ok(Err(refused)) => *refused,
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "FC-0070", &error.to_string()),
    }
}

/// The answer to what cannot be opened.
pub(super) fn refused(error: &OpenError) -> Response<Body> {
    let (status, code) = match error {
        OpenError::Unknown(_) => (StatusCode::NOT_FOUND, "FC-0020"),
        OpenError::Disk(_) => (StatusCode::SERVICE_UNAVAILABLE, "FC-0021"),
        OpenError::Damaged(_) | OpenError::NotUnderstood(_) => (StatusCode::INTERNAL_SERVER_ERROR, "FC-0022"),
    };
    problem(status, code, &error.to_string())
}

fn open(api: &Api, id: &str) -> Result<Opened, Refused> {
    api.investigations.open(id).map_err(|error| Box::new(refused(&error)))
}

fn bad(detail: &str) -> Refused {
    Box::new(problem(StatusCode::BAD_REQUEST, "FC-0007", detail))
}

fn limit(query: &Query) -> Result<usize, Refused> {
    let Some(text) = query.get("limit") else { return Ok(LIMIT) };
    text.parse()
        .ok()
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or_else(|| bad("`limit` is from 1 to 100"))
}

/// Whether the newest come first; `fallback` when nothing is said.
fn is_descending(query: &Query, fallback: &'static str) -> Result<bool, Refused> {
    match query.get("order").unwrap_or(fallback).to_ascii_lowercase().as_str() {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(bad("`order` is `asc` or `desc`")),
    }
}

fn list(api: &Api, query: &Query) -> Result<Response<Body>, Refused> {
    let limit = limit(query)?;
    let status = query.get("status");
    if status.is_some_and(|status| !["running", "closed", "cut_off", "unreadable"].contains(&status)) {
        return Err(bad("`status` is `running`, `closed`, `cut_off` or `unreadable`"));
    }
    let mut ids = api.investigations.ids().map_err(|error| Box::new(refused(&error)))?;
    let is_descending = is_descending(query, "desc")?;
    if !is_descending {
        ids.reverse();
    }
    let start = match query.get("nextToken") {
        None => 0,
        // The place is that of the id, whether or not it is still there.
        Some(token) => {
            let is_before = |id: &str| if is_descending { id >= token } else { id <= token };
            ids.iter().take_while(|(_, id)| is_before(id)).count()
        }
    };
    let (mut rows, mut last) = (Vec::new(), None);
    let mut rest = ids.iter().skip(start).take(LOOKED_AT_MAX).peekable();
    while rows.len() < limit
        && let Some((space, id)) = rest.next()
    {
        last = Some(id);
        let row = api.investigations.row(space, id);
        if status.is_none_or(|status| status == row.status.name()) {
            rows.push(row);
        }
    }
    let has_more = rest.peek().is_some() || ids.len() > start + LOOKED_AT_MAX;
    let token = last.filter(|_| has_more);
    Ok(answer(&json!({ "investigations": rows, "nextToken": token })))
}

fn report(opened: &Opened) -> Response<Body> {
    let mut value = serde_json::to_value(&opened.report).unwrap_or_default();
    if let Value::Object(report) = &mut value {
        report.insert("status".to_owned(), Value::from(opened.status.name()));
    }
    answer(&value)
}

fn records(id: &str, opened: &Opened, query: &Query) -> Result<Response<Body>, Refused> {
    let limit = limit(query)?;
    let wanted = query.get("recordType");
    if wanted.is_some_and(|wanted| !TYPES.contains(&wanted)) {
        return Err(bad(&format!("`recordType` is one of {}", TYPES.join(", "))));
    }
    let after = match query.get("nextToken").map(SeenId::read) {
        Some(None) => return Err(bad("`nextToken` is not from here")),
        other => other.flatten(),
    };
    let is_descending = is_descending(query, "asc")?;
    let mut all = seen::all(id, &opened.records, &opened.logged);
    if is_descending {
        all.reverse();
    }
    let is_left = |seen: &&Seen| {
        after.is_none_or(|after| if is_descending { seen.id < after } else { seen.id > after })
            && wanted.is_none_or(|wanted| wanted == seen.record_type)
    };
    let left: Vec<&Seen> = all.iter().filter(is_left).collect();
    let page: Vec<Value> = left.iter().take(limit).map(|seen| seen.json()).collect();
    let token = left.get(limit).and_then(|_| left.get(limit - 1)).map(|seen| seen.id.to_string());
    Ok(answer(&json!({ "records": page, "nextToken": token })))
}

/// One record as it stands in the journal.
fn record(opened: &Opened, seq: &str) -> Result<Response<Body>, Refused> {
    let found = opened.records.iter().find(|record| record.seq.to_string() == seq);
    let text = found.and_then(|record| serde_json::to_string(record).ok());
    match text {
        Some(text) => Ok(reply(StatusCode::OK, "application/json", Bytes::from(text))),
        None => Err(Box::new(problem(StatusCode::NOT_FOUND, "FC-0020", "no such record"))),
    }
}
