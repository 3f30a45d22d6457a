//! The names that one field has: in ECS, in OpenTelemetry, and in documents that the collector wrote.
//!
//! One table for all tools. Units are converted here and nowhere else: a duration is nanoseconds inside, however its
//! name says it. Both keys of the environment mean the same, the older one and the one with `.name`.
//! Source: `spec/contracts.md` 6.2 (EL-35, W-20). A name that is not here is an attribute and keeps its name, without the
//! folder that a mapping puts it in.

/// How the values of a field are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole values, with case.
    Keyword,
    /// Whole values, whatever their case.
    Folded,
    /// Words.
    Text,
    /// Numbers.
    Number,
    /// Nanoseconds; a name says in which unit it is written.
    Duration,
    /// Points in time.
    Time,
}

/// A field under its one name.
struct Field {
    name: &'static str,
    kind: Kind,
    /// Other names, each with the nanoseconds of its unit where it is a duration, else 1.
    others: &'static [(&'static str, f64)],
}

const fn field(name: &'static str, kind: Kind, others: &'static [(&'static str, f64)]) -> Field {
    Field { name, kind, others }
}

/// Sorted by name.
const FIELDS: &[Field] = &[
    field("@timestamp", Kind::Time, &[("timestamp", 1.0), ("time", 1.0)]),
    field("container.image.name", Kind::Keyword, &[("container.image", 1.0), ("k8s.container.image", 1.0)]),
    field(
        "duration",
        Kind::Duration,
        &[("event.duration", 1.0), ("span.duration.us", 1e3), ("transaction.duration.us", 1e3)],
    ),
    field("error.exception.message", Kind::Text, &[("exception.message", 1.0), ("error.message", 1.0)]),
    field("error.exception.type", Kind::Keyword, &[("exception.type", 1.0)]),
    field(
        "error.stack_trace",
        Kind::Text,
        &[("error.exception.stacktrace", 1.0), ("exception.stacktrace", 1.0)],
    ),
    field("event.outcome", Kind::Folded, &[("status.code", 1.0)]),
    field("host.name", Kind::Keyword, &[("host.hostname", 1.0)]),
    field("http.response.status_code", Kind::Number, &[("http.status_code", 1.0)]),
    field("kubernetes.container.name", Kind::Keyword, &[("k8s.container.name", 1.0)]),
    field("kubernetes.deployment.name", Kind::Keyword, &[("k8s.deployment.name", 1.0)]),
    field(
        "kubernetes.namespace",
        Kind::Keyword,
        &[("k8s.namespace.name", 1.0), ("kubernetes.namespace.name", 1.0)],
    ),
    field("kubernetes.node.name", Kind::Keyword, &[("k8s.node.name", 1.0)]),
    field("kubernetes.pod.name", Kind::Keyword, &[("k8s.pod.name", 1.0)]),
    field("log.level", Kind::Folded, &[("severity_text", 1.0)]),
    field("message", Kind::Text, &[("body", 1.0), ("body.text", 1.0), ("body_text", 1.0)]),
    field("parent.id", Kind::Keyword, &[("parent_span_id", 1.0)]),
    field(
        "service.environment",
        Kind::Keyword,
        &[("deployment.environment", 1.0), ("deployment.environment.name", 1.0)],
    ),
    field("service.name", Kind::Keyword, &[]),
    field("service.node.name", Kind::Keyword, &[("service.instance.id", 1.0)]),
    field("service.version", Kind::Keyword, &[]),
    field("severity_number", Kind::Number, &[("event.severity", 1.0), ("log.severity", 1.0)]),
    field(
        "span.destination.service.resource",
        Kind::Keyword,
        &[("peer.service", 1.0), ("service.target.name", 1.0)],
    ),
    field("span.id", Kind::Keyword, &[("span_id", 1.0), ("transaction.id", 1.0)]),
    field("span.kind", Kind::Folded, &[("kind", 1.0)]),
    field("trace.id", Kind::Keyword, &[("trace_id", 1.0)]),
    field("transaction.name", Kind::Keyword, &[("name", 1.0), ("span.name", 1.0)]),
];

/// The folders of a document that attributes lie in.
const FOLDERS: &[&str] =
    &["resource.attributes.", "scope.attributes.", "attributes.", "labels.", "numeric_labels."];

/// What a name means.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The one name.
    pub name: String,
    /// How it is compared.
    pub kind: Kind,
    /// What a value under the asked name is multiplied by.
    pub factor: f64,
}

/// What `asked` means, whichever convention it comes from.
#[must_use]
pub fn resolve(asked: &str) -> Resolved {
    let plain = FOLDERS.iter().find_map(|folder| asked.strip_prefix(folder)).unwrap_or(asked);
    for field in FIELDS {
        let factor = if field.name == plain {
            Some(1.0)
        } else {
            field.others.iter().find(|(name, _)| *name == plain).map(|(_, factor)| *factor)
        };
        if let Some(factor) = factor {
            return Resolved { name: field.name.to_owned(), kind: field.kind, factor };
        }
    }
    Resolved { name: plain.to_owned(), kind: Kind::Keyword, factor: 1.0 }
}

/// How a field is compared, by its one name.
#[must_use]
pub fn kind(name: &str) -> Kind {
    FIELDS.iter().find(|field| field.name == name).map_or(Kind::Keyword, |field| field.kind)
}

/// The other names of a field.
pub fn others(name: &str) -> impl Iterator<Item = &'static str> {
    let of = FIELDS.iter().filter(move |field| field.name == name);
    of.flat_map(|field| field.others.iter().map(|(name, _)| *name))
}

/// The value of a field that conventions write differently, as the one that is kept: how a span ended.
#[must_use]
pub fn plain_value<'a>(name: &str, value: &'a str) -> &'a str {
    if name != "event.outcome" {
        return value;
    }
    match value.to_ascii_lowercase().as_str() {
        "error" | "status_code_error" => "failure",
        "ok" | "status_code_ok" => "success",
        "unset" | "status_code_unset" => "unknown",
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: EL-35, W-20
    #[test]
    fn every_name_of_a_field_means_the_same_and_belongs_to_one_field() {
        assert!(FIELDS.windows(2).all(|pair| pair[0].name < pair[1].name), "sorted");
        let mut seen = std::collections::BTreeSet::new();
        for field in FIELDS {
            assert!(seen.insert(field.name), "{} twice", field.name);
            for (other, factor) in field.others {
                assert!(seen.insert(other), "{other} twice");
                let resolved = resolve(other);
                assert_eq!((resolved.name.as_str(), resolved.kind), (field.name, field.kind));
                assert!(*factor > 0.0 && (field.kind == Kind::Duration || *factor == 1.0), "{other}");
            }
        }
    }

    #[test]
    fn units_are_in_one_place() {
        for (name, nanos) in [
            ("duration", 1.0),
            ("event.duration", 1.0),
            ("transaction.duration.us", 1_000.0),
            ("span.duration.us", 1_000.0),
        ] {
            assert_eq!(resolve(name).factor, nanos, "{name}");
        }
        assert_eq!(resolve("resource.attributes.service.name").name, "service.name");
        assert_eq!(resolve("labels.customer").name, "customer");
        assert_eq!(resolve("deployment.environment").name, resolve("deployment.environment.name").name);
        assert_eq!(plain_value("event.outcome", "Error"), "failure");
        assert_eq!(plain_value("message", "Error"), "Error");
    }
}
