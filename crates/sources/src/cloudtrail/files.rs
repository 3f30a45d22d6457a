//! Which log files of a trail a window can stand in, and what they hold.
//!
//! A file is named after the minute in which it was delivered, and holds what happened before. Only files that were delivered
//! from the window's beginning until a quarter of an hour after its end are opened; what comes later is told as missing.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde_json::Value as Json;
use telemetry::answer::Locator;
use telemetry::{AskError, UnixNanos, Window};

use crate::http::Asking;
use crate::{json, rfc3339};

/// Seconds until CloudTrail has delivered what happened, as a rule.
const DELIVERY_SECONDS: i64 = 900;
/// Folders between the one that is configured and `CloudTrail`: a prefix, `AWSLogs`, an organisation, an account.
const DEPTH_MAX: usize = 5;
/// Files that are opened for one answer.
const FILES_MAX: usize = 5_000;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The records of all files.
    pub(super) records: Vec<Json>,
    /// The files that were opened.
    pub(super) opened: usize,
    /// What is not there or was not read.
    pub(super) gaps: Vec<Locator>,
}

/// Reads what the window can stand in.
pub(super) fn read(root: &Path, window: Window, asking: &Asking) -> Result<Found, AskError> {
    let failed = |why: &std::io::Error| {
        AskError::Unavailable(format!(
            "failed to read the folder {}: {why}; hint: may it be read?",
            root.display()
        ))
    };
    let mut trails = Vec::new();
    find(root, 0, &mut trails).map_err(|why| failed(&why))?;
    if trails.is_empty() {
        return Err(AskError::Unavailable(format!(
            "no folder `CloudTrail` below {}; hint: `url` is the folder that holds AWSLogs/ACCOUNT/CloudTrail/REGION",
            root.display()
        )));
    }
    let (mut files, mut newest) = (Vec::new(), None);
    for region in trails.iter().flat_map(|trail| folders(trail)) {
        for day in days(window) {
            for file in folder(&region.join(day)) {
                let Some(at) = delivered(&file) else { continue };
                newest = newest.max(Some(at));
                // A name tells the minute only.
                if at.plus_seconds(60) > window.from && at <= window.to.plus_seconds(DELIVERY_SECONDS) {
                    files.push(file);
                }
            }
        }
    }
    files.sort();
    let mut found = contents(&files, asking)?;
    if newest.is_none_or(|at| at < window.to) {
        let until = newest.map_or("nothing".to_owned(), |at| format!("files until {}", at.rfc3339()));
        let query = format!("not there yet: {until} was delivered; what happened later is missing");
        found.gaps.push(Locator { query, link: link(root) });
    }
    Ok(found)
}

/// The address of a file.
pub(super) fn link(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Folders of that name, wherever the bucket's prefix puts them.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if depth > DEPTH_MAX {
        return Ok(());
    }
    if folder.file_name().is_some_and(|name| name == "CloudTrail") {
        found.push(folder.to_owned());
        return Ok(());
    }
    let own = folder.join("CloudTrail");
    if own.is_dir() {
        // What lies beside it are the logs of other services, and may be very many.
        found.push(own);
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // What a link leads to is no part of the folder.
        if entry.file_type()?.is_dir() {
            find(&entry.path(), depth + 1, found)?;
        }
    }
    Ok(())
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// The files of a folder; none when there is no such folder.
fn folder(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .collect()
}

/// `YYYY/MM/DD` of the days in which files can have been delivered.
fn days(window: Window) -> Vec<String> {
    let second = |at: UnixNanos| at.0.div_euclid(telemetry::time::SECOND_NS).div_euclid(DAY);
    let (first, last) = (second(window.from), second(window.to.plus_seconds(DELIVERY_SECONDS)));
    let name = |day: i64| {
        UnixNanos(0).plus_seconds(day * DAY).rfc3339().get(..10).map(|text| text.replace('-', "/"))
    };
    (first..=last).filter_map(name).collect()
}

/// The minute in `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`.
fn delivered(file: &Path) -> Option<UnixNanos> {
    let name = file.file_name()?.to_str()?;
    if !name.ends_with(".json.gz") && !name.ends_with(".json") {
        return None;
    }
    let moment = name.split('_').nth(3)?;
    let part = |range: std::ops::Range<usize>| moment.get(range);
    let (date, time) = (part(0..8)?, part(9..13)?);
    let text = format!(
        "{}-{}-{}T{}:{}:00Z",
        date.get(..4)?,
        date.get(4..6)?,
        date.get(6..8)?,
        time.get(..2)?,
        time.get(2..)?
    );
    rfc3339::parse(&text)
}

fn contents(files: &[PathBuf], asking: &Asking) -> Result<Found, AskError> {
    let mut found = Found::default();
    let mut broken = 0;
    for file in files {
        if asking.is_over() {
            // Who waits is told so by the time itself.
            return Ok(found);
        }
        let left = asking.bytes_left();
        if left == 0 || found.opened == FILES_MAX {
            let query = format!(
                "not read: {} of {} files, beyond the limit",
                files.len() - found.opened,
                files.len()
            );
            found.gaps.push(Locator { query, link: link(file) });
            break;
        }
        found.opened += 1;
        match records(file, left, asking) {
            Ok(records) => found.records.extend(records),
            Err(why) => {
                broken += 1;
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                found.gaps.push(Locator { query: format!("not read: {name}: {why}"), link: link(file) });
            }
        }
    }
    if broken > 0 && broken == found.opened {
        let said: Vec<&str> = found.gaps.iter().map(|gap| gap.query.as_str()).take(3).collect();
        return Err(AskError::Unavailable(format!(
            "{}; hint: was the copy of the bucket finished?",
            said.join("; ")
        )));
    }
    Ok(found)
}

/// The records of one file.
fn records(file: &Path, left: usize, asking: &Asking) -> Result<Vec<Json>, String> {
    let opened = std::fs::File::open(file).map_err(|why| why.to_string())?;
    let is_packed = file.extension().is_some_and(|end| end == "gz");
    let mut bytes = Vec::new();
    let most = left as u64 + 1;
    let read = if is_packed {
        MultiGzDecoder::new(opened).take(most).read_to_end(&mut bytes)
    } else {
        opened.take(most).read_to_end(&mut bytes)
    };
    asking.spend(bytes.len());
    read.map_err(|why| format!("broken off: {why}"))?;
    if bytes.len() > left {
        return Err(format!("longer than the {left} bytes that are left for the answer"));
    }
    let mut whole = json::parse(&bytes, "CloudTrail").map_err(|why| why.to_string())?;
    match whole.get_mut("Records").map(Json::take) {
        Some(Json::Array(records)) => Ok(records),
        _ => Err("it holds no `Records`".to_owned()),
    }
}
