//! A served page over a journal in memory, and the hand that writes it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use incident::{Alert, Report};
use orchestrator::{Entry, Observer};
use platform::sim_disk::SimDisk;
use remediation::channels::page::Mailbox;
use server::compat::Compat;
use server::identity::{Identity, Reach};
use server::investigations::{Feed, Investigations, OpenError, Shelf};
use server::mcp::product::Product;
use server::mcp::product::keyed;
use server::mcp::{Mcp, Settings};
use server::rest::{Api, Approvals};
use server::toolbox::Toolbox;
use telemetry::answer::{ChangeRow, HealthRow, Subject, Table};
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answered, Answerer, Ask, AskError, Cancel, Capabilities, Limits, Question, QuestionId,
    SourceName, Space, UnixNanos,
};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tools::{Definition, Installation, InstallationError, Listed, Proposed, Registry};

use super::fixture::at;
use super::kept::Kept;
use super::story::{self, INCIDENT};

/// The token of the rig; a real one is made from chance.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Journals in memory, by id.
#[derive(Default)]
pub(crate) struct Memory {
    journals: Mutex<Vec<(String, String)>>,
}

impl Memory {
    pub(crate) fn push(&self, id: &str, line: &str) {
        let mut journals = self.journals.lock().expect("nobody panics");
        match journals.iter_mut().find(|(known, _)| known == id) {
            Some((_, text)) => text.push_str(line),
            None => journals.push((id.to_owned(), line.to_owned())),
        }
    }
}

impl Shelf for Memory {
    fn list(&self) -> std::io::Result<Vec<(String, String)>> {
        let journals = self.journals.lock().expect("nobody panics");
        Ok(journals.iter().map(|(id, _)| ("default".to_owned(), id.clone())).collect())
    }

    fn read(&self, _space: &str, incident: &str) -> std::io::Result<Vec<u8>> {
        let journals = self.journals.lock().expect("nobody panics");
        let found = journals.iter().find(|(id, _)| id == incident);
        found.map(|(_, text)| text.clone().into_bytes()).ok_or(std::io::ErrorKind::NotFound.into())
    }
}

/// Answers with the calls of the fixture.
struct Told;

impl Answerer for Told {
    fn can(&self) -> Capabilities {
        Capabilities { questions: vec!["edges".to_owned(), "health".to_owned()] }
    }

    fn answer(&self, question: &Question, _: &Limits, _: &Cancel) -> Result<Answer, AskError> {
        match question.ask {
            Ask::Edges { .. } => Ok(Answer::exact(Table::Edges(story::edges()))),
            Ask::Health { .. } => Ok(Answer::exact(Table::Health(health()))),
            _ => Err(AskError::Unsupported(question.ask.name().to_owned())),
        }
    }
}

fn health() -> Vec<HealthRow> {
    let row = |service: &str, instance: u32| HealthRow {
        subject: Subject {
            service: service.to_owned(),
            operation: "GET /".to_owned(),
            instance: format!("{service}-{instance}"),
            version: "2.4.0".to_owned(),
        },
        count: 900,
        errors: 3,
        sum_ns: 900 * 9_000_000,
        p50_ns: 8_000_000 + i64::from(instance),
        p95_ns: 19_000_000,
        p99_ns: 31_000_000,
    };
    ["gateway", "orders"].into_iter().flat_map(|service| [row(service, 1), row(service, 2)]).collect()
}

/// Sees nothing.
struct Nobody;

impl Observer for Nobody {
    fn saw(&self, _: UnixNanos, _: &Entry) {}
}

/// An installation that knows the story, and finds it whatever is investigated.
struct Installed(Investigations);

impl Installation for Installed {
    fn now(&self) -> UnixNanos {
        at(200)
    }

    fn questions(&self) -> Vec<String> {
        Told.can().questions
    }

