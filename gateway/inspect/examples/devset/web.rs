//! What well-known programs and services send: payment callbacks, sign-on, property lists, maps, queries of their own
//! languages, reports of browsers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::noise::trackers;
use super::ordinary::{Writer, escape};
use super::wire::{Request, component, form_value, multipart};

/// User agents beyond those of browsers.
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Go-http-client/1.1",
    "WeChat/8.0.49.33 CFNetwork/1494.0.7 Darwin/23.4.0",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; SLCC2; .NET CLR 2.0.50727; .NET4.0C; .NET4.0E; InfoPath.3; rv:11.0) like Gecko",
    "Mozilla/5.0 (Linux; U; Android 8.1.0; zh-CN; EML-AL00 Build/HUAWEIEML-AL00) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/57.0.2987.108 UCBrowser/11.9.4.974 UWS/2.13.1.48 Mobile Safari/537.36 AliApp(DingTalk/4.5.11) com.alibaba.android.rimet/10487439 Channel/227200 language/zh-CN",
    "git/2.43.0 (Apple Git-146)",
    "Microsoft-Delivery-Optimization/10.0",
    "iTunes/12.12 (Macintosh; OS X 14.4) AppleWebKit/7618.1.15.14.9",
    "ServiceNow/1.0; Java/11.0.22; curl-compatible",
    "Dalvik/2.1.0 (Linux; U; Android 13; V2156A Build/TP1A.220624.014); imei=86; net=WIFI; sdk=33",
    "MQQBrowser/26 Mozilla/5.0 (Linux; U; Android 2.3.7; zh-cn; MB200 Build/GRJ22; CyanogenMod-7) AppleWebKit/533.1",
    "PostmanRuntime/7.37.3",
    "Prometheus/2.51.0",
    "kube-probe/1.29",
    "Wget/1.21.4",
    "axios/1.7.2",
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/538.1 (KHTML, like Gecko) Version/6.0 TV Safari/538.1",
    "AppleCoreMedia/1.0.0.21E236 (iPhone; U; CPU OS 17_4_1 like Mac OS X; zh_cn)",
    "com.apple.WebKit.Networking/8618.1.15 CFNetwork/1494 Darwin/23.4.0 exec/1",
];

/// Queries in languages that portals and tools let people write.
const QUERIES: &[&str] = &[
    "name='Shanghai' AND population>1000000",
    "status = 'open' and (owner = 3 or owner = 5)",
    "title:(\"rust\" OR \"go\") AND -draft:true",
    "sum(rate(http_requests_total{job=\"api\",code=~\"5..\"}[5m])) by (instance) / 100 > 0.5",
    "histogram_quantile(0.99, sum(rate(x_bucket[5m])) by (le))",
    "{app=\"web\"} |= \"error\" | json | line_format \"{{.msg}}\"",
    "index=main sourcetype=access_combined status>=500 | stats count by host | sort -count",
    "_exists_:user AND NOT level:(debug OR info)",
    "assignee = currentUser() AND resolution = Unresolved order by updated DESC",
    "(&(objectCategory=person)(sAMAccountName=zhang*))",
    "from:me to:li has:attachment after:2024/01/01 \"final report\"",
    "$filter=contains(Name,'O''Neil') and Price gt 5 or Rating eq null",
    "startswith(displayName,'张') or endswith(mail,'example.cn')",
    "price >= 10 && price <= 20 || tags in ['a','b']",
    "user.name == 'x' ? 1 : 0",
    "SUM(A1:A10)/COUNT(B:B)",
    "=VLOOKUP(A2,'Sheet 2'!$A$1:$C$100,3,FALSE)",
    "=IFERROR(INDEX(B:B,MATCH(1,(A:A=\"x\")*(C:C>0),0)),\"\")",
    "author:\"O'Reilly\" language:en pages:[100 TO *]",
    "xpath=//div[@id='main']//a[contains(@href,'news')]",
    "div.content > ul li:nth-child(2n+1) a[href^='http']",
    "^(?=.*[a-z])(?=.*\\d)[A-Za-z\\d@$!%*?&]{8,}$",
    "(?i)\\b(select|union|drop)\\b",
    "lat>39.9;lng<116.4;type=school|hospital",
    "a=1;b=2;c=3",
    "tag:a tag:b -tag:c",
    "x -> y; y -> z [label=\"a & b\"];",
    "f(x)=sin(x)^2+cos(x)^2; g(x)=|x-1|",
    "\\frac{a}{b} + \\sqrt{x^2+y^2} \\leq \\sum_{i=0}^{n} i",
    "$E=mc^2$ and $$\\int_0^\\infty e^{-x^2}dx=\\frac{\\sqrt{\\pi}}{2}$$",
    "C₆H₁₂O₆ + 6O₂ → 6CO₂ + 6H₂O; ΔH<0",
    "rgb(255,0,0);font-size:12px",
    "M0,0 L10,10 C20,20 30,30 40,40 Z",
    "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20241231T000000Z",
    "0 0/5 * * * ?",
    "key1=value1|key2=value2||key3=",
    "1,2,3-5,!7",
    "*.js,*.css,!node_modules/**",
    "https://example.com/a?b=c&d=e#f;g=h",
    "S(a)&(b|c)&!d",
];

