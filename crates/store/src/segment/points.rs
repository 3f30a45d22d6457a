//! Metric points as rows, in the words of the ClickHouse exporter of OpenTelemetry.
//!
//! One table, `otel_metrics`, where the exporter has five: what is kept of a distribution is its count and sum. Sorted by
//! service, metric and time. `Value` or `Count` is null, as the point is a distribution or a number.

use std::io;

use parquet::data_type::ByteArray;
use telemetry::signal::MetricValue;
use telemetry::{MetricPoint, Temporality, UnixNanos};

use super::attributes::{self, AttributeColumns, Sets, Texts, text};
use super::column::Column;
use super::file::{self, File, Leaf};
use super::resources::Resources;
use super::unreadable;

#[derive(Debug, Default)]
struct Columns {
    service: Column<ByteArray>,
    name: Column<ByteArray>,
    unit: Column<ByteArray>,
    start: Column<i64>,
    at: Column<i64>,
    temporality: Column<i64>,
    is_monotonic: Column<i64>,
    value: Column<f64>,
    count: Column<i64>,
    sum: Column<f64>,
    resource: AttributeColumns,
    attributes: AttributeColumns,
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
    let mut columns = Columns::default();
    points.into_iter().for_each(|point| columns.push(point));
    let mut leaves = vec![
        Leaf::Text(&columns.service),
        Leaf::Text(&columns.name),
        Leaf::Text(&columns.unit),
        Leaf::Int(&columns.start),
        Leaf::Int(&columns.at),
        Leaf::Int(&columns.temporality),
        Leaf::Int(&columns.is_monotonic),
        Leaf::Double(&columns.value),
        Leaf::Int(&columns.count),
        Leaf::Double(&columns.sum),
    ];
    leaves.extend(columns.resource.leaves());
    leaves.extend(columns.attributes.leaves());
    file::write(&schema(), &leaves)
}

impl Columns {
    fn push(&mut self, point: &MetricPoint) {
        self.service.push(ByteArray::from(&*point.resource.service));
        self.name.push(ByteArray::from(&*point.name));
        self.unit.push(ByteArray::from(&*point.unit));
        self.start.push(point.start.0);
        self.at.push(point.at.0);
        self.temporality.push(temporality_number(point.temporality));
        self.is_monotonic.push(i64::from(point.is_monotonic));
        let (value, count, sum) = match point.value {
            MetricValue::Number(number) => (Some(number), None, None),
            MetricValue::Distribution { count, sum } => (None, Some(count.cast_signed()), sum),
        };
        self.value.push_optional(value);
        self.count.push_optional(count);
        self.sum.push_optional(sum);
        self.resource.push_resource(&point.resource);
        self.attributes.push(&point.attributes);
    }
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
    let at = file.int("TimeUnix")?;
    let name = file.text("MetricName")?;
    let is_wanted = |row: &usize| {
        let name = name.values.get(*row).and_then(text).unwrap_or_default();
        at.values.get(*row).is_some_and(|at| wanted(UnixNanos(*at), name))
    };
    let rows: Vec<usize> = (0..file.rows()).filter(is_wanted).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let reading = Reading {
        plain: Columns {
            unit: file.text("MetricUnit")?,
            start: file.int("StartTimeUnix")?,
            temporality: file.int("AggregationTemporality")?,
            is_monotonic: file.int("IsMonotonic")?,
            name,
            at,
            ..Columns::default()
        },
        values: file.double("Value")?.optionals(),
        counts: file.int("Count")?.optionals(),
        sums: file.double("Sum")?.optionals(),
        resource: AttributeColumns::read(&file, "ResourceAttributes")?,
        attributes: AttributeColumns::read(&file, "Attributes")?,
    };
    let (mut texts, mut resources) = (Texts::default(), Resources::default());
    rows.into_iter()
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
