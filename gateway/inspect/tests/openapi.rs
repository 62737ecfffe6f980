#![cfg(test)]
//! Requests against OpenAPI documents.

use hangu_inspect::openapi::{Document, LoadError, Request, Unlisted};
use proptest::prelude::*;

const DOCUMENT: &str = r##"
openapi: 3.0.3
info: { title: matters, version: "1" }
servers:
  - url: https://service.example.gov.cn/api
paths:
  /matters:
    get:
      parameters:
        - { name: page, in: query, schema: { type: integer, minimum: 1, maximum: 1000 } }
        - { name: state, in: query, schema: { type: array, items: { type: string, enum: [open, closed] } } }
        - { name: filter, in: query, style: deepObject, schema: { type: object } }
        - { name: X-Region, in: header, required: true, schema: { type: string, pattern: "^[0-9]{6}$" } }
        - { name: lang, in: cookie, schema: { type: string, enum: [zh, en] } }
    post:
      requestBody:
        required: true
        content:
          application/json: { schema: { $ref: "#/components/schemas/Matter" } }
          application/x-www-form-urlencoded: { schema: { $ref: "#/components/schemas/Matter" } }
  /matters/mine:
    get: {}
  /matters/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer } }
    get: {}
    delete: {}
  /reports/{name}.pdf:
    get:
      parameters:
        - { name: name, in: path, required: true, schema: { type: string, maxLength: 8 } }
components:
  schemas:
    Matter:
      type: object
      required: [title]
      properties:
        title: { type: string, minLength: 2, maxLength: 20 }
        count: { type: integer, format: int32 }
        day: { type: string, format: date }
        note: { type: string, nullable: true }
        tags: { type: array, maxItems: 3, uniqueItems: true, items: { type: string } }
        parts: { type: array, items: { $ref: "#/components/schemas/Matter" } }
        who: { oneOf: [ { $ref: "#/components/schemas/Person" }, { type: integer } ] }
    Person:
      type: object
      additionalProperties: false
      required: [name]
      properties: { name: { type: string } }
"##;

fn document(unlisted: Unlisted) -> Document {
    Document::load(DOCUMENT, unlisted).unwrap()
}

