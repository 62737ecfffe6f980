//! What inspection says about a request.

use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use crate::decode::Layers;
use crate::except::{Exceptions, Exempt};
use crate::inspector::Sensitivity;
use crate::rules::{self, Rule};

/// Findings of one rule that are kept; more say nothing new.
const KEPT_PER_RULE: usize = 3;
/// The score of evidence that needs no other.
const SURE: u32 = 5;
/// Findings of all rules that are kept, so that weighing them stays cheap; a hundred say enough.
const KEPT: usize = 100;
/// Characters of evidence, chosen to fit on a line of the console.
const EVIDENCE: usize = 80;

/// The sum of what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The scores of the distinct rules that matched, added up: saying the same thing twice makes it no worse.
    pub score: u32,
    /// What was seen; without findings nothing is allocated.
    pub findings: Findings,
    #[serde(skip)]
    sensitivity: Sensitivity,
    #[serde(skip)]
    exceptions: Exceptions,
}

/// Whether evidence is an attack or is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It stands where it would do harm.
    Meant,
    /// It stands in prose, in a document, in source code.
    Quoted,
}

/// Findings in the order they were made; empty ones allocate nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(SmallVec<[Finding; 1]>);

impl std::ops::Deref for Findings {
    type Target = [Finding];

    fn deref(&self) -> &[Finding] {
        &self.0
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = smallvec::IntoIter<[Finding; 1]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for Findings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

impl Verdict {
    /// Says whether the score reaches `threshold`; a threshold of zero blocks nothing that has no finding, or only
    /// those that are merely observed. What was left unread for the work it would make reaches every threshold.
    pub fn blocks(&self, threshold: u32) -> bool {
        let mut counted = self.findings.iter().filter(|finding| !finding.observed);
        if self.score >= threshold {
            counted.next().is_some()
        } else {
            counted.any(|finding| finding.rule == rules::PROTOCOL_EFFORT.id)
        }
    }

    /// Whether an operator excepts a rule, wholly or in part, in this place.
    pub(crate) fn exempts(&self, rule: &Rule, spot: Spot<'_>) -> bool {
        self.exceptions.of(rule, spot).is_some()
    }

    pub(crate) fn sensitivity(&self) -> Sensitivity {
        self.sensitivity
    }

    pub(crate) fn new(sensitivity: Sensitivity, exceptions: Exceptions) -> Self {
        Self {
            sensitivity,
            exceptions,
            ..Self::default()
        }
    }

    /// Adds what was found elsewhere in the same request.
    pub fn merge(&mut self, other: Self) {
        for finding in other.findings {
            self.insert(finding);
        }
    }

    /// Whether as much is known of a rule as is kept, so that another match in this place would change nothing.
    pub(crate) fn is_told(&self, rule: &Rule, spot: Spot<'_>) -> bool {
        let observed = match self.exceptions.of(rule, spot) {
            Some(Exempt::Off) => return true,
            Some(Exempt::Observe) => true,
            None => false,
        };
        let same = |f: &&Finding| f.rule == rule.id && f.observed == observed;
        let known = || self.findings.iter().filter(same);
        known().count() >= KEPT_PER_RULE && known().any(|f| !f.quoted)
    }

    /// Records that a rule matched at `from..to` of `value`.
    pub(crate) fn add(
        &mut self,
        rule: &Rule,
        spot: Spot<'_>,
        layers: &Layers,
        value: &[u8],
        from: usize,
        to: usize,
    ) {
        self.add_in(Manner::Meant, rule, spot, layers, value, from, to);
    }

    /// Records a match that may be quoted.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a finding is made of, and nobody else calls it with more than three that differ"
    )]
    pub(crate) fn add_in(
        &mut self,
        manner: Manner,
        rule: &Rule,
        spot: Spot<'_>,
        layers: &Layers,
        value: &[u8],
        from: usize,
        to: usize,
    ) {
        let exempt = self.exceptions.of(rule, spot);
        if exempt == Some(Exempt::Off) {
            return;
        }
        let observed = exempt == Some(Exempt::Observe) || rule.category == Category::Automation;
        // Hostile values match thousands of times: what would be dropped is not written down first.
        let same = |f: &&Finding| f.rule == rule.id && f.observed == observed;
        let known = || self.findings.iter().filter(same);
        if known().count() >= KEPT_PER_RULE
            && (manner == Manner::Quoted || known().any(|f| !f.quoted))
        {
            return;
        }
        self.insert(Finding {
            rule: rule.id,
            category: rule.category,
            score: match self.sensitivity {
                Sensitivity::Default => rule.score,
                Sensitivity::Strict => rule.strict(),
            },
            quoted: manner == Manner::Quoted,
            observed,
            place: spot.to_place(),
            evidence: excerpt(value, from, to),
            technique: rule.technique,
            cwe: rule.cwe,
            layers: layers.clone(),
        });
    }

