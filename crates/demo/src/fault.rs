//! What can go wrong in the demo, as one table: for each fault the steps that bring it in, what is really the cause,
//! and for the faults with a known fix the variables that mend it, do nothing, or make it worse.
//! It deliberately carries nothing out: the director does, through the supervisor and the load.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::service::Role;
use crate::supervisor::wire::Variables;

/// The weakest and the strongest a fault can be; 1 is the strength that the demo uses by default.
pub const STRENGTH: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// The version of a service that brings a fault in. All services begin with 1.4.0.
pub(crate) const FAULTY: &str = "1.5.0";

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// A connection, with its TLS handshake, for each request.
    ConnectionReuse,
    /// The new version of `orders` comes without the index on the customer.
    SlowQuery,
    /// A pool of one connection.
    PoolExhaustion,
    /// Blocking work on the threads that serve requests.
    BlockingIo,
    /// A delay that a forgotten flag turns on.
    Legacy,
    /// Hashing that costs far more than before.
    CpuContention,
    /// A new endpoint that has never succeeded.
    BadDeploy,
    /// A party without telemetry answers late.
    SlowDependency,
    /// A message that cannot be processed blocks the queue.
    PoisonMessage,
    /// Messages are acknowledged and thrown away.
    SilentDrop,
    /// Two of the faults at once, in unrelated places.
    TwoFaults,
    /// Retries outlive what provoked them.
    RetryStorm,
    /// Twice the requests, and nothing wrong.
    TrafficSurge,
    /// Innocent deployments, and nothing wrong.
    NoisyDeploys,
    /// Nothing but one innocent deployment.
    None,
}

/// Every fault with its name on the command line and a line that says what it is.
const NAMES: [(Fault, &str, &str); 15] = [
    (Fault::ConnectionReuse, "connection_reuse", "a connection with its handshake for each request"),
    (Fault::SlowQuery, "slow_query", "a new version of `orders` without the index on a grown table"),
    (Fault::PoolExhaustion, "pool_exhaustion", "a pool of one connection"),
    (Fault::BlockingIo, "blocking_io", "blocking work on the threads that serve requests"),
    (Fault::Legacy, "legacy", "a delay that a forgotten flag turns on"),
    (Fault::CpuContention, "cpu_contention", "hashing that costs far more than before"),
    (Fault::BadDeploy, "bad_deploy", "a new endpoint that has never succeeded"),
    (Fault::SlowDependency, "slow_dependency", "a party without telemetry answers late"),
    (Fault::PoisonMessage, "poison_message", "a message that cannot be processed blocks the queue"),
    (Fault::SilentDrop, "silent_drop", "messages are acknowledged and thrown away"),
    (Fault::TwoFaults, "two_faults", "two faults at once, in unrelated places"),
    (Fault::RetryStorm, "retry_storm", "retries that outlive what provoked them"),
    (Fault::TrafficSurge, "traffic_surge", "twice the requests, and nothing wrong"),
    (Fault::NoisyDeploys, "noisy_deploys", "innocent deployments and restarts, and nothing wrong"),
    (Fault::None, "none", "no fault; only an innocent deployment"),
];

impl Fault {
    /// The faults that this build can bring in, in the order of the table.
    pub fn available() -> Vec<Self> {
        let known = NAMES.iter().map(|(fault, _, _)| *fault);
        known.filter(|fault| fault.script(1.0).is_some()).collect()
    }

    /// The name on the command line, such as `slow_query`.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// What it is, in a few words.
    pub fn says(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> (Self, &'static str, &'static str) {
        NAMES.into_iter().find(|(fault, _, _)| *fault == self).unwrap_or(NAMES[NAMES.len() - 1])
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::available();
        known.iter().copied().find(|fault| fault.name() == name).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|fault| fault.name()).collect();
            format!("there is no fault `{name}`; hint: there are {}", names.join(", "))
        })
    }
}

/// What kind of component a cause lies in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A service that emits telemetry.
    Service,
    /// A party that emits none.
    Dependency,
    /// A destination of messages.
    Queue,
}

/// What is really to blame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cause {
    /// What kind of component.
    pub kind: Kind,
    /// Its name: of the service, of the dependency as its caller's spans name it, or of the queue.
    pub name: &'static str,
    /// Other names that are as right.
    pub also: &'static [&'static str],
    /// The fix profile that fits, if there is one.
    pub profile: Option<&'static str>,
    /// The service whose deployment brings it in.
    pub deployed: Role,
}

impl Cause {
    /// The cause is the service that was deployed.
    pub const fn service(deployed: Role, name: &'static str, profile: Option<&'static str>) -> Self {
        Self { kind: Kind::Service, name, also: &[], profile, deployed }
    }
}

/// Something that happens at a time after the beginning of the fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Seconds after the beginning.
    pub after_s: f64,
    /// What happens.
    pub action: Action,
    /// The cause (its index in the script) that begins with this step; without one, the step is innocent.
    pub cause: Option<usize>,
}

