//! The port to `control.journal`, and its keys as they are now.
//!
//! The file only grows, so its length tells whether there is anything new: that is looked at for every request, and a
//! key is known, and one revoked refused, from the next request on. Does not know where the file lies, and writes nothing.

use std::sync::{Arc, Mutex, PoisonError};

use super::records::Keys;

/// Where `control.journal` lies.
pub trait Control: Send + Sync {
    /// How long it has grown, in bytes; nothing when there is no such file.
    ///
    /// # Errors
    /// When the disk fails.
    fn grown(&self) -> std::io::Result<Option<u64>>;

    /// Its bytes.
    ///
    /// # Errors
    /// When the disk fails.
    fn read(&self) -> std::io::Result<Vec<u8>>;
}

/// Longest journal that is read: some 50,000 records.
pub const BYTES_MAX: u64 = 32 << 20;

/// The keys, read again when the journal has grown.
pub(super) struct Watched {
    control: Arc<dyn Control>,
    seen: Mutex<Option<Seen>>,
}

struct Seen {
    len: u64,
    keys: Arc<Keys>,
}

impl Watched {
    pub(super) fn new(control: Arc<dyn Control>) -> Self {
        Self { control, seen: Mutex::new(None) }
    }

    /// The keys as they are now, or why they cannot be told.
    pub(super) fn keys(&self) -> Result<Arc<Keys>, String> {
        let len = self.control.grown().map_err(|error| error.to_string())?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(len) = len else {
            return match &*seen {
                // A journal that was there does not go away by itself: nobody is let in because it did.
                Some(_) => Err("control.journal has gone".to_owned()),
                None => Ok(Arc::default()),
            };
        };
        if let Some(known) = seen.as_ref().filter(|known| known.len == len) {
            return Ok(Arc::clone(&known.keys));
        }
        if len > BYTES_MAX {
            return Err(format!("control.journal is longer than {BYTES_MAX} bytes"));
        }
        let bytes = self.control.read().map_err(|error| error.to_string())?;
        let left = journal::left(&bytes).map_err(|damage| format!("control.journal is damaged: {damage}"))?;
        let keys = Arc::new(Keys::of(&left.verified.records).map_err(|error| error.to_string())?);
        // It only grows: a copy from before would open what was revoked since.
        let is_shorter = seen.as_ref().is_some_and(|known| len < known.len || known.keys.len() > keys.len());
        if is_shorter {
            return Err("control.journal has lost what it had".to_owned());
        }
        // What is being written just now is looked at again, and so is what has grown meanwhile.
        *seen = Some(Seen { len: left.len as u64, keys: Arc::clone(&keys) });
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Held(Mutex<Option<Vec<u8>>>);

    impl Control for Held {
        fn grown(&self) -> std::io::Result<Option<u64>> {
            Ok(self.0.lock().unwrap().as_ref().map(|bytes| bytes.len() as u64))
        }

        fn read(&self) -> std::io::Result<Vec<u8>> {
            Ok(self.0.lock().unwrap().clone().unwrap_or_default())
        }
    }

    fn line(before: &str, seq: u64, kind: &str, body: &str) -> String {
        let prev = match before.lines().next_back() {
            Some(last) => incident::canonical::blake3_hex(last.as_bytes()),
            None => "0".repeat(64),
        };
        format!(
            "{{\"v\":1,\"seq\":{seq},\"at\":0,\"prev\":\"{prev}\",\"durable\":0,\"kind\":\"{kind}\",\"body\":{body}}}\n"
        )
    }

    const MADE: &str = "{\"digest\":\"d\",\"dialects\":[],\"expires_at\":null,\"id\":\"a\",\"name\":\"\",\"role\":\"observer\",\"spaces\":[],\"tools\":[]}";

    #[test]
    fn a_new_record_is_seen_at_once_and_a_half_written_one_does_not_hide_what_stands_before_it() {
        let held = Arc::new(Held::default());
        let watched = Watched::new(Arc::clone(&held) as _);
        assert!(!watched.keys().unwrap().is_needed());
        let mut text = line("", 1, "session_made", "{}");
        *held.0.lock().unwrap() = Some(text.clone().into_bytes());
        assert!(!watched.keys().unwrap().is_needed(), "others' records are passed over");
        let next = line(&text, 2, "key_made", MADE);
        *held.0.lock().unwrap() = Some(format!("{text}{}", &next[..40]).into_bytes());
        assert!(!watched.keys().unwrap().is_needed());
        text.push_str(&next);
        *held.0.lock().unwrap() = Some(text.clone().into_bytes());
        assert!(watched.keys().unwrap().is_needed());
        text.push_str(&line(&text.clone(), 3, "key_revoked", "{\"id\":\"a\"}"));
        *held.0.lock().unwrap() = Some(text.into_bytes());
        assert_eq!(watched.keys().unwrap().get("a").unwrap().revoked_at, Some(telemetry::UnixNanos(0)));
    }

    #[test]
    fn a_journal_from_before_a_key_was_revoked_lets_nobody_in() {
        let made = line("", 1, "key_made", MADE);
        let revoked = format!("{made}{}", line(&made, 2, "key_revoked", "{\"id\":\"a\"}"));
        let held = Arc::new(Held::default());
        let watched = Watched::new(Arc::clone(&held) as _);
        *held.0.lock().unwrap() = Some(revoked.into_bytes());
        assert!(watched.keys().unwrap().get("a").unwrap().revoked_at.is_some());
        *held.0.lock().unwrap() = Some(made.into_bytes());
        assert!(watched.keys().is_err(), "the revoked key would open again");
    }

    #[test]
    fn keys_that_cannot_be_read_let_nobody_in() {
        let made = line("", 1, "key_made", MADE);
        for (what, bytes) in [
            ("gone", None),
            ("shorter", Some(Vec::new())),
            (
                "changed",
                Some(
                    format!(
                        "{}{}",
                        made.replace("observer", "admin"),
                        line(&made, 2, "key_revoked", "{\"id\":\"a\"}")
                    )
                    .into_bytes(),
                ),
            ),
            ("newer", Some(format!("{made}{}", line(&made, 2, "key_narrowed", "{}")).into_bytes())),
            (
                "a field more",
                Some(
                    line("", 1, "key_made", &MADE.replace("\"tools\"", "\"hours\":[],\"tools\""))
                        .into_bytes(),
                ),
            ),
            ("made twice", Some(format!("{made}{}", line(&made, 2, "key_made", MADE)).into_bytes())),
        ] {
            let held = Arc::new(Held::default());
            let watched = Watched::new(Arc::clone(&held) as _);
            *held.0.lock().unwrap() = Some(made.clone().into_bytes());
            assert!(watched.keys().unwrap().is_needed());
            *held.0.lock().unwrap() = bytes;
            assert!(watched.keys().is_err(), "{what}");
        }
    }
}
