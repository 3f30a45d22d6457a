//! `changes`: what was changed, newest first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{ChangeDetail, ChangeKind, ChangeRow, Table};
use telemetry::{Ask, Scope, UnixNanos};

use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::{services, when};

/// The tool.
#[derive(Debug)]
pub struct Changes;

/// Characters of a name.
const NAME: usize = 160;
/// Seconds looked back at when no start is given.
const BACK: i64 = 24 * 3600;
/// Changes at most.
const ROWS: usize = 50;

/// Characters of each part of a change that somebody tells.
const PART_MAX: usize = 4096;
/// Seconds that such a change may lie ahead: clocks differ, and what is planned has not happened.
const AHEAD: i64 = 600;

/// A change as somebody tells it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Where.
    pub service: String,
    /// What is now: the version, the commit, the switch's new position.
    pub after: String,
    /// What kind; a deploy when not said.
    #[serde(default = "deploy")]
    pub kind: ChangeKind,
    /// What was before.
    #[serde(default)]
    pub before: String,
    /// On which instance; all when empty.
    #[serde(default)]
    pub instance: String,
    /// When it took effect: RFC 3339 or date math; now when not said.
    #[serde(default)]
    pub at: Option<String>,
    /// The commit that it carries.
    #[serde(default)]
    pub commit: String,
    /// Who did it.
    #[serde(default)]
    pub author: String,
    /// What it does, in a line; of a flag, its name.
    #[serde(default)]
    pub message: String,
}

fn deploy() -> ChangeKind {
    ChangeKind::Deploy
}

impl Told {
    /// As it is kept.
    ///
    /// # Errors
    /// A sentence: what it lacks, or what cannot be read, is too long or too far ahead.
    pub fn change(self, now: UnixNanos) -> Result<ChangeRow, String> {
        let at = self.at.as_deref().map_or(Ok(now), |at| when::parse(at, now));
        let detail = ChangeDetail {
            commit: self.commit,
            author: self.author,
            message: self.message,
            ..ChangeDetail::default()
        };
        let change = ChangeRow {
            at: at.map_err(|error| error.to_string())?,
            kind: self.kind,
            service: self.service,
            instance: self.instance,
            before: self.before,
            after: self.after,
            detail: (detail != ChangeDetail::default()).then(|| Box::new(detail)),
        };
        check(&change, now)?;
        Ok(change)
    }
}

/// Whether a change that somebody tells can be kept.
fn check(change: &ChangeRow, now: UnixNanos) -> Result<(), String> {
    let detail = change.detail.as_deref().cloned().unwrap_or_default();
    let parts = [
        ("service", &change.service),
        ("after", &change.after),
        ("before", &change.before),
        ("instance", &change.instance),
        ("commit", &detail.commit),
        ("author", &detail.author),
        ("message", &detail.message),
    ];
    if let Some((name, _)) = parts.iter().take(2).find(|(_, text)| text.trim().is_empty()) {
        return Err(format!("`{name}` is not said"));
    }
    if let Some((name, _)) = parts.iter().find(|(_, text)| text.chars().count() > PART_MAX) {
        return Err(format!("`{name}` is longer than {PART_MAX} characters"));
    }
    if change.at > now.plus_seconds(AHEAD) {
        return Err(format!("`{}` has not come yet", change.at.rfc3339()));
    }
    let is_told = matches!(change.kind, ChangeKind::Deploy | ChangeKind::Flag | ChangeKind::Commit);
    if is_told { Ok(()) } else { Err("only deploys, flags and commits are told; starts are seen".to_owned()) }
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(default)]
    service: Option<String>,
    /// `now-24h` when not given, or RFC 3339.
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    total: usize,
    changes: Vec<Row>,
    gaps: Vec<String>,
}

/// One change.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    at: String,
    /// `deploy`, `restart`, `instance_added`, `commit` or `flag`.
    kind: String,
    service: String,
    instance: String,
    before: String,
    after: String,
    author: Option<String>,
    message: Option<String>,
    files: Vec<String>,
}

