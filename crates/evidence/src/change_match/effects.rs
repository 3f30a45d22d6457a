//! What a net change does to a running system, as far as its text shows.
//!
//! An effect is read from calls, queries and checks that appear or vanish, and from settings that move. It says what
//! could follow, not that it did: that is for the failure to show. Does not know any library.

use super::diff::Net;
use super::settings::{self, Class, Setting};
use super::sql;
use super::words;

/// One thing that a change does.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A number was moved.
    Setting(Setting),
    /// A check against "nothing there" is gone.
    NullCheckRemoved,
    /// A check of a length or an index is gone.
    BoundsCheckRemoved,
    /// A query or a list is no longer bounded.
    RowBoundRemoved,
    /// A query filters less.
    FilterRemoved,
    /// Something is no longer given back.
    CleanupRemoved,
    /// A wait between attempts is gone.
    BackoffRemoved,
    /// A cache is no longer asked.
    CacheRemoved,
    /// What a cache is asked by is made differently.
    CacheKeyChanged,
    /// An index is gone.
    IndexDropped,
    /// An index appears, without a lock.
    IndexAdded,
    /// Something is locked that was not.
    LockAdded,
    /// A lock is gone.
    LockRemoved,
    /// A call that looks things up, inside a loop.
    CallInLoop(String),
    /// A query that was not made before.
    QueryAdded,
    /// A wait.
    SleepAdded,
    /// Something grows and nothing shrinks it.
    GrowthAdded,
    /// A column, tag or field has another name.
    FieldRenamed,
    /// Another version of a module.
    Dependency {
        /// Its name.
        module: String,
        /// Before and now.
        versions: (String, String),
    },
    /// A key, certificate, secret or permission is another.
    Credential,
    /// An address or port is another.
    Address,
    /// A setting that is text or a switch is another, or is gone.
    TextSetting,
}

/// Everything that these net changes do. Checks, queries and calls are counted over all files together, because code
/// moves between them.
#[must_use]
pub fn of(nets: &[Net]) -> Vec<Effect> {
    let (pins, code): (Vec<&Net>, Vec<&Net>) = nets.iter().partition(|net| is_manifest(&net.path));
    let mut found: Vec<Effect> = pins.into_iter().flat_map(dependencies).collect();
    let mut whole = Net::default();
    for net in code {
        whole.removed.extend(net.removed.iter().cloned());
        whole.added.extend(net.added.iter().cloned());
        found.extend(settings::moved(net).into_iter().map(Effect::Setting));
        found.extend(texts(net));
        found.extend(cache_key(net));
    }
    found.extend(checks(&whole));
    found.extend(queries(&whole));
    found.extend(calls(&whole));
    let was: Vec<String> = whole.removed.iter().flat_map(|line| call_names(line)).collect();
    found.extend(nets.iter().filter_map(|net| looped(net, &was)).map(Effect::CallInLoop));
    found
}

/// How many of `lines` satisfy `is`.
fn count(lines: &[String], is: impl Fn(&str) -> bool) -> usize {
    lines.iter().filter(|line| is(line)).count()
}

/// Whether more lines like this went than came.
fn is_gone(net: &Net, is: impl Fn(&str) -> bool + Copy) -> bool {
    count(&net.removed, is) > count(&net.added, is)
}

fn is_new(net: &Net, is: impl Fn(&str) -> bool + Copy) -> bool {
    count(&net.added, is) > count(&net.removed, is)
}

fn has_any(line: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| line.contains(part))
}

fn checks(net: &Net) -> Vec<Effect> {
    let mut found = Vec::new();
    // An error's check against nothing is how errors are passed on, and no guard.
    let is_null_check = |line: &str| {
        let is_of_error = has_any(line, &["err ", "err)", "error ", "error)", "ex "]);
        let compares = has_any(
            line,
            &[
                "== nil",
                "!= nil",
                "== null",
                "!= null",
                "is None",
                "is not None",
                "=== undefined",
                "!== undefined",
                "?.",
                "??",
                "unwrap_or",
                ".get(",
                "isPresent",
                "is_some",
                "is_none",
                "hasattr",
            ],
        );
        compares && !is_of_error
    };
    let is_bounds = |line: &str| {
        has_any(line, &["if ", "assert"])
            && has_any(line, &["len(", ".length", ".size()", "isEmpty", ".is_empty"])
    };
    if is_gone(net, is_null_check) {
        found.push(Effect::NullCheckRemoved);
    }
    if is_gone(net, is_bounds) {
        found.push(Effect::BoundsCheckRemoved);
    }
    found
}

