//! Which service an object belongs to, as the telemetry of its pods calls it.
//!
//! What the process is told by OpenTelemetry's own variables stands before what people label.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::fetch::Cluster;
use crate::json::{entry, list, text};

/// Annotations and labels that name the service, the first told wins.
const ANNOTATIONS: [&str; 2] = ["resource.opentelemetry.io/service.name", "service.name"];
const LABELS: [&str; 2] = ["app.kubernetes.io/name", "app"];

/// The services of everything that was listed.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By namespace, kind and name.
    of: BTreeMap<(String, &'static str, String), String>,
}

impl Names {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let mut names = Self::default();
        for (resource, object) in &cluster.workloads {
            let kind = kind(resource);
            let told =
                told(object, "/spec/template").unwrap_or_else(|| text(object, "/metadata/name").to_owned());
            names.insert(object, kind, told);
        }
        for set in &cluster.replica_sets {
            let service = told(set, "/spec/template").unwrap_or_else(|| names.owner(set));
            names.insert(set, "ReplicaSet", service);
        }
        for pod in &cluster.pods {
            let service = told(pod, "").unwrap_or_else(|| names.owner(pod));
            names.insert(pod, "Pod", service);
        }
        names
    }

    fn insert(&mut self, object: &Json, kind: &'static str, service: String) {
        let (namespace, name) = (text(object, "/metadata/namespace"), text(object, "/metadata/name"));
        self.of.insert((namespace.to_owned(), kind, name.to_owned()), service);
    }

    /// The service of an object that was listed.
    pub(super) fn get(&self, namespace: &str, kind: &str, name: &str) -> Option<&str> {
        let kind = KINDS.into_iter().find(|known| *known == kind)?;
        self.of.get(&(namespace.to_owned(), kind, name.to_owned())).map(String::as_str)
    }

    /// The service of an object of this kind.
    pub(super) fn service(&self, object: &Json, kind: &str) -> String {
        let (namespace, name) = (text(object, "/metadata/namespace"), text(object, "/metadata/name"));
        self.get(namespace, kind, name).unwrap_or(name).to_owned()
    }

    /// The service of who owns the object; else the owner's name, else its own.
    fn owner(&self, object: &Json) -> String {
        let Some((kind, name)) = owner(object) else { return text(object, "/metadata/name").to_owned() };
        let known = self.get(text(object, "/metadata/namespace"), kind, name);
        let set = || name.rsplit_once('-').map_or(name, |(workload, _)| workload);
        known.unwrap_or_else(|| if kind == "ReplicaSet" { set() } else { name }).to_owned()
    }

    /// The service that an event speaks of; of something that is gone, by the name that its owner gave it.
    pub(super) fn of_event(&self, namespace: &str, kind: &str, name: &str) -> String {
        if let Some(known) = self.get(namespace, kind, name) {
            return known.to_owned();
        }
        let parts = match kind {
            "Node" => return String::new(),
            "ReplicaSet" => 2,
            "Pod" => 3,
            _ => return name.to_owned(),
        };
        let workload = name.rsplitn(parts, '-').nth(parts - 1).unwrap_or(name);
        self.get(namespace, "Deployment", workload).unwrap_or(workload).to_owned()
    }
}

const KINDS: [&str; 5] = ["DaemonSet", "Deployment", "Pod", "ReplicaSet", "StatefulSet"];

/// The kind of what a resource lists.
pub(super) fn kind(resource: &str) -> &'static str {
    match resource {
        "daemonsets" => "DaemonSet",
        "statefulsets" => "StatefulSet",
        _ => "Deployment",
    }
}

/// Kind and name of who owns an object.
pub(super) fn owner(object: &Json) -> Option<(&str, &str)> {
    let owners = list(object, "/metadata/ownerReferences");
    let owner =
        owners.iter().find(|one| one.get("controller") == Some(&Json::Bool(true))).or(owners.first())?;
    Some((text(owner, "/kind"), text(owner, "/name")))
}

/// What a pod, or the template at `at`, says of its service.
fn told(object: &Json, at: &str) -> Option<String> {
    let pod = object.pointer(at)?;
    let variable = |wanted: &str| {
        let of = |container: &Json| {
            let mut all = list(container, "/env").iter().filter(|one| text(one, "/name") == wanted);
            let last = all.next_back()?;
            let value = text(last, "/value");
            if value.is_empty() {
                field(pod, text(last, "/valueFrom/fieldRef/fieldPath"))
            } else {
                Some(value.to_owned())
            }
        };
        list(pod, "/spec/containers").iter().find_map(of)
    };
    let resource = || {
        let all = variable("OTEL_RESOURCE_ATTRIBUTES")?;
        let pair = all.split(',').find_map(|pair| pair.trim().strip_prefix("service.name="));
        pair.map(str::to_owned)
    };
    let under = |pointer: &str, keys: &[&str]| {
        keys.iter().map(|key| entry(pod, pointer, key)).find(|value| !value.is_empty()).map(str::to_owned)
    };
    // A variable that Kubernetes fills in, such as $(POD_NAME), is not told here.
    let is_plain = |value: &String| !value.contains("$(");
    variable("OTEL_SERVICE_NAME")
        .filter(is_plain)
        .or_else(|| resource().filter(is_plain))
        .or_else(|| under("/metadata/annotations", &ANNOTATIONS))
        .or_else(|| under("/metadata/labels", &LABELS))
}

/// The label or annotation that a variable is filled from: `metadata.labels['app']`.
fn field(pod: &Json, path: &str) -> Option<String> {
    let (of, key) = path.strip_prefix("metadata.")?.split_once("['")?;
    let value = entry(pod, &format!("/metadata/{of}"), key.strip_suffix("']")?);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_process_is_told_stands_before_labels_and_names() {
        let pod = |variables: Json| {
            json!({"metadata": {"labels": {"app.kubernetes.io/name": "label", "app": "old", "svc": "field"},
                "annotations": {"resource.opentelemetry.io/service.name": "annotation"}},
                "spec": {"containers": [{"name": "side"}, {"name": "main", "env": variables}]}})
        };
        let field = json!({"fieldRef": {"fieldPath": "metadata.labels['svc']"}});
        for (variables, service) in [
            (json!([{"name": "OTEL_SERVICE_NAME", "value": "one"}]), "one"),
            (json!([{"name": "OTEL_SERVICE_NAME", "valueFrom": field}]), "field"),
            (json!([{"name": "OTEL_RESOURCE_ATTRIBUTES", "value": "a=b, service.name=two,c=d"}]), "two"),
            (json!([{"name": "OTEL_SERVICE_NAME", "value": "$(POD_NAME)"}]), "annotation"),
            (json!([]), "annotation"),
        ] {
            assert_eq!(told(&pod(variables.clone()), "").as_deref(), Some(service), "{variables}");
        }
        let mut labelled = pod(json!([]));
        labelled["metadata"]["annotations"] = Json::Null;
        assert_eq!(told(&labelled, "").as_deref(), Some("label"));
        labelled["metadata"]["labels"] = json!({"app": "old"});
        assert_eq!(told(&labelled, "").as_deref(), Some("old"));
        labelled["metadata"]["labels"] = Json::Null;
        assert_eq!(told(&labelled, ""), None);
    }
}
