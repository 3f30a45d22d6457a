//! The truth: what really happened, for whoever scores an investigation.
//! It deliberately is no telemetry: no service and no tool of an investigation reads it.

use serde::{Deserialize, Serialize};

use super::{Fault, Plan};
use crate::service::Role;
use crate::supervisor::wire::Deployed;

/// What really happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Truth {
    /// The format of this document.
    pub schema: String,
    /// What went wrong: `slow_query` or `none`.
    pub fault: String,
    /// The seed of the plan.
    pub seed: u64,
    /// The faulty service, if there is one.
    pub service: Option<String>,
    /// Its instances.
    pub instances: Vec<String>,
    /// When the first faulty instance was ready.
    pub onset_unix_nanos: Option<i64>,
    /// All deployments, the decoy's among them.
    pub deploys: Vec<Deploy>,
    /// The innocent deployment.
    pub decoy: Option<Decoy>,
    /// When the system was healed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healed_at_unix_nanos: Option<i64>,
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
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            schema: "firstcause.truth/1".to_owned(),
            fault: plan.fault.to_string(),
            seed: plan.seed,
            service: (plan.fault == Fault::SlowQuery).then(|| Role::Orders.name().to_owned()),
            instances: Vec::new(),
            onset_unix_nanos: None,
            deploys: Vec::new(),
            decoy: None,
            healed_at_unix_nanos: None,
        }
    }

    /// A deployment has happened.
    pub(super) fn record(&mut self, is_fault: bool, deployed: &Deployed) {
        let first = deployed.instances.first().map(|instance| instance.ready_at_unix_nanos);
        if is_fault {
            self.instances = deployed.instances.iter().map(|instance| instance.instance.clone()).collect();
            self.onset_unix_nanos = first;
        } else {
            self.decoy = first.map(|at_unix_nanos| Decoy {
                service: deployed.service.clone(),
                version: deployed.version.clone(),
                at_unix_nanos,
            });
        }
        self.deploys.extend(deployed.instances.iter().map(|instance| Deploy {
            service: deployed.service.clone(),
            version: deployed.version.clone(),
            instance: instance.instance.clone(),
            ready_at_unix_nanos: instance.ready_at_unix_nanos,
        }));
    }
}
