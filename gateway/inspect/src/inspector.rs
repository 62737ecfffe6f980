//! The inspector, and the head of a request.

use std::sync::Arc;

use crate::body::parts::runs_on_a_server;
use crate::decode::percent::{self, Plus};
use crate::detect::protocol::{self, Lines};
use crate::detect::{Literals, automation};
use crate::except::Exceptions;
use crate::honeypot::Honeypots;
use crate::rules;
use crate::scan::Scan;
use crate::split::{cookie, query};
use crate::text::{find, find_byte, rest, span};
use crate::verdict::{Spot, Verdict};

/// How much is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bytes that a compressed body may become. Default 8 MiB.
    pub inflated: usize,
    /// How many times its size a compressed body may become, once it is over 64 KiB. Default 100.
    pub ratio: usize,
    /// How deep JSON may be nested, and archives of JSON inside strings. Default 64.
    pub depth: usize,
    /// Values in one body. Default 20,000.
    pub values: usize,
    /// Parts in one multipart body. Default 256.
    pub parts: usize,
    /// How readily evidence counts. Default: [`Sensitivity::Default`].
    pub sensitivity: Sensitivity,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inflated: 8 << 20,
            ratio: 100,
            depth: 64,
            values: 20_000,
            parts: 256,
            sensitivity: Sensitivity::Default,
        }
    }
}

/// How readily evidence counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// Nothing ordinary is blocked: what might be a quotation or prose adds to the score without reaching the
    /// threshold by itself.
    #[default]
    Default,
    /// What might be an attack is taken for one.
    Strict,
}

impl std::fmt::Display for Sensitivity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Strict => "strict",
        })
    }
}

/// The score from which a request is an attack, unless configuration says otherwise: one rule that is sure, or two
/// that are not.
pub const THRESHOLD: u32 = 5;

/// Reads requests. Immutable, cheap to clone, shared by every worker.
#[derive(Clone)]
pub struct Inspector {
    pub(crate) settings: Settings,
    pub(crate) literals: Arc<Literals>,
    pub(crate) exceptions: Exceptions,
    pub(crate) honeypots: Honeypots,
}

/// The head of a request as it will be forwarded.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// `GET`.
    pub method: &'a str,
    /// The path, still percent-encoded.
    pub target_path: &'a [u8],
    /// What follows `?`.
    pub query: Option<&'a [u8]>,
    /// Names in lower case.
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl Inspector {
    /// Builds the automaton of all literals: some milliseconds, once.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            literals: Arc::new(Literals::new()),
            exceptions: Exceptions::default(),
            honeypots: Honeypots::default(),
        }
    }

    /// Returns how readily evidence counts.
    pub fn sensitivity(&self) -> Sensitivity {
        self.settings.sensitivity
    }

    /// Returns the same inspector with another sensitivity; the automaton is shared.
    #[must_use]
    pub fn with_sensitivity(&self, sensitivity: Sensitivity) -> Self {
        Self {
            settings: Settings {
                sensitivity,
                ..self.settings.clone()
            },
            literals: Arc::clone(&self.literals),
            exceptions: self.exceptions.clone(),
            honeypots: self.honeypots.clone(),
        }
    }

    /// Returns the same inspector with what an operator excepts; the automaton is shared.
    #[must_use]
    pub fn with_exceptions(self, exceptions: Exceptions) -> Self {
        Self { exceptions, ..self }
    }

    /// Returns the same inspector with traps laid; the automaton is shared.
    #[must_use]
    pub fn with_honeypots(self, honeypots: Honeypots) -> Self {
        Self { honeypots, ..self }
    }

    /// Reads method, path, query, cookies and every other header.
    pub fn head(&self, head: &Head<'_>) -> Verdict {
        self.scan_head(head, None).verdict
    }

    /// Returns every form of every value in the head that is worth a look, as the detectors read it: what the linear
    /// model is trained on.
    pub fn values(&self, head: &Head<'_>) -> Vec<Vec<u8>> {
        self.scan_head(head, Some(Vec::new()))
            .seen
            .unwrap_or_default()
    }

    fn scan_head(&self, head: &Head<'_>, seen: Option<Vec<Vec<u8>>>) -> Scan<'_> {
        let lines = head.headers.iter().map(|(_, value)| value.len());
        let query = head.query.unwrap_or_default().len();
        let length = head.target_path.len() + query + lines.sum::<usize>();
        let mut scan = Scan::new(self, length);
        scan.seen = seen;
        method(&mut scan, head.method.as_bytes());
        path(&mut scan, head.target_path);
        stored(&mut scan, head);
        if let Some(query) = head.query {
            pairs(
                &mut scan,
                query,
                Spot::QueryName,
                Spot::Query,
                Lines::Single,
            );
        }
        protocol::headers(head.headers, |name, value, (rule, from, to)| {
            scan.verdict.add(
                rule,
                Spot::Header(name),
                &crate::Layers::default(),
                value,
                from,
                to,
            )
        });
        for &(name, value) in head.headers {
            header(&mut scan, name, value);
        }
        if let Some((rule, from, to)) = automation::judge(head.headers) {
            let agent = head.headers.iter().find(|(name, _)| *name == "user-agent");
            let value = agent.map(|(_, value)| *value).unwrap_or_default();
            let layers = crate::Layers::default();
            scan.verdict
                .add(rule, Spot::Header("user-agent"), &layers, value, from, to);
        }
        scan
    }
}

