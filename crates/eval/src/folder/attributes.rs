//! Attributes as one field of JSON, and the resources that rows of one instance share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use telemetry::signal::Attributes;
use telemetry::{Resource, Value};

use crate::files::FileError;

/// The field, empty when there are none.
pub(super) fn render(attributes: &Attributes) -> Result<String, serde_json::Error> {
    if attributes.is_empty() {
        return Ok(String::new());
    }
    let texts: BTreeMap<&str, String> =
        attributes.iter().map(|(key, value)| (&**key, value.render())).collect();
    serde_json::to_string(&texts)
}

/// What was rendered; every value is text.
pub(super) fn parse(field: &str, path: &Path) -> Result<Attributes, FileError> {
    if field.is_empty() {
        return Ok(Vec::new());
    }
    let texts: BTreeMap<String, String> = serde_json::from_str(field)
        .map_err(|error| FileError::content(path, format!("attributes are no JSON object: {error}")))?;
    let value = |(key, text): (String, String)| (Arc::from(key), Value::Text(Arc::from(text)));
    Ok(texts.into_iter().map(value).collect())
}

/// Shared resources and texts, so that a case takes little memory.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    texts: BTreeMap<String, Arc<str>>,
    resources: BTreeMap<(String, String, String), Arc<Resource>>,
}

impl Shared {
    /// One copy of `text`.
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(text);
        self.texts.insert(text.to_owned(), Arc::clone(&shared));
        shared
    }

    /// One copy of the resource of this service, instance and version.
    pub(crate) fn resource(&mut self, service: &str, instance: &str, version: &str) -> Arc<Resource> {
        let key = (service.to_owned(), instance.to_owned(), version.to_owned());
        if let Some(known) = self.resources.get(&key) {
            return Arc::clone(known);
        }
        let named =
            [("service.name", service), ("service.instance.id", instance), ("service.version", version)];
        let attributes = named
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (self.text(name), Value::Text(self.text(text))))
            .collect();
        let resource = Arc::new(Resource::of(attributes));
        self.resources.insert(key, Arc::clone(&resource));
        resource
    }
}
