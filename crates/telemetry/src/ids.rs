//! Identifiers: traces, spans, spaces, sources, questions.
//!
//! Mints none of them: ids that need chance come from `platform`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A trace id: 16 bytes, never all zero (W3C Trace Context, `trace-id`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// A span id: 8 bytes, never all zero (W3C Trace Context, `parent-id`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

/// The text was not the expected number of hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected} hexadecimal digits that are not all zero, got `{got}`")]
pub struct ParseIdError {
    expected: usize,
    got: String,
}

macro_rules! hex_id {
    ($name:ident, $bytes:literal) => {
        impl $name {
            /// The id of these bytes, or nothing when the length is wrong or all bytes are zero.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                let bytes: [u8; $bytes] = bytes.try_into().ok()?;
                bytes.iter().any(|byte| *byte != 0).then_some(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let wrong = || ParseIdError { expected: $bytes * 2, got: text.chars().take(64).collect() };
                if text.len() != $bytes * 2 || !text.is_ascii() {
                    return Err(wrong());
                }
                let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
                let bytes: Option<Vec<u8>> = (0..$bytes).map(|index| digit(index * 2)).collect();
                bytes.and_then(|bytes| Self::from_slice(&bytes)).ok_or_else(wrong)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": format!("^[0-9a-f]{{{}}}$", $bytes * 2),
                })
            }
        }
    };
}

hex_id!(TraceId, 16);
hex_id!(SpanId, 8);

/// A separate area with its own data: every question and every request names one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Space(String);

/// The text cannot name a space.
#[derive(Debug, thiserror::Error)]
#[error("a space is 1 to 64 of `a-z 0-9 - _`, starting with a letter or digit, got `{0}`")]
pub struct ParseSpaceError(String);

impl Default for Space {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl Space {
    /// The name, safe as a folder name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Space {
    type Err = ParseSpaceError;

    fn from_str(text: &str) -> Result<Self, ParseSpaceError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let starts = text.bytes().next().is_some_and(plain);
        if starts && text.len() <= 64 && text.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_')
        {
            return Ok(Self(text.to_owned()));
        }
        Err(ParseSpaceError(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Space {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The configured name of a source, as evidence cites it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct SourceName(pub String);

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a question within one investigation: `q0001`, in the order of asking.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct QuestionId(pub String);

impl QuestionId {
    /// The id of the `number`th question, counted from one.
    #[must_use]
    pub fn numbered(number: usize) -> Self {
        Self(format!("q{number:04}"))
    }
}

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_as_hex_and_refuse_zero() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(text.parse::<TraceId>().unwrap().to_string(), text);
        assert!("00000000000000000000000000000000".parse::<TraceId>().is_err());
        assert!("0af765".parse::<SpanId>().is_err());
        assert!(SpanId::from_slice(&[0; 8]).is_none());
    }

    #[test]
    fn a_space_name_is_safe_as_a_folder() {
        assert!("default".parse::<Space>().is_ok());
        assert!("../etc".parse::<Space>().is_err());
        assert!("".parse::<Space>().is_err());
    }
}