fn queries(net: &Net) -> Vec<Effect> {
    let mut found = Vec::new();
    let (gone, new) = (net.removed.join("\n"), net.added.join("\n"));
    let (was, is) = (sql::read(&gone), sql::read(&new));
    if sql::bounds(&gone) > sql::bounds(&new) {
        found.push(Effect::RowBoundRemoved);
    }
    if was.filters > is.filters && is.reads >= was.reads && is.reads > 0 {
        found.push(Effect::FilterRemoved);
    }
    if is.reads + is.writes > was.reads + was.writes
        || is.tables.iter().any(|table| !was.tables.contains(table))
    {
        found.push(Effect::QueryAdded);
    }
    if is.drops_index {
        found.push(Effect::IndexDropped);
    }
    if is.adds_index {
        found.push(if is.locks { Effect::LockAdded } else { Effect::IndexAdded });
    } else if is.locks && !was.locks {
        found.push(Effect::LockAdded);
    }
    found
}

/// Words of calls that look something up or send something elsewhere.
const REMOTE: &[&str] = &[
    "call", "check", "exec", "execute", "fetch", "find", "get", "invoke", "list", "load", "lookup", "post",
    "publish", "query", "read", "request", "resolve", "search", "select", "send",
];
const CLEANUP: &[&str] =
    &["cancel", "close", "dispose", "evict", "free", "release", "rollback", "unlock", "unsubscribe"];

fn calls(net: &Net) -> Vec<Effect> {
    let mut found = Vec::new();
    let names = |lines: &[String]| lines.iter().flat_map(|line| call_names(line)).collect::<Vec<String>>();
    let (was, is) = (names(&net.removed), names(&net.added));
    let is_called = |names: &[String], wanted: &[&str]| {
        names
            .iter()
            .filter(|name| words::all(name).iter().any(|word| wanted.contains(&word.as_str())))
            .count()
    };
    let went = |wanted: &[&str]| is_called(&was, wanted) > is_called(&is, wanted);
    let came = |wanted: &[&str]| is_called(&is, wanted) > is_called(&was, wanted);
    let pairs: [(bool, Effect); 7] = [
        (went(CLEANUP), Effect::CleanupRemoved),
        (went(&["sleep", "backoff", "jitter"]), Effect::BackoffRemoved),
        (came(&["sleep"]), Effect::SleepAdded),
        (came(&["lock", "synchronized", "acquire"]) && !came(CLEANUP), Effect::LockAdded),
        (went(&["lock", "synchronized"]), Effect::LockRemoved),
        (went(&["cache", "cached", "memo", "memoize"]), Effect::CacheRemoved),
        (is_new(net, grows) && !came(CLEANUP), Effect::GrowthAdded),
    ];
    found.extend(pairs.into_iter().filter(|(holds, _)| *holds).map(|(_, effect)| effect));
    found
}

fn cache_key(net: &Net) -> Option<Effect> {
    let is_key = |line: &str| {
        let words = words::all(line);
        let has = |wanted: &str| words.iter().any(|word| word == wanted);
        has("key") && (has("cache") || net.path.contains("cache"))
    };
    (is_new(net, is_key) || is_gone(net, is_key)).then_some(Effect::CacheKeyChanged)
}

/// Whether a line lets something that outlives the call grow: a list or map of an object, a task started.
fn grows(line: &str) -> bool {
    let compact: String = line.split_whitespace().collect();
    let is_kept = compact.contains('.') || compact.contains("self") || compact.contains("this");
    let adds = (compact.contains("=append(")
        && compact.split('=').next().is_some_and(|left| left.contains('.')))
        || has_any(&compact, &[".push(", ".push_back(", ".add(", ".put(", "]="]);
    let starts = has_any(line, &["go func", "Thread(", "spawn(", "create_task(", "setInterval("]);
    (adds && is_kept) || starts
}

/// The names that are called on a line, with what they are called on.
fn call_names(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut name = String::new();
    for c in line.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@') {
            name.push(c);
            continue;
        }
        if c == '(' && name.len() > 1 {
            found.push(name.clone());
        }
        name.clear();
    }
    found
}

