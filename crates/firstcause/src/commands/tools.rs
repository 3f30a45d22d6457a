//! `tools`: what agents can call, dialect by dialect, and what knowing it costs them.

use serde_json::{Value, json};
use tools::dialects::{self, Dialect};
use tools::{Tool, budget};

use crate::cli::tools::Tools;
use crate::failure::Outcome;
use crate::terminal;

/// Lists a dialect, or all of them with their cost.
pub(crate) fn run(args: &Tools) -> anyhow::Result<Outcome> {
    let Some(dialect) = args.dialect else {
        let dialects: Vec<Value> = dialects::all().iter().map(summary).collect();
        let text = if args.json { serde_json::to_string_pretty(&dialects)? } else { table(&dialects) };
        terminal::say(&text)?;
        return Ok(Outcome::AsAsked);
    };
    let tools = (dialect.tools)();
    if args.json {
        let list: Vec<Value> = tools.iter().map(|tool| listed(&**tool)).collect();
        terminal::say(&serde_json::to_string_pretty(&list)?)?;
    } else {
        let blocks: Vec<String> = tools.iter().map(|tool| block(&**tool)).collect();
        terminal::say(&blocks.join("\n\n"))?;
    }
    Ok(Outcome::AsAsked)
}

/// A tool as MCP lists it.
fn listed(tool: &dyn Tool) -> Value {
    json!({
        "name": tool.about().name,
        "description": tool.about().description,
        "inputSchema": tool.input_schema(),
        "outputSchema": tool.output_schema(),
    })
}

fn summary(dialect: &Dialect) -> Value {
    let tools = (dialect.tools)();
    let list: Vec<Value> = tools.iter().map(|tool| listed(&**tool)).collect();
    let tokens = budget::tokens(&Value::Array(list).to_string());
    json!({ "dialect": dialect.name, "tools": tools.len(), "schema_tokens": tokens, "what": dialect.what })
}

fn table(dialects: &[Value]) -> String {
    let line = |dialect: &Value| {
        let text = |key: &str| dialect.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let count = |key: &str| dialect.get(key).and_then(Value::as_u64).unwrap_or_default();
        let (tools, tokens) = (count("tools"), count("schema_tokens"));
        format!("{:<10} {tools:>5} {tokens:>13}  {}", text("dialect"), text("what"))
    };
    let head = format!("{:<10} {:>5} {:>13}", "DIALECT", "TOOLS", "SCHEMA TOKENS");
    std::iter::once(head).chain(dialects.iter().map(line)).collect::<Vec<_>>().join("\n")
}

fn block(tool: &dyn Tool) -> String {
    let about = tool.about();
    let schema = tool.input_schema();
    let arguments: Vec<&str> = match schema.get("properties") {
        Some(Value::Object(properties)) => properties.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    format!("{}({})\n{}", about.name, arguments.join(", "), about.description)
}
