//! Where an exception holds: one rule, in one portal, on a path and in a parameter.

use hangu_inspect::{Exception, Exempt, Subject};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::canon;

/// The longest path and parameter, in bytes; chosen, those of honest applications fit.
const LONGEST: usize = 512;
/// Characters of a path or name that an event keeps at most; a text this long may have been cut.
const CUT: usize = 512;
/// Characters of the name of a place that a finding keeps at most.
const NAME: usize = 80;

/// Where an exception holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// A rule of the gateway's own.
    pub rule: String,
    /// The portal.
    pub portal: String,
    /// The whole path, in which a segment `*` stands for any one. Default: every path.
    #[serde(default)]
    pub path: Option<String>,
    /// The name of a parameter, cookie or header, or a JSON Pointer in which a segment `*` stands for any. Default:
    /// anywhere in the request.
    #[serde(default)]
    pub parameter: Option<String>,
}

/// Why a scope cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// No rule of the gateway's own.
    #[error("`{0}` is no rule of the gateway's own, such as `sqli-union`")]
    Rule(String),
    /// No path as the gateway writes them.
    #[error("`{0}` is no canonical path of at most 512 bytes that begins with `/`")]
    Path(String),
    /// A parameter that is too long.
    #[error("`parameter` has at most 512 bytes")]
    Parameter,
}

/// Why no exception can be made for a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unexceptable {
    /// A rule of a file in SecLang, which has its own words for that.
    RuleFile,
    /// A departure from the portal's OpenAPI document.
    NotDescribed,
    /// Something in an answer.
    Response,
    /// Its place was masked or cut where it was recorded.
    Masked,
    /// The event names no portal, or its path was cut.
    Nowhere,
}

/// The rule of the gateway's own with this name.
fn subject(rule: &str) -> Option<Subject> {
    match rule.parse::<Subject>() {
        Ok(found @ Subject::Rule(_)) => Some(found),
        Ok(Subject::All | Subject::Category(_)) | Err(_) => None,
    }
}

/// Whether it is a rule of the gateway's own, which marks and exceptions can name.
pub fn is_own(rule: &str) -> bool {
    subject(rule).is_some()
}

impl Scope {
    /// Checks what was written by hand.
    ///
    /// # Errors
    /// A rule, path or parameter that cannot be one.
    pub fn checked(self) -> Result<Self, ScopeError> {
        if !is_own(&self.rule) {
            return Err(ScopeError::Rule(self.rule));
        }
        if let Some(path) = &self.path
            && (path.len() > LONGEST || !is_canonical(path))
        {
            return Err(ScopeError::Path(path.clone()));
        }
        let long = |name: &String| name.len() > LONGEST;
        if self.parameter.as_ref().is_some_and(long) {
            return Err(ScopeError::Parameter);
        }
        Ok(self)
    }

    /// The narrowest scope that covers a finding, as its event has it. Segments of the path that differ from request
    /// to request are left open, and so are those that were masked.
    ///
    /// # Errors
    /// Why there is none.
    pub fn narrowest(
        portal: Option<&str>,
        path: &str,
        rule: &str,
        place: &str,
    ) -> Result<Self, Unexceptable> {
        match place {
            "openapi" => return Err(Unexceptable::NotDescribed),
            "response" => return Err(Unexceptable::Response),
            _ if !is_own(rule) => return Err(Unexceptable::RuleFile),
            _ => {}
        }
        let portal = portal.ok_or(Unexceptable::Nowhere)?;
        let segments = path.split('/');
        let path = segments.map(|segment| if open(segment) { "*" } else { segment });
        let path = path.collect::<Vec<_>>().join("/");
        let scope = Self {
            rule: rule.to_owned(),
            portal: portal.to_owned(),
            path: Some(path),
            parameter: parameter(place)?,
        };
        scope.checked().map_err(|_| Unexceptable::Nowhere)
    }

    /// What inspection is told of it; nothing where the rule is none any more. Findings are still recorded: what an
    /// exception lets through stays visible.
    pub fn exception(&self) -> Option<Exception> {
        Some(Exception {
            subject: subject(&self.rule)?,
            parameter: self.parameter.clone(),
            exempt: Exempt::Observe,
        })
    }

