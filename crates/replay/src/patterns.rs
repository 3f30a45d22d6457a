//! Regular expressions of expectations, compiled once.
//!
//! The engine is a small one with linear time: a pattern from a file cannot hang the gate.

use std::collections::BTreeMap;

use evidence::expectations::Texts;
use regex_lite::Regex;

/// Compiled patterns by their text.
#[derive(Debug, Default)]
pub struct Patterns {
    compiled: BTreeMap<String, Regex>,
}

impl Patterns {
    /// Compiles `pattern`, so that it can be matched.
    ///
    /// # Errors
    /// When it is no regular expression; the text says why.
    pub fn compile(&mut self, pattern: &str) -> Result<(), String> {
        let regex = Regex::new(pattern).map_err(|error| error.to_string())?;
        self.compiled.insert(pattern.to_owned(), regex);
        Ok(())
    }
}

impl Texts for Patterns {
    /// A pattern that was not compiled before is compiled for this once; what does not compile matches nothing.
    fn is_match(&self, pattern: &str, text: &str) -> bool {
        match self.compiled.get(pattern) {
            Some(regex) => regex.is_match(text),
            None => Regex::new(pattern).is_ok_and(|regex| regex.is_match(text)),
        }
    }
}
