//! Prompts: the three ways in which people begin a conversation about production.
//!
//! They name no tool, since each dialect names its own.

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, GetPromptRequestParams, GetPromptResponse, GetPromptResult, ListPromptsResult, Prompt,
    PromptArgument, PromptMessage, Role,
};
use serde_json::Value;

/// How long the list may be kept, in milliseconds: it changes with the program.
const TTL_MS: u64 = 3_600_000;
/// Characters of an argument.
const ARGUMENT_MAX: usize = 200;

struct Asked {
    name: &'static str,
    what: &'static str,
    /// The argument, what it is, and whether it must be given.
    argument: (&'static str, &'static str, Need),
    text: fn(&str) -> String,
}

#[derive(PartialEq)]
enum Need {
    Required,
    Optional,
}

const PROMPTS: [Asked; 3] = [
    Asked {
        name: "explain_symptom",
        what: "Find out why something is slow or fails now",
        argument: ("service", "Where it hurts; what looks worst when not given", Need::Optional),
        text: |service| {
            let at =
                if service.is_empty() { String::new() } else { format!(" with the service `{service}`") };
            format!(
                "Something is wrong{at} in production. Look at its state, investigate the symptom, and tell me the root \
                 cause with the evidence for it, what was ruled out, and what could not be looked at. Say so when the \
                 evidence does not suffice."
            )
        },
    },
    Asked {
        name: "review_incident",
        what: "Go through one incident for a review",
        argument: ("incident", "The id of the incident", Need::Required),
        text: |incident| {
            format!(
                "Read firstcause://incidents/{incident}/report. Write a review: what users noticed and when, the root \
                 cause and its evidence, what was done and whether a measurement says that it helped, what is unknown, \
                 and what would have shortened it. Cite the evidence by its id."
            )
        },
    },
    Asked {
        name: "hand_over",
        what: "Tell the next person on call what happened",
        argument: ("since", "Since when, such as `now-12h`", Need::Optional),
        text: |since| {
            let since = if since.is_empty() { "now-12h" } else { since };
            format!(
                "Summarise for the next person on call what happened since {since}: each incident with its cause and \
                 state, what still needs a decision, what changed, and what looks unusual now. At most one screen."
            )
        },
    },
];

/// Every prompt.
pub(super) fn list() -> ListPromptsResult {
    let prompts = PROMPTS.iter().map(|asked| {
        let (name, what, need) = &asked.argument;
        let argument =
            PromptArgument::new(*name).with_description(*what).with_required(*need == Need::Required);
        Prompt::new(asked.name, Some(asked.what), Some(vec![argument]))
    });
    let listed = ListPromptsResult { prompts: prompts.collect(), ..ListPromptsResult::default() };
    listed.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public)
}

/// Fills one in.
pub(super) fn get(request: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let Some(asked) = PROMPTS.iter().find(|asked| asked.name == request.name) else {
        let names: Vec<String> = PROMPTS.iter().map(|asked| asked.name.to_owned()).collect();
        return Err(ErrorData::invalid_params(tools::near::unknown("prompt", &request.name, &names), None));
    };
    let (name, _, need) = &asked.argument;
    let given = request.arguments.as_ref().and_then(|arguments| arguments.get(*name)).and_then(Value::as_str);
    let given = given.map(str::trim).unwrap_or_default();
    if given.is_empty() && *need == Need::Required {
        return Err(ErrorData::invalid_params(format!("the prompt `{}` needs `{name}`", asked.name), None));
    }
    if given.chars().count() > ARGUMENT_MAX || given.chars().any(char::is_control) {
        return Err(ErrorData::invalid_params(format!("`{name}` is too long, or no plain line"), None));
    }
    let message = PromptMessage::new_text(Role::User, (asked.text)(given));
    Ok(GetPromptResult::new(vec![message]).with_description(asked.what).into())
}
