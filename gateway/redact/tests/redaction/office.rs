//! Workbooks and documents in their archives.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use hangu_redact::{
    BodyError, BodyRedactor, Coding, Content, Level, Limits, PartError, Rules, Unreadable,
};

/// How an entry is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Stored,
    Deflated,
    /// Deflated, its sizes behind it.
    Streamed,
}

fn four(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}

fn two(number: usize) -> u16 {
    u16::try_from(number).unwrap()
}

/// An archive of entries.
pub(crate) fn archive(form: Form, entries: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in entries {
        let data = if form == Form::Stored {
            text.as_bytes().to_vec()
        } else {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let streamed = form == Form::Streamed;
        let mut sizes = Vec::new();
        for number in [crc.sum(), four(data.len()), four(text.len())] {
            sizes.extend(number.to_le_bytes());
        }
        let mut about = Vec::new();
        for number in [
            20_u16,
            if streamed { 8 } else { 0 },
            if form == Form::Stored { 0 } else { 8 },
            0x6000,
            0x5976,
        ] {
            about.extend(number.to_le_bytes());
        }
        let at = four(out.len());
        out.extend(b"PK\x03\x04");
        out.extend(&about);
        out.extend(if streamed { vec![0; 12] } else { sizes.clone() });
        out.extend(two(name.len()).to_le_bytes());
        out.extend([0, 0]);
        out.extend(name.as_bytes());
        out.extend(&data);
        if streamed {
            out.extend(b"PK\x07\x08");
            out.extend(&sizes);
        }
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&about);
        directory.extend(&sizes);
        directory.extend(two(name.len()).to_le_bytes());
        directory.extend([0; 12]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (at, length) = (four(out.len()), four(directory.len()));
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(two(entries.len()).to_le_bytes());
    out.extend(two(entries.len()).to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// Reads an archive by its directory.
pub(crate) fn entries(archive: &[u8]) -> Vec<(String, String)> {
    let u32_at = |at: usize| u32::from_le_bytes(archive[at..at + 4].try_into().unwrap()) as usize;
    let u16_at =
        |at: usize| usize::from(u16::from_le_bytes(archive[at..at + 2].try_into().unwrap()));
    let end = archive.len() - 22;
    assert_eq!(&archive[end..end + 4], b"PK\x05\x06");
    let mut at = u32_at(end + 16);
    let mut all = Vec::new();
    for _ in 0..u16_at(end + 10) {
        assert_eq!(&archive[at..at + 4], b"PK\x01\x02");
        let (size, name_length, local) = (u32_at(at + 20), u16_at(at + 28), u32_at(at + 42));
        let name = String::from_utf8(archive[at + 46..at + 46 + name_length].to_vec()).unwrap();
        let data = local + 30 + u16_at(local + 26) + u16_at(local + 28);
        let mut text = String::new();
        DeflateDecoder::new(&archive[data..data + size])
            .read_to_string(&mut text)
            .unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        assert_eq!(crc.sum() as usize, u32_at(at + 16), "{name}");
        all.push((name, text));
        at += 46 + name_length;
    }
    all
}

fn redact(
    archive: &[u8],
    size: usize,
    unreadable: Unreadable,
    limits: Limits,
) -> Result<Vec<u8>, BodyError> {
    let mut redactor = BodyRedactor::of(
        Rules::shipped(),
        Level::L2,
        Content::Office,
        Coding::Identity,
        limits,
        unreadable,
    );
    let mut out = Vec::new();
    for chunk in archive.chunks(size) {
        redactor.feed(chunk, &mut out)?;
    }
    redactor.finish(&mut out)?;
    Ok(out)
}

fn redacted(written: &[(&str, &str)]) -> Vec<(String, String)> {
    let whole = archive(Form::Deflated, written);
    let out = redact(&whole, whole.len(), Unreadable::Refuse, Limits::default()).unwrap();
    for form in [Form::Stored, Form::Deflated, Form::Streamed] {
        for size in [1, 7, 100] {
            let body = archive(form, written);
            let again = redact(&body, size, Unreadable::Refuse, Limits::default()).unwrap();
            assert_eq!(entries(&again), entries(&out), "chunks of {size}");
        }
    }
    entries(&out)
}

fn text<'e>(entries: &'e [(String, String)], name: &str) -> &'e str {
    let found = entries.iter().find(|(entry, _)| entry == name);
    &found.unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn a_number_over_several_runs_and_the_cells_of_tables_are_masked_in_a_document() {
    let document = concat!(
        "<w:document><w:p w:x=\"1\"><w:r><w:t>电话 138</w:t></w:r><w:r><w:t xml:space=\"preserve\">0013</w:t><w:t>8000 &amp; x</w:t></w:r></w:p>",
        "<w:p><w:r><w:t>姓名：</w:t></w:r><w:r><w:t>张</w:t></w:r><w:r><w:t>三</w:t></w:r></w:p>",
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>姓名</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>李</w:t><w:t>四</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
        "<w:tbl><w:tr><w:tc><w:p><w:t>姓名</w:t></w:p></w:tc><w:tc><w:p><w:t>护照号码</w:t></w:p></w:tc></w:tr>",
        "<w:tr><w:tc><w:p><w:t>王五</w:t></w:p></w:tc><w:tc><w:p><w:t>E1234</w:t><w:t>5678</w:t></w:p></w:tc></w:tr></w:tbl>",
        "<w:ins w:author=\"赵六\"><w:r><w:t>x</w:t></w:r></w:ins></w:document>"
    );
    let expected = concat!(
        "<w:document><w:p w:x=\"1\"><w:r><w:t>电话 138</w:t></w:r><w:r><w:t xml:space=\"preserve\">****</w:t><w:t>8000 &amp; x</w:t></w:r></w:p>",
        "<w:p><w:r><w:t>姓名：</w:t></w:r><w:r><w:t>张</w:t></w:r><w:r><w:t>*</w:t></w:r></w:p>",
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>姓名</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>李</w:t><w:t>*</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
        "<w:tbl><w:tr><w:tc><w:p><w:t>姓名</w:t></w:p></w:tc><w:tc><w:p><w:t>护照号码</w:t></w:p></w:tc></w:tr>",
        "<w:tr><w:tc><w:p><w:t>王*</w:t></w:p></w:tc><w:tc><w:p><w:t>E****</w:t><w:t>5678</w:t></w:p></w:tc></w:tr></w:tbl>",
        "<w:ins w:author=\"赵*\"><w:r><w:t>x</w:t></w:r></w:ins></w:document>"
    );
    let out = redacted(&[
        ("[Content_Types].xml", "<Types/>"),
        ("word/document.xml", document),
        (
            "docProps/core.xml",
            "<cp:coreProperties><dc:creator>张三</dc:creator></cp:coreProperties>",
        ),
    ]);
    assert_eq!(text(&out, "word/document.xml"), expected);
    assert_eq!(text(&out, "[Content_Types].xml"), "<Types/>");
    assert_eq!(
        text(&out, "docProps/core.xml"),
        "<cp:coreProperties><dc:creator>张*</dc:creator></cp:coreProperties>"
    );
}

const SHEET: &str = concat!(
    "<worksheet><sheetData>",
    "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"C1\" t=\"s\"><v>2</v></c><c r=\"D1\" t=\"s\"><v>6</v></c></row>",
    "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>3</v></c><c r=\"B2\"><v>13800138000</v></c><c r=\"C2\" t=\"s\"><v>4</v></c><c r=\"D2\"><v>32939</v></c></row>",
    "<row r=\"3\"><c r=\"A3\" t=\"inlineStr\"><is><t>欧阳</t><t>娜娜</t></is></c><c r=\"B3\" t=\"str\"><f>\"138\"&amp;\"0013\"&amp;C9</f><v>13900139000</v></c><c r=\"C3\" s=\"1\"/><c r=\"D3\"><v>42</v></c></row>",
    "</sheetData><hyperlink location=\"mailto:a@b.cn\"/></worksheet>"
);

const STRINGS: &str = concat!(
    "<sst count=\"7\"><si><t>姓名</t></si><si><t>手机</t></si><si><t>住址</t></si>",
    "<si><t>张三</t></si><si><r><t>北京市海淀区</t></r><r><t>中关村1号</t></r></si><si><t>备注 138</t><t>00138000</t></si><si><t>出生日期</t></si></sst>"
);

#[test]
fn cells_are_masked_by_the_head_of_their_column_wherever_their_text_stands() {
    let sheet = concat!(
        "<worksheet><sheetData>",
        "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"C1\" t=\"s\"><v>2</v></c><c r=\"D1\" t=\"s\"><v>6</v></c></row>",
        "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>3</v></c><c r=\"B2\"><v>0</v></c><c r=\"C2\" t=\"s\"><v>4</v></c><c r=\"D2\"><v>0</v></c></row>",
        "<row r=\"3\"><c r=\"A3\" t=\"inlineStr\"><is><t>欧阳</t><t>**</t></is></c><c r=\"B3\" t=\"str\"><f>\"138\"&amp;\"0013\"&amp;C9</f><v>139****9000</v></c><c r=\"C3\" s=\"1\"/><c r=\"D3\"><v>0</v></c></row>",
        "</sheetData><hyperlink location=\"mailto:a@b.cn\"/></worksheet>"
    );
    let strings = concat!(
        "<sst count=\"7\"><si><t>姓名</t></si><si><t>手机</t></si><si><t>住址</t></si>",
        "<si><t>张*</t></si><si><r><t>北京市海淀区</t></r><r><t>****</t></r></si><si><t>备注 138</t><t>****8000</t></si><si><t>出生日期</t></si></sst>"
    );
    for order in [[0, 1], [1, 0]] {
        let parts = [
            ("xl/worksheets/sheet1.xml", SHEET),
            ("xl/sharedStrings.xml", STRINGS),
        ];
        let out = redacted(&order.map(|at: usize| parts[at]));
        assert_eq!(text(&out, "xl/worksheets/sheet1.xml"), sheet);
        assert_eq!(text(&out, "xl/sharedStrings.xml"), strings);
    }
}

#[test]
fn labels_beside_their_values_are_no_heads() {
    let cell =
        |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let sheet = format!(
        "<row>{}{}</row><row>{}{}</row><row>{}{}</row>",
        cell("A1", "姓名"),
        cell("B1", "张三"),
        cell("A2", "民族"),
        cell("B2", "汉族"),
        cell("A3", "住址"),
        cell("B3", "北京市海淀区1号"),
    );
    let out = redacted(&[("xl/worksheets/sheet1.xml", &sheet)]);
    let expected = sheet
        .replace("张三", "张*")
        .replace("海淀区1号", "海淀区****");
    assert_eq!(text(&out, "xl/worksheets/sheet1.xml"), expected);
}

#[test]
fn a_head_that_is_no_label_stays_beside_those_that_are() {
    let cell =
        |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let sheet = format!(
        "<row>{}{}{}</row><row>{}{}{}</row>",
        cell("A1", "姓名"),
        cell("B1", "住址"),
        cell("C1", "办理事项"),
        cell("A2", "张三"),
        cell("B2", "北京市海淀区1号"),
        cell("C2", "社保转移"),
    );
    let out = redacted(&[("xl/worksheets/sheet1.xml", &sheet)]);
    let expected = sheet
        .replace("张三", "张*")
        .replace("海淀区1号", "海淀区****");
    assert_eq!(text(&out, "xl/worksheets/sheet1.xml"), expected);
}

#[test]
fn what_cannot_be_read_in_an_archive_is_refused_passed_or_emptied() {
    let body = archive(
        Form::Deflated,
        &[
            ("word/media/image1.png", "PNG"),
            ("word/document.xml", "<w:p><w:t>13800138000</w:t></w:p>"),
        ],
    );
    let redact = |unreadable| redact(&body, 10, unreadable, Limits::default());
    assert!(matches!(
        redact(Unreadable::Refuse),
        Err(BodyError::Part(PartError::Unreadable(_)))
    ));
    for (unreadable, left) in [(Unreadable::Pass, "PNG"), (Unreadable::Empty, "")] {
        let out = entries(&redact(unreadable).unwrap());
        assert_eq!(text(&out, "word/media/image1.png"), left);
        assert_eq!(
            text(&out, "word/document.xml"),
            "<w:p><w:t>138****8000</w:t></w:p>"
        );
    }
}

#[test]
fn archives_that_are_sealed_broken_or_too_large_fail() {
    let good = archive(Form::Deflated, &[("word/document.xml", "<w:p/>")]);
    let fails = |body: &[u8]| {
        redact(body, 100, Unreadable::Pass, Limits::default())
            .err()
            .unwrap_or_else(|| panic!("it passed"))
    };
    let mut sealed = good.clone();
    sealed[6] |= 1;
    assert!(matches!(
        fails(&sealed),
        BodyError::Part(PartError::Archive("it is encrypted"))
    ));
    let mut sum = good.clone();
    sum[14] ^= 1;
    assert!(matches!(
        fails(&sum),
        BodyError::Part(PartError::Archive(_))
    ));
    let data = 30 + "word/document.xml".len();
    for cut in 0..good.len() {
        if cut < data + 8 {
            fails(&good[..cut]);
        }
    }
    let twice = [("word/a.xml", "<a/>"), ("WORD/A.xml", "<a/>")];
    fails(&archive(Form::Deflated, &twice));
    fails(b"13800138000 is no archive");
    let zeros = " ".repeat(64 << 20);
    let bomb = archive(Form::Deflated, &[("word/document.xml", &zeros)]);
    assert!(matches!(fails(&bomb), BodyError::TooLarge { .. }));
    assert!(matches!(fails(&[]), BodyError::Part(PartError::Truncated)));
}
