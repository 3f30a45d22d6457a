//! `metrics.csv`: one row a point, the points of one series together.

use std::collections::BTreeMap;
use std::path::Path;

use telemetry::UnixNanos;
use telemetry::answer::SeriesKind;

use crate::files::{Column, CsvOut, CsvRows, FileError, Row};
use telemetry::recorded::{Series, SeriesKey};

const COLUMNS: [&str; 8] = ["service", "instance", "metric", "unit", "kind", "attributes", "at_ns", "value"];

pub(super) fn write(path: &Path, series: &[Series]) -> Result<(), FileError> {
    let mut out = CsvOut::create(path, &COLUMNS)?;
    for Series { key, points } in series {
        let told = if key.attributes.is_empty() {
            String::new()
        } else {
            serde_json::to_string(&key.attributes)
                .map_err(|error| FileError::content(path, error.to_string()))?
        };
        for (at, value) in points {
            out.row(&[
                &key.service,
                &key.instance,
                &key.metric,
                &key.unit,
                kind_name(key.kind),
                &told,
                &at.0.to_string(),
                &value.to_string(),
            ])?;
        }
    }
    out.finish()
}

pub(super) fn read(mut rows: CsvRows) -> Result<Vec<Series>, FileError> {
    let path = &rows.path().to_owned();
    let mut columns = Vec::new();
    for name in COLUMNS {
        columns.push(rows.column(name)?);
    }
    let mut all: Vec<Series> = Vec::new();
    let mut last = Vec::new();
    while let Some(row) = rows.advance()? {
        let [of_series @ .., at, value] = columns.as_slice() else { break };
        let Some(value) = row.number(*value) else { continue };
        let point = (UnixNanos(row.whole(*at)?), value);
        let is_same = last.iter().map(String::as_str).eq(of_series.iter().map(|column| row.text(*column)));
        match all.last_mut() {
            Some(series) if is_same => series.points.push(point),
            _ => {
                last = of_series.iter().map(|column| row.text(*column).to_owned()).collect();
                all.push(Series { key: key(row, &columns, path)?, points: vec![point] });
            }
        }
    }
    Ok(all)
}

fn key(row: Row<'_>, columns: &[Column], path: &Path) -> Result<SeriesKey, FileError> {
    let [service, instance, metric, unit, kind, told, ..] = columns else {
        return Err(FileError::content(path, "columns are missing"));
    };
    let attributes = match row.text(*told) {
        "" => BTreeMap::new(),
        text => serde_json::from_str(text)
            .map_err(|error| FileError::content(path, format!("attributes are no JSON object: {error}")))?,
    };
    Ok(SeriesKey {
        service: row.text(*service).to_owned(),
        instance: row.text(*instance).to_owned(),
        metric: row.text(*metric).to_owned(),
        unit: row.text(*unit).to_owned(),
        attributes,
        kind: kind_of(row.text(*kind)),
    })
}

fn kind_name(kind: SeriesKind) -> &'static str {
    match kind {
        SeriesKind::Gauge => "gauge",
        SeriesKind::Rate => "rate",
        SeriesKind::Mean => "mean",
    }
}

fn kind_of(name: &str) -> SeriesKind {
    match name {
        "rate" => SeriesKind::Rate,
        "mean" => SeriesKind::Mean,
        _ => SeriesKind::Gauge,
    }
}
