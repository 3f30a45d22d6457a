//! Single values: numbers in their ranges, text, hex and base64, as the wire wants them.
//!
//! 64-bit integers come as strings or numbers, enums as numbers or names, doubles also as `"NaN"`, `"Infinity"`
//! and `"-Infinity"`. A number out of the range of its field is an error, not a guess.

use crate::schema::{Int, Kind};
use crate::wire::put_varint;

/// Doubles hold every integer up to here.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl Kind {
    /// What a reader of an error should know.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Message(message) => message.name,
            Self::Text => "a string",
            Self::Base64 => "a string in base64",
            Self::Hex => "a string in hex",
            Self::Bool => "true or false",
            Self::Double => "a number",
            Self::Int(_) | Self::Index => "an integer",
            Self::Enum(_) => "an integer or the name of an enum value",
        }
    }

    /// Whether lists of it share one key.
    pub(super) fn is_packed(self) -> bool {
        self.wire_type() != 2
    }

    fn mismatch(self, got: &str) -> String {
        format!("{got}, expected {}", self.expected())
    }

    pub(super) fn put_bool(self, value: bool, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Bool => put_varint(out, u64::from(value)),
            _ => return Err(self.mismatch("a boolean")),
        }
        Ok(())
    }

    pub(super) fn put_integer(self, value: i128, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Double => out.extend((value as f64).to_le_bytes()),
            Self::Int(int) => return int.put(value, out),
            Self::Enum(_) => {
                let value = i32::try_from(value).map_err(|_| "an enum value out of range".to_owned())?;
                put_varint(out, i64::from(value) as u64);
            }
            _ => return Err(self.mismatch("a number")),
        }
        Ok(())
    }

    pub(super) fn put_double(self, value: f64, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Double => out.extend(value.to_le_bytes()),
            Self::Int(_) | Self::Enum(_) if value.fract() == 0.0 && value.abs() <= EXACT_MAX => {
                return self.put_integer(value as i128, out);
            }
            Self::Int(_) | Self::Enum(_) => return Err(self.mismatch("a number that is no exact integer")),
            _ => return Err(self.mismatch("a number")),
        }
        Ok(())
    }

    pub(super) fn put_text(self, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Text => put_bytes(text.as_bytes(), out),
            Self::Base64 => put_bytes(&from_base64(text)?, out),
            Self::Hex => put_bytes(&from_hex(text)?, out),
            Self::Double => {
                let value = match text {
                    "NaN" => f64::NAN,
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    _ => match text.parse::<f64>() {
                        Ok(value) if value.is_finite() => value,
                        _ => return Err(self.mismatch("a string that is no number")),
                    },
                };
                out.extend(value.to_le_bytes());
            }
            Self::Int(int) => {
                let value = text.parse().map_err(|_| self.mismatch("a string that is no integer"))?;
                return int.put(value, out);
            }
            Self::Enum(names) => {
                if let Ok(value) = text.parse::<i32>() {
                    return self.put_integer(i128::from(value), out);
                }
                let found = names.iter().find(|(name, _)| *name == text);
                let (_, value) = found.ok_or_else(|| self.mismatch("an unknown name"))?;
                put_varint(out, u64::from(*value));
            }
            Self::Message(_) | Self::Bool | Self::Index => return Err(self.mismatch("a string")),
        }
        Ok(())
    }
}

impl Int {
    fn put(self, value: i128, out: &mut Vec<u8>) -> Result<(), String> {
        let range = || format!("{value} is out of range");
        match self {
            Self::U32 => put_varint(out, u64::from(u32::try_from(value).map_err(|_| range())?)),
            Self::S32 => {
                let value = i32::try_from(value).map_err(|_| range())?;
                let zigzag = (value << 1) ^ (value >> 31);
                put_varint(out, u64::from(zigzag as u32));
            }
            Self::Fixed32 => out.extend(u32::try_from(value).map_err(|_| range())?.to_le_bytes()),
            Self::I64 => put_varint(out, i64::try_from(value).map_err(|_| range())? as u64),
            Self::U64 => put_varint(out, u64::try_from(value).map_err(|_| range())?),
            Self::Fixed64 => out.extend(u64::try_from(value).map_err(|_| range())?.to_le_bytes()),
            Self::SFixed64 => out.extend(i64::try_from(value).map_err(|_| range())?.to_le_bytes()),
        }
        Ok(())
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
        _ => None,
    });
    bytes
        .collect::<Option<_>>()
        .ok_or_else(|| "not hex; hint: OTLP/JSON writes ids in hex, not base64".to_owned())
}

/// Both alphabets, with and without padding, as the JSON form of protobuf asks.
fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || "not base64".to_owned();
    let digits = text.trim_end_matches('=');
    if digits.len() % 4 == 1 || text.len() - digits.len() > 2 {
        return Err(wrong());
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in digits.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return Err(wrong()),
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Ok(out)
}
