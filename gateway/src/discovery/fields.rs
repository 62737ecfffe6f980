//! The fields of a document, and the kinds of personal data in each.

use std::collections::BTreeMap;
use std::sync::Arc;

use hangu_redact::{Format, Kind, Level, Media, Redactor, Rules};
use serde_json::Value;

use super::paths::part;

/// Values of one answer that are looked at. Chosen: the first of a long list say what the rest is like.
const VALUES: usize = 2_000;
/// How deep a document is followed.
const DEPTH: usize = 32;

/// Values by field and kind.
pub(super) type Found = BTreeMap<(String, Kind), u64>;

/// What is in which field. Formats without fields, and what cannot be read, tell nothing.
pub(super) fn found(rules: &Arc<Rules>, media: Media, body: &[u8]) -> Found {
    let mut search = Search {
        rules,
        found: Found::new(),
        left: VALUES,
    };
    match media {
        Media::Json => search.document(body),
        Media::Ndjson => body
            .split(|byte| *byte == b'\n')
            .for_each(|line| search.document(line)),
        Media::Csv => search.table(body, b','),
        Media::Tsv => search.table(body, b'\t'),
        Media::Text | Media::EventStream | Media::Form | Media::Markup => {}
    }
    search.found
}

struct Search<'r> {
    rules: &'r Arc<Rules>,
    found: Found,
    left: usize,
}

impl Search<'_> {
    fn document(&mut self, text: &[u8]) {
        if let Ok(value) = serde_json::from_slice::<Value>(text) {
            self.value("$", "", &value, 0);
        }
    }

    fn value(&mut self, path: &str, name: &str, value: &Value, depth: usize) {
        if depth > DEPTH || self.left == 0 {
            return;
        }
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    self.value(&format!("{path}.{}", part(key)), key, member, depth + 1);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.value(&format!("{path}[]"), name, item, depth + 1);
                }
            }
            Value::String(_) | Value::Number(_) => {
                self.left -= 1;
                let mut alone = serde_json::Map::new();
                alone.insert(name.to_owned(), value.clone());
                let alone = Value::Object(alone).to_string();
                self.kinds(path, Media::Json, alone.as_bytes());
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Looks at a table, a column at a time: its head and one cell are a table as well.
    fn table(&mut self, body: &[u8], separator: u8) {
        let mut rows = Rows {
            rest: body,
            separator,
        };
        let Some(head) = rows.next() else { return };
        let media = if separator == b'\t' {
            Media::Tsv
        } else {
            Media::Csv
        };
        for row in rows {
            for (name, cell) in head.iter().zip(&row) {
                if self.left == 0 {
                    return;
                }
                self.left -= 1;
                let alone = [name, b"\n".as_slice(), cell, b"\n"].concat();
                let column = String::from_utf8_lossy(name);
                let column = column.trim_matches(|ch| "\u{feff}\" \r".contains(ch));
                self.kinds(part(column), media, &alone);
            }
        }
    }

    fn kinds(&mut self, field: &str, media: Media, text: &[u8]) {
        let format = Format::from(media);
        let mut redactor = Redactor::with(Arc::clone(self.rules), Level::L1, format);
        let mut out = Vec::new();
        redactor.feed(text, &mut out);
        let summary = redactor.finish(&mut out);
        for (kind, count) in summary.counts.iter().filter(|(_, count)| *count > 0) {
            *self.found.entry((field.to_owned(), kind)).or_default() += count;
        }
    }
}

/// Rows of a table; quotes around cells are left where they are.
struct Rows<'a> {
    rest: &'a [u8],
    separator: u8,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Vec<&'a [u8]>;

    fn next(&mut self) -> Option<Vec<&'a [u8]>> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut cells, mut begin, mut quoted) = (Vec::new(), 0, false);
        for (at, byte) in self.rest.iter().enumerate() {
            quoted ^= *byte == b'"';
            if quoted || (*byte != self.separator && *byte != b'\n') {
                continue;
            }
            cells.push(self.rest.get(begin..at).unwrap_or_default());
            begin = at + 1;
            if *byte == b'\n' {
                self.rest = self.rest.get(begin..).unwrap_or_default();
                return Some(cells);
            }
        }
        cells.push(self.rest.get(begin..).unwrap_or_default());
        self.rest = &[];
        Some(cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(media: Media, body: &str) -> Vec<(String, Kind, u64)> {
        let found = found(&Rules::shipped(), media, body.as_bytes());
        let told = found.into_iter();
        told.map(|((field, kind), count)| (field, kind, count))
            .collect()
    }

    #[test]
    fn fields_are_named_by_their_path_whatever_stands_around_them() {
        let body = r#"{"total":2,"rows":[
            {"name":"张三","tel":"13800138000","tags":["x"]},
            {"name":"李四","tel":"13900139000","note":"联系 zhang@example.cn"}],
            "byId":{"11010519491231002X":{"ok":true,"mail":"a@example.cn"}}}"#;
        assert_eq!(
            told(Media::Json, body),
            [
                ("$.byId.{}.mail".to_owned(), Kind::Email, 1),
                ("$.rows[].name".to_owned(), Kind::Name, 2),
                ("$.rows[].note".to_owned(), Kind::Email, 1),
                ("$.rows[].tel".to_owned(), Kind::Mobile, 2),
            ]
        );
    }

    #[test]
    fn columns_of_tables_are_fields_and_what_cannot_be_read_tells_nothing() {
        let table = "姓名,手机,备注\n张三,13800138000,\"一,二\n三\"\n李四,13900139000,无\n";
        assert_eq!(
            told(Media::Csv, table),
            [
                ("姓名".to_owned(), Kind::Name, 2),
                ("手机".to_owned(), Kind::Mobile, 2),
            ]
        );
        assert!(told(Media::Json, "{\"phone\":\"13800138000\"").is_empty());
        assert!(told(Media::Text, "13800138000").is_empty());
    }

    #[test]
    fn deep_and_long_documents_are_followed_to_a_bound() {
        let deep = format!("{}\"13800138000\"{}", "[".repeat(100), "]".repeat(100));
        assert!(told(Media::Json, &deep).is_empty());
        let many: Vec<_> = (0..VALUES + 500)
            .map(|n| format!("\"138{n:08}\""))
            .collect();
        let body = format!("{{\"phones\":[{}]}}", many.join(","));
        let total: u64 = told(Media::Json, &body).iter().map(|(_, _, n)| n).sum();
        assert_eq!(total, VALUES as u64);
    }
}