    /// Whether it names nothing of a path.
    pub fn is_of_every_path(&self) -> bool {
        self.path.as_deref().is_none_or(is_open_throughout)
    }

    /// Whether it names nothing of a parameter.
    pub fn is_of_every_parameter(&self) -> bool {
        self.parameter.as_deref().is_none_or(is_open_throughout)
    }

    /// Whether it covers a path.
    pub fn covers(&self, path: &str) -> bool {
        let pattern = self.path.as_deref();
        pattern.is_none_or(|pattern| same(pattern, path, |wanted, given| wanted == given))
    }

    /// Whether it would have covered a finding of the past. Where the record masked or cut, it would.
    pub fn covered(&self, portal: Option<&str>, path: &str, rule: &str, place: &str) -> bool {
        if rule != self.rule || portal != Some(self.portal.as_str()) {
            return false;
        }
        let cut = path.chars().count() >= CUT;
        let alike = |wanted: &str, given: &str| wanted == given || given.contains('*');
        let here = cut
            || self
                .path
                .as_deref()
                .is_none_or(|pattern| same(pattern, path, alike));
        let Some(wanted) = self.parameter.as_deref().filter(|_| here) else {
            return here;
        };
        let (kind, name) = place.split_once(':').unwrap_or((place, ""));
        let unknown = name.chars().count() >= NAME;
        match kind {
            "json" => unknown || same(wanted, name, alike),
            "header" => wanted.eq_ignore_ascii_case(name),
            "query" | "cookie" | "form" | "xml" | "part" | "part-header" => {
                unknown || alike(wanted, name)
            }
            _ => false,
        }
    }
}

/// Whether a path is as the gateway reads it from requests.
fn is_canonical(path: &str) -> bool {
    let read = canon::encode(path);
    canon::path(read.as_bytes()).as_deref().ok() == Some(path)
}

/// Whether a path or pointer is the one that is meant, segment by segment.
fn same(pattern: &str, given: &str, alike: impl Fn(&str, &str) -> bool) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), given.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(one), Some(other)) if alike(one, other) => {}
            (Some(_) | None, Some(_) | None) => return false,
        }
    }
}

/// Whether there are segments, and each of them stands for any.
fn is_open_throughout(text: &str) -> bool {
    let mut segments = text.split('/').filter(|segment| !segment.is_empty());
    segments.next() == Some("*") && segments.all(|segment| segment == "*")
}

/// Whether a segment of a path differs from request to request, or is not known.
fn open(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let number = digits > 0 && digits == segment.len();
    let identifier = digits >= 4 && digits * 3 >= segment.len();
    number || identifier || segment.contains('*')
}

