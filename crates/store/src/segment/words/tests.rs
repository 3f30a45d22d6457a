//! What was written as words is read back by the library, which knows nothing of them.

use parquet::data_type::ByteArray;

use super::super::column::Column;
use super::super::file::{self, File, Part};
use super::*;

const SCHEMA: &str = "message test { required binary Word (STRING); required binary ServiceName (STRING); \
    required binary TraceId (STRING); \
    required group List (MAP) { repeated group key_value { required binary key (STRING); } } \
    required group Lists (LIST) { repeated group list { required group element (MAP) { \
    repeated group key_value { required binary key (STRING); } } } } }";

type Row = Vec<Vec<Arc<str>>>;

/// Rows of lists of texts: some repeat, some do not, some lists are empty.
fn rows(count: usize) -> Vec<Row> {
    let mut state = 1_usize;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let known: Vec<Arc<str>> = (0..300).map(|nth| Arc::from(format!("word {nth}"))).collect();
    let text = |nth: usize| match nth % 5 {
        // So many that the dictionary is given up.
        0 => Arc::from(format!("{nth:0150} only once")),
        1 => Arc::from(""),
        // Equal to others, at an address of its own.
        2 => Arc::from("word 7"),
        _ => Arc::clone(&known[nth % known.len()]),
    };
    let mut nth = 0;
    let mut list = |len: usize| {
        nth += len;
        (nth - len..nth).map(text).collect::<Vec<_>>()
    };
    (0..count).map(|_| (0..next(4)).map(|_| list(next(4))).collect()).collect()
}

fn texts(row: &Row) -> impl Iterator<Item = &Arc<str>> {
    row.iter().flatten()
}

fn first(row: &Row) -> &str {
    texts(row).next().map_or("", |text| text)
}

/// A list of texts, as if each were another's.
fn put(of: &mut Words<'_>, list: &[Arc<str>]) {
    of.list(|of| list.iter().for_each(|text| of.text(text.as_bytes())));
}

fn written(rows: &[Row]) -> File {
    let bytes = file::write(SCHEMA, |columns| {
        for _ in 0..3 {
            columns.text(|of| rows.iter().for_each(|row| of.push(first(row).as_bytes())))?;
        }
        columns.text(|of| {
            rows.iter().for_each(|row| of.push_list(|of| texts(row).for_each(|text| of.shared(text))))
        })?;
        columns.text(|of| {
            rows.iter().for_each(|row| of.push_list(|of| row.iter().for_each(|list| put(of, list))))
        })
    });
    File::open(bytes.unwrap()).unwrap()
}

fn words(column: &Column<ByteArray>) -> Vec<&str> {
    column.values.iter().map(|bytes| bytes.as_utf8().unwrap()).collect()
}

fn assert_holds(part: &Part<'_>, asked: &[&Row]) {
    let column = |path: &str| part.text(path).unwrap();
    let all: Vec<&str> = asked.iter().flat_map(|row| texts(row)).map(|text| &**text).collect();
    let (list, lists) = (column("List.key_value.key"), column("Lists.list.element.key_value.key"));
    assert!(words(&list) == all && words(&lists) == all);
    let firsts: Vec<&str> = asked.iter().map(|row| first(row)).collect();
    assert!(["Word", "ServiceName", "TraceId"].iter().all(|path| words(&column(path)) == firsts));
    let lens = |ranges: Vec<std::ops::Range<usize>>| ranges.into_iter().map(|range| range.len());
    assert!(lens(list.lists(1)).eq(asked.iter().map(|row| texts(row).count())));
    assert!(lists.lengths().into_iter().eq(asked.iter().map(|row| row.len())));
    assert!(lens(lists.lists(2)).eq(asked.iter().flat_map(|row| row.iter().map(Vec::len))));
}

#[test]
fn the_library_reads_what_was_written_whatever_rows_it_is_asked_for() {
    for count in [1, PAGE_ROWS, 3 * PAGE_ROWS + 17] {
        let rows = rows(count);
        let file = written(&rows);
        assert_holds(&file.whole(), &rows.iter().collect::<Vec<_>>());
        let some: Vec<usize> = (0..count).filter(|row| row % 7 == 3 || row / 100 == 90).collect();
        let asked: Vec<&Row> = some.iter().map(|row| &rows[*row]).collect();
        assert_holds(&file.part(&some), &asked);
    }
}

#[test]
fn pages_of_a_bounded_column_tell_the_least_and_the_greatest_of_their_texts() {
    let rows = rows(3 * PAGE_ROWS + 17);
    let file = written(&rows);
    let bounds = file.bounds(1);
    let (least, greatest) = (rows.iter().map(first).min().unwrap(), rows.iter().map(first).max().unwrap());
    assert!(bounds.len() >= 4 && bounds.iter().all(|(least, greatest)| least <= greatest));
    assert_eq!(bounds.iter().map(|bounds| &*bounds.0).min(), Some(least.as_bytes()));
    assert_eq!(bounds.iter().map(|bounds| &*bounds.1).max(), Some(greatest.as_bytes()));
    let one = written(&rows[..100]);
    let texts = || rows[..100].iter().map(|row| first(row).as_bytes().to_vec());
    assert_eq!(one.bounds(1), [(texts().min().unwrap(), texts().max().unwrap())]);
    assert_eq!(file.bounds(0), [], "nobody narrows by it");
}
