//! How much work one request may make: bounded by its length, and counted rather than timed, so that the same request
//! is judged alike on every machine.

use crate::decode::Layers;
use crate::rules;
use crate::verdict::{Spot, Verdict};

/// Bytes that any request may have looked at. Chosen: a small request may be encoded over and over.
const BASE: usize = 64 << 10;
/// Bytes looked at for each byte of the request. Of 20,000 ordinary ones none had more than three; a long page with
/// every encoding that is known, one in the other, has five.
const PER_BYTE: usize = 5;
/// What a match is worth, in bytes read: findings are compared with those that are there. Chosen: a page of markup has
/// one in three hundred bytes, what is made of attacks ten times as many.
const MATCH: usize = 192;
/// A score that refuses a request four times over, and the part of its share after which such a one is not read on.
const DECIDED: (u32, usize) = (20, 4);

/// The work that a request has made so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effort {
    spent: usize,
    allowed: usize,
}

impl Effort {
    /// Allows what a request of `length` bytes, inflated, may need.
    pub(crate) fn of(length: usize) -> Self {
        Self {
            spent: 0,
            allowed: length.saturating_mul(PER_BYTE).saturating_add(BASE),
        }
    }

    /// Counts bytes that are looked at.
    pub(crate) fn look(&mut self, bytes: usize) {
        self.spent = self.spent.saturating_add(bytes);
    }

    /// Says whether what is left of a value goes unread because the request has had its share: that is a finding, and
    /// where the finding would not count the value is read.
    pub(crate) fn gives_up(
        self,
        verdict: &mut Verdict,
        spot: Spot<'_>,
        layers: &Layers,
        value: &[u8],
    ) -> bool {
        let rule = &rules::PROTOCOL_EFFORT;
        if !self.is_spent(verdict.score) || verdict.exempts(rule, spot) {
            return false;
        }
        verdict.add(rule, spot, layers, value, 0, value.len());
        true
    }

    /// Counts a match, and what was looked at around it.
    pub(crate) fn matched(&mut self, around: usize) {
        self.look(MATCH.saturating_add(around));
    }

    fn is_spent(self, score: u32) -> bool {
        let (enough, part) = DECIDED;
        let allowed = if score >= enough {
            self.allowed / part
        } else {
            self.allowed
        };
        self.spent >= allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Completeness;
    use crate::inspector::{Head, Inspector, Settings, THRESHOLD};
    use crate::{Exception, Exceptions, Exempt};

    fn read(inspector: &Inspector, body: &str) -> Verdict {
        let form = Some("application/x-www-form-urlencoded");
        let whole = Completeness::Whole;
        inspector.body(form, None, body.as_bytes(), whole).unwrap()
    }

    fn gives_up(verdict: &Verdict) -> bool {
        let id = rules::PROTOCOL_EFFORT.id;
        verdict.findings.iter().any(|finding| finding.rule == id)
    }

    /// Prose with more quoted markup than anybody writes, so that every look around a match is a long one.
    fn tedious(name: &str) -> String {
        let line =
            "we see that the <iframe src=x> is of the kind which they had in <iframe src=y> here ";
        format!("{name}={}", line.repeat(4000))
    }

    #[test]
    fn what_is_too_much_to_read_is_refused_at_any_threshold() {
        let verdict = read(&Inspector::new(Settings::default()), &tedious("a"));
        assert!(gives_up(&verdict) && verdict.blocks(THRESHOLD) && verdict.blocks(1000));
    }

    #[test]
    fn long_pages_in_every_encoding_are_read_to_their_end() {
        let line = "<p>caf%25C3%25A9 %26amp;nbsp; \\u4e2d is at <a href=\"/a%2520b\">the house</a> of the mayor.</p>\n";
        let body = format!(
            "a={}<script src=//evil.example/x.js></script>",
            line.repeat(4000)
        );
        let verdict = read(&Inspector::new(Settings::default()), &body);
        assert!(!gives_up(&verdict), "{:?}", verdict.findings);
        let script = |finding: &crate::Finding| finding.rule == rules::XSS_SCRIPT.id;
        assert!(
            verdict.findings.iter().any(script),
            "{:?}",
            verdict.findings
        );
    }

    #[test]
    fn a_place_where_attacks_are_excepted_does_not_use_up_the_attention_for_the_others() {
        let exception = |exempt| Exception {
            subject: "*".parse().unwrap(),
            parameter: Some("a".to_owned()),
            exempt,
        };
        for exempt in [Exempt::Off, Exempt::Observe] {
            let inspector = Inspector::new(Settings::default())
                .with_exceptions(Exceptions::new([exception(exempt)]));
            let body = format!("{}&b=1%27+union+select+password+from+users--", tedious("a"));
            assert!(read(&inspector, &body).blocks(THRESHOLD), "{exempt:?}");
        }
    }

    #[test]
    fn a_head_is_bounded_as_a_body_is() {
        let query = tedious("a").replace(' ', "+");
        let verdict = Inspector::new(Settings::default()).head(&Head {
            method: "GET",
            target_path: b"/",
            query: Some(query.as_bytes()),
            headers: &[],
        });
        assert!(gives_up(&verdict) && verdict.blocks(THRESHOLD));
    }
}