/// A looking-up call inside a loop that the old side did not make: the loop is above it and less indented.
fn looped(net: &Net, was: &[String]) -> Option<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_loop = |line: &str| {
        let text = line.trim_start();
        ["for ", "for(", "while ", "while(", "foreach"].iter().any(|word| text.starts_with(word))
            || has_any(text, &[".forEach(", ".map(", ".each "])
    };
    let mut open: Vec<usize> = Vec::new();
    for (line, is_added) in &net.after {
        let here = indent(line);
        open.retain(|outer| *outer < here);
        if is_loop(line) {
            open.push(here);
            continue;
        }
        if open.is_empty() || !is_added {
            continue;
        }
        let called = call_names(line).into_iter().find(|name| {
            let last = name.rsplit('.').next().unwrap_or_default();
            let first_word = words::all(last).into_iter().next().unwrap_or_default();
            name.contains('.') && REMOTE.contains(&first_word.as_str()) && !was.contains(name)
        });
        if called.is_some() {
            return called;
        }
    }
    None
}

fn texts(net: &Net) -> Vec<Effect> {
    let mut found = Vec::new();
    let changed = super::diff::changed_words(std::slice::from_ref(net));
    let has = |wanted: &[&str]| wanted.iter().any(|word| changed.contains(*word));
    let quoted = |line: &str| has_any(line, &["\"", "'"]);
    if net.removed.is_empty() && net.added.is_empty() {
        return found;
    }
    let path = words::all(&net.path);
    let is_secret = ["pem", "crt", "cer", "jks", "p12"].contains(&super::diff::extension(&net.path))
        || (path.iter().any(|word| {
            ["cert", "certificate", "secret", "credential", "rbac", "iam"].contains(&word.as_str())
        }));
    if is_secret
        || has(&["password", "secret", "credential", "role", "permission", "scope", "audience", "issuer"])
    {
        found.push(Effect::Credential);
    }
    if has(&["host", "url", "addr", "address", "endpoint", "port", "dns", "dsn"]) && !net.removed.is_empty() {
        found.push(Effect::Address);
    }
    let is_tag = |line: &str| {
        has_any(line, &["json:\"", "column", "@JsonProperty", "serde(rename", "Field(", "alias="])
    };
    if is_gone(net, is_tag) || (count(&net.removed, is_tag) > 0 && count(&net.added, is_tag) > 0) {
        found.push(Effect::FieldRenamed);
    }
    let is_switch = |line: &str| {
        let text = line.trim().to_ascii_lowercase();
        has_any(&text, &["true", "false"]) || (quoted(line) && has_any(line, &[":", "="]))
    };
    if count(&net.removed, is_switch) > 0 {
        found.push(Effect::TextSetting);
    }
    found
}

/// Whether a file pins the versions of modules.
#[must_use]
pub fn is_manifest(path: &str) -> bool {
    const NAMES: &[&str] = &[
        "Cargo.lock",
        "Cargo.toml",
        "Gemfile",
        "Gemfile.lock",
        "Pipfile",
        "build.gradle",
        "composer.json",
        "go.mod",
        "go.sum",
        "package-lock.json",
        "package.json",
        "poetry.lock",
        "pom.xml",
        "pyproject.toml",
        "requirements.txt",
        "yarn.lock",
    ];
    path.rsplit('/').next().is_some_and(|name| NAMES.contains(&name))
}

/// Modules whose version differs: the words of a line up to its version.
fn dependencies(net: &Net) -> Vec<Effect> {
    let pinned = |line: &str| -> Option<(String, String)> {
        let text = line.replace(['"', '\'', ',', '='], " ");
        let parts: Vec<&str> = text.split([' ', '\t', ':', '@']).filter(|part| !part.is_empty()).collect();
        let is_version = |part: &&&str| {
            let bare = part.trim_start_matches(['v', '^', '~', '>', '<']);
            bare.starts_with(|c: char| c.is_ascii_digit()) && bare.contains('.')
        };
        let version = parts.iter().find(is_version)?;
        Some(((*parts.first()?).to_owned(), (*version).to_owned()))
    };
    let before: Vec<(String, String)> = net.removed.iter().filter_map(|line| pinned(line)).collect();
    let found = net.added.iter().filter_map(|line| pinned(line)).map(|(module, now)| {
        let was = before.iter().find(|(name, _)| *name == module).map(|(_, was)| was.clone());
        Effect::Dependency { module, versions: (was.unwrap_or_default(), now) }
    });
    found.collect()
}

