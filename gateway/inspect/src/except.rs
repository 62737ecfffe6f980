//! What an operator says is no attack, or not to be refused, in a place.

use std::str::FromStr;
use std::sync::Arc;

use crate::rules::{CATALOGUE, Rule};
use crate::verdict::{Category, RuleId, Spot};

/// What is left out of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Which findings.
    pub subject: Subject,
    /// The parameter they stand in: the name of a field, cookie or header, or a JSON Pointer (RFC 6901) in which a
    /// segment `*` stands for any. Default: anywhere.
    pub parameter: Option<String>,
    /// What becomes of them.
    pub exempt: Exempt,
}

/// Which findings an exception is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// All.
    All,
    /// Those of a category.
    Category(Category),
    /// Those of a rule.
    Rule(RuleId),
}

/// What becomes of findings that are excepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exempt {
    /// Nothing is said of them.
    Off,
    /// They are seen, and do not count.
    Observe,
}

/// No rule and no category is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rule and no category; write `*`, {categories} or a rule such as `sqli-union`", categories = categories())]
pub struct UnknownSubject(pub String);

fn categories() -> String {
    let names = Category::ALL.map(|category| format!("`{category}`"));
    names.join(", ")
}

impl FromStr for Subject {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<Self, UnknownSubject> {
        if text == "*" {
            return Ok(Self::All);
        }
        let category = Category::ALL.into_iter().find(|c| c.as_str() == text);
        let rule = CATALOGUE.iter().find(|rule| rule.id.as_str() == text);
        let category = category.map(Self::Category);
        category
            .or_else(|| rule.map(|rule| Self::Rule(rule.id)))
            .ok_or_else(|| UnknownSubject(text.to_owned()))
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::All => "*",
            Self::Category(category) => category.as_str(),
            Self::Rule(rule) => rule.as_str(),
        })
    }
}

impl Exception {
    fn is_about(&self, rule: &Rule, spot: Spot<'_>) -> bool {
        let subject = match self.subject {
            Subject::All => true,
            Subject::Category(category) => rule.category == category,
            Subject::Rule(id) => rule.id == id,
        };
        let Some(parameter) = self.parameter.as_deref().filter(|_| subject) else {
            return subject;
        };
        if let Spot::Json(pointer) = spot {
            points_at(parameter, pointer)
        } else if let Spot::Header(name) = spot {
            parameter.eq_ignore_ascii_case(name)
        } else {
            spot.name() == Some(parameter.as_bytes())
        }
    }
}

/// Whether a JSON Pointer is the one that is meant.
fn points_at(pattern: &str, pointer: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), pointer.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// Exceptions that apply to one request. Without any, nothing is allocated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions(Option<Arc<[Exception]>>);

impl Exceptions {
    /// Those of a list that apply.
    pub fn new(exceptions: impl IntoIterator<Item = Exception>) -> Self {
        let list: Arc<[Exception]> = exceptions.into_iter().collect();
        Self(Some(list).filter(|list| !list.is_empty()))
    }

    /// What becomes of a finding; of several exceptions the one that leaves more to be seen.
    pub(crate) fn of(&self, rule: &Rule, spot: Spot<'_>) -> Option<Exempt> {
        let mut found = None;
        for exception in self.0.iter().flat_map(|list| list.iter()) {
            if exception.is_about(rule, spot) {
                if exception.exempt == Exempt::Observe {
                    return Some(Exempt::Observe);
                }
                found = Some(Exempt::Off);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspector::{Head, Inspector, Settings};

    const UNION: &[u8] = b"1' UNION SELECT password FROM users--";

    fn judged(query: &str, exceptions: &[(&str, Option<&str>, Exempt)]) -> (u32, usize, bool) {
        let list = exceptions
            .iter()
            .map(|(subject, parameter, exempt)| Exception {
                subject: subject.parse().unwrap(),
                parameter: parameter.map(str::to_owned),
                exempt: *exempt,
            });
        let inspector = Inspector::new(Settings::default()).with_exceptions(Exceptions::new(list));
        let verdict = inspector.head(&Head {
            method: "GET",
            target_path: b"/",
            query: Some(query.as_bytes()),
            headers: &[("host", b"a.example")],
        });
        (verdict.score, verdict.findings.len(), verdict.blocks(5))
    }

    #[test]
    fn an_exception_holds_in_its_place_and_for_its_subject_only() {
        let attack = String::from_utf8_lossy(UNION).replace(' ', "+");
        let query = |name: &str| format!("{name}={attack}");
        assert!(judged(&query("q"), &[]).2);
        for (subject, parameter, name, blocks) in [
            ("*", None, "q", false),
            ("sql", None, "q", false),
            ("sql", Some("q"), "q", false),
            ("sql", Some("q"), "p", true),
            ("cross-site", None, "q", true),
            ("xss-script", Some("q"), "q", true),
        ] {
            let exceptions = [(subject, parameter, Exempt::Off)];
            let (_, findings, blocked) = judged(&query(name), &exceptions);
            assert_eq!(blocked, blocks, "{subject} {parameter:?} {name}");
            assert_eq!(findings == 0, !blocks);
        }
    }

    #[test]
    fn what_is_observed_is_seen_and_hides_nothing_that_counts() {
        let attack = String::from_utf8_lossy(UNION).replace(' ', "+");
        let observe = [("*", Some("q"), Exempt::Observe)];
        let (score, findings, blocked) = judged(&format!("q={attack}"), &observe);
        assert!(score == 0 && findings > 0 && !blocked);
        // The same rules matched three times where they do not count, and then where they do.
        let query = format!("q={attack}&q={attack}&q={attack}&q={attack}&p={attack}");
        assert!(judged(&query, &observe).2);
        // Of two exceptions the one that leaves more to be seen.
        let both = [("*", Some("q"), Exempt::Off), observe[0]];
        assert!(judged(&format!("q={attack}"), &both).1 > 0);
    }

    #[test]
    fn a_pointer_may_leave_indexes_open() {
        for (pattern, pointer, same) in [
            ("/items/*/text", "/items/7/text", true),
            ("/items/*/text", "/items/7/title", false),
            ("/items/*", "/items/7/text", false),
            ("", "", true),
            ("/a", "/a/b", false),
        ] {
            assert_eq!(points_at(pattern, pointer), same, "{pattern} {pointer}");
        }
    }

    #[test]
    fn every_rule_and_category_has_a_name_that_is_read_back() {
        for category in Category::ALL {
            assert_eq!(category.as_str().parse(), Ok(Subject::Category(category)));
            let written = serde_json::to_string(&category).unwrap();
            assert_eq!(written, format!("\"{category}\""));
        }
        for rule in CATALOGUE {
            assert_eq!(rule.id.as_str().parse(), Ok(Subject::Rule(rule.id)));
        }
        let wrong = "sqli".parse::<Subject>().unwrap_err().to_string();
        assert!(wrong.contains("`cross-site`"), "{wrong}");
    }
}
