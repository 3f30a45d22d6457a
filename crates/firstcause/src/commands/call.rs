//! `call`: one tool of a running Firstcause, from the shell.

use serde_json::{Map, Value};

use crate::cli::tools::Call;
use crate::failure::{Failure, Outcome};
use crate::{remote, terminal};

/// Calls it.
pub(crate) async fn run(args: Call) -> anyhow::Result<Outcome> {
    let arguments = arguments(&args.arguments)?;
    let reply = remote::call(args.at, &args.tool, &arguments).await?;
    let text = match reply.get("text").and_then(Value::as_str) {
        Some(text) if !args.json => text.to_owned(),
        _ => serde_json::to_string_pretty(&reply)?,
    };
    terminal::say(&text)?;
    Ok(Outcome::AsAsked)
}

/// `NAME=VALUE` words as an object; a value that reads as a number, a truth value, a list or an object is one.
fn arguments(words: &[String]) -> anyhow::Result<Value> {
    let mut object = Map::new();
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return Err(Failure::usage(format!("`{word}` was not understood"), "NAME=VALUE: service=orders"));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_arguments_of_their_kind() {
        let words = ["service=orders", "limit=5", "query=a=b"].map(str::to_owned);
        let expected = serde_json::json!({ "service": "orders", "limit": 5, "query": "a=b" });
        assert_eq!(arguments(&words).unwrap(), expected);
        assert!(arguments(&["service".to_owned()]).is_err());
    }
}
