//! What the answers of HolmesGPT are made of: calls of tools, sections, events.

use serde_json::{Map, Value, json};
use tools::Reply;

use crate::compat::explained::Explained;
use crate::serve::event;

/// The sections of an answer to who asks for none, as HolmesGPT names them.
const SECTIONS: [&str; 7] = [
    "Alert Explanation",
    "Key Findings",
    "Conclusions and Possible Root causes",
    "Next Steps",
    "Related logs",
    "App or Infra?",
    "External links",
];

/// One call of a tool: `ToolCallResult`. `data` is absent where the caller does not want what tools said.
pub(super) fn tool_call(number: usize, tool: &str, params: &Value, result: Result<&Reply, &str>) -> Value {
    let (status, error, data) = match result {
        Ok(reply) => ("success", None, Some(reply.text.as_str())),
        Err(why) => ("error", Some(why), None),
    };
    json!({
        "tool_call_id": format!("call_{number}"),
        "tool_name": tool,
        "description": format!("{tool} {params}"),
        "result": {
            "schema_version": "robusta:v1.0.0",
            "status": status,
            "error": error,
            "return_code": null,
            "data": data,
            "url": null,
            "invocation": null,
            "params": params,
        },
        "size": data.map(str::len),
    })
}

/// The calls that an explanation was made of.
pub(super) fn tool_calls(explained: &Explained) -> Vec<Value> {
    let (report, evidence) = (&explained.report, &explained.evidence);
    let incident = json!({ "incident": report.structured.get("incident") });
    vec![
        tool_call(1, "investigate", &explained.arguments, Ok(report)),
        tool_call(2, "evidence", &incident, Ok(evidence)),
    ]
}

/// The sections that were asked for, those that nothing is known for empty.
pub(super) fn sections(explained: &Explained, asked: Option<&Map<String, Value>>) -> Map<String, Value> {
    let titles: Vec<String> = match asked {
        Some(asked) => asked.keys().cloned().collect(),
        None => SECTIONS.map(str::to_owned).to_vec(),
    };
    titles.into_iter().map(|title| (title.clone(), json!(section(explained, &title)))).collect()
}

/// What belongs under a title. Whether it is the application or what it runs on is not told: that would be a guess.
fn section(explained: &Explained, title: &str) -> Option<String> {
    let title = title.to_lowercase();
    let speaks_of = |words: &[&str]| words.iter().any(|word| title.contains(word));
    if speaks_of(&["explanation", "summary", "problem"]) {
        Some(explained.problem())
    } else if speaks_of(&["finding", "evidence"]) {
        explained.findings()
    } else if speaks_of(&["conclusion", "root cause"]) {
        Some(explained.conclusion())
    } else if speaks_of(&["next step", "remediation"]) {
        explained.next_steps()
    } else if speaks_of(&["link"]) {
        explained.links()
    } else {
        None
    }
}

/// The answer as one text: the sections that say something, under their titles.
pub(super) fn analysis(sections: &Map<String, Value>) -> String {
    let said = sections.iter().filter_map(|(title, text)| Some((title, text.as_str()?)));
    said.map(|(title, text)| format!("# {title}\n{text}\n")).collect::<Vec<_>>().join("\n")
}

/// The two events of a call.
pub(super) fn events_of(call: &Value) -> [String; 2] {
    let (id, name) = (&call["tool_call_id"], &call["tool_name"]);
    let result = json!({
        "tool_call_id": id,
        "role": "tool",
        "description": call["description"],
        "name": name,
        "tool_name": name,
        "result": call["result"],
    });
    [
        event("start_tool_calling", &json!({ "tool_name": name, "id": id })),
        event("tool_calling_result", &result),
    ]
}
