//! Metric points, filed by series and by time.
//!
//! A series is one metric of one process with one set of attributes. What the points mean is read in `growth`; the instrumentation scope is not part of a series, because it
//! is not kept.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::Arc;

use telemetry::signal::MetricValue;
use telemetry::{MetricPoint, Resource, Temporality, UnixNanos, Window};

use crate::resources::checksum;

/// Estimated bytes of a point that is filed, its series left out: the entry, and as much again for the tree, whose nodes
/// may be half full.
pub(crate) const POINT_BYTES: u64 = 2 * size_of::<(Times, MetricValue)>() as u64;
/// The metrics that tell of a service's entries: that of the stable conventions, then the one before; with the unit when
/// none is told, in nanoseconds.
pub(crate) const ENTRY_METRICS: [(&str, f64); 2] =
    [("http.server.request.duration", 1e9), ("http.server.duration", 1e6)];
/// Allocation and index entries of a series.
const SERIES_EXTRA: usize = 128;

/// What tells one series from another. Begins with what questions narrow by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeriesKey {
    pub(crate) metric: Arc<str>,
    pub(crate) service: Arc<str>,
    pub(crate) instance: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) unit: Arc<str>,
    /// Sorted by key.
    pub(crate) attributes: Vec<(Arc<str>, String)>,
    pub(crate) shape: Shape,
    /// Checksum over the whole resource: keeps processes apart that give no instance.
    process: u32,
}

/// What the points of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// Values that stand for themselves.
    Level,
    /// What was added in all; falls only when it begins anew.
    Counter,
    /// What was added since the last point; may be negative when the sum may fall.
    Step,
    /// Count and sum since the start.
    Distribution,
    /// Count and sum since the last point.
    DistributionStep,
}

impl SeriesKey {
    /// Estimated bytes of a series without its points.
    fn bytes(&self) -> u64 {
        let texts = [&self.metric, &self.service, &self.instance, &self.version, &self.unit];
        let attribute = size_of::<(Arc<str>, String)>();
        let attributes = self.attributes.iter().map(|(name, value)| attribute + name.len() + value.len());
        let own = size_of::<Self>() + SERIES_EXTRA + texts.iter().map(|text| text.len()).sum::<usize>();
        (own + attributes.sum::<usize>()) as u64
    }

    /// Whether its points have a count and a sum.
    pub(crate) fn is_distribution(&self) -> bool {
        matches!(self.shape, Shape::Distribution | Shape::DistributionStep)
    }
}

impl Shape {
    fn of(point: &MetricPoint) -> Self {
        let is_cumulative = point.temporality == Temporality::Cumulative;
        match point.value {
            MetricValue::Distribution { .. } if is_cumulative => Self::Distribution,
            MetricValue::Distribution { .. } => Self::DistributionStep,
            MetricValue::Number(_) if is_cumulative && point.is_monotonic => Self::Counter,
            MetricValue::Number(_) if point.temporality == Temporality::Delta => Self::Step,
            MetricValue::Number(_) => Self::Level,
        }
    }
}

/// When a point was measured, and since when it counts.
pub(crate) type Times = (UnixNanos, UnixNanos);

/// The points of one series by time.
pub(crate) type Points = BTreeMap<Times, MetricValue>;

/// All series of a space.
#[derive(Debug, Default)]
pub(crate) struct SeriesIndex {
    series: BTreeMap<SeriesKey, Points>,
    bytes: u64,
}

impl SeriesIndex {
    /// Files points; what is there already is not filed again. Those that are filed are told: whose, and of when. Points of
    /// one resource stand together.
    pub(crate) fn add(&mut self, points: Vec<MetricPoint>, mut filed: impl FnMut(&Arc<str>, UnixNanos)) {
        let mut current: Option<(Arc<Resource>, u32)> = None;
        for point in points {
            let process = match &current {
                Some((resource, process)) if Arc::ptr_eq(resource, &point.resource) => *process,
                _ => checksum(&point.resource),
            };
            current = Some((Arc::clone(&point.resource), process));
            if self.file(key_of(&point, process), (point.at, point.start), point.value) {
                filed(&point.resource.service, point.at);
            }
        }
    }

    /// Files a value. Says whether it was not there.
    fn file(&mut self, key: SeriesKey, times: Times, value: MetricValue) -> bool {
        let points = match self.series.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.bytes += entry.key().bytes();
                entry.insert(Points::new())
            }
        };
        let is_new = !points.contains_key(&times);
        if is_new {
            points.insert(times, value);
        }
        is_new
    }

    /// Whether this point is filed.
    pub(crate) fn has(&self, point: &MetricPoint) -> bool {
        let key = key_of(point, checksum(&point.resource));
        self.series.get(&key).is_some_and(|points| points.contains_key(&(point.at, point.start)))
    }

    /// Estimated bytes of the keys; the points are counted with their requests.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All series, or those of one metric, sorted.
    pub(crate) fn of<'a>(
        &'a self,
        metric: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a SeriesKey, &'a Points)> {
        let lowest = SeriesKey {
            metric: Arc::from(metric.unwrap_or_default()),
            service: Arc::from(""),
            instance: Arc::from(""),
            version: Arc::from(""),
            unit: Arc::from(""),
            attributes: Vec::new(),
            shape: Shape::Level,
            process: 0,
        };
        self.series
            .range::<SeriesKey, _>((Bound::Included(&lowest), Bound::Unbounded))
            .take_while(move |(key, _)| metric.is_none_or(|metric| metric == &*key.metric))
    }
}

/// The points that were measured inside `window`.
pub(crate) fn within(points: &Points, window: Window) -> impl Iterator<Item = (Times, &MetricValue)> {
    let at = |time: UnixNanos| (time, UnixNanos(i64::MIN));
    let range = (window.from < window.to).then(|| at(window.from)..at(window.to));
    range.into_iter().flat_map(|range| points.range(range)).map(|(times, value)| (*times, value))
}

fn key_of(point: &MetricPoint, process: u32) -> SeriesKey {
    let mut attributes: Vec<(Arc<str>, String)> =
        point.attributes.iter().map(|(key, value)| (Arc::clone(key), value.render())).collect();
    attributes.sort();
    SeriesKey {
        metric: Arc::clone(&point.name),
        service: Arc::clone(&point.resource.service),
        instance: Arc::clone(&point.resource.instance),
        version: Arc::clone(&point.resource.version),
        unit: Arc::clone(&point.unit),
        attributes,
        shape: Shape::of(point),
        process,
    }
}