/// The parameter that a place names; `None` where it is the path, the method, a name or the body as a whole.
fn parameter(place: &str) -> Result<Option<String>, Unexceptable> {
    let (kind, name) = place.split_once(':').unwrap_or((place, ""));
    if name.chars().count() >= NAME {
        return Err(Unexceptable::Masked);
    }
    match kind {
        "json" => {
            let index = |segment: &str| segment.bytes().all(|b| b.is_ascii_digit());
            let segments = name.split('/').map(|segment| {
                let is_open = segment.contains('*') || (!segment.is_empty() && index(segment));
                if is_open { "*" } else { segment }
            });
            Ok(Some(segments.collect::<Vec<_>>().join("/")))
        }
        "query" | "header" | "cookie" | "form" | "xml" | "part" | "part-header" => {
            if name.contains('*') {
                return Err(Unexceptable::Masked);
            }
            Ok(Some(name.to_owned()))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(path: Option<&str>, parameter: Option<&str>) -> Scope {
        Scope {
            rule: "sqli-union".to_owned(),
            portal: "staff".to_owned(),
            path: path.map(str::to_owned),
            parameter: parameter.map(str::to_owned),
        }
    }

    #[test]
    fn the_narrowest_exception_names_the_path_and_the_parameter_and_leaves_open_what_differs() {
        for (path, place, expected, parameter) in [
            ("/search", "query:q", "/search", Some("q")),
            (
                "/orders/20261122/note",
                "form:text",
                "/orders/*/note",
                Some("text"),
            ),
            (
                "/people/1380013****/x",
                "cookie:c",
                "/people/*/x",
                Some("c"),
            ),
            ("/api", "json:/items/7/text", "/api", Some("/items/*/text")),
            ("/办事/100%", "query:q", "/办事/100%", Some("q")),
            ("/api", "json", "/api", Some("")),
            ("/a/b", "path", "/a/b", None),
            ("/a/b", "query-name", "/a/b", None),
        ] {
            let found = Scope::narrowest(Some("staff"), path, "sqli-union", place).unwrap();
            assert_eq!(found.path.as_deref(), Some(expected), "{path} {place}");
            assert_eq!(found.parameter.as_deref(), parameter, "{path} {place}");
            assert!(found.covered(Some("staff"), path, "sqli-union", place));
        }
    }

    #[test]
    fn what_cannot_be_excepted_says_why() {
        let long = format!("query:{}", "a".repeat(80));
        for (rule, place, why) in [
            ("942100", "ARGS:q", Unexceptable::RuleFile),
            ("not-described", "openapi", Unexceptable::NotDescribed),
            ("leak-stack", "response", Unexceptable::Response),
            ("sqli-union", "query:138****8000", Unexceptable::Masked),
            ("sqli-union", &long, Unexceptable::Masked),
        ] {
            let found = Scope::narrowest(Some("staff"), "/a", rule, place);
            assert_eq!(found, Err(why), "{rule} {place}");
        }
        let nowhere = Scope::narrowest(None, "/a", "sqli-union", "query:q");
        assert_eq!(nowhere, Err(Unexceptable::Nowhere));
        let cut = format!("/{}", "a".repeat(600));
        let nowhere = Scope::narrowest(Some("staff"), &cut, "sqli-union", "query:q");
        assert_eq!(nowhere, Err(Unexceptable::Nowhere));
    }

    #[test]
    fn a_path_is_covered_as_a_whole_and_never_by_its_beginning() {
        for (pattern, path, covers) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/b/c", false),
            ("/a/b", "/a", false),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", false),
            ("/a/*", "/a", false),
            ("/", "/", true),
            ("/", "/a", false),
        ] {
            assert_eq!(
                scope(Some(pattern), None).covers(path),
                covers,
                "{pattern} {path}"
            );
        }
        assert!(scope(None, None).covers("/any/where"));
    }

    #[test]
    fn the_past_is_covered_where_it_is_known_and_where_it_is_masked() {
        let one = scope(Some("/a"), Some("q"));
        let past =
            |path: &str, rule: &str, place: &str| one.covered(Some("staff"), path, rule, place);
        assert!(past("/a", "sqli-union", "query:q"));
        assert!(past("/a", "sqli-union", "form:q"));
        assert!(past("/a", "sqli-union", "query:***"));
        assert!(past("/***", "sqli-union", "query:q"));
        assert!(!past("/a", "sqli-union", "query:p"));
        assert!(!past("/a", "sqli-union", "path"));
        assert!(!past("/b", "sqli-union", "query:q"));
        assert!(!past("/a", "sqli-hint", "query:q"));
        assert!(!one.covered(Some("public"), "/a", "sqli-union", "query:q"));
        assert!(!one.covered(None, "/a", "sqli-union", "query:q"));
    }

    #[test]
    fn what_is_written_by_hand_is_checked() {
        let wrong = |scope: Scope| scope.checked().is_err();
        assert!(!wrong(scope(Some("/a/*"), Some("q"))));
        assert!(wrong(scope(Some("a"), None)));
        assert!(wrong(scope(Some("/a/../b"), None)));
        assert!(wrong(scope(None, Some(&"q".repeat(513)))));
        for rule in ["*", "sql", "942100", ""] {
            let rule = rule.to_owned();
            assert!(wrong(Scope {
                rule,
                ..scope(None, None)
            }));
        }
    }
}
