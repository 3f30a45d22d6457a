//! What `/api/v1/query` answers (Prometheus HTTP API v1; VictoriaMetrics and Mimir alike).
//!
//! Native histograms are not read.

use std::collections::BTreeMap;

use serde::Deserialize;
use telemetry::{AskError, UnixNanos};

/// A series with its samples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sampled {
    /// Its labels, the name among them as `__name__`.
    pub(super) labels: BTreeMap<String, String>,
    /// When, and how much; sorted, finite.
    pub(super) samples: Vec<(UnixNanos, f64)>,
}

impl Sampled {
    /// The value of a label, empty when it is not there.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The first of these labels that is there.
    pub(super) fn first(&self, names: &[&str]) -> &str {
        names.iter().map(|name| self.label(name)).find(|value| !value.is_empty()).unwrap_or_default()
    }
}

/// The series of an answer, and whether some of the data behind it were missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Found {
    pub(super) series: Vec<Sampled>,
    pub(super) is_partial: bool,
}

#[derive(Debug, Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    /// VictoriaMetrics, when a storage node did not answer.
    #[serde(default, rename = "isPartial")]
    is_partial: bool,
    /// Thanos, when a store did not answer.
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Matrix(Vec<Row>),
    Vector(Vec<Row>),
}

#[derive(Debug, Deserialize)]
struct Row {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
    #[serde(default)]
    value: Option<(f64, String)>,
}

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Result<Found, AskError> {
    let reply: Reply = serde_json::from_slice(body).map_err(|error| {
        AskError::Unavailable(format!("the answer is none of Prometheus' interface: {error}"))
    })?;
    let rows = match reply.data {
        Some(Data::Matrix(rows) | Data::Vector(rows)) if reply.status == "success" => rows,
        _ => return Err(refused(&reply.error_type, &reply.error)),
    };
    let series = rows.into_iter().map(|row| Sampled {
        labels: row.metric,
        samples: row.values.into_iter().chain(row.value).filter_map(sample).collect(),
    });
    Ok(Found { series: series.collect(), is_partial: reply.is_partial || !reply.warnings.is_empty() })
}

/// What the other side refuses because of its own limits is told as one.
pub(super) fn error(error: AskError) -> AskError {
    const LIMITS: [&str; 3] = ["too many samples", "-search.max", "err-mimir-max"];
    match error {
        AskError::Unavailable(text) if LIMITS.iter().any(|limit| text.contains(limit)) => {
            AskError::LimitReached(text)
        }
        other => other,
    }
}

fn refused(kind: &str, error: &str) -> AskError {
    let text = format!("{kind}: {error}");
    if error.contains("too many samples") {
        return AskError::LimitReached(format!("{text}; hint: --query.max-samples"));
    }
    AskError::Unavailable(text)
}

/// Seconds with milliseconds, and a number as text. What is no number says nothing.
fn sample((seconds, value): (f64, String)) -> Option<(UnixNanos, f64)> {
    let value: f64 = value.parse().ok()?;
    let at = UnixNanos(((seconds * 1000.0).round() as i64).saturating_mul(1_000_000));
    value.is_finite().then_some((at, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_and_a_vector_are_read_and_what_is_no_number_is_left_out() {
        let matrix = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"up","job":"a"},"values":[[1.5,"1"],[2.5,"NaN"],[3.5,"+Inf"],[4.25,"2e3"]]}]}}"#;
        let found = read(matrix).unwrap();
        assert_eq!(found.series[0].label("job"), "a");
        let at = |millis: i64| UnixNanos(millis * 1_000_000);
        assert_eq!(found.series[0].samples, [(at(1500), 1.0), (at(4250), 2000.0)]);
        let vector = br#"{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[
            {"metric":{},"value":[1,"3"]}]}}"#;
        let found = read(vector).unwrap();
        let warned = br#"{"status":"success","warnings":["a store is gone"],"data":{"resultType":"vector","result":[]}}"#;
        assert!(read(warned).unwrap().is_partial);
        assert!(found.is_partial && found.series[0].samples == [(at(1000), 3.0)]);
    }

    #[test]
    fn an_error_and_another_format_are_told() {
        let error = br#"{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}"#;
        assert!(matches!(read(error), Err(AskError::LimitReached(_))));
        let error = br#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert_eq!(read(error), Err(AskError::Unavailable("bad_data: parse error".to_owned())));
        assert!(read(b"<html>").is_err() && read(b"{\"status\":\"success\"}").is_err());
    }
}
