//! The description of the administration API (OpenAPI 3.1), for programs and for the people who write them.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

/// The document.
pub const DOCUMENT: &str = include_str!("openapi.json");

/// The document, as an answer.
pub fn read() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::admin::routes::ROUTES;

    #[test]
    fn the_description_has_every_call_and_no_other() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, calls)| {
                let calls = calls
                    .as_object()
                    .unwrap()
                    .keys()
                    .filter(|k| *k != "parameters");
                calls.map(move |method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let served = ROUTES
            .iter()
            .map(|r| (r.path.to_owned(), r.method.to_owned()))
            .collect();
        assert_eq!(described, served);
    }

    #[test]
    fn every_reference_in_the_description_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    map.iter()
                        .for_each(|(key, value)| match (key.as_str(), value) {
                            ("$ref", Value::String(to)) => found.push(to.clone()),
                            _ => references(value, found),
                        })
                }
                Value::Array(list) => list.iter().for_each(|v| references(v, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            assert!(
                document
                    .pointer(reference.trim_start_matches('#'))
                    .is_some(),
                "{reference}"
            );
        }
    }
}
