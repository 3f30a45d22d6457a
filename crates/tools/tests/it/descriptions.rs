//! What a dialect's list costs and how it reads.

use serde_json::json;
use tools::dialects;
use tools::{Tool, budget, lint};

/// What an agent pays to know the tools: the list as MCP sends it.
fn list(tools: &[std::sync::Arc<dyn Tool>]) -> String {
    let entries = tools.iter().map(|tool| {
        json!({
            "name": tool.about().name,
            "description": tool.about().description,
            "inputSchema": tool.input_schema(),
            "outputSchema": tool.output_schema(),
        })
    });
    serde_json::Value::Array(entries.collect()).to_string()
}

// covers: EL-32, EL-33, EL-34, EL-44, EL-45, W-30
#[test]
fn every_dialect_keeps_the_rules() {
    for dialect in dialects::all() {
        let tools = (dialect.tools)();
        let tools: Vec<&dyn Tool> = tools.iter().map(AsRef::as_ref).collect();
        assert_eq!(lint::check(&tools, dialect.many_required), Vec::<String>::new(), "{}", dialect.name);
    }
}

#[test]
fn the_default_dialect_costs_at_most_three_thousand_tokens() {
    for dialect in dialects::all() {
        let tools = (dialect.tools)();
        let tokens = budget::tokens(&list(&tools));
        println!("{}: {} tools, {tokens} tokens", dialect.name, tools.len());
        assert!(dialect.name != "default" || (tools.len() == 10 && tokens <= 3_000), "{tokens}");
    }
}
