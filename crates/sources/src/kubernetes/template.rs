//! What two pod templates differ in, setting by setting, as lines of a diff.
//!
//! Values that may be secrets are never told, only that they are others.

use serde_json::Value as Json;

use crate::json::{list, text};
use crate::masked::{Values, flat, shown};

/// What `kubectl rollout restart` writes to make a template another one.
const RESTARTED: &str = "annotation kubectl.kubernetes.io/restartedAt";
/// The difference between the template of before and the one of now.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    /// `deploy`, `config` or `restart`.
    pub(super) kind: &'static str,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) diff: String,
}

/// What changes from `before` to `after`; templates, or pods.
pub(super) fn difference(before: Option<&Json>, after: &Json) -> Difference {
    let Some(before) = before else {
        return Difference { kind: "deploy", after: images(after), ..Difference::default() };
    };
    let (old, new) = (values(before), values(after));
    let names: Vec<&String> = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))).collect();
    let mut diff = String::new();
    let mut changed = Vec::new();
    for name in names {
        let (old, new) = (old.get(name), new.get(name));
        if old == new {
            continue;
        }
        changed.push(name.as_str());
        for (sign, value) in [('-', old), ('+', new)] {
            if let Some(value) = value {
                diff.push_str(&format!("{sign}{}\n", shown(name, value)));
            }
        }
    }
    let (kind, before, after) = if changed.iter().any(|name| name.ends_with(" image")) {
        ("deploy", images(before), images(after))
    } else if changed.iter().all(|name| *name == RESTARTED) {
        ("restart", images(before), images(after))
    } else {
        let first = changed.iter().find(|name| **name != RESTARTED).copied().unwrap_or_default();
        let told = |values: &Values| values.get(first).map_or(String::new(), |value| shown(first, value));
        ("config", told(&old), told(&new))
    };
    Difference { kind, before, after, diff }
}

/// The images of all containers.
pub(super) fn images(template: &Json) -> String {
    let all: Vec<&str> = list(template, "/spec/containers").iter().map(|one| text(one, "/image")).collect();
    all.join(" ")
}

fn values(template: &Json) -> Values {
    let mut values = Values::new();
    for place in ["/spec/initContainers", "/spec/containers"] {
        for container in list(template, place) {
            of_container(container, &mut values);
        }
    }
    let annotations = template.pointer("/metadata/annotations").and_then(Json::as_object);
    for (name, value) in annotations.into_iter().flatten() {
        values.insert(format!("annotation {name}"), value.as_str().unwrap_or_default().to_owned());
    }
    values
}

fn of_container(container: &Json, values: &mut Values) {
    let name = text(container, "/name");
    values.insert(format!("{name} image"), text(container, "/image").to_owned());
    for variable in list(container, "/env") {
        let value = match variable.get("valueFrom") {
            Some(from) => format!("from {from}"),
            None => text(variable, "/value").to_owned(),
        };
        values.insert(format!("{name} env.{}", text(variable, "/name")), value);
    }
    for key in ["args", "command", "envFrom", "livenessProbe", "readinessProbe", "resources", "startupProbe"]
    {
        if let Some(value) = container.get(key) {
            flat(&format!("{name} {key}"), value, values);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(image: &str, pool: &str, password: &str, restarted: &str) -> Json {
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": restarted}}, "spec": {"containers": [
            {"name": "web", "image": image, "resources": {"limits": {"memory": "64Mi"}}, "env": [
                {"name": "POOL", "value": pool}, {"name": "DB_PASSWORD", "value": password},
                {"name": "URL", "value": "redis://u:hunter2@host"}]}]}})
    }

    #[test]
    fn what_differs_is_a_deploy_a_setting_or_a_restart_and_no_secret_is_told() {
        let before = template("web:1", "20", "hunter2", "a");
        let deploy = difference(Some(&before), &template("web:2", "20", "hunter3", "a"));
        assert_eq!(
            (deploy.kind, deploy.before.as_str(), deploy.after.as_str()),
            ("deploy", "web:1", "web:2")
        );
        assert!(deploy.diff.contains("-web image=web:1\n+web image=web:2\n"), "{}", deploy.diff);
        assert!(deploy.diff.contains("+web env.DB_PASSWORD=(not told)") && !deploy.diff.contains("hunter"));
        let config = difference(Some(&before), &template("web:1", "2", "hunter2", "b"));
        assert_eq!((config.kind, config.before.as_str()), ("config", "web env.POOL=20"));
        assert_eq!(config.after, "web env.POOL=2");
        let restart = difference(Some(&before), &template("web:1", "20", "hunter2", "b"));
        assert_eq!((restart.kind, restart.after.as_str()), ("restart", "web:1"));
        assert_eq!(difference(None, &before).kind, "deploy");
    }
}
