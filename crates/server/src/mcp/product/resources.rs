//! Reports and journals as resources: `firstcause://incidents/ID/report` and `.../journal`; skills before them ([`skills`]).
//!
//! Read from the journals like the page. Changes are not announced: who waits for an end asks again.

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, ListResourceTemplatesResult, ListResourcesResult, MetaObject, PaginatedRequestParams,
    ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use serde_json::{Value, json};

use super::skills;
use crate::investigations::{Investigations, OpenError};

/// Before the id of an incident.
const BEFORE: &str = "firstcause://incidents/";
/// Incidents on one page of the list; each has two resources.
const PAGE: usize = 50;
/// Bytes of a journal that are given; what is left out is said.
const JOURNAL_MAX_BYTES: usize = 1 << 20;
/// How long a list of templates may be kept, in milliseconds.
const TTL_MS: u64 = 60_000;
const JSON: &str = "application/json";
const LINES: &str = "application/jsonl";

/// The newest incidents first. Journals lie on a disk, which is not waited for on a thread that serves others.
pub(super) async fn list(
    investigations: Investigations,
    request: Option<PaginatedRequestParams>,
) -> Result<ListResourcesResult, ErrorData> {
    let listing = tokio::task::spawn_blocking(move || listed(&investigations, request));
    listing.await.map_err(|error| ErrorData::internal_error(error.to_string(), None))?
}

fn listed(
    investigations: &Investigations,
    request: Option<PaginatedRequestParams>,
) -> Result<ListResourcesResult, ErrorData> {
    let start = match request.and_then(|request| request.cursor) {
        None => 0,
        Some(cursor) => cursor
            .parse::<usize>()
            .map_err(|_| ErrorData::invalid_params("this cursor is not from here", None))?,
    };
    let ids = investigations.ids().map_err(|error| refused(&error))?;
    let own = if start == 0 { skills::all(investigations).0 } else { Vec::new() };
    let mut resources: Vec<Resource> = own.iter().map(skills::Skill::resource).collect();
    for (space, id) in ids.iter().skip(start).take(PAGE) {
        let row = investigations.row(space, id);
        resources.push(
            Resource::new(format!("{BEFORE}{id}/report"), format!("report of {id}"))
                .with_title(row.headline)
                .with_description("What was wrong, why, what was done and whether it helped")
                .with_mime_type(JSON),
        );
        resources.push(
            Resource::new(format!("{BEFORE}{id}/journal"), format!("journal of {id}"))
                .with_description("Every question, answer and step, as recorded and hash-chained")
                .with_mime_type(LINES),
        );
    }
    let end = start.saturating_add(PAGE);
    let next_cursor = (ids.len() > end).then(|| end.to_string());
    let listed = ListResourcesResult { resources, next_cursor, ..ListResourcesResult::default() };
    Ok(listed.with_ttl_ms(0).with_cache_scope(CacheScope::Private))
}

/// The patterns of both.
pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = |part: &str, kind: &str, what: &str| {
        ResourceTemplate::new(format!("{BEFORE}{{incident}}/{part}"), part)
            .with_description(what)
            .with_mime_type(kind)
    };
    let resource_templates = vec![
        template("report", JSON, "The report of an incident"),
        template("journal", LINES, "The journal of an incident"),
        ResourceTemplate::new(format!("{}{{name}}", skills::BEFORE), "skill")
            .with_description("How to go about something, step by step")
            .with_mime_type("text/markdown"),
    ];
    let listed = ListResourceTemplatesResult { resource_templates, ..ListResourceTemplatesResult::default() };
    listed.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Private)
}

/// Reads one.
pub(super) async fn read(
    investigations: Investigations,
    uri: String,
) -> Result<ReadResourceResponse, ErrorData> {
    let reading = tokio::task::spawn_blocking(move || content(&investigations, &uri));
    let content = reading.await.map_err(|error| ErrorData::internal_error(error.to_string(), None))??;
    let result = ReadResourceResult::new(vec![content]);
    Ok(result.with_ttl_ms(0).with_cache_scope(CacheScope::Private).into())
}

fn content(investigations: &Investigations, uri: &str) -> Result<ResourceContents, ErrorData> {
    let unknown =
        || ErrorData::resource_not_found(format!("no resource is called {uri}"), Some(json!({ "uri": uri })));
    if uri.starts_with(skills::BEFORE) {
        let (all, _) = skills::all(investigations);
        return all.iter().find_map(|skill| skill.content(uri)).ok_or_else(unknown);
    }
    let (id, part) = uri.strip_prefix(BEFORE).and_then(|rest| rest.split_once('/')).ok_or_else(unknown)?;
    let told = |error: OpenError| match error {
        OpenError::Unknown(_) => unknown(),
        other => refused(&other),
    };
    match part {
        "report" => {
            let opened = investigations.open(id).map_err(told)?;
            let mut report = serde_json::to_value(&opened.report).unwrap_or_default();
            if let Value::Object(report) = &mut report {
                report.insert("status".to_owned(), Value::from(opened.status.name()));
            }
            Ok(ResourceContents::text(report.to_string(), uri).with_mime_type(JSON))
        }
        "journal" => {
            let space = investigations.space_of(id).map_err(told)?;
            let (bytes, _) = investigations.durable(&space, id).map_err(told)?;
            Ok(journal(&bytes, uri))
        }
        _ => Err(unknown()),
    }
}

/// As many whole lines as are given at once.
fn journal(bytes: &[u8], uri: &str) -> ResourceContents {
    let mut kept = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if kept + line.len() > JOURNAL_MAX_BYTES {
            break;
        }
        kept += line.len();
    }
    let text = String::from_utf8_lossy(bytes.get(..kept).unwrap_or_default()).into_owned();
    let content = ResourceContents::text(text, uri).with_mime_type(LINES);
    if kept == bytes.len() {
        return content;
    }
    let mut meta = MetaObject::default();
    meta.insert("truncated".to_owned(), Value::from(true));
    meta.insert("bytes".to_owned(), Value::from(bytes.len()));
    content.with_meta(meta)
}

fn refused(error: &OpenError) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_cut_at_a_line_and_says_so() {
        let line = format!("{}\n", "x".repeat(1023));
        let told =
            |lines: usize| serde_json::to_value(journal(line.repeat(lines).as_bytes(), "u")).expect("JSON");
        let whole = told(1024);
        assert_eq!(whole["text"].as_str().map(str::len), Some(1 << 20));
        assert_eq!(whole.get("_meta"), None);
        let cut = told(1025);
        assert_eq!(cut["text"].as_str().map(str::len), Some(1 << 20));
        assert_eq!(cut["_meta"], json!({ "truncated": true, "bytes": 1025 * 1024 }));
    }
}
