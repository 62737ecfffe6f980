//! Markup as rich-text editors, mail programs and word processors make it.

use base64::Engine as _;

use super::ordinary::{Writer, escape};

/// Some blocks of an article.
pub fn page(writer: &mut Writer) -> String {
    let mut out = String::new();
    for _ in 0..writer.dice.between(1, 6) {
        let block = block(writer);
        out.push_str(&block);
    }
    out
}

fn block(writer: &mut Writer) -> String {
    let text = escape(&writer.prose());
    let number = writer.dice.digits(5);
    match writer.dice.roll(18) {
        0 | 1 => format!(
            "<p style=\"text-align: justify; font-family: 宋体, &quot;Times New Roman&quot;; margin: 0px 0px 5px; line-height:1.75em\"><span style='font-size:16px;color:rgb(51, 51, 51)'>{text}</span></p>"
        ),
        2 => format!(
            "<p class=\"MsoNormal\" style=\"mso-margin-top-alt:auto;text-indent:28.0pt;mso-char-indent-count:2.0\"><span lang=EN-US style='font-size:14.0pt;font-family:\"微软雅黑\",sans-serif;mso-bidi-font-family:宋体'>{text}<o:p></o:p></span></p>"
        ),
        3 => format!(
            "<img src=\"https://img.example.com/{number}.jpg?x-oss-process=image/resize,w_800\" alt=\"{text}\" width=\"640\" height=\"auto\" data-src=\"/a.png\" onerror=\"this.src='/static/default.png'\"/>"
        ),
        4 => format!(
            "<img src=\"data:image/png;base64,{}\" title=\"image.png\">",
            base64::engine::general_purpose::STANDARD.encode(writer.dice.bytes(300))
        ),
        5 => format!(
            "<a href=\"https://www.example.com/a?b=1&amp;c={number}\" target=\"_blank\" rel=\"noopener\" _src=\"x\">{text}</a>"
        ),
        6 => format!(
            "<table border=\"1\" cellpadding=0 cellspacing=0 style=\"border-collapse:collapse\"><tbody><tr class=\"firstRow\"><td width=\"120\" valign=\"top\" style=\"word-break: break-all\">{text}</td><td>&nbsp;</td></tr></tbody></table>"
        ),
        7 => format!(
            "<iframe src=\"//player.bilibili.com/player.html?bvid=BV1{number}&page=1\" scrolling=\"no\" border=\"0\" frameborder=\"no\" allowfullscreen=\"true\"></iframe>"
        ),
        8 => format!(
            "<video controls=\"controls\" width=\"420\" src=\"/upload/{number}.mp4\" data-setup=\"{{}}\"><source src=\"/upload/{number}.mp4\" type=\"video/mp4\"/></video>"
        ),
        9 => format!(
            "<pre class=\"brush:sql;toolbar:false\">{}</pre>",
            escape(&writer.chunk())
        ),
        10 => format!(
            "<blockquote type=\"cite\" style=\"margin:0 0 0 .8ex;border-left:1px #ccc solid\">On Mon, May 6, 2024 at 12:00, &lt;a@example.com&gt; wrote:<br>{text}</blockquote>"
        ),
        11 => format!(
            "<!--[if gte mso 9]><xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml><![endif]--><style>@font-face{{font-family:\"Times New Roman\";}} p.MsoNormal{{mso-style-name:正文;margin:0pt;}}</style><p>{text}</p>"
        ),
        12 => format!(
            "<section class=\"_135editor\" data-tools=\"135编辑器\" data-id=\"{number}\"><section style=\"transform: rotate(0deg); background-image: url(https://img.example.com/{number}.gif)\"><p>{text}</p></section></section>"
        ),
        13 => format!("<ul><li><p>{text}</p></li></ul><ol start=\"2\"><li>{text}</li></ol><hr/>"),
        14 => format!(
            "<h2 id=\"s-{number}\">{text}</h2><p><br></p><p>&nbsp;&nbsp;&nbsp;{text}&hellip;&mdash;&ldquo;x&rdquo;</p>"
        ),
        15 => format!(
            "<div><svg width=\"16\" height=\"16\" viewBox=\"0 0 16 16\"><path d=\"M8 0a8 8 0 1 0 0 16\"></path></svg><button type=\"button\" class=\"btn\">{text}</button></div>"
        ),
        16 => format!(
            "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><head><meta http-equiv=Content-Type content=\"text/html; charset=gb2312\"><title>x</title></head><body lang=ZH-CN link=blue vlink=purple><div class=WordSection1>{text}</div></body></html>"
        ),
        _ => format!(
            "<p><strong>{text}</strong><em>{text}</em><code>{}</code><sup>2</sup></p>",
            escape(&writer.chunk().chars().take(80).collect::<String>())
        ),
    }
}
