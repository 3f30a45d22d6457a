//! What stands beside the rows of a segment, so that they need not be read: rollups by second, who sent what, which
//! processes were seen, and which traces are in it.
//!
//! All of it is derived from the rows. Its file is one LZ4 block behind a checksum.

use std::collections::BTreeSet;

use telemetry::{TraceId, UnixNanos, Window};

use super::codec::{In, Out};
use crate::derived::Derived;
use crate::head::Head;
use crate::incarnation::{Incarnations, Life};
use crate::presence::{EVIDENCE, Presence, Signals};
use crate::rollup::{Figures, Key, Rollups};
use crate::sketch::Sketch;

const MAGIC: &[u8] = b"FCX1";
/// Bytes of the decoded form, at most: keeps a damaged length from asking for memory.
const DECODED_MAX: usize = 256 << 20;

/// What is known of a segment without its rows.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) derived: Derived,
    /// Sorted; see [`fingerprint`].
    pub(crate) traces: Vec<u32>,
}

/// Four bytes of a trace id; those that W3C Trace Context wants to be random.
pub(crate) fn fingerprint(trace: TraceId) -> u32 {
    let [.., a, b, c, d] = trace.0;
    u32::from_be_bytes([a, b, c, d])
}

/// The fingerprints of the traces of `head`, sorted, each once.
pub(crate) fn fingerprints(head: &Head) -> Vec<u32> {
    let traces: BTreeSet<u32> = head.trace_ids().map(fingerprint).collect();
    traces.into_iter().collect()
}

/// The bytes of the file that keeps this beside the rows.
pub(crate) fn encode(derived: &Derived, traces: &[u32]) -> Vec<u8> {
    let mut out = Out::default();
    write_rollups(&derived.rollups, &mut out);
    write_presence(&derived.presence, &mut out);
    write_lives(&derived.lives, &mut out);
    out.number(traces.len() as u64);
    let mut last = 0;
    for trace in traces {
        out.number(u64::from(trace - last));
        last = *trace;
    }
    let packed = lz4_flex::block::compress_prepend_size(&out.bytes);
    let mut file = MAGIC.to_vec();
    file.extend(crc32fast::hash(&packed).to_le_bytes());
    file.extend(packed);
    file
}

fn write_rollups(rollups: &Rollups, out: &mut Out) {
    out.number(rollups.all().count() as u64);
    for (second, cells) in rollups.all() {
        out.signed(second.0);
        out.number(cells.len() as u64);
        for (key, figures) in cells {
            [&key.service, &key.operation, &key.instance, &key.version]
                .into_iter()
                .for_each(|text| out.text(text));
            [figures.count, figures.errors, figures.messages]
                .into_iter()
                .for_each(|number| out.number(number));
            out.signed(figures.sum_ns);
            out.number(figures.durations.buckets().len() as u64);
            for (bucket, count) in figures.durations.buckets() {
                out.signed(i64::from(*bucket));
                out.number(*count);
            }
        }
    }
}

fn write_presence(presence: &Presence, out: &mut Out) {
    out.number(presence.all().count() as u64);
    for (second, services) in presence.all() {
        out.signed(second.0);
        out.number(services.len() as u64);
        for (service, signals) in services {
            out.text(service);
            [signals.spans, signals.entry_spans, signals.logs, signals.points]
                .into_iter()
                .chain(signals.sampled)
                .for_each(|number| out.number(number));
        }
    }
}

fn write_lives(lives: &Incarnations, out: &mut Out) {
    out.number(lives.all().count() as u64);
    for (service, instance, life) in lives.all() {
        [&**service, &**instance, &*life.version, life.process.as_str()]
            .into_iter()
            .for_each(|text| out.text(text));
        out.signed(life.first.0);
        out.signed(life.last.0);
    }
}

impl Summary {
    /// What was counted in the seconds that begin inside `rollups`, and who sent what in those inside `presence`: each
    /// as if it had been in the first of them, unless single seconds are wanted `by_second`. Days of a segment's seconds
    /// would not fit the memory.
    pub(crate) fn within(&self, rollups: Window, presence: Window, by_second: bool) -> Derived {
        let mut found = Derived::default();
        let mut first = None;
        for (second, cells) in self.derived.rollups.within(rollups) {
            let at = if by_second { second } else { *first.get_or_insert(second) };
            cells.iter().for_each(|(key, figures)| found.rollups.merge(at, key.clone(), figures));
        }
        let mut first = None;
        let there = self.derived.presence.all().filter(|(second, _)| presence.contains(**second));
        for (second, services) in there {
            let at = *first.get_or_insert(*second);
            services.iter().for_each(|(service, signals)| found.presence.add(service, at, signals));
        }
        found
    }

    /// Reads what [`encode`] wrote; nothing when the bytes are not whole.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (sum, packed) = rest.split_first_chunk::<4>()?;
        let (size, _) = packed.split_first_chunk::<4>()?;
        if crc32fast::hash(packed) != u32::from_le_bytes(*sum)
            || u32::from_le_bytes(*size) as usize > DECODED_MAX
        {
            return None;
        }
        let decoded = lz4_flex::block::decompress_size_prepended(packed).ok()?;
        let mut input = In::new(&decoded);
        let mut summary = Self::default();
        summary.read_rollups(&mut input)?;
        summary.read_presence(&mut input)?;
        summary.read_lives(&mut input)?;
        let mut last = 0_u32;
        for _ in 0..input.number()? {
            last = last.checked_add(u32::try_from(input.number()?).ok()?)?;
            summary.traces.push(last);
        }
        input.is_at_end().then_some(summary)
    }

    fn read_rollups(&mut self, input: &mut In<'_>) -> Option<()> {
        for _ in 0..input.number()? {
            let second = UnixNanos(input.signed()?);
            for _ in 0..input.number()? {
                let key = Key {
                    service: input.text()?,
                    operation: input.text()?,
                    instance: input.text()?,
                    version: input.text()?,
                };
                let (count, errors, messages) = (input.number()?, input.number()?, input.number()?);
                let sum_ns = input.signed()?;
                let mut buckets = Vec::new();
                for _ in 0..input.number()? {
                    buckets.push((i16::try_from(input.signed()?).ok()?, input.number()?));
                }
                let durations = Sketch::of(buckets);
                self.derived.rollups.merge(
                    second,
                    key,
                    &Figures { count, errors, messages, sum_ns, durations },
                );
            }
        }
        Some(())
    }

    fn read_presence(&mut self, input: &mut In<'_>) -> Option<()> {
        for _ in 0..input.number()? {
            let second = UnixNanos(input.signed()?);
            for _ in 0..input.number()? {
                let service = input.text()?;
                let mut signals = Signals {
                    spans: input.number()?,
                    entry_spans: input.number()?,
                    logs: input.number()?,
                    points: input.number()?,
                    sampled: [0; EVIDENCE.len()],
                };
                for spans in &mut signals.sampled {
                    *spans = input.number()?;
                }
                self.derived.presence.add(&service, second, &signals);
            }
        }
        Some(())
    }

    fn read_lives(&mut self, input: &mut In<'_>) -> Option<()> {
        for _ in 0..input.number()? {
            let (service, instance, version) = (input.text()?, input.text()?, input.text()?);
            let process = input.text()?.to_string();
            let (first, last) = (UnixNanos(input.signed()?), UnixNanos(input.signed()?));
            self.derived.lives.see(&service, &instance, Life { version, process, first, last });
        }
        Some(())
    }
}