    fn insert(&mut self, finding: Finding) {
        let (mut meant, mut same, mut known_here) = (false, 0, false);
        for known in self
            .findings
            .iter()
            .filter(|known| known.rule == finding.rule && known.observed == finding.observed)
        {
            same += 1;
            meant |= !known.quoted;
            known_here |= known.place == finding.place && known.layers != finding.layers;
        }
        let heavier = same > 0 && !meant && !finding.quoted;
        if !heavier && (same >= KEPT_PER_RULE || known_here) {
            return;
        }
        if self.findings.contains(&finding) {
            return;
        }
        if self.findings.len() >= KEPT {
            // What counts finds room, however much was said that does not count.
            let light = |known: &Finding| known.quoted || known.observed;
            // That something was left unread is said whatever else there is to say.
            let unread = finding.rule == rules::PROTOCOL_EFFORT.id;
            let last = unread.then(|| self.findings.len().saturating_sub(1));
            let Some(place) = self.findings.iter().rposition(light).or(last) else {
                return;
            };
            if light(&finding) {
                return;
            }
            self.findings.0.remove(place);
        }
        self.findings.0.push(finding);
        self.score = self.weigh();
    }

    /// Adds up: what is sure counts wherever it stands, what is not only together with others in the same place, and
    /// quotations next to nothing.
    fn weigh(&self) -> u32 {
        let mut sure: u32 = 0;
        let mut unsure: u32 = 0;
        let mut quoted: u32 = 0;
        for (i, finding) in self.findings.iter().enumerate() {
            let before = self.findings.get(..i).unwrap_or_default();
            let known =
                |same: &dyn Fn(&Finding) -> bool| before.iter().any(|f| !f.observed && same(f));
            let rule = finding.rule;
            if finding.observed {
                continue;
            }
            if finding.quoted {
                if !known(&|f| f.rule == rule) {
                    quoted = quoted.saturating_add(finding.score);
                }
            } else if finding.score >= SURE || finding.is_of_the_whole() {
                if !known(&|f| f.rule == rule && !f.quoted) {
                    sure = sure.saturating_add(finding.score);
                }
            } else {
                unsure = unsure.max(self.unsure_in(&finding.place));
            }
        }
        let limit = match self.sensitivity {
            Sensitivity::Default => 0,
            Sensitivity::Strict => 1,
        };
        sure.saturating_add(unsure)
            .saturating_add(quoted.min(limit))
    }

    fn unsure_in(&self, place: &Place) -> u32 {
        let here = |f: &&Finding| {
            let counts = !f.quoted && !f.observed;
            counts && f.score < SURE && !f.is_of_the_whole() && f.place == *place
        };
        let mut sum: u32 = 0;
        let mut known: SmallVec<[RuleId; 8]> = SmallVec::new();
        for finding in self.findings.iter().filter(here) {
            if !known.contains(&finding.rule) {
                known.push(finding.rule);
                // Markup as editors make it is markup: one of the two says it.
                let again = finding.rule == rules::XSS_EMBED.id
                    && self
                        .findings
                        .iter()
                        .any(|f| here(&f) && f.rule == rules::XSS_MARKUP.id);
                sum = sum.saturating_add(if again { 0 } else { finding.score });
            }
        }
        sum
    }
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule matched.
    pub rule: RuleId,
    /// The kind of attack.
    pub category: Category,
    /// What it adds to the verdict.
    pub score: u32,
    /// Whether it stands in prose or in a document, where people write about attacks: then it adds nothing at the
    /// default setting.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quoted: bool,
    /// Whether the operator wants it to be seen and not to count, here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub observed: bool,
    /// Where in the request.
    pub place: Place,
    /// At most 80 characters of the value around the match, control characters escaped. It may hold personal or
    /// secret data: whoever records it redacts it first.
    pub evidence: String,
    /// The ATT&CK technique.
    pub technique: &'static str,
    /// The CWE number of the weakness.
    pub cwe: u16,
    /// The encodings that had to be removed to see it.
    pub layers: Layers,
}

impl Finding {
    /// Says whether it tells of the request as a whole rather than of one value.
    fn is_of_the_whole(&self) -> bool {
        // A line break or an odd encoding tells of the value that it is in, the path of a product of nothing else.
        matches!(self.category, Category::Protocol | Category::Scanner)
            && self.rule != rules::PROTOCOL_BODY.id
            && self.rule != rules::SCANNER_GUESS.id
            && self.rule != rules::PROTOCOL_LINE.id
            && self.rule != rules::PROTOCOL_ENCODING.id
    }
}

