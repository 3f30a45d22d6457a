//! A column of texts as it is written: each text once in a dictionary, and its number wherever it stands.
//!
//! What the library would do with values of its own, done where more is known: equal texts mostly lie at one address, so
//! that nothing is copied and little is hashed. Encodings are those of Parquet's specification ("Dictionary Encoding",
//! "Plain"), levels those of `column`. Pages become a chunk in [`super::chunk`]; reading is the library's.

use std::collections::HashMap;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use ahash::RandomState;

use super::chunk::{Body, Chunk, Packer};

/// Rows of a page: `performance.md` asks for single rows within a millisecond.
pub(super) const PAGE_ROWS: usize = 8_192;
/// Bytes of a page of texts beyond which it ends with the row, and of a dictionary beyond which the pages after it hold the
/// texts themselves: what the library has for both.
const BYTES_MAX: usize = 1 << 20;
/// Texts of a page beyond which it ends with the row: lists may be long.
const TEXTS_MAX: usize = 1 << 18;
/// Addresses remembered, a power of two.
const ADDRESSES: usize = 1 << 13;

/// What a column is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Lists within lists: 0 for one text a row, 1 for a list, 2 for a list of lists.
    pub(super) depth: u8,
    /// Whether texts hardly repeat, so that a dictionary would be built in vain.
    pub(super) is_plain: bool,
    /// Whether pages tell the least and the greatest of their texts.
    pub(super) is_bounded: bool,
}

/// A column of texts that is being filled. Texts that are shared stay where they are while it is.
pub(super) struct Words<'t> {
    kind: Kind,
    dictionary: Dictionary,
    addresses: Addresses,
    page: Page,
    chunk: Chunk,
    packer: Packer,
    outcome: io::Result<()>,
    shared: PhantomData<&'t str>,
}

impl<'t> Words<'t> {
    /// A column without rows.
    pub(super) fn new(kind: Kind) -> io::Result<Self> {
        Ok(Self {
            kind,
            dictionary: Dictionary::default(),
            addresses: Addresses::default(),
            page: Page { is_plain: kind.is_plain, ..Page::default() },
            chunk: Chunk::default(),
            packer: Packer::new()?,
            outcome: Ok(()),
            shared: PhantomData,
        })
    }

    /// A row of one text.
    pub(super) fn push(&mut self, text: &[u8]) {
        self.push_with(|row| row.text(text));
    }

    /// A row of one text that others share.
    pub(super) fn push_shared(&mut self, text: &'t Arc<str>) {
        self.push_with(|row| row.shared(text));
    }

    /// A row whose one text `fill` adds.
    pub(super) fn push_with(&mut self, fill: impl FnOnce(&mut Self)) {
        fill(self);
        self.end_row();
    }

    /// A row of a list, whose texts or lists `fill` adds.
    pub(super) fn push_list(&mut self, fill: impl FnOnce(&mut Self)) {
        self.page.next = 0;
        self.filled(0, fill);
        self.end_row();
    }

    /// A list of the row, whose texts `fill` adds.
    pub(super) fn list(&mut self, fill: impl FnOnce(&mut Self)) {
        self.filled(1, fill);
        self.page.next = 1;
    }

    fn filled(&mut self, empty: u8, fill: impl FnOnce(&mut Self)) {
        let before = self.page.defined.len();
        fill(self);
        if self.page.defined.len() == before {
            self.page.level(empty);
        }
    }

    /// A text of the row or its list.
    pub(super) fn text(&mut self, text: &[u8]) {
        if !self.page.is_plain {
            let code = self.dictionary.code(text);
            self.page.codes.push(code);
        }
        self.put(text);
    }

    /// A text of the row or its list that others share.
    pub(super) fn shared(&mut self, text: &'t Arc<str>) {
        if !self.page.is_plain {
            let dictionary = &mut self.dictionary;
            let code = self.addresses.code(text, || dictionary.code(text.as_bytes()));
            self.page.codes.push(code);
        }
        self.put(text.as_bytes());
    }

    fn put(&mut self, text: &[u8]) {
        if self.page.is_plain {
            put_plain(&mut self.page.texts, text);
            self.page.count += 1;
        }
        if self.kind.is_bounded {
            self.page.bound(text);
        }
        if self.kind.depth > 0 {
            self.page.level(self.kind.depth);
            self.page.next = self.kind.depth;
        }
    }

