//! Paths and names without what differs from request to request.

use hangu_redact::{Level, mask_str};

/// Longest part that is kept, in bytes; names that people give are shorter.
const LONGEST: usize = 48;

/// A path with `{}` for every part that looks like an identifier or holds personal data.
pub(super) fn template(path: &str) -> String {
    let parts = path.split('/');
    parts.map(part).collect::<Vec<_>>().join("/")
}

/// A name, or `{}` where it is an identifier or personal data rather than a name.
pub(super) fn part(text: &str) -> &str {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number = digits > 0 && digits == text.len();
    let identifier = digits >= 4 && digits * 3 >= text.len();
    let personal = mask_str(Level::L4, text) != text;
    if number || identifier || personal || text.len() > LONGEST {
        "{}"
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_left_open() {
        for (path, expected) in [
            ("/api/v1/people/7", "/api/v1/people/{}"),
            ("/a/550e8400-e29b-41d4-a716-446655440000/b", "/a/{}/b"),
            ("/by-phone/13800138000", "/by-phone/{}"),
            ("/users/zhang@example.cn/orders", "/users/{}/orders"),
            ("/", "/"),
            ("/办事/指南", "/办事/指南"),
        ] {
            assert_eq!(template(path), expected);
        }
        assert_eq!(template(&format!("/x/{}", "a".repeat(200))), "/x/{}");
    }
}
