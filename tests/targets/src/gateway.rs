//! What the gateway itself reads: targets, hosts, what a balancer says before a connection, its configuration.

use hangu::canon;
use hangu::config;
use hangu::stage::accept::proxy_header;

use crate::{files, input};

/// A path, or behind a line feed a host as well.
///
/// What is forwarded says what was decided on, however often it is read.
pub fn path(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let raw = parts.next().unwrap_or_default();
    if let Ok(canonical) = canon::path(raw) {
        let encoded = canon::encode(&canonical);
        assert_eq!(
            canon::path(encoded.as_bytes()).as_deref(),
            Ok(&*canonical),
            "`{encoded}` reads back"
        );
        assert_eq!(canon::not_of_a_uri(encoded.as_bytes()), None, "`{encoded}`");
        let climbs = |segment: &str| matches!(segment, "." | "..");
        assert!(!canonical.split('/').any(climbs), "`{canonical}`");
        assert!(
            canonical.starts_with('/') && !canonical.contains("//"),
            "`{canonical}`"
        );
    }
    let authority = input::text(parts.next().unwrap_or_default());
    if let Some(host) = canon::host(&authority) {
        assert_eq!(
            canon::host(&host).as_deref(),
            Some(&*host),
            "a host is its own host"
        );
    }
}

/// The first bytes of a connection.
///
/// However they arrive, the header is the same.
pub fn proxy(data: &[u8]) {
    let whole = proxy_header(data);
    for seen in 0..data.len().min(600) {
        let (seen, _) = data.split_at(seen);
        match proxy_header(seen) {
            Ok(None) => {}
            Ok(Some(header)) => {
                assert!(
                    header.length <= seen.len(),
                    "a header is among what was seen"
                );
                assert_eq!(whole, Ok(Some(header)), "more bytes change the header");
            }
            Err(fault) => assert_eq!(whole, Err(fault), "what is refused stays refused"),
        }
    }
}

/// A configuration file.
///
/// It is read, or every mistake says where it is.
pub fn config(data: &[u8]) {
    let text = input::text(data);
    // What it names beside itself is not read: an input stands for itself alone.
    if text.contains("include") {
        return;
    }
    let folder = files::Folder::new();
    let path = folder.write("hangu.toml", text.as_bytes());
    if let Err(mistakes) = config::load(&path) {
        assert!(!mistakes.is_empty(), "a refusal says why");
        let lines = text.split('\n').count();
        for mistake in mistakes {
            assert!(mistake.line <= lines, "{mistake}");
            assert!(!mistake.message.is_empty(), "{mistake:?}");
        }
    }
}
