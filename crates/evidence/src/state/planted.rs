//! A made-up scene, piece by piece, for the tests of the measures.

use telemetry::UnixNanos;
use telemetry::answer::{LogTemplateRow, SeriesFigures, SeriesKind, SeriesRow, StateKind, StateRow};
use telemetry::number::Num;
use telemetry::time::Window;

use super::{Reading, Scene};

/// The alert's time.
pub(crate) const AT: UnixNanos = UnixNanos(1_000_000_000_000_000_000);
/// Slices of two minutes before it.
pub(crate) const SLICES: usize = 15;

/// Everything that was answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    rows: Vec<StateRow>,
    logs: Vec<LogTemplateRow>,
    series: Vec<Vec<SeriesRow>>,
}

/// Minutes before the alert.
pub(crate) fn before(minutes: i64) -> UnixNanos {
    AT.plus_seconds(-60 * minutes)
}

/// A row with nothing but its names.
pub(crate) fn row(kind: StateKind, service: &str, name: &str, status: &str) -> StateRow {
    StateRow {
        at: AT,
        since: None,
        kind,
        service: service.to_owned(),
        name: name.to_owned(),
        status: status.to_owned(),
        text: String::new(),
        figures: Vec::new(),
        attributes: Vec::new(),
    }
}

fn pairs(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    texts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn numbers(values: &[(&str, f64)]) -> Vec<(String, Num)> {
    values.iter().map(|(key, value)| ((*key).to_owned(), Num::new(*value))).collect()
}

impl World {
    pub(crate) fn add(mut self, row: StateRow) -> Self {
        self.rows.push(row);
        self
    }

    pub(crate) fn database(self, name: &str, replica_of: &str) -> Self {
        let mut database = row(StateKind::Database, name, name, "");
        database.attributes = pairs(&[("replica_of", replica_of)]);
        self.add(database)
    }

    pub(crate) fn series(mut self, service: &str, metric: &str, value: impl Fn(usize) -> f64) -> Self {
        self.series.resize(SLICES, Vec::new());
        for (slice, rows) in self.series.iter_mut().enumerate() {
            let value = Num::new(value(slice));
            let figures = SeriesFigures { n: 2, mean: value, min: value, max: value };
            rows.push(SeriesRow {
                service: service.to_owned(),
                instance: String::new(),
                version: String::new(),
                metric: metric.to_owned(),
                unit: String::new(),
                attributes: Vec::new(),
                kind: SeriesKind::Gauge,
                good: SeriesFigures::default(),
                bad: figures,
            });
        }
        self
    }

    pub(crate) fn wait(self, service: &str, class: &str, name: &str, load: f64) -> Self {
        let mut wait = row(StateKind::Wait, service, name, "");
        wait.figures = numbers(&[("load", load)]);
        wait.attributes = pairs(&[("class", class)]);
        self.add(wait)
    }

    pub(crate) fn statement(self, service: &str, text: &str, load: f64, waits: &[(&str, f64)]) -> Self {
        let mut statement = row(StateKind::Statement, service, "", "");
        statement.text = text.to_owned();
        statement.figures = numbers(&[("load", load)]);
        let waits = waits.iter().map(|(name, load)| (format!("wait.{name}"), Num::new(*load)));
        statement.figures.extend(waits);
        self.add(statement)
    }

    pub(crate) fn event(self, service: &str, name: &str, (status, text): (&str, &str), minutes: i64) -> Self {
        let mut event = row(StateKind::Event, service, name, status);
        event.text = text.to_owned();
        event.at = before(minutes);
        event.since = Some(event.at);
        self.add(event)
    }

    /// A deployment that wants three replicas.
    pub(crate) fn deployment(self, name: &str, ready: f64) -> Self {
        let mut deployment = row(StateKind::Deployment, name, name, "");
        deployment.figures = numbers(&[("desired", 3.0), ("ready", ready), ("unavailable", 3.0 - ready)]);
        self.add(deployment)
    }

    /// A pod `<service>-<set>-<id>` with one container.
    pub(crate) fn pod(self, service: &str, set: &str, id: &str, container: Container<'_>) -> Self {
        let name = format!("{service}-{set}-{id}");
        let mut pod = row(StateKind::Pod, service, &name, container.phase);
        pod.since = Some(before(container.age_minutes));
        pod.attributes = pairs(&[
            ("node", container.node),
            ("replica_set", &format!("{service}-{set}")),
            ("deleted_at", container.deleted_at),
        ]);
        let mut inner = row(StateKind::Container, service, &format!("{name}/main"), container.status);
        inner.since = Some(before(container.age_minutes.min(container.runs_minutes)));
        inner.attributes = pairs(&[("pod", &name), ("last_reason", container.last_reason)]);
        inner.figures =
            numbers(&[("ready", f64::from(container.is_ready)), ("restarts", container.restarts)]);
        inner.figures.extend(container.exit_code.map(|code| ("exit_code".to_owned(), Num::new(code))));
        self.add(pod).add(inner)
    }

    pub(crate) fn log(mut self, service: &str, severity: u8, text: &str, count: u64) -> Self {
        self.logs.push(LogTemplateRow {
            service: service.to_owned(),
            severity,
            template: text.to_owned(),
            count,
            first: before(5),
            third: before(5),
            example: text.to_owned(),
            attributes: Vec::new(),
        });
        self
    }

    /// What `measure` reads in it.
    pub(crate) fn read<T>(&self, measure: impl Fn(&Scene<'_>) -> T) -> T {
        let from = AT.plus_seconds(-120 * SLICES as i64);
        let slices: Vec<(Window, &[SeriesRow])> = self
            .series
            .iter()
            .zip(0_i64..)
            .map(|(rows, slice)| {
                let start = from.plus_seconds(120 * slice);
                (Window::new(start, start.plus_seconds(120)), rows.as_slice())
            })
            .collect();
        measure(&Scene { at: AT, rows: &self.rows, logs: &self.logs, slices: &slices })
    }
}

/// How a pod and its one container are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Container<'a> {
    pub(crate) phase: &'a str,
    pub(crate) status: &'a str,
    pub(crate) is_ready: bool,
    pub(crate) restarts: f64,
    pub(crate) exit_code: Option<f64>,
    pub(crate) last_reason: &'a str,
    pub(crate) node: &'a str,
    pub(crate) deleted_at: &'a str,
    pub(crate) age_minutes: i64,
    pub(crate) runs_minutes: i64,
}

/// One that is well and a day old.
pub(crate) const WELL: Container<'_> = Container {
    phase: "Running",
    status: "Running",
    is_ready: true,
    restarts: 0.0,
    exit_code: None,
    last_reason: "",
    node: "n1",
    deleted_at: "",
    age_minutes: 1440,
    runs_minutes: 1440,
};

/// One that is ended and started again, ten minutes old.
pub(crate) const LOOPING: Container<'_> = Container {
    status: "CrashLoopBackOff",
    is_ready: false,
    restarts: 6.0,
    age_minutes: 10,
    runs_minutes: 1,
    ..WELL
};

/// The faults of what is wrong.
pub(crate) fn faults(reading: &Reading) -> Vec<&'static str> {
    reading.troubles.iter().map(|trouble| trouble.fault.name()).collect()
}
