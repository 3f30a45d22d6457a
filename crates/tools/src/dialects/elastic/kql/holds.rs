//! Whether a record is as a filter says.

use super::record::Record;
use super::value::Literal;
use super::{Name, Node};
use crate::dialects::elastic::fields::{self, Kind};

impl Node {
    pub(super) fn holds(&self, record: &Record) -> bool {
        match self {
            Self::All => true,
            Self::And(nodes) => nodes.iter().all(|node| node.holds(record)),
            Self::Or(nodes) => nodes.iter().any(|node| node.holds(record)),
            Self::Not(node) => !node.holds(record),
            Self::Field(name, condition) => {
                let mut named = record.fields.iter().filter(|(field, _)| name.means(field));
                named.any(|(field, values)| {
                    values.iter().any(|held| condition.holds(fields::kind(field), held))
                })
            }
            Self::Anywhere(literal) => {
                record.fields.values().flatten().any(|held| literal.is_of(Kind::Text, held))
            }
            Self::Nested(name, node) => {
                let mut below = record.nested.iter().filter(|(path, _)| name.means(path));
                below.any(|(_, records)| records.iter().any(|record| node.holds(record)))
            }
        }
    }
}

impl Name {
    /// Whether a field of a record is meant: by its name, or by any of its names where the asked one has wildcards.
    fn means(&self, field: &str) -> bool {
        if self.literal.pieces.len() == 1 { self.plain == field } else { fits_pattern(&self.literal, field) }
    }
}

fn fits_pattern(pattern: &Literal, field: &str) -> bool {
    pattern.fits(field) || fields::others(field).any(|other| pattern.fits(other))
}

/// Whether a field is meant by the one name or the pattern that [`super::Query::fields`] gives.
#[must_use]
pub fn is_meant(asked: &str, field: &str) -> bool {
    let pieces: Vec<String> = asked.split('*').map(str::to_owned).collect();
    if pieces.len() == 1 {
        return asked == field;
    }
    fits_pattern(&Literal { pieces, is_quoted: false, at: 0 }, field)
}
