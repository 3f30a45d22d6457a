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
        Some(text) if !args.json => text.lines().map(terminal::plain).collect::<Vec<_>>().join("\n"),
        _ => serde_json::to_string_pretty(&reply)?,
    };
    terminal::say(&text)?;
    Ok(Outcome::AsAsked)
}

/// `NAME=TEXT` and `NAME:=JSON` words as an object: an order's number is a text, unless somebody says otherwise.
fn arguments(words: &[String]) -> anyhow::Result<Value> {
    let wrong = |word: &str, why: &str| {
        Failure::usage(format!("`{word}` {why}"), "NAME=TEXT or NAME:=JSON: service=orders, limit:=5")
    };
    let mut object = Map::new();
    for word in words {
        let (name, text) = word.split_once('=').ok_or_else(|| wrong(word, "was not understood"))?;
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => (name, serde_json::from_str(text).map_err(|_| wrong(word, "holds no JSON"))?),
            None => (name, Value::from(text)),
        };
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_arguments_of_their_kind() {
        let words = ["service=orders", "limit:=5", "text=404", "query=a=b"].map(str::to_owned);
        let expected = serde_json::json!({ "service": "orders", "limit": 5, "text": "404", "query": "a=b" });
        assert_eq!(arguments(&words).unwrap(), expected);
        for wrong in ["service", "limit:=five"] {
            assert!(arguments(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
