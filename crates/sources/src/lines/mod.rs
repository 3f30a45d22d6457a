//! Log lines of back ends whose lines are text with named fields, as records.
//!
//! Whose a line is, how severe and of which trace, stands in fields whose names differ from shipper to shipper: the first
//! known name that is there counts, and an operator's own before it. Fetches nothing and knows no back end.

mod severity;
mod unwrap;

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::signal::Attributes;
use telemetry::{LogRecord, Resource, UnixNanos, Value};

use crate::settings::{Settings, SettingsError};

/// Fields with their values, as back ends of text have them.
pub(crate) type Fields = BTreeMap<String, String>;

/// Who writes, the surest first; then what only says where it ran.
const SERVICES: [&str; 14] = [
    "service.name",
    "service_name",
    "service",
    "app.kubernetes.io/name",
    "app_kubernetes_io_name",
    "kubernetes.labels.app.kubernetes.io/name",
    "app",
    "kubernetes.labels.app",
    "kubernetes.container_name",
    "kubernetes_container_name",
    "container_name",
    "container",
    "job",
    "unit",
];
const INSTANCES: [&str; 8] = [
    "service.instance.id",
    "service_instance_id",
    "k8s.pod.name",
    "k8s_pod_name",
    "kubernetes.pod_name",
    "kubernetes_pod_name",
    "pod",
    "instance",
];
const VERSIONS: [&str; 2] = ["service.version", "service_version"];
const SEVERITIES: [&str; 7] =
    ["severity_number", "severity_text", "level", "severity", "log.level", "lvl", "detected_level"];
const TRACES: [&str; 6] = ["trace_id", "traceid", "traceId", "traceID", "trace.id", "TraceId"];
const SPANS: [&str; 6] = ["span_id", "spanid", "spanId", "spanID", "span.id", "SpanId"];
/// What stands in a record's own places, or is the back end's and not the line's.
const OWN: [&str; 12] = [
    "severity_number",
    "severity_text",
    "detected_level",
    "trace_id",
    "span_id",
    "observed_timestamp",
    "flags",
    "scope.name",
    "scope.version",
    "scope_name",
    "scope_version",
    "__error__",
];

/// The names of the fields that say who, and how severe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    services: Vec<String>,
    instances: Vec<String>,
    versions: Vec<String>,
    severities: Vec<String>,
}

impl Names {
    /// The known names, those of the settings before them.
    pub(crate) fn of(source: &str, settings: &Settings) -> Result<Self, SettingsError> {
        const ROLES: [&str; 4] = ["instance", "service", "severity", "version"];
        if let Some(other) = settings.fields.keys().find(|role| !ROLES.contains(&role.as_str())) {
            let what = format!("fields: no field `{other}` is known; hint: {}", ROLES.join(", "));
            return Err(SettingsError::Value { source_name: source.to_owned(), what });
        }
        let names = |role: &str, known: &[&str]| {
            let own = settings.fields.get(role).cloned();
            own.into_iter().chain(known.iter().map(|name| (*name).to_owned())).collect()
        };
        Ok(Self {
            services: names("service", &SERVICES),
            instances: names("instance", &INSTANCES),
            versions: names("version", &VERSIONS),
            severities: names("severity", &SEVERITIES),
        })
    }

    /// The fields that may name the service, the first that is there does.
    pub(crate) fn services(&self) -> &[String] {
        &self.services
    }

    /// The fields that may name the instance.
    pub(crate) fn instances(&self) -> &[String] {
        &self.instances
    }

    /// The fields that may tell how severe a line is.
    pub(crate) fn severities(&self) -> &[String] {
        &self.severities
    }
}

