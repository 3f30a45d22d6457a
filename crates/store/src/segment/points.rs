//! Metric points as rows, in the words of the ClickHouse exporter of OpenTelemetry.
//!
//! One table, `otel_metrics`, where the exporter has five: what is kept of a distribution is its count and sum. Sorted by
//! service, metric and time. `Value` or `Count` is null, as the point is a distribution or a number.

use std::io;

use parquet::data_type::ByteArray;
use telemetry::signal::MetricValue;
use telemetry::{MetricPoint, Temporality, UnixNanos};

use super::attributes::{self, Sets, Texts, text};
use super::column::Column;
use super::file::{self, File};
use super::resources::Resources;
use super::unreadable;

/// The columns that every point has a value in.
struct Columns {
    name: Column<ByteArray>,
    unit: Column<ByteArray>,
    start: Column<i64>,
    at: Column<i64>,
    temporality: Column<i64>,
    is_monotonic: Column<i64>,
}

fn schema() -> String {
    [
        "message otel_metrics { required binary ServiceName (STRING); required binary MetricName (STRING); \
         required binary MetricUnit (STRING); required int64 StartTimeUnix (TIMESTAMP(NANOS,true)); \
         required int64 TimeUnix (TIMESTAMP(NANOS,true)); required int64 AggregationTemporality; \
         required int64 IsMonotonic; optional double Value; optional int64 Count (INTEGER(64,false)); \
         optional double Sum; "
            .to_owned(),
        attributes::schema("ResourceAttributes"),
        attributes::schema("Attributes"),
        "}".to_owned(),
    ]
    .concat()
}

/// The bytes of a file of `points`, which are sorted here.
pub(super) fn write(mut points: Vec<&MetricPoint>) -> io::Result<Vec<u8>> {
    points.sort_by(|a, b| (&a.resource.service, &a.name, a.at).cmp(&(&b.resource.service, &b.name, b.at)));
    let distribution = |point: &MetricPoint| match point.value {
        MetricValue::Number(_) => None,
        MetricValue::Distribution { count, sum } => Some((count.cast_signed(), sum)),
    };
    let number = |point: &MetricPoint| match point.value {
        MetricValue::Number(number) => Some(number),
        MetricValue::Distribution { .. } => None,
    };
    file::write(&schema(), |columns| {
        let rows = || points.iter().copied();
        columns.text(|of| rows().for_each(|point| of.push_shared(&point.resource.service)))?;
        columns.text(|of| rows().for_each(|point| of.push_shared(&point.name)))?;
        columns.text(|of| rows().for_each(|point| of.push_shared(&point.unit)))?;
        columns.int(|of| rows().for_each(|point| of.push(point.start.0)))?;
        columns.int(|of| rows().for_each(|point| of.push(point.at.0)))?;
        columns.int(|of| rows().for_each(|point| of.push(temporality_number(point.temporality))))?;
        columns.int(|of| rows().for_each(|point| of.push(i64::from(point.is_monotonic))))?;
        columns.double(|of| rows().for_each(|point| of.push_optional(number(point))))?;
        columns.int(|of| rows().for_each(|point| of.push_optional(distribution(point).map(|of| of.0))))?;
        columns.double(|of| {
            rows().for_each(|point| of.push_optional(distribution(point).and_then(|of| of.1)))
        })?;
        attributes::write(columns, rows().map(|point| &point.resource.attributes))?;
        attributes::write(columns, rows().map(|point| &point.attributes))
    })
}

/// As `opentelemetry.proto.metrics.v1.AggregationTemporality` numbers them.
fn temporality_number(temporality: Temporality) -> i64 {
    match temporality {
        Temporality::Instant => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    }
}

const TEMPORALITIES: [Temporality; 3] = [Temporality::Instant, Temporality::Delta, Temporality::Cumulative];

/// What of a file was read.
struct Reading {
    plain: Columns,
    values: Vec<Option<f64>>,
    counts: Vec<Option<i64>>,
    sums: Vec<Option<f64>>,
    resource: Sets,
    attributes: Sets,
}

/// The points of a file whose time and metric are `wanted`.
pub(super) fn read(bytes: Vec<u8>, wanted: impl Fn(UnixNanos, &str) -> bool) -> io::Result<Vec<MetricPoint>> {
    let file = File::open(bytes)?;
    let whole = file.whole();
    let (at, name) = (whole.int("TimeUnix")?, whole.text("MetricName")?);
    let is_wanted = |row: &usize| {
        let name = name.values.get(*row).and_then(text).unwrap_or_default();
        at.values.get(*row).is_some_and(|at| wanted(UnixNanos(*at), name))
    };
    let rows: Vec<usize> = (0..file.rows()).filter(is_wanted).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let part = file.part(&rows);
    let reading = Reading {
        plain: Columns {
            unit: part.text("MetricUnit")?,
            start: part.int("StartTimeUnix")?,
            temporality: part.int("AggregationTemporality")?,
            is_monotonic: part.int("IsMonotonic")?,
            name: part.text("MetricName")?,
            at: part.int("TimeUnix")?,
        },
        values: part.double("Value")?.optionals(),
        counts: part.int("Count")?.optionals(),
        sums: part.double("Sum")?.optionals(),
        resource: Sets::read(&part, "ResourceAttributes")?,
        attributes: Sets::read(&part, "Attributes")?,
    };
    let (mut texts, mut resources) = (Texts::default(), Resources::default());
    (0..rows.len())
        .map(|row| {
            reading.point(row, &mut texts, &mut resources).ok_or_else(|| unreadable("metric point", row))
        })
        .collect()
}

impl Reading {
    fn point(&self, row: usize, texts: &mut Texts, resources: &mut Resources) -> Option<MetricPoint> {
        let plain = &self.plain;
        let temporality = *plain.temporality.values.get(row)?;
        let value = match (self.values.get(row)?, self.counts.get(row)?) {
            (Some(number), _) => MetricValue::Number(*number),
            (None, Some(count)) => {
                MetricValue::Distribution { count: count.cast_unsigned(), sum: *self.sums.get(row)? }
            }
            (None, None) => return None,
        };
        Some(MetricPoint {
            name: texts.share(text(plain.name.values.get(row)?)?),
            unit: texts.share(text(plain.unit.values.get(row)?)?),
            start: UnixNanos(*plain.start.values.get(row)?),
            at: UnixNanos(*plain.at.values.get(row)?),
            temporality: TEMPORALITIES.into_iter().find(|known| temporality_number(*known) == temporality)?,
            is_monotonic: *plain.is_monotonic.values.get(row)? != 0,
            value,
            attributes: self.attributes.get(row, texts)?,
            resource: resources.share(self.resource.get(row, texts)?),
        })
    }
}
