//! A hosted database: its metrics, its load by wait event and statement, and its events.

use std::path::Path;

use serde_json::Value as Json;
use telemetry::UnixNanos;
use telemetry::answer::SeriesKind;
use telemetry::answer::state::metric;

use super::{attribute, figure, list, optional, text, time};
use crate::clock_text;
use crate::files::{self, FileError};
use telemetry::recorded::{SeriesBuilder, SeriesKey, State, Tables};

/// The file with all metrics.
const WHOLE: &str = "aws_cloudwatch_metrics.json";
/// What files of one metric begin with.
const SINGLE: &str = "aws_cloudwatch_metrics_";

/// What a metric of the provider is called here, its unit, and the factor that turns shares into shares. What is not
/// listed keeps its own name.
const METRICS: [(&str, &str, &str); 17] = [
    ("BurstBalance", metric::BURST_LEFT, "1"),
    ("CPUUtilization", metric::CPU, "1"),
    ("DatabaseConnections", metric::CONNECTIONS, "{connection}"),
    ("DBLoad", metric::LOAD, "{session}"),
    ("DiskQueueDepth", metric::DISK_QUEUE, "{request}"),
    ("EBSIOBalance%", metric::BURST_LEFT, "1"),
    ("FreeStorageSpace", metric::STORAGE_FREE, "By"),
    ("FreeableMemory", metric::MEMORY_FREE, "By"),
    ("OldestReplicationSlotLag", "db.replication.slot_lag", "By"),
    ("ReadIOPS", metric::READS, "{operation}/s"),
    ("ReadLatency", metric::READ_TIME, "s"),
    ("ReplicaLag", metric::REPLICATION_LAG, "s"),
    ("SwapUsage", metric::SWAP, "By"),
    ("TransactionLogsDiskUsage", "db.log.size", "By"),
    ("TransactionLogsGeneration", metric::LOG_WRITTEN, "By/s"),
    ("WriteIOPS", metric::WRITES, "{operation}/s"),
    ("WriteLatency", metric::WRITE_TIME, "s"),
];

pub(super) fn read(
    folder: &Path,
    component: &str,
    replica: &str,
    tables: &mut Tables,
) -> Result<(), FileError> {
    let events = optional(&folder.join("aws_rds_events.json"))?;
    let events = list(events.as_ref(), "events");
    let insights = optional(&folder.join("aws_performance_insights.json"))?;
    let mut series = SeriesBuilder::default();
    metrics(folder, &mut series)?;
    if let Some(insights) = &insights {
        load(insights, &mut series);
        tables.states.extend(statements(insights));
    }
    tables.series.extend(series.finish());
    tables.states.extend(events.iter().map(|one| event(one, component)));
    if insights.is_none() && events.is_empty() && tables.series.is_empty() {
        return Ok(());
    }
    let database = |name: &str| State {
        kind: "database".to_owned(),
        service: name.to_owned(),
        name: name.to_owned(),
        ..State::default()
    };
    tables.states.push(database(component));
    let is_replica =
        |one: &&Json| text(one, "source_identifier") != component && has_category(one, "read replica");
    let told = events.iter().filter(is_replica).map(|one| text(one, "source_identifier"));
    let mut replicas: Vec<&str> = told.chain([replica]).filter(|name| !name.is_empty()).collect();
    replicas.sort_unstable();
    replicas.dedup();
    for name in replicas {
        let mut state = database(name);
        attribute(&mut state, "replica_of", component);
        tables.states.push(state);
    }
    Ok(())
}

fn metrics(folder: &Path, series: &mut SeriesBuilder) -> Result<(), FileError> {
    if let Some(whole) = optional(&folder.join(WHOLE))? {
        list(Some(&whole), "metric_data_results").iter().for_each(|one| add(one, series));
        return Ok(());
    }
    let names = files::list(folder)?;
    for name in names.iter().filter(|name| name.starts_with(SINGLE)) {
        let one: Json = files::read_json(&folder.join(name))?;
        add(&one, series);
    }
    Ok(())
}

