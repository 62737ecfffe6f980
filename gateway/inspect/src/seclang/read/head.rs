//! The heads of request and response.

use std::borrow::Cow;

use crate::decode::percent::{Plus, decode};
use crate::seclang::exchange::{Connection, RequestHead, ResponseHead};
use crate::seclang::ruleset::RuleSet;
use crate::seclang::target::Collection;
use crate::seclang::texts::Texts;
use crate::seclang::values::Values;
use crate::split::cookie;
use crate::text::{find, find_byte, rest, span};

/// Decodes a name or value of a query or form; borrowed where nothing is encoded.
pub(crate) fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    decode(bytes, Plus::Space)
}

/// Cuts a query or form into names and values; what has no `=` is a name.
pub(crate) fn pairs(text: &[u8], separator: u8) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(move |&b| b == separator)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match find_byte(pair, 0, b'=') {
            Some(equals) => (span(pair, 0, equals), rest(pair, equals + 1)),
            None => (pair, &b""[..]),
        })
}

/// Says whether a text has a percent sign that encodes nothing.
pub(crate) fn badly_encoded(text: &[u8]) -> bool {
    crate::seclang::operator::validate::broken_percent(text)
}

pub(crate) fn connection<'q>(
    values: &mut Values<'q>,
    texts: &mut Texts<'q>,
    from: &Connection<'q>,
    rules: &RuleSet,
) {
    // Most of these are asked for by no rule.
    let asked = |collection| rules.names.mentions(collection);
    let mut add = |collection, text: Cow<'q, [u8]>| {
        if asked(collection) {
            values.single(texts, collection, text);
        }
    };
    let own = |text: String| Cow::Owned(text.into_bytes());
    add(Collection::RemoteAddr, own(from.client.to_string()));
    add(Collection::RemoteHost, own(from.client.to_string()));
    add(Collection::RemotePort, own(from.client_port.to_string()));
    add(Collection::ServerAddr, own(from.server.to_string()));
    add(Collection::ServerPort, own(from.server_port.to_string()));
    add(Collection::UniqueId, Cow::Borrowed(from.id.as_bytes()));
    add(Collection::WebAppId, own(rules.options.web_app.clone()));
    if CLOCK.iter().any(|&collection| asked(collection)) {
        clock(&mut add, from.now.as_secs());
    }
    for (name, value) in from.place {
        if asked(Collection::Geo) {
            let text = texts.add(Cow::Borrowed(value.as_bytes()));
            values.add(Collection::Geo, Cow::Borrowed(name.as_bytes()), text);
        }
    }
}

const CLOCK: [Collection; 9] = [
    Collection::Time,
    Collection::TimeDay,
    Collection::TimeEpoch,
    Collection::TimeHour,
    Collection::TimeMin,
    Collection::TimeMon,
    Collection::TimeSec,
    Collection::TimeWday,
    Collection::TimeYear,
];

fn clock<'q>(add: &mut impl FnMut(Collection, Cow<'q, [u8]>), epoch: u64) {
    let mut number = |collection, n: u64| add(collection, Cow::Owned(n.to_string().into_bytes()));
    let (days, seconds) = (epoch / 86_400, epoch % 86_400);
    let (year, month, day) = date(days);
    number(Collection::TimeEpoch, epoch);
    number(Collection::TimeYear, year);
    // Months and days of the week are counted from zero, as in C.
    number(Collection::TimeMon, month - 1);
    number(Collection::TimeDay, day);
    number(Collection::TimeWday, (days + 4) % 7);
    number(Collection::TimeHour, seconds / 3600);
    number(Collection::TimeMin, seconds / 60 % 60);
    number(Collection::TimeSec, seconds % 60);
    let time = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    add(Collection::Time, Cow::Owned(time.into_bytes()));
}

/// Turns days since 1970 into year, month and day: years begin in March, so that the odd day comes last.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

