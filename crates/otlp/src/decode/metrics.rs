//! `ExportMetricsServiceRequest` to metric points.
//!
//! Distributions keep count and sum; buckets and quantiles stay in the raw request. A point that says it has no
//! recorded value becomes not-a-number, so that a gap in a series is seen. Points are
//! rejected only when another kind of data in the same metric replaces them.

use std::sync::Arc;

use telemetry::signal::{Attributes, MetricValue};
use telemetry::{MetricPoint, Resource, Temporality};

use super::context::{Context, each_item};
use super::{skipped, value};
use crate::schema::{self, Message};
use crate::wire::{Field, Reader, WireError};

pub(super) fn decode<'a>(bytes: &'a [u8], context: &mut Context<'a>) -> Result<Vec<MetricPoint>, WireError> {
    let mut points = Vec::new();
    let names = ["resource_metrics", "scope_metrics", "metrics"];
    each_item(bytes, names, context, |bytes, resource, context| {
        metric(bytes, resource, context, &mut points)
    })?;
    Ok(points)
}

/// The kinds of metric data, by their field in `Metric`.
#[derive(Clone, Copy, PartialEq)]
enum Data {
    Gauge,
    Sum,
    Histogram,
    Exponential,
    Summary,
}

fn metric<'a>(
    bytes: &'a [u8],
    resource: &Arc<Resource>,
    context: &mut Context<'a>,
    points: &mut Vec<MetricPoint>,
) -> Result<(), WireError> {
    let (mut name, mut unit, mut chosen, mut read) = ("", "", 0, Vec::new());
    let mut aggregation = Aggregation::default();
    let mut fields = Reader::new(bytes);
    while let Some((number, field)) = fields.next_field()? {
        let (data, within) = match number {
            1 => {
                name = field.text().map_err(|error| error.within("name"))?;
                continue;
            }
            2 => {
                field.text().map_err(|error| error.within("description"))?;
                continue;
            }
            3 => {
                unit = field.text().map_err(|error| error.within("unit"))?;
                continue;
            }
            5 => (Data::Gauge, "gauge"),
            7 => (Data::Sum, "sum"),
            9 => (Data::Histogram, "histogram"),
            10 => (Data::Exponential, "exponential_histogram"),
            11 => (Data::Summary, "summary"),
            _ => {
                skipped::check(&schema::METRIC, number, field)?;
                continue;
            }
        };
        if chosen != number {
            // Of several kinds of data in one metric, the last one sent stands.
            read.drain(..).for_each(|_| context.reject("data_replaced"));
            chosen = number;
            aggregation = Aggregation::of(data);
        }
        data_points(data, field, context, &mut aggregation, &mut read)
            .map_err(|error| error.within(within))?;
    }
    let (name, unit) = (value::text(name, context), value::text(unit, context));
    for sent in read {
        let received_at = context.received_at;
        points.push(MetricPoint {
            name: Arc::clone(&name),
            unit: Arc::clone(&unit),
            start: context.told_time(sent.start),
            at: context.time(sent.time, received_at, "time_missing"),
            temporality: aggregation.temporality,
            is_monotonic: aggregation.is_monotonic,
            value: sent.value(),
            attributes: sent.attributes,
            resource: Arc::clone(resource),
        });
    }
    Ok(())
}

impl Data {
    /// The definition of its points.
    fn point(self) -> &'static Message {
        match self {
            Self::Gauge | Self::Sum => &schema::NUMBER_POINT,
            Self::Histogram => &schema::HISTOGRAM_POINT,
            Self::Exponential => &schema::EXPONENTIAL_POINT,
            Self::Summary => &schema::SUMMARY_POINT,
        }
    }
}

/// How the points of one metric go together.
#[derive(Default)]
struct Aggregation {
    temporality: Temporality,
    is_monotonic: bool,
}

impl Aggregation {
    /// What holds when nothing is told: a summary always counts since its start.
    fn of(data: Data) -> Self {
        let temporality = if data == Data::Summary { Temporality::Cumulative } else { Temporality::Instant };
        Self { temporality, is_monotonic: false }
    }
}

/// `AggregationTemporality` of `metrics.proto`; what it does not know stands for itself.
fn temporality(sent: u64) -> Temporality {
    match sent {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Instant,
    }
}

/// A data point as it stands on the wire.
struct Sent {
    data: Data,
    start: u64,
    time: u64,
    number: f64,
    count: u64,
    sum: Option<f64>,
    attributes: Attributes,
}

fn data_points<'a>(
    data: Data,
    field: Field<'a>,
    context: &mut Context<'a>,
    aggregation: &mut Aggregation,
    read: &mut Vec<Sent>,
) -> Result<(), WireError> {
    let mut fields = Reader::new(field.bytes()?);
    while let Some((number, field)) = fields.next_field()? {
        match (data, number) {
            (_, 1) => {
                read.push(Sent::read(data, field, context).map_err(|error| error.within("data_points"))?);
            }
            (Data::Sum | Data::Histogram | Data::Exponential, 2) => {
                let sent = field.varint().map_err(|error| error.within("aggregation_temporality"))?;
                aggregation.temporality = temporality(sent);
            }
            (Data::Sum, 3) => {
                let sent = field.varint().map_err(|error| error.within("is_monotonic"))?;
                aggregation.is_monotonic = sent != 0;
            }
            _ => {}
        }
    }
    Ok(())
}

impl Sent {
    fn read<'a>(data: Data, field: Field<'a>, context: &mut Context<'a>) -> Result<Self, WireError> {
        let mut sent = Self {
            data,
            start: 0,
            time: 0,
            number: f64::NAN,
            count: 0,
            sum: (data == Data::Summary).then_some(0.0),
            attributes: Vec::new(),
        };
        let mut fields = Reader::new(field.bytes()?);
        while let Some((number, field)) = fields.next_field()? {
            match (data, number) {
                (Data::Gauge | Data::Sum | Data::Summary, 7)
                | (Data::Histogram, 9)
                | (Data::Exponential, 1) => {
                    value::push_attribute(field, &mut sent.attributes, context)
                        .map_err(|error| error.within("attributes"))?;
                }
                (_, 2) => {
                    sent.start = field.fixed64().map_err(|error| error.within("start_time_unix_nano"))?;
                }
                (_, 3) => sent.time = field.fixed64().map_err(|error| error.within("time_unix_nano"))?,
                (Data::Gauge | Data::Sum, 4) => {
                    sent.number = f64::from_bits(field.fixed64().map_err(|error| error.within("as_double"))?);
                }
                (Data::Gauge | Data::Sum, 6) => {
                    sent.number =
                        field.fixed64().map_err(|error| error.within("as_int"))?.cast_signed() as f64;
                }
                (Data::Histogram | Data::Exponential | Data::Summary, 4) => {
                    sent.count = field.fixed64().map_err(|error| error.within("count"))?;
                }
                (Data::Histogram | Data::Exponential | Data::Summary, 5) => {
                    let bits = field.fixed64().map_err(|error| error.within("sum"))?;
                    sent.sum = Some(f64::from_bits(bits));
                }
                _ => skipped::check(data.point(), number, field)?,
            }
        }
        Ok(sent)
    }

    fn value(&self) -> MetricValue {
        match self.data {
            Data::Gauge | Data::Sum => MetricValue::Number(self.number),
            Data::Histogram | Data::Exponential | Data::Summary => {
                MetricValue::Distribution { count: self.count, sum: self.sum }
            }
        }
    }
}
