//! Entry spans by ES|QL, where the back end has it: one answer of rows instead of pages of documents.
//!
//! What narrows stands in the request's `filter`, in the language of searches: no text of anybody is put into the query, which
//! always says its LIMIT. Whatever is odd about an answer (half of it, fewer rows than were counted, a type that ES|QL does
//! not read) is no answer, and the searches are asked instead; half an answer is an error.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use telemetry::AskError;
use telemetry::answer::Locator;

use super::document::Document;
use super::fields::Shape;
use super::names::Form;
use super::search::{Searches, Wanted, between, limit};

/// Rows of one answer: what ES|QL gives at most.
const ROWS_MAX: u64 = 10_000;
/// From one look to the next whether a query that runs there is done.
const LOOK: Duration = Duration::from_millis(200);

/// An answer of `_query`, or that there is none yet.
#[derive(Debug, Default, Deserialize)]
struct Answered {
    id: Option<String>,
    #[serde(default)]
    is_running: bool,
    #[serde(default)]
    is_partial: bool,
    /// Those of `values`; with `drop_null_columns` the others stand in `all_columns`.
    #[serde(default)]
    columns: Vec<Column>,
    #[serde(default)]
    values: Vec<Vec<Json>>,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

impl Searches<'_> {
    /// The rows of `wanted`, of which `count` were counted; none where they are to be searched for.
    pub(super) async fn rows(
        &self,
        shape: &Shape,
        wanted: &Wanted<'_>,
        count: u64,
    ) -> Result<Option<(Vec<Document>, Locator)>, AskError> {
        let is_asked = matches!(shape.form, Form::Otel | Form::Ecs) && count <= ROWS_MAX;
        if !is_asked || self.of.has_no_esql.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let query = query(wanted.indices, &shape.of_entry);
        let mut filters = vec![between(wanted.time, wanted.window)];
        filters.extend(wanted.filters.iter().cloned());
        let body = json!({"query": query, "filter": {"bool": {"filter": filters}}});
        let options =
            [("allow_partial_results", "false".to_owned()), ("drop_null_columns", "true".to_owned())];
        let bytes = match self.of.http.search("_query", &options, &body, &self.asking).await {
            Ok(bytes) => bytes,
            Err(AskError::Unavailable(text)) if is_unknown(&text) => {
                self.of.has_no_esql.store(true, Ordering::Relaxed);
                return Ok(None);
            }
            // What the query cannot read, the searches may.
            Err(AskError::Unavailable(text)) if text.starts_with("answered 400") => return Ok(None),
            Err(error) => return Err(limit(error)),
        };
        let answered = self.finished(read(&bytes)?).await?;
        if answered.is_partial {
            let what = "ES|QL answered in part, and counts over a part would be wrong; hint: look at the cluster's health";
            return Err(AskError::Unavailable(what.to_owned()));
        }
        let is_odd = answered.columns.iter().any(|column| column.kind == "unsupported");
        // Fewer than were counted: somebody else's limit, such as the 1,000 of a query without one.
        if is_odd || (answered.values.len() as u64) < count || answered.values.len() as u64 >= ROWS_MAX {
            return Ok(None);
        }
        // The query has no address of its own; the search for the same documents has one.
        let link = self.locator(wanted.indices, &wanted.body(wanted.window)).link;
        Ok(Some((answered.documents(), Locator { query: format!("POST /_query {body}"), link })))
    }

    /// The answer of a query that was put aside to run on.
    async fn finished(&self, mut answered: Answered) -> Result<Answered, AskError> {
        while let Some(id) = answered.id.clone().filter(|_| answered.is_running) {
            // The id stands in a path.
            if !id.chars().all(|c| c.is_ascii_alphanumeric() || "-_=+".contains(c)) {
                return Err(AskError::Unavailable("ES|QL answered with an id that is none".to_owned()));
            }
            self.asking.bounded(tokio::time::sleep(LOOK)).await?;
            answered = read(&self.of.http.get(&format!("_query/async/{id}"), &[], &self.asking).await?)?;
        }
        if answered.is_running {
            return Err(AskError::Unavailable("ES|QL is not done, and says no id to ask by".to_owned()));
        }
        Ok(answered)
    }
}

/// The query. Its names were checked, and it says its limit.
fn query(indices: &str, fields: &[String]) -> String {
    let fields: Vec<String> = fields.iter().map(|name| format!("`{name}`")).collect();
    format!("FROM {indices} | KEEP {} | LIMIT {ROWS_MAX}", fields.join(", "))
}

fn read(bytes: &[u8]) -> Result<Answered, AskError> {
    serde_json::from_slice(bytes)
        .map_err(|error| AskError::Unavailable(format!("the answer is none of ES|QL: {error}")))
}

/// Whether the refusal says that there is no such interface.
fn is_unknown(text: &str) -> bool {
    let is_of_route = text.contains("no handler found") || text.contains("Incorrect HTTP method");
    ["answered 404", "answered 405", "answered 501"].iter().any(|begin| text.starts_with(begin))
        || is_of_route
}

impl Answered {
    /// A row as a document; a row that is longer than the columns is cut.
    fn documents(&self) -> Vec<Document> {
        let names = || self.columns.iter().map(|column| column.name.as_str());
        self.values.iter().map(|row| Document::of_row(names().zip(row))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_its_limit_and_rows_are_documents() {
        let query = query("traces-*,far:traces-*", &["@timestamp".to_owned(), "a.b".to_owned()]);
        assert_eq!(query, "FROM traces-*,far:traces-* | KEEP `@timestamp`, `a.b` | LIMIT 10000");
        let answered = read(
            br#"{"took":1,"is_partial":false,"all_columns":[{"name":"n","type":"null"}],
            "columns":[{"name":"a","type":"unsigned_long"},{"name":"b","type":"keyword"},{"name":"t","type":"date_nanos"}],
            "values":[[18446744073709551615,["x","y"],"2024-05-01T10:00:01.123456789Z"],[1,null,null]]}"#,
        );
        let rows = answered.unwrap().documents();
        assert_eq!((rows[0].whole(&["a"]), rows[0].text(&["b"]).as_deref()), (Some(i64::MAX), Some("x")));
        assert_eq!(rows[0].time(&["t"]).unwrap().0, 1_714_557_601_123_456_789);
        assert_eq!((rows[1].whole(&["a"]), rows[1].has("b"), rows[1].has("n")), (Some(1), false, false));
        assert!(is_unknown("answered 405 Method Not Allowed: x") && !is_unknown("answered 403 Forbidden"));
        assert!(is_unknown("answered 400 Bad Request: {\"error\":\"no handler found for uri [/_query]"));
    }
}
