//! `answer.yml` and `scenario.yml`: the few top-level keys that say what was the matter.
//!
//! Reads the part of YAML that these files use: a key with a word, a list of words, or a block of text.

use std::collections::BTreeMap;
use std::path::Path;

use crate::files::FileError;
use crate::label::Label;

/// What the engine calls a failure mode, and words by which an answer speaks of it.
const MODES: [(&str, &[&str], &[&str]); 20] = [
    ("maintenance_load", &["vacuum_storm", "checkpoint_storm", "autovacuum"], &["vacuum", "checkpoint"]),
    ("replication_lag", &["replication_lag"], &["replication"]),
    ("storage_full", &["storage_full", "disk_full"], &["storage"]),
    ("connections_exhausted", &["connection_exhaustion"], &["max_connections"]),
    ("cpu_saturated", &["cpu_saturation"], &["cpu"]),
    ("lock_contention", &["lock_contention", "deadlock"], &["deadlock", "lock"]),
    ("disk_saturated", &["io_saturation", "iops_exhaustion"], &["iops"]),
    ("failover", &["failover", "multi_az_failover"], &["failover"]),
    ("memory_exhausted", &["oom_killed", "oomkilled", "memory_pressure"], &["oomkilled", "memory"]),
    ("name_resolution", &["dns_resolution_failure"], &["dns"]),
    ("bad_rollout", &["deployment_rollout_stuck"], &["rollout"]),
    ("image_pull", &["image_pull_backoff"], &["imagepullbackoff"]),
    ("probe_failure", &["probe_failure"], &["probe"]),
    ("crash_loop", &["crashloop_backoff", "crash_loop"], &["crashloopbackoff"]),
    ("unschedulable", &["pending_pod", "unschedulable", "insufficient_resources"], &["failedscheduling"]),
    ("node_not_ready", &["node_not_ready", "node_failure"], &["notready"]),
    ("node_pressure", &["node_pressure", "disk_pressure"], &["pressure"]),
    ("bad_setting", &["config_error", "missing_secret", "missing_configmap"], &["configmap", "secret"]),
    ("volume_unavailable", &["volume_mount_failure"], &["volume"]),
    ("slow_dependency", &["dependency_failure"], &["dependency"]),
];

/// The engine's faults that a forbidden category would be.
const FORBIDDEN: [(&str, &[&str]); 4] = [
    ("connection_exhaustion", &["connections_exhausted"]),
    ("cpu_saturation", &["cpu_saturated"]),
    ("infrastructure", &["failover", "node_not_ready", "node_pressure"]),
    ("resource_exhaustion", &["memory_exhausted", "storage_full", "unschedulable"]),
];

/// Categories in which nobody is to be blamed.
const NOBODY: [&str; 3] = ["healthy", "insufficient_evidence", "unknown"];

type Keys = BTreeMap<String, Vec<String>>;

/// The label of the incident `key`, whose alert is about `component`.
pub(super) fn read(folder: &Path, key: &str, component: &str) -> Result<Label, FileError> {
    let file = |name: &str| -> Result<Keys, FileError> {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map(|text| parse(&text)).map_err(|error| FileError::io(&path, error))
    };
    let (answer, scenario) = (file("answer.yml")?, file("scenario.yml")?);
    let category = word(&answer, "root_cause_category");
    let is_none = NOBODY.contains(&category);
    let (mode, forbidden) = (word(&scenario, "failure_mode"), all(&answer, "forbidden_categories"));
    let named =
        [word(&scenario, "db_instance_identifier"), word(&scenario, "workload_name"), component];
    let of_label = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let mut roots = vec![of_label.to_owned()];
    // A name that does not resolve is a party of its own; the answer quotes it.
    if mode == "dns_resolution_failure" {
        roots.extend(quoted_host(word(&answer, "model_response")));
    }
    let kinds = if forbidden.iter().any(|category| category == mode) {
        by_words(all(&answer, "required_keywords"))
    } else {
        by_mode(mode)
    };
    let is_forbidden = |category: &&str| {
        forbidden.iter().chain(all(&answer, "forbidden_keywords")).any(|said| said == *category)
    };
    let mut decoys: Vec<String> = FORBIDDEN
        .iter()
        .filter(|(category, _)| is_forbidden(category))
        .flat_map(|(_, faults)| faults.iter().map(|fault| (*fault).to_owned()))
        .collect();
    decoys.retain(|decoy| !kinds.contains(decoy));
    Ok(Label {
        system: "opensre".to_owned(),
        origin: key.to_owned(),
        roots: if is_none { Vec::new() } else { roots },
        is_none,
        fault: format!("{mode}, {category}"),
        fault_kinds: if is_none { Vec::new() } else { kinds },
        decoys,
        ..Label::default()
    })
}

/// The faults of a mode; an unknown mode is itself, which no conclusion says.
fn by_mode(mode: &str) -> Vec<String> {
    let known = MODES.iter().find(|(_, modes, _)| modes.contains(&mode));
    vec![known.map_or(mode, |(fault, ..)| fault).to_owned()]
}

/// The fault that the first word with a meaning speaks of.
fn by_words(words: &[String]) -> Vec<String> {
    let of = |word: &String| {
        let word = word.to_lowercase();
        MODES.iter().find(|(_, _, said)| said.contains(&word.as_str())).map(|(fault, ..)| *fault)
    };
    vec![words.iter().find_map(of).unwrap_or("none that is known").to_owned()]
}

/// The first name in quotes that is one of a host.
fn quoted_host(text: &str) -> Option<String> {
    let is_host = |name: &&str| name.contains('.') && !name.contains([' ', ':', '/']);
    text.split('\'').skip(1).step_by(2).find(is_host).map(str::to_owned)
}

fn all<'a>(keys: &'a Keys, name: &str) -> &'a [String] {
    keys.get(name).map_or(&[], Vec::as_slice)
}

fn word<'a>(keys: &'a Keys, name: &str) -> &'a str {
    all(keys, name).first().map_or("", String::as_str)
}

/// The values of each top-level key.
fn parse(text: &str) -> Keys {
    let mut keys = Keys::new();
    let (mut last, mut is_block) = (String::new(), false);
    for line in text.lines() {
        let bare = line.trim();
        if !line.starts_with([' ', '-', '#']) && !bare.is_empty() {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let value = unquoted(value);
            is_block = matches!(value, "|" | ">");
            let values = if is_block || value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
            last = key.trim().to_owned();
            keys.insert(last.clone(), values);
            continue;
        }
        let Some(values) = keys.get_mut(&last) else { continue };
        if is_block {
            match values.first_mut() {
                Some(block) => *block += &format!("\n{bare}"),
                None => values.push(bare.to_owned()),
            }
        } else if let Some(item) = bare.strip_prefix("- ") {
            values.push(unquoted(item).to_owned());
        }
    }
    keys
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.or_else(|| value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''))).unwrap_or(value)
}
