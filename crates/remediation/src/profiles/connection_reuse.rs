//! Connections are opened for single calls: keep them and use them again.

use incident::{Fault, RootCause};

use super::Profile;

/// This profile.
pub const PROFILE: Profile = Profile {
    name: "connection_reuse",
    says: "spans that open connections, one or more a request, take most of the extra time",
    fits,
};

// covers: AT-30
fn fits(cause: &RootCause) -> bool {
    cause.fault == Fault::ConnectionChurn
}
