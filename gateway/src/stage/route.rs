//! Which portal a request is for: strictness about its head, the canonical host and path, the crossing.

use std::borrow::Cow;
use std::collections::HashMap;

use hangu_identity::headers::is_reserved;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT,
    HOST, HeaderName, ORIGIN, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Method, Version, request};
use smallvec::SmallVec;

use crate::canon;
use crate::config;
use crate::refusal::Refusal;

/// What a request is for.
#[derive(Debug)]
pub struct Target {
    /// The canonical host.
    pub host: String,
    /// The canonical path, decoded: what is decided on.
    pub path: String,
    /// Whether the client asks to go on as WebSocket.
    pub websocket: bool,
}

/// Methods that are forwarded.
fn is_forwarded(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS
    )
}

/// Whether a header's value decides something here, so that bytes beyond ASCII in it are refused.
fn is_acted_on(name: &HeaderName) -> bool {
    matches!(
        *name,
        HOST | AUTHORIZATION
            | COOKIE
            | CONTENT_TYPE
            | CONTENT_LENGTH
            | CONTENT_ENCODING
            | ORIGIN
            | TRANSFER_ENCODING
    )
}

/// Reads a head strictly and finds its canonical target; strips what concerns only this hop.
///
/// # Errors
/// Where two readers could understand the head differently.
pub fn target(
    parts: &mut request::Parts,
    framing_conflict: bool,
    most_headers: usize,
) -> Result<Target, Refusal> {
    // On HTTP/1 the parser counts as well; on HTTP/2 only bytes are bounded before this.
    if parts.headers.len() > most_headers {
        return Err(Refusal::HeadTooLarge);
    }
    if framing_conflict {
        return Err(Refusal::Framing);
    }
    if !is_forwarded(&parts.method) {
        return Err(Refusal::Method);
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or("", http::uri::PathAndQuery::as_str);
    if let Some(byte) = canon::not_of_a_uri(target.as_bytes()) {
        return Err(Refusal::TargetByte(byte));
    }
    for (name, value) in &parts.headers {
        if is_acted_on(name) && value.to_str().is_err() {
            return Err(if *name == HOST {
                Refusal::BadHost
            } else {
                Refusal::Header("non-ascii")
            });
        }
    }
    framing(parts)?;
    let host = host(parts)?.into_owned();
    let raw = parts.uri.path();
    let path = canon::path(raw.as_bytes())
        .map_err(Refusal::Path)?
        .into_owned();
    let websocket = connection_headers(parts)?;
    Ok(Target {
        host,
        path,
        websocket,
    })
}

/// One way of framing the body, and one that is understood.
fn framing(parts: &request::Parts) -> Result<(), Refusal> {
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None)
            if only.as_bytes().eq_ignore_ascii_case(b"chunked")
                && parts.version == Version::HTTP_11 =>
        {
            Ok(())
        }
        (Some(_), _) => Err(Refusal::Framing),
    }
}

/// The one host that the request names.
fn host(parts: &request::Parts) -> Result<Cow<'_, str>, Refusal> {
    let mut named = parts.headers.get_all(HOST).iter();
    let header = match (named.next(), named.next()) {
        (Some(only), None) => Some(only.to_str().map_err(|_| Refusal::BadHost)?),
        (None, _) => None,
        (Some(_), Some(_)) => return Err(Refusal::BadHost),
    };
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let named = match (header, authority) {
        (Some(header), None) => header,
        // HTTP/2 carries the host as `:authority`; HTTP/1.1 requires the header even beside an absolute form.
        (None, Some(authority)) if parts.version == Version::HTTP_2 => authority,
        (Some(header), Some(authority)) => {
            if canon::host(header) != canon::host(authority)
                || !header.eq_ignore_ascii_case(authority)
            {
                return Err(Refusal::BadHost);
            }
            header
        }
        (None, _) => return Err(Refusal::BadHost),
    };
    canon::host(named).ok_or(Refusal::BadHost)
}

/// Header fields that may never be nominated as belonging to one hop.
fn is_end_to_end(name: &str) -> bool {
    matches!(
        name,
        "host"
            | "content-length"
            | "content-type"
            | "content-encoding"
            | "authorization"
            | "cookie"
            | "transfer-encoding"
    ) || is_reserved(name)
}