    fn end_row(&mut self) {
        self.page.rows += 1;
        let is_dictionary_full = !self.page.is_plain && self.dictionary.texts.len() > BYTES_MAX;
        let is_large = self.page.texts.len() > BYTES_MAX || self.page.defined.len() > TEXTS_MAX;
        if self.page.rows == PAGE_ROWS || is_large || is_dictionary_full {
            self.end_page();
        }
    }

    fn end_page(&mut self) {
        let is_plain = self.kind.is_plain || self.dictionary.texts.len() > BYTES_MAX;
        let page = std::mem::replace(&mut self.page, Page { is_plain, ..Page::default() });
        if page.rows > 0 && self.outcome.is_ok() {
            self.outcome = self.chunk.add(&mut self.packer, &page.body(self.kind.depth));
        }
    }

    /// The chunk of all rows.
    pub(super) fn end(mut self) -> io::Result<Chunk> {
        self.end_page();
        self.outcome?;
        if self.dictionary.count > 0 {
            self.chunk.set_dictionary(&mut self.packer, &self.dictionary.texts, self.dictionary.count)?;
        }
        Ok(self.chunk)
    }
}

/// The rows of a page that is being filled.
#[derive(Debug, Default)]
struct Page {
    rows: usize,
    repeated: Vec<u8>,
    defined: Vec<u8>,
    /// Repetition level of what comes next.
    next: u8,
    /// Whether it holds texts and no numbers.
    is_plain: bool,
    codes: Vec<u32>,
    texts: Vec<u8>,
    /// Texts in `texts`.
    count: usize,
    bounds: Option<(Vec<u8>, Vec<u8>)>,
}

impl Page {
    fn level(&mut self, defined: u8) {
        self.repeated.push(self.next);
        self.defined.push(defined);
    }

    fn bound(&mut self, text: &[u8]) {
        let Some((least, greatest)) = &mut self.bounds else {
            self.bounds = Some((text.to_vec(), text.to_vec()));
            return;
        };
        if text < least.as_slice() {
            *least = text.to_vec();
        } else if text > greatest.as_slice() {
            *greatest = text.to_vec();
        }
    }

    fn body(&self, depth: u8) -> Body<'_> {
        let values = if self.is_plain { self.count } else { self.codes.len() };
        // Numbers of no dictionary would ask readers for one.
        let codes = (!self.codes.is_empty()).then_some(&self.codes);
        Body {
            rows: self.rows,
            values: if depth > 0 { self.defined.len() } else { values },
            depth,
            repeated: &self.repeated,
            defined: &self.defined,
            codes,
            texts: &self.texts,
            bounds: self.bounds.as_ref().map(|(least, greatest)| (&**least, &**greatest)),
        }
    }
}

/// Texts by number, as a dictionary page holds them.
#[derive(Debug, Default)]
struct Dictionary {
    texts: Vec<u8>,
    count: u32,
    known: HashMap<Box<[u8]>, u32, RandomState>,
}

impl Dictionary {
    fn code(&mut self, text: &[u8]) -> u32 {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let code = self.count;
        put_plain(&mut self.texts, text);
        self.known.insert(text.into(), code);
        self.count += 1;
        code
    }
}

/// A text with its length before it.
fn put_plain(texts: &mut Vec<u8>, text: &[u8]) {
    texts.extend_from_slice(&(text.len() as u32).to_le_bytes());
    texts.extend_from_slice(text);
}

/// The numbers of texts by the address at which they lie. Of two addresses of one slot the later one is remembered.
#[derive(Debug)]
struct Addresses {
    slots: Vec<(usize, u32)>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self { slots: vec![(0, 0); ADDRESSES] }
    }
}

impl Addresses {
    fn code(&mut self, text: &Arc<str>, look_up: impl FnOnce() -> u32) -> u32 {
        let address = Arc::as_ptr(text).cast::<u8>().addr();
        // The upper bits of the product depend on all bits of the address (Knuth, TAOCP 3, 6.4: multiplicative hashing).
        let hash = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - ADDRESSES.ilog2());
        let Some(slot) = self.slots.get_mut(hash as usize) else { return look_up() };
        if slot.0 != address {
            *slot = (address, look_up());
        }
        slot.1
    }
}

#[cfg(test)]
mod tests;
