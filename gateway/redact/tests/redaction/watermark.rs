//! Exports that say who received them, after what happens to a copy that gets out.

use std::sync::Arc;

use hangu_redact::{
    BodyRedactor, Carriers, Charset, Coding, Content, Evidence, Format, Level, Limits, Marker,
    Media, Recipient, Rules, Unmarkable, Unreadable, Votes, Watermark, WatermarkKey,
};

use crate::accuracy::{Random, resident_id};
use crate::office::{Form, archive, entries};

/// A wrong accusation in a million documents.
const MOST: f64 = 1e-6;

const EVERYTHING: Carriers = Carriers {
    stars: true,
    spelling: true,
    invisible: true,
};

fn key() -> Arc<WatermarkKey> {
    Arc::new(WatermarkKey::new(&[5; 32]).unwrap())
}

fn recipient(name: &str) -> Recipient {
    Recipient::named(&key(), name)
}

/// A thousand people who may have had a copy, `u:7` among them.
fn staff() -> Vec<Recipient> {
    (0..1000).map(|at| recipient(&format!("u:{at}"))).collect()
}

const HEAD: [&str; 7] = [
    "姓名",
    "身份证号",
    "手机号",
    "邮箱",
    "地址",
    "办理事项",
    "编号",
];

/// Rows of an export: personal data, a text, a number.
fn rows(count: usize, seed: u64) -> Vec<[String; 7]> {
    let mut random = Random(seed);
    let mut row = |at: usize| {
        let surname = random.of(&["张", "王", "李", "赵", "欧阳", "陈", "刘", "周"]);
        let given = random.of(&["三", "伟", "秀英", "建国", "丽", "娜"]);
        let city = random.of(&["北京市海淀区", "广东省深圳市南山区", "江苏省苏州市昆山市"]);
        let matter = random.of(&["居住证办理", "社保转移", "公积金提取", "护照换发"]);
        [
            format!("{surname}{given}"),
            resident_id(&mut random),
            format!("13{}", random.digits(9)),
            format!(
                "{}{}@qq.com",
                random.of(&["a", "b", "zhang", "w"]),
                random.digits(6)
            ),
            format!(
                "{city}{}路{}号",
                random.of(&["人民", "中山", "解放"]),
                random.below(400)
            ),
            format!("{matter}第{}号窗口", random.below(3000)),
            format!("{}", 10_000 + at * 7),
        ]
    };
    (0..count).map(&mut row).collect()
}

fn csv(rows: &[[String; 7]]) -> String {
    let lines = rows.iter().map(|row| row.join(",") + "\r\n");
    HEAD.join(",") + "\r\n" + &lines.collect::<String>()
}

fn json(rows: &[[String; 7]]) -> String {
    let record = |row: &[String; 7]| {
        let members = HEAD.iter().zip(row);
        let members: Vec<String> = members
            .map(|(key, value)| format!("\"{key}\":\"{value}\""))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    format!(
        "[{}]",
        rows.iter().map(record).collect::<Vec<_>>().join(",\n")
    )
}

/// The export as somebody receives it, at the level that shows most shapes of masks.
fn copy(content: &Content, body: &[u8], name: &str, carriers: Carriers) -> Vec<u8> {
    let mark = Watermark {
        key: key(),
        recipient: recipient(name),
        carriers,
    };
    let redaction = Some((Rules::shipped(), Level::L2, Unreadable::Refuse));
    let coding = Coding::Identity;
    let mut redactor =
        BodyRedactor::marked(redaction, mark, content.clone(), coding, Limits::default()).unwrap();
    let mut out = Vec::new();
    for chunk in body.chunks(1000) {
        redactor.feed(chunk, &mut out).unwrap();
    }
    redactor.finish(&mut out).unwrap();
    assert!(redactor.marks().unwrap().cells > 0);
    out
}

fn copy_csv(rows: &[[String; 7]], name: &str, carriers: Carriers) -> String {
    let body = csv(rows);
    String::from_utf8(copy(&Media::Csv.into(), body.as_bytes(), name, carriers)).unwrap()
}

fn votes(content: &Content, body: &[u8]) -> Votes {
    let mut evidence = Evidence::new(key(), content, Limits::default()).unwrap();
    evidence.feed(body).unwrap();
    evidence.finish().unwrap()
}

/// Who is named: of a thousand, and without a list.
fn named(votes: &Votes) -> (Vec<Recipient>, Option<Recipient>) {
    let accused = votes.accuse(&staff(), MOST);
    let read = votes.read(MOST);
    (
        accused.iter().map(|found| found.recipient).collect(),
        read.map(|found| found.recipient),
    )
}

fn just(name: &str) -> (Vec<Recipient>, Option<Recipient>) {
    (vec![recipient(name)], Some(recipient(name)))
}

/// Some of the lines behind the first, in another order.
fn sample(text: &str, count: usize, seed: u64) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().skip(1).collect();
    let mut random = Random(seed);
    for at in (1..lines.len()).rev() {
        lines.swap(at, random.index(at + 1));
    }
    lines.truncate(count);
    lines
}

