//! What stands after the `?`, and what a form sends: names and values.
//!
//! Knows no names; a value that cannot be read is left as it stands.

use serde_json::{Map, Value};

/// Names and values read at most; a form of ours has five.
const PAIRS_MAX: usize = 32;

/// Names and values of a query or an urlencoded form.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn read(text: &str) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(name), decoded(value))
        };
        Self { pairs: text.split('&').filter(|part| !part.is_empty()).take(PAIRS_MAX).map(pair).collect() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    /// As the arguments of a tool: texts, of a repeated name the first one.
    pub(crate) fn into_arguments(self) -> Map<String, Value> {
        let mut arguments = Map::new();
        for (name, value) in self.pairs {
            arguments.entry(name).or_insert_with(|| Value::from(value));
        }
        arguments
    }
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                match (digit(ahead.next()), digit(ahead.next())) {
                    (Some(high), Some(low)) => {
                        bytes.push((high * 16 + low) as u8);
                        rest = ahead;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded_and_broken_ones_stay() {
        let query = Query::read("a=1&comment=go+on%21%0A&b&c=%zz&d=%E2%82%AC");
        assert_eq!(query.get("a"), Some("1"));
        assert_eq!(query.get("comment"), Some("go on!\n"));
        assert_eq!(query.get("b"), Some(""));
        assert_eq!(query.get("c"), Some("%zz"));
        assert_eq!(query.get("d"), Some("\u{20AC}"));
        assert_eq!(query.get("e"), None);
    }
}
