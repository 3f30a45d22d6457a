//! Objects of a cluster, with every field that is read, as Kubernetes' API reference has them: PodStatus, ContainerStatus,
//! DeploymentStatus, NodeStatus, Event of core/v1 and of events.k8s.io/v1.

use serde_json::{Value as Json, json};
use telemetry::UnixNanos;

/// When everything happens.
pub(super) const BEGIN: UnixNanos = UnixNanos(1_780_000_000_000_000_000);

/// A time of the cluster: whole seconds, as metadata has them.
pub(super) fn at(seconds: i64) -> String {
    BEGIN.plus_seconds(seconds).rfc3339().replace(".000Z", "Z")
}

fn metadata(name: &str, created: i64, owner: Option<(&str, &str)>) -> Json {
    let owners: Vec<Json> =
        owner.iter().map(|(kind, name)| json!({"kind": kind, "name": name, "controller": true})).collect();
    json!({"name": name, "namespace": "shop", "creationTimestamp": at(created), "ownerReferences": owners,
        "labels": {}, "annotations": {}})
}

fn template(app: &str, image: &str, pool: &str) -> Json {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "main", "image": image,
        "env": [{"name": "POOL", "value": pool}]}]}})
}

pub(super) fn deployment(name: &str, replicas: u32, ready: u32) -> Json {
    let mut all = json!({"metadata": metadata(name, -90_000, None), "spec": {"replicas": replicas,
        "strategy": {"type": "RollingUpdate"}, "template": template(name, "x", "20")},
        "status": {"readyReplicas": ready, "availableReplicas": ready, "unavailableReplicas": replicas - ready,
        "conditions": [{"type": "Progressing", "status": "True", "lastUpdateTime": at(-80_000)}]}});
    if ready < replicas {
        all["status"]["conditions"].as_array_mut().unwrap().push(json!({"type": "Available", "status": "False",
            "reason": "MinimumReplicasUnavailable", "message": "Deployment does not have minimum availability."}));
    }
    all
}

pub(super) fn replica_set(
    workload: &str,
    hash: &str,
    revision: u32,
    created: i64,
    image: &str,
    pool: &str,
) -> Json {
    let mut set = json!({"metadata": metadata(&format!("{workload}-{hash}"), created, Some(("Deployment", workload))),
        "spec": {"template": template(workload, image, pool)}});
    set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!(revision.to_string());
    set
}

/// A pod whose one container runs, never restarted.
pub(super) fn pod(owner: (&str, &str), name: &str, created: i64, image: &str) -> Json {
    let mut pod = json!({"metadata": metadata(name, created, Some(owner)),
        "spec": {"nodeName": "n1", "containers": [{"name": "main", "image": image}]},
        "status": {"phase": "Running", "startTime": at(created),
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": at(created + 5)}],
        "containerStatuses": [{"name": "main", "image": image, "imageID": "sha256:9f", "ready": true,
            "restartCount": 0, "state": {"running": {"startedAt": at(created + 3)}}, "lastState": {}}]}});
    pod["metadata"]["labels"]["controller-revision-hash"] = json!("");
    pod
}

/// The pod's container ended for want of memory, again and again.
pub(super) fn crashing(mut pod: Json, ended: i64) -> Json {
    pod["status"]["containerStatuses"][0] = json!({"name": "main", "image": "pay:3", "imageID": "sha256:9f",
        "ready": false, "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff",
        "message": "back-off 2m40s restarting failed container"}}, "lastState": {"terminated": {"reason": "OOMKilled",
        "exitCode": 137, "startedAt": at(ended - 20), "finishedAt": at(ended)}}});
    pod["status"]["conditions"][0] = json!({"type": "Ready", "status": "False", "reason": "ContainersNotReady",
        "message": "containers with unready status: [main]", "lastTransitionTime": at(ended)});
    pod
}

pub(super) fn node(name: &str, ready: &str) -> Json {
    let condition = |kind: &str, status: &str| {
        json!({"type": kind, "status": status,
        "lastHeartbeatTime": at(90_000), "lastTransitionTime": at(-90_000)})
    };
    json!({"metadata": {"name": name, "creationTimestamp": at(-99_000)}, "status": {
        "conditions": [condition("Ready", ready), condition("MemoryPressure", "False"),
            condition("DiskPressure", "True"), condition("PIDPressure", "False")],
        "allocatable": {"cpu": "3920m", "memory": "16071860Ki"}}})
}

/// An event of core/v1.
pub(super) fn event(
    (kind, name): (&str, &str),
    reason: &str,
    message: &str,
    times: (i64, i64),
    count: u32,
) -> Json {
    json!({"metadata": {"name": format!("{name}.1"), "namespace": "shop"}, "reason": reason, "message": message,
        "involvedObject": {"kind": kind, "name": name, "namespace": "shop"}, "firstTimestamp": at(times.0),
        "lastTimestamp": at(times.1), "count": count, "eventTime": null,
        "type": if reason == "BackOff" { "Warning" } else { "Normal" }})
}

/// The same event as events.k8s.io/v1 has it.
pub(super) fn renamed(event: &Json) -> Json {
    json!({"metadata": event["metadata"], "reason": event["reason"], "note": event["message"], "type": event["type"],
        "regarding": event["involvedObject"], "deprecatedFirstTimestamp": event["firstTimestamp"],
        "deprecatedLastTimestamp": event["lastTimestamp"], "deprecatedCount": event["count"], "eventTime": null})
}