/// The cells of a line as a spreadsheet understands them.
fn cells(line: &str) -> Vec<String> {
    line.split(',')
        .map(|cell| cell.trim_matches('"').to_owned())
        .collect()
}

#[test]
fn a_sample_of_rows_in_another_order_names_its_recipient() {
    let whole = copy_csv(&rows(400, 1), "u:7", Carriers::default());
    for (count, seed) in [(200, 1), (100, 2), (40, 3), (20, 4)] {
        let lines = sample(&whole, count, seed).join("\n");
        let leaked = format!("x\n{lines}");
        assert_eq!(
            named(&votes(&Media::Csv.into(), leaked.as_bytes())),
            just("u:7"),
            "{count}"
        );
    }
}

#[test]
fn what_a_spreadsheet_saves_with_columns_moved_and_dropped_names_its_recipient() {
    let whole = copy_csv(&rows(300, 2), "u:7", EVERYTHING);
    let saved = |columns: &[usize]| {
        let lines = sample(&whole, 150, 9).into_iter().map(|line| {
            let cells = cells(line);
            columns
                .iter()
                .map(|&at| cells[at].clone())
                .collect::<Vec<_>>()
                .join(",")
        });
        "x\n".to_owned() + &lines.collect::<Vec<_>>().join("\n")
    };
    for columns in [&[5, 2, 1][..], &[2], &[5], &[1, 6]] {
        let leaked = saved(columns);
        assert!(!leaked.contains('"'));
        assert_eq!(
            named(&votes(&Media::Csv.into(), leaked.as_bytes())),
            just("u:7"),
            "{columns:?}"
        );
    }
    // Numbers alone have nothing that survives.
    assert_eq!(
        named(&votes(&Media::Csv.into(), saved(&[6]).as_bytes())),
        (vec![], None)
    );
}

#[test]
fn a_copy_in_another_format_names_its_recipient() {
    let rows = rows(120, 3);
    let marked = copy(
        &Media::Json.into(),
        json(&rows).as_bytes(),
        "u:7",
        Carriers::default(),
    );
    let records: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(&marked).unwrap();
    let lines = records.iter().map(|record| {
        let cells: Vec<&str> = record
            .values()
            .map(|value| value.as_str().unwrap())
            .collect();
        cells.join("\t")
    });
    let leaked = "x\n".to_owned() + &lines.collect::<Vec<_>>().join("\n");
    assert_eq!(
        named(&votes(&Media::Tsv.into(), leaked.as_bytes())),
        just("u:7")
    );
    let (gbk, _, _) = encoding_rs::GB18030.encode(&leaked);
    let format = Format {
        media: Media::Tsv,
        charset: Charset::Gb18030,
    };
    assert_eq!(named(&votes(&format.into(), &gbk)), just("u:7"));
}