/// What the director can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Gives all instances of a service another version.
    Deploy {
        /// The service.
        service: Role,
        /// The version.
        version: &'static str,
        /// Variables to set.
        set: Variables,
    },
    /// Multiplies the rate of the load from now on; 1 is the rate that was asked for.
    Load {
        /// The factor.
        factor: f64,
    },
}

/// How a fault comes about, and what is to blame for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// What happens, in the order of its times.
    pub steps: Vec<Step>,
    /// What is to blame; nothing when nothing is wrong.
    pub causes: Vec<Cause>,
}

impl Script {
    /// One deployment of one service that is to blame.
    pub(crate) fn deploy(cause: Cause, set: &[(&str, String)]) -> Self {
        let step = Step { after_s: 0.0, action: deploy(cause.deployed, FAULTY, set), cause: Some(0) };
        Self { steps: vec![step], causes: vec![cause] }
    }
}

/// A deployment with variables.
pub(crate) fn deploy(service: Role, version: &'static str, set: &[(&str, String)]) -> Action {
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Action::Deploy { service, version, set }
}

/// The fix of one kind of cause: three settings of a variable each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Remedy {
    /// The fix profile.
    pub profile: &'static str,
    /// The variable and value that mend it.
    pub fix: (&'static str, &'static str),
    /// A variable and value that do nothing.
    pub placebo: (&'static str, &'static str),
    /// A variable and value that make it worse.
    pub worse: (&'static str, &'static str),
}

/// The fixes of the demo, sorted by profile. Every variable in them is one that an operator may change.
pub const REMEDIES: &[Remedy] = &[
    remedy("blocking_io", ("RATES_CLIENT", "async"), DELAY),
    remedy("connection_reuse", ("HTTP_CLIENT_REUSE", "true"), DELAY),
    remedy("legacy", ("LEGACY_COMPAT_DELAY_MS", "0"), DELAY),
    remedy("pool_exhaustion", ("DB_POOL_SIZE", "4"), DELAY),
    remedy("slow_query", ("CUSTOMER_INDEX", "true"), ("READ_AUDIT", "full")),
];

/// Worse for every service, whatever else is wrong with it.
const DELAY: (&str, &str) = ("LEGACY_COMPAT_DELAY_MS", "800");

const fn remedy(
    profile: &'static str,
    fix: (&'static str, &'static str),
    worse: (&'static str, &'static str),
) -> Remedy {
    Remedy { profile, fix, placebo: ("QUERY_HINT", "fast"), worse }
}

impl Fault {
    /// How the fault comes about at this strength (see [`STRENGTH`]); nothing while this build cannot bring it in.
    pub fn script(self, strength: f64) -> Option<Script> {
        match self {
            Self::ConnectionReuse => Some(Script::deploy(
                Cause::service(Role::Checkout, "checkout", Some("connection_reuse")),
                &[("HTTP_CLIENT_REUSE", "false".to_owned())],
            )),
            Self::PoolExhaustion => Some(Script::deploy(
                Cause::service(Role::Stock, "stock", Some("pool_exhaustion")),
                &[("DB_POOL_SIZE", "1".to_owned())],
            )),
            Self::BlockingIo => Some(Script::deploy(
                Cause::service(Role::Catalog, "catalog", Some("blocking_io")),
                &[("RATES_CLIENT", "blocking".to_owned())],
            )),
            Self::Legacy => Some(Script::deploy(
                Cause::service(Role::Stock, "stock", Some("legacy")),
                &[("LEGACY_COMPAT_DELAY_MS", scaled(80, strength))],
            )),
            Self::CpuContention => Some(Script::deploy(
                Cause::service(Role::Gateway, "gateway", None),
                &[("PASSWORD_HASH_COST", scaled(120_000, strength))],
            )),
            Self::BadDeploy => Some(Script::deploy(
                Cause::service(Role::Checkout, "checkout", None),
                &[("ORDER_ALERTS", "on".to_owned())],
            )),
            Self::SlowDependency => Some(slow_dependency(strength)),
            Self::RetryStorm => Some(retry_storm(strength)),
            Self::SlowQuery => Some(Script::deploy(
                Cause::service(Role::Orders, "orders", Some("slow_query")),
                &[("CUSTOMER_INDEX", "false".to_owned())],
            )),
            Self::PoisonMessage => Some(Script::deploy(QUEUE, &[("RECEIPT_GIFTS", "false".to_owned())])),
            Self::SilentDrop => {
                // Some messages must come through: a worker that does nothing is another fault.
                let share = (0.6 * strength).min(0.95);
                Some(Script::deploy(QUEUE, &[("RECEIPT_DISCARD", format!("{share:.2}"))]))
            }
            Self::TwoFaults => {
                let script = |fault: Self| fault.script(strength);
                Some(both(script(Self::CpuContention)?, script(Self::SlowDependency)?))
            }
            Self::TrafficSurge => Some(traffic_surge()),
            Self::NoisyDeploys => Some(noisy_deploys()),
            Self::None => Some(Script::default()),
        }
    }
}

