//! Requests wait for one of too few connections: widen the pool.

use incident::{Fault, RootCause};

use super::Profile;

/// This profile.
pub const PROFILE: Profile = Profile {
    name: "pool_exhaustion",
    says: "idle time stands in front of queries that run at the limit of their pool",
    fits,
};

// covers: AT-32
fn fits(cause: &RootCause) -> bool {
    cause.fault == Fault::PoolWait
}
