//! Which forms of documents there are, and what their fields are called there: asked of the mappings.
//!
//! A field that was mapped as text is searched and counted by its `keyword`, which both products add by themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use telemetry::{AskError, Scope};
use tokio::time::Instant;

use super::names::Form;
use super::search::Searches;

/// For how long the mappings are taken to be as they were.
const KNOWN: Duration = Duration::from_secs(30);
/// The kinds of entry spans, in each spelling.
const ENTRIES: [&str; 6] =
    ["Server", "Consumer", "SPAN_KIND_SERVER", "SPAN_KIND_CONSUMER", "SERVER", "CONSUMER"];
/// The types of a transaction that are entries where no kind of a span is told.
const ENTRY_TYPES: [&str; 2] = ["request", "messaging"];
/// How a failure is told.
const FAILED: [&str; 3] = ["Error", "STATUS_CODE_ERROR", "2"];

/// What a field is for, and what it may be called.
type Role = &'static [&'static str];

/// The fields of an entry span beside its subject, by form: what [`super::esql`] asks for.
const OF_ENTRY: [&str; 20] = [
    "@timestamp",
    "duration",
    "event.outcome",
    "kind",
    "name",
    "parent_span_id",
    "processor.event",
    "service.name",
    "service.node.name",
    "service.version",
    "span.kind",
    "span_id",
    "status.code",
    "timestamp.us",
    "trace.id",
    "trace_id",
    "transaction.duration.us",
    "transaction.id",
    "transaction.name",
    "transaction.type",
];

/// The fields of one form.
struct Called {
    service: Role,
    instance: Role,
    version: Role,
    operation: Role,
    trace: Role,
    kind: Role,
    failed: Role,
    /// The field that all its spans have and no other form's.
    own: &'static str,
    time: &'static str,
    duration: &'static str,
    /// Nanoseconds of one of `duration`.
    unit_ns: i64,
}

const OTEL: Called = Called {
    service: &["resource.attributes.service.name", "service.name"],
    instance: &["resource.attributes.service.instance.id"],
    version: &["resource.attributes.service.version"],
    operation: &["name"],
    trace: &["trace_id"],
    kind: &["kind"],
    failed: &["status.code"],
    own: "trace_id",
    time: "@timestamp",
    duration: "duration",
    unit_ns: 1,
};

const ECS: Called = Called {
    service: &["service.name"],
    instance: &["service.node.name"],
    version: &["service.version"],
    operation: &["transaction.name"],
    trace: &["trace.id"],
    kind: &["span.kind"],
    failed: &["event.outcome"],
    own: "timestamp.us",
    time: "@timestamp",
    duration: "transaction.duration.us",
    unit_ns: 1_000,
};

const PREPPER: Called = Called {
    service: &[
        "serviceName",
        "resource.attributes.service.name",
        "resource.attributes.service@name",
        "resource.service.name",
    ],
    instance: &[
        "resource.attributes.service.instance.id",
        "resource.attributes.service@instance@id",
        "resource.service.instance.id",
    ],
    version: &[
        "resource.attributes.service.version",
        "resource.attributes.service@version",
        "resource.service.version",
    ],
    operation: &["name"],
    trace: &["traceId"],
    kind: &["kind"],
    failed: &["status.code", "status@code"],
    own: "traceId",
    time: "startTime",
    duration: "durationInNanos",
    unit_ns: 1,
};

fn called(form: Form) -> &'static Called {
    match form {
        Form::Otel => &OTEL,
        Form::Ecs => &ECS,
        Form::Prepper => &PREPPER,
    }
}

/// A form that there is, with the names that its fields have there.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) form: Form,
    pub(super) service: Option<String>,
    pub(super) instance: Option<String>,
    pub(super) version: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) trace: String,
    kind: Option<String>,
    failed: Option<String>,
    pub(super) time: &'static str,
    /// The field with all digits of that time.
    pub(super) precise: &'static str,
    /// The duration, where there is one that can be counted with.
    pub(super) duration: Option<&'static str>,
    pub(super) unit_ns: i64,
    /// The fields that an entry span is made of, as far as they are there.
    pub(super) of_entry: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Capabilities {
    #[serde(default)]
    fields: BTreeMap<String, BTreeMap<String, Capability>>,
}

#[derive(Debug, Deserialize)]
struct Capability {
    #[serde(default)]
    aggregatable: bool,
}

impl Capabilities {
    fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// The first name, or its keyword, that can be grouped by in every index that has it.
    fn grouped(&self, names: Role) -> Option<String> {
        let is_grouped = |name: &str| {
            self.fields.get(name).is_some_and(|types| types.values().all(|one| one.aggregatable))
        };
        let keyword = |name: &&str| [(*name).to_owned(), format!("{name}.keyword")];
        names.iter().flat_map(keyword).find(|name| is_grouped(name))
    }
}