#[test]
fn a_workbook_names_its_recipient_and_so_does_a_table_saved_from_it() {
    let redacted = crate::support::redact_text(Level::L2, Media::Csv, &csv(&rows(120, 4)));
    let all: Vec<&str> = redacted.lines().flat_map(|line| line.split(',')).collect();
    let items = all.iter().map(|text| format!("<si><t>{text}</t></si>"));
    let strings = format!("<sst>{}</sst>", items.collect::<String>());
    let line = |at: usize| {
        let cell = |column: usize| {
            let letter = char::from(b'A' + u8::try_from(column).unwrap());
            let number = at * 7 + column;
            format!("<c r=\"{letter}{}\" t=\"s\"><v>{number}</v></c>", at + 1)
        };
        let cells: String = (0..7).map(cell).collect();
        format!("<row r=\"{}\">{cells}</row>", at + 1)
    };
    let lines: String = (0..=120).map(line).collect();
    let sheet = format!("<worksheet><sheetData>{lines}</sheetData></worksheet>");
    let book = archive(
        Form::Deflated,
        &[
            ("[Content_Types].xml", "<Types/>"),
            ("xl/worksheets/sheet1.xml", &sheet),
            ("xl/sharedStrings.xml", &strings),
        ],
    );
    for size in [book.len(), 100] {
        let marked = mark(&Content::Office, EVERYTHING, book.chunks(size));
        assert_eq!(named(&votes(&Content::Office, &marked)), just("u:7"));
        let parts = entries(&marked);
        assert_eq!(parts[1].1, sheet);
        let texts = parts[2].1.split("<t>").skip(1);
        let texts: Vec<&str> = texts.map(|rest| rest.split('<').next().unwrap()).collect();
        assert_eq!(
            texts[..7],
            HEAD,
            "names of columns stay as programs know them"
        );
        let lines: Vec<String> = texts.chunks(7).map(|row| row.join(",")).collect();
        let saved = lines.join("\n");
        assert_eq!(
            named(&votes(&Media::Csv.into(), saved.as_bytes())),
            just("u:7")
        );
    }
}

#[test]
fn two_copies_mixed_name_both_and_nobody_else() {
    let rows = rows(400, 5);
    let (one, two) = (
        copy_csv(&rows, "u:7", EVERYTHING),
        copy_csv(&rows, "u:8", EVERYTHING),
    );
    let lines: Vec<&str> = sample(&one, 150, 1)
        .into_iter()
        .chain(sample(&two, 150, 2))
        .collect();
    let (mut accused, _) = named(&votes(
        &Media::Csv.into(),
        ("x\n".to_owned() + &lines.join("\n")).as_bytes(),
    ));
    accused.sort_unstable();
    let mut both = vec![recipient("u:7"), recipient("u:8")];
    both.sort_unstable();
    assert_eq!(accused, both);
}

#[test]
fn rows_that_were_never_marked_hide_a_copy_only_where_they_are_most_of_it() {
    let marked = copy_csv(&rows(200, 6), "u:7", Carriers::default());
    let other = csv(&rows(200, 7));
    let lines: Vec<&str> = sample(&marked, 150, 1)
        .into_iter()
        .chain(sample(&other, 50, 2))
        .collect();
    let leaked = "x\n".to_owned() + &lines.join("\n");
    assert_eq!(
        named(&votes(&Media::Csv.into(), leaked.as_bytes())),
        just("u:7")
    );
}

#[test]
fn a_document_of_nobody_accuses_as_seldom_as_is_asked_for() {
    let mut wrong = 0;
    for seed in 0..200 {
        // A copy for somebody who is not asked about carries as many bits as any.
        let document = copy_csv(&rows(30, 100 + seed), &format!("guest:{seed}"), EVERYTHING);
        let votes = votes(&Media::Csv.into(), document.as_bytes());
        let suspects: Vec<Recipient> = (0..20).map(|at| recipient(&format!("s:{at}"))).collect();
        wrong += usize::from(!votes.accuse(&suspects, 0.05).is_empty());
        assert_eq!(votes.accuse(&suspects, MOST), [], "{seed}");
    }
    // The mean is at most ten; twice as many come once in three hundred runs.
    assert!(wrong <= 20, "{wrong} of 200 documents accuse somebody");
}

