//! Fix profiles: each recognises one kind of cause that has a known, targeted fix.
//!
//! One file each, listed in [`all`]. A profile names no variable and no value: those are the inventory's. What fits no
//! profile gets no action, and neither does anything that is not one of our services.

pub mod blocking_io;
pub mod connection_reuse;
pub mod legacy;
pub mod pool_exhaustion;
pub mod slow_query;

use incident::{ComponentKind, RootCause};

/// A fix profile.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Its name, as the inventory refers to it.
    pub name: &'static str,
    /// What it recognises and what the fix does.
    pub says: &'static str,
    /// Whether the cause is of its kind.
    pub fits: fn(&RootCause) -> bool,
}

/// Every profile, sorted by name.
#[must_use]
pub fn all() -> &'static [Profile] {
    &[
        blocking_io::PROFILE,
        connection_reuse::PROFILE,
        legacy::PROFILE,
        pool_exhaustion::PROFILE,
        slow_query::PROFILE,
    ]
}

/// The profile that fits `cause`, if any: "none of these" is an answer.
#[must_use]
pub fn fitting(cause: &RootCause) -> Option<&'static Profile> {
    let is_ours = cause.component == ComponentKind::Service;
    all().iter().find(|profile| is_ours && (profile.fits)(cause))
}

#[cfg(test)]
mod tests {
    use incident::Fault;

    use super::*;

    fn cause(fault: Fault) -> RootCause {
        RootCause {
            component: ComponentKind::Service,
            service: "s".into(),
            seen_from: Vec::new(),
            instances: Vec::new(),
            operation: "GET /".into(),
            span: "SELECT things".into(),
            resource: "SELECT things".into(),
            fault,
            statement: String::new(),
            trigger: None,
            factors: Vec::new(),
            evidence: Vec::new(),
        }
    }

    // covers: AT-06, AT-30, AT-31, AT-32, AT-33, AT-34
    #[test]
    fn each_kind_of_cause_fits_its_own_profile_or_none() {
        let fits = |fault| fitting(&cause(fault)).map(|profile| profile.name);
        let expected = [
            (Fault::BlockedExecutor, Some("blocking_io")),
            (Fault::ConnectionChurn, Some("connection_reuse")),
            (Fault::ErrorOrigin, None),
            (Fault::InjectedDelay, Some("legacy")),
            (Fault::LostStep, None),
            (Fault::MessageLoss, None),
            (Fault::MessageStuck, None),
            (Fault::MoreCalls, None),
            (Fault::NeverSucceeded, None),
            (Fault::PoolWait, Some("pool_exhaustion")),
            (Fault::ResourceExhausted, None),
            (Fault::RetryStorm, None),
            (Fault::SlowDependency, None),
            (Fault::SlowEdge, None),
            (Fault::SlowQuery, Some("slow_query")),
            (Fault::SlowWork, None),
        ];
        for (fault, profile) in expected {
            assert_eq!(fits(fault), profile, "{}", fault.name());
        }
    }

    #[test]
    fn what_is_not_our_service_fits_nothing_whatever_its_fault() {
        let dependency = RootCause { component: ComponentKind::Dependency, ..cause(Fault::SlowQuery) };
        assert!(fitting(&dependency).is_none());
        assert!(all().windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