/// Strips the fields of this hop alone; tells whether the request asks for WebSocket.
fn connection_headers(parts: &mut request::Parts) -> Result<bool, Refusal> {
    let headers = &mut parts.headers;
    let mut upgrade = false;
    if headers.contains_key(CONNECTION) {
        let mut nominated = Vec::new();
        for value in headers.get_all(CONNECTION) {
            let text = value.to_str().map_err(|_| Refusal::Header("connection"))?;
            for token in text
                .split(',')
                .map(|t| t.trim().to_ascii_lowercase())
                .filter(|t| !t.is_empty())
            {
                match token.as_str() {
                    "close" | "keep-alive" => {}
                    "upgrade" => upgrade = true,
                    other if is_end_to_end(other) => return Err(Refusal::Header("connection")),
                    _ => nominated.push(token),
                }
            }
        }
        for name in nominated {
            headers.remove(name.as_str());
        }
        headers.remove(CONNECTION);
    }
    let websocket = upgrade
        && parts.version == Version::HTTP_11
        && parts.method == Method::GET
        && headers
            .get(UPGRADE)
            .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"));
    // The gateway itself asks the client to go on, once the body is wanted.
    remove_where(headers, |name| is_hop(name) || *name == EXPECT);
    Ok(websocket)
}

/// Whether a field is for one hop only (RFC 9110 section 7.6.1), in requests and answers alike; `Connection` has been
/// read and removed before.
pub fn is_hop(name: &HeaderName) -> bool {
    matches!(*name, UPGRADE | TRANSFER_ENCODING | TE | TRAILER)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Removes fields by name. Looking at the few names there are costs less than asking for each that may not be there.
pub fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let names: SmallVec<[HeaderName; 4]> = headers
        .keys()
        .filter(|name| unwanted(name))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

/// Finds portals by zone, host and path.
#[derive(Debug, Default)]
pub struct Routes {
    exact: HashMap<String, Vec<Prefix>, foldhash::quality::RandomState>,
    /// By what follows the `*.`.
    wildcard: HashMap<String, Vec<Prefix>, foldhash::quality::RandomState>,
}

/// A path prefix of a portal; the longest comes first.
#[derive(Debug)]
struct Prefix {
    path: String,
    portal: usize,
}

/// Two portals that claim the same host and path.
#[derive(Debug)]
pub struct Overlap {
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// The first portal's index.
    pub first: usize,
    /// The second's.
    pub second: usize,
}

impl Routes {
    /// The routes of all portals.
    ///
    /// # Errors
    /// When two portals claim the same host and path.
    pub fn new(portals: &[config::Portal]) -> Result<Self, Overlap> {
        let mut routes = Self::default();
        for (portal, settings) in portals.iter().enumerate() {
            for host in &settings.hosts {
                let (map, name) = match host.strip_prefix("*.") {
                    Some(rest) => (&mut routes.wildcard, rest),
                    None => (&mut routes.exact, host.as_str()),
                };
                let prefixes = map.entry(name.to_owned()).or_default();
                for path in &settings.paths {
                    if let Some(taken) = prefixes.iter().find(|p| p.path == *path) {
                        return Err(Overlap {
                            host: host.clone(),
                            path: path.clone(),
                            first: taken.portal,
                            second: portal,
                        });
                    }
                    prefixes.push(Prefix {
                        path: path.clone(),
                        portal,
                    });
                }
                prefixes.sort_by_key(|p| std::cmp::Reverse(p.path.len()));
            }
        }
        Ok(routes)
    }

    /// Any portal of a host: the gateway's own pages stand on each of them.
    ///
    /// # Errors
    /// `no-portal`.
    pub fn any_of(&self, host: &str) -> Result<usize, Refusal> {
        self.of_host(host)
            .and_then(|prefixes| prefixes.first())
            .map(|p| p.portal)
            .ok_or(Refusal::NoPortal)
    }

    fn of_host(&self, host: &str) -> Option<&Vec<Prefix>> {
        self.exact.get(host).or_else(|| {
            let (_, rest) = host.split_once('.')?;
            self.wildcard.get(rest)
        })
    }

    /// The portal for a canonical host and path: exact hosts before wildcards, longer prefixes before shorter ones.
    ///
    /// # Errors
    /// `no-portal`.
    pub fn find(&self, host: &str, path: &str) -> Result<usize, Refusal> {
        self.of_host(host)
            .and_then(|prefixes| prefixes.iter().find(|p| covers(&p.path, path)))
            .map(|p| p.portal)
            .ok_or(Refusal::NoPortal)
    }
}

/// Whether a prefix covers a path on whole segments.
pub fn covers(prefix: &str, path: &str) -> bool {
    match path.strip_prefix(prefix) {
        Some("") => true,
        Some(rest) => prefix.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(build: impl FnOnce(request::Builder) -> request::Builder) -> request::Parts {
        build(request::Builder::new().uri("/a"))
            .body(())
            .unwrap()
            .into_parts()
            .0
    }

    #[test]
    fn exactly_one_host_is_taken() {
        let mut one = parts(|b| b.header(HOST, "A.example:8443"));
        assert_eq!(target(&mut one, false, 100).unwrap().host, "a.example");
        for mut bad in [
            parts(|b| b),
            parts(|b| b.header(HOST, "a").header(HOST, "b")),
            parts(|b| b.header(HOST, "a").header(HOST, "a")),
            parts(|b| b.header(HOST, "a, b")),
            parts(|b| b.header(HOST, "")),
            parts(|b| b.uri("http://b.example/").header(HOST, "a.example")),
            parts(|b| b.uri("http://u@a.example/").header(HOST, "a.example")),
        ] {
            assert_eq!(
                target(&mut bad, false, 100).unwrap_err(),
                Refusal::BadHost,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn one_chunked_is_the_only_transfer_coding() {
        for (codings, ok) in [
            (&["chunked"][..], true),
            (&["gzip, chunked"], false),
            (&["chunked", "chunked"], false),
            (&["identity"], false),
        ] {
            let mut p = parts(|b| {
                codings.iter().fold(b.header(HOST, "a"), |b, coding| {
                    b.header(TRANSFER_ENCODING, *coding)
                })
            });
            assert_eq!(target(&mut p, false, 100).is_ok(), ok, "{codings:?}");
        }
    }

    #[test]
    fn nominated_fields_go_and_vital_ones_may_not_be_nominated() {
        let mut p = parts(|b| {
            b.header(HOST, "a")
                .header(CONNECTION, "x-secret, close")
                .header("x-secret", "1")
        });
        target(&mut p, false, 100).unwrap();
        assert!(!p.headers.contains_key("x-secret") && !p.headers.contains_key(CONNECTION));
        for vital in [
            "host",
            "Content-Length",
            "hangu-assertion",
            "authorization",
            "x_forwarded_for",
        ] {
            let mut p = parts(|b| b.header(HOST, "a").header(CONNECTION, vital));
            assert_eq!(
                target(&mut p, false, 100).unwrap_err(),
                Refusal::Header("connection"),
                "{vital}"
            );
        }
    }

    #[test]
    fn only_websocket_is_an_upgrade() {
        let with = |what: &str| {
            let mut p = parts(|b| {
                b.header(HOST, "a")
                    .header(CONNECTION, "Upgrade")
                    .header(UPGRADE, what)
            });
            let target = target(&mut p, false, 100).unwrap();
            (target.websocket, p.headers.contains_key(UPGRADE))
        };
        assert_eq!(with("websocket"), (true, false));
        assert_eq!(with("h2c"), (false, false));
    }

    #[test]
    fn a_target_is_written_in_characters_of_a_uri() {
        for (uri, byte) in [("/{1}", b'{'), ("/a?q=\\", b'\\'), ("/é", 0xc3)] {
            let mut p = parts(|b| b.uri(uri).header(HOST, "a"));
            assert_eq!(
                target(&mut p, false, 100).unwrap_err(),
                Refusal::TargetByte(byte),
                "{uri}"
            );
        }
    }

    #[test]
    fn prefixes_end_on_segments() {
        assert!(covers("/", "/a"));
        assert!(covers("/a", "/a") && covers("/a", "/a/b") && covers("/a/", "/a/b"));
        assert!(!covers("/a", "/ab"));
    }
}
