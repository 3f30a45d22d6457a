//! Shares the resources of rows that are read: neighbours mostly have the same one.

use std::sync::Arc;

use telemetry::Resource;
use telemetry::signal::Attributes;

/// Resources looked through before a new one is made; files are sorted by service.
const LOOKED_AT: usize = 16;

/// The resources that were read last.
#[derive(Debug, Default)]
pub(super) struct Resources {
    last: Vec<Arc<Resource>>,
}

impl Resources {
    /// The resource of these attributes.
    pub(super) fn share(&mut self, attributes: Attributes) -> Arc<Resource> {
        if let Some(known) = self.last.iter().rev().find(|known| known.attributes == attributes) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(Resource::of(attributes));
        if self.last.len() >= LOOKED_AT {
            self.last.remove(0);
        }
        self.last.push(Arc::clone(&fresh));
        fresh
    }
}
