//! Personal data in messages.

use std::sync::Arc;

use hangu_redact::{Format, Level, Media, PEOPLE_MAX, Redactor, Rules};
use hangu_websocket::Peer;
use serde::de::IgnoredAny;

use super::Told;
use crate::config::Unreadable;
use crate::refusal::Refusal;

/// Redacts one message after the other, each for itself.
#[derive(Debug)]
pub struct Redaction {
    rules: Arc<Rules>,
    level: Level,
    unreadable: Unreadable,
    /// Whose messages they are.
    from: Peer,
}

/// How far into a message its JSON may begin: protocols put a number, a letter or a name ahead of it. Chosen.
const PREFIX: usize = 64;

impl Redaction {
    /// Redaction at a level of what a peer sends; `unreadable` says what becomes of messages that are no text.
    pub fn new(rules: &Arc<Rules>, level: Level, unreadable: Unreadable, from: Peer) -> Self {
        Self {
            rules: Arc::clone(rules),
            level,
            unreadable,
            from,
        }
    }

    /// What is left of a text.
    ///
    /// # Errors
    /// When what is left is no text, which is no fault of the peer's.
    pub fn text(&self, text: &str, told: &mut Told) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::with_capacity(text.len() + 16);
        let (ahead, media) = shape(text);
        let (ahead, rest) = text.split_at_checked(ahead).unwrap_or(("", text));
        for (media, piece) in [(Media::Text, ahead), (media, rest)] {
            if !piece.is_empty() {
                self.piece(media, piece, told, &mut out);
            }
        }
        match std::str::from_utf8(&out) {
            Ok(_) => Ok(out),
            Err(_) => Err(Refusal::Undecided),
        }
    }

    fn piece(&self, media: Media, piece: &str, told: &mut Told, out: &mut Vec<u8>) {
        let rules = Arc::clone(&self.rules);
        let mut redactor = Redactor::with(rules, self.level, Format::from(media));
        redactor.feed(piece.as_bytes(), out);
        let summary = redactor.finish(out);
        told.found(summary.counts, summary.masked);
        let room = PEOPLE_MAX.saturating_sub(told.people.len());
        told.people.extend(redactor.people().into_iter().take(room));
    }

    /// Says whether bytes that are no text may pass unread.
    ///
    /// # Errors
    /// `unredactable-answer` or `unredactable-request`, where they may not.
    pub fn binary(&self, told: &mut Told) -> Result<(), Refusal> {
        const WHY: &str = "a binary message is not redacted";
        match (self.unreadable, self.from) {
            (Unreadable::Refuse, Peer::Server) => Err(Refusal::Unredactable(WHY)),
            (Unreadable::Refuse, Peer::Client) => Err(Refusal::UnredactableRequest(WHY)),
            (Unreadable::Pass, _) => {
                told.unread("binary-message");
                Ok(())
            }
        }
    }
}

/// What a text is by its content, and how many bytes stand ahead of that.
fn shape(text: &str) -> (usize, Media) {
    let trimmed = text.trim_start();
    if trimmed.starts_with('<') {
        return (0, Media::Markup);
    }
    let begin = text.bytes().take(PREFIX).position(|b| b"{[\"".contains(&b));
    let Some((at, rest)) = begin.and_then(|at| Some((at, text.get(at..)?))) else {
        return (0, Media::Text);
    };
    if is_json(rest) {
        return (at, Media::Json);
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    if lines.all(is_json) {
        return (0, Media::Ndjson);
    }
    (0, Media::Text)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use hangu_redact::Kind;

    use super::*;

    fn redacted(text: &str) -> (String, Told) {
        let redaction = Redaction::new(
            &Rules::shipped(),
            Level::L2,
            Unreadable::Refuse,
            Peer::Server,
        );
        let mut told = Told::default();
        let out = redaction.text(text, &mut told).unwrap();
        (String::from_utf8(out).unwrap(), told)
    }

    #[test]
    fn messages_are_read_as_what_they_look_like() {
        for (text, media, ahead) in [
            (r#"{"a":1}"#, Media::Json, 0),
            (r#" [1,2] "#, Media::Json, 1),
            (r#""text""#, Media::Json, 0),
            (r#"42["event",{"a":1}]"#, Media::Json, 2),
            (r#"42/chat,12["event",{"a":1}]"#, Media::Json, 10),
            (r#"a["{\"a\":1}"]"#, Media::Json, 1),
            ("{\"a\":1}\n{\"a\":2}\n", Media::Ndjson, 0),
            ("[微笑] 你好", Media::Text, 0),
            ("{not json", Media::Text, 0),
            ("<message/>", Media::Markup, 0),
            ("你好", Media::Text, 0),
            ("", Media::Text, 0),
        ] {
            assert_eq!(shape(text), (ahead, media), "{text}");
        }
    }

    #[test]
    fn nothing_personal_is_left_in_a_text_of_any_shape() {
        for (text, expected) in [
            (
                r#"{"name":"张三","phone":"13812345678"}"#,
                r#"{"name":"张*","phone":"138****5678"}"#,
            ),
            (
                r#"42["say",{"phone":"13812345678"}]"#,
                r#"42["say",{"phone":"138****5678"}]"#,
            ),
            (
                r#"a["{\"phone\":\"13812345678\"}"]"#,
                r#"a["{\"phone\":\"138****5678\"}"]"#,
            ),
            ("[微笑] 电话13812345678", "[微笑] 电话138****5678"),
            ("手机 13812345678", "手机 138****5678"),
            ("已受理，请等候", "已受理，请等候"),
        ] {
            let (out, told) = redacted(text);
            assert_eq!(out, expected);
            let mobiles = told.summary.unwrap_or_default().counts.get(Kind::Mobile);
            assert_eq!(mobiles, u64::from(text.contains("138")), "{text}");
        }
    }

    #[test]
    fn bytes_pass_only_where_the_portal_says_so_and_that_is_told() {
        let of = |unreadable, from| Redaction::new(&Rules::shipped(), Level::L2, unreadable, from);
        let mut told = Told::default();
        for (from, reason) in [
            (Peer::Client, "unredactable-request"),
            (Peer::Server, "unredactable-answer"),
        ] {
            let refused = of(Unreadable::Refuse, from).binary(&mut told);
            assert_eq!(refused.unwrap_err().reason(), reason);
            assert_eq!(of(Unreadable::Pass, from).binary(&mut told), Ok(()));
        }
        assert_eq!(told.unread.as_slice(), ["binary-message"]);
    }
}