/// Makes records; resources that repeat are shared.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    names: &'a Names,
    resources: BTreeMap<(String, String, String, Fields), Arc<Resource>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(names: &'a Names) -> Self {
        Self { names, resources: BTreeMap::new() }
    }

    /// The record of a line: `of_stream` describes who wrote it, `own` the line. A line that is a record itself, as JSON or
    /// logfmt, is told by its message, and its fields are the line's.
    pub(crate) fn record(
        &mut self,
        at: UnixNanos,
        line: &str,
        of_stream: &Fields,
        own: &Fields,
    ) -> LogRecord {
        let unwrapped = unwrap::record(line);
        let (body, inner) = unwrapped.map_or((line.to_owned(), Fields::new()), |(body, inner)| (body, inner));
        let told = |names: &[&str]| {
            let of = |fields: &'_ Fields| names.iter().find_map(|name| fields.get(*name).cloned());
            of(own).or_else(|| of(&inner)).or_else(|| of(of_stream))
        };
        LogRecord {
            at,
            trace_id: told(&TRACES).and_then(|text| text.parse().ok()),
            span_id: told(&SPANS).and_then(|text| text.parse().ok()),
            severity: self.severity([own, of_stream, &inner]),
            body: Value::Text(Arc::from(body.as_str())),
            attributes: attributes(inner.iter().filter(|(key, _)| !own.contains_key(*key)).chain(own)),
            resource: self.resource(of_stream, own),
        }
    }

    fn severity(&self, of: [&Fields; 3]) -> i32 {
        let numbers = of.iter().flat_map(|fields| {
            let told = self.names.severities.iter().filter_map(|name| Some((name, fields.get(name)?)));
            told.map(|(name, text)| severity::number(text, name == "severity_number"))
        });
        numbers.into_iter().find(|number| *number > 0).unwrap_or(0)
    }

    fn resource(&mut self, of_stream: &Fields, own: &Fields) -> Arc<Resource> {
        let first = |names: &[String]| {
            let value = |name: &String| of_stream.get(name).or_else(|| own.get(name));
            names.iter().filter_map(value).find(|value| !value.is_empty()).cloned().unwrap_or_default()
        };
        let (service, instance, version) =
            (first(&self.names.services), first(&self.names.instances), first(&self.names.versions));
        let shared = self.resources.entry((service, instance, version, of_stream.clone()));
        let made = shared.or_insert_with_key(|(service, instance, version, of_stream)| {
            let service = if service.is_empty() { "unknown_service" } else { service };
            Arc::new(Resource {
                service: Arc::from(service),
                instance: Arc::from(instance.as_str()),
                version: Arc::from(version.as_str()),
                attributes: attributes(of_stream.iter()),
            })
        });
        Arc::clone(made)
    }
}

fn attributes<'a>(fields: impl Iterator<Item = (&'a String, &'a String)>) -> Attributes {
    fields
        .filter(|(key, _)| !OWN.contains(&key.as_str()))
        .map(|(key, value)| (Arc::from(key.as_str()), Value::Text(Arc::from(value.as_str()))))
        .collect()
}

/// The order that the same lines always have, whichever way they came.
pub(crate) fn sort(logs: &mut [LogRecord]) {
    logs.sort_by_cached_key(|log| (log.at, log.resource.service.to_string(), log.body.render(), log.span_id));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(entries: &[(&str, &str)]) -> Fields {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn who_and_how_severe_is_found_under_the_first_name_that_is_there() {
        let names = Names::of("logs", &Settings::default()).unwrap();
        let mut reader = Reader::new(&names);
        let stream = fields(&[("app", "shop"), ("job", "kubelet"), ("pod", "shop-1")]);
        let own =
            fields(&[("level", "WARN"), ("order", "5"), ("trace_id", "0af7651916cd43dd8448eb211c80319c")]);
        let record = reader.record(UnixNanos(7), "paid", &stream, &own);
        assert_eq!(
            (&*record.resource.service, &*record.resource.instance, record.severity),
            ("shop", "shop-1", 13)
        );
        assert_eq!(record.trace_id.unwrap().to_string(), "0af7651916cd43dd8448eb211c80319c");
        let keys: Vec<&str> = record.attributes.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["level", "order"], "what has a place of its own is not told twice");
        let nobody = reader.record(UnixNanos(7), "x", &Fields::new(), &Fields::new());
        assert_eq!(
            (&*nobody.resource.service, nobody.severity, nobody.trace_id),
            ("unknown_service", 0, None)
        );
    }

    #[test]
    fn an_operator_names_the_field_and_a_wrong_role_is_refused() {
        let named = |role: &str| {
            let fields = [(role.to_owned(), "team_unit".to_owned())].into();
            Names::of("logs", &Settings { fields, ..Settings::default() })
        };
        let names = named("service").unwrap();
        let stream = fields(&[("team_unit", "pay"), ("service.name", "other")]);
        let record = Reader::new(&names).record(UnixNanos(1), "x", &stream, &Fields::new());
        assert_eq!(&*record.resource.service, "pay");
        assert!(
            named("servce").unwrap_err().to_string().contains("hint: instance, service, severity, version")
        );
    }

    #[test]
    fn a_line_that_is_a_record_is_told_by_its_message() {
        let names = Names::of("logs", &Settings::default()).unwrap();
        let mut reader = Reader::new(&names);
        let line = r#"{"level":"error","msg":"no stock","traceId":"0af7651916cd43dd8448eb211c80319c"}"#;
        let record = reader.record(UnixNanos(1), line, &Fields::new(), &fields(&[("container", "a")]));
        assert_eq!((record.body.render().as_str(), record.severity), ("no stock", 17));
        assert!(record.trace_id.is_some() && &*record.resource.service == "a");
    }
}
