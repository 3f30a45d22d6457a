//! The operator's own tools.

use serde_json::json;
use tools::{Definition, Registry, Role, dialects};

use crate::memory::Memory;
use crate::system::{self, Request};

fn definition() -> Definition {
    Definition {
        description: "Find refused orders.\nWhen to use: when customers complain; for an order's number.\n\
                      When NOT to use: why they are refused (`investigate`)."
            .to_owned(),
        question: "log_search".to_owned(),
        with: [("service", "orders"), ("text", "{number}"), ("start", "now-1h")]
            .map(|(part, value)| (part.to_owned(), value.to_owned()))
            .into(),
        parameters: [("number".to_owned(), "The order's number.".to_owned())].into(),
        ..Definition::default()
    }
}

fn registry() -> Registry {
    Registry::new(dialects::named("default").expect("it is there"))
}

// covers: AG-57
#[tokio::test]
async fn a_tool_of_the_operator_is_listed_at_once_and_answers() {
    let registry = registry();
    registry.add("refused_orders", definition()).expect("a sound definition");
    assert!(registry.list().last().is_some_and(|tool| tool.about().name == "refused_orders"));
    let requests: Vec<Request> =
        (0..40).map(|n| Request { at_ms: n * 100, query_ms: 5, fails: n % 4 == 0 }).collect();
    let context =
        Memory::new(system::tables(&requests), system::BEGIN.plus_seconds(10)).context(Role::Observer);
    let tool = registry.get("refused_orders").expect("it was added");
    let reply = tool.call(&context, json!({ "number": "order 8 " })).await.expect("an answer");
    assert_eq!((reply.structured["total"].as_u64(), reply.is_truncated), (Some(1), false), "{}", reply.text);
    assert!(reply.text.contains("order 8 refused"), "{}", reply.text);
    let all = tool.call(&context, json!({})).await.expect("an answer");
    assert_eq!(all.structured["total"], 10, "without the number every line of the service");
    assert!(registry.remove("refused_orders") && registry.get("refused_orders").is_none());
}

// covers: EL-41
#[test]
fn a_definition_that_breaks_a_rule_is_refused_with_the_rule() {
    let wrong = |change: fn(&mut Definition)| {
        let mut definition = definition();
        change(&mut definition);
        registry().add("refused_orders", definition).expect_err("refused").to_string()
    };
    assert!(wrong(|d| d.question = "everything".to_owned()).contains("is no question"));
    assert!(
        wrong(|d| drop(d.with.insert("url".to_owned(), "http://x".to_owned())))
            .contains("no part of a question")
    );
    assert!(wrong(|d| d.parameters.clear()).contains("used and not described"));
    assert!(wrong(|d| drop(d.parameters.insert("idle".to_owned(), String::new()))).contains("not used"));
    assert!(wrong(|d| d.description = "Orders.".to_owned()).contains("verbs"));
    assert!(registry().add("status", definition()).is_err(), "a name of the dialect");
    assert!(
        registry()
            .add("Refused Orders", definition())
            .expect_err("refused")
            .to_string()
            .contains("lower-case")
    );
}
