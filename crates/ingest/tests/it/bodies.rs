//! Bodies that are small on the wire and large behind it, each of a kind that has been somebody's hole.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use platform::{Chance, SeededChance};

/// One such body and how it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Bomb {
    pub(crate) kind: &'static str,
    pub(crate) transport: &'static str,
    pub(crate) encoding: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// Items with usable ids.
    pub(crate) items: u64,
}

impl Bomb {
    /// Of a message that is still to be framed where the transport asks for it.
    fn new(
        kind: &'static str,
        transport: &'static str,
        encoding: Option<&'static str>,
        body: Vec<u8>,
    ) -> Self {
        let framed = match transport {
            "grpc" => {
                let len = u32::try_from(body.len()).unwrap();
                [&[u8::from(encoding.is_some())][..], &len.to_be_bytes(), &body].concat()
            }
            _ => body,
        };
        Self { kind, transport, encoding, body: framed, items: 0 }
    }

    fn of_one_item(mut self) -> Self {
        self.items = 1;
        self
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One frame of blocks that say one byte 128 Ki times.
fn zstd_repeats(blocks: usize) -> Vec<u8> {
    // No size, a window of 128 KiB.
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for index in 0..blocks {
        let word = u32::from(index + 1 == blocks) | 1 << 1 | (1 << 17) << 3;
        out.extend_from_slice(&word.to_le_bytes()[..3]);
        out.push(0);
    }
    out
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = bytes.len();
    while len >= 0x80 {
        out.push((len & 0x7F) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(bytes);
    out
}

/// A request of one scope with this content.
fn scope(content: &[u8]) -> Vec<u8> {
    field(1, &field(2, content))
}

/// A sound request of one span, for neighbours.
pub(crate) fn one_span(number: u64) -> Bomb {
    let id = (number + 1).to_be_bytes();
    let span = [field(1, &[id, id].concat()), field(2, &id), field(5, b"neighbour")].concat();
    Bomb::new("neighbour", "protobuf", None, scope(&field(2, &span)))
}

/// Two bytes of protobuf for each span.
pub(crate) fn empty_spans(transport: &'static str, count: usize) -> Bomb {
    Bomb::new("empty spans", transport, None, scope(&[0x12, 0x00].repeat(count)))
}

/// A span with one field very many times, as a request.
fn repeated_in_span(field_bytes: &[u8], count: usize) -> Vec<u8> {
    let ids = [field(1, &[1; 16]), field(2, &[1; 8])].concat();
    scope(&field(2, &[ids, field_bytes.repeat(count)].concat()))
}

fn json(inner: &str, count: usize) -> Vec<u8> {
    let items = vec![inner; count].join(",");
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{items}]}}]}}]}}"#).into_bytes()
}

fn noise(chance: &mut dyn Chance, len: usize) -> Vec<u8> {
    (0..len.div_ceil(8)).flat_map(|_| chance.next_u64().to_le_bytes()).take(len).collect()
}

/// Unknown content that gzip shrinks to a hundredth and no further.
fn steep(chance: &mut dyn Chance, mib: usize) -> Vec<u8> {
    let mut content = Vec::new();
    for _ in 0..mib * 16 {
        content.extend(noise(chance, 600));
        content.resize(content.len() + (64 << 10) - 600, 0);
    }
    field(15, &content)
}

/// `count` bombs of all kinds, in a seeded order of sizes.
pub(crate) fn bombs(seed: u64, count: usize) -> Vec<Bomb> {
    let mut chance = SeededChance::new(seed);
    (0..count).map(|index| bomb(index, &mut chance)).collect()
}

/// Content that is packed with gzip: small on the wire, and within the mebibyte that may have any ratio.
fn packed(kind: &'static str, transport: &'static str, content: &[u8]) -> Bomb {
    Bomb::new(kind, transport, Some("gzip"), gzip(content))
}

fn bomb(index: usize, chance: &mut SeededChance) -> Bomb {
    let binary = if chance.below(2) == 0 { "protobuf" } else { "grpc" };
    let mib = ((33 + chance.below(32)) as usize) << 20;
    match index % 16 {
        0 => packed("gzip of zeros", binary, &vec![0; mib]),
        1 => packed("gzip just within the ratio", binary, &steep(chance, 8)),
        2 => {
            let member = gzip(&vec![0; 1 << 20]);
            Bomb::new("gzip of many members", binary, Some("gzip"), member.repeat(40))
        }
        3 => Bomb::new("gzip of very many empty members", binary, Some("gzip"), gzip(&[]).repeat(100_000)),
        4 => packed("gzip in gzip", binary, &gzip(&vec![0; mib])),
        5 => Bomb::new(
            "zstd of repeats",
            binary,
            Some("zstd"),
            zstd_repeats(1 + chance.below(16_000) as usize),
        ),
        6 => Bomb::new("zstd of many frames", binary, Some("zstd"), zstd_repeats(8).repeat(1_000)),
        7 => packed("very many empty spans", binary, &empty_spans("json", 2_000_000).body),
        8 => packed("as many empty spans as go unseen", binary, &empty_spans("json", 500_000).body),
        9 => packed("as many empty spans as there may be", binary, &empty_spans("json", 150_000).body),
        10 => packed("empty attributes", binary, &repeated_in_span(&[0x4A, 0x00], 500_000)).of_one_item(),
        11 => packed("empty events", binary, &repeated_in_span(&[0x5A, 0x00], 500_000)).of_one_item(),
        12 => {
            // One attribute whose value is a list of empty values.
            let list = [0x0A, 0x00].repeat(500_000);
            let attribute = field(9, &field(2, &field(5, &list)));
            packed("a list of empty values", binary, &repeated_in_span(&attribute, 1)).of_one_item()
        }
        13 => packed("empty resources", binary, &[0x0A, 0x00].repeat(500_000)),
        14 => packed("empty spans in JSON", "json", &json("{}", 300_000)),
        _ => {
            let deep = [b"{\"x\":".as_slice(), &b"[".repeat(4 << 20)].concat();
            packed("deep JSON", "json", &deep)
        }
    }
}
