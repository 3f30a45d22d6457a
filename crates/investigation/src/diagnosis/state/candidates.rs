//! What is wrong, what of it concerns the alert, and what of that is an effect of something else.

use evidence::measures::wellness::{self, Wellness};
use evidence::measures::{
    Measure, container_restarts, container_start, database_connections, database_load, database_storage,
    failover, name_resolution, node_state, replication, scheduling,
};
use evidence::state::{Bystander, Reading, Scene, Trouble, database};
use incident::Alert;
use telemetry::answer::StateKind;

use crate::rules::of_state::{self, effect_of};
use crate::settings::Settings;

/// Everything that was found, sorted out.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Troubles that nothing else brings about and whose mechanism is shown; the first one is the cause.
    pub(super) causes: Vec<Trouble>,
    /// Troubles whose mechanism cannot be looked at.
    pub(super) open: Vec<Trouble>,
    /// Troubles with what brings each about, and why that does.
    pub(super) effects: Vec<(Trouble, Trouble, &'static str)>,
    /// Troubles of what the alert does not speak of.
    pub(super) elsewhere: Vec<Trouble>,
    /// What looks guilty and is not.
    pub(super) bystanders: Vec<Bystander>,
    /// What is missing, and what it could change.
    pub(super) gaps: Vec<(String, &'static str)>,
    /// How what the alert speaks of is.
    pub(super) wellness: Vec<Wellness>,
}

/// Reads every measure and sorts out what it says.
pub(super) fn find(alert: &Alert, scene: &Scene<'_>, settings: &Settings) -> Found {
    let reading = read(scene, settings);
    let alerted: Vec<&str> = alert.symptoms.iter().map(|symptom| symptom.service.as_str()).collect();
    let wellness = settings.of(&wellness::MEASURE, || {
        alerted.iter().map(|service| wellness::of(scene, service, &reading)).collect::<Vec<_>>()
    });
    let Reading { troubles, bystanders, gaps } = reading;
    let (mut near, elsewhere): (Vec<Trouble>, Vec<Trouble>) =
        troubles.into_iter().partition(|trouble| concerns(scene, &alerted, trouble));
    order(&mut near);
    let mut found = Found { elsewhere, wellness, gaps, ..Found::default() };
    let is_ruled_out = |one: &Bystander| {
        concerns_name(scene, &alerted, &one.service) && settings.is_on(of_state::ruling(one.innocence))
    };
    found.bystanders = bystanders.into_iter().filter(is_ruled_out).collect();
    let explains = settings.is_on(effect_of::RULE.id);
    for trouble in &near {
        let behind = near
            .iter()
            .filter(|other| explains && other.is_shown())
            .find_map(|other| effect_of::why(other, trouble).map(|why| (other.clone(), why)));
        match behind {
            Some((cause, why)) => found.effects.push((trouble.clone(), cause, why)),
            None if trouble.is_shown() => found.causes.push(trouble.clone()),
            None => found.open.push(trouble.clone()),
        }
    }
    found
}

/// How a measure reads a scene.
type Read = fn(&Scene<'_>) -> Reading;

fn read(scene: &Scene<'_>, settings: &Settings) -> Reading {
    let measures: [(&Measure, Read); 10] = [
        (&container_restarts::MEASURE, container_restarts::read),
        (&container_start::MEASURE, container_start::read),
        (&database_connections::MEASURE, database_connections::read),
        (&database_load::MEASURE, database_load::read),
        (&database_storage::MEASURE, database_storage::read),
        (&failover::MEASURE, failover::read),
        (&name_resolution::MEASURE, name_resolution::read),
        (&node_state::MEASURE, node_state::read),
        (&replication::MEASURE, replication::read),
        (&scheduling::MEASURE, scheduling::read),
    ];
    let mut reading = Reading::default();
    for (measure, read) in measures {
        reading.merge(settings.of(measure, || read(scene)));
    }
    reading
}

/// The earliest first, what has no time last; then by the fault and the name.
fn order(troubles: &mut [Trouble]) {
    let key = |trouble: &Trouble| {
        (trouble.since.is_none(), trouble.since, trouble.fault, trouble.service.clone(), trouble.says.clone())
    };
    troubles.sort_by_key(key);
}

/// Whether a trouble may be behind the alert: of what it speaks of, of its primary or replicas, of a node under its pods.
/// An alert that names nothing speaks of all.
fn concerns(scene: &Scene<'_>, alerted: &[&str], trouble: &Trouble) -> bool {
    concerns_name(scene, alerted, &trouble.service)
        || trouble.instances.iter().any(|instance| {
            let pods = scene.of(StateKind::Pod);
            pods.into_iter().any(|row| row.name == *instance && alerted.contains(&row.service.as_str()))
        })
}

fn concerns_name(scene: &Scene<'_>, alerted: &[&str], service: &str) -> bool {
    let is_related = || {
        database::all(*scene).iter().any(|one| {
            (one.name == service && alerted.contains(&one.replica_of))
                || (alerted.contains(&one.name) && one.replica_of == service)
        })
    };
    alerted.is_empty() || service.is_empty() || alerted.contains(&service) || is_related()
}