impl Row {
    fn of(row: ChangeRow) -> Self {
        let detail = row.detail.map(|detail| *detail).unwrap_or_default();
        let some = |text: String| (!text.is_empty()).then(|| clip(&text, 120));
        Self {
            at: row.at.rfc3339(),
            kind: kind(row.kind).to_owned(),
            service: clip(&row.service, NAME),
            instance: clip(&row.instance, NAME),
            before: clip(&row.before, 60),
            after: clip(&row.after, 60),
            author: some(detail.author),
            message: some(detail.message),
            files: detail.files,
        }
    }

    fn line(&self) -> String {
        let place = [self.service.as_str(), self.instance.as_str()].join(" ");
        let by = self.author.as_ref().map(|author| format!(" by {author}")).unwrap_or_default();
        let message = self.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        let files =
            if self.files.is_empty() { String::new() } else { format!(" [{}]", self.files.join(", ")) };
        format!(
            "\n{} {} {} {} -> {}{by}{message}{files}",
            self.at,
            self.kind,
            place.trim(),
            self.before,
            self.after
        )
    }
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Deploy => "deploy",
        ChangeKind::Restart => "restart",
        ChangeKind::InstanceAdded => "instance_added",
        ChangeKind::Commit => "commit",
        ChangeKind::Flag => "flag",
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let rows: String = self.changes.iter().map(Row::line).collect();
        let gaps: String = self.gaps.iter().map(|gap| format!("\ngap: {gap}")).collect();
        let shown = if self.total == 0 {
            "none".to_owned()
        } else {
            format!("{} of {}", self.changes.len(), self.total)
        };
        format!("CHANGES: {shown}{rows}{gaps}")
    }

    /// Files first, from the oldest; then the oldest changes.
    fn shorten(&mut self) -> bool {
        if let Some(row) = self.changes.iter_mut().rev().find(|row| !row.files.is_empty()) {
            row.files.clear();
            return true;
        }
        self.changes.len() > 1 && self.changes.pop().is_some()
    }
}

impl Typed for Changes {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "changes".to_owned(),
            description: "List deploys, restarts, new instances, flags and commits in a window, newest first.\n\
                          When to use: to see what changed before something broke; who changed it.\n\
                          When NOT to use: whether a change is the cause (`report`); old version against new (`compare`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let now = context.installation.now();
        let window = when::window(input.start.as_deref(), input.end.as_deref(), now, BACK)
            .map_err(ToolError::Input)?;
        let scope = input.service.as_deref().map_or_else(Scope::all, Scope::service);
        let (mut rows, mut gaps, mut is_truncated) = (Vec::<ChangeRow>::new(), Vec::new(), false);
        // Each source knows of other changes: all of them are shown.
        for answered in context.installation.ask(vec![Ask::Changes { window, scope }]).await {
            match answered.result {
                Ok(answer) => {
                    is_truncated |= answer.truncated;
                    if let Table::Changes(found) = answer.table {
                        rows.extend(found);
                    }
                }
                Err(error) => gaps.push(format!("{}: {error}", answered.source.0)),
            }
        }
        if rows.is_empty()
            && let Some(service) = &input.service
        {
            services::known(context, window, service).await?;
        }
        rows.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.service.cmp(&other.service)));
        let total = rows.len();
        let next = rows.first().map(|row| {
            let start = json!({ "service": row.service, "start": row.at.rfc3339() });
            Hint::new("compare", start, "requests since the newest change against those before")
        });
        let next = next.filter(|_| rows.first().is_some_and(|row| !row.service.is_empty()));
        let next = next.unwrap_or_else(|| Hint::new("status", json!({}), "which services are there"));
        let changes = rows.into_iter().take(ROWS).map(Row::of).collect();
        let answer = Answer { total, changes, gaps };
        Ok(Found { answer, is_truncated: is_truncated || total > ROWS, next: vec![next] })
    }
}