/// The queue, whose worker was deployed: naming either is right.
const QUEUE: Cause = Cause {
    kind: Kind::Queue,
    name: "order-events",
    also: &["receipts"],
    profile: None,
    deployed: Role::Receipts,
};

/// `base` times `strength`, as a whole number.
fn scaled(base: u32, strength: f64) -> String {
    format!("{:.0}", f64::from(base) * strength)
}

/// The party that quotes rates is restarted with a longer wait: no deployment of ours, and it emits nothing.
fn slow_dependency(strength: f64) -> Script {
    let cause =
        Cause { kind: Kind::Dependency, name: "rates", also: &[], profile: None, deployed: Role::Rates };
    Script::deploy(cause, &[("RATES_WAIT_MS", scaled(150, strength))])
}

/// A version of `checkout` that retries at once and often does no harm until the warehouse is slow for a few
/// seconds: from then on the retries keep the pool of `stock` full, although the warehouse is well again. With fewer
/// than five retries the pool would empty itself.
fn retry_storm(strength: f64) -> Script {
    let retries = (8.0 * strength).max(6.0);
    let policy = [("RETRY_MAX", format!("{retries:.0}")), ("HTTP_CLIENT_TIMEOUT_MS", "250".to_owned())];
    let mut script = Script::deploy(Cause::service(Role::Checkout, "checkout", None), &policy);
    let warehouse = |after_s, version, wait: &str| Step {
        after_s,
        action: deploy(Role::Rates, version, &[("WAREHOUSE_WAIT_MS", wait.to_owned())]),
        cause: None,
    };
    script.steps.extend([warehouse(5.0, "slow", "1200"), warehouse(11.0, "well", "200")]);
    script
}

/// Two faults at about the same time: neither has settled when the other begins.
fn both(first: Script, second: Script) -> Script {
    const APART_S: f64 = 1.5;
    let before = first.causes.len();
    let later = second.steps.into_iter().map(|step| Step {
        after_s: step.after_s + APART_S,
        cause: step.cause.map(|cause| cause + before),
        ..step
    });
    let mut steps: Vec<_> = first.steps.into_iter().chain(later).collect();
    steps.sort_by(|one, next| one.after_s.total_cmp(&next.after_s));
    Script { steps, causes: first.causes.into_iter().chain(second.causes).collect() }
}

/// The load doubles for the rest of the run, whatever the strength: a system that copes is the point.
fn traffic_surge() -> Script {
    let step = Step { after_s: 0.0, action: Action::Load { factor: 2.0 }, cause: None };
    Script { steps: vec![step], causes: Vec::new() }
}

/// New versions that change nothing, a few seconds apart.
fn noisy_deploys() -> Script {
    let order = [Role::Orders, Role::Catalog, Role::Gateway, Role::Stock];
    let step = |(turn, service): (usize, Role)| Step {
        after_s: 4.0 * turn as f64,
        action: deploy(service, FAULTY, &[]),
        cause: None,
    };
    Script { steps: order.into_iter().enumerate().map(step).collect(), causes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_stands_in_the_table_under_its_own_name() {
        for (fault, name, _) in NAMES {
            assert_eq!(fault.name(), name);
            let parsed = name.parse::<Fault>();
            assert_eq!(parsed.is_ok(), fault.script(1.0).is_some(), "{name}");
        }
        assert!("slow".parse::<Fault>().unwrap_err().contains("slow_query"));
    }

    #[test]
    fn two_faults_keep_their_causes_apart() {
        let script = |fault: Fault| fault.script(1.0).unwrap();
        let both = both(script(Fault::SlowQuery), script(Fault::PoisonMessage));
        let names: Vec<_> = both.causes.iter().map(|cause| cause.name).collect();
        assert_eq!(names, ["orders", "order-events"]);
        let begun: Vec<_> = both.steps.iter().map(|step| (step.after_s, step.cause)).collect();
        assert_eq!(begun, [(0.0, Some(0)), (1.5, Some(1))]);
    }

    #[test]
    fn every_step_that_begins_a_cause_names_one_and_every_profile_has_its_remedy() {
        for fault in Fault::available() {
            for strength in [*STRENGTH.start(), 1.0, *STRENGTH.end()] {
                let script = fault.script(strength).unwrap();
                let begun: std::collections::BTreeSet<_> =
                    script.steps.iter().filter_map(|step| step.cause).collect();
                assert_eq!(
                    begun.into_iter().collect::<Vec<_>>(),
                    (0..script.causes.len()).collect::<Vec<_>>()
                );
                assert!(script.steps.is_sorted_by(|one, next| one.after_s <= next.after_s), "{fault}");
                for profile in script.causes.iter().filter_map(|cause| cause.profile) {
                    assert!(REMEDIES.iter().any(|remedy| remedy.profile == profile), "{profile}");
                }
            }
        }
    }
}
