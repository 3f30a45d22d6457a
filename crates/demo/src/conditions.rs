//! Telemetry as bad as it is in real systems: sampled, without traces, with a service that says nothing, or with a
//! clock that is wrong.
//! It deliberately only sets variables: the services do it to themselves, as the OpenTelemetry SDK has it.

use thiserror::Error;

use crate::fault::Script;
use crate::rng::Rng;
use crate::service::Role;
use crate::system::{System, SystemError};

/// The name that stands for the service of the first cause.
pub const DARK_AUTO: &str = "auto";

/// How the telemetry is spoilt; by default not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// The share of traces that the services record, from 0 to 1, decided where a trace begins.
    pub sample: Option<f64>,
    /// Whether no service sends traces.
    pub no_traces: bool,
    /// The service that sends nothing at all; [`DARK_AUTO`] is the faulty one.
    pub dark: Option<String>,
    /// How far the clock of one innocent service is ahead, in milliseconds.
    pub skew_ms: Option<u64>,
}

/// Conditions that this system cannot have.
#[derive(Debug, Error)]
pub enum ConditionError {
    /// There is no such service.
    #[error("there is no service `{0}` to be dark; hint: one of {1}")]
    NoService(String, String),
    /// Nothing is faulty.
    #[error("no service is faulty, so none can be dark for it; hint: name one with --dark SERVICE")]
    NoCause,
    /// The description cannot be written.
    #[error("cannot write the system")]
    System(#[from] SystemError),
}

impl Conditions {
    /// Gives the instances of `system`, before they are started, the variables that spoil their telemetry.
    ///
    /// # Errors
    /// When there is no such service, or the description cannot be written.
    pub fn apply(&self, system: &mut System, script: &Script, seed: u64) -> Result<(), ConditionError> {
        if let Some(share) = self.sample {
            system.set(None, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
            system.set(None, "OTEL_TRACES_SAMPLER_ARG", &share.to_string());
        }
        if self.no_traces {
            system.set(None, "TELEMETRY_TRACES", "off");
        }
        if let Some(name) = &self.dark {
            system.set(Some(dark(name, script)?), "TELEMETRY", "off");
        }
        if let Some(milliseconds) = self.skew_ms {
            system.set(Some(skewed(script, seed).name()), "CLOCK_SKEW_MS", &milliseconds.to_string());
        }
        Ok(system.write()?)
    }
}

fn dark(name: &str, script: &Script) -> Result<&'static str, ConditionError> {
    if name == DARK_AUTO {
        let cause = script.causes.first().ok_or(ConditionError::NoCause)?;
        return Ok(cause.deployed.name());
    }
    let names = Role::ALL.map(Role::name);
    let found = names.into_iter().find(|known| *known == name);
    found.ok_or_else(|| ConditionError::NoService(name.to_owned(), names.join(", ")))
}

/// A service that no cause lies in.
fn skewed(script: &Script, seed: u64) -> Role {
    let is_innocent = |role: &Role| script.causes.iter().all(|cause| cause.deployed != *role);
    let innocent: Vec<_> = Role::ALL.into_iter().filter(is_innocent).collect();
    let turn = Rng::new(seed, 4).below(innocent.len() as u64);
    innocent.get(usize::try_from(turn).unwrap_or(0)).copied().unwrap_or(Role::Gateway)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn the_skewed_service_is_never_the_faulty_one_and_the_dark_one_can_be() {
        let script = Fault::SlowQuery.script(1.0).unwrap();
        let skewed: std::collections::BTreeSet<_> =
            (0..64).map(|seed| skewed(&script, seed).name()).collect();
        assert!(!skewed.contains("orders") && skewed.len() > 2, "{skewed:?}");
        assert_eq!(dark(DARK_AUTO, &script).unwrap(), "orders");
        assert_eq!(dark("stock", &script).unwrap(), "stock");
        assert!(dark("nobody", &script).unwrap_err().to_string().contains("checkout"));
        assert!(dark(DARK_AUTO, &Fault::None.script(1.0).unwrap()).is_err());
    }
}
