//! The records of one investigation as they become durable: server-sent events, in order, resumable.
//!
//! Each event's id is the record's; who comes again with `Last-Event-ID` (or `?after=ID`) gets what follows. `record`
//! carries a record, `end` says that no more will come. With `view=html` the page's own pieces come along.
//! Everything is read from the journal; the feed only says when to look.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::{Api, investigations, problem};
use crate::investigations::seen::{self, Seen, SeenId};
use crate::investigations::{Opened, Status};
use crate::page::live;
use crate::query::Query;
use crate::serve::{self, Body};

/// Events that wait for a slow reader; the journal waits for nobody, so no more are read until they are taken.
const WAITING_MAX: usize = 16;
/// A line that says nothing keeps the connection from being taken for dead.
const KEEP_EVERY: Duration = Duration::from_secs(15);

/// Starts a stream.
pub(super) async fn stream(api: Api, id: &str, request: &Request<Incoming>) -> Response<Body> {
    let (headers, query) = (request.headers(), Query::read(request.uri().query().unwrap_or_default()));
    let (reader, wanted) = (api.investigations.clone(), id.to_owned());
    match tokio::task::spawn_blocking(move || reader.space_of(&wanted)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return investigations::refused(&error),
        Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, "FC-0070", &error.to_string()),
    }
    let Ok(permit) = std::sync::Arc::clone(&api.streams).try_acquire_owned() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "FC-0023", "too many streams are open");
    };
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).or_else(|| query.get("after"));
    let after = last.and_then(SeenId::read);
    let (events, receiver) = mpsc::channel(WAITING_MAX);
    let is_html = query.get("view") == Some("html");
    let sender = Sender { api, incident: id.to_owned(), after, is_html, events, shown: BTreeMap::new() };
    tokio::spawn(sender.run(permit));
    serve::events(receiver)
}

/// Reads and sends until the end, or until nobody reads any more.
struct Sender {
    api: Api,
    incident: String,
    after: Option<SeenId>,
    is_html: bool,
    events: mpsc::Sender<Bytes>,
    /// The pieces of the page as they were sent last.
    shown: BTreeMap<&'static str, String>,
}

impl Sender {
    async fn run(mut self, permit: OwnedSemaphorePermit) {
        let mut asked = self.api.approvals.as_ref().map(|approvals| approvals.mailbox().changes());
        if self.send("retry: 1000\n\n".to_owned()).await.is_some() {
            while let Some(mut changes) = self.look().await {
                if self.wait(&mut changes, asked.as_mut()).await.is_none() {
                    break;
                }
            }
        }
        drop(permit);
    }

    /// Sends what is new; gives what to wait for, nothing at the end.
    async fn look(&mut self) -> Option<watch::Receiver<u64>> {
        // Subscribed before reading: what becomes durable meanwhile is not missed.
        let changes = self.api.investigations.feed().changes(&self.incident);
        let (reader, incident) = (self.api.investigations.clone(), self.incident.clone());
        let read = move || {
            let opened = reader.open(&incident).ok()?;
            let all = seen::all(&incident, &opened.records, &opened.logged);
            Some((opened, all))
        };
        let (opened, all) = tokio::task::spawn_blocking(read).await.ok().flatten()?;
        for seen in all.iter().filter(|seen| self.after.is_none_or(|after| seen.id > after)) {
            self.send(event("record", Some(seen.id), &self.record(seen))).await?;
        }
        self.after = all.last().map(|seen| seen.id).or(self.after);
        if self.is_html {
            self.pieces(&opened).await?;
        }
        if opened.status != Status::Running || changes.is_none() {
            self.send(event("end", None, &json!({ "status": opened.status.name() }))).await?;
            return None;
        }
        changes
    }

    fn record(&self, seen: &Seen) -> Value {
        if !self.is_html {
            return seen.json();
        }
        json!({
            "recordId": seen.id.to_string(),
            "html": live::entry(&self.incident, seen),
            "say": live::spoken(seen),
        })
    }

    /// Sends the pieces of the page that differ from what was sent last.
    async fn pieces(&mut self, opened: &Opened) -> Option<()> {
        let asked =
            self.api.approvals.as_ref().and_then(|approvals| approvals.mailbox().asked(&self.incident));
        for (target, html) in live::pieces(opened, asked.as_ref()) {
            if self.shown.get(target) != Some(&html) {
                self.send(event("replace", None, &json!({ "target": target, "html": html }))).await?;
                self.shown.insert(target, html);
            }
        }
        Some(())
    }

    async fn wait(
        &self,
        changes: &mut watch::Receiver<u64>,
        asked: Option<&mut watch::Receiver<u64>>,
    ) -> Option<()> {
        let asked = async {
            match asked {
                Some(asked) => drop(asked.changed().await),
                None => std::future::pending().await,
            }
        };
        tokio::pin!(asked);
        loop {
            tokio::select! {
                () = self.events.closed() => return None,
                // An error says that it runs no more: the next look sends the rest and the end.
                _ = changes.changed() => return Some(()),
                () = &mut asked => return Some(()),
                () = tokio::time::sleep(KEEP_EVERY) => self.send(": still here\n\n".to_owned()).await?,
            }
        }
    }

    async fn send(&self, text: String) -> Option<()> {
        self.events.send(Bytes::from(text)).await.ok()
    }
}

/// An event; JSON holds no line feed, so one line of data is enough.
fn event(name: &str, id: Option<SeenId>, data: &Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n")
}
