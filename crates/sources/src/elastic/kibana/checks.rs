//! The eight checks that an installation works: each is made whatever the others find.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Elastic;
use super::plan::{Form, Kind, Thing, things};

/// Seconds from which the latest trace is called old.
const OLD_SECONDS: u64 = 900;
/// Bytes of the container engine's answer that are looked at.
const PING_BYTES: usize = 512;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What is well, or what is not, with a hint.
    pub found: Result<String, String>,
}

/// The eight checks, in their order. `containers` is the socket of the container engine.
pub async fn check(elastic: &Elastic, containers: &std::path::Path) -> Vec<Check> {
    let things = things(&elastic.prefix, &elastic.traces, Form::Otel);
    let of = |kind| things.iter().filter(move |thing: &&Thing| thing.kind == kind);
    vec![
        Check { name: "elasticsearch reachable", found: reachable(elastic).await },
        Check { name: "elasticsearch privileges", found: privileges(elastic).await },
        Check { name: "traces present and fresh", found: fresh(elastic).await },
        Check { name: "kibana status", found: kibana(elastic).await },
        Check { name: "tools provisioned", found: provisioned(elastic, of(Kind::Tool).collect()).await },
        Check { name: "agent provisioned", found: provisioned(elastic, of(Kind::Agent).collect()).await },
        Check { name: "tools offered over MCP", found: offered(elastic, of(Kind::Tool).collect()).await },
        Check { name: "containers reachable", found: ping(containers).await },
    ]
}

async fn reachable(elastic: &Elastic) -> Result<String, String> {
    // Whoever answers is there; what it allows is the next check's.
    let (status, told) = elastic.elasticsearch.send(Method::GET, "", None).await?;
    match (status, told["version"]["number"].as_str()) {
        (200, Some(version)) => Ok(format!("version {version}")),
        (401 | 403, _) => Ok("it answers".to_owned()),
        _ => Err(format!("answered {status}; hint: is this the address of Elasticsearch?")),
    }
}

async fn privileges(elastic: &Elastic) -> Result<String, String> {
    let (status, told) = elastic.elasticsearch.send(Method::GET, "_security/_authenticate", None).await?;
    match status {
        200 => {}
        401 => return Err("not authenticated; hint: --api-key-file".to_owned()),
        // A cluster without security lets everybody in.
        400 | 404 | 405 | 500 => return Ok("security is off".to_owned()),
        _ => return Err(format!("answered {status}; hint: look into its log")),
    }
    let path = format!("{}/_mapping", elastic.traces);
    let (status, _) = elastic.elasticsearch.send(Method::GET, &path, None).await?;
    if status == 403 {
        return Err(format!(
            "may not read {0}; hint: privileges `read` and `view_index_metadata` on {0}",
            elastic.traces
        ));
    }
    Ok(format!("as {}", told["username"].as_str().unwrap_or("an API key")))
}

async fn fresh(elastic: &Elastic) -> Result<String, String> {
    let query = "size=0&ignore_unavailable=true&q=%40timestamp%3A%5Bnow-15m%20TO%20now%5D";
    let (status, told) = elastic.elasticsearch.read(&format!("{}/_search", elastic.traces), query).await?;
    if status != 200 {
        return Err(format!("answered {status}; hint: privilege `read` on {}", elastic.traces));
    }
    match told["hits"]["total"]["value"].as_u64() {
        Some(0) => Err(format!(
            "no trace in {} within {OLD_SECONDS} s; hint: does the collector send, and do the clocks agree?",
            elastic.traces
        )),
        Some(count) => Ok(format!("{count} or more documents within {OLD_SECONDS} s")),
        None => Err("the answer is none of a search; hint: is this the address of Elasticsearch?".to_owned()),
    }
}

async fn kibana(elastic: &Elastic) -> Result<String, String> {
    let (status, told) = elastic.kibana.send(Method::GET, "api/status", None).await?;
    match (status, told["status"]["overall"]["level"].as_str()) {
        (200, Some("available")) => {
            Ok(format!("version {}", told["version"]["number"].as_str().unwrap_or("unknown")))
        }
        (200, level) => {
            Err(format!("it is {}; hint: wait, or look into its log", level.unwrap_or("not Kibana")))
        }
        _ => Err(format!("answered {status}; hint: is this the address of Kibana, its base path included?")),
    }
}

async fn provisioned(elastic: &Elastic, all: Vec<&Thing>) -> Result<String, String> {
    let mut missing = Vec::new();
    for thing in &all {
        if elastic.found(thing).await?.is_none() {
            missing.push(thing.id.as_str());
        }
    }
    let there = format!("{}/{}", all.len() - missing.len(), all.len());
    if missing.is_empty() {
        return Ok(there);
    }
    Err(format!("{there}, without {}; hint: `firstcause setup elastic`", missing.join(", ")))
}

/// Whether Kibana's MCP server lists the tools. It puts `_` for every dot, and tells apart what is then alike by a number.
async fn offered(elastic: &Elastic, all: Vec<&Thing>) -> Result<String, String> {
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    let (status, told) = elastic.kibana.send(Method::POST, "api/agent_builder/mcp", Some(&ask)).await?;
    let Some(listed) = told["result"]["tools"].as_array().filter(|_| status == 200) else {
        return Err(format!("answered {status}; hint: may who asks use Agent Builder?"));
    };
    let names: Vec<&str> = listed.iter().filter_map(|tool| tool["name"].as_str()).collect();
    let is_there = |id: &str| {
        let mapped = id.replace('.', "_");
        names.iter().any(|name| *name == mapped || name.strip_prefix(&mapped).is_some_and(is_numbered))
    };
    let count = all.iter().filter(|thing| is_there(&thing.id)).count();
    if count == all.len() {
        return Ok(format!("{count}/{count}"));
    }
    Err(format!("{count}/{}; hint: `firstcause setup elastic`", all.len()))
}

/// Whether the rest of a name is what tells it apart: `_1`.
fn is_numbered(rest: &str) -> bool {
    rest.strip_prefix('_')
        .is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
}

async fn ping(socket: &std::path::Path) -> Result<String, String> {
    let wrong = |error: std::io::Error| {
        format!(
            "`{}`: {error}; hint: is the container engine running, and may this user reach it?",
            socket.display()
        )
    };
    let mut stream = UnixStream::connect(socket).await.map_err(wrong)?;
    stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").await.map_err(wrong)?;
    let mut told = vec![0; PING_BYTES];
    let read = stream.read(&mut told).await.map_err(wrong)?;
    let told = String::from_utf8_lossy(told.get(..read).unwrap_or_default()).into_owned();
    if told.starts_with("HTTP/1.1 200") {
        return Ok(socket.display().to_string());
    }
    Err(format!("`{}` answers no ping; hint: is it a container engine's?", socket.display()))
}
