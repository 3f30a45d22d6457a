//! What queries stand in a piece of text: tables, bounds, filters, indexes, locks.
//!
//! Finds keywords; does not parse. Good enough to compare two sides of a change, not to run anything.

use std::collections::BTreeSet;

/// The queries of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queries {
    /// Queries that read.
    pub reads: usize,
    /// Statements that write.
    pub writes: usize,
    /// Tables named, lower case.
    pub tables: BTreeSet<String>,
    /// Conditions: `WHERE`, `AND`.
    pub filters: usize,
    /// Whether an index is made.
    pub adds_index: bool,
    /// Whether an index is dropped.
    pub drops_index: bool,
    /// Whether a table is locked for long: altered, locked, indexed in the foreground, rows read for update.
    pub locks: bool,
}

/// Reads the queries of `text`.
#[must_use]
pub fn read(text: &str) -> Queries {
    let upper = text.to_ascii_uppercase();
    let parts: Vec<&str> = upper
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')))
        .filter(|part| !part.is_empty())
        .collect();
    let holds = |wanted: &[&str]| parts.windows(wanted.len()).any(|run| run == wanted);
    let count = |word: &str| parts.iter().filter(|part| **part == word).count();
    let is_query = holds(&["SELECT"])
        || holds(&["INSERT", "INTO"])
        || holds(&["DELETE", "FROM"])
        || holds(&["ALTER", "TABLE"])
        || holds(&["CREATE"])
        || holds(&["DROP"])
        || holds(&["UPDATE"])
        || holds(&["LOCK"]);
    if !is_query {
        return Queries::default();
    }
    let adds_index = holds(&["CREATE", "INDEX"]) || holds(&["CREATE", "UNIQUE", "INDEX"]);
    let mut found = Queries {
        reads: if holds(&["FROM"]) { count("SELECT") } else { 0 },
        writes: count("INSERT") + usize::from(holds(&["DELETE", "FROM"])),
        filters: count("WHERE") + if count("WHERE") > 0 { count("AND") } else { 0 },
        adds_index,
        drops_index: holds(&["DROP", "INDEX"]),
        locks: holds(&["ALTER", "TABLE"])
            || holds(&["LOCK", "TABLE"])
            || holds(&["FOR", "UPDATE"])
            || (adds_index && !holds(&["CONCURRENTLY"])),
        ..Queries::default()
    };
    let introduces = ["FROM", "JOIN", "INTO", "TABLE"];
    let tables = parts.windows(2).filter_map(|pair| match pair {
        [before, table] if introduces.contains(before) && table.len() > 2 => Some(table.to_ascii_lowercase()),
        _ => None,
    });
    if found.reads + found.writes > 0 || found.locks {
        found.tables.extend(tables);
    }
    found
}

/// How many bounds on the number of rows stand in `text`: `LIMIT 50`, `.Limit(50)`, `TOP 50`, `FETCH FIRST`, `[:50]`.
#[must_use]
pub fn bounds(text: &str) -> usize {
    let upper = text.to_ascii_uppercase();
    let followed = |word: &str| {
        upper
            .match_indices(word)
            .filter(|(at, _)| {
                let rest = upper.get(at + word.len()..).unwrap_or_default().trim_start_matches([' ', '(']);
                rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '?' | ':' | '%'))
            })
            .count()
    };
    followed("LIMIT") + followed("SELECT TOP") + followed("FETCH FIRST") + followed("[:") + followed(".TAKE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_bounds_and_filters_are_found() {
        let found = read(
            "text(\"SELECT a, b FROM basket_items JOIN goods ON x = y WHERE u = $1 AND v = 2 LIMIT 5\")",
        );
        assert_eq!(found.tables.into_iter().collect::<Vec<_>>(), ["basket_items", "goods"]);
        assert_eq!((found.reads, found.filters), (1, 2));
        assert_eq!(bounds("SELECT a FROM b LIMIT 5"), 1);
        assert_eq!(bounds("q.Limit(n)"), 0, "a bound that the caller chooses is no number");
    }

    #[test]
    fn prose_is_no_query() {
        assert_eq!(read("the message from the table"), Queries::default());
    }

    #[test]
    fn an_index_made_in_the_background_locks_nothing() {
        assert!(!read("CREATE INDEX CONCURRENTLY i ON t (a)").locks);
        assert!(read("CREATE INDEX i ON t (a)").locks);
    }
}
