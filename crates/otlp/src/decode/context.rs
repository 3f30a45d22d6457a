//! What the decoding of one request carries along: shared strings, the receive time, the counts.
//!
//! Not shared between requests: a hostile request could fill a longer-lived table.

use std::collections::BTreeMap;
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
    /// Attributes of the last item: the next one most often has as many.
    pub(super) attributes: usize,
    shared: Shared<'a>,
    rejected: BTreeMap<&'static str, u64>,
    repaired: BTreeMap<&'static str, u64>,
}

type Met<'a> = Option<(&'a str, Arc<str>)>;

/// Texts met lately, two to a set: a text goes to the set that its bytes choose and drives out the one not met for
/// longer. Whoever sends texts that choose the same set shares less, and costs nobody time: that is why this is no map.
struct Shared<'a> {
    sets: Vec<[Met<'a>; 2]>,
}

/// Sets at least and at most; a request of the usual exporters has some hundred texts that repeat.
const SETS_MIN: usize = 16;
const SETS_MAX: usize = 1024;
/// Bytes of a request for one set.
const SET_BYTES: usize = 256;

impl<'a> Shared<'a> {
    fn for_request(len: usize) -> Self {
        let sets = (len / SET_BYTES).clamp(SETS_MIN, SETS_MAX).next_power_of_two();
        Self { sets: vec![const { [None, None] }; sets] }
    }

    fn get(&mut self, text: &'a str) -> Arc<str> {
        let place = mix(text.as_bytes()) as usize & (self.sets.len() - 1);
        let Some([recent, older]) = self.sets.get_mut(place) else { return Arc::from(text) };
        if let Some((known, shared)) = recent
            && *known == text
        {
            return Arc::clone(shared);
        }
        std::mem::swap(recent, older);
        match recent {
            Some((known, shared)) if *known == text => Arc::clone(shared),
            _ => Arc::clone(&recent.insert((text, Arc::from(text))).1),
        }
    }
}

/// A number of the bytes, eight at a time, whose low bits differ where the texts do.
fn mix(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = bytes.as_chunks::<8>();
    let step = |state: u64, word: u64| (state ^ word).wrapping_mul(ODD).rotate_left(29);
    let state = words.iter().fold(bytes.len() as u64, |state, word| step(state, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(0, |last, byte| (last << 8) | u64::from(*byte));
    let state = step(state, last);
    state ^ (state >> 32)
}

impl<'a> Context<'a> {
    /// For a request of `len` bytes.
    pub(super) fn new(received_at: UnixNanos, len: usize) -> Self {
        let shared = Shared::for_request(len);
        Self { received_at, attributes: 0, shared, rejected: BTreeMap::new(), repaired: BTreeMap::new() }
    }

    /// The text, shared with an equal one of this request that was met not long ago.
    pub(super) fn share(&mut self, text: &'a str) -> Arc<str> {
        if text.len() > SHARED_LEN_MAX { Arc::from(text) } else { self.shared.get(text) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_come_again_soon_are_shared_and_others_are_right_all_the_same() {
        let texts: Vec<String> = (0..5000).map(|number| format!("text-{}", number % 700)).collect();
        let mut shared = Shared::for_request(1 << 20);
        let first: Vec<Arc<str>> = texts.iter().map(|text| shared.get(text)).collect();
        assert!(first.iter().zip(&texts).all(|(shared, text)| **shared == **text));
        let known = first.iter().skip(700).zip(&first).filter(|(again, before)| Arc::ptr_eq(again, before));
        assert!(known.count() > 3000, "of 4300");
        // As small as a table gets: nearly every text drives out another one.
        let mut tiny = Shared::for_request(0);
        assert!(texts.iter().all(|text| *tiny.get(text) == **text));
    }

    #[test]
    fn a_text_is_shared_past_one_that_came_between() {
        let mut shared = Shared { sets: vec![const { [None, None] }; 1] };
        let first = shared.get("often");
        shared.get("once");
        assert!(Arc::ptr_eq(&first, &shared.get("often")));
        shared.get("twice");
        shared.get("thrice");
        assert!(!Arc::ptr_eq(&first, &shared.get("often")));
    }
}
