//! A service waits for nothing, because someone told it to: turn the delay off.

use incident::{Fault, RootCause};

use super::Profile;

/// This profile.
pub const PROFILE: Profile = Profile {
    name: "legacy",
    says: "a service's own time rose by an even amount, in no call and without computing",
    fits,
};

// covers: AT-34
fn fits(cause: &RootCause) -> bool {
    cause.fault == Fault::InjectedDelay
}
