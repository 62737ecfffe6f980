//! The pages that people see.

use std::fmt::Write as _;

use crate::records::Person;

/// Services of the public site: name, and what a page says of it.
const ITEMS: [(&str, &str, &str); 6] = [
    ("身份证", "居民身份证补领", "Lost identity card"),
    ("公积金", "住房公积金提取", "Housing fund"),
    ("社保转移", "社会保险关系转移", "Social insurance transfer"),
    ("生育登记", "生育登记", "Birth registration"),
    ("企业开办", "企业开办一件事", "Opening an enterprise"),
    (
        "驾驶证换证",
        "机动车驾驶证期满换证",
        "Driving licence renewal",
    ),
];

/// A service of the public site, if there is one of the name.
pub(crate) fn item(name: &str) -> Option<(&'static str, &'static str)> {
    ITEMS
        .iter()
        .find(|(n, _, _)| *n == name)
        .map(|(_, title, english)| (*title, *english))
}

/// Text as it can stand in HTML.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

fn document(title: &str, main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head><meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"stylesheet\" href=\"/static/site.css\"></head>\n<body>\n{main}\n\
         <footer>示例站点，所有人与数据均为虚构 · A sample site; everybody in it is made up</footer>\n</body>\n</html>\n"
    )
}

/// The home page.
pub(crate) fn home() -> String {
    let list = items(|_| true);
    document(
        "一网通办",
        &format!(
            "<header><h1>一网通办 <small>Public services</small></h1></header>\n<main>\n\
             <form action=\"/search\"><label>查找服务 · Find a service <input name=\"q\"></label>\
             <button>查找 · Find</button></form>\n{list}\n</main>"
        ),
    )
}

fn items(wanted: impl Fn(&str) -> bool) -> String {
    let mut list = "<ul class=\"items\">".to_owned();
    for (name, title, english) in ITEMS
        .iter()
        .filter(|(_, title, english)| wanted(&format!("{title}{english}")))
    {
        // Writing to a string cannot fail.
        let _written = write!(
            list,
            "\n<li><a href=\"/办事/{name}\">{title}</a><br>{english}</li>"
        );
    }
    list.push_str("\n</ul>");
    list
}

/// What was found.
pub(crate) fn found(query: &str) -> String {
    let wanted = query.trim().to_lowercase();
    let list = items(|text| text.to_lowercase().contains(&wanted));
    let query = escaped(query);
    document(
        "查找结果",
        &format!(
            "<header><h1>查找结果 <small>Results for “{query}”</small></h1></header>\n<main>\n{list}\n</main>"
        ),
    )
}

/// The form of a service.
pub(crate) fn form(name: &str, title: &str, english: &str) -> String {
    let name = escaped(name);
    document(
        title,
        &format!(
            "<header><h1>{title} <small>{english}</small></h1></header>\n<main>\n\
             <form method=\"post\" action=\"/办事/{name}/提交\">\n\
             <label>姓名 · Name <input name=\"name\" autocomplete=\"name\" required></label>\n\
             <label>公民身份号码 · Resident ID <input name=\"resident_id\" required></label>\n\
             <label>手机号 · Mobile <input name=\"mobile\" inputmode=\"tel\" required></label>\n\
             <button>提交 · Submit</button></form>\n</main>"
        ),
    )
}

/// Where an application was received.
pub(crate) fn receipt(title: &str, number: &str) -> String {
    document(
        "已受理",
        &format!(
            "<header><h1>已受理 <small>Received</small></h1></header>\n<main><p>{title}：受理号 <b>{number}</b></p></main>"
        ),
    )
}

/// The staff system's front page.
pub(crate) fn staff() -> String {
    document(
        "人事管理",
        "<header><h1>人事管理 <small>Personnel</small></h1></header>\n<main>\n\
         <p><a href=\"/people/1\">人员档案 · Records</a></p>\n</main>",
    )
}

/// A person's record, as staff see it.
pub(crate) fn record(person: &Person) -> String {
    let mut rows = String::new();
    for (label, value) in [
        ("姓名", &person.name),
        ("出生日期", &person.birthday),
        ("公民身份号码", &person.resident_id),
        ("手机号", &person.mobile),
        ("电子邮箱", &person.email),
        ("住址", &person.address),
        ("银行卡号", &person.bank_card),
        ("工作单位", &person.employer),
    ] {
        let _written = writeln!(
            rows,
            "<tr><th scope=\"row\">{label}</th><td>{}</td></tr>",
            escaped(value)
        );
    }
    document(
        "人员档案",
        &format!(
            "<header><h1>人员档案 <small>Record {}</small></h1></header>\n<main><table>\n{rows}</table></main>",
            person.id
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_searched_for_cannot_become_markup() {
        let page = found("<script>alert('x')</script>\"&");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
        assert!(!page.contains("<script"));
    }

    #[test]
    fn a_search_lists_what_fits_and_nothing_else() {
        let page = found("FUND");
        assert!(
            page.contains("住房公积金提取") && !page.contains("居民身份证补领"),
            "{page}"
        );
    }
}
