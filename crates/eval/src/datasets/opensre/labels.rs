//! `answer.yml` and `scenario.yml`: the few top-level keys that say what was the matter.
//!
//! Reads the part of YAML that these files use: a key with a word, a list of words, or a block of text.

use std::collections::BTreeMap;
use std::path::Path;

use crate::files::FileError;
use crate::label::Label;

/// What the engine may call a failure mode, the mode's names, and words by which an answer speaks of it.
struct Mode {
    faults: &'static [&'static str],
    names: &'static [&'static str],
    words: &'static [&'static str],
}

const fn mode(
    faults: &'static [&'static str],
    names: &'static [&'static str],
    words: &'static [&'static str],
) -> Mode {
    Mode { faults, names, words }
}

/// All modes that have a counterpart. A container that ends by itself in a new revision only is both a crash loop and a
/// bad rollout; where the label asks for the second, the first is not enough.
const MODES: [Mode; 20] = [
    mode(&["maintenance_load"], &["vacuum_storm", "checkpoint_storm"], &["vacuum", "checkpoint"]),
    mode(&["replication_lag"], &["replication_lag"], &["replication"]),
    mode(&["storage_full"], &["storage_full", "disk_full"], &["storage"]),
    mode(&["connections_exhausted"], &["connection_exhaustion"], &["max_connections"]),
    mode(&["cpu_saturated"], &["cpu_saturation"], &["cpu"]),
    mode(&["lock_contention"], &["lock_contention", "deadlock"], &["deadlock", "lock"]),
    mode(&["disk_saturated"], &["io_saturation", "iops_exhaustion"], &["iops"]),
    mode(&["failover"], &["failover", "multi_az_failover"], &["failover"]),
    mode(&["memory_exhausted"], &["oom_killed", "oomkilled", "memory_pressure"], &["oomkilled", "memory"]),
    mode(&["name_resolution"], &["dns_resolution_failure"], &["dns"]),
    mode(&["bad_rollout"], &["deployment_rollout_stuck"], &["rollout"]),
    mode(&["image_pull"], &["image_pull_backoff"], &["imagepullbackoff"]),
    mode(&["probe_failure"], &["probe_failure"], &["probe"]),
    mode(&["crash_loop", "bad_rollout"], &["crashloop_backoff", "crash_loop"], &["crashloopbackoff"]),
    mode(&["unschedulable"], &["pending_pod", "unschedulable"], &["failedscheduling"]),
    mode(&["node_not_ready"], &["node_not_ready", "node_failure"], &["notready"]),
    mode(&["node_pressure"], &["node_pressure", "disk_pressure"], &["pressure"]),
    mode(&["bad_setting"], &["config_error", "missing_secret"], &["configmap", "secret"]),
    mode(&["volume_unavailable"], &["volume_mount_failure"], &["volume"]),
    mode(&["slow_dependency"], &["dependency_failure"], &["dependency"]),
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
    let (name, forbidden) = (word(&scenario, "failure_mode"), all(&answer, "forbidden_categories"));
    let named = [word(&scenario, "db_instance_identifier"), word(&scenario, "workload_name"), component];
    let of_label = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let mut roots = vec![of_label.to_owned()];
    // A name that does not resolve is a party of its own; the answer quotes it.
    if name == "dns_resolution_failure" {
        roots.extend(quoted_host(word(&answer, "model_response")));
    }
    // A fault of a node lies in the node, which the answer's words name.
    if name.contains("node") || name.contains("disk_pressure") {
        let is_node = |word: &&String| word.starts_with("ip-");
        roots.extend(all(&answer, "required_keywords").iter().filter(is_node).cloned());
    }
    let kinds = if forbidden.iter().any(|category| category == name) {
        by_words(all(&answer, "required_keywords"))
    } else {
        by_mode(name)
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
        fault: format!("{name}, {category}"),
        fault_kinds: if is_none { Vec::new() } else { kinds },
        decoys,
        ..Label::default()
    })
}

/// The faults of a mode; an unknown mode is itself, which no conclusion says.
fn by_mode(name: &str) -> Vec<String> {
    let known = MODES.iter().find(|mode| mode.names.contains(&name));
    known.map_or_else(|| vec![name.to_owned()], faults)
}

/// The faults that the first word with a meaning speaks of.
fn by_words(words: &[String]) -> Vec<String> {
    let of = |word: &String| {
        let word = word.to_lowercase();
        MODES.iter().find(|mode| mode.words.contains(&word.as_str()))
    };
    words.iter().find_map(of).map_or_else(|| vec!["none that is known".to_owned()], faults)
}

fn faults(mode: &Mode) -> Vec<String> {
    mode.faults.iter().map(|fault| (*fault).to_owned()).collect()
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
