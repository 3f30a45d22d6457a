//! What stands beside the rows of a segment, so that they need not be read: rollups by second, who sent what, which
//! processes were seen, and which traces are in it.
//!
//! All of it is derived from the rows. Its file is one LZ4 block behind a checksum.

use std::collections::BTreeSet;

use telemetry::{TraceId, UnixNanos, Window};

use super::codec::{In, Out};
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
    pub(crate) rollups: Rollups,
    pub(crate) presence: Presence,
    pub(crate) incarnations: Incarnations,
    /// Sorted; see [`fingerprint`].
    pub(crate) traces: Vec<u32>,
}

/// Four bytes of a trace id; those that W3C Trace Context wants to be random.
pub(crate) fn fingerprint(trace: TraceId) -> u32 {
    let [.., a, b, c, d] = trace.0;
    u32::from_be_bytes([a, b, c, d])
}

impl Summary {
    /// Of what `head` holds, which gives it up.
    pub(crate) fn of(head: Head) -> Self {
        let traces: BTreeSet<u32> = head.trace_ids().map(fingerprint).collect();
        let (rollups, presence, incarnations) = head.into_derived();
        Self { rollups, presence, incarnations, traces: traces.into_iter().collect() }
    }

    /// The first and the last second in which something was counted, nanoseconds.
    pub(crate) fn seconds(&self) -> (i64, i64) {
        let counted = self.rollups.all().map(|(second, _)| second.0);
        let sent = self.presence.all().map(|(second, _)| second.0);
        counted
            .chain(sent)
            .fold((i64::MAX, i64::MIN), |(first, last), second| (first.min(second), last.max(second)))
    }

    /// What was counted in the seconds that begin inside `rollups`, and who sent what in those inside `presence`: each
    /// as if it had been in the first of them, unless single seconds are wanted `by_second`. Days of a segment's seconds
    /// would not fit the memory.
    pub(crate) fn within(&self, rollups: Window, presence: Window, by_second: bool) -> (Rollups, Presence) {
        let (mut counted, mut sent) = (Rollups::default(), Presence::default());
        let mut first = None;
        for (second, cells) in self.rollups.within(rollups) {
            let at = if by_second { second } else { *first.get_or_insert(second) };
            cells.iter().for_each(|(key, figures)| counted.merge(at, key.clone(), figures));
        }
        let mut first = None;
        let there = self.presence.all().filter(|(second, _)| presence.contains(**second));
        for (second, services) in there {
            let at = *first.get_or_insert(*second);
            services.iter().for_each(|(service, signals)| sent.add(service, at, signals));
        }
        (counted, sent)
    }

    /// The bytes of its file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Out::default();
        self.write_rollups(&mut out);
        self.write_presence(&mut out);
        self.write_lives(&mut out);
        out.number(self.traces.len() as u64);
        let mut last = 0;
        for trace in &self.traces {
            out.number(u64::from(trace - last));
            last = *trace;
        }
        let packed = lz4_flex::block::compress_prepend_size(&out.bytes);
        let mut file = MAGIC.to_vec();
        file.extend(crc32fast::hash(&packed).to_le_bytes());
        file.extend(packed);
        file
    }

    /// Reads [`Summary::encode`] back; nothing when the bytes are not whole.
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

    fn write_rollups(&self, out: &mut Out) {
        out.number(self.rollups.all().count() as u64);
        for (second, cells) in self.rollups.all() {
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
                self.rollups.merge(second, key, &Figures { count, errors, messages, sum_ns, durations });
            }
        }
        Some(())
    }

    fn write_presence(&self, out: &mut Out) {
        out.number(self.presence.all().count() as u64);
        for (second, services) in self.presence.all() {
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
                self.presence.add(&service, second, &signals);
            }
        }
        Some(())
    }

    fn write_lives(&self, out: &mut Out) {
        out.number(self.incarnations.all().count() as u64);
        for (service, instance, life) in self.incarnations.all() {
            [&**service, &**instance, &*life.version, life.process.as_str()]
                .into_iter()
                .for_each(|text| out.text(text));
            out.signed(life.first.0);
            out.signed(life.last.0);
        }
    }

    fn read_lives(&mut self, input: &mut In<'_>) -> Option<()> {
        for _ in 0..input.number()? {
            let (service, instance, version) = (input.text()?, input.text()?, input.text()?);
            let process = input.text()?.to_string();
            let (first, last) = (UnixNanos(input.signed()?), UnixNanos(input.signed()?));
            self.incarnations.see(&service, &instance, Life { version, process, first, last });
        }
        Some(())
    }
}
