//! State: containers that cannot be started, because an image, a setting or a volume is not to be had.
//!
//! Kubernetes, "Images" and "Debug Pods": a container waits with the reason `ErrImagePull` or `ImagePullBackOff` when the
//! registry does not give its image, and with `CreateContainerConfigError`, `CreateContainerError` or `RunContainerError`
//! when what it is told does not exist or cannot be run. Events `FailedMount` and `FailedAttachVolume` name a volume, or a
//! secret or map that is mounted as one.

use std::collections::BTreeMap;

use incident::Fault;
use telemetry::answer::{StateKind, StateRow};

use super::Measure;
use crate::state::workload::{self, Pod};
use crate::state::{Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "container_start",
    finds: "containers that cannot be started: image, setting or volume",
    questions: &["state"],
};

/// Reasons for which an image is not there.
const NO_IMAGE: [&str; 6] = [
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RegistryUnavailable",
];
/// Reasons for which a container cannot be made of what it is told.
const NO_SETTING: [&str; 4] =
    ["ContainerCannotRun", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"];
/// Reasons of events about volumes.
const NO_VOLUME: [&str; 3] = ["FailedAttachVolume", "FailedMapVolume", "FailedMount"];

/// A pod, and the container or event that tells why it waits.
type Waiting<'a> = (&'a Pod<'a>, &'a StateRow);

/// Reads what cannot be started.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let pods = workload::pods(scene);
    let mut groups: BTreeMap<(&str, &str, Fault), Vec<Waiting<'_>>> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !pod.is_removed()) {
        let mut add = |fault, row| {
            groups.entry((&pod.row.service, pod.replica_set(), fault)).or_default().push((pod, row));
        };
        for container in &pod.containers {
            if NO_IMAGE.contains(&container.status.as_str()) {
                add(Fault::ImagePull, *container);
            } else if NO_SETTING.contains(&container.status.as_str()) {
                add(Fault::BadSetting, *container);
            }
        }
        if !pod.is_ready()
            && let Some(event) = events(scene, pod).find(|row| NO_VOLUME.contains(&row.status.as_str()))
        {
            let is_setting = wording::says(&event.text, &["secret \"", "configmap \""]);
            add(if is_setting { Fault::BadSetting } else { Fault::VolumeUnavailable }, event);
        }
    }
    let troubles = groups.into_iter().map(|((service, set, fault), rows)| {
        let older = workload::older_ready(&pods, service, set);
        trouble(scene, (service, set), fault, &rows, older)
    });
    Reading { troubles: troubles.collect(), ..Reading::default() }
}

fn events<'a>(scene: &Scene<'a>, pod: &Pod<'_>) -> impl Iterator<Item = &'a StateRow> + use<'a> {
    let (object, scene) = (format!("Pod/{}", pod.row.name), *scene);
    scene.of(StateKind::Event).filter(move |row| row.name == object && scene.is_fresh(row.at))
}

fn trouble(
    scene: &Scene<'_>,
    (service, set): (&str, &str),
    fault: Fault,
    rows: &[Waiting<'_>],
    older: Option<&str>,
) -> Trouble {
    // The event says more than the container: it holds what the registry or the kubelet answered.
    let told = rows.iter().flat_map(|(pod, row)| {
        let failed = events(scene, pod).filter(|event| event.status.starts_with("Failed"));
        failed.map(|event| event.text.as_str()).chain([row.text.as_str()])
    });
    let texts: Vec<&str> = told.filter(|text| !text.is_empty()).collect();
    let why = texts.first().copied().unwrap_or("no reason is told");
    let what = match fault {
        Fault::ImagePull => format!("the image cannot be pulled ({})", refusal(&texts)),
        Fault::BadSetting => "what they are told does not exist or cannot be run".to_owned(),
        _ => "a volume cannot be mounted".to_owned(),
    };
    let status = rows.first().map_or("", |(_, row)| row.status.as_str());
    let says = format!(
        "{} of {set} of `{service}` wait with {status}: {what}: \"{}\"",
        if rows.len() == 1 { "a container".to_owned() } else { format!("{} containers", rows.len()) },
        wording::short(why)
    );
    let mut found = Trouble::new(fault, service, says, SeenIn::State);
    found.instances = rows.iter().map(|(pod, _)| pod.row.name.clone()).collect();
    found.instances.sort_unstable();
    found.instances.dedup();
    found.resource = texts.iter().find_map(|text| wording::quoted(text)).unwrap_or(set).to_owned();
    found.since = workload::earliest(rows.iter().map(|(pod, _)| pod.row.since));
    found.numbers = vec![("containers", rows.len() as f64)];
    if let Some(older) = older {
        found.trigger = format!("the rollout of {set}");
        found.condition = format!("the old ReplicaSet {older} still serves");
    }
    found.sustained_by = "the kubelet tries again after a back-off".to_owned();
    found
}

/// Why a registry does not give an image, by what it answers (OCI distribution specification, error codes).
fn refusal(texts: &[&str]) -> &'static str {
    let is_said = |phrases: &[&str]| texts.iter().any(|text| wording::says(text, phrases));
    if is_said(&["manifest unknown", "not found", "notfound", "name unknown"]) {
        "the registry has no such image or tag"
    } else if is_said(&["unauthorized", "denied", "no basic auth", "forbidden"]) {
        "the registry refuses the credentials"
    } else if is_said(&["toomanyrequests", "rate limit"]) {
        "the registry refuses so many requests"
    } else if is_said(&["timeout", "no such host", "connection refused"]) {
        "the registry is not reached"
    } else {
        "the registry does not say why"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{Container, WELL, World, faults};

    fn waiting(status: &'static str) -> World {
        let container = Container { phase: "Pending", status, is_ready: false, age_minutes: 5, ..WELL };
        World::default().pod("a", "2", "x", container)
    }

    #[test]
    fn an_image_a_setting_and_a_volume_are_told_apart() {
        let image = waiting("ImagePullBackOff")
            .event("a", "Pod/a-2-x", ("Failed", "Failed to pull image \"a:v9\": manifest unknown"), 1)
            .read(read);
        assert_eq!(faults(&image), ["image_pull"]);
        assert_eq!(image.troubles[0].resource, "a:v9");
        assert!(image.troubles[0].says.contains("no such image"));
        assert_eq!(faults(&waiting("CreateContainerConfigError").read(read)), ["bad_setting"]);
        let mount = |text| {
            let world = waiting("ContainerCreating").event("a", "Pod/a-2-x", ("FailedMount", text), 1);
            faults(&world.read(read))
        };
        assert_eq!(mount("MountVolume.SetUp failed: secret \"k\" not found"), ["bad_setting"]);
        assert_eq!(mount("Unable to attach or mount volumes: timed out"), ["volume_unavailable"]);
    }

    #[test]
    fn what_starts_and_what_is_removed_are_no_trouble() {
        assert_eq!(waiting("ContainerCreating").read(read), Reading::default());
        assert_eq!(World::default().pod("a", "2", "x", WELL).read(read), Reading::default());
        let removed = Container { status: "ImagePullBackOff", is_ready: false, deleted_at: "2026", ..WELL };
        assert_eq!(World::default().pod("a", "2", "x", removed).read(read), Reading::default());
    }
}
