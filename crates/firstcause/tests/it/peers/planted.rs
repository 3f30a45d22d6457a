//! Small generated cases with a root that nobody can miss: since the onset it is slow, busy, hot and complains.

use std::sync::Arc;

use eval::{Case, CaseFile};
use platform::{Chance, SeededChance};
use telemetry::answer::SeriesKind;
use telemetry::recorded::Tables;
use telemetry::recorded::{Series, SeriesKey};
use telemetry::{LogRecord, Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

/// The first is the entry, which calls the others. Underscores and beginnings of each other must do no harm.
pub(super) const SERVICES: [&str; 6] = ["front", "a_one", "a_one_more", "frontendservice", "main_d", "redis"];

/// Seconds of history; a request a second.
const BEFORE_S: i64 = 240;
/// Seconds from the onset to the alert.
const AFTER_S: i64 = 60;
/// Seconds between two points of a series.
const STEP_S: i64 = 5;
const START: UnixNanos = UnixNanos(1_700_000_000_000_000_000);
const MS: i64 = 1_000_000;

/// One case.
#[derive(Debug, Clone)]
pub(super) struct Planted {
    seed: u64,
    /// The service that the label names.
    pub(super) root: &'static str,
    /// How far the names are moved along the services.
    moved: usize,
    has_traces: bool,
}

impl Planted {
    pub(super) fn new(seed: u64, root: &'static str) -> Self {
        Self { seed, root, moved: 0, has_traces: true }
    }

    /// The same data, each service's told under the name of the one before it.
    pub(super) fn under_other_names(self) -> Self {
        Self { moved: 1, ..self }
    }

    pub(super) fn without_traces(self) -> Self {
        Self { has_traces: false, ..self }
    }

    pub(super) fn case(&self) -> Case {
        let mut chance = SeededChance::new(self.seed);
        let mut tables = Tables::default();
        for second in 0..BEFORE_S + AFTER_S {
            self.request(second, &mut chance, &mut tables);
        }
        for place in 0..SERVICES.len() {
            tables.series.extend(self.series(place, &mut chance));
        }
        if !self.has_traces {
            tables.spans.clear();
        }
        tables.sort();
        let mut file = CaseFile::new(START.plus_seconds(BEFORE_S + AFTER_S), START);
        file.observed_from = Some(START.plus_seconds(BEFORE_S));
        Case { file, tables }
    }

    fn is_wrong(&self, place: usize, second: i64) -> bool {
        SERVICES[place] == self.root && second >= BEFORE_S
    }

    fn resource(&self, place: usize) -> Arc<Resource> {
        let name = SERVICES[(place + SERVICES.len() - self.moved) % SERVICES.len()];
        Arc::new(Resource::of(vec![(Arc::from("service.name"), Value::Text(Arc::from(name)))]))
    }

    /// One request to the entry, which calls each other service now and then.
    fn request(&self, second: i64, chance: &mut SeededChance, tables: &mut Tables) {
        let at = START.plus_seconds(second);
        // The entry's own time varies so much that what its callees take does not show in it.
        let whole = 2000 * MS + spread(chance, 400 * MS);
        self.span((second, 0), (at, whole), tables);
        for place in 1..SERVICES.len() {
            let is_wrong = self.is_wrong(place, second);
            let of_hundred = if is_wrong { 90 } else { 20 };
            // In the first seconds everybody is called: what has no history cannot be compared.
            if second >= 10 && chance.below(100) >= of_hundred {
                continue;
            }
            let taken = 20 * MS + spread(chance, 2 * MS) + if is_wrong { 200 * MS } else { 0 };
            self.span((second, place), (UnixNanos(at.0 + 10 * MS), taken), tables);
            let said = if is_wrong { "error: request 17 did fail" } else { "request 17 handled" };
            tables.logs.push(LogRecord {
                at,
                trace_id: None,
                span_id: None,
                severity: 9,
                body: Value::Text(Arc::from(said)),
                attributes: Vec::new(),
                resource: self.resource(place),
            });
        }
    }

    fn span(&self, (second, place): (i64, usize), (start, taken): (UnixNanos, i64), tables: &mut Tables) {
        let id = |place: usize| SpanId((second * 10 + place as i64 + 1).to_be_bytes());
        tables.spans.push(Span {
            trace_id: TraceId((second as u128 + 1).to_be_bytes()),
            span_id: id(place),
            parent: (place > 0).then(|| id(0)),
            name: Arc::from("work"),
            kind: SpanKind::Server,
            start,
            end: UnixNanos(start.0 + taken),
            status: if self.is_wrong(place, second) { StatusCode::Error } else { StatusCode::Ok },
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: self.resource(place),
        });
    }

    fn series(&self, place: usize, chance: &mut SeededChance) -> Vec<Series> {
        let of = |(metric, unit, usual, wrong): (&str, &str, i64, i64)| Series {
            key: SeriesKey {
                service: self.resource(place).service.to_string(),
                instance: String::new(),
                metric: metric.to_owned(),
                unit: unit.to_owned(),
                attributes: std::collections::BTreeMap::new(),
                kind: SeriesKind::Gauge,
            },
            points: (0..BEFORE_S + AFTER_S)
                .step_by(usize::try_from(STEP_S).unwrap())
                .map(|second| {
                    let level = if self.is_wrong(place, second) { wrong } else { usual };
                    (START.plus_seconds(second), (level + spread(chance, usual / 20)) as f64)
                })
                .collect(),
        };
        [("cpu.usage", "m", 200, 1800), ("memory.usage", "By", 300 << 20, 900 << 20)].map(of).into()
    }
}

/// Anything between `-most` and `most`.
fn spread(chance: &mut SeededChance, most: i64) -> i64 {
    let span = u64::try_from(2 * most + 1).unwrap();
    i64::try_from(chance.below(span)).unwrap() - most
}
