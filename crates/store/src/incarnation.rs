//! Which processes of a service were seen when, and the changes that this shows.
//!
//! A life is a stretch of time in which one instance ran one version in one process. Deploys, restarts and new
//! instances are differences between lives, derived when asked, so that telemetry that comes late corrects them.
//! What a configuration change inside a running process does is not visible here.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::answer::{ChangeKind, ChangeRow};
use telemetry::signal::attribute;
use telemetry::time::SECOND_NS;
use telemetry::{Resource, Scope, UnixNanos, Window};

/// Lives kept for one space: far above what a space of 10,000 instances needs.
const LIVES_MAX: usize = 20_000;
/// A version that comes back after this long a silence is a new life (a rollback without process ids).
const SILENCE_NS: i64 = 10 * SECOND_NS;
/// An instance that appears this long after its service is new rather than part of the first start.
const SETTLED_NS: i64 = 10 * SECOND_NS;
/// Two processes that overlap by more than this ran side by side: no restart.
const OVERLAP_NS_MAX: i64 = 2 * SECOND_NS;
/// New instances with a new version belong to one rollout for this long.
const ROLLOUT_NS: i64 = 600 * SECOND_NS;

/// A stretch of time in which one instance ran one version in one process.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) version: Arc<str>,
    pub(crate) process: String,
    pub(crate) first: UnixNanos,
    pub(crate) last: UnixNanos,
}

type Instances = BTreeMap<Arc<str>, Vec<Life>>;

/// All lives of a space.
#[derive(Debug, Default)]
pub(crate) struct Incarnations {
    services: BTreeMap<Arc<str>, Instances>,
    lives: usize,
}

/// What tells one process from the next under the same instance: its start, else its number, else nothing.
fn process_of(resource: &Resource) -> String {
    ["process.creation.time", "process.pid"]
        .into_iter()
        .find_map(|key| attribute(&resource.attributes, key))
        .map(telemetry::Value::render)
        .unwrap_or_default()
}

impl Incarnations {
    /// Notes that `resource` emitted signals from `first` to `last`.
    pub(crate) fn observe(&mut self, resource: &Resource, first: UnixNanos, last: UnixNanos) {
        let (version, process) = (Arc::clone(&resource.version), process_of(resource));
        self.see(&resource.service, &resource.instance, Life { version, process, first, last });
    }

    /// Notes a life, or a part of one.
    pub(crate) fn see(&mut self, service: &Arc<str>, instance: &Arc<str>, seen: Life) {
        let Life { version, process, first, last } = seen;
        let instances = self.services.entry(Arc::clone(service)).or_default();
        let lives = instances.entry(Arc::clone(instance)).or_default();
        let newest = lives.iter().map(|life| life.last).max();
        let same = lives
            .iter_mut()
            .filter(|life| life.version == version && life.process == process)
            .max_by_key(|life| life.last);
        if let Some(life) = same {
            let was_replaced = newest.is_some_and(|newest| newest > life.last);
            if !was_replaced || first.since(life.last) < SILENCE_NS || newest >= Some(first) {
                life.first = life.first.min(first);
                life.last = life.last.max(last);
                return;
            }
        }
        if self.lives < LIVES_MAX {
            self.lives += 1;
            lives.push(Life { version, process, first, last });
        }
    }

    /// All lives, with service and instance.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, &Life)> {
        self.services.iter().flat_map(|(service, instances)| {
            instances
                .iter()
                .flat_map(move |(instance, lives)| lives.iter().map(move |life| (service, instance, life)))
        })
    }

    /// The changes that took effect in `window`, by time.
    pub(crate) fn changes(&self, window: Window, scope: &Scope) -> Vec<ChangeRow> {
        let mut rows = Vec::new();
        for (service, instances) in &self.services {
            if scope.service.as_deref().is_none_or(|wanted| wanted == &**service) {
                changes_of(service, instances, &mut rows);
            }
        }
        let is_meant = |row: &ChangeRow| scope.instance.as_ref().is_none_or(|wanted| *wanted == row.instance);
        rows.retain(|row| window.contains(row.at) && is_meant(row));
        rows.sort_by(|a, b| {
            (a.at, &a.service, &a.instance, a.kind).cmp(&(b.at, &b.service, &b.instance, b.kind))
        });
        rows
    }
}

fn changes_of(service: &str, instances: &Instances, rows: &mut Vec<ChangeRow>) {
    let mut all: Vec<&Life> = instances.values().flatten().collect();
    all.sort_by_key(|life| life.first);
    for (instance, lives) in instances {
        let mut ordered: Vec<&Life> = lives.iter().collect();
        ordered.sort_by_key(|life| life.first);
        let mut before: Option<&Life> = None;
        for life in ordered {
            let change = match before {
                None => appeared(&all, life),
                Some(before) => succeeded(before, life),
            };
            if let Some((kind, was, is)) = change {
                rows.push(ChangeRow {
                    at: life.first,
                    kind,
                    service: service.to_owned(),
                    instance: instance.to_string(),
                    before: was,
                    after: is,
                    detail: None,
                });
            }
            before = Some(life);
        }
    }
}

type Change = (ChangeKind, String, String);

/// What the first life of an instance shows, `all` being the lives of its service by their beginning: a version
/// that the service began to run lately is a deploy, otherwise it is an instance more.
fn appeared(all: &[&Life], life: &Life) -> Option<Change> {
    let service_first = all.first()?.first;
    if life.first.since(service_first) < SETTLED_NS {
        return None;
    }
    let version_first = all.iter().find(|other| other.version == life.version)?.first;
    let before = all.iter().rfind(|other| other.first < version_first && other.version != life.version);
    let is_rollout = version_first.since(service_first) >= SETTLED_NS
        && life.first.since(version_first) <= ROLLOUT_NS
        && !life.version.is_empty();
    match before {
        Some(before) if is_rollout => Some(deploy(before, life)),
        _ => Some((ChangeKind::InstanceAdded, String::new(), life.version.to_string())),
    }
}

/// What a later life of the same instance shows.
fn succeeded(before: &Life, life: &Life) -> Option<Change> {
    if before.version != life.version {
        return Some(deploy(before, life));
    }
    let are_known = !before.process.is_empty() && !life.process.is_empty();
    let followed = before.last.since(life.first) <= OVERLAP_NS_MAX;
    (are_known && before.process != life.process && followed)
        .then(|| (ChangeKind::Restart, before.process.clone(), life.process.clone()))
}

fn deploy(before: &Life, life: &Life) -> Change {
    (ChangeKind::Deploy, before.version.to_string(), life.version.to_string())
}