pub(crate) fn request<'q>(
    values: &mut Values<'q>,
    texts: &mut Texts<'q>,
    head: &RequestHead<'q>,
    separator: u8,
) {
    use Collection as C;
    let target = head.target;
    let relative = relative(target);
    let without_fragment = span(
        relative,
        0,
        find_byte(relative, 0, b'#').unwrap_or(relative.len()),
    );
    let question = find_byte(without_fragment, 0, b'?');
    let path = span(
        without_fragment,
        0,
        question.unwrap_or(without_fragment.len()),
    );
    let query = question.map_or(&b""[..], |at| rest(without_fragment, at + 1));
    let basename = rest(
        path,
        path.iter()
            .rposition(|b| matches!(b, b'/' | b'\\'))
            .map_or(0, |at| at + 1),
    );
    let line = [head.method, b" ", target, b" ", head.protocol].concat();
    values.single(texts, C::RequestLine, line);
    values.single(texts, C::RequestMethod, head.method);
    values.single(texts, C::RequestProtocol, head.protocol);
    values.single(texts, C::RequestUriRaw, target);
    values.single(texts, C::RequestUri, relative);
    // Servers decode the path before rules see it; the URI they leave as it is.
    values.single(texts, C::RequestFilename, decode(path, Plus::Literal));
    values.single(texts, C::RequestBasename, decode(basename, Plus::Literal));
    values.single(texts, C::PathInfo, decode(path, Plus::Literal));
    values.single(texts, C::QueryString, query);
    let mut host = &b""[..];
    for &(name, value) in head.headers {
        values.pair(
            texts,
            (C::RequestHeaders, C::RequestHeadersNames),
            Cow::Borrowed(name.as_bytes()),
            Cow::Borrowed(value),
        );
        if name.eq_ignore_ascii_case("cookie") {
            for (name, value) in cookie::pairs(value) {
                // A cookie without a name is a name without a value.
                let (name, value) = if name.is_empty() {
                    (value, &b""[..])
                } else {
                    (name, value)
                };
                values.pair(
                    texts,
                    (C::RequestCookies, C::RequestCookiesNames),
                    Cow::Borrowed(name),
                    Cow::Borrowed(value),
                );
            }
        } else if name.eq_ignore_ascii_case("host") {
            host = value;
        } else if name.eq_ignore_ascii_case("authorization") {
            credentials(values, texts, value);
        }
    }
    let port = host
        .iter()
        .rposition(|&b| b == b':')
        .filter(|&at| rest(host, at + 1).iter().all(u8::is_ascii_digit));
    values.single(
        texts,
        C::ServerName,
        span(host, 0, port.unwrap_or(host.len())),
    );
    for (name, value) in pairs(query, separator) {
        values.pair(
            texts,
            (C::ArgsGet, C::ArgsGetNames),
            decoded(name),
            decoded(value),
        );
    }
    if badly_encoded(query) {
        values.single(texts, C::UrlencodedError, &b"1"[..]);
    }
}

/// `/path` of `http://host/path`.
fn relative(target: &[u8]) -> &[u8] {
    let scheme = span(target, 0, 8).to_ascii_lowercase();
    if !scheme.starts_with(b"http://") && scheme != b"https://" {
        return target;
    }
    let host = find(target, 0, b"//").map_or(0, |at| at + 2);
    match rest(target, host)
        .iter()
        .position(|b| matches!(b, b'/' | b'?'))
    {
        Some(path) => rest(target, host + path),
        None => b"/",
    }
}

fn credentials<'q>(values: &mut Values<'q>, texts: &mut Texts<'q>, value: &'q [u8]) {
    use base64::Engine as _;
    let (scheme, rest) = match find_byte(value, 0, b' ') {
        Some(space) => (span(value, 0, space), rest(value, space + 1)),
        None => (value, &b""[..]),
    };
    values.single(texts, Collection::AuthType, scheme);
    if scheme.eq_ignore_ascii_case(b"basic")
        && let Ok(pair) = base64::engine::general_purpose::STANDARD.decode(rest.trim_ascii())
    {
        let end = find_byte(&pair, 0, b':').unwrap_or(pair.len());
        values.single(texts, Collection::RemoteUser, span(&pair, 0, end).to_vec());
    }
}

pub(crate) fn response<'q>(
    values: &mut Values<'q>,
    texts: &mut Texts<'q>,
    head: &ResponseHead<'q>,
) {
    use Collection as C;
    values.single(
        texts,
        C::ResponseStatus,
        head.status.to_string().into_bytes(),
    );
    values.single(texts, C::ResponseProtocol, head.protocol);
    let line = [head.protocol, b" ", head.status.to_string().as_bytes()].concat();
    values.single(texts, C::StatusLine, line);
    for &(name, value) in head.headers {
        values.pair(
            texts,
            (C::ResponseHeaders, C::ResponseHeadersNames),
            Cow::Borrowed(name.as_bytes()),
            Cow::Borrowed(value),
        );
        if name.eq_ignore_ascii_case("content-type") {
            let end = find_byte(value, 0, b';').unwrap_or(value.len());
            values.single(
                texts,
                C::ResponseContentType,
                span(value, 0, end).trim_ascii(),
            );
        } else if name.eq_ignore_ascii_case("content-length") {
            values.single(texts, C::ResponseContentLength, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(20_454), (2026, 1, 1));
    }

    #[test]
    fn a_target_with_a_host_is_read_like_one_without() {
        assert_eq!(relative(b"http://h/p?q"), b"/p?q");
        assert_eq!(relative(b"HTTPS://h"), b"/");
        assert_eq!(relative(b"/http://h/p"), b"/http://h/p");
    }
}