/// Asks with the header that one operation needs, and says what is wrong.
fn ask(document: &Document, line: &str, media: &str, body: &str) -> Vec<String> {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(p, q)| (p, Some(q)));
    document
        .check(&Request {
            method,
            path,
            query: query.map(str::as_bytes),
            headers: &[
                ("content-type", media.as_bytes()),
                ("x-region", b"110105"),
                ("cookie", b"lang=zh; sid=1"),
            ],
            body: Some(body.as_bytes()),
        })
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn what_is_described_passes_and_what_departs_is_named() {
    let document = document(Unlisted::Allowed);
    assert_eq!(document.operations(), 6);
    let no: [&str; 0] = [];
    for (line, body, expected) in [
        ("GET /api/matters", "", &no[..]),
        ("HEAD /api/matters/mine", "", &no),
        (
            "GET /api/matters?page=2&state=open&state=closed&filter%5Ba%5D=1",
            "",
            &no,
        ),
        ("GET /api/matters/42", "", &no),
        ("GET /api/matters/mine", "", &no),
        ("GET /api/reports/2024.pdf", "", &no),
        ("GET /matters", "", &["the path is not described"]),
        (
            "GET /api/matters/",
            "",
            &["the path parameter `id` is no integer"][..0],
        ),
        ("GET /api/matters/42/x", "", &["the path is not described"]),
        ("GET /api/matters%2F42", "", &["the path is not described"]),
        ("PUT /api/matters", "", &["the path has no method `PUT`"]),
        ("get /api/matters", "", &["the path has no method `get`"]),
        (
            "GET /api/matters/1;drop",
            "",
            &["the path parameter `id` is no integer"],
        ),
        (
            "GET /api/reports/too-long-a-name.pdf",
            "",
            &["the path parameter `name` is too long or too short"],
        ),
        (
            "GET /api/matters?debug=1",
            "",
            &["the query parameter `debug` is not described"],
        ),
        (
            "GET /api/matters?page=0",
            "",
            &["the query parameter `page` is too large or too small"],
        ),
        (
            "GET /api/matters?page=1'--",
            "",
            &["the query parameter `page` is no integer"],
        ),
        (
            "GET /api/matters?page=1&page=2",
            "",
            &["the query parameter `page` is there more than once"],
        ),
        (
            "GET /api/matters?state=gone",
            "",
            &["the query parameter `state` is none of the values listed"],
        ),
        ("GET /api/matters", "x", &["the operation takes no body"]),
        ("POST /api/matters", "", &["the body is missing"]),
        (
            "POST /api/matters",
            "{\"title\":\"户口\",\"day\":\"2024-05-06\",\"note\":null,\"who\":{\"name\":\"a\"}}",
            &no,
        ),
        (
            "POST /api/matters",
            "{\"title\":\"ab\",\"parts\":[{\"title\":\"cd\",\"parts\":[{\"title\":7}]}]}",
            &["the body at `/parts/0/parts/0/title` is no string"],
        ),
        (
            "POST /api/matters",
            "{\"count\":1}",
            &["the body at `` lacks `title`"],
        ),
        (
            "POST /api/matters",
            "{\"title\":\"ab\",\"count\":99999999999}",
            &["the body at `/count` is no `int32`"],
        ),
        (
            "POST /api/matters",
            "{\"title\":\"ab\",\"day\":\"2024-13-06\"}",
            &["the body at `/day` is no `date`"],
        ),
        (
            "POST /api/matters",
            "{\"title\":\"ab\",\"tags\":[\"a\",\"a\"]}",
            &["the body at `/tags` has an item twice"],
        ),
        (
            "POST /api/matters",
            "{\"title\":\"ab\",\"who\":{\"name\":\"a\",\"admin\":true}}",
            &["the body at `/who` fits 0 of the forms described instead of one"],
        ),
        (
            "POST /api/matters",
            "{\"title\":\"ab\",\"title\":\"<script>\"}",
            &["the body is no JSON that every reader understands alike"],
        ),
        (
            "POST /api/matters",
            "{\"title\":\"ab\"} {}",
            &["the body is no JSON that every reader understands alike"],
        ),
        (
            "POST /api/matters",
            "{\"title\":\"ab\",\"role\":\"admin\"}",
            &no,
        ),
    ] {
        if line.ends_with("/matters/") {
            // An empty segment is no parameter.
            assert_eq!(
                ask(&document, line, "application/json", body),
                ["the path is not described"]
            );
            continue;
        }
        assert_eq!(
            ask(&document, line, "application/json", body),
            expected,
            "{line} {body}"
        );
    }
    assert_eq!(
        ask(&document, "POST /api/matters", "text/xml", "<a/>"),
        ["media type `text/xml` is not described"]
    );
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(
        ask(
            &document,
            "POST /api/matters",
            form,
            "title=abc&count=3&tags=a&tags=b"
        ),
        no
    );
    assert_eq!(
        ask(&document, "POST /api/matters", form, "title=abc&count=x"),
        ["the body at `/count` is no integer"]
    );
}

#[test]
fn properties_that_are_not_listed_are_refused_where_that_is_asked_for() {
    let document = document(Unlisted::Refused);
    assert_eq!(
        ask(
            &document,
            "POST /api/matters",
            "application/json",
            "{\"title\":\"ab\",\"role\":\"admin\"}"
        ),
        ["the body at `/role` is not described"]
    );
}

