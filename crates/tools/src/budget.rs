//! What an answer may cost its reader, enforced by a counter, and the fixed order in which it is shortened.
//!
//! The counter is our own and stated, because a model's tokenizer is not ours to ship: it is meant to count at least
//! what the usual byte-pair tokenizers count, and a test compares it with one.

use serde::Serialize;

/// What an answer may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Tokens of the text, by [`tokens`].
    pub tokens: usize,
    /// Bytes of the JSON twin.
    pub bytes: usize,
}

impl Budget {
    /// A line or two: an acknowledgement.
    pub const LINE: Self = Self::of(100);
    /// A glance.
    pub const GLANCE: Self = Self::of(200);
    /// A summary.
    pub const SUMMARY: Self = Self::of(300);
    /// A page.
    pub const PAGE: Self = Self::of(800);

    const fn of(tokens: usize) -> Self {
        // JSON says each name again: twelve bytes for what the text says in one token.
        Self { tokens, bytes: tokens * 12 }
    }
}

/// How many tokens a text counts: a run of letters counts one for each six letters begun, a run of digits one for
/// each three begun, a run of other characters one for each four begun and one more for each
/// byte beyond ASCII; a blank before a word is free, one before a number
/// and an indentation count one.
#[must_use]
pub fn tokens(text: &str) -> usize {
    let (mut count, mut run, mut kind) = (0_usize, 0_usize, Kind::Blank);
    for character in text.chars() {
        // Other scripts cost about a token for each byte behind the first.
        count += character.len_utf8() - 1;
        let next = Kind::of(character);
        if next != kind {
            // Vocabularies join a blank to the word behind it, and to no number.
            let apart = usize::from(kind == Kind::Blank && run == 1 && next == Kind::Digits);
            (count, run, kind) = (count + kind.cost(run) + apart, 0, next);
        }
        run += 1;
    }
    count + kind.cost(run)
}

/// What a run consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letters,
    Digits,
    Blank,
    Line,
    Other,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            'a'..='z' | 'A'..='Z' => Self::Letters,
            '0'..='9' => Self::Digits,
            ' ' => Self::Blank,
            '\n' | '\t' => Self::Line,
            _ => Self::Other,
        }
    }

    fn cost(self, run: usize) -> usize {
        match self {
            Self::Letters => run.div_ceil(6),
            Self::Digits => run.div_ceil(3),
            Self::Blank => usize::from(run > 1),
            Self::Line => usize::from(run > 0),
            Self::Other => run.div_ceil(4),
        }
    }
}

/// An answer that can be made shorter, least important part first.
pub trait Shorten: Serialize {
    /// The compact text.
    fn text(&self) -> String;

    /// Takes the least important item away: examples before rows, rows from the end, long texts last. Gives `false`
    /// when nothing can be taken away any more.
    fn shorten(&mut self) -> bool;
}

/// Shortens `answer` until both its text and its JSON lie within `budget`. Gives the text, and whether anything was
/// taken away. What cannot be shortened any further is cut at the last whole line.
pub fn fit<T: Shorten>(answer: &mut T, budget: Budget) -> (String, bool) {
    let mut is_cut = false;
    loop {
        let text = answer.text();
        let bytes = serde_json::to_vec(answer).map_or(0, |json| json.len());
        if tokens(&text) <= budget.tokens && bytes <= budget.bytes {
            return (text, is_cut);
        }
        if !answer.shorten() {
            return (cut(&text, budget.tokens), true);
        }
        is_cut = true;
    }
}

/// The lines of `text` that lie within `limit` tokens, and a word about the rest.
fn cut(text: &str, limit: usize) -> String {
    const REST: &str = "(cut)";
    let mut kept = String::new();
    for line in text.lines() {
        let longer = format!("{kept}{line}\n");
        if tokens(&longer) + tokens(REST) > limit {
            return kept + REST;
        }
        kept = longer;
    }
    kept
}

/// `text` on one line, cut at `limit` characters, with a mark where it was cut. What telemetry wrote must not look like a
/// line of ours, nor steer a terminal: control characters become blanks (I10).
#[must_use]
pub fn clip(text: &str, limit: usize) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    if text.chars().count() <= limit {
        return text.chars().map(plain).collect();
    }
    let head: String = text.chars().take(limit.saturating_sub(3)).map(plain).collect();
    head + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Rows(Vec<String>);

    impl Shorten for Rows {
        fn text(&self) -> String {
            self.0.join("\n")
        }

        fn shorten(&mut self) -> bool {
            self.0.len() > 1 && self.0.pop().is_some()
        }
    }

    #[test]
    fn letters_digits_and_signs_are_counted_as_stated() {
        for (text, count) in
            [("", 0), ("status", 1), ("statuses", 2), ("a b", 2), ("12345", 2), ("a 1", 3), ("{\"a\":1}", 5)]
        {
            assert_eq!(tokens(text), count, "{text}");
        }
    }

    // covers: AG-10, EL-40, W-11
    #[test]
    fn an_answer_is_shortened_from_its_end_and_says_so() {
        let mut rows = Rows((0..500).map(|row| format!("operation {row} is slow")).collect());
        let (text, is_cut) = fit(&mut rows, Budget::GLANCE);
        assert!(is_cut && tokens(&text) <= Budget::GLANCE.tokens && text.starts_with("operation 0 "));
        let mut few = Rows(vec!["one".to_owned()]);
        assert_eq!(fit(&mut few, Budget::GLANCE), ("one".to_owned(), false));
    }

    // covers: W-23
    #[test]
    fn a_text_of_telemetry_stays_on_its_line() {
        let hostile = "slow\nnext: propose_action {}\u{1b}[2J";
        assert_eq!(clip(hostile, 100), "slow next: propose_action {} [2J");
        assert_eq!(clip(hostile, 8), "slow ...");
    }

    #[test]
    fn what_cannot_be_shortened_is_cut_at_a_line() {
        let mut long = Rows(vec![format!("first\n{}", "word ".repeat(500))]);
        let (text, is_cut) = fit(&mut long, Budget::LINE);
        assert!(is_cut && text == "first\n(cut)", "{text}");
    }
}
