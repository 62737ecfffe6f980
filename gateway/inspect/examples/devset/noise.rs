//! What programs send that no person wrote: ciphertext, digests, packed bytes, passwords, and the cookies of trackers.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::dice::Dice;
use super::wire::{Request, component, form_value, multipart};

/// Printable characters by chance, as passwords and the output of ascii85 are.
fn printable(dice: &mut Dice, length: usize) -> String {
    (0..length)
        .map(|_| char::from(b'!' + dice.roll(94) as u8))
        .collect()
}

/// Bytes packed five characters to four, with the alphabet of ascii85 or of Z85.
fn eighty_five(dice: &mut Dice, length: usize) -> String {
    const Z85: &[u8] =
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let z = dice.percent(50);
    (0..length)
        .map(|_| {
            if z {
                char::from(Z85[dice.roll(85)])
            } else {
                char::from(b'!' + dice.roll(85) as u8)
            }
        })
        .collect()
}

/// Percent-encodes as loosely as some clients do: what a browser leaves as it is stays.
fn loose(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&b| match b {
            b'%'
            | b'&'
            | b'#'
            | b'+'
            | b' '
            | b'='
            | b'"'
            | b'<'
            | b'>'
            | b'\\'
            | b'^'
            | b'`'
            | b'{'
            | b'|'
            | b'}'
            | 0..=32
            | 127.. => format!("%{b:02X}"),
            b => char::from(b).to_string(),
        })
        .collect()
}

