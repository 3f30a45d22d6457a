//! What the decoding of one request carries along: shared strings, the receive time, the counts.
//!
//! Not shared between requests: a hostile request could fill a longer-lived table.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use telemetry::{Resource, UnixNanos};

use super::{skipped, value};
use crate::intake::Receipt;
use crate::schema;
use crate::wire::{Field, Reader, WireError};

/// Texts longer than this are not worth looking up: they seldom repeat.
const SHARED_LEN_MAX: usize = 128;
/// A time this far ahead of ours comes from a wrong clock: ten minutes.
const AHEAD_NS_MAX: i64 = 600_000_000_000;

pub(super) struct Context<'a> {
    pub(super) received_at: UnixNanos,
    shared: HashMap<&'a str, Arc<str>>,
    rejected: BTreeMap<&'static str, u64>,
    repaired: BTreeMap<&'static str, u64>,
}

impl<'a> Context<'a> {
    pub(super) fn new(received_at: UnixNanos) -> Self {
        Self { received_at, shared: HashMap::new(), rejected: BTreeMap::new(), repaired: BTreeMap::new() }
    }

    /// The text, shared with equal ones of this request.
    pub(super) fn share(&mut self, text: &'a str) -> Arc<str> {
        if text.len() > SHARED_LEN_MAX {
            return Arc::from(text);
        }
        Arc::clone(self.shared.entry(text).or_insert_with(|| Arc::from(text)))
    }

    pub(super) fn reject(&mut self, reason: &'static str) {
        *self.rejected.entry(reason).or_default() += 1;
    }

    pub(super) fn repair(&mut self, reason: &'static str) {
        *self.repaired.entry(reason).or_default() += 1;
    }

    /// The time sent, or `otherwise` when none was sent. Times ahead of ours are kept and counted.
    pub(super) fn time(&mut self, sent: u64, otherwise: UnixNanos, missing: &'static str) -> UnixNanos {
        if sent == 0 {
            self.repair(missing);
            return otherwise;
        }
        let at = UnixNanos(i64::try_from(sent).unwrap_or(i64::MAX));
        if at.since(self.received_at) > AHEAD_NS_MAX {
            self.repair("time_ahead");
        }
        at
    }

    /// A time that is kept as sent, the latest there is standing for what 63 bits cannot hold.
    pub(super) fn told_time(&mut self, sent: u64) -> UnixNanos {
        UnixNanos(i64::try_from(sent).unwrap_or_else(|_| {
            self.repair("time_clamped");
            i64::MAX
        }))
    }

    pub(super) fn into_receipt(self) -> Receipt {
        let owned = |counts: BTreeMap<&'static str, u64>| {
            counts.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect()
        };
        Receipt { accepted: 0, rejected: owned(self.rejected), repaired: owned(self.repaired) }
    }
}

/// Goes through the messages of field 1 of a request, each a group of one resource, and hands every item of
/// every scope to `each` together with its resource.
pub(super) fn each_item<'a>(
    bytes: &'a [u8],
    names: [&'static str; 3],
    context: &mut Context<'a>,
    mut each: impl FnMut(&'a [u8], &Arc<Resource>, &mut Context<'a>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let [per_resource, per_scope, item] = names;
    let mut request = Reader::new(bytes);
    while let Some((field, value)) = request.next_field()? {
        if field != 1 {
            continue;
        }
        let within = |error: WireError| error.within(per_resource);
        let group = value.bytes().map_err(within)?;
        let resource = Arc::new(resource(group, context).map_err(within)?);
        let mut scopes = Reader::new(group);
        while let Some((field, value)) = scopes.next_field().map_err(within)? {
            if field != 2 {
                continue;
            }
            let within = |error: WireError| error.within(per_scope).within(per_resource);
            let mut items = Reader::new(value.bytes().map_err(within)?);
            while let Some((field, value)) = items.next_field().map_err(within)? {
                match field {
                    1 => scope(value).map_err(|error| within(error.within("scope")))?,
                    2 => {
                        let bytes = value.bytes().map_err(|error| within(error.within(item)))?;
                        each(bytes, &resource, context).map_err(|error| within(error.within(item)))?;
                    }
                    3 => drop(value.text().map_err(|error| within(error.within("schema_url")))?),
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// The resource of a group; it may stand after the items, and several count as one, as protobuf merges them.
fn resource<'a>(group: &'a [u8], context: &mut Context<'a>) -> Result<Resource, WireError> {
    let mut attributes = Vec::new();
    let mut fields = Reader::new(group);
    while let Some((field, value)) = fields.next_field()? {
        match field {
            1 => {
                let within = |error: WireError| error.within("resource");
                let mut inner = Reader::new(value.bytes().map_err(within)?);
                while let Some((field, value)) = inner.next_field().map_err(within)? {
                    if field == 1 {
                        value::push_attribute(value, &mut attributes, context)
                            .map_err(|error| within(error.within("attributes")))?;
                    } else {
                        skipped::check(&schema::RESOURCE, field, value).map_err(within)?;
                    }
                }
            }
            3 => drop(value.text().map_err(|error| error.within("schema_url"))?),
            _ => {}
        }
    }
    Ok(Resource::of(attributes))
}

/// Nothing of an instrumentation scope is kept.
fn scope(value: Field<'_>) -> Result<(), WireError> {
    let mut fields = Reader::new(value.bytes()?);
    while let Some((field, value)) = fields.next_field()? {
        skipped::check(&schema::SCOPE, field, value)?;
    }
    Ok(())
}