#[test]
fn a_document_without_marks_or_with_few_names_nobody() {
    let unmarked = csv(&rows(400, 8));
    assert_eq!(
        named(&votes(&Media::Csv.into(), unmarked.as_bytes())),
        (vec![], None)
    );
    let few = copy_csv(
        &rows(3, 9),
        "u:7",
        Carriers {
            stars: true,
            spelling: false,
            invisible: false,
        },
    );
    assert_eq!(
        named(&votes(&Media::Csv.into(), few.as_bytes())),
        (vec![], None)
    );
    let other = Arc::new(WatermarkKey::new(&[6; 32]).unwrap());
    let marked = copy_csv(&rows(100, 9), "u:7", EVERYTHING);
    let mut evidence = Evidence::new(other, &Media::Csv.into(), Limits::default()).unwrap();
    evidence.feed(marked.as_bytes()).unwrap();
    let votes = evidence.finish().unwrap();
    assert_eq!(
        named(&votes),
        (vec![], None),
        "without the key nothing is read"
    );
}

#[test]
fn readers_of_json_and_csv_see_the_same_values() {
    let spelling = Carriers {
        stars: false,
        spelling: true,
        invisible: false,
    };
    let rows = rows(50, 10);
    let tricky = r#"{"a" : 1.50,"b":[1, 2,{"c":"x\"y","d":null}],"e\u0041":"\u5f20\n**","f":{},"g":[],"h":true, "i":"*\\"}"#;
    for body in [
        json(&rows),
        tricky.to_owned(),
        "{\"a\":[[".to_owned(),
        "\"a".to_owned(),
        "{\"a\":  ".to_owned(),
    ] {
        let marked = mark(&Media::Json.into(), spelling, [body.as_bytes()]);
        let read = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).ok();
        assert_eq!(
            read(&marked),
            read(body.as_bytes()),
            "{}",
            String::from_utf8_lossy(&marked)
        );
    }
    let tricky = "a,b\n\"x,\"\"y\",plain\n\"two\nlines\",\"quoted\"\n,\"\"\n a , b\nq\"x,\"bad\"z\nlast,\"open";
    let marked =
        String::from_utf8(mark(&Media::Csv.into(), spelling, [tricky.as_bytes()])).unwrap();
    assert!(marked.starts_with("a,b\n\"x,\"\"y\","), "{marked}");
    assert!(
        marked.contains("\n,\"\"\n a , b\nq\"x,\"bad\"z\n"),
        "{marked}"
    );
    assert!(marked.ends_with(",\"open"), "{marked}");
    assert_eq!(marked.replace('"', ""), tricky.replace('"', ""));
}

/// Marks a body that arrives in chunks.
fn mark<'a>(
    content: &Content,
    carriers: Carriers,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let mark = Watermark {
        key: key(),
        recipient: recipient("u:7"),
        carriers,
    };
    let mut marker = Marker::new(mark, content, Limits::default()).unwrap();
    let mut out = Vec::new();
    for chunk in chunks {
        marker.feed(chunk, &mut out).unwrap();
    }
    marker.finish(&mut out).unwrap();
    out
}

#[test]
fn however_an_export_arrives_its_marks_are_the_same() {
    let rows = rows(2, 11);
    let long = format!(
        "[\"{}\",{{\"a\":\"{}**\"}},{}1,\"张三**\",\"1**\",\"2**\",\"3**\",\"4**\",\"5**\"]",
        "长".repeat(2000),
        "x".repeat(5000),
        "9".repeat(5000)
    );
    let deep = format!(
        "[\"1**\",\"2**\",\"3**\",\"4**\",\"5**\",{}{{\"a\":\"**\"}}",
        "[".repeat(600)
    );
    let wide = format!(
        "a,b\n\"{}\",张**\n{},张**\n",
        "长,".repeat(2000),
        "x".repeat(5000)
    );
    let (gbk, _, _) = encoding_rs::GB18030.encode("姓名,事项\n张**,办理\n欧阳*,\"换发\"\n");
    for (media, charset, body) in [
        (Media::Csv, Charset::Utf8, csv(&rows).into_bytes()),
        (Media::Csv, Charset::Utf8, wide.into_bytes()),
        (Media::Csv, Charset::Gb18030, gbk.into_owned()),
        (
            Media::Tsv,
            Charset::Utf8,
            csv(&rows).replace(',', "\t").into_bytes(),
        ),
        (Media::Json, Charset::Utf8, json(&rows).into_bytes()),
        (Media::Json, Charset::Utf8, long.into_bytes()),
        (Media::Json, Charset::Utf8, deep.into_bytes()),
        (
            Media::Ndjson,
            Charset::Utf8,
            json(&rows)
                .replace(['[', ']'], "")
                .replace(",\n", "\n")
                .into_bytes(),
        ),
    ] {
        let content = Content::from(Format { media, charset });
        let whole = mark(&content, EVERYTHING, [body.as_slice()]);
        assert!(whole != body, "{media:?} has no mark");
        let step = if body.len() > 2000 { 97 } else { 1 };
        for at in (0..=body.len()).step_by(step) {
            let (head, tail) = body.split_at(at);
            assert!(
                mark(&content, EVERYTHING, [head, tail]) == whole,
                "{media:?} {at}"
            );
        }
        assert!(
            mark(&content, EVERYTHING, body.chunks(1)) == whole,
            "{media:?}"
        );
    }
}

