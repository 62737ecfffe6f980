//! Traps that an operator lays: paths that nothing links to, and fields that no person sees. Whoever asks for the one
//! or fills in the other is a program that tries what it finds.

use std::sync::Arc;

use crate::decode::percent::{self, Plus};
use crate::verdict::Spot;

/// Traps of one portal. Without any, nothing is allocated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Honeypots(Option<Arc<Traps>>);

#[derive(Debug, PartialEq, Eq)]
struct Traps {
    paths: Vec<Vec<u8>>,
    fields: Vec<Vec<u8>>,
}

/// Why a trap would catch the wrong ones, or nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTrap {
    /// It is relative, or every path lies below it.
    #[error(
        "the path `{0}` of a honeypot has to begin with `/` and name something, such as `/old-admin`"
    )]
    Path(String),
    /// No field is called so.
    #[error("a field of a honeypot needs a name, such as `homepage`")]
    Field,
}

impl Honeypots {
    /// Lays traps. A path catches itself and whatever lies below it, as it reads once it is decoded, in any case. A
    /// field is the name of a query parameter, a form field, a part of a multipart body or a member of a JSON object;
    /// it catches whoever gives it text that is not empty.
    ///
    /// # Errors
    ///
    /// See [`BadTrap`].
    pub fn new<S: AsRef<str>>(
        paths: impl IntoIterator<Item = S>,
        fields: impl IntoIterator<Item = S>,
    ) -> Result<Self, BadTrap> {
        let path = |path: S| {
            let given = path.as_ref();
            let named = given.trim_end_matches('/');
            if !named.starts_with('/') || named.contains("//") {
                return Err(BadTrap::Path(given.to_owned()));
            }
            Ok(named.to_ascii_lowercase().into_bytes())
        };
        let field = |field: S| match field.as_ref() {
            "" => Err(BadTrap::Field),
            name => Ok(name.as_bytes().to_vec()),
        };
        let traps = Traps {
            paths: paths.into_iter().map(path).collect::<Result<_, _>>()?,
            fields: fields.into_iter().map(field).collect::<Result<_, _>>()?,
        };
        let some = !traps.paths.is_empty() || !traps.fields.is_empty();
        Ok(Self(some.then(|| Arc::new(traps))))
    }

    /// Says whether a decoded path is one, or lies below one.
    pub(crate) fn has_path(&self, path: &[u8]) -> bool {
        self.0.iter().flat_map(|traps| &traps.paths).any(|trap| {
            path.get(..trap.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(trap))
                && matches!(path.get(trap.len()), None | Some(b'/' | b';'))
        })
    }

    /// Says whether a value of this length at `spot` fills in a field that no person sees.
    pub(crate) fn has_field(&self, spot: Spot<'_>, length: usize) -> bool {
        let Some(traps) = self.0.as_deref().filter(|_| length > 0) else {
            return false;
        };
        let is = |name: &[u8]| traps.fields.iter().any(|field| field == name);
        match spot {
            // Names in a query or a form are as they were sent.
            Spot::Query(name) | Spot::Form(name) => is(&percent::decode(name, Plus::Space)),
            Spot::Part(name) => is(name),
            Spot::Json(pointer) => {
                let member = pointer.rsplit('/').next().unwrap_or_default();
                is(member.as_bytes())
                    || member.contains('~')
                        && is(member.replace("~1", "/").replace("~0", "~").as_bytes())
            }
            Spot::Method
            | Spot::Path
            | Spot::QueryName
            | Spot::Header(_)
            | Spot::CookieName
            | Spot::Cookie(_)
            | Spot::FormName
            | Spot::Xml(_)
            | Spot::PartHeader(_)
            | Spot::Body => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspector::{Head, Inspector, Settings, THRESHOLD};
    use crate::{Completeness, Verdict};

    fn inspector() -> Inspector {
        let traps = Honeypots::new(["/old-admin/", "/备份"], ["homepage", "电话2"]).unwrap();
        Inspector::new(Settings::default()).with_honeypots(traps)
    }

    fn asked(path: &str, query: Option<&str>) -> Verdict {
        inspector().head(&Head {
            method: "GET",
            target_path: path.as_bytes(),
            query: query.map(str::as_bytes),
            headers: &[],
        })
    }

    fn sent(media_type: &str, body: &str) -> Verdict {
        inspector()
            .body(Some(media_type), None, body.as_bytes(), Completeness::Whole)
            .unwrap()
    }

    #[test]
    fn whoever_asks_for_a_trap_or_below_it_is_caught_and_nobody_beside_it() {
        for path in [
            "/old-admin",
            "/old-admin/",
            "/Old-Admin/login.php",
            "/old%2Dadmin",
            "/old-admin;x=1",
            "/%E5%A4%87%E4%BB%BD/1",
        ] {
            let verdict = asked(path, None);
            assert!(
                verdict.blocks(THRESHOLD)
                    && verdict
                        .findings
                        .iter()
                        .any(|f| f.rule.as_str() == "honeypot-path"),
                "{path}"
            );
        }
        for path in ["/", "/old-administration", "/x/old-admin", "/old"] {
            assert_eq!(asked(path, None).score, 0, "{path}");
        }
    }

    #[test]
    fn whoever_fills_in_a_field_that_no_person_sees_is_caught_wherever_it_stands() {
        let part = "--b\r\nContent-Disposition: form-data; name=\"homepage\"\r\n\r\nx\r\n--b--\r\n";
        for verdict in [
            asked("/", Some("a=1&homepage=x")),
            asked("/", Some("home%70age=x")),
            asked("/", Some("%E7%94%B5%E8%AF%9D2=1")),
            sent("application/x-www-form-urlencoded", "name=li&homepage=1"),
            sent("application/json", r#"{"name":"li","homepage":"x"}"#),
            sent("application/json", r#"[{"homepage":"http://a.example"}]"#),
            sent("multipart/form-data; boundary=b", part),
        ] {
            assert!(verdict.blocks(THRESHOLD), "{verdict:?}");
            assert!(
                verdict
                    .findings
                    .iter()
                    .any(|f| f.rule.as_str() == "honeypot-field"),
                "{verdict:?}"
            );
        }
    }

    #[test]
    fn a_field_left_empty_and_a_text_that_names_it_catch_nobody() {
        for verdict in [
            asked("/", Some("homepage=&name=li")),
            asked("/", Some("homepage")),
            asked("/", Some("q=homepage&my.homepage=x")),
            sent("application/x-www-form-urlencoded", "name=li&homepage="),
            sent("application/json", r#"{"homepage":"","q":"homepage"}"#),
        ] {
            assert_eq!(verdict.score, 0, "{verdict:?}");
        }
    }

    #[test]
    fn a_trap_for_everybody_is_refused() {
        let none: [&str; 0] = [];
        for path in ["", "/", "//", "old", "/a//b"] {
            assert_eq!(
                Honeypots::new([path], none),
                Err(BadTrap::Path(path.to_owned()))
            );
        }
        assert_eq!(Honeypots::new(none, [""]), Err(BadTrap::Field));
        assert_eq!(Honeypots::new(none, none), Ok(Honeypots::default()));
    }
}
