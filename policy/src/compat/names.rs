//! How the references turn `r.sub` into `r_sub`: in the text, quoted or not, which is part of what they mean.

use crate::source::Dialect;

/// The text with the dots behind section names replaced; every byte keeps its place.
pub(crate) fn rewritten(text: &str, dialect: Dialect) -> String {
    let bytes = text.as_bytes();
    let mut out = text.to_owned();
    let mut at = 0;
    while let Some(dot) = dot_behind_section(bytes, at, text, dialect) {
        out.replace_range(dot..=dot, "_");
        at = dot + 1;
    }
    out
}

/// The first dot from `from` on that follows a section name.
fn dot_behind_section(bytes: &[u8], from: usize, text: &str, dialect: Dialect) -> Option<usize> {
    for start in from..bytes.len() {
        if !matches!(bytes.get(start), Some(b'r' | b'p')) {
            continue;
        }
        let digits = bytes
            .iter()
            .skip(start + 1)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let dot = start + 1 + digits;
        if bytes.get(dot) != Some(&b'.') {
            continue;
        }
        let before = text.get(..start).and_then(|head| head.chars().next_back());
        let free = match (dialect, before) {
            (_, None) => true,
            (Dialect::CasbinRs, Some(c)) => !(c.is_alphanumeric() || c == '_'),
            (Dialect::CasbinGo | Dialect::Strict, Some(c)) => {
                c.is_ascii_whitespace() || "()|&,=!><+-*/".contains(c)
            }
        };
        if free {
            return Some(dot);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialects_rewrite_inside_quotes_each_in_its_own_way() {
        let table = [
            ("r.sub == p.sub", "r_sub == p_sub", "r_sub == p_sub"),
            ("g(r2.sub,p2.sub)", "g(r2_sub,p2_sub)", "g(r2_sub,p2_sub)"),
            (
                "r.obj == \"/p.html\"",
                "r_obj == \"/p_html\"",
                "r_obj == \"/p_html\"",
            ),
            (
                "r.sub == \"a.p.p.l.e\"",
                "r_sub == \"a.p.p.l.e\"",
                "r_sub == \"a.p_p_l.e\"",
            ),
            ("hr.x", "hr.x", "hr.x"),
            ("r.sub.p.x", "r_sub.p.x", "r_sub.p_x"),
        ];
        for (text, go, rs) in table {
            assert_eq!(rewritten(text, Dialect::CasbinGo), go);
            assert_eq!(rewritten(text, Dialect::CasbinRs), rs, "{text}");
        }
    }
}