fn method(scan: &mut Scan<'_>, method: &[u8]) {
    if !method.iter().all(|b| b.is_ascii_uppercase() || *b == b'-')
        || matches!(method, b"TRACE" | b"TRACK" | b"DEBUG")
    {
        scan.verdict.add(
            &rules::PROTOCOL_HEADER,
            Spot::Method,
            &crate::Layers::default(),
            method,
            0,
            method.len(),
        );
    }
}

/// A page put where the server runs it, or asked for as source: `PUT /x.jsp/`, `/index.php?-s`.
fn stored(scan: &mut Scan<'_>, head: &Head<'_>) {
    if matches!(head.method, "PUT" | "MOVE" | "COPY") {
        let decoded = percent::decode(head.target_path, Plus::Literal);
        let name = decoded
            .split(|b| *b == b'/')
            .rfind(|segment| !segment.is_empty())
            .unwrap_or_default();
        let shared = [
            &b"/contents/"[..],
            b"/raw/",
            b"/repository/",
            b"/dav/",
            b"/files/",
        ]
        .iter()
        .any(|folder| find(&decoded, 0, folder).is_some());
        if !shared && runs_on_a_server(name) {
            scan.verdict.add(
                &rules::UPLOAD_SCRIPT,
                Spot::Path,
                &crate::Layers::default(),
                name,
                0,
                name.len(),
            );
        }
    }
    let flag = |query: &&[u8]| matches!(**query, [b'-', b's' | b'd' | b'n', ..]);
    if let Some(query) = head.query.filter(flag)
        && (query.len() == 2 || find(query, 0, b"include").is_some())
    {
        scan.verdict.add(
            &rules::CODE_PHP,
            Spot::QueryName,
            &crate::Layers::default(),
            query,
            0,
            query.len(),
        );
    }
}

fn path(scan: &mut Scan<'_>, raw: &[u8]) {
    let decoded = percent::decode(raw, Plus::Literal);
    if let Some(at) = percent::needless(raw) {
        scan.verdict.add(
            &rules::PROTOCOL_ENCODING,
            Spot::Path,
            &crate::Layers::default(),
            raw,
            at,
            at + 3,
        );
    }
    if scan.honeypots.has_path(&decoded) {
        let (rule, layers) = (&rules::HONEYPOT_PATH, crate::Layers::default());
        scan.verdict
            .add(rule, Spot::Path, &layers, &decoded, 0, decoded.len());
    }
    scan.value(Spot::Path, &decoded, Lines::Single);
    let Scan {
        literals, verdict, ..
    } = scan;
    literals.scanners.path(&decoded, &mut |(rule, from, to)| {
        verdict.add(
            rule,
            Spot::Path,
            &crate::Layers::default(),
            &decoded,
            from,
            to,
        )
    });
    // Applications that route by path read its segments as values.
    for segment in decoded
        .split(|&b| b == b'/')
        .filter(|segment| segment.len() > 3)
    {
        if segment.iter().any(|b| {
            matches!(
                b,
                b'\'' | b'"' | b' ' | b'(' | b'=' | b'<' | b';' | b'|' | b'`'
            )
        }) {
            scan.value(Spot::Path, segment, Lines::Single);
        }
    }
}