/// The stable name of a rule.
#[derive(Debug, Clone, Copy)]
pub struct RuleId {
    name: &'static str,
    /// The place in the catalogue: two rules are told apart by a glance at it.
    number: usize,
}

impl RuleId {
    pub(crate) const fn new(name: &'static str, number: usize) -> Self {
        Self { name, number }
    }

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        self.name
    }
}

impl PartialEq for RuleId {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for RuleId {}

impl std::hash::Hash for RuleId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl PartialOrd for RuleId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RuleId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(other.name)
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl std::fmt::Display for RuleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Kinds of attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// SQL injection.
    Sql,
    /// Cross-site scripting.
    CrossSite,
    /// Path traversal and file inclusion.
    Traversal,
    /// Command injection.
    Command,
    /// Code of a server-side language, serialised objects.
    Code,
    /// Template and lookup expressions.
    Template,
    /// Requests that the server is made to send.
    Remote,
    /// External entities and inclusions in XML.
    Xml,
    /// Query operators of document databases.
    NoSql,
    /// LDAP filters.
    Ldap,
    /// Programs that look for weaknesses.
    Scanner,
    /// Programs that do what people's browsers do; told of, and never counted.
    Automation,
    /// Dangerous uploads.
    Upload,
    /// Abuse of HTTP and of encodings.
    Protocol,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Sql,
        Self::CrossSite,
        Self::Traversal,
        Self::Command,
        Self::Code,
        Self::Template,
        Self::Remote,
        Self::Xml,
        Self::NoSql,
        Self::Ldap,
        Self::Scanner,
        Self::Automation,
        Self::Upload,
        Self::Protocol,
    ];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::CrossSite => "cross-site",
            Self::Traversal => "traversal",
            Self::Command => "command",
            Self::Code => "code",
            Self::Template => "template",
            Self::Remote => "remote",
            Self::Xml => "xml",
            Self::NoSql => "no-sql",
            Self::Ldap => "ldap",
            Self::Scanner => "scanner",
            Self::Automation => "automation",
            Self::Upload => "upload",
            Self::Protocol => "protocol",
        }
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where in a request something was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "in", content = "name", rename_all = "kebab-case")]
pub enum Place {
    /// The method.
    Method,
    /// The path.
    Path,
    /// The name of a query parameter.
    QueryName,
    /// The value of the query parameter named.
    Query(String),
    /// The value of the header named.
    Header(String),
    /// The name of a cookie.
    CookieName,
    /// The value of the cookie named.
    Cookie(String),
    /// The name of a form field.
    FormName,
    /// The value of the form field named.
    Form(String),
    /// A string or key in JSON, by its JSON Pointer.
    Json(String),
    /// Text or an attribute in XML, by the element around it.
    Xml(String),
    /// A header, name or file name of the multipart section named.
    PartHeader(String),
    /// The content of the multipart section named.
    Part(String),
    /// The body as a whole.
    Body,
}