/// Writes one request of this kind.
pub fn request(dice: &mut Dice) -> Request {
    let short = dice.between(8, 40);
    let long = dice.between(40, 1200);
    match dice.roll(18) {
        0 => {
            let body = format!(
                "username=u{}&password={}&captcha={}",
                dice.digits(4),
                form_value(printable(dice, short).as_bytes()),
                dice.token(4)
            );
            Request::new("POST", "/login", dice)
                .with_body("application/x-www-form-urlencoded", body)
        }
        1 => {
            let body = json!({"account":format!("a{}@example.com", dice.digits(3)),"password":printable(dice, short),"salt":printable(dice, 16)});
            Request::new("POST", "/api/login", dice).with_body("application/json", body.to_string())
        }
        2 => {
            let text = eighty_five(dice, long);
            let media = *dice.one(&[
                "text/plain",
                "application/octet-stream",
                "text/plain;charset=UTF-8",
            ]);
            Request::new("POST", "/sync", dice).with_body(media, text)
        }
        3 => {
            let text = eighty_five(dice, long);
            Request::new("POST", "/gw", dice).with_body(
                "application/x-www-form-urlencoded",
                format!("v=2&payload={}", component(text.as_bytes())),
            )
        }
        4 => {
            let text = eighty_five(dice, long.min(300));
            Request::new(
                "GET",
                format!("/t.gif?d={}&r={}", loose(text.as_bytes()), dice.digits(6)),
                dice,
            )
        }
        5 => {
            // Digests as they are, as trackers of torrents and licence servers take them.
            let hash: String = dice
                .bytes(20)
                .iter()
                .map(|b| {
                    if b.is_ascii_alphanumeric() {
                        char::from(*b).to_string()
                    } else {
                        format!("%{b:02x}")
                    }
                })
                .collect();
            let id: String = dice.bytes(12).iter().map(|b| format!("%{b:02X}")).collect();
            Request::new(
                "GET",
                format!(
                    "/announce?info_hash={hash}&peer_id=-UT3550-{id}&port=51413&uploaded=0&compact=1"
                ),
                dice,
            )
        }
        6 => {
            let bytes = dice.bytes(long);
            let media = *dice.one(&[
                "text/plain",
                "application/x-www-form-urlencoded",
                "application/octet-stream",
                "application/x-protobuf",
                "binary/octet-stream",
                "application/x-gzip",
                "multipart/form-data-encoded",
                "application/grpc-web+proto",
            ]);
            Request::new("POST", "/report", dice).with_body(media, bytes)
        }
        7 => {
            let bytes = dice.bytes(long);
            let body = STANDARD.encode(bytes);
            let media = *dice.one(&[
                "text/plain",
                "application/x-www-form-urlencoded",
                "application/json",
                "text/plain;charset=utf-8",
            ]);
            Request::new("POST", "/c", dice).with_body(media, body)
        }
        8 => {
            let mut request = Request::new(
                "GET",
                format!("/p/{}", URL_SAFE_NO_PAD.encode(dice.bytes(80))),
                dice,
            );
            request.header("Cookie", trackers(dice));
            request
        }
        9 => {
            let mut request = Request::new("GET", "/", dice);
            request.header(
                "Cookie",
                format!(
                    "{}; t={}",
                    trackers(dice),
                    printable(dice, long.min(200)).replace([';', ',', '"', '\\', ' '], "_")
                ),
            );
            request
        }
        10 => {
            let mut request = Request::new("POST", "/v1/metrics", dice).with_body("application/json", json!({"k":eighty_five(dice, short),"iv":printable(dice, 12),"ct":eighty_five(dice, long),"n":dice.digits(9)}).to_string());
            request.header("X-Signature", eighty_five(dice, 40));
            request
        }
        11 => {
            let boundary = format!("----{}", dice.token(20));
            let (secret, blob) = (printable(dice, short), dice.bytes(long));
            let body = multipart(
                &boundary,
                &[
                    ("password", None, "", secret.as_bytes()),
                    ("data", Some("blob"), "application/octet-stream", &blob),
                    ("raw", None, "", &blob),
                ],
            );
            Request::new("POST", "/save", dice)
                .with_body(&format!("multipart/form-data; boundary={boundary}"), body)
        }
        12 => {
            // A request for the state of a certificate is base64 in the path.
            let text = STANDARD.encode(dice.bytes(75));
            let path = if dice.percent(50) {
                component(text.as_bytes())
            } else {
                text
            };
            let mut request = Request::new("GET", format!("/MFYwVKADAgEAME0wSzBJ{path}"), dice);
            request.header("User-Agent", "Microsoft-CryptoAPI/10.0");
            request
        }
        13 => {
            let body = [&0x1f8b_0800_u32.to_be_bytes()[..], &dice.bytes(long)].concat();
            Request::new("POST", "/app_log", dice)
                .with_body("application/octet-stream;tt-data=a", body)
        }
        14 => {
            let query = (0..dice.between(4, 25))
                .map(|_| {
                    let (n, v) = (dice.between(1, 6), dice.between(0, 30));
                    format!("{}={}", dice.token(n), loose(printable(dice, v).as_bytes()))
                })
                .collect::<Vec<_>>()
                .join("&");
            Request::new("GET", format!("/a?{query}"), dice)
        }
        15 => {
            let text = component(printable(dice, long.min(400)).as_bytes());
            Request::new("GET", format!("/search?q={text}"), dice)
        }
        16 => {
            let pairs: serde_json::Map<_, _> = (0..dice.between(2, 30))
                .map(|_| {
                    let (n, v) = (dice.between(1, 8), dice.between(0, 60));
                    (dice.token(n), json!(printable(dice, v)))
                })
                .collect();
            Request::new("POST", "/kv", dice)
                .with_body("application/json", json!(pairs).to_string())
        }
        _ => {
            let xml: String = (0..dice.between(1, 6))
                .map(|_| {
                    let v = dice.between(4, 60);
                    format!(
                        "<v><![CDATA[{}]]></v>",
                        printable(dice, v).replace("]]>", "")
                    )
                })
                .collect();
            Request::new("POST", "/soap", dice)
                .with_body("text/xml", format!("<?xml version=\"1.0\"?><r>{xml}</r>"))
        }
    }
}

