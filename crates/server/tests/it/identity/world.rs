//! Keys of every role and scope, made as the product makes them, and requests that show them rightly or wrongly.

use std::path::Path;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use journal::{Journal, Record};
use platform::chance::{Chance, SeededChance};
use platform::clock::SimClock;
use platform::disk::Disk;
use platform::sim_disk::SimDisk;
use server::identity::ledger::{self, Order};
use server::identity::records::Keys;
use server::identity::{Identity, Reach};
use telemetry::UnixNanos;
use tools::Role;

use super::super::kept::{Kept, PATH};
use super::oracle::{Fault, ROLES, SCOPES, Scope};

/// When everything is asked.
pub(crate) const NOW: UnixNanos = UnixNanos(1_800_000_000_000_000_000);

/// The three keys of one role and one scope.
#[derive(Clone)]
pub(crate) struct Three {
    pub(crate) role: &'static str,
    pub(crate) scope: Scope,
    pub(crate) good: String,
    revoked: String,
    expired: String,
}

/// What a world is like; [`Lax::default`] is as it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lax {
    pub(crate) never_revokes: bool,
    pub(crate) never_expires: bool,
    pub(crate) has_no_lists: bool,
}

/// All keys.
pub(crate) struct World {
    pub(crate) identity: Identity,
    pub(crate) keys: Vec<Three>,
    pub(crate) disk: SimDisk,
}

pub(crate) fn open(disk: &SimDisk) -> (Journal, Vec<Record>) {
    let (clock, path) = (Arc::new(SimClock::at(NOW.0 - 1)), Path::new(PATH));
    disk.create_dir_all(Path::new("/data")).expect("a folder");
    if disk.read(path).is_err() {
        return (Journal::create(disk, clock, path).expect("it is new"), Vec::new());
    }
    let (journal, left) = Journal::resume(disk, clock, path).expect("it is sound");
    (journal, left.verified.records)
}

/// Makes a key as `firstcause key new` does.
pub(crate) fn make(disk: &SimDisk, seed: u64, order: Order) -> String {
    let (mut journal, records) = open(disk);
    let mut chance = SeededChance::new(seed);
    let keys = Keys::of(&records).expect("understood");
    let made = ledger::make(&mut journal, &keys, order, &mut || chance.next_u64()).expect("it is made");
    made.text().to_owned()
}

pub(crate) fn revoke(disk: &SimDisk, key: &str) {
    let (mut journal, records) = open(disk);
    let keys = Keys::of(&records).expect("understood");
    ledger::revoke(&mut journal, &keys, server::identity::key::id_of(key)).expect("it is revoked");
}

pub(crate) fn order(role: &str, scope: Scope) -> Order {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Order {
        role: Role::named(role).expect("a role"),
        name: "of a test".to_owned(),
        expires_at: None,
        spaces: owned(scope.spaces),
        dialects: owned(scope.dialects),
        tools: owned(scope.tools),
    }
}

impl World {
    pub(crate) fn new(lax: Lax) -> Self {
        let (disk, mut keys, mut seed) = (SimDisk::new(), Vec::new(), 1);
        for role in ROLES {
            for scope in SCOPES {
                let mut made = |expires_at| {
                    seed += 1;
                    let none = Scope { spaces: &[], dialects: &[], tools: &[] };
                    let scope = if lax.has_no_lists { none } else { scope };
                    make(&disk, seed, Order { expires_at, ..order(role, scope) })
                };
                let (good, revoked) = (made(Some(NOW.plus_seconds(1))), made(None));
                // The very moment of the end is after it.
                let expired = made(Some(if lax.never_expires { NOW.plus_seconds(9) } else { NOW }));
                if !lax.never_revokes {
                    revoke(&disk, &revoked);
                }
                keys.push(Three { role, scope, good, revoked, expired });
            }
        }
        let control = Arc::new(Kept(disk.clone()));
        let identity = Identity::new(control, Reach::Beyond, Arc::new(|| NOW));
        Self { identity, keys, disk }
    }
}

/// The headers of a request with `fault`.
pub(crate) fn headers(three: &Three, fault: Fault) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in credentials(three, fault) {
        headers.append(AUTHORIZATION, HeaderValue::from_bytes(&value).expect("a header"));
    }
    let roles: &[&str] = match fault {
        Fault::RaisedByHeader => &["admin"],
        Fault::LoweredByHeader | Fault::RaisedAfterLowering => &["observer"],
        Fault::NoSuchRole => &["root"],
        Fault::TwoRoles => &["observer", "observer"],
        _ => &[],
    };
    for role in roles {
        headers.append("x-agent-role", HeaderValue::from_str(role).expect("a header"));
    }
    headers
}

fn credentials(three: &Three, fault: Fault) -> Vec<Vec<u8>> {
    let bearer = |key: &str| vec![format!("Bearer {key}").into_bytes()];
    let key = three.good.as_str();
    let mut bytes = key.as_bytes().to_vec();
    match fault {
        Fault::Missing => Vec::new(),
        Fault::Empty => bearer(""),
        Fault::ApiKeyScheme => vec![format!("ApiKey {key}").into_bytes()],
        Fault::WrongScheme => vec![format!("Basic {key}").into_bytes()],
        Fault::NoScheme => vec![bytes],
        Fault::Truncated => bearer(&key[..key.len() - 1]),
        Fault::BitFlipped => {
            // The lowest bit of a hex digit makes another hex digit: 0 and 1, a and `, so one of a digit is taken.
            let place = bytes.iter().rposition(u8::is_ascii_digit).expect("a digit");
            bytes[place] ^= 1;
            bearer(&String::from_utf8(bytes).expect("ASCII"))
        }
        Fault::UpperCase => bearer(&key.to_uppercase()),
        Fault::Trailing => bearer(&format!("{key}0")),
        Fault::OtherSecret => {
            let (id, _) = key.rsplit_once('_').expect("a secret");
            bearer(&format!("{id}_{}", three.revoked.rsplit_once('_').expect("a secret").1))
        }
        Fault::NeverMade => bearer(&format!("fck_{}_{}", "0".repeat(12), "1".repeat(64))),
        Fault::Revoked => bearer(&three.revoked),
        Fault::Expired => bearer(&three.expired),
        Fault::TwoHeaders => [bearer(key), bearer(key)].concat(),
        Fault::NotAscii => vec![[b"Bearer ".as_slice(), key.as_bytes(), b"\xc3\xa9"].concat()],
        Fault::TooLong => bearer(&format!("{key}{}", "0".repeat(4000))),
        _ => bearer(key),
    }
}
