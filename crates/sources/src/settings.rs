//! What an operator writes about a source: `[sources.NAME]` in `firstcause.toml`.
//!
//! Secrets stand in files or in the environment, never in the settings themselves.

use std::collections::BTreeMap;

use serde::Deserialize;
use telemetry::Limits;

use crate::{Backend, all};

/// The settings of sources with every key, as an operator may copy them.
pub const EXAMPLE: &str = "\
# Each source has a name of its own, which evidence cites.
[sources.metrics]
kind = \"prometheus\"
# With the path that its interface is below, such as https://mimir/prometheus.
url = \"http://prometheus:9090\"
# Who asks: a bearer token, from a file or from the environment,
# token_file = \"/run/secrets/prometheus-token\"
# token_env = \"PROMETHEUS_TOKEN\"
# or a user, whose password stands in a file or in the environment.
# username = \"firstcause\"
# password_file = \"/run/secrets/prometheus-password\"
# password_env = \"PROMETHEUS_PASSWORD\"
# Where an authority of one's own signed the other side's certificate: this one is trusted, and no other.
# ca_file = \"/run/secrets/ca.crt\"

# Further headers: no secrets.
# [sources.metrics.headers]
# X-Scope-OrgID = \"team-a\"
# Headers that are secrets, by the file or the variable that holds them.
# [sources.metrics.header_files]
# X-Api-Key = \"/run/secrets/api-key\"
# [sources.metrics.header_envs]
# X-Other-Key = \"OTHER_KEY\"
# What one answer may cost there at most: seconds, rows that come back, bytes that come back, rows that are looked at.
# [sources.metrics.budget]
# seconds = 5
# rows = 5000
# bytes = 8388608
# scanned = 10000000

[sources.traces]
kind = \"jaeger\"
url = \"http://jaeger:16686\"

[sources.warehouse]
kind = \"clickhouse\"
url = \"http://clickhouse:8123\"
username = \"firstcause\"
password_file = \"/run/secrets/clickhouse-password\"
# Where the tables have other names than the collector's exporter gives them.
# [sources.warehouse.tables]
# traces = \"otel.otel_traces\"
# logs = \"otel.otel_logs\"
# metrics = \"otel.otel_metrics\"
# schema = \"signoz\"

[sources.search]
kind = \"opensearch\"
url = \"http://opensearch:9200\"
# Which indices are read, where they have other names; and the form of the documents, where it shall be only one:
# otel, ecs or data_prepper.
# [sources.search.tables]
# traces = \"traces-*,otel-v1-apm-span*\"
# logs = \"logs-*\"
# metrics = \"metrics-apm*\"
# schema = \"otel\"

[sources.documents]
kind = \"elasticsearch\"
url = \"https://elasticsearch:9200\"
# The file holds `ApiKey ` and the encoded key.
[sources.documents.header_files]
Authorization = \"/run/secrets/search-api-key\"

[sources.lines]
kind = \"victorialogs\"
url = \"http://victorialogs:9428\"
# Which field says whose a line is, where it is none of the usual ones; also `instance`, `version`, `severity`.
# [sources.lines.fields]
# service = \"team_unit\"

[sources.code]
kind = \"git\"
url = \"/srv/repositories/shop\"
# Which folder of it holds whose code.
[sources.code.paths]
orders = \"services/orders\"

[sources.cluster]
kind = \"kubernetes\"
url = \"https://kubernetes.default.svc\"
# token_file = \"/var/run/secrets/kubernetes.io/serviceaccount/token\"
# ca_file = \"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt\"
# All of them when none is named.
# namespaces = [\"shop\"]

[sources.account]
kind = \"cloudtrail\"
# A copy of the trail's bucket: `aws s3 sync s3://BUCKET/AWSLogs /srv/trail/AWSLogs`.
url = \"/srv/trail\"
# Whose resources are called how, where they are not called as the service is.
[sources.account.paths]
orders = \"/shop/orders\"

[sources.deploys]
kind = \"argocd\"
url = \"https://argocd.example.org\"
# token_file = \"/run/secrets/argocd-token\"
# Which application a service is, where it is not called as the service.
# [sources.deploys.tables]
# orders = \"orders-prod\"

