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
