//! The keys: whether they can be read, and whether who is meant to come in does.

use server::identity::Reach;
use server::identity::records::Keys;
use telemetry::UnixNanos;

use super::Finding;
use crate::config::Settings;
use crate::journals::JournalFile;
use crate::wiring::Doors;

/// The name of the check.
const CHECK: &str = "keys";
/// How a key comes to be.
const MAKE: &str = "`firstcause key new --role ROLE` makes one";

/// Reads `control.journal`.
pub(super) fn check(settings: &Settings, doors: &Doors) -> Finding {
    let records = match JournalFile::new(doors, &settings.data_dir).records() {
        Ok(records) => records,
        Err(error) => return Finding::failed(CHECK, &error, "nobody is let in before it can be read"),
    };
    let keys = match Keys::of(&records) {
        Ok(keys) => keys,
        Err(error) => return Finding::failed(CHECK, &anyhow::Error::new(error), "use the newer Firstcause"),
    };
    let now = UnixNanos(doors.clock.now_unix_nanos());
    let valid = keys.iter().filter(|kept| kept.state(now) == "valid").count();
    match (keys.is_needed(), valid, Reach::of(&settings.http)) {
        (true, 0, _) => {
            Finding::warning(CHECK, "every key has ended, so no agent and no question comes in", MAKE)
        }
        (true, _, _) => Finding::ok(CHECK, format!("{valid} of {} keys open something", keys.len())),
        (false, _, Reach::Loopback) => {
            Finding::ok(CHECK, "none; tools and questions are answered to this machine alone")
        }
        (false, _, Reach::Beyond) => {
            let says = format!(
                "none, and {} is reached from elsewhere: tools and questions are refused",
                settings.http
            );
            Finding::warning(CHECK, says, MAKE)
        }
    }
}
