//! JSON documents of traces, told apart by their keys.

use std::collections::BTreeMap;

use otlp::Signal;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use telemetry::{Answer, Table};

use super::{Traces, decode, spans_of};

/// Every document in `bytes`, added up.
pub(super) fn read(bytes: &[u8]) -> Result<Traces, String> {
    let mut all = Traces::default();
    let mut documents = 0_usize;
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>() {
        documents += 1;
        let text = document.map_err(|error| error.to_string())?.get();
        if text.starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
            for item in items {
                all.extend(one(item.get(), documents)?);
            }
        } else {
            all.extend(one(text, documents)?);
        }
    }
    if documents == 0 { Err("it is empty".to_owned()) } else { Ok(all) }
}

fn one(text: &str, number: usize) -> Result<Traces, String> {
    let keys: BTreeMap<String, IgnoredAny> =
        serde_json::from_str(text).map_err(|error| format!("document {number}: {error}"))?;
    let has = |names: [&str; 2]| names.iter().any(|name| keys.contains_key(*name));
    if keys.contains_key("table") {
        let answer: Answer =
            serde_json::from_str(text).map_err(|error| format!("document {number}: {error}"))?;
        return match answer.table {
            Table::Trace(rows) => Ok(Traces { spans: spans_of(&rows), ..Traces::default() }),
            _ => Err(format!("document {number} answers another question than `trace`")),
        };
    }
    let mut all = Traces::default();
    let mut is_known = has(["resourceMetrics", "resource_metrics"]);
    for (signal, names) in [
        (Signal::Traces, ["resourceSpans", "resource_spans"]),
        (Signal::Logs, ["resourceLogs", "resource_logs"]),
    ] {
        if has(names) {
            is_known = true;
            let request = otlp::json::to_protobuf(signal, text.as_bytes())
                .map_err(|error| format!("document {number}: {error}"))?;
            all.extend(decode(signal, request).map_err(|error| format!("document {number}: {error}"))?);
        }
    }
    let keys: Vec<&String> = keys.keys().take(5).collect();
    if is_known {
        Ok(all)
    } else {
        Err(format!("document {number} has the keys {keys:?}; hint: OTLP/JSON has `resourceSpans`"))
    }
}
