//! The demo's live page, and the people who are asked on it, at the terminal and by file.
//!
//! Whoever answers first decides. The token of the page stands on standard error and nowhere else.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use incident::Report;
use orchestrator::{Observer, Resolver};
use remediation::Authority;
use remediation::channels::file::FileChannel;
use remediation::channels::first::FirstChannel;
use remediation::channels::page::{Mailbox, PageChannel};
use remediation::channels::terminal::{Keyboard, TerminalChannel};
use remediation::channels::{ApprovalChannel, Now};
use server::rest::Approvals;
use store::Store;
use tools::Registry;

use crate::cli::Demo;
use crate::config::Names;
use crate::live::{self, Live, Shown};
use crate::terminal;
use crate::wiring::{Doors, listen, sources};

/// How long a person may think.
const PATIENCE: Duration = Duration::from_secs(600);

/// The page of a demo.
pub(super) struct Page {
    live: Live,
    keyboard: Keyboard,
    /// The mailbox of the page and its token, when a person is asked.
    asked: Option<(Mailbox, String)>,
}

impl Page {
    /// Serves the page on a free port.
    pub(super) async fn start(
        args: &Demo,
        doors: &Doors,
        folder: &Path,
        store: &Store,
        otlp: SocketAddr,
    ) -> anyhow::Result<Self> {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0)), "the page", "--json").await?;
        let asked = args.ask.then(|| (Mailbox::default(), live::secret()));
        let approvals = asked.clone().map(|(mailbox, token)| Approvals::new(mailbox, token));
        let data_dir = folder.join("store");
        // For tools; the demo's own incident is worked on by one that may act.
        let resolver = Resolver {
            sources: sources(store),
            clock: Arc::clone(&doors.clock),
            disk: Arc::clone(&doors.disk),
            data_dir: data_dir.clone(),
            remedy: None,
        };
        let registry = Arc::new(Registry::new(tools::dialects::default()));
        let shown = Shown {
            data_dir: &data_dir,
            store,
            otlp,
            approvals,
            resolver: &resolver,
            registry,
            declared: Arc::default(),
            names: Names::default(),
        };
        let live = Live::start(listener, doors, shown)?;
        Ok(Self { live, keyboard: Keyboard::default(), asked })
    }

    /// Says where the page is, and how to decide.
    pub(super) fn invite(&self, folder: &Path, say: impl Fn(&str)) {
        let address = self.live.address;
        match &self.asked {
            None => say(&format!("watch it at http://{address}/")),
            Some((_, token)) => {
                say(&format!("watch it and decide at http://{address}/#token={token}"));
                let file = format!("{}/INCIDENT.decision", folder.display());
                let also = if is_terminal() { "or decide here, or" } else { "or" };
                say(&format!("{also} write `approve` or `reject` into {file} when asked"));
            }
        }
    }

    /// Everybody who may decide.
    pub(super) fn people(&self, folder: &Path, now: &Now) -> Arc<dyn ApprovalChannel> {
        let mut channels: Vec<Arc<dyn ApprovalChannel>> =
            vec![Arc::new(FileChannel::new(folder.to_owned(), Authority::new(), PATIENCE, Arc::clone(now)))];
        if let Some((mailbox, _)) = &self.asked {
            let page = PageChannel::new(mailbox.clone(), Authority::new(), PATIENCE, Arc::clone(now));
            channels.push(Arc::new(page));
        }
        if is_terminal() {
            let keyboard = self.keyboard.clone();
            let prompt = TerminalChannel::new(keyboard, Authority::new(), PATIENCE, Arc::clone(now));
            channels.push(Arc::new(prompt));
        }
        Arc::new(FirstChannel::new(channels))
    }

    /// The observer of an incident that is shown on the page and to `also`.
    pub(super) fn follow(&self, incident: &str, also: Arc<dyn Observer>) -> Arc<dyn Observer> {
        self.live.feed.follow(incident, also)
    }

    /// Leaves the page open until Enter where somebody sits at the terminal, and ends it.
    pub(super) async fn end(self, args: &Demo, report: Option<&Report>) -> anyhow::Result<()> {
        if let Some(report) = report.filter(|_| is_terminal() && !args.json && !args.you_break_it) {
            let place = format!("http://{}/investigations/{}", self.live.address, report.incident);
            terminal::say(&format!("\nopen {place} - press Enter to end"))?;
            self.keyboard.forget().await;
            self.keyboard.line().await.ok();
        }
        self.live.stop().await
    }
}

fn is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stdin().is_terminal()
}
