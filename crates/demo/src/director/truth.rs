//! The truth: what really happened, for whoever scores an investigation.
//! It deliberately is no telemetry: no service and no tool of an investigation reads it.

use serde::{Deserialize, Serialize};

use super::timeline::Part;
use crate::fault::{self, Fault, Kind, Script};
use crate::supervisor::wire::Deployed;

/// What really happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Truth {
    /// The format of this document: `firstcause.truth/2`.
    pub schema: String,
    /// What went wrong, such as `slow_query`, or `none`.
    pub fault: String,
    /// How strong, where 1 is the default.
    pub strength: f64,
    /// The seed of the plan.
    pub seed: u64,
    /// What is to blame; nothing when nothing is wrong.
    pub causes: Vec<Cause>,
    /// All deployments, the decoys' among them.
    pub deploys: Vec<Deploy>,
    /// The innocent deployments.
    pub decoys: Vec<Decoy>,
    /// When the system was healed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healed_at_unix_nanos: Option<i64>,
}

/// Something that is to blame.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Cause {
    /// What kind of component.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Other names that are as right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The fix profile that fits; null when none does.
    pub profile: Option<String>,
    /// The instances whose deployment brought it in.
    pub instances: Vec<String>,
    /// When the first of them was ready; null until then.
    pub onset_unix_nanos: Option<i64>,
}

/// One instance was given another version.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Deploy {
    /// Its service.
    pub service: String,
    /// The version.
    pub version: String,
    /// The instance.
    pub instance: String,
    /// When it was ready.
    pub ready_at_unix_nanos: i64,
}

/// An innocent deployment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Decoy {
    /// The service.
    pub service: String,
    /// The version.
    pub version: String,
    /// When its first instance was ready.
    pub at_unix_nanos: i64,
}

impl Truth {
    /// Nothing has happened yet.
    pub(crate) fn new(fault: Fault, strength: f64, seed: u64, script: &Script) -> Self {
        Self {
            schema: "firstcause.truth/2".to_owned(),
            fault: fault.to_string(),
            strength,
            seed,
            causes: script.causes.iter().map(Cause::to_come).collect(),
            deploys: Vec::new(),
            decoys: Vec::new(),
            healed_at_unix_nanos: None,
        }
    }

    /// When the first cause began.
    pub fn onset_unix_nanos(&self) -> Option<i64> {
        self.causes.iter().filter_map(|cause| cause.onset_unix_nanos).min()
    }

    /// A deployment has happened.
    pub(super) fn record(&mut self, part: Part, deployed: &Deployed) {
        let first = deployed.instances.first().map(|instance| instance.ready_at_unix_nanos);
        match part {
            Part::Cause(index) => {
                if let Some(cause) = self.causes.get_mut(index) {
                    let ids = deployed.instances.iter().map(|instance| instance.instance.clone());
                    cause.instances.extend(ids);
                    cause.onset_unix_nanos = cause.onset_unix_nanos.or(first);
                }
            }
            Part::Decoy => self.decoys.extend(first.map(|at_unix_nanos| Decoy {
                service: deployed.service.clone(),
                version: deployed.version.clone(),
                at_unix_nanos,
            })),
            Part::Other => {}
        }
        self.deploys.extend(deployed.instances.iter().map(|instance| Deploy {
            service: deployed.service.clone(),
            version: deployed.version.clone(),
            instance: instance.instance.clone(),
            ready_at_unix_nanos: instance.ready_at_unix_nanos,
        }));
    }

    /// A cause has begun that is no deployment.
    pub(super) fn begin(&mut self, part: Part, at_unix_nanos: i64) {
        if let Part::Cause(index) = part
            && let Some(cause) = self.causes.get_mut(index)
        {
            cause.onset_unix_nanos = cause.onset_unix_nanos.or(Some(at_unix_nanos));
        }
    }
}

impl Cause {
    /// Nothing of it has happened yet.
    pub(crate) fn to_come(cause: &fault::Cause) -> Self {
        Self {
            kind: cause.kind,
            name: cause.name.to_owned(),
            also: cause.also.iter().map(|name| (*name).to_owned()).collect(),
            profile: cause.profile.map(str::to_owned),
            instances: Vec::new(),
            onset_unix_nanos: None,
        }
    }
}
