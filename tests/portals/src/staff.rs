//! The staff system, 人事管理: records that are changed, salaries, tax numbers, exports.

use http::{Method, StatusCode};
use serde_json::json;

use crate::answer::{Answer, json, not_allowed, not_found, page, problem, unreadable};
use crate::exchange::{export, found};
use crate::pages;
use crate::portal::{Change, Portal};
use crate::records::Person;
use crate::request::Request;

pub(crate) async fn answer(request: Request, portal: &Portal) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    if let (&Method::PUT, ["api", "v1", "people", id]) = (&request.method, path.as_slice()) {
        return match id
            .parse()
            .ok()
            .filter(|id| portal.records().person(*id).is_some())
        {
            Some(id) => put(id, request, portal).await,
            None => not_found(),
        };
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return not_allowed("GET, HEAD, PUT");
    }
    match path.as_slice() {
        [""] => page(pages::staff()),
        ["people", id] => person(id, portal).map_or_else(not_found, |p| page(pages::record(&p))),
        ["api", "v1", "people", id] => found(person(id, portal).as_ref()),
        ["api", "v1", "people", id, "salary"] => person(id, portal).map_or_else(not_found, |p| {
            json(&json!({ "id": p.id, "name": p.name, "monthly": p.salary, "bank_card": p.bank_card }))
        }),
        // A person's tax number is the resident ID.
        ["api", "v1", "people", id, "taxno"] => person(id, portal).map_or_else(not_found, |p| {
            json(&json!({ "id": p.id, "name": p.name, "taxpayer_number": p.resident_id }))
        }),
        ["api", "v1", "export", _, ..] => export(&request, portal.records()),
        _ => not_found(),
    }
}

/// A person as last changed.
fn person(id: &str, portal: &Portal) -> Option<Person> {
    let mut person = portal.records().person(id.parse().ok()?)?;
    let change = portal.change_of(person.id);
    person.mobile = change.mobile.unwrap_or(person.mobile);
    person.address = change.address.unwrap_or(person.address);
    person.email = change.email.unwrap_or(person.email);
    Some(person)
}

async fn put(id: u64, request: Request, portal: &Portal) -> Answer {
    let Some(body) = request.whole().await else {
        return unreadable("the change is too large or broke off");
    };
    let change: Change = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => {
            return unreadable(&format!(
                "a change has `mobile`, `address` or `email`: {error}"
            ));
        }
    };
    if !portal.change(id, change) {
        return problem(
            StatusCode::INSUFFICIENT_STORAGE,
            "更改已满 · no more changes are kept",
        );
    }
    found(person(&id.to_string(), portal).as_ref())
}
