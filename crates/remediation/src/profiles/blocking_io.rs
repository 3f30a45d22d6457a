//! Blocking calls hold the thread that serves all requests of a process: make them on another thread, or without blocking.

use incident::{Fault, RootCause};

use super::Profile;

/// This profile.
pub const PROFILE: Profile = Profile {
    name: "blocking_io",
    says: "the process begins and ends nothing else while its calls are under way",
    fits,
};

// covers: AT-33
fn fits(cause: &RootCause) -> bool {
    cause.fault == Fault::BlockedExecutor
}
