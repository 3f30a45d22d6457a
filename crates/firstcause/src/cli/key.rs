//! The arguments of `key`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use tools::Role;

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and show it, once
    New(KeyNew),
    /// List the keys: what each may do, until when, and whether it was revoked
    List {
        #[command(flatten)]
        place: Place,
        /// Print them as JSON (firstcause.keys/1)
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key for ever; a running `serve` refuses it from the next request on
    Revoke {
        /// Its id, as `key list` shows it
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
pub(crate) struct KeyNew {
    /// What its holder may do at most
    #[arg(long, value_parser = role_names())]
    pub(crate) role: Role,
    /// What you call it
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) name: String,
    /// How long it is good for (for example 12h, 30d or 8w) [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub(crate) expires: Option<i64>,
    /// Only this space; repeatable [default: all]
    #[arg(long, value_name = "SPACE")]
    pub(crate) space: Vec<String>,
    /// Only the tools of this dialect; repeatable [default: all]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Vec<String>,
    /// Only these tools, with commas between them [default: all]
    #[arg(long, value_name = "TOOLS", value_delimiter = ',')]
    pub(crate) tools: Vec<String>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the keys are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Settings in TOML [default: ./firstcause.toml, when it is there] [env: FIRSTCAUSE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory of `serve` [default: ./firstcause-data] [env: FIRSTCAUSE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

fn role_names() -> impl TypedValueParser<Value = Role> {
    let says = |role| match role {
        Role::Observer => "reads",
        Role::Diagnostician => "reads and investigates",
        Role::Remediator => "reads, investigates and proposes actions (also: operator)",
        Role::Approver => "reads and decides about actions",
        Role::Admin => "everything but deciding about actions",
    };
    let value = |role: Role| {
        let value = PossibleValue::new(role.name()).help(says(role));
        if role == Role::Remediator { value.alias("operator") } else { value }
    };
    PossibleValuesParser::new(Role::ALL.map(value))
        .try_map(|name| Role::named(&name).ok_or_else(|| "no such role".to_owned()))
}

/// The longest life of a key that ends, in days: ten years.
const DAYS_MAX: i64 = 3650;

/// Reads `90m`, `12h`, `30d` or `8w`, as seconds.
fn lifetime(text: &str) -> Result<i64, String> {
    const HINT: &str = "hint: 12h, 30d or 8w";
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: i64 = digits.parse().map_err(|_| format!("`{text}` is no duration; {HINT}"))?;
    let factor = match text.get(digits.len()..).unwrap_or_default() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        other => return Err(format!("no unit `{other}`; {HINT}")),
    };
    let seconds = number.checked_mul(factor).filter(|seconds| (1..=DAYS_MAX * 86_400).contains(seconds));
    seconds.ok_or_else(|| format!("`{text}` is not between a second and {DAYS_MAX} days; {HINT}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_has_a_unit_and_an_end() {
        assert_eq!(
            (lifetime("30d"), lifetime("12h"), lifetime("8w")),
            (Ok(2_592_000), Ok(43_200), Ok(4_838_400))
        );
        for wrong in ["", "30", "d", "0d", "-1d", "5y", "3651d", "99999999999999999999d"] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }
}
