//! `setup elastic`: the tools, the agent and the indices that Kibana's Agent Builder gets, their removal, and the checks that
//! all of it works.
//!
//! The only part of this crate that writes, through a door of its own, which no source has. What it did not make, known by a
//! tag, it neither changes nor removes.

mod checks;
mod door;
mod plan;

use reqwest::Method;
use serde_json::Value;

use crate::settings::{Settings, SettingsError};
use door::Door;
use plan::{Kind, OWNER, Thing, things};

pub use checks::{Check, check};
pub use plan::Form;

/// Where, and under which names.
#[derive(Debug)]
pub struct Elastic {
    kibana: Door,
    elasticsearch: Door,
    prefix: String,
    traces: String,
}

/// What became of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `create`, `update`, `unchanged`, `delete`, `absent`, `kept`.
    pub done: &'static str,
    /// The request, as it was or would be sent.
    pub request: String,
    /// Its body, empty when there is none.
    pub body: String,
}

impl Elastic {
    /// Kibana and Elasticsearch at the addresses of two settings; ids begin with `prefix`, and queries read `traces`.
    ///
    /// # Errors
    /// When an address, a secret or a name cannot be used.
    pub fn new(
        (kibana, elasticsearch): (&Settings, &Settings),
        prefix: &str,
        traces: &str,
    ) -> Result<Self, SettingsError> {
        let wrong = |what: &str, text: &str, hint: &str| SettingsError::Value {
            source_name: "elastic".to_owned(),
            what: format!("`{text}` is no {what}; hint: {hint}"),
        };
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !prefix.starts_with(|c: char| c.is_ascii_lowercase()) || !prefix.chars().all(is_plain) {
            return Err(wrong("prefix", prefix, "lower-case letters, digits and hyphens"));
        }
        let is_pattern = |c: char| is_plain(c) || matches!(c, '*' | '.' | '_' | ',');
        if traces.is_empty() || !traces.chars().all(is_pattern) {
            return Err(wrong("index pattern", traces, "such as traces-*"));
        }
        Ok(Self {
            kibana: Door::new("kibana", kibana)?,
            elasticsearch: Door::new("elasticsearch", elasticsearch)?,
            prefix: prefix.to_owned(),
            traces: traces.to_owned(),
        })
    }

    /// Makes what is missing and changes what differs, or only says what would be done.
    ///
    /// # Errors
    /// When a server refuses; what was done before stays done, and doing it again goes on from there.
    pub async fn setup(&self, is_dry: bool, mut say: impl FnMut(&Step)) -> Result<(), String> {
        let form = self.form().await?;
        for thing in things(&self.prefix, &self.traces, form) {
            let step = self.make(&thing, is_dry).await?;
            say(&step);
        }
        Ok(())
    }

    /// Removes what was made, last made first.
    ///
    /// # Errors
    /// When a server refuses.
    pub async fn teardown(&self, is_dry: bool, mut say: impl FnMut(&Step)) -> Result<(), String> {
        let mut all = things(&self.prefix, &self.traces, Form::Otel);
        all.reverse();
        for thing in all {
            let step = self.remove(&thing, is_dry).await?;
            say(&step);
        }
        Ok(())
    }

    /// In which form the traces are there: by the fields that the indices have.
    async fn form(&self) -> Result<Form, String> {
        let path = format!("{}/_field_caps", self.traces);
        let (status, told) =
            self.elasticsearch.read(&path, "fields=duration,transaction.duration.us").await?;
        if status == 404 {
            return Ok(Form::Otel);
        }
        if status != 200 {
            return Err(refused("elasticsearch", &Method::GET, &path, status, &told));
        }
        let has = |field: &str| told["fields"].get(field).is_some();
        Ok(if has("transaction.duration.us") && !has("duration") { Form::Ecs } else { Form::Otel })
    }

    /// Where a thing is reached, and what stands there: nothing, or its description.
    async fn found(&self, thing: &Thing) -> Result<Option<Value>, String> {
        let path = path(thing);
        let (status, told) = self.door(thing).send(Method::GET, &path, None).await?;
        match status {
            200 => Ok(Some(told)),
            404 => Ok(None),
            _ => Err(refused(&self.door_name(thing), &Method::GET, &path, status, &told)),
        }
    }