#[test]
fn headers_and_cookies_that_are_described_are_checked() {
    let document = document(Unlisted::Allowed);
    let check = |headers: &[(&str, &[u8])]| -> Vec<String> {
        document
            .check(&Request {
                method: "GET",
                path: "/api/matters",
                query: None,
                headers,
                body: Some(b""),
            })
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(check(&[]), ["the header parameter `x-region` is missing"]);
    assert_eq!(
        check(&[("x-region", b"11")]),
        ["the header parameter `x-region` does not match its pattern"]
    );
    assert_eq!(
        check(&[("x-region", b"110105"), ("cookie", b"lang=<x>")]),
        ["the cookie parameter `lang` is none of the values listed"]
    );
}

#[test]
fn every_mistake_in_a_document_is_told_with_its_place() {
    let text = r##"
openapi: 2.0.0
paths:
  no-slash: { get: {} }
  /a/{b}{c}: { get: {} }
  /x:
    post:
      parameters:
        - { name: q, in: body }
        - { $ref: "#/components/parameters/gone" }
      requestBody:
        content:
          application/json:
            schema:
              type: thing
              patternProperties: {}
              properties: { p: { pattern: "(?=a)b", minLength: -1 } }
              not: { $ref: "elsewhere.yaml#/x" }
"##;
    let told: Vec<String> = Document::load(text, Unlisted::Allowed)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    let schema = "/paths/~1x/post/requestBody/content/application~1json/schema";
    for (at, what) in [
        ("/openapi".to_owned(), "`2.0.0` is not supported"),
        ("/paths/no-slash".to_owned(), "should start with `/`"),
        ("/paths/~1a~1{b}{c}".to_owned(), "should hold one parameter"),
        ("/paths/~1x/post/parameters/0".to_owned(), "`in` is `body`"),
        ("/paths/~1x/post/parameters/1".to_owned(), "leads nowhere"),
        (format!("{schema}/type"), "should be `string`"),
        (format!("{schema}/patternProperties"), "is not supported"),
        (format!("{schema}/properties/p/pattern"), "look-around"),
        (format!("{schema}/properties/p/minLength"), "not negative"),
        (format!("{schema}/not"), "leads nowhere"),
    ] {
        let found = told
            .iter()
            .any(|t| t.starts_with(&format!("at `{at}`:")) && t.contains(what));
        assert!(found, "{at}: {what} not among {told:#?}");
    }
    assert_eq!(told.len(), 10, "{told:#?}");
    let broken = Document::load("openapi: [", Unlisted::Allowed).unwrap_err();
    assert!(
        matches!(&broken[..], [LoadError::Syntax(why)] if why.contains("line")),
        "{broken:?}"
    );
    assert!(Document::load("openapi: 3.1.0", Unlisted::Allowed).is_err());
}

#[test]
fn schemas_that_refer_to_themselves_end() {
    let text = r##"{"openapi":"3.1.0","paths":{"/a":{"post":{"requestBody":{"content":{"application/json":
        {"schema":{"$ref":"#/components/schemas/A"}}}}}}},"components":{"schemas":{
        "A":{"$ref":"#/components/schemas/B"},"B":{"$ref":"#/components/schemas/A"}}}}"##;
    let document = Document::load(text, Unlisted::Allowed).unwrap();
    assert_eq!(
        ask(&document, "POST /a", "application/json", "{}"),
        ["the body at `` has a schema that refers to itself"]
    );
    let text = text.replace(
        r##""B":{"$ref":"#/components/schemas/A"}"##,
        r##""B":{"anyOf":[{"items":{"$ref":"#/components/schemas/A"}},{"items":{"$ref":"#/components/schemas/A"}}],"not":{"type":"string"}}"##,
    );
    let document = Document::load(&text, Unlisted::Allowed).unwrap();
    let deep = format!("{}1{}", "[".repeat(25), "]".repeat(25));
    assert_eq!(
        ask(&document, "POST /a", "application/json", &deep),
        [""; 0]
    );
    // Alternatives of alternatives: the work is bounded, and what was not checked does not pass.
    let wrong = format!("{}\"x\"{}", "[".repeat(25), "]".repeat(25));
    assert!(!ask(&document, "POST /a", "application/json", &wrong).is_empty());
}

proptest! {
    #[test]
    fn no_request_and_no_document_panics(
        target in "[/a-z0-9%?&=\\[\\]{}.]{0,40}",
        body in "[\\[\\]{}\",:a-z0-9 -]{0,80}",
        text in "[a-z:{}\\[\\]\"#/$ \n-]{0,120}",
    ) {
        let document = document(Unlisted::Refused);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        for media in ["application/json", "application/x-www-form-urlencoded"] {
            drop(document.check(&Request {
                method: "POST",
                path,
                query: Some(query.as_bytes()),
                headers: &[("content-type", media.as_bytes())],
                body: Some(body.as_bytes()),
            }));
            drop(document.check(&Request {
                method: "POST", path: "/api/matters", query: Some(query.as_bytes()),
                headers: &[("content-type", media.as_bytes())], body: Some(body.as_bytes()),
            }));
        }
        drop(Document::load(&text, Unlisted::Allowed));
        drop(Document::load(&format!("openapi: 3.0.0\npaths:\n  /a:\n    get:\n      {text}"), Unlisted::Allowed));
    }
}