/// Cookies of advertisers, of analysts and of frameworks.
pub fn trackers(dice: &mut Dice) -> String {
    let d = |dice: &mut Dice, n| dice.digits(n);
    let jar: [String; 30] = [
        format!(
            "AMCV_{}%40AdobeOrg=1585540135%7CMCIDTS%7C{}%7CMCMID%7C{}%7CMCAAMLH-{}%7C9%7CMCOPTOUT-{}s%7CNONE%7CvVersion%7C4.4.0",
            dice.hex(24),
            d(dice, 5),
            d(dice, 38),
            d(dice, 10),
            d(dice, 10)
        ),
        format!(
            "mbox=PC#{}-{}.28_0#{}|session#{}#{}",
            d(dice, 13),
            d(dice, 6),
            d(dice, 10),
            dice.hex(32),
            d(dice, 10)
        ),
        format!(
            "utag_main=v_id:{}$_sn:3$_ss:0$_st:{}$ses_id:{}%3Bexp-session$_pn:2%3Bexp-session$vapi_domain:example.com",
            dice.hex(32),
            d(dice, 13),
            d(dice, 13)
        ),
        format!(
            "__gads=ID={}-{}:T={}:RT={}:S=ALNI_{}",
            dice.hex(16),
            dice.hex(12),
            d(dice, 10),
            d(dice, 10),
            dice.token(26)
        ),
        format!(
            "s_sq=%5B%5BB%5D%5D; s_cc=true; s_ppv=%5B%5BB%5D%5D; gpv_pn=home%20%7C%20{}",
            d(dice, 2)
        ),
        format!(
            "_gcl_au=1.1.{}.{}; _fbp=fb.1.{}.{}; _uetvid={}",
            d(dice, 9),
            d(dice, 10),
            d(dice, 13),
            d(dice, 10),
            dice.hex(32)
        ),
        format!(
            "BIDUPSID={}; PSTM={}; BAIDUID={}:FG=1; H_PS_PSSID=1_{}_2; BDORZ=FFFB88E999055A3F8A630C64834BD6D0; delPer=0; BA_HECTOR={}",
            dice.hex(32),
            d(dice, 10),
            dice.hex(32),
            d(dice, 5),
            dice.hex(20)
        ),
        format!(
            "_uab_collina={}; tfstk={}..; isg={}; cna={}",
            d(dice, 24),
            dice.token(60),
            dice.token(40),
            dice.token(22)
        ),
        format!(
            "pgv_pvid={}; ptui_loginuin={}; RK={}; ptcz={}; uin=o{}; skey=@{}",
            d(dice, 10),
            d(dice, 9),
            dice.token(10),
            dice.hex(64),
            d(dice, 9),
            dice.token(9)
        ),
        format!(
            "CNZZDATA{}={}-{}-https%253A%252F%252Fwww.baidu.com%252F%7C{}",
            d(dice, 10),
            d(dice, 9),
            d(dice, 10),
            d(dice, 10)
        ),
        format!(
            "zg_did=%7B%22did%22%3A%20%22{}%22%7D; zg_{}=%7B%22sid%22%3A%20{}%2C%22updated%22%3A%20{}%7D",
            dice.hex(40),
            dice.hex(32),
            d(dice, 13),
            d(dice, 13)
        ),
        format!(
            "ajs_user_id=%22{}%22; ajs_anonymous_id=%22{}%22; intercom-id-{}={}",
            d(dice, 6),
            dice.hex(32),
            dice.token(8),
            dice.hex(32)
        ),
        format!(
            "XSRF-TOKEN={}; laravel_session={}%3D",
            URL_SAFE_NO_PAD.encode(format!(
                "{{\"iv\":\"{}\",\"value\":\"{}\",\"mac\":\"{}\"}}",
                STANDARD.encode(dice.bytes(16)),
                STANDARD.encode(dice.bytes(64)),
                dice.hex(64)
            )),
            URL_SAFE_NO_PAD.encode(dice.bytes(120))
        ),
        format!(
            "ci_session=a%3A5%3A%7Bs%3A10%3A%22session_id%22%3Bs%3A32%3A%22{}%22%3Bs%3A10%3A%22ip_address%22%3Bs%3A9%3A%22192.0.2.1%22%3Bs%3A10%3A%22user_agent%22%3Bs%3A11%3A%22Mozilla/5.0%22%3B%7D{}",
            dice.hex(32),
            dice.hex(32)
        ),
        format!(
            "connect.sid=s%3A{}.{}",
            dice.token(32),
            component(STANDARD.encode(dice.bytes(32)).as_bytes())
        ),
        format!(
            "ASP.NET_SessionId={}; .ASPXAUTH={}",
            dice.token(24),
            dice.hex(160)
        ),
        format!(
            "wordpress_logged_in_{}=admin%7C{}%7C{}%7C{}; wp-settings-1=editor%3Dtinymce%26hidetb%3D1",
            dice.hex(32),
            d(dice, 10),
            dice.token(43),
            dice.hex(64)
        ),
        format!(
            "TS01{}={}; BIGipServer~pool=!{}=; f5_cspm=1234",
            dice.hex(6),
            dice.hex(120),
            STANDARD.encode(dice.bytes(60))
        ),
        format!(
            "incap_ses_{}_{}={}==; visid_incap_{}={}",
            d(dice, 3),
            d(dice, 6),
            STANDARD.encode(dice.bytes(40)).trim_end_matches('='),
            d(dice, 6),
            STANDARD.encode(dice.bytes(60))
        ),
        format!(
            "_abck={}~0~{}~-1~-1; bm_sz={}~YAAQ{}~{}~{}; ak_bmsc={}~000000000000000000000000000000~YAAQ{}",
            dice.hex(32),
            STANDARD.encode(dice.bytes(90)),
            dice.hex(32),
            STANDARD.encode(dice.bytes(60)),
            d(dice, 7),
            d(dice, 7),
            dice.hex(32),
            STANDARD.encode(dice.bytes(60))
        ),
        format!(
            "_dd_s=rum=2&id={}&created={}&expire={}; amplitude_id_{}={}",
            dice.hex(32),
            d(dice, 13),
            d(dice, 13),
            dice.hex(32),
            STANDARD
                .encode(json!({"deviceId":dice.hex(32),"userId":null,"optOut":false}).to_string())
        ),
        format!(
            "RT=\"z=1&dm=example.com&si={}&ss={}&sl=3&tt=5ak&bcn=%2F%2Fb.example.net%2F&ld=1x&nu={}&cl=2y\"",
            dice.hex(32),
            dice.token(6),
            dice.hex(32)
        ),
        format!(
            "euconsent-v2=CP{}.YAAAAAAAAAAA; addtl_consent=1~39.4.3.9.6.9.13.6.4.15.9.5.2.7.4.1.7.1.3.2.10.3.5.4.21.4.6.9.7.10.2.9",
            dice.token(60)
        ),
        format!(
            "visitor={{\"id\":\"{}\",\"n\":3,\"src\":\"(direct)\"}}",
            dice.hex(16)
        ),
        format!(
            "hist=[\"/a?b=1\",\"/c#d\",\"/e;f=g\"]; last_q=\"it's {}\"",
            d(dice, 2)
        ),
        format!(
            "Hm_lpvt_{}={}; Hm_up_{}=%7B%22uid_%22%3A%7B%22value%22%3A%22{}%22%2C%22scope%22%3A1%7D%7D",
            dice.hex(32),
            d(dice, 10),
            dice.hex(32),
            d(dice, 5)
        ),
        format!(
            "__utma={}.{}.1.1.1.1; __utmz={}.{}.1.1.utmcsr=google|utmccn=(organic)|utmcmd=organic|utmctr=(not%20provided)",
            d(dice, 8),
            d(dice, 10),
            d(dice, 8),
            d(dice, 10)
        ),
        format!(
            "_hjSessionUser_{}={}; _clck={}|2|f{}|0|1234; _clsk={}|{}|3|1|u.clarity.ms/collect",
            d(dice, 6),
            STANDARD.encode(
                json!({"id":dice.hex(32),"created":1_700_000_000_000_u64,"existing":true})
                    .to_string()
            ),
            dice.token(7),
            dice.token(2),
            dice.token(7),
            d(dice, 13)
        ),
        format!(
            "SUB=_2A{}; SUBP=0033WrSXqPxfM725Ws9jqgMF55529P9D9W{}NHD95QNS0-{}; ALF={}; SSOLoginState={}",
            dice.token(70),
            dice.token(20),
            dice.token(20),
            d(dice, 10),
            d(dice, 10)
        ),
        format!(
            "GUC=AQE{}&s={}&g={}; A3=d={}&S={}; cmp=t={}&j=0&u=1---",
            dice.token(20),
            dice.token(8),
            dice.token(10),
            dice.token(20),
            dice.token(20),
            d(dice, 10)
        ),
    ];
    let count = dice.between(2, 8);
    (0..count)
        .map(|_| dice.one(&jar).clone())
        .collect::<Vec<_>>()
        .join("; ")
}
