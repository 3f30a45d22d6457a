//! The figures that are told from lists and file sizes are those of the store itself.

use std::path::Path;

use platform::{Disk, SimDisk};
use telemetry::UnixNanos;

use super::build::{MS, Rig, T0, small};
use super::segments::{SEGMENTS, little};
use super::world::fill;
use crate::check::check;
use crate::overview::{SpaceOverview, overview};

const DATA: &str = "data";

fn only(rig: &Rig) -> SpaceOverview {
    let mut spaces = overview(&rig.disk, Path::new(DATA)).unwrap();
    assert_eq!(spaces.len(), 1);
    spaces.remove(0)
}

#[test]
fn what_is_told_beside_a_live_store_are_its_own_figures_and_those_of_reading_all_of_it() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    rig.store.settle();
    let (found, stats) = (only(&rig), rig.store.stats());
    assert!(found.segments >= 5 && found.spans > 0 && found.log_records > 0 && found.metric_points > 0);
    assert_eq!(
        (found.segments, found.segment_bytes, found.rows(), found.damaged_lines),
        (stats.segments, stats.segment_bytes, stats.sealed, 0)
    );
    // By signal: what was taken and is not in the heads.
    assert_eq!((found.spans, found.log_records), (180 - stats.spans, 60 - stats.logs));
    assert_eq!(found.metric_points, 45 - stats.points);
    let read = check(&rig.disk, Path::new(DATA)).unwrap().remove(0);
    assert_eq!((found.log_files, found.log_bytes), (read.log_files, read.log_bytes));
    assert!(found.log_files > 0 && found.log_bytes > 0);
    rig.store.close();
    assert_eq!(only(&rig), found, "closing writes no segment");
}

#[test]
fn the_range_is_that_of_the_rows_and_there_is_none_without_segments() {
    let rig = Rig::with(SimDisk::new(), little);
    rig.send(small(1, 3, 5)).unwrap();
    let found = only(&rig);
    assert_eq!((found.segments, found.range, found.log_files), (0, None, 1));
    (2..=200).for_each(|nth| drop(rig.send(small(nth, 3 + nth as i64 / 20, 5)).unwrap()));
    let found = only(&rig);
    let (from, to) = found.range.unwrap();
    assert_eq!(from, UnixNanos(T0 + 3_000 * MS));
    // The last segment ends somewhere before the last span, which is in the head.
    assert!(to > from && to <= UnixNanos(T0 + 13_005 * MS), "{to:?}");
}

#[test]
fn a_line_of_the_list_that_cannot_be_read_is_told() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    rig.store.settle();
    rig.store.close();
    let before = only(&rig);
    let path = Path::new(SEGMENTS).join("MANIFEST");
    let mut list = rig.disk.read(&path).unwrap();
    let last = list.len() - 3;
    list[last] ^= 1;
    rig.disk.remove(&path).unwrap();
    rig.disk.open_new(&path).unwrap().append(&list).unwrap();
    let after = only(&rig);
    assert_eq!((after.damaged_lines, after.segments), (1, before.segments - 1));
    assert!(after.rows() < before.rows() && after.segment_bytes < before.segment_bytes);
}

#[test]
fn a_folder_that_is_no_data_directory_is_an_error() {
    assert!(overview(&SimDisk::new(), Path::new("nothing")).is_err());
}