    async fn make(&self, thing: &Thing, is_dry: bool) -> Result<Step, String> {
        let found = self.found(thing).await?;
        if let Some(found) = &found {
            if !is_ours(thing, found) {
                return Err(format!(
                    "`{}` is there already and was not made by `setup`; hint: choose another --prefix",
                    thing.id
                ));
            }
            if thing.kind == Kind::Index || is_same(thing, found) {
                return Ok(Step {
                    done: "unchanged",
                    request: format!("GET {}", path(thing)),
                    body: String::new(),
                });
            }
        }
        let (method, at, body, done) = match (&found, thing.kind) {
            (None, Kind::Index) => (Method::PUT, path(thing), thing.body.clone(), "create"),
            (None, _) => (Method::POST, folder(thing), thing.body.clone(), "create"),
            (Some(_), _) => (Method::PUT, path(thing), changed(&thing.body), "update"),
        };
        self.carry_out(thing, (method, at, Some(body)), done, is_dry).await
    }

    async fn remove(&self, thing: &Thing, is_dry: bool) -> Result<Step, String> {
        let said = |done| Step { done, request: format!("GET {}", path(thing)), body: String::new() };
        match self.found(thing).await? {
            None => Ok(said("absent")),
            Some(found) if !is_ours(thing, &found) => Ok(said("kept")),
            Some(_) => self.carry_out(thing, (Method::DELETE, path(thing), None), "delete", is_dry).await,
        }
    }

    async fn carry_out(
        &self,
        thing: &Thing,
        (method, path, body): (Method, String, Option<Value>),
        done: &'static str,
        is_dry: bool,
    ) -> Result<Step, String> {
        if !is_dry {
            let (status, told) = self.door(thing).send(method.clone(), &path, body.as_ref()).await?;
            if !(200..300).contains(&status) {
                return Err(refused(&self.door_name(thing), &method, &path, status, &told));
            }
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        Ok(Step { done, request: format!("{method} {path}"), body })
    }

    fn door(&self, thing: &Thing) -> &Door {
        if thing.kind == Kind::Index { &self.elasticsearch } else { &self.kibana }
    }

    fn door_name(&self, thing: &Thing) -> String {
        (if thing.kind == Kind::Index { "elasticsearch" } else { "kibana" }).to_owned()
    }
}

fn folder(thing: &Thing) -> String {
    match thing.kind {
        Kind::Index => String::new(),
        Kind::Tool => "api/agent_builder/tools".to_owned(),
        Kind::Agent => "api/agent_builder/agents".to_owned(),
    }
}

fn path(thing: &Thing) -> String {
    match thing.kind {
        Kind::Index => thing.id.clone(),
        _ => format!("{}/{}", folder(thing), thing.id),
    }
}

/// Whether what is there carries our tag.
fn is_ours(thing: &Thing, found: &Value) -> bool {
    let tagged = |list: &Value| list.as_array().is_some_and(|tags| tags.iter().any(|tag| tag == OWNER));
    match thing.kind {
        Kind::Index => found[thing.id.as_str()]["mappings"]["_meta"]["owner"] == OWNER,
        Kind::Tool => tagged(&found["tags"]),
        Kind::Agent => tagged(&found["labels"]),
    }
}

/// Whether everything that would be sent stands there already.
fn is_same(thing: &Thing, found: &Value) -> bool {
    thing.body.as_object().is_some_and(|body| body.iter().all(|(key, value)| found.get(key) == Some(value)))
}

/// A body without what cannot be changed: the id, and the type of a tool.
fn changed(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("id");
        fields.remove("type");
    }
    body
}

fn refused(who: &str, method: &Method, path: &str, status: u16, told: &Value) -> String {
    let text = ["message", "error"].iter().find_map(|key| told.get(*key)).map(ToString::to_string);
    let hint = match status {
        401 => "the key or password is missing or wrong",
        403 => {
            "who asks lacks a privilege: Agent Builder `manage` in Kibana, `create_index` and `view_index_metadata`"
        }
        404 => "is Agent Builder switched on in this Kibana (9.2 or newer)?",
        _ => "look into its log",
    };
    format!("{who} answered {status} to {method} {path}: {}; hint: {hint}", text.unwrap_or_default())
}
