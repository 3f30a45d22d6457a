//! Two fixed resources and a template.

use rmcp::ErrorData;
use rmcp::model::*;
use serde_json::json;

use crate::handler::TTL_MS;
use crate::tools::IMAGE;

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";

/// What can be read by name.
pub(crate) fn list() -> ListResourcesResult {
    let resources = vec![
        Resource::new(TEXT, "A text").with_description("A fixed text").with_mime_type("text/plain"),
        Resource::new(BINARY, "An image").with_description("A fixed image").with_mime_type("image/png"),
    ];
    let listed = ListResourcesResult { resources, ..Default::default() };
    listed.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public)
}

/// What can be read by a pattern.
pub(crate) fn templates() -> ListResourceTemplatesResult {
    let resource_templates = vec![
        ResourceTemplate::new("test://template/{id}/data", "One of many")
            .with_description("Text with the id in it")
            .with_mime_type("application/json"),
    ];
    let listed = ListResourceTemplatesResult { resource_templates, ..Default::default() };
    listed.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public)
}

/// Reads one.
pub(crate) fn read(uri: &str) -> Result<ReadResourceResponse, ErrorData> {
    let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    let content = match (uri, id) {
        (TEXT, _) => ResourceContents::text("This is the content of the static text resource.", uri)
            .with_mime_type("text/plain"),
        (BINARY, _) => ResourceContents::blob(IMAGE, uri).with_mime_type("image/png"),
        (_, Some(id)) => {
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            ResourceContents::text(data.to_string(), uri).with_mime_type("application/json")
        }
        _ => {
            let about = Some(json!({ "uri": uri }));
            return Err(ErrorData::resource_not_found(format!("no resource is called {uri}"), about));
        }
    };
    let result = ReadResourceResult::new(vec![content]);
    Ok(result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public).into())
}