    fn ask(&self, asks: Vec<Ask>) -> BoxFuture<'_, Vec<Answered>> {
        let answered = asks.into_iter().enumerate().map(|(place, ask)| {
            let id = QuestionId::numbered(place + 1);
            let question =
                Question { id: id.clone(), space: Space::default(), ask, not_before: UnixNanos(0) };
            let result = Told.answer(&question, &Limits::default(), &Cancel::default());
            Answered { question: id, source: SourceName("told".to_owned()), result }
        });
        Box::pin(std::future::ready(answered.collect()))
    }

    fn incidents(&self, _: usize) -> Result<Listed, InstallationError> {
        Ok(Listed::default())
    }

    fn report(&self, incident: &str) -> Result<Report, InstallationError> {
        match self.0.open(incident) {
            Ok(opened) => Ok(opened.report),
            Err(OpenError::Unknown(asked)) => {
                Err(InstallationError::UnknownIncident { asked, known: Vec::new() })
            }
            Err(error) => Err(InstallationError::Failed(error.to_string())),
        }
    }

    /// What the story found, where its journal is there.
    fn investigate(&self, _: Alert) -> BoxFuture<'_, Result<Report, InstallationError>> {
        let found = self.report(INCIDENT).map_err(|_| InstallationError::Failed("not here".to_owned()));
        Box::pin(std::future::ready(found))
    }

    /// Keeps nothing, and says so of what is called `unkept`.
    fn record(&self, change: &ChangeRow) -> Result<(), InstallationError> {
        let why = || InstallationError::Failed("the disk is full".to_owned());
        if change.service == "unkept" { Err(why()) } else { Ok(()) }
    }

    fn keep_tool(&self, name: &str, _: Option<&Definition>) -> Result<(), InstallationError> {
        let why = || InstallationError::Failed("the disk is full".to_owned());
        if name == "unkept" { Err(why()) } else { Ok(()) }
    }

    fn propose(&self, _: &str) -> Result<Proposed, InstallationError> {
        Ok(Proposed { actions: Vec::new(), state: "nothing".to_owned(), decide_at: None })
    }
}

/// A server over the story.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) memory: Arc<Memory>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) mailbox: Mailbox,
    /// Where keys are kept; there is none at first.
    pub(crate) disk: SimDisk,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        let (memory, feed, mailbox) =
            (Arc::new(Memory::default()), Arc::new(Feed::default()), Mailbox::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let investigations = Investigations::new(Arc::clone(&memory) as _, Arc::clone(&feed));
        let disk = SimDisk::new();
        let control = Arc::new(Kept(disk.clone()));
        let identity = Identity::new(control, Reach::of(&address), Arc::new(|| at(200)));
        let registry = Arc::new(Registry::new(tools::dialects::default()));
        let toolbox = Toolbox::new(registry, Arc::new(Installed(investigations.clone())));
        let fresh = Arc::new(|| "conversation".to_owned());
        let product = Product::new(Arc::new(toolbox.clone()), investigations.clone());
        let door = Settings::reached(vec!["firstcause.internal".to_owned()], Vec::new(), None)
            .checking(keyed::bearer(identity.clone()));
        let compat = Compat::new(identity.clone(), &toolbox, investigations.clone(), door.clone(), fresh);
        let api = Api {
            identity,
            answerer: Arc::new(Told),
            toolbox,
            compat,
            mcp: Mcp::new(move || product.clone(), door),
            stats: Arc::new(|| serde_json::json!({})),
            investigations,
            approvals: Some(Approvals::new(mailbox.clone(), TOKEN.to_owned())),
            allowed_hosts: Arc::new(["firstcause.internal".to_owned()]),
            now: Arc::new(|| at(200)),
            nonce: Arc::new(|| "4e6f6e6365".to_owned()),
            otlp: "http://127.0.0.1:4318".to_owned(),
            streams: Arc::new(Semaphore::new(server::rest::STREAMS_MAX)),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(server::rest::serve(listener, api, async { drop(stopped.await) }));
        Self { address, memory, feed, mailbox, disk, stop, ended }
    }

    /// A rig whose journal is closed and whole.
    pub(crate) async fn closed() -> Self {
        let rig = Self::start().await;
        story::lines(&story::entries()).iter().for_each(|line| rig.memory.push(INCIDENT, line));
        rig
    }

    /// The observer of the running story.
    pub(crate) fn follow(&self) -> Arc<dyn Observer> {
        self.feed.follow(INCIDENT, Arc::new(Nobody))
    }

    pub(crate) async fn end(self) {
        self.stop.send(()).expect("it still runs");
        self.ended.await.expect("it does not panic").expect("it ends well");
    }
}
