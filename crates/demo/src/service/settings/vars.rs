//! Variables by name, each read into what it must be.
//! It deliberately knows no variable: which there are, and what they default to, is the settings' affair.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::SettingError;

pub(super) struct Vars(BTreeMap<String, String>);

impl Vars {
    pub(super) fn new(vars: impl Iterator<Item = (String, String)>) -> Self {
        Self(vars.collect())
    }

    /// An empty variable counts as absent, as the OpenTelemetry specification has it for its own.
    pub(super) fn optional(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, variable: &str) -> Result<&str, SettingError> {
        self.optional(variable).ok_or_else(|| SettingError::Missing(variable.to_owned()))
    }

    pub(super) fn parsed<T>(
        &self,
        variable: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, SettingError> {
        let value = self.required(variable)?;
        parse(value).ok_or_else(|| invalid(variable, value, expected))
    }

    pub(super) fn addresses(&self, variable: &str) -> Result<Vec<SocketAddr>, SettingError> {
        self.parsed(variable, "a list of ADDRESS:PORT", |list| {
            list.split(',').map(|address| address.trim().parse().ok()).collect()
        })
    }

    /// A whole number of at least `least`.
    pub(super) fn number<T>(&self, variable: &str, default: T, least: T) -> Result<T, SettingError>
    where
        T: std::str::FromStr + PartialOrd,
    {
        let Some(value) = self.optional(variable) else { return Ok(default) };
        let number = value.parse().ok().filter(|number| *number >= least);
        number.ok_or_else(|| invalid(variable, value, "a whole number in its range"))
    }

    /// A share from 0 to 1; 0 when absent.
    pub(super) fn share(&self, variable: &str) -> Result<f64, SettingError> {
        let Some(value) = self.optional(variable) else { return Ok(0.0) };
        let share = value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| invalid(variable, value, "a number from 0 to 1"))
    }

    pub(super) fn millis(&self, variable: &str, default: u64) -> Result<Duration, SettingError> {
        self.number(variable, default, 0).map(Duration::from_millis)
    }

    pub(super) fn flag(&self, variable: &str, default: bool) -> Result<bool, SettingError> {
        self.choice(variable, default, &[("true", true), ("false", false)])
    }

    pub(super) fn choice<T: Copy>(
        &self,
        variable: &str,
        default: T,
        values: &[(&str, T)],
    ) -> Result<T, SettingError> {
        let Some(value) = self.optional(variable) else {
            return Ok(default);
        };
        let chosen = values.iter().find(|(name, _)| *name == value);
        let expected = "one of its documented values, such as true or false, on or off";
        chosen.map(|(_, chosen)| *chosen).ok_or_else(|| invalid(variable, value, expected))
    }
}

pub(super) fn invalid(variable: &str, value: &str, expected: &'static str) -> SettingError {
    SettingError::Invalid { variable: variable.to_owned(), value: value.to_owned(), expected }
}
