//! Text as a string in double quotes, as Go reads it: LogsQL, LogQL and TraceQL all do.
//!
//! Nothing in the text can end the string. Names and regular expressions are the callers' own.

/// The text as a string.
pub(crate) fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_cannot_end_its_string() {
        assert_eq!(super::text("a\"b\\c\nd\u{e4}"), "\"a\\\"b\\\\c\\u000ad\u{e4}\"");
        assert_eq!(super::text(""), "\"\"");
    }
}
