//! `kqlFilter` on rows: applied where they carry the field, refused where they do not, never silently ignored.

use std::collections::BTreeSet;

use telemetry::Scope;

use super::arguments::{Kql, Short};
use crate::budget::clip;
use crate::dialects::{Query, Record, is_meant, resolve_field};
use crate::tool::{Context, ToolError};

/// A filter, or none.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    query: Option<Query>,
}

/// Names of further fields that are listed in a refusal.
const LISTED: usize = 30;

impl Filter {
    /// Reads the argument.
    ///
    /// # Errors
    /// When it cannot be read, with the place.
    pub(crate) fn read(context: &Context, kql: &Option<Kql>) -> Result<Self, ToolError> {
        let now = context.installation.now();
        let query = kql.as_ref().map(|kql| Query::parse(&kql.0, now)).transpose();
        query.map(|query| Self { query }).map_err(|error| ToolError::Input(error.to_string()))
    }

    /// The filter that keeps everything.
    pub(crate) fn none() -> Self {
        Self { query: None }
    }

    /// Whether nothing is filtered.
    pub(crate) fn is_none(&self) -> bool {
        self.query.is_none()
    }

    /// Refuses fields that rows of this kind never carry.
    ///
    /// # Errors
    /// With the fields that can be used.
    pub(crate) fn only(&self, carried: &[&str]) -> Result<(), ToolError> {
        self.refuse(carried, &BTreeSet::new())
    }

    /// The same where rows carry attributes of their own: refuses fields that none of `records` has. Where there is no
    /// record at all nothing can be said, and nothing is refused.
    ///
    /// # Errors
    /// With the fields that can be used.
    pub(crate) fn only_held<'a>(
        &self,
        carried: &[&str],
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<(), ToolError> {
        if self.query.is_none() {
            return Ok(());
        }
        let held: BTreeSet<String> =
            records.into_iter().flat_map(|record| record.names().collect::<Vec<_>>()).collect();
        if held.is_empty() { Ok(()) } else { self.refuse(carried, &held) }
    }

    fn refuse(&self, carried: &[&str], held: &BTreeSet<String>) -> Result<(), ToolError> {
        let Some(query) = &self.query else { return Ok(()) };
        let is_known = |plain: &str| {
            let mut names = carried.iter().copied().chain(held.iter().map(String::as_str));
            names.any(|name| is_meant(plain, name))
        };
        match query.fields().into_iter().find(|(plain, _)| !is_known(plain)) {
            None => Ok(()),
            Some((_, written)) => {
                let further = held.iter().map(String::as_str).filter(|name| !carried.contains(name));
                let names: Vec<&str> = carried.iter().copied().chain(further.take(LISTED)).collect();
                Err(ToolError::Input(format!(
                    "`kqlFilter` cannot use `{written}`: what is filtered here does not carry it; it carries {}",
                    names.join(", ")
                )))
            }
        }
    }

    /// Whether a row stays.
    pub(crate) fn keeps(&self, record: &Record) -> bool {
        self.query.as_ref().is_none_or(|query| query.holds(record))
    }

    /// The service that must be meant, so that no other one is asked for.
    pub(crate) fn service(&self) -> Option<Short> {
        self.query.as_ref()?.demanded("service.name").map(Short)
    }

    /// `scope` with the service that must be meant: a source cuts its rows sorted by service, and those of a late one
    /// would be lost behind the others'.
    ///
    /// # Errors
    /// When the scope names another service, or the filter two.
    pub(crate) fn within(&self, scope: Scope) -> Result<Scope, ToolError> {
        let service = self.one("service.name", scope.service.as_deref())?;
        Ok(Scope { service, ..scope })
    }

    /// The one value of a field that an argument and the filter demand.
    fn one(&self, field: &str, named: Option<&str>) -> Result<Option<String>, ToolError> {
        let mut values: BTreeSet<String> =
            self.query.iter().flat_map(|query| query.all_demanded(field)).collect();
        values.extend(named.map(str::to_owned));
        let first = values.pop_first();
        match (&first, values.first()) {
            (Some(one), Some(other)) => Err(ToolError::Input(format!(
                "`{field}` cannot be both `{}` and `{}`: name one, in the argument or in `kqlFilter`",
                clip(one, 80),
                clip(other, 80)
            ))),
            _ => Ok(first),
        }
    }

    /// The scope that the filter and a named service say, for questions whose rows cannot be filtered afterwards.
    ///
    /// # Errors
    /// When the filter says more than a scope can.
    pub(crate) fn scope(&self, service: Option<&str>) -> Result<Scope, ToolError> {
        let mut scope = Scope { service: service.map(str::to_owned), ..Scope::all() };
        let Some(query) = &self.query else { return Ok(scope) };
        let can = ["service.name", "transaction.name", "service.node.name"];
        self.only(&can)?;
        if !query.is_of_equalities() {
            return Err(ToolError::Input(format!(
                "`kqlFilter` can only be values of {} with `and` between them here: what is compared is chosen before it is counted",
                can.join(", ")
            )));
        }
        scope.service = self.one("service.name", service)?;
        scope.operation = self.one("transaction.name", None)?;
        scope.instance = self.one("service.node.name", None)?;
        Ok(scope)
    }

    /// The trace that must be meant.
    pub(crate) fn trace(&self) -> Option<String> {
        self.query.as_ref()?.demanded("trace.id")
    }

    /// A word that every line must hold, so that no other lines are fetched.
    pub(crate) fn word(&self) -> Option<String> {
        self.query.as_ref()?.demanded_word()
    }
}

/// Refuses an environment: no row of any question carries one, and to ignore it would answer another question.
///
/// # Errors
/// When one is given.
pub(crate) fn no_environment(environment: &Option<Short>) -> Result<(), ToolError> {
    match environment.as_ref().filter(|environment| environment.0 != "ENVIRONMENT_ALL") {
        None => Ok(()),
        Some(environment) => Err(ToolError::Input(format!(
            "`{}` cannot be told apart: figures here are kept by service.name, transaction.name, service.node.name and \
             service.version; leave the environment out, or name the service",
            environment.0
        ))),
    }
}

/// The one name of a field to group by, when it is among those that rows carry.
///
/// # Errors
/// With the fields that can be used.
pub(crate) fn group_field<'a>(asked: &str, carried: &[&'a str]) -> Result<&'a str, ToolError> {
    let plain = resolve_field(asked).name;
    carried.iter().find(|name| **name == plain).copied().ok_or_else(|| {
        ToolError::Input(format!("cannot group by `{asked}`; it is one of {}", carried.join(", ")))
    })
}

/// A filter for one value of a field, whatever signs the value holds.
pub(crate) fn of_value(field: &str, value: &str) -> String {
    format!("{field}: \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;

    use super::*;

    #[test]
    fn a_filter_for_a_value_is_read_as_that_value_whatever_signs_it_holds() {
        for value in ["orders", "a\"b", "a\\", "\\\"", "GET /a*b (c) or d: {e}", "\\n"] {
            let query = Query::parse(&of_value("service.name", value), UnixNanos(0)).expect(value);
            assert_eq!(query.demanded("service.name").as_deref(), Some(value));
            assert!(query.holds(&Record::default().with("service.name", value)), "{value}");
        }
    }
}
