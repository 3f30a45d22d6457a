//! Suspects: groups of spans that take more of a request than before, and the component each of them speaks of.
//!
//! Spans that do the same work under different entry operations are one suspect. Which suspect is the cause is
//! weighed in `diagnosis::causes`.

use std::collections::BTreeMap;

use evidence::measures::exclusive_latency::Contrast;
use incident::ComponentKind;
use telemetry::SpanKind;

/// Groups that do the same work under different entry operations, taken together.
#[derive(Debug, Clone)]
pub(crate) struct Suspect {
    pub(crate) service: String,
    pub(crate) span: String,
    pub(crate) resource: String,
    pub(crate) database: String,
    pub(crate) kind: SpanKind,
    /// The entry operation with the largest excess.
    pub(crate) entry: String,
    /// Extra milliseconds in the bad window.
    pub(crate) excess_ms: f64,
    /// Share of the whole excess, 0 to 1.
    pub(crate) share: f64,
    /// The contrast with the largest excess.
    pub(crate) worst: Contrast,
    pub(crate) good_count: u64,
    pub(crate) bad_count: u64,
    pub(crate) instances: Vec<String>,
}

impl Suspect {
    /// The work that takes longer, in words.
    pub(crate) fn work(&self) -> String {
        match (self.database.is_empty(), self.resource.is_empty()) {
            (false, false) => format!("query `{}` ({})", self.resource, self.database),
            (_, false) => format!("call of `{}`", self.resource),
            (_, true) => format!("span `{}`", self.span),
        }
    }

    /// The contrast as a sentence.
    pub(crate) fn text(&self) -> String {
        let (good, bad) = (&self.worst.good, &self.worst.bad);
        let calls = |count: f64| format!("{count:.1} calls a request");
        let number = if self.worst.is_by_number() {
            format!(", {} -> {}", calls(good.calls_per_request()), calls(bad.calls_per_request()))
        } else {
            String::new()
        };
        format!(
            "`{}` {} itself: {:.1} ms -> {:.1} ms a call ({} -> {} calls{number}), {:.0} % of the extra time",
            self.service,
            self.work(),
            good.ms_per_call,
            bad.ms_per_call,
            self.good_count,
            self.bad_count,
            self.share * 100.0
        )
    }

    /// What the suspect speaks of. A call without spans on the other side speaks of the callee, never of the caller.
    /// A statement is the caller's own: it, or its index, can be changed.
    pub(crate) fn component(&self) -> (ComponentKind, &str) {
        component(&self.service, &self.resource, &self.database, self.kind)
    }

    /// Whether the time is spent inside the service: in no call and no query.
    pub(crate) fn is_own_work(&self) -> bool {
        self.resource.is_empty() && self.database.is_empty()
    }
}

/// What spans of this description speak of.
pub(crate) fn component<'a>(
    service: &'a str,
    resource: &'a str,
    database: &str,
    kind: SpanKind,
) -> (ComponentKind, &'a str) {
    let is_statement = !database.is_empty()
        && resource != database
        && !resource.strip_prefix(database).is_some_and(|rest| rest.starts_with(':'));
    let calls_out = matches!(kind, SpanKind::Client | SpanKind::Producer);
    if calls_out && !resource.is_empty() && !is_statement {
        (ComponentKind::Dependency, resource)
    } else {
        (ComponentKind::Service, service)
    }
}

/// The suspects among `contrasts`, held against `excess_ms` of the whole, largest share first.
pub(crate) fn suspects(contrasts: &[Contrast], excess_ms: f64) -> Vec<Suspect> {
    let mut found: BTreeMap<(String, String, String), Suspect> = BTreeMap::new();
    for contrast in contrasts.iter().filter(|contrast| contrast.is_raised()) {
        let group = &contrast.group;
        let work = if group.resource.is_empty() { group.span.clone() } else { group.resource.clone() };
        let key = (group.service.clone(), work, group.database.clone());
        let entry = found.entry(key).or_insert_with(|| Suspect {
            service: group.service.clone(),
            span: group.span.clone(),
            resource: group.resource.clone(),
            database: group.database.clone(),
            kind: group.kind,
            entry: group.entry.clone(),
            excess_ms: 0.0,
            share: 0.0,
            worst: contrast.clone(),
            good_count: 0,
            bad_count: 0,
            instances: Vec::new(),
        });
        entry.excess_ms += contrast.excess_ms;
        entry.share += contrast.excess_ms / excess_ms;
        entry.good_count += contrast.good.count;
        entry.bad_count += contrast.bad.count;
        entry.instances.extend(contrast.raised_instances.iter().cloned());
    }
    let mut suspects: Vec<Suspect> = found.into_values().collect();
    for suspect in &mut suspects {
        suspect.instances.sort();
        suspect.instances.dedup();
    }
    suspects.sort_by(|a, b| {
        b.share.total_cmp(&a.share).then_with(|| (&a.service, &a.span).cmp(&(&b.service, &b.span)))
    });
    suspects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_into_the_dark_speaks_of_the_callee_and_a_statement_of_its_caller() {
        let of = |resource, database, kind| component("a", resource, database, kind);
        assert_eq!(of("b", "", SpanKind::Client), (ComponentKind::Dependency, "b"));
        assert_eq!(of("redis", "redis", SpanKind::Client), (ComponentKind::Dependency, "redis"));
        assert_eq!(of("pg:shop", "pg", SpanKind::Client), (ComponentKind::Dependency, "pg:shop"));
        assert_eq!(of("SELECT t", "pg", SpanKind::Client), (ComponentKind::Service, "a"));
        assert_eq!(of("", "", SpanKind::Server), (ComponentKind::Service, "a"));
    }
}
