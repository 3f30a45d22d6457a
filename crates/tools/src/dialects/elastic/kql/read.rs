//! Reads a filter: one pass over its characters, no deeper than [`DEPTH_MAX`].

use telemetry::UnixNanos;

use super::value::{Condition, Literal, Side};
use super::{KqlError, Name, Node};

/// Parentheses and negations within each other.
const DEPTH_MAX: usize = 64;
/// Characters that end a word unless a `\` stands before them.
const SPECIAL: &[char] = &['\\', '(', ')', ':', '<', '>', '"', '*', '{', '}'];
const KEYWORDS: [&str; 3] = ["or", "and", "not"];

pub(super) fn query(text: &str, now: UnixNanos) -> Result<Node, KqlError> {
    let mut reader = Reader { text, chars: text.chars().collect(), at: 0, now, depth: 0 };
    reader.blanks();
    if reader.is_over() {
        return Ok(Node::All);
    }
    let node = reader.either(None)?;
    reader.blanks();
    if reader.is_over() { Ok(node) } else { Err(reader.wrong("expected `and`, `or` or the end")) }
}

struct Reader<'a> {
    text: &'a str,
    chars: Vec<char>,
    at: usize,
    now: UnixNanos,
    depth: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: impl Into<String>) -> KqlError {
        KqlError::new(self.text, self.at, what)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn is_over(&self) -> bool {
        self.at >= self.chars.len()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn takes(&mut self, character: char) -> bool {
        let is_next = self.peek() == Some(character);
        self.at += usize::from(is_next);
        is_next
    }

    /// Whether this word of the language stands at `at`, with a blank behind it.
    fn is_keyword(&self, at: usize, word: &str) -> bool {
        let rest = self.chars.get(at..).unwrap_or_default();
        let is_word = rest.len() > word.len()
            && rest.iter().zip(word.chars()).all(|(character, of)| character.to_ascii_lowercase() == of);
        is_word && rest.get(word.len()).is_some_and(|c| c.is_whitespace() || *c == '(')
    }

    /// Takes blanks, the word and nothing when it does not stand there.
    fn takes_keyword(&mut self, word: &str) -> bool {
        let before = self.at;
        self.blanks();
        if self.is_keyword(self.at, word) {
            self.at += word.len();
            return true;
        }
        self.at = before;
        false
    }

    /// Parts with `or` between them; values of `field` when there is one.
    fn either(&mut self, field: Option<&Name>) -> Result<Node, KqlError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong(format!("more than {DEPTH_MAX} parts within each other")));
        }
        let mut nodes = vec![self.both(field)?];
        while self.takes_keyword("or") {
            nodes.push(self.both(field)?);
        }
        self.depth -= 1;
        Ok(one_or(nodes, Node::Or))
    }

    fn both(&mut self, field: Option<&Name>) -> Result<Node, KqlError> {
        let mut nodes = vec![self.negated(field)?];
        while self.takes_keyword("and") {
            nodes.push(self.negated(field)?);
        }
        Ok(one_or(nodes, Node::And))
    }

    fn negated(&mut self, field: Option<&Name>) -> Result<Node, KqlError> {
        let mut negations = 0_usize;
        while self.takes_keyword("not") {
            negations += 1;
        }
        self.blanks();
        let node = match field {
            Some(field) => self.value(field)?,
            None => self.part()?,
        };
        // Two negations are none, and a chain of them is no depth.
        Ok(if negations % 2 == 1 { Node::Not(Box::new(node)) } else { node })
    }

    /// `( ... )`, `field: { ... }`, `field: value`, `field >= value`, or a value alone.
    fn part(&mut self) -> Result<Node, KqlError> {
        if self.takes('(') {
            let node = self.either(None)?;
            return self.closed(')', node);
        }
        let literal = self.literal()?;
        self.blanks();
        if let Some(side) = self.side() {
            return self.range(literal, side);
        }
        if !self.takes(':') {
            let is_all = literal.is_anything();
            return Ok(if is_all { Node::All } else { Node::Anywhere(literal) });
        }
        let name = Name::of(literal);
        self.blanks();
        if self.takes('{') {
            let node = self.either(None)?;
            return self.closed('}', Node::Nested(name, Box::new(node)));
        }
        if self.peek().is_none() {
            return Err(self.wrong("expected a value, `(` or `{`"));
        }
        self.value(&name)
    }

    /// A value, or a list of values in parentheses.
    fn value(&mut self, name: &Name) -> Result<Node, KqlError> {
        if self.takes('(') {
            let node = self.either(Some(name))?;
            return self.closed(')', node);
        }
        let literal = self.literal()?;
        let at = literal.at;
        if name.literal.is_anything() && literal.is_anything() {
            return Ok(Node::All);
        }
        if name.literal.is_anything() {
            return Ok(Node::Anywhere(literal));
        }
        let condition = Condition::is(&name.literal.shown(), literal, self.now);
        condition
            .map(|condition| Node::Field(name.clone(), condition))
            .map_err(|what| KqlError::new(self.text, at, what))
    }

    fn side(&mut self) -> Option<Side> {
        let is_below = self.takes('<');
        if !is_below && !self.takes('>') {
            return None;
        }
        Some(match (is_below, self.takes('=')) {
            (true, false) => Side::Below,
            (true, true) => Side::AtMost,
            (false, false) => Side::Above,
            (false, true) => Side::AtLeast,
        })
    }

    fn range(&mut self, field: Literal, side: Side) -> Result<Node, KqlError> {
        self.blanks();
        let literal = self.literal()?;
        let condition = Condition::beyond(&field.shown(), side, &literal, self.now)
            .map_err(|what| KqlError::new(self.text, literal.at, what))?;
        Ok(Node::Field(Name::of(field), condition))
    }

    fn closed(&mut self, with: char, node: Node) -> Result<Node, KqlError> {
        self.blanks();
        if self.takes(with) { Ok(node) } else { Err(self.wrong(format!("expected `{with}`"))) }
    }

    fn literal(&mut self) -> Result<Literal, KqlError> {
        let at = self.at;
        if self.takes('"') { self.quoted(at) } else { self.unquoted(at) }
    }

    fn quoted(&mut self, at: usize) -> Result<Literal, KqlError> {
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(KqlError::new(self.text, at, "this quotation mark is not closed")),
                Some('"') => break,
                Some('\\') => text.push(self.escaped_in_quotes()),
                Some(character) => {
                    text.push(character);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok(Literal { pieces: vec![text], is_quoted: true, at })
    }

    fn unquoted(&mut self, at: usize) -> Result<Literal, KqlError> {
        if let Some(word) = KEYWORDS.into_iter().find(|word| self.is_keyword(at, word)) {
            return Err(self.wrong(format!("expected a field or a value before `{word}`")));
        }
        let (mut pieces, mut text) = (Vec::new(), String::new());
        while let Some(character) = self.peek() {
            match character {
                '*' => {
                    pieces.push(std::mem::take(&mut text));
                    self.at += 1;
                }
                '\\' => text.push_str(&self.escaped_or_keyword()?),
                special if SPECIAL.contains(&special) => break,
                blank if blank.is_whitespace() => {
                    let mut next = self.at;
                    while self.chars.get(next).is_some_and(|c| c.is_whitespace()) {
                        next += 1;
                    }
                    if KEYWORDS.iter().any(|word| self.is_keyword(next, word)) {
                        break;
                    }
                    text.extend(self.chars.get(self.at..next).unwrap_or_default());
                    self.at = next;
                }
                plain => {
                    text.push(plain);
                    self.at += 1;
                }
            }
        }
        if pieces.is_empty() {
            text = text.trim().to_owned();
            if text.is_empty() {
                return Err(self.wrong("expected a field or a value"));
            }
        }
        pieces.push(text.trim_end().to_owned());
        Ok(Literal { pieces, is_quoted: false, at })
    }

    /// In quotation marks only they themselves, `\\`, blanks and code points are escaped: another `\\` stands for itself.
    fn escaped_in_quotes(&mut self) -> char {
        let is_known = matches!(self.chars.get(self.at + 1), Some('\\' | '"' | 't' | 'r' | 'n' | 'u'));
        match is_known.then(|| self.escaped()) {
            Some(Ok(character)) => character,
            _ => {
                self.at += 1;
                '\\'
            }
        }
    }

    /// `\or`, `\and`, `\not`, or an escaped character.
    fn escaped_or_keyword(&mut self) -> Result<String, KqlError> {
        let rest: String = self.chars.iter().skip(self.at + 1).take(3).collect::<String>();
        let keyword = KEYWORDS.iter().find(|word| rest.to_ascii_lowercase().starts_with(**word));
        match keyword.and_then(|word| rest.get(..word.len())) {
            Some(word) => {
                self.at += 1 + word.len();
                Ok(word.to_owned())
            }
            None => self.escaped().map(String::from),
        }
    }

    fn escaped(&mut self) -> Result<char, KqlError> {
        let code = self.chars.get(self.at + 1).copied();
        let character = match code {
            Some('t') => '\t',
            Some('r') => '\r',
            Some('n') => '\n',
            Some('u') => {
                let hex: String = self.chars.iter().skip(self.at + 2).take(4).collect();
                let character =
                    u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == 4).and_then(char::from_u32);
                let character =
                    character.ok_or_else(|| self.wrong("expected four hex digits after `\\u`"))?;
                self.at += 6;
                return Ok(character);
            }
            Some(special) if SPECIAL.contains(&special) => special,
            _ => {
                return Err(
                    self.wrong("`\\` stands before one of \\ ( ) : < > \" * { }, `t`, `r`, `n` or `u`")
                );
            }
        };
        self.at += 2;
        Ok(character)
    }
}

fn one_or(mut nodes: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    if nodes.len() == 1 { nodes.pop().unwrap_or(Node::All) } else { many(nodes) }
}
