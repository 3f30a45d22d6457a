//! `simple_metrics.csv` or `data.csv`: a column a service and figure, a row a second.

use std::collections::BTreeMap;
use std::path::Path;

use telemetry::Window;
use telemetry::answer::SeriesKind;

use super::time;
use crate::files::{Column, CsvRows, FileError};
use telemetry::recorded::{Series, SeriesBuilder, SeriesKey};

/// Our name, unit, statistic and kind of a figure.
type Known = (&'static str, &'static str, &'static str, SeriesKind);

/// What the figures are called in the files, and what they are: our name, unit, statistic and kind.
/// Further figures keep the name that they have.
const KNOWN: [(&str, Known); 13] = [
    ("cpu", ("container.cpu", "", "", SeriesKind::Gauge)),
    ("diskio", ("container.disk.io", "", "", SeriesKind::Gauge)),
    ("error", ("request.errors", "", "", SeriesKind::Rate)),
    ("lat_50", ("request.duration", "s", "p50", SeriesKind::Gauge)),
    ("lat_90", ("request.duration", "s", "p90", SeriesKind::Gauge)),
    ("lat_99", ("request.duration", "s", "p99", SeriesKind::Gauge)),
    ("latency", ("request.duration", "s", "", SeriesKind::Gauge)),
    ("latency-50", ("request.duration", "s", "p50", SeriesKind::Gauge)),
    ("latency-90", ("request.duration", "s", "p90", SeriesKind::Gauge)),
    ("load", ("requests", "", "", SeriesKind::Rate)),
    ("mem", ("container.memory", "", "", SeriesKind::Gauge)),
    ("socket", ("container.network.sockets", "", "", SeriesKind::Gauge)),
    ("workload", ("requests", "", "", SeriesKind::Rate)),
];

/// The resource that a fault uses up, by the name that its series has here; nothing for faults of another kind.
pub(super) fn of_fault(fault: &str) -> Option<&'static str> {
    Some(match fault {
        "cpu" => "container.cpu",
        "mem" => "container.memory",
        "disk" => "container.disk.io",
        "socket" => "container.network.sockets",
        _ => return None,
    })
}

/// Reads the points in `window`.
pub(super) fn read(path: &Path, window: Window) -> Result<Vec<Series>, FileError> {
    let mut rows = CsvRows::open(path)?;
    let at = rows.column("time").or_else(|_| rows.column("timestamp"))?;
    let columns: Vec<(SeriesKey, Column)> =
        rows.columns().filter_map(|(name, column)| Some((key(name)?, column))).collect();
    let mut points: Vec<Vec<_>> = columns.iter().map(|_| Vec::new()).collect();
    let mut unreadable = 0;
    while let Some(row) = rows.advance_past_bad_text(&mut unreadable)? {
        let Some(at) = time(row.text(at)).filter(|at| window.contains(*at)) else { continue };
        for ((_, column), points) in columns.iter().zip(&mut points) {
            points.extend(row.number(*column).map(|value| (at, value)));
        }
    }
    // Two columns may say the same of one service: their points stand in one series.
    let mut series = SeriesBuilder::default();
    for ((key, _), points) in columns.into_iter().zip(points) {
        points.into_iter().for_each(|(at, value)| series.add(key.clone(), at, value));
    }
    Ok(series.finish())
}

/// What a column holds: the service is what stands before the first underscore. Nothing for times and what has no
/// service.
fn key(column: &str) -> Option<SeriesKey> {
    let (service, figure) = column.split_once('_')?;
    if service.is_empty() || service == "time" || figure.is_empty() {
        return None;
    }
    let known = KNOWN.iter().find(|(name, _)| *name == figure).map(|(_, known)| *known);
    let (metric, unit, statistic, kind) = known.unwrap_or((figure, "", "", SeriesKind::Gauge));
    let attributes = Some(("statistic".to_owned(), statistic.to_owned())).filter(|_| !statistic.is_empty());
    Some(SeriesKey {
        service: service.to_owned(),
        instance: String::new(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        attributes: BTreeMap::from_iter(attributes),
        kind,
    })
}
