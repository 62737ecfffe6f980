//! Tags in markup that say in an attribute what their value or text is.

use crate::label::{Labels, Rule};

/// Attributes that name a field.
const NAMING: [&[u8]; 11] = [
    b"name",
    b"key",
    b"field",
    b"label",
    b"code",
    b"prop",
    b"property",
    b"itemprop",
    b"data-label",
    b"data-field",
    b"data-title",
];

/// Attributes that hold the value of the field that another attribute names.
pub(crate) const VALUE: [&[u8]; 4] = [b"value", b"content", b"val", b"data-value"];

/// Tags whose text is never the value of the field that they name.
const CONTROLS: [&[u8]; 8] = [
    b"input", b"img", b"meta", b"form", b"a", b"button", b"select", b"label",
];

/// Reads the label among the attributes in a piece of a tag; `id` counts beside a value only.
pub(crate) fn label(tag: &[u8], labels: &Labels, with_id: bool) -> Option<Rule> {
    let mut rest = tag;
    while let Some(sign) = memchr::memchr(b'=', rest) {
        let (head, tail) = rest.split_at_checked(sign)?;
        let name = head.trim_ascii_end();
        let start = name
            .iter()
            .rposition(|&byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
            .map_or(0, |at| at + 1);
        let name = name.get(start..)?;
        let tail = tail.get(1..)?.trim_ascii_start();
        let (Some(&quote @ (b'"' | b'\'')), Some(value)) = (tail.first(), tail.get(1..)) else {
            rest = tail;
            continue;
        };
        let end = memchr::memchr(quote, value)?;
        let named = NAMING
            .iter()
            .any(|naming| name.eq_ignore_ascii_case(naming))
            || with_id && name.eq_ignore_ascii_case(b"id");
        if named && let Some(rule) = labels.rule(value.get(..end)?) {
            return Some(rule);
        }
        rest = value.get(end + 1..)?;
    }
    None
}

/// Reads the label of an element from its opening tag.
pub(crate) fn of_element(name: &[u8], tag: &[u8], labels: &Labels) -> Option<Rule> {
    if CONTROLS
        .iter()
        .any(|control| name.eq_ignore_ascii_case(control))
    {
        return None;
    }
    label(tag, labels, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    #[test]
    fn a_label_is_read_from_the_attributes_that_name_a_field() {
        let labels = Labels::shipped();
        for (tag, expected) in [
            (r#"field class="x" name="姓名""#, Some(Kind::Name)),
            ("item key = 'xm' ", Some(Kind::Name)),
            (r#"td data-label="住址""#, Some(Kind::Address)),
            (r#"p id="address""#, None),
            (r#"p title=address name="x""#, None),
            (r#"p name="address"#, None),
            ("p", None),
        ] {
            let rule = label(tag.as_bytes(), labels, false);
            assert_eq!(rule.map(|rule| rule.kind), expected, "{tag}");
        }
        assert!(label(b"p id=\"address\"", labels, true).is_some());
        assert!(of_element(b"input", b"input name=\"address\"", labels).is_none());
    }
}