/// Reads a query or form: names and values, and the whole when one name is repeated, because some servers join them.
pub(crate) fn pairs<'a>(
    scan: &mut Scan<'_>,
    raw: &'a [u8],
    name_spot: Spot<'_>,
    value_spot: fn(&'a [u8]) -> Spot<'a>,
    lines: Lines,
) {
    let mut names: smallvec::SmallVec<[&[u8]; 16]> = smallvec::SmallVec::new();
    let mut repeated: smallvec::SmallVec<[&[u8]; 4]> = smallvec::SmallVec::new();
    for (raw_name, raw_value) in query::raw_pairs(raw) {
        let name = percent::decode(raw_name, Plus::Space);
        let value = percent::decode(raw_value, Plus::Space);
        // A digest written as it is, byte for byte: nobody's text.
        let packed = is_packed(raw_value, &value);
        let lines = if packed { Lines::Binary } else { lines };
        for raw in [raw_name, raw_value].into_iter().filter(|_| !packed) {
            if let Some(at) = percent::needless(raw) {
                scan.verdict.add(
                    &rules::PROTOCOL_ENCODING,
                    value_spot(raw_name),
                    &crate::Layers::default(),
                    raw,
                    at,
                    at + 3,
                );
            }
        }
        if !name.is_empty() {
            let one = if lines == Lines::Binary {
                lines
            } else {
                Lines::Single
            };
            scan.value(name_spot, &name, one);
            if name.contains(&b'$') && !value.is_empty() {
                let whole = [&name, &b"="[..], &value].concat();
                scan.value(name_spot, &whole, lines);
            }
        }
        scan.value(value_spot(raw_name), &value, lines);
        if !raw_name.is_empty() {
            if names.contains(&raw_name) {
                if !repeated.contains(&raw_name) && repeated.len() < 4 {
                    repeated.push(raw_name);
                }
            } else if names.len() < 64 {
                names.push(raw_name);
            }
        }
    }
    for name in repeated {
        let values: Vec<_> = query::raw_pairs(raw)
            .filter(|(n, _)| *n == name)
            .map(|(_, value)| percent::decode(value, Plus::Space))
            .collect();
        scan.value(value_spot(name), &values.join(&b","[..]), lines);
    }
}

/// Says whether a value is binary: by its bytes, or because most of it had to be encoded and control characters and
/// others that no text mixes are in it.
fn is_packed(raw: &[u8], value: &[u8]) -> bool {
    if value.len() < 8 || raw.len() == value.len() {
        return false;
    }
    let escapes = memchr::memchr_iter(b'%', raw).count();
    let controls = value
        .iter()
        .filter(|b| **b < 0x20 && !matches!(**b, 0 | b'\t' | b'\r' | b'\n'))
        .count();
    let high = value.iter().filter(|b| **b >= 0x80).count();
    escapes * 2 >= value.len() && controls > 0 && high > 1 || crate::scan::is_binary(value)
}

fn header(scan: &mut Scan<'_>, name: &str, value: &[u8]) {
    match name {
        "cookie" => {
            for (name, value) in cookie::pairs(value) {
                scan.value(Spot::CookieName, name, Lines::Single);
                scan.value(Spot::Cookie(name), value, Lines::Single);
                // A browser never sends what tells it to forget, and no ticket is as long as a chain of objects.
                if name.eq_ignore_ascii_case(b"rememberme")
                    && (value == b"deleteMe" || value.len() > 1200)
                {
                    scan.verdict.add(
                        &rules::CODE_SERIALISED,
                        Spot::Cookie(name),
                        &crate::Layers::default(),
                        value,
                        0,
                        value.len(),
                    );
                }
            }
        }
        "user-agent" => {
            let Scan {
                literals, verdict, ..
            } = &mut *scan;
            literals.scanners.agent(value, &mut |(rule, from, to)| {
                verdict.add(
                    rule,
                    Spot::Header("user-agent"),
                    &crate::Layers::default(),
                    value,
                    from,
                    to,
                )
            });
            scan.value(Spot::Header(name), value, Lines::Single);
        }
        "referer" | "origin" | "x-forwarded-for" | "x-real-ip" | "forwarded" => {
            let is_url = value.starts_with(b"http://") || value.starts_with(b"https://");
            let Some(question) = find_byte(value, 0, b'?').filter(|_| is_url) else {
                scan.value(Spot::Header(name), value, Lines::Single);
                return;
            };
            // The address of a page is read like one: a search in it is a value, not part of a sentence.
            let end = find_byte(value, question, b'#').unwrap_or(value.len());
            scan.value(Spot::Header(name), span(value, 0, question), Lines::Single);
            scan.value(Spot::Header(name), rest(value, end), Lines::Single);
            for (parameter, value) in query::pairs(span(value, question + 1, end)) {
                scan.value(Spot::Header(name), &parameter, Lines::Single);
                scan.value(Spot::Header(name), &value, Lines::Single);
            }
        }
        _ => {
            scan.value(Spot::Header(name), value, Lines::Single);
            if matches!(
                name,
                "x-filename" | "x_filename" | "x-file-name" | "x.filename" | "slug"
            ) && runs_on_a_server(value)
            {
                scan.verdict.add(
                    &rules::UPLOAD_SCRIPT,
                    Spot::Header(name),
                    &crate::Layers::default(),
                    value,
                    0,
                    value.len(),
                );
            }
            if matches!(
                name,
                "x-scanner"
                    | "x-wvs-id"
                    | "acunetix-product"
                    | "acunetix-aspect"
                    | "x-burp"
                    | "x-scan-memo"
            ) {
                scan.verdict.add(
                    &rules::SCANNER_AGENT,
                    Spot::Header(name),
                    &crate::Layers::default(),
                    value,
                    0,
                    rest(value, 0).len(),
                );
            }
        }
    }
}