fn add(json: &Json, series: &mut SeriesBuilder) {
    let told = text(json, "metric_name");
    let named = METRICS.iter().find(|(name, ..)| *name == told);
    let (metric, unit) = named.map_or((told, ""), |(_, metric, unit)| (*metric, *unit));
    let factor = match text(json, "unit") {
        "Percent" => 0.01,
        "Milliseconds" => 0.001,
        _ => 1.0,
    };
    let instance = list(Some(json), "dimensions")
        .iter()
        .find(|one| text(one, "Name") == "DBInstanceIdentifier")
        .map_or("", |one| text(one, "Value"));
    let key = SeriesKey {
        service: instance.to_owned(),
        instance: String::new(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        attributes: std::collections::BTreeMap::new(),
        kind: SeriesKind::Gauge,
    };
    points(json, |at, value| series.add(key.clone(), at, value * factor));
}

fn points(json: &Json, mut add: impl FnMut(UnixNanos, f64)) {
    let times = list(Some(json), "timestamps").iter().map(|at| at.as_str().and_then(clock_text::parse));
    for (at, value) in times.zip(list(Some(json), "values")) {
        if let (Some(at), Some(value)) = (at, value.as_f64()) {
            add(at, value);
        }
    }
}

fn load(insights: &Json, series: &mut SeriesBuilder) {
    let key = SeriesKey {
        service: text(insights, "db_instance_identifier").to_owned(),
        instance: String::new(),
        metric: metric::LOAD.to_owned(),
        unit: "{session}".to_owned(),
        attributes: std::collections::BTreeMap::new(),
        kind: SeriesKind::Gauge,
    };
    if let Some(load) = insights.get("db_load") {
        points(load, |at, value| series.add(key.clone(), at, value));
    }
}

fn statements(insights: &Json) -> Vec<State> {
    let database = text(insights, "db_instance_identifier");
    let of = |kind: &str, json: &Json| {
        let mut state = State { kind: kind.to_owned(), service: database.to_owned(), ..State::default() };
        figure(&mut state, "load", json.get("db_load_avg"));
        state
    };
    let mut states = Vec::new();
    for one in list(Some(insights), "top_sql") {
        let mut state = of("statement", one);
        state.text = text(one, "statement").to_owned();
        figure(&mut state, "calls_per_s", one.get("calls_per_sec"));
        for wait in list(Some(one), "wait_events") {
            figure(&mut state, &format!("wait.{}", text(wait, "name")), wait.get("db_load_avg"));
        }
        states.push(state);
    }
    for one in list(Some(insights), "top_wait_events") {
        let mut state = of("wait", one);
        state.name = text(one, "name").to_owned();
        attribute(&mut state, "class", &text(one, "type").to_lowercase());
        states.push(state);
    }
    for (name, by, id) in [("top_users", "user", "name"), ("top_hosts", "host", "id")] {
        for one in list(Some(insights), name) {
            let mut state = of("client", one);
            state.name = text(one, id).to_owned();
            attribute(&mut state, "by", by);
            states.push(state);
        }
    }
    states
}

fn has_category(json: &Json, category: &str) -> bool {
    list(Some(json), "event_categories").iter().any(|one| one.as_str() == Some(category))
}

/// An event of the instance; its status is the first of its categories, in one word.
fn event(json: &Json, component: &str) -> State {
    let told = list(Some(json), "event_categories").iter().filter_map(Json::as_str);
    let categories: Vec<String> = told.map(|category| category.replace(' ', "_")).collect();
    let mut state = State {
        at: time(json, "date").unwrap_or(UnixNanos(0)),
        since: time(json, "date"),
        kind: "event".to_owned(),
        service: component.to_owned(),
        name: text(json, "source_identifier").to_owned(),
        status: categories.first().cloned().unwrap_or_default(),
        text: text(json, "message").to_owned(),
        ..State::default()
    };
    attribute(&mut state, "categories", &categories.join(" "));
    state
}