impl Effect {
    /// The effect as words for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Setting(setting) => {
                let name = setting.name.join(" ");
                match (setting.before, setting.after) {
                    (Some(_), Some(_)) => {
                        format!("changes `{name}` from {} to {}", setting.text.0, setting.text.1)
                    }
                    (Some(_), None) => format!("takes `{name}` ({}) away", setting.text.0),
                    _ => format!("sets `{name}` to {}", setting.text.1),
                }
            }
            Self::CallInLoop(name) => format!("calls `{name}` inside a loop"),
            Self::Dependency { module, versions } => {
                format!("moves `{module}` from {} to {}", versions.0, versions.1)
            }
            other => other.plain().to_owned(),
        }
    }

    fn plain(&self) -> &'static str {
        match self {
            Self::NullCheckRemoved => "removes a check for a missing value",
            Self::BoundsCheckRemoved => "removes a check of a length",
            Self::RowBoundRemoved => "removes the bound on how many rows are read",
            Self::FilterRemoved => "removes a filter of a query",
            Self::CleanupRemoved => "no longer gives something back",
            Self::BackoffRemoved => "removes the wait between attempts",
            Self::CacheRemoved => "no longer asks a cache",
            Self::CacheKeyChanged => "changes what a cache is asked by",
            Self::IndexDropped => "drops an index",
            Self::IndexAdded => "adds an index",
            Self::LockAdded => "locks what was not locked",
            Self::LockRemoved => "removes a lock",
            Self::QueryAdded => "makes a query that was not made before",
            Self::SleepAdded => "adds a wait",
            Self::GrowthAdded => "lets something grow without shrinking it",
            Self::FieldRenamed => "renames a field",
            Self::Credential => "changes a key, certificate or permission",
            Self::Address => "changes an address",
            Self::Setting(_) | Self::CallInLoop(_) | Self::Dependency { .. } | Self::TextSetting => {
                "changes a setting"
            }
        }
    }

    /// The class and direction of a moved setting.
    #[must_use]
    pub fn lowered(&self) -> Option<Class> {
        match self {
            Self::Setting(setting) if setting.is_lowered() => Some(setting.class),
            _ => None,
        }
    }

    /// The class of a setting that was raised.
    #[must_use]
    pub fn raised(&self) -> Option<Class> {
        match self {
            Self::Setting(setting) if setting.is_raised() => Some(setting.class),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::diff::tests::{file, net};
    use super::*;

    fn read(path: &str, text: &str) -> Vec<Effect> {
        of(&[net(&file(path, text))])
    }

    #[test]
    fn a_lookup_in_a_new_loop_is_seen_and_one_outside_is_not() {
        let looped = "+for _, line := range order.Lines {\n+\titem, err := s.store.GetItem(ctx, line)\n+}";
        assert!(read("a.go", looped).iter().any(|e| matches!(e, Effect::CallInLoop(_))));
        assert!(read("a.go", "+item, err := s.store.GetItem(ctx, line)").is_empty());
    }

    #[test]
    fn a_guard_that_goes_is_seen_and_error_passing_is_not() {
        let guard = "-if reply.Extra == nil {\n-\treturn \"\"\n-}\n+return reply.Extra.State";
        assert!(read("a.go", guard).contains(&Effect::NullCheckRemoved));
        let passing = "-x, err := f()\n-if err != nil { return nil, err }\n-return x, nil\n+return f()";
        assert!(!read("a.go", passing).contains(&Effect::NullCheckRemoved));
    }

    #[test]
    fn a_bound_that_goes_is_seen_and_one_that_stays_is_not() {
        let gone = "-SELECT a FROM things ORDER BY a LIMIT 20\n+SELECT a FROM things ORDER BY a";
        assert!(read("a.sql", gone).contains(&Effect::RowBoundRemoved));
        let stays = "-SELECT a FROM things LIMIT 20\n+SELECT a, b FROM things LIMIT 20";
        assert!(!read("a.sql", stays).contains(&Effect::RowBoundRemoved));
    }

    #[test]
    fn modules_are_read_from_manifests() {
        let found = read(
            "go.mod",
            "-\texample.org/lib/x v1.2.0\n+\texample.org/lib/x v1.9.0\n \texample.org/y v1.0.0",
        );
        let versions = ("v1.2.0".to_owned(), "v1.9.0".to_owned());
        assert_eq!(found, [Effect::Dependency { module: "example.org/lib/x".into(), versions }]);
    }
}