/// A place that still borrows its name from the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spot<'a> {
    Method,
    Path,
    QueryName,
    Query(&'a [u8]),
    Header(&'a str),
    CookieName,
    Cookie(&'a [u8]),
    FormName,
    Form(&'a [u8]),
    Json(&'a str),
    Xml(&'a [u8]),
    PartHeader(&'a [u8]),
    Part(&'a [u8]),
    Body,
}

impl Spot<'_> {
    /// Returns the name of the parameter, where it stands in one.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Query(n)
            | Self::Cookie(n)
            | Self::Form(n)
            | Self::Xml(n)
            | Self::Part(n)
            | Self::PartHeader(n) => Some(n),
            Self::Json(pointer) => Some(pointer.as_bytes()),
            Self::Header(n) => Some(n.as_bytes()),
            Self::Method
            | Self::Path
            | Self::QueryName
            | Self::CookieName
            | Self::FormName
            | Self::Body => None,
        }
    }

    /// Says whether the name of the parameter holds one of these words, in any case.
    pub(crate) fn is_named(self, words: &[&[u8]]) -> bool {
        let Some(name) = self.name() else {
            return false;
        };
        // Names are short; what is longer than this is no name that anybody chose.
        let name = name
            .get(name.len().saturating_sub(64)..)
            .unwrap_or_default();
        let name = name.to_ascii_lowercase();
        words
            .iter()
            .any(|word| memchr::memmem::find(&name, word).is_some())
    }

    fn to_place(self) -> Place {
        let name = |bytes: &[u8]| excerpt(bytes, 0, bytes.len());
        match self {
            Self::Method => Place::Method,
            Self::Path => Place::Path,
            Self::QueryName => Place::QueryName,
            Self::Query(n) => Place::Query(name(n)),
            Self::Header(n) => Place::Header(name(n.as_bytes())),
            Self::CookieName => Place::CookieName,
            Self::Cookie(n) => Place::Cookie(name(n)),
            Self::FormName => Place::FormName,
            Self::Form(n) => Place::Form(name(n)),
            Self::Json(pointer) => Place::Json(name(pointer.as_bytes())),
            Self::Xml(n) => Place::Xml(name(n)),
            Self::PartHeader(n) => Place::PartHeader(name(n)),
            Self::Part(n) => Place::Part(name(n)),
            Self::Body => Place::Body,
        }
    }
}

/// Cuts the surroundings of `from..to` out of `value`, printable and at most 80 characters long.
pub(crate) fn excerpt(value: &[u8], from: usize, to: usize) -> String {
    let length = to.saturating_sub(from).min(EVIDENCE);
    let before = (EVIDENCE - length) / 4;
    let start = from.saturating_sub(before);
    let window = value
        .get(start.min(value.len())..(start + EVIDENCE * 4).min(value.len()))
        .unwrap_or_default();
    let mut out = String::new();
    let mut room = EVIDENCE;
    for c in String::from_utf8_lossy(window).chars() {
        let mut escaped = [0; 4];
        let piece: &str = if c.is_control() {
            &c.escape_default().to_string()
        } else {
            c.encode_utf8(&mut escaped)
        };
        let cost = piece.chars().count();
        if cost > room {
            break;
        }
        room -= cost;
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_short_and_free_of_control_characters() {
        let long = "\r\n\0 中文'".repeat(400);
        let evidence = excerpt(long.as_bytes(), 900, 1200);
        assert!(evidence.chars().count() <= 80);
        assert!(!evidence.chars().any(char::is_control));
    }

    #[test]
    fn hints_add_up_in_one_place_only_and_once_each_also_after_a_merge() {
        let mut one = Verdict::default();
        one.add(
            &rules::SQLI_HINT,
            Spot::Query(b"a"),
            &Layers::default(),
            b"x",
            0,
            1,
        );
        let mut two = one.clone();
        two.add(
            &rules::XSS_CALL,
            Spot::Query(b"b"),
            &Layers::default(),
            b"y",
            0,
            1,
        );
        one.merge(two);
        assert_eq!(one.score, 3);
        assert_eq!(one.findings.len(), 2);
        one.add(
            &rules::SQLI_HINT,
            Spot::Query(b"b"),
            &Layers::default(),
            b"x",
            0,
            1,
        );
        assert_eq!(one.score, 5);
    }

    #[test]
    fn what_counts_finds_room_among_what_does_not() {
        let mut verdict = Verdict::default();
        for round in 0..200_usize {
            let rule = rules::CATALOGUE[round % (rules::CATALOGUE.len() - 1)];
            let name = round.to_string();
            let spot = Spot::Query(name.as_bytes());
            verdict.add_in(Manner::Quoted, &rule, spot, &Layers::default(), b"x", 0, 1);
        }
        assert_eq!((verdict.findings.len(), verdict.score), (KEPT, 0));
        let last = rules::CATALOGUE.last().unwrap();
        let sure = &rules::SQLI_UNION;
        verdict.add(sure, Spot::Query(b"q"), &Layers::default(), b"y", 0, 1);
        verdict.add(last, Spot::Query(b"q"), &Layers::default(), b"y", 0, 1);
        assert_eq!(verdict.findings.len(), KEPT);
        assert!(verdict.blocks(5), "{}", verdict.score);
    }

    #[test]
    fn what_was_left_unread_reaches_every_threshold_whatever_else_was_found() {
        let mut verdict = Verdict::default();
        let heavy = rules::CATALOGUE.iter().filter(|rule| rule.score == 5);
        for (round, rule) in heavy.cycle().take(2 * KEPT).enumerate() {
            let name = round.to_string();
            let spot = Spot::Query(name.as_bytes());
            if rule.id != rules::PROTOCOL_EFFORT.id {
                verdict.add(rule, spot, &Layers::default(), b"x", 0, 1);
            }
        }
        assert_eq!(verdict.findings.len(), KEPT);
        assert!(!verdict.blocks(10_000));
        let effort = &rules::PROTOCOL_EFFORT;
        verdict.add(effort, Spot::Body, &Layers::default(), b"y", 0, 1);
        assert_eq!(verdict.findings.len(), KEPT);
        assert!(verdict.blocks(10_000));
    }

    #[test]
    fn a_threshold_of_zero_does_not_block_what_is_clean() {
        assert!(!Verdict::default().blocks(0));
    }
}
