//! Programs by how they ask: by the name that they give themselves, and by headers that no browser leaves out or sends
//! in that order. Ordinary programs do so, too: what is found is told and never counts.

use super::Match;
use crate::rules;
use crate::text::find;

/// How ordinary programs and libraries begin `User-Agent`, lower case.
const CLIENTS: [&[u8]; 36] = [
    b"aiohttp/",
    b"apache-httpclient/",
    b"apachebench/",
    b"axios/",
    b"curl/",
    b"dart/",
    b"faraday ",
    b"fasthttp",
    b"go-http-client/",
    b"go-resty/",
    b"got (",
    b"grpc-",
    b"guzzlehttp/",
    b"httpie/",
    b"hyper/",
    b"insomnia/",
    b"jakarta commons-httpclient/",
    b"java-http-client/",
    b"java/",
    b"k6/",
    b"libcurl",
    b"libwww-perl/",
    b"lwp::simple/",
    b"node",
    b"okhttp/",
    b"php/",
    b"postmanruntime/",
    b"python-httpx/",
    b"python-requests/",
    b"python-urllib",
    b"python/",
    b"reqwest/",
    b"restsharp/",
    b"ruby",
    b"undici",
    b"wget/",
];
/// Browsers that programs drive, and harvesters of pages, wherever they are named.
const DRIVEN: [&[u8]; 12] = [
    b"headlesschrome",
    b"phantomjs",
    b"slimerjs",
    b"puppeteer",
    b"playwright",
    b"selenium",
    b"htmlunit",
    b"httrack",
    b"scrapy",
    b"colly",
    b"mechanize",
    b"jsdom",
];
/// What browsers of the desktop have in their names; those of telephones stand inside applications that send what
/// they please.
const BROWSERS: [&[u8]; 2] = [b" firefox/", b" chrome/"];
const OTHERS: [&[u8]; 8] = [
    b"compatible;",
    b"bot",
    b"spider",
    b"crawler",
    b"mobile",
    b"micromessenger",
    b"electron/",
    b"android",
];

/// Says what the headers of a request tell of the program that sent it: the rule, and where in `User-Agent`.
pub(crate) fn judge(headers: &[(&str, &[u8])]) -> Option<Match> {
    let place = |wanted: &str| headers.iter().position(|(name, _)| *name == wanted);
    let agent = headers.get(place("user-agent")?)?.1.to_ascii_lowercase();
    let whole = agent.len();
    if !agent.starts_with(b"mozilla/") {
        return CLIENTS
            .iter()
            .find(|name| agent.starts_with(name))
            .map(|name| (&rules::AUTOMATION_CLIENT, 0, name.len()))
            .or_else(|| driven(&agent));
    }
    if let Some(found) = driven(&agent) {
        return Some(found);
    }
    let names = |list: &[&[u8]]| list.iter().any(|name| find(&agent, 0, name).is_some());
    // A handshake for WebSocket takes nothing, and what passes a proxy may have lost its encodings.
    if !names(&BROWSERS) || names(&OTHERS) || place("upgrade").is_some() {
        return None;
    }
    let (Some(accept), Some(_)) = (place("accept"), place("accept-language")) else {
        return Some((&rules::AUTOMATION_DISGUISE, 0, whole));
    };
    place("accept-encoding")
        .is_some_and(|encoding| encoding < accept)
        .then_some((&rules::AUTOMATION_DISGUISE, 0, whole))
}

fn driven(agent: &[u8]) -> Option<Match> {
    DRIVEN.iter().find_map(|name| {
        let at = find(agent, 0, name)?;
        Some((&rules::AUTOMATION_BROWSER, at, at + name.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspector::{Head, Inspector, Sensitivity, Settings};

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

    fn told(names: &[&str], agent: &str) -> Option<&'static str> {
        let headers: Vec<(&str, &[u8])> = names
            .iter()
            .map(|name| match *name {
                "user-agent" => ("user-agent", agent.as_bytes()),
                name => (name, &b"x"[..]),
            })
            .collect();
        judge(&headers).map(|(rule, from, to)| {
            assert!(from < to && to <= agent.len());
            rule.id.as_str()
        })
    }

    #[test]
    fn programs_are_told_by_the_name_they_give() {
        for (agent, rule) in [
            ("curl/8.5.0", "automation-client"),
            ("Python-urllib/3.11", "automation-client"),
            ("Wget/1.21", "automation-client"),
            ("okhttp/4.12.0", "automation-client"),
            ("Scrapy/2.11 (+https://scrapy.org)", "automation-browser"),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
                "automation-browser",
            ),
        ] {
            assert_eq!(told(&["host", "user-agent"], agent), Some(rule), "{agent}");
        }
        assert_eq!(told(&["host"], ""), None);
        assert_eq!(told(&["user-agent"], "省政务服务/3.2 (iPhone)"), None);
    }

    #[test]
    fn what_calls_itself_a_browser_and_asks_like_none_is_told() {
        let firefox = [
            "host",
            "user-agent",
            "accept",
            "accept-language",
            "accept-encoding",
        ];
        let chrome = [
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "accept-language",
        ];
        assert_eq!(told(&firefox, FIREFOX), None);
        assert_eq!(told(&chrome, CHROME), None);
        // A proxy took the encodings away; a handshake takes no type.
        assert_eq!(
            told(&["user-agent", "accept", "accept-language"], CHROME),
            None
        );
        assert_eq!(
            told(&["user-agent", "upgrade", "accept-language"], CHROME),
            None
        );
        let disguise = Some("automation-disguise");
        assert_eq!(told(&["host", "user-agent"], CHROME), disguise);
        assert_eq!(told(&["user-agent", "accept"], FIREFOX), disguise);
        let copied = ["user-agent", "accept-encoding", "accept", "accept-language"];
        assert_eq!(told(&copied, FIREFOX), disguise);
        // Applications with a browser inside, and crawlers that say what they are, send what they please.
        for agent in [
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile MicroMessenger/8.0",
            "Mozilla/5.0 AppleWebKit/537.36 (compatible; Googlebot/2.1) Chrome/126.0",
        ] {
            assert_eq!(told(&["user-agent"], agent), None, "{agent}");
        }
    }

    #[test]
    fn a_program_is_told_of_and_never_refused_for_being_one() {
        for sensitivity in [Sensitivity::Default, Sensitivity::Strict] {
            let settings = Settings {
                sensitivity,
                ..Settings::default()
            };
            for agent in ["curl/8.5.0", CHROME, "Scrapy/2.11"] {
                let verdict = Inspector::new(settings.clone()).head(&Head {
                    method: "GET",
                    target_path: b"/",
                    query: None,
                    headers: &[("user-agent", agent.as_bytes())],
                });
                assert!(verdict.findings.iter().all(|finding| finding.observed));
                assert_eq!((verdict.findings.len(), verdict.score), (1, 0), "{agent}");
                assert!(!verdict.blocks(0));
            }
        }
    }
}
