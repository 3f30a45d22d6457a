//! The `metric` folder: one file a pod with a row a minute, and for one of the systems the median latency of calls.

use std::collections::BTreeMap;
use std::path::Path;

use telemetry::UnixNanos;
use telemetry::answer::SeriesKind;
use telemetry::time::SECOND_NS;

use super::service;
use crate::files::{self, Column, CsvRows, FileError};
use telemetry::recorded::{Call, SeriesBuilder, SeriesKey, Tables};

/// Columns that are no figure.
const NO_FIGURES: [&str; 5] = ["Time", "TimeStamp", "PodName", "time", "timestamp"];

/// Reads the points from `window.0` up to `window.1`.
pub(super) fn read(
    folder: &Path,
    window: (UnixNanos, UnixNanos),
    tables: &mut Tables,
) -> Result<(), FileError> {
    let mut series = SeriesBuilder::default();
    for name in files::list(folder)? {
        let path = folder.join(&name);
        match name.as_str() {
            "dependency.csv" => calls(&path, tables)?,
            "source_50.csv" => edges(&path, "client", window, &mut series)?,
            "destination_50.csv" => edges(&path, "server", window, &mut series)?,
            _ if name.ends_with("_metric.csv") => pod(&path, window, &mut series)?,
            _ => {}
        }
    }
    tables.series = series.finish();
    Ok(())
}

fn pod(path: &Path, window: (UnixNanos, UnixNanos), series: &mut SeriesBuilder) -> Result<(), FileError> {
    let mut rows = CsvRows::open(path)?;
    let (at, pod) = (rows.column("TimeStamp")?, rows.column("PodName")?);
    let figures = figures(&rows);
    while let Some(row) = rows.advance()? {
        let at = UnixNanos(row.whole(at)? * SECOND_NS);
        if at < window.0 || at >= window.1 {
            continue;
        }
        for (name, column) in &figures {
            let Some(value) = row.number(*column) else { continue };
            let (metric, unit) = split_unit(name);
            let key = SeriesKey {
                service: service(row.text(pod)).to_owned(),
                instance: row.text(pod).to_owned(),
                metric: metric.to_owned(),
                unit: unit.to_owned(),
                attributes: BTreeMap::new(),
                kind: SeriesKind::Gauge,
            };
            series.add(key, at, value);
        }
    }
    Ok(())
}

/// Median latency of calls, `caller_callee` a column, as one side measured it.
fn edges(
    path: &Path,
    side: &str,
    window: (UnixNanos, UnixNanos),
    series: &mut SeriesBuilder,
) -> Result<(), FileError> {
    let mut rows = CsvRows::open(path)?;
    let at = rows.column("timestamp")?;
    let figures = figures(&rows);
    while let Some(row) = rows.advance()? {
        let at = UnixNanos(row.whole(at)? * SECOND_NS);
        if at < window.0 || at >= window.1 {
            continue;
        }
        for (name, column) in &figures {
            let (Some((caller, callee)), Some(value)) = (name.split_once('_'), row.number(*column)) else {
                continue;
            };
            let attributes = [("peer.service", callee), ("side", side)];
            let key = SeriesKey {
                service: caller.to_owned(),
                instance: String::new(),
                metric: "CallLatencyP50".to_owned(),
                unit: "s".to_owned(),
                attributes: attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
                kind: SeriesKind::Gauge,
            };
            series.add(key, at, value);
        }
    }
    Ok(())
}

fn calls(path: &Path, tables: &mut Tables) -> Result<(), FileError> {
    let mut rows = CsvRows::open(path)?;
    let (caller, callee) = (rows.column("Source")?, rows.column("Target")?);
    while let Some(row) = rows.advance()? {
        tables.calls.push(Call { caller: row.text(caller).to_owned(), callee: row.text(callee).to_owned() });
    }
    Ok(())
}

fn figures(rows: &CsvRows) -> Vec<(String, Column)> {
    let is_figure = |name: &str| !NO_FIGURES.contains(&name) && !name.is_empty();
    rows.columns().filter(|(name, _)| is_figure(name)).map(|(name, at)| (name.to_owned(), at)).collect()
}

/// `CpuUsage(m)` is in `m`.
fn split_unit(name: &str) -> (&str, &str) {
    name.strip_suffix(')').and_then(|name| name.split_once('(')).unwrap_or((name, ""))
}
