//! Columns in memory, as Parquet has them: the values, and the levels that tell rows and lists apart.
//!
//! Levels as in Dremel (Melnik et al., VLDB 2010), for the three shapes that occur here: one value a row, a list a
//! row, a list of lists a row. A column of one value may leave it out. Nothing of the file format here.

use std::ops::Range;

/// The values of one leaf of a schema. The pushes of one column are all of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column<T> {
    pub(super) values: Vec<T>,
    /// Definition levels; empty when every row has its one value.
    pub(super) defined: Vec<i16>,
    /// Repetition levels; empty when there are no lists.
    pub(super) repeated: Vec<i16>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { values: Vec::new(), defined: Vec::new(), repeated: Vec::new() }
    }
}

impl<T> Column<T> {
    /// A row of one value.
    pub(super) fn push(&mut self, value: T) {
        self.values.push(value);
    }

    /// A row of one value or none.
    pub(super) fn push_optional(&mut self, value: Option<T>) {
        self.defined.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    /// A row of a list.
    pub(super) fn push_list(&mut self, list: impl IntoIterator<Item = T>) {
        let before = self.values.len();
        self.values.extend(list);
        let count = self.values.len() - before;
        self.defined.extend(std::iter::repeat_n(i16::from(count > 0), count.max(1)));
        self.repeated.push(0);
        self.repeated.extend(std::iter::repeat_n(1, count.max(1) - 1));
    }

    /// Where the values of each innermost list stand, lists of rows that have none left out; `depth` is 1 or 2.
    pub(super) fn lists(&self, depth: i16) -> Vec<Range<usize>> {
        let mut lists: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        for (defined, repeated) in self.defined.iter().zip(&self.repeated) {
            if *repeated < depth && *defined >= depth - 1 {
                lists.push(at..at);
            }
            if *defined == depth {
                at += 1;
                if let Some(list) = lists.last_mut() {
                    list.end = at;
                }
            }
        }
        lists
    }

    /// How many inner lists each row has, of a column of lists of lists.
    pub(super) fn lengths(&self) -> Vec<usize> {
        let mut lengths: Vec<usize> = Vec::new();
        for (defined, repeated) in self.defined.iter().zip(&self.repeated) {
            if *repeated == 0 {
                lengths.push(0);
            }
            if let Some(length) = lengths.last_mut().filter(|_| *repeated < 2 && *defined >= 1) {
                *length += 1;
            }
        }
        lengths
    }
}

impl<T: Copy> Column<T> {
    /// The values of a column that may leave some out, row by row.
    pub(super) fn optionals(&self) -> Vec<Option<T>> {
        let mut values = self.values.iter();
        self.defined.iter().map(|defined| if *defined > 0 { values.next().copied() } else { None }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_as_they_were_pushed_empty_ones_too() {
        let mut column = Column::default();
        for list in [vec![1, 2], vec![], vec![3]] {
            column.push_list(list);
        }
        assert_eq!(column.lists(1), [0..2, 2..2, 2..3]);
        // [[1], [], [2, 3]], [], [[]], [[4, 5]]
        let nested = Column {
            values: vec![1, 2, 3, 4, 5],
            defined: vec![2, 1, 2, 2, 0, 1, 2, 2],
            repeated: vec![0, 1, 1, 2, 0, 0, 0, 2],
        };
        assert_eq!(
            (nested.lists(2), nested.lengths()),
            (vec![0..1, 1..1, 1..3, 3..3, 3..5], vec![3, 0, 1, 1])
        );
        let mut optional = Column::default();
        [Some(1), None, Some(2)].into_iter().for_each(|value| optional.push_optional(value));
        assert_eq!(optional.optionals(), [Some(1), None, Some(2)]);
    }
}
