//! The Agent Builder's own address of the Model Context Protocol: one request, its answer, no session (EL-54).
//!
//! The tools of Kibana's dialect under their names without dots, and `?namespace=observability,platform.core` for those
//! of some namespaces only. Everything else about the protocol is at `/mcp`.

use std::sync::Arc;

use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;
use telemetry::source::BoxFuture;
use tools::dialects::elastic::names;
use tools::{Reply, Tool};

use super::AgentBuilder;
use crate::mcp::Mcp;
use crate::mcp::bearer::Principal;
use crate::mcp::product::Product;
use crate::mcp::product::offered::{Call, CallError, Offered};
use crate::query::Query;
use crate::serve::Body;
use crate::toolbox::Toolbox;

/// The tools of some namespaces; of all when there are none.
struct Within {
    toolbox: Toolbox,
    namespaces: Vec<String>,
}

impl Within {
    fn holds(&self, tool: &str) -> bool {
        let dotted = names::NAMES.iter().find(|row| row.name == tool).map_or(tool, |row| row.dotted);
        let namespace = dotted.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        self.namespaces.is_empty() || self.namespaces.iter().any(|asked| asked == namespace)
    }
}

impl Offered for Within {
    fn shown(&self, who: Option<&Principal>) -> Vec<Arc<dyn Tool>> {
        let mut shown = Offered::shown(&self.toolbox, who);
        shown.retain(|tool| self.holds(&tool.about().name));
        shown
    }

    fn reads(&self, who: Option<&Principal>) -> bool {
        Offered::reads(&self.toolbox, who)
    }

    fn call<'a>(
        &'a self,
        who: Option<&'a Principal>,
        mut call: Call,
    ) -> BoxFuture<'a, Result<Reply, CallError>> {
        if let Some(name) = names::canonical(&call.name) {
            name.clone_into(&mut call.name);
        }
        if !self.holds(&call.name) {
            let why = format!("the tool `{}` is in another namespace", call.name);
            return Box::pin(std::future::ready(Err(CallError::Unknown(why))));
        }
        Offered::call(&self.toolbox, who, call)
    }
}

/// Answers one request.
pub(super) async fn answer(builder: &AgentBuilder, request: Request<Incoming>) -> Response<Body> {
    let query = Query::read(request.uri().query().unwrap_or_default());
    let named = query.get("namespace").unwrap_or_default().split(',').map(str::trim);
    let namespaces = named.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let offered: Arc<dyn Offered> = Arc::new(Within { toolbox: builder.named.clone(), namespaces });
    let product = Product::new(offered, builder.investigations.clone());
    Mcp::new(move || product.clone(), builder.door.clone()).answer_one(request).await
}