/// Messages of scripts that failed, as browsers report them.
const ERRORS: &[&str] = &[
    "Uncaught TypeError: Cannot read properties of undefined (reading 'length')",
    "Uncaught SyntaxError: Unexpected token '<'",
    "ReferenceError: WeixinJSBridge is not defined",
    "Script error.",
    "ResizeObserver loop limit exceeded",
    "Uncaught (in promise) Error: Request failed with status code 500",
    "Error: Loading chunk 12 failed.\n(error: https://cdn.example.com/js/12.3f2a.js)",
    "TypeError: undefined is not an object (evaluating 'window.webkit.messageHandlers')",
    "TypeError: null is not an object (evaluating 'document.getElementById(\"x\").style')",
    "Failed to execute 'insertBefore' on 'Node': parameter 1 is not of type 'Node'.",
    "SecurityError: Failed to read the 'localStorage' property from 'Window': Access is denied for this document.",
    "Minified React error #418; visit https://reactjs.org/docs/error-decoder.html?invariant=418&args[]= for the full message",
];

/// Writes one request of this kind.
pub fn request(writer: &mut Writer) -> Request {
    let prose = writer.prose();
    let chinese = writer.chinese_text();
    let query = writer.dice.pick(QUERIES);
    let error = writer.dice.pick(ERRORS);
    let dice = &mut writer.dice;
    let number = dice.digits(10);
    let mut request = match dice.roll(26) {
        0 => {
            let body = format!("<xml><appid><![CDATA[wx{}]]></appid><attach><![CDATA[{chinese}]]></attach><bank_type><![CDATA[ICBC_DEBIT]]></bank_type><nonce_str><![CDATA[{}]]></nonce_str><openid><![CDATA[o{}]]></openid><sign><![CDATA[{}]]></sign><total_fee>1</total_fee></xml>", dice.hex(16), dice.token(32), dice.token(27), dice.hex(32));
            Request::new("POST", "/pay/wechat/notify", dice).with_body("text/xml", body)
        }
        1 => {
            let body = format!("gmt_create=2024-05-06+12%3A00%3A00&charset=utf-8&subject={}&sign={}&buyer_pay_amount=0.01&passback_params=a%253D1%2526b%253D2&fund_bill_list=%5B%7B%22amount%22%3A%220.01%22%2C%22fundChannel%22%3A%22ALIPAYACCOUNT%22%7D%5D&sign_type=RSA2", form_value(chinese.as_bytes()), component(STANDARD.encode(dice.bytes(256)).as_bytes()));
            Request::new("POST", "/pay/alipay/notify", dice).with_body("application/x-www-form-urlencoded; charset=utf-8", body)
        }
        2 => {
            let xml = format!("<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_{}\"><saml:Issuer>https://idp.example.com</saml:Issuer><ds:Signature><ds:SignatureValue>{}</ds:SignatureValue></ds:Signature><saml:AttributeValue xsi:type=\"xs:string\">{}</saml:AttributeValue></samlp:Response>", dice.hex(32), STANDARD.encode(dice.bytes(256)), chinese);
            Request::new("POST", "/saml/acs", dice).with_body("application/x-www-form-urlencoded", format!("SAMLResponse={}&RelayState={}", component(STANDARD.encode(xml).as_bytes()), component(b"https://app.example.com/#/home?a=1&b=2")))
        }
        3 => Request::new("GET", format!("/authorize?client_id={}&redirect_uri={}&response_type=code&scope=openid+offline_access&state={}&nonce={}&claims={}&prompt=login&code_challenge={}", dice.hex(32), component(format!("https://app.example.com/callback?next=%2Fa%3Fb%3D1&x={number}").as_bytes()), component(STANDARD.encode(json!({"csrf":dice.hex(16),"returnTo":"/a?b=1&c='d'"}).to_string()).as_bytes()), dice.token(22), component(b"{\"id_token\":{\"acr\":{\"values\":[\"urn:a\"]}}}"), dice.token(43)), dice),
        4 => {
            let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\"><dict><key>UDID</key><string>{}</string><key>name</key><string>{}</string></dict></plist>", dice.hex(40), escape(&prose));
            let media = *dice.one(&["application/x-apple-plist", "text/xml", "application/xml"]);
            Request::new("PUT", "/mdm/checkin", dice).with_body(media, body)
        }
        5 => {
            let body = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n<svg version=\"1.1\" xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" x=\"0px\" y=\"0px\" viewBox=\"0 0 512 512\" style=\"enable-background:new 0 0 512 512;\" xml:space=\"preserve\"><style type=\"text/css\">.st0{{fill:#333;}}</style><text>{}</text></svg>", escape(&chinese));
            let boundary = dice.hex(24);
            let body = multipart(&boundary, &[("file", Some("icon.svg"), "image/svg+xml", body.as_bytes())]);
            Request::new("POST", "/icons", dice).with_body(&format!("multipart/form-data; boundary={boundary}"), body)
        }
        6 | 7 => Request::new("GET", format!("/api/search?query={}&start={number}&step=15", component(query.as_bytes())), dice),
        8 => Request::new("POST", "/api/query", dice).with_body("application/json", json!({"q":query,"filters":[{"key":"a","op":">=","value":"1"}],"note":chinese}).to_string()),
        9 => Request::new("GET", format!("/jserr.gif?msg={}&url={}&line=1&col={number}&stack={}", component(error.as_bytes()), component(b"https://www.example.com/a?b=1#c"), component(format!("{error}\n    at Object.<anonymous> (https://cdn.example.com/app.{number}.js:1:2345)\n    at n (eval at <anonymous> (https://cdn.example.com/v.js:2:3), <anonymous>:1:1)\n    at HTMLDivElement.onclick (https://www.example.com/:10:5)").as_bytes())), dice),
        10 => {
            let body = json!({"msg":error,"ua":"Mozilla/5.0","breadcrumbs":[{"type":"click","target":"<a href=\"javascript:;\" class=\"btn\" onclick=\"\">"},{"type":"xhr","url":"/api/a?b=1&c=2","body":"{\"x\":1}"},{"type":"console","args":[error]}],"component":"<App> <Layout> <Child :id=1>"});
            Request::new("POST", "/monitor/report", dice).with_body("text/plain;charset=UTF-8", body.to_string())
        }
        11 => {
            let body = json!([{"age":10,"body":{"blockedURL":"inline","disposition":"enforce","documentURL":"https://www.example.com/","effectiveDirective":"script-src-attr","lineNumber":1,"originalPolicy":"default-src 'none'; script-src 'self' 'unsafe-eval' 'nonce-abc' blob: data: https://*.example.com; style-src 'unsafe-inline'; img-src * data:;","sample":"javascript:void(0)"},"type":"csp-violation","url":"https://www.example.com/"}]);
            Request::new("POST", "/reports", dice).with_body("application/reports+json", body.to_string())
        }
        12 => {
            let body = json!({"version":3,"sources":["webpack:///./src/a.vue?1234","../node_modules/core-js/internals/a.js"],"names":["require","alert","document","cookie","eval"],"mappings":"AAAA,SAASA,EAAEC;AACT,CCDF;;ADEA","sourcesContent":["export default { methods: { a() { if (this.b && this.c || !d) { alert('x'); document.title = `${e}`; } } } }\n\nconst re = /<script[^>]*>/gi;\n"]});
            Request::new("PUT", "/releases/1/files/app.js.map", dice).with_body("application/json", body.to_string())
        }
        13 => {
            let body = "!function(e,t){\"object\"==typeof exports&&\"undefined\"!=typeof module?module.exports=t():e.x=t()}(this,function(){\"use strict\";var e=document.createElement(\"div\");e.innerHTML='<a onclick=\"f()\">x</a>';return window.setTimeout(function(){location.href=\"/a?b=\"+encodeURIComponent(document.cookie)},0),eval(\"1\"),e});\n//# sourceMappingURL=a.js.map\n".repeat(dice.between(1, 6));
            Request::new("PUT", format!("/assets/{number}.js"), dice).with_body("application/javascript", body)
        }
        14 => Request::new("GET", format!("/geoserver/wms?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&LAYERS=a:b,c:d&STYLES=&SRS=EPSG:4326&BBOX=116.1,39.8,116.5,40.1&CQL_FILTER={}&SLD_BODY={}", component(query.as_bytes()), component(b"<StyledLayerDescriptor version=\"1.0.0\"><NamedLayer><Name>a:b</Name></NamedLayer></StyledLayerDescriptor>")), dice),
        15 => {
            let body = format!("<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://www.w3.org/2005/08/addressing\" xmlns:u=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\"><s:Header><a:Action s:mustUnderstand=\"1\">http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService/SyncUpdates</a:Action><a:MessageID>urn:uuid:{}</a:MessageID></s:Header><s:Body><SyncUpdates><deviceAttributes>E:BranchReadinessLevel=CB&amp;CurrentBranch=rs5&amp;ProcessorIdentifier=Intel64%20Family%206&amp;</deviceAttributes></SyncUpdates></s:Body></s:Envelope>", dice.hex(32));
            Request::new("POST", "/v6/ClientWebService/client.asmx", dice).with_body("application/soap+xml; charset=utf-8", body)
        }
        16 => {
            let body = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:{}\r\nDESCRIPTION:{}\\n\\nhttps://meet.example.com/j/{number}?pwd=a\\, b\\; c\r\nORGANIZER;CN=\"Zhang, San\":mailto:z@example.com\r\nX-ALT-DESC;FMTTYPE=text/html:<html><body><p>x</p></body></html>\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", chinese, prose.replace(['\r', '\n'], " "));
            Request::new("PUT", format!("/dav/calendars/u/{number}.ics"), dice).with_body("text/calendar; charset=utf-8", body)
        }
        17 => {
            let body = format!("0098want {} multi_ack_detailed no-done side-band-64k thin-pack ofs-delta deepen-since agent=git/2.43.0\n0032have {}\n0009done\n", dice.hex(40), dice.hex(40));
            Request::new("POST", "/group/repo.git/git-upload-pack", dice).with_body("application/x-git-upload-pack-request", body)
        }
        18 => Request::new("GET", "/group/repo.git/info/refs?service=git-upload-pack", dice),
        19 => {
            let body = json!({"input":[{"role":"user","content":[{"type":"input_text","text":format!("{prose}\n{query}")}]}],"tools":[{"type":"function","function":{"name":"exec","description":"Runs a command","parameters":{"type":"object","properties":{"cmd":{"type":"string"}}}}}],"model":"m"});
            Request::new("POST", "/v1/responses", dice).with_body("application/json", body.to_string())
        }
        20 => {
            let body = json!({"cells":[{"cell_type":"code","source":["import os\n","df = df[(df['a'] > 1) & (df.b == 'x') | df.c.isnull()]\n","!pip install -q pandas\n","print(f\"{x!r}\")"],"outputs":[{"data":{"text/html":["<table border=\"1\" class=\"dataframe\"><thead><tr style=\"text-align: right;\"><th></th></tr></thead></table>"]}}]},{"cell_type":"markdown","source":[chinese, "$\\alpha$ `a|b`"]}],"nbformat":4});
            Request::new("PUT", "/api/contents/a.ipynb", dice).with_body("application/json", body.to_string())
        }
        21 => {
            let body = format!("q=1&r={}&ref={}&title={}&kw={}", number, component(b"https://www.google.com/url?sa=t&url=https%3A%2F%2Fexample.com%2F%3Fq%3D%27a%27&usg=AOv"), form_value(prose.replace(['\r', '\n'], " ").as_bytes()), form_value(query.as_bytes()));
            Request::new("POST", "/stat", dice).with_body("application/x-www-form-urlencoded;charset=UTF-8", body)
        }
        22 => {
            let mut request = Request::new("GET", format!("/bid?imp={}&w=300&h=250&loc={}&fl=1&ct={}&macro=%24%7BCLICK_URL%7D&cb=[timestamp]&gdpr=${{GDPR}}", dice.hex(16), component(b"https://news.example.com/2024/05/06/a-b_c.html?utm_source=x&utm_medium=cpc&gclid=abc#top"), dice.token(30)), dice);
            request.header("Cookie", trackers(dice));
            request
        }
        23 => {
            let body = format!("__EVENTTARGET=ctl00%24Main%24btn&__EVENTARGUMENT=&__VIEWSTATE={}&__VIEWSTATEGENERATOR=CA0B0334&__EVENTVALIDATION={}&ctl00%24Main%24txt={}", component(format!("/wEPDwUKLTE2{}", STANDARD.encode(dice.bytes(600))).as_bytes()), component(STANDARD.encode(dice.bytes(90)).as_bytes()), form_value(prose.as_bytes()));
            Request::new("POST", "/Default.aspx", dice).with_body("application/x-www-form-urlencoded", body)
        }
        24 => {
            let body = format!("7|0|9|https://app.example.com/app/|{}|com.example.client.Service|save|java.lang.String/2004016611|java.util.ArrayList/4159755760|{}|java.util.Date/3385151746|x|1|2|3|4|2|5|6|7|6|1|5|9|", dice.hex(32), chinese.replace('|', "\\!"));
            Request::new("POST", "/app/service", dice).with_body("text/x-gwt-rpc; charset=utf-8", body)
        }
        _ => {
            let sheet = format!("姓名\t年龄\t公式\n张三\t30\t{query}\n{chinese}\t-\t=A1+B1\n");
            Request::new("POST", "/sheet/paste", dice).with_body("application/json", json!({"cells":sheet,"html":format!("<meta charset='utf-8'><google-sheets-html-origin><style type=\"text/css\"><!--td {{border: 1px solid #cccccc;}}--></style><table xmlns=\"http://www.w3.org/1999/xhtml\" cellspacing=\"0\" data-sheets-root=\"1\"><tr><td style=\"overflow:hidden;\" data-sheets-value=\"{{&quot;1&quot;:2}}\">{}</td></tr></table>", escape(&chinese))}).to_string())
        }
    };
    if writer.dice.percent(40) {
        let agent = writer.dice.pick(AGENTS);
        request.header("User-Agent", agent);
    }
    request
}
