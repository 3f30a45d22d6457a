//! Serves the live page while a told investigation goes on: record by record, with a person asked before each action.
//!
//! For the check of the page in a browser, and for looking at it while it is being designed. The first line of
//! standard output is the address with the token. It ends when standard input does.

#![allow(clippy::expect_used, reason = "a tool of this repository: what it builds on is said in words")]
#![allow(dead_code, reason = "the tests use more of the fixture")]

#[path = "../tests/it/fixture.rs"]
mod fixture;
#[path = "../tests/it/kept.rs"]
mod kept;
#[path = "../tests/it/rig.rs"]
mod rig;
#[path = "../tests/it/story.rs"]
mod story;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use orchestrator::Entry;
use remediation::Authority;
use remediation::channels::page::PageChannel;
use remediation::channels::{ApprovalChannel, ApprovalRequest};
use rig::{Rig, TOKEN};
use story::INCIDENT;
use telemetry::{Space, UnixNanos};
use tokio::io::AsyncReadExt;

/// Between two records.
const PAUSE: Duration = Duration::from_millis(60);

#[tokio::main]
async fn main() {
    let rig = Rig::start().await;
    let mut out = std::io::stdout();
    writeln!(out, "http://{}/#token={TOKEN}", rig.address).expect("somebody reads");
    out.flush().expect("somebody reads");
    let mut input = tokio::io::stdin();
    let mut byte = [0];
    // A byte begins the story, so that the page can be looked at before; the end of input ends it all.
    if input.read(&mut byte).await.is_ok_and(|read| read > 0) {
        tell(&rig).await;
        drop(input.read(&mut byte).await);
    }
    rig.end().await;
}

async fn tell(rig: &Rig) {
    let (entries, observer) = (story::entries(), rig.follow());
    let patience = Duration::from_secs(600);
    let channel = PageChannel::new(rig.mailbox.clone(), Authority::new(), patience, Arc::new(|| 0));
    let mut actions = entries.iter().filter_map(|entry| match entry {
        Entry::Intent(action) => Some(action.clone()),
        _ => None,
    });
    for (line, entry) in story::lines(&entries).iter().zip(&entries) {
        if let Entry::Approval(_) = entry {
            let action = actions.next().expect("each approval is for an action");
            let because = "Requests to orders are slow since the deploy of 2.4.0.".to_owned();
            let request =
                ApprovalRequest { incident: INCIDENT.to_owned(), space: Space::default(), action, because };
            drop(channel.decide(&request).await);
        }
        rig.memory.push(INCIDENT, line);
        observer.saw(UnixNanos(0), entry);
        tokio::time::sleep(PAUSE).await;
    }
}
