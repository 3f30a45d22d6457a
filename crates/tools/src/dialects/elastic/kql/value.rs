//! The values of a filter, and whether a record's value is one of them.

use telemetry::UnixNanos;

use super::record::Held;
use crate::dialects::elastic::fields::{self, Kind};
use crate::when::{self, Rounding};

/// What a field is asked to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// There at all.
    There,
    /// A value, a pattern or words.
    Is(Literal),
    /// A number: the one of the literal in the field's unit.
    Equals(f64),
    /// Inside a stretch of time, the end excluded.
    Within(UnixNanos, UnixNanos),
    /// Below or above a value.
    Beyond(Side, Bound),
}

/// Which side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// What a range ends at.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bound {
    Number(f64),
    Time(UnixNanos),
    Text(String),
}

/// A text of a filter: pieces with wildcards between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Literal {
    /// At least one; a wildcard stands between two.
    pub(super) pieces: Vec<String>,
    /// Whether it stands in quotation marks.
    pub(super) is_quoted: bool,
    /// Characters before it.
    pub(super) at: usize,
}

impl Literal {
    /// The text, when it has no wildcard.
    pub(super) fn plain(&self) -> Option<String> {
        match self.pieces.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    pub(super) fn shown(&self) -> String {
        self.pieces.join("*")
    }

    pub(super) fn is_anything(&self) -> bool {
        self.pieces.len() > 1 && self.pieces.iter().all(String::is_empty)
    }

    /// A word that a text must hold to match.
    pub(super) fn demanded_word(&self) -> Option<String> {
        let words = words(&self.plain()?);
        if !self.is_quoted && words.len() > 1 {
            return None;
        }
        words.into_iter().max_by_key(String::len)
    }

    /// Whether a whole value is this one, or fits the pattern.
    pub(super) fn fits(&self, value: &str) -> bool {
        fits(&self.pieces, value)
    }

    /// Whether a text holds the words: any one of them; all in a row when quoted.
    fn is_in(&self, text: &str) -> bool {
        let held = words(text);
        let Some(plain) = self.plain() else {
            let pieces: Vec<String> = self.pieces.iter().map(|piece| piece.to_lowercase()).collect();
            let is_of_words = !pieces.iter().any(|piece| piece.contains(' '));
            return if is_of_words {
                held.iter().any(|word| fits(&pieces, word))
            } else {
                fits(&pieces, &text.to_lowercase())
            };
        };
        let asked = words(&plain);
        if self.is_quoted {
            !asked.is_empty() && held.windows(asked.len()).any(|row| row == asked)
        } else {
            asked.iter().any(|word| held.contains(word))
        }
    }
}

/// Whether `value` begins with the first piece, ends with the last one, and holds the others in between in their order.
fn fits(pieces: &[String], value: &str) -> bool {
    let Some((first, others)) = pieces.split_first() else { return false };
    let Some((last, middle)) = others.split_last() else { return first == value };
    let Some(mut rest) = value.strip_prefix(first.as_str()) else { return false };
    for piece in middle {
        match rest.split_once(piece.as_str()) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

/// The words of a text in lower case: letters, digits and `_`, and a dot or apostrophe between two letters or two digits.
pub(super) fn words(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let (mut words, mut word) = (Vec::new(), String::new());
    for (place, character) in text.iter().enumerate() {
        let is_inside = matches!(character, '.' | '\'') && {
            let neighbour = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().unwrap_or(' ');
            let (before, after) = (neighbour(place.checked_sub(1)), neighbour(place.checked_add(1)));
            (before.is_alphabetic() && after.is_alphabetic()) || (before.is_numeric() && after.is_numeric())
        };
        if character.is_alphanumeric() || *character == '_' || is_inside {
            word.extend(character.to_lowercase());
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

impl Condition {
    /// What `field: literal` asks of a field of `kind`.
    ///
    /// # Errors
    /// A sentence, when the literal is no value of such a field.
    pub(super) fn is(field: &str, literal: Literal, now: UnixNanos) -> Result<Self, String> {
        if literal.is_anything() {
            return Ok(Self::There);
        }
        let resolved = fields::resolve(field);
        let Some(plain) = literal.plain() else { return Ok(Self::Is(literal)) };
        Ok(match resolved.kind {
            Kind::Number | Kind::Duration => Self::Equals(number(field, &plain)? * resolved.factor),
            Kind::Time => {
                let at = |rounding| when::rounded(&plain, now, rounding).map_err(|error| error.to_string());
                let (from, to) = (at(Rounding::Down)?, at(Rounding::Up)?);
                // A time with all its parts is a moment; a day is all of it.
                Self::Within(from, to.max(UnixNanos(from.0.saturating_add(1))))
            }
            Kind::Keyword | Kind::Folded | Kind::Text => {
                let value = fields::plain_value(&resolved.name, &plain).to_owned();
                Self::Is(Literal { pieces: vec![value], ..literal })
            }
        })
    }

    /// What `field < literal` and its like ask of a field.
    ///
    /// # Errors
    /// A sentence, when the literal bounds nothing.
    pub(super) fn beyond(field: &str, side: Side, literal: &Literal, now: UnixNanos) -> Result<Self, String> {
        let Some(plain) = literal.plain() else {
            return Err("a range ends at a value, not at a pattern".to_owned());
        };
        let resolved = fields::resolve(field);
        let bound = match resolved.kind {
            Kind::Number | Kind::Duration => Bound::Number(number(field, &plain)? * resolved.factor),
            Kind::Time => {
                let rounding =
                    if matches!(side, Side::Above | Side::AtMost) { Rounding::Up } else { Rounding::Down };
                let at = when::rounded(&plain, now, rounding).map_err(|error| error.to_string())?;
                let is_rounded = when::rounded(&plain, now, Rounding::Down).is_ok_and(|down| down != at);
                // Up is the first moment that is no longer meant: after a day, and not at its last moment, begins at it.
                let side = match side {
                    Side::Above if is_rounded => Side::AtLeast,
                    Side::AtMost if is_rounded => Side::Below,
                    side => side,
                };
                return Ok(Self::Beyond(side, Bound::Time(at)));
            }
            Kind::Keyword | Kind::Folded | Kind::Text => match plain.parse::<f64>() {
                Ok(number) if number.is_finite() => Bound::Number(number),
                _ => Bound::Text(plain),
            },
        };
        Ok(Self::Beyond(side, bound))
    }

    /// Whether a record's value is so.
    pub(super) fn holds(&self, kind: Kind, held: &Held) -> bool {
        match self {
            Self::There => true,
            Self::Is(literal) => literal.is_of(kind, held),
            Self::Equals(number) => held.number().is_some_and(|held| held == *number),
            Self::Within(from, to) => held.time().is_some_and(|at| *from <= at && at < *to),
            Self::Beyond(side, bound) => match bound {
                Bound::Number(bound) => {
                    held.number().is_some_and(|held| side.admits(held.partial_cmp(bound)))
                }
                Bound::Time(bound) => held.time().is_some_and(|held| side.admits(Some(held.cmp(bound)))),
                Bound::Text(bound) => side.admits(Some(held.text().as_str().cmp(bound.as_str()))),
            },
        }
    }
}

impl Literal {
    pub(super) fn is_of(&self, kind: Kind, held: &Held) -> bool {
        let text = held.text();
        match kind {
            Kind::Text => self.is_in(&text),
            Kind::Folded => {
                let pieces: Vec<String> = self.pieces.iter().map(|piece| piece.to_lowercase()).collect();
                fits(&pieces, &text.to_lowercase())
            }
            _ => {
                let same_number = || {
                    let asked = self.plain()?.parse::<f64>().ok()?;
                    Some(held.number()? == asked)
                };
                self.fits(&text) || same_number().unwrap_or(false)
            }
        }
    }
}

impl Side {
    fn admits(self, order: Option<std::cmp::Ordering>) -> bool {
        order.is_some_and(|order| match self {
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        })
    }
}

fn number(field: &str, text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("`{field}` is a number, and `{text}` is none"))
}
