//! The least that reading a trace request costs: every field once, every text checked to be UTF-8, nothing kept, and
//! nothing that a decoder of hostile bytes needs (groups, places of errors).
//!
//! It is what decoders are held against. It is written for speed and apart from ours, so that a slow reader of ours makes
//! the figure worse and not better. Its counts must agree with theirs.

use crate::walk::{Found, Part, Shape};

/// Reads the whole request; `None` when it is no such request.
#[must_use]
pub fn walk(bytes: &[u8]) -> Option<Found> {
    let mut found = Found::default();
    visit(Shape::Request, bytes, &mut found)?;
    Some(found)
}

#[inline(always)]
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let (first, after) = rest.split_first()?;
    if *first < 0x80 {
        *rest = after;
        return Some(u64::from(*first));
    }
    long_varint(rest)
}

#[inline]
fn long_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[inline(always)]
fn fixed<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn visit(shape: Shape, bytes: &[u8], found: &mut Found) -> Option<()> {
    found.enter(shape);
    let mut rest = bytes;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let number = (key >> 3) as u32;
        match key & 7 {
            0 => {
                std::hint::black_box(varint(&mut rest)?);
            }
            1 => found.time(shape, number, u64::from_le_bytes(fixed(&mut rest)?)),
            2 => {
                let len = usize::try_from(varint(&mut rest)?).ok()?;
                let (inner, after) = rest.split_at_checked(len)?;
                rest = after;
                match shape.part(number) {
                    Part::Message(child) => visit(child, inner, found)?,
                    Part::Text => drop(std::hint::black_box(std::str::from_utf8(inner).ok()?)),
                    Part::Counted => found.text_bytes += std::str::from_utf8(inner).ok()?.len() as u64,
                    Part::Plain => {}
                }
            }
            5 => {
                std::hint::black_box(u32::from_le_bytes(fixed(&mut rest)?));
            }
            _ => return None,
        }
    }
    Some(())
}
