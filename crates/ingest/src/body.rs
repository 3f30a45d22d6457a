//! Takes a body within its limits, decompressing it.
//!
//! What is taken is charged to the memory shared by all bodies, step by step, so that neither a false length nor
//! a bomb takes more than it has shown. One layer of encoding only.

use std::io::{self, Write};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Incoming};
use hyper::header::HeaderName;
use otlp::{Budget, Charge};

use crate::gzip::GzipBody;
use crate::limits::Limits;
use crate::reply::Problem;
use crate::zstd::ZstdBody;

/// Bytes charged at a time.
const STEP_BYTES: u64 = 256 << 10;
/// A body smaller than this may have any ratio.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// What there is, as headers list it.
    pub(crate) const NAMES: &'static str = "identity,gzip,zstd";

    /// The encoding that header `name` tells; nothing told is none.
    pub(crate) fn of(headers: &HeaderMap, name: HeaderName) -> Result<Self, Problem> {
        let mut named = headers.get_all(name).iter();
        let (first, second) = (named.next(), named.next());
        let text = match first.map(|value| value.to_str()) {
            None => "identity",
            Some(Ok(text)) => text.trim(),
            Some(Err(_)) => "not text",
        };
        match (text.to_ascii_lowercase().as_str(), second) {
            ("identity" | "", None) => Ok(Self::Identity),
            ("gzip" | "x-gzip", None) => Ok(Self::Gzip),
            ("zstd", None) => Ok(Self::Zstd),
            _ => Err(Problem::WrongType("the encoding must be gzip, zstd or identity, once")),
        }
    }
}

/// A body that was read, and the memory it holds.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    /// Given back when the request is with the store, which has its own budget.
    pub(crate) charges: Vec<Charge>,
}

/// Where the decompressed bytes go.
struct Sink {
    bytes: Vec<u8>,
    charges: Vec<Charge>,
    budget: Budget,
    limits: Limits,
    wire_bytes: u64,
    /// Why the last write failed, when it was ours to fail.
    problem: Option<Problem>,
}

impl Sink {
    fn new(limits: &Limits, budget: &Budget) -> Self {
        Self {
            bytes: Vec::new(),
            charges: Vec::new(),
            budget: budget.clone(),
            limits: *limits,
            wire_bytes: 0,
            problem: None,
        }
    }

    fn admit(&mut self, more: usize) -> Result<(), Problem> {
        let len = (self.bytes.len() as u64).saturating_add(more as u64);
        if len > self.limits.body_bytes_max {
            return Err(Problem::too_large("bytes, decompressed", self.limits.body_bytes_max));
        }
        let ratio_bytes_max = self.wire_bytes.saturating_mul(self.limits.ratio_max);
        if len > RATIO_FREE_BYTES && len > ratio_bytes_max {
            return Err(Problem::too_large("times its compressed size", self.limits.ratio_max));
        }
        let charged: u64 = self.charges.iter().map(Charge::bytes).sum();
        if len > charged {
            let step = (len - charged).div_ceil(STEP_BYTES).saturating_mul(STEP_BYTES);
            let charge = self.budget.charge(step).ok_or(Problem::Busy)?;
            self.charges.push(charge);
            // Room for what is charged and no more: a vector that doubles would hold up to twice as much.
            let room = charged.saturating_add(step).saturating_sub(self.bytes.len() as u64);
            self.bytes.reserve_exact(usize::try_from(room).unwrap_or(more));
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(problem) = self.admit(bytes.len()) {
            self.problem = Some(problem);
            return Err(io::Error::other("over a limit"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes a body chunk by chunk.
pub(crate) struct Decoder {
    form: DecoderForm,
}

enum DecoderForm {
    Identity(Sink),
    Gzip(Box<GzipBody<Sink>>),
    Zstd(Box<ZstdBody<Sink>>),
}

impl Decoder {
    pub(crate) fn new(encoding: Encoding, limits: &Limits, budget: &Budget) -> Self {
        let sink = Sink::new(limits, budget);
        let form = match encoding {
            Encoding::Identity => DecoderForm::Identity(sink),
            Encoding::Gzip => DecoderForm::Gzip(Box::new(GzipBody::new(sink))),
            Encoding::Zstd => DecoderForm::Zstd(Box::new(ZstdBody::new(sink, budget.clone()))),
        };
        Self { form }
    }

    fn sink(&mut self) -> Option<&mut Sink> {
        match &mut self.form {
            DecoderForm::Identity(sink) => Some(sink),
            DecoderForm::Gzip(body) => body.out(),
            DecoderForm::Zstd(body) => Some(body.out()),
        }
    }

    /// Takes the next bytes from the wire.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        let sink = self.sink().ok_or(Problem::Bug)?;
        sink.wire_bytes = sink.wire_bytes.saturating_add(chunk.len() as u64);
        let wire_bytes_max = sink.limits.wire_bytes_max;
        if sink.wire_bytes > wire_bytes_max {
            return Err(Problem::too_large("bytes", wire_bytes_max));
        }
        let written = match &mut self.form {
            DecoderForm::Identity(sink) => sink.write_all(chunk),
            DecoderForm::Gzip(body) => body.take(chunk),
            DecoderForm::Zstd(body) => return body.take(chunk).ok_or(Problem::Busy),
        };
        written.map_err(|error| self.problem(&error))
    }

    fn problem(&mut self, error: &io::Error) -> Problem {
        let ours = self.sink().and_then(|sink| sink.problem.take());
        ours.unwrap_or_else(|| {
            let encoding = if matches!(self.form, DecoderForm::Zstd(_)) { "zstd" } else { "gzip" };
            Problem::Malformed(format!("bad {encoding}: {error}"))
        })
    }

    /// The whole body, once its last bytes were taken.
    pub(crate) fn finish(mut self) -> Result<Read, Problem> {
        let finished = match &mut self.form {
            DecoderForm::Identity(_) => Ok(()),
            DecoderForm::Gzip(body) => body.try_finish(),
            DecoderForm::Zstd(body) => match body.charge_window() {
                Some(_window) => body.decode(),
                None => return Err(Problem::Busy),
            },
        };
        finished.map_err(|error| self.problem(&error))?;
        let sink = self.sink().ok_or(Problem::Bug)?;
        Ok(Read {
            bytes: Bytes::from(std::mem::take(&mut sink.bytes)),
            charges: std::mem::take(&mut sink.charges),
        })
    }
}

/// Reads `body` to its end.
pub(crate) async fn read(
    body: &mut Incoming,
    encoding: Encoding,
    limits: &Limits,
    budget: &Budget,
) -> Result<Read, Problem> {
    if body.size_hint().lower() > limits.wire_bytes_max {
        return Err(Problem::too_large("bytes", limits.wire_bytes_max));
    }
    let mut decoder = Decoder::new(encoding, limits, budget);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::Malformed(format!("broken body: {error}")))?;
        if let Some(chunk) = frame.data_ref() {
            decoder.take(chunk)?;
        }
    }
    decoder.finish()
}
