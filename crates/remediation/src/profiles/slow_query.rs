//! A database query takes most of the extra time: restore what makes it fast (an index, a limit, a plan switch).

use incident::{Fault, RootCause};

use super::Profile;

/// This profile.
pub const PROFILE: Profile = Profile {
    name: "slow_query",
    says: "a database client span carries most of the extra exclusive time for one query summary",
    fits,
};

fn fits(cause: &RootCause) -> bool {
    cause.fault == Fault::SlowQuery && !cause.resource.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles::fitting;

    fn cause(fault: Fault, resource: &str) -> RootCause {
        RootCause {
            service: "s".into(),
            instances: Vec::new(),
            operation: "GET /".into(),
            span: "SELECT things".into(),
            resource: resource.into(),
            fault,
            statement: String::new(),
            trigger: None,
            evidence: Vec::new(),
        }
    }

    // covers: AT-31
    #[test]
    fn a_slow_query_is_recognised_and_slow_code_is_not() {
        assert_eq!(fitting(&cause(Fault::SlowQuery, "SELECT things")).map(|p| p.name), Some("slow_query"));
        assert!(fitting(&cause(Fault::SlowWork, "")).is_none());
        assert!(fitting(&cause(Fault::ErrorOrigin, "SELECT things")).is_none());
    }
}