[sources.agent]
kind = \"mcp\"
url = \"http://agent:8000/mcp\"
# Which tool answers which question: log_templates, changes, state, series_change, topology. No other is ever called.
[sources.agent.tools.log_templates]
tool = \"search_logs\"
arguments = { start = \"{from}\", end = \"{to}\", service = \"{service}\", limit = 1000 }
# Where the rows are in what it answers, and their fields where they are called otherwise.
rows = \"/logs\"
fields = { time = \"@timestamp\", severity = \"level\" }

# Who is asked first, by question; the others are asked only when that one does not answer.
[prefer]
onset = \"metrics\"
";

/// One source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which back end: one of those that `all` lists.
    pub kind: String,
    /// Its address, with the path that its interface is below: `http://prometheus:9090`; of `git` a folder.
    pub url: String,
    /// A file that holds a bearer token.
    #[serde(default)]
    pub token_file: Option<String>,
    /// The environment variable that holds a bearer token.
    #[serde(default)]
    pub token_env: Option<String>,
    /// The user, for basic authentication; the password stands where `password_file` or `password_env` says.
    #[serde(default)]
    pub username: Option<String>,
    /// A file that holds the password.
    #[serde(default)]
    pub password_file: Option<String>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// Further headers, such as `X-Scope-OrgID` of Mimir: no secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Further headers that are secrets, by the file that holds the value.
    #[serde(default)]
    pub header_files: BTreeMap<String, String>,
    /// Further headers that are secrets, by the environment variable that holds the value.
    #[serde(default)]
    pub header_envs: BTreeMap<String, String>,
    /// A file of certificates in PEM that alone are trusted, where the other side's own authority is not a public one.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// What one answer may cost there.
    #[serde(default)]
    pub budget: Budget,
    /// Of `clickhouse`: the tables of `traces`, `logs` and `metrics` (what their names begin with), where they have other names
    /// than the exporter gives them. Of `elasticsearch` and `opensearch`: the indices of `traces`, `logs` and `metrics`, and
    /// the one `schema` of documents. Of back ends that know deploys: the repository or application of each service. Where
    /// spans are told by their names: under `requests` those that are requests, with commas.
    #[serde(default)]
    pub tables: BTreeMap<String, String>,
    /// Of `loki` and `victorialogs`: the fields that say `service`, `instance`, `version` and `severity` of a line, where
    /// they are none of the usual ones.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Of `git`: the folder of each service's code inside the repository, by service; of `cloudtrail`: how its resources' names
    /// begin.
    #[serde(default)]
    pub paths: BTreeMap<String, String>,
    /// Of `mcp`: the tool that answers a question, by question.
    #[serde(default)]
    pub tools: BTreeMap<String, Tool>,
    /// Of `kubernetes`: the namespaces that are read; all when empty.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

/// A tool of another server, and how its result is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name, or the id that the name is made of.
    pub tool: String,
    /// What it is called with; `{from}`, `{to}` (RFC 3339), `{from_ms}`, `{to_ms}`, `{from_s}`, `{to_s}` and `{service}` are filled in.
    #[serde(default)]
    pub arguments: BTreeMap<String, serde_json::Value>,
    /// Where in the result the rows are: a JSON pointer, to a list or to `columns` and `values`; empty for all of it.
    #[serde(default)]
    pub rows: String,
    /// Where in a row a field is, where it has another name: a key, or a JSON pointer.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// What one answer of a source may cost at most; what is absent is as the asker says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Seconds until it is given up.
    pub seconds: Option<u64>,
    /// Rows that come back.
    pub rows: Option<usize>,
    /// Bytes that come back, over all requests of the answer; never more than 64 MiB.
    pub bytes: Option<usize>,
    /// Rows that the back end looks at, where it can be told.
    pub scanned: Option<u64>,
}

impl Budget {
    /// The limits, none above the budget.
    pub(crate) fn narrowed(&self, limits: Limits) -> Limits {
        Limits {
            rows_max: self.rows.map_or(limits.rows_max, |rows| rows.min(limits.rows_max)),
            scanned_max: self.scanned.map_or(limits.scanned_max, |scanned| scanned.min(limits.scanned_max)),
            seconds_max: self.seconds.map_or(limits.seconds_max, |seconds| seconds.min(limits.seconds_max)),
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Nobody knows this kind.
    #[error("source `{source_name}`: no back end is called `{kind}`; hint: one of {known}")]
    Kind {
        /// The source.
        source_name: String,
        /// What was written.
        kind: String,
        /// What may be.
        known: String,
    },
    /// The address cannot be used.
    #[error("source `{source_name}`: `{url}` is no address: {why}; hint: http://HOST:PORT or https://HOST")]
    Url {
        /// The source.
        source_name: String,
        /// What was written.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A secret, a header or another value cannot be used.
    #[error("source `{source_name}`: {what}")]
    Value {
        /// The source.
        source_name: String,
        /// What is wrong, with its hint; never a secret.
        what: String,
    },
}

impl Settings {
    /// What the principal that asks must be allowed there; nothing for an unknown kind.
    #[must_use]
    pub fn needs(&self) -> Option<&'static str> {
        all().iter().find(|backend| backend.kind == self.kind).map(|backend| backend.needs)
    }

    pub(crate) fn backend(&self, name: &str) -> Result<&'static Backend, SettingsError> {
        all().iter().find(|backend| backend.kind == self.kind).ok_or_else(|| SettingsError::Kind {
            source_name: name.to_owned(),
            kind: self.kind.clone(),
            known: all().iter().map(|backend| backend.kind).collect::<Vec<_>>().join(", "),
        })
    }

    /// The bearer token, when one is named.
    pub(crate) fn token(&self, name: &str) -> Result<Option<String>, SettingsError> {
        secret(name, "token", (self.token_file.as_deref(), self.token_env.as_deref()))
    }

    /// User and password, when there is a user.
    pub(crate) fn login(&self, name: &str) -> Result<Option<(String, String)>, SettingsError> {
        let Some(username) = &self.username else { return Ok(None) };
        let named = (self.password_file.as_deref(), self.password_env.as_deref());
        let password = secret(name, "password", named)?.unwrap_or_default();
        Ok(Some((username.clone(), password)))
    }
}

impl Settings {
    /// The headers whose values stand elsewhere.
    pub(crate) fn secret_headers(&self, name: &str) -> Result<Vec<(String, String)>, SettingsError> {
        let files = self.header_files.iter().map(|(key, file)| (key, Some(file.as_str()), None));
        let variables = self.header_envs.iter().map(|(key, name)| (key, None, Some(name.as_str())));
        let mut headers = Vec::new();
        for (key, file, variable) in files.chain(variables) {
            headers.extend(secret(name, "header", (file, variable))?.map(|value| (key.clone(), value)));
        }
        Ok(headers)
    }
}

/// What stands in the file or the variable.
fn secret(
    source_name: &str,
    what: &str,
    (file, variable): (Option<&str>, Option<&str>),
) -> Result<Option<String>, SettingsError> {
    let wrong = |what: String| SettingsError::Value { source_name: source_name.to_owned(), what };
    let text = match (file, variable) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(wrong(format!("{what}_file and {what}_env are both set; hint: keep one")));
        }
        (Some(path), None) => std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("failed to read {what}_file `{path}`: {error}")))?,
        (None, Some(name)) => std::env::var(name)
            .map_err(|_| wrong(format!("{what}_env: the variable {name} is not set, or no text")))?,
    };
    let text = text.trim_end_matches(['\n', '\r']).to_owned();
    if text.is_empty() {
        return Err(wrong(format!(
            "the {what} is empty; hint: look at where {what}_file or {what}_env points"
        )));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(kind: &str) -> Settings {
        Settings { kind: kind.to_owned(), url: "http://127.0.0.1:1".to_owned(), ..Settings::default() }
    }

    /// Kinds whose examples name files that are not there.
    const NEEDS_FILES: [&str; 4] = ["clickhouse", "cloudtrail", "elasticsearch", "git"];

    /// Every key of the settings stands in the example, and the example is one.
    #[test]
    fn the_example_is_whole_and_can_be_read() {
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        for key in [
            "kind",
            "url",
            "token_file",
            "token_env",
            "username",
            "password_file",
            "password_env",
            "headers",
            "header_files",
            "header_envs",
            "budget",
            "fields",
            "ca_file",
            "namespaces",
            "tools",
        ] {
            assert!(uncommented.contains(key), "{key}");
        }
        #[derive(Deserialize)]
        struct File {
            sources: BTreeMap<String, Settings>,
        }
        let file: File = toml::from_str(EXAMPLE).unwrap();
        for (name, settings) in
            file.sources.iter().filter(|(_, one)| !NEEDS_FILES.contains(&one.kind.as_str()))
        {
            assert!(crate::open(name, settings).is_ok(), "{name}");
        }
        assert_eq!(file.sources.len(), 11);
    }

    #[test]
    fn an_unknown_kind_and_an_address_without_a_scheme_are_refused_with_a_hint() {
        let why = crate::open("m", &settings("promethius")).err().unwrap().to_string();
        assert!(why.contains("`promethius`; hint: one of argocd, clickhouse, "), "{why}");
        for url in
            ["127.0.0.1:9090", "", "ftp://host", "http://", "http://user:pw@host", "http://host?token=s3cret"]
        {
            let wrong = Settings { url: url.to_owned(), ..settings("prometheus") };
            let why = crate::open("m", &wrong).err().unwrap().to_string();
            assert!(why.contains("hint: ") && !why.contains("s3cret"), "{url}: {why}");
        }
        assert!(crate::open("m", &settings("prometheus")).is_ok());
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "nothing is lost when a test loses a file")]
    fn a_secret_comes_from_one_place_and_is_never_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "s3cret\n").unwrap();
        let path = file.display().to_string();
        let mut with = Settings { token_file: Some(path), ..settings("prometheus") };
        assert_eq!(with.token("m").unwrap().as_deref(), Some("s3cret"));
        with.token_env = Some("FIRSTCAUSE_TEST_NO_SUCH_VARIABLE".to_owned());
        assert!(with.token("m").unwrap_err().to_string().contains("both set"));
        with.token_file = None;
        assert!(with.token("m").unwrap_err().to_string().contains("is not set"));
        std::fs::write(&file, "bad\u{7f}\u{1}token\n").unwrap();
        with = Settings { token_file: Some(file.display().to_string()), ..settings("prometheus") };
        let why = crate::open("m", &with).err().unwrap().to_string();
        assert!(why.contains("no header") && !why.contains("bad"), "{why}");
        std::fs::write(&file, "\n").unwrap();
        assert!(with.token("m").unwrap_err().to_string().contains("is empty"));
    }
}