impl Searches<'_> {
    /// The forms of spans in the indices of traces, as of half a minute ago at most. What is asked meanwhile waits.
    pub(super) async fn shapes(&self) -> Result<Vec<Shape>, AskError> {
        let mut known = self.asking.bounded(self.of.shapes.lock()).await?;
        if let Some((_, shapes)) = known.as_ref().filter(|(asked, _)| asked.elapsed() < KNOWN) {
            return Ok(shapes.clone());
        }
        let shapes = self.mapped().await?;
        // Where nothing is yet, something may be the next moment.
        *known = (!shapes.is_empty()).then(|| (Instant::now(), shapes.clone()));
        Ok(shapes)
    }

    async fn mapped(&self) -> Result<Vec<Shape>, AskError> {
        let mut names: Vec<String> = Vec::new();
        for form in Form::ALL {
            let is = called(form);
            let roles = [is.service, is.instance, is.version, is.operation, is.trace, is.kind, is.failed];
            let fields =
                roles.iter().flat_map(|role| role.iter().copied()).chain([is.own, is.time, is.duration]);
            names.extend(OF_ENTRY.iter().map(|name| (*name).to_owned()));
            names.extend(fields.flat_map(|name| [name.to_owned(), format!("{name}.keyword")]));
        }
        names.sort();
        names.dedup();
        let query = [
            ("fields", names.join(",")),
            ("ignore_unavailable", "true".to_owned()),
            ("allow_no_indices", "true".to_owned()),
        ];
        let path = format!("{}/_field_caps", self.of.names.traces);
        let bytes = self.of.http.get(&path, &query, &self.asking).await?;
        let there: Capabilities = serde_json::from_slice(&bytes).map_err(|error| {
            AskError::Unavailable(format!(
                "the answer tells of no fields: {error}; hint: is `url` Elasticsearch or OpenSearch?"
            ))
        })?;
        let wanted = self.of.names.form;
        let shapes = Form::ALL.into_iter().filter(|form| wanted.is_none_or(|wanted| wanted == *form));
        Ok(shapes.filter_map(|form| shape(form, &there)).collect())
    }
}

fn shape(form: Form, there: &Capabilities) -> Option<Shape> {
    let is = called(form);
    if ![is.own, is.time].iter().all(|name| there.has(name)) {
        return None;
    }
    Some(Shape {
        form,
        service: there.grouped(is.service),
        instance: there.grouped(is.instance),
        version: there.grouped(is.version),
        operation: there.grouped(is.operation),
        trace: there.grouped(is.trace)?,
        kind: there.grouped(is.kind),
        failed: there.grouped(is.failed),
        time: is.time,
        precise: if form == Form::Ecs { ECS.own } else { is.time },
        duration: there.has(is.duration).then_some(is.duration),
        unit_ns: is.unit_ns,
        of_entry: of_entry(is, there),
    })
}

/// No language of queries takes a field that is nowhere.
fn of_entry(is: &Called, there: &Capabilities) -> Vec<String> {
    let subject = [is.service, is.instance, is.version].into_iter().flatten().copied();
    let mut fields: Vec<String> =
        subject.chain(OF_ENTRY).filter(|name| there.has(name)).map(str::to_owned).collect();
    fields.sort();
    fields.dedup();
    fields
}

impl Shape {
    /// Documents that are spans of this form.
    pub(super) fn spans(&self) -> Json {
        let own = called(self.form).own;
        match self.form {
            // Documents of OpenTelemetry may carry Elastic's names as aliases.
            Form::Ecs => json!({"bool": {
                "filter": [{"exists": {"field": own}}, {"terms": {"processor.event": ["transaction", "span"]}}],
                "must_not": [{"exists": {"field": OTEL.own}}],
            }}),
            Form::Otel | Form::Prepper => json!({"exists": {"field": own}}),
        }
    }

    /// Those of them that are entries of their service.
    pub(super) fn entries(&self) -> Vec<Json> {
        let kind =
            self.kind.as_deref().unwrap_or(called(self.form).kind.first().copied().unwrap_or_default());
        let is_entry = json!({"terms": {kind: ENTRIES}});
        let is_entry = match self.form {
            Form::Ecs => {
                json!({"bool": {"filter": [{"term": {"processor.event": "transaction"}}], "should": [
                is_entry,
                {"bool": {
                    "filter": [{"terms": {"transaction.type": ENTRY_TYPES}}],
                    "must_not": [{"exists": {"field": kind}}],
                }},
            ], "minimum_should_match": 1}})
            }
            Form::Otel | Form::Prepper => is_entry,
        };
        vec![self.spans(), is_entry]
    }

    /// Those of them that take a message.
    pub(super) fn messages(&self) -> Json {
        let kind =
            self.kind.as_deref().unwrap_or(called(self.form).kind.first().copied().unwrap_or_default());
        let told = json!({"terms": {kind: ["Consumer", "SPAN_KIND_CONSUMER", "CONSUMER"]}});
        match self.form {
            Form::Ecs => json!({"bool": {"minimum_should_match": 1, "should": [told, {"bool": {
                "filter": [{"term": {"transaction.type": "messaging"}}],
                "must_not": [{"exists": {"field": kind}}],
            }}]}}),
            Form::Otel | Form::Prepper => told,
        }
    }

    /// Those that failed.
    pub(super) fn failed(&self) -> Json {
        let field = self.failed.as_deref().unwrap_or("status.code");
        match self.form {
            Form::Otel => json!({"terms": {field: &FAILED[..2]}}),
            Form::Ecs => json!({"term": {field: "failure"}}),
            // A number in one index and text in another: what is no number is no value of a number there.
            Form::Prepper => {
                let is = |told| json!({"match": {field: {"query": told, "lenient": true}}});
                json!({"bool": {"should": FAILED.map(is), "minimum_should_match": 1}})
            }
        }
    }

    /// What narrows to a scope. A part that has no field here cannot be narrowed by and is looked at afterwards.
    pub(super) fn scope(&self, scope: &Scope) -> Vec<Json> {
        let service = scope.service.clone().filter(|name| name != "unknown_service");
        let parts = [
            (&self.service, &service),
            (&self.operation, &scope.operation),
            (&self.instance, &scope.instance),
        ];
        let part = |(field, wanted): (&Option<String>, &Option<String>)| {
            Some(json!({"term": {field.as_ref()?: {"value": wanted.as_ref()?}}}))
        };
        parts.into_iter().filter_map(part).collect()
    }
}
