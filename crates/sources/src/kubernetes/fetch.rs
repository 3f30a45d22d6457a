//! What the API server lists, page by page, and what it may not be asked.
//!
//! A resource that the token may not list is a gap of the answer, named with its verb; the others are answered.

use serde_json::Value as Json;
use telemetry::answer::Locator;
use telemetry::time::SECOND_NS;
use telemetry::{AskError, UnixNanos};

use crate::http::{Asking, Http};
use crate::{json, rfc3339};

/// Objects of one page, as `kubectl` asks for them.
const PAGE: usize = 500;
/// Objects of one resource that are read.
const OBJECTS_MAX: usize = 20_000;
/// How often a list is begun: pages of one that has expired (410 Gone) do not fit the pages of another.
const BEGINS_MAX: usize = 3;

/// Something that can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resource {
    /// `api/v1` or `apis/GROUP/VERSION`.
    group: &'static str,
    pub(super) name: &'static str,
    is_namespaced: bool,
}

const fn of(group: &'static str, name: &'static str) -> Resource {
    Resource { group, name, is_namespaced: true }
}

pub(super) const PODS: Resource = of("api/v1", "pods");
pub(super) const EVENTS: Resource = of("api/v1", "events");
/// The same events, for who may list them by this name only.
const NEW_EVENTS: Resource = of("apis/events.k8s.io/v1", "events");
pub(super) const REPLICA_SETS: Resource = of("apis/apps/v1", "replicasets");
pub(super) const NODES: Resource = Resource { group: "api/v1", name: "nodes", is_namespaced: false };
/// What keeps pods.
pub(super) const WORKLOADS: [Resource; 3] =
    [of("apis/apps/v1", "deployments"), of("apis/apps/v1", "statefulsets"), of("apis/apps/v1", "daemonsets")];

/// Everything that was listed for one answer.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) pods: Vec<Json>,
    pub(super) events: Vec<Json>,
    pub(super) replica_sets: Vec<Json>,
    /// Deployments, stateful sets and daemon sets, with the resource's name.
    pub(super) workloads: Vec<(&'static str, Json)>,
    pub(super) nodes: Vec<Json>,
    /// When the last list was answered, by the other side's clock.
    pub(super) read_at: Option<UnixNanos>,
    pub(super) locators: Vec<Locator>,
    /// What was not read, and why.
    pub(super) gaps: Vec<Locator>,
}

/// Reads lists of one cluster.
pub(super) struct Lists<'a> {
    pub(super) http: &'a Http,
    /// All when empty.
    pub(super) namespaces: &'a [String],
    pub(super) asking: &'a Asking,
}

impl Lists<'_> {
    /// Whatever the questions need, and of nodes only if asked.
    pub(super) async fn cluster(&self, with_nodes: bool) -> Result<Cluster, AskError> {
        let mut cluster = Cluster::default();
        cluster.pods = self.all(PODS, &mut cluster).await?;
        cluster.replica_sets = self.all(REPLICA_SETS, &mut cluster).await?;
        for resource in WORKLOADS {
            let found = self.all(resource, &mut cluster).await?;
            cluster.workloads.extend(found.into_iter().map(|one| (resource.name, one)));
        }
        let known = cluster.gaps.len();
        cluster.events = self.all(EVENTS, &mut cluster).await?;
        if cluster.gaps.len() > known {
            let others = self.all(NEW_EVENTS, &mut cluster).await?;
            // One of the two names suffices.
            if cluster.gaps.len() == known + self.places(EVENTS).len() {
                cluster.gaps.truncate(known);
                cluster.events = others;
            }
        }
        if with_nodes {
            cluster.nodes = self.all(NODES, &mut cluster).await?;
        }
        if cluster.locators.is_empty() {
            let said: Vec<&str> = cluster.gaps.iter().map(|gap| gap.query.as_str()).collect();
            return Err(AskError::Unavailable(said.join("; ")));
        }
        Ok(cluster)
    }

    /// The paths that list a resource.
    fn places(&self, resource: Resource) -> Vec<String> {
        let Resource { group, name, is_namespaced } = resource;
        if self.namespaces.is_empty() || !is_namespaced {
            return vec![format!("{group}/{name}")];
        }
        self.namespaces.iter().map(|namespace| format!("{group}/namespaces/{namespace}/{name}")).collect()
    }

    async fn all(&self, resource: Resource, cluster: &mut Cluster) -> Result<Vec<Json>, AskError> {
        let mut objects = Vec::new();
        for path in self.places(resource) {
            let link = self.http.link(&path, &[("limit", PAGE.to_string())]);
            if !self.asking.has_time_left(3) && !cluster.locators.is_empty() {
                let query = format!("not read: `{}` (GET /{path}), there was no time left", resource.name);
                cluster.gaps.push(Locator { query, link });
                continue;
            }
            match self.list(&path, cluster).await? {
                Listed::Whole(found) => {
                    objects.extend(found);
                    cluster.locators.push(Locator { query: format!("GET /{path}"), link });
                }
                Listed::Cut(found) => {
                    let query = format!("not all read: GET /{path} lists more than {}", found.len());
                    cluster.locators.push(Locator { query: format!("GET /{path}"), link: link.clone() });
                    cluster.gaps.push(Locator { query, link });
                    objects.extend(found);
                }
                Listed::Refused(why) => {
                    let query = format!("not read: `list` on `{}` (GET /{path}) {why}", resource.name);
                    cluster.gaps.push(Locator { query, link });
                }
            }
        }
        Ok(objects)
    }

    async fn list(&self, path: &str, cluster: &mut Cluster) -> Result<Listed, AskError> {
        let (mut objects, mut next, mut begun) = (Vec::new(), String::new(), 1);
        loop {
            let mut query = vec![("limit", PAGE.to_string())];
            if !next.is_empty() {
                query.push(("continue", next.clone()));
            }
            let reply = match self.http.reply(path, &query, self.asking).await {
                Ok(reply) => reply,
                Err(refusal) if refusal.status == Some(410) && begun < BEGINS_MAX => {
                    objects.clear();
                    next.clear();
                    begun += 1;
                    continue;
                }
                Err(refusal) if matches!(refusal.status, Some(403 | 404)) => {
                    return Ok(Listed::Refused(refusal.error.to_string()));
                }
                Err(refusal) => return Err(refusal.error),
            };
            if let Some(seconds) = reply.header("date").and_then(rfc3339::http_date) {
                cluster.read_at = Some(UnixNanos(seconds.saturating_mul(SECOND_NS)));
            }
            let mut page = json::parse(&reply.body, "Kubernetes' API")?;
            next = json::text(&page, "/metadata/continue").to_owned();
            match page.get_mut("items").map(Json::take) {
                Some(Json::Array(items)) => objects.extend(items),
                // A list of none may say null.
                Some(Json::Null) => {}
                _ => return Err(json::foreign("Kubernetes' API", "a list without items")),
            }
            if next.is_empty() {
                return Ok(Listed::Whole(objects));
            }
            if objects.len() >= OBJECTS_MAX || !self.asking.has_time_left(3) {
                return Ok(Listed::Cut(objects));
            }
        }
    }
}

enum Listed {
    Whole(Vec<Json>),
    Cut(Vec<Json>),
    /// Why; the rest is answered without it.
    Refused(String),
}