#[test]
fn marking_a_copy_again_names_the_last_recipient_alone() {
    let first = copy_csv(&rows(100, 12), "u:8", EVERYTHING);
    let second = mark(&Media::Csv.into(), EVERYTHING, [first.as_bytes()]);
    assert_eq!(named(&votes(&Media::Csv.into(), &second)), just("u:7"));
    assert_eq!(
        mark(&Media::Csv.into(), EVERYTHING, [second.as_slice()]),
        second
    );
}

#[test]
fn a_coded_export_carries_the_same_marks() {
    use std::io::{Read as _, Write as _};
    let body = csv(&rows(60, 13));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    let coded = encoder.finish().unwrap();
    let watermark = Watermark {
        key: key(),
        recipient: recipient("u:7"),
        carriers: Carriers::default(),
    };
    let mut redactor = BodyRedactor::marked(
        None,
        watermark,
        Media::Csv.into(),
        Coding::Gzip,
        Limits::default(),
    )
    .unwrap();
    let mut out = Vec::new();
    redactor.feed(&coded, &mut out).unwrap();
    redactor.finish(&mut out).unwrap();
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(out.as_slice())
        .read_to_end(&mut plain)
        .unwrap();
    assert_eq!(
        plain,
        mark(&Media::Csv.into(), Carriers::default(), [body.as_bytes()])
    );
    assert_eq!(redactor.marks().unwrap().cells, 60 * 7);
}

#[test]
fn bodies_that_cannot_carry_marks_are_told() {
    let watermark = Watermark {
        key: key(),
        recipient: recipient("u:7"),
        carriers: EVERYTHING,
    };
    for media in [Media::Text, Media::EventStream, Media::Form, Media::Markup] {
        let marker = Marker::new(watermark.clone(), &media.into(), Limits::default());
        assert_eq!(marker.unwrap_err(), Unmarkable, "{media:?}");
    }
    let mut marker = Marker::new(watermark, &Content::Office, Limits::default()).unwrap();
    assert!(marker.feed(b"no archive at all", &mut Vec::new()).is_err());
}

#[test]
fn the_measured_rates_of_success_are_as_documented() {
    // Rows of a sample, and how many of twenty samples name the right one: of a thousand, and without a list.
    let stars = Carriers {
        stars: true,
        spelling: false,
        invisible: false,
    };
    for (carriers, count, accused, read) in [
        (Carriers::default(), 4, 0, 0),
        (Carriers::default(), 10, 20, 20),
        (Carriers::default(), 20, 20, 20),
        (stars, 10, 0, 0),
        (stars, 30, 20, 20),
        (stars, 50, 20, 20),
    ] {
        let whole = copy_csv(&rows(1000, 14), "u:7", carriers);
        let (mut by_list, mut by_number) = (0, 0);
        for seed in 0..20 {
            let leaked = format!("x\n{}", sample(&whole, count, seed).join("\n"));
            let (suspects, number) = named(&votes(&Media::Csv.into(), leaked.as_bytes()));
            assert!(
                suspects
                    .iter()
                    .chain(&number)
                    .all(|&found| found == recipient("u:7"))
            );
            by_list += usize::from(!suspects.is_empty());
            by_number += usize::from(number.is_some());
        }
        assert!(
            by_list >= accused && by_number >= read,
            "{count}: {by_list}, {by_number}"
        );
    }
}
