//! All literals in one automaton: some are evidence by themselves, the others call a detector.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::Match;
use crate::rules::{self, Rule};
use crate::text::{at, is_space, is_word, rest, skip, span};
use crate::verdict::Spot;

/// Detectors that a literal calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Topics(u8);

impl Topics {
    pub(super) const SQL: Self = Self(1);
    pub(super) const SCRIPT: Self = Self(2);
    pub(super) const SHELL: Self = Self(4);
    pub(super) const DOTS: Self = Self(8);
    pub(super) const TEMPLATE: Self = Self(16);
    pub(super) const URL: Self = Self(32);

    pub(super) fn has(self, topic: Self) -> bool {
        self.0 & topic.0 != 0
    }
}

/// What must stand around a literal for it to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Anything,
    /// No word character before.
    Start,
    /// A call: an opening parenthesis behind.
    Call,
    /// Nothing before.
    First,
}

enum Use {
    Topic(Topics),
    Evidence(&'static Rule, Around),
}

const TOPICS: &[(Topics, &[&str])] = &[
    (
        Topics::SQL,
        &[
            "select",
            "union",
            "or",
            "and",
            "xor",
            "&&",
            "||",
            "having",
            "where",
            "order",
            "group",
            "limit",
            "insert",
            "update",
            "delete",
            "drop",
            "create",
            "alter",
            "truncate",
            "exec",
            "declare",
            "shutdown",
            "waitfor",
            "call",
            "begin",
            "sleep",
            "benchmark",
            "extractvalue",
            "updatexml",
            "load_file",
            "randomblob",
            "outfile",
            "dumpfile",
            "char",
            "chr(",
            "concat",
            "elt(",
            "make_set",
            "generate_series",
            "procedure",
            "information_schema",
            "sysobjects",
            "sysdatabases",
            "sqlite_master",
            "pg_",
            "@@",
            "xp_",
            "dbms_",
            "utl_",
            "all_tables",
            "all_users",
            "user_lock",
            "when",
            "exp(",
            "row(",
            "intersect",
            "except",
            "merge",
            "replace",
            "copy",
            "attach",
            "load",
            "handler",
            "rlike",
            "regexp",
            "0x",
            "/*!",
            "--",
            "mysql.",
            "master.",
            "sysusers",
            "sysibm",
            "if(",
            "procedure",
        ],
    ),
    (
        Topics::SCRIPT,
        &[
            "script",
            "onerror",
            "onload",
            "onclick",
            "onmouse",
            "onfocus",
            "onblur",
            "onkey",
            "onchange",
            "onsubmit",
            "oninput",
            "ontoggle",
            "onpointer",
            "onanimation",
            "ontransition",
            "onbegin",
            "onend",
            "onscroll",
            "ondrag",
            "ondrop",
            "oncopy",
            "oncut",
            "onpaste",
            "onwheel",
            "onpage",
            "alert",
            "prompt",
            "confirm",
            "eval",
            "fetch",
            "settimeout",
            "setinterval",
            "atob",
            "function",
            "fromcharcode",
            "document",
            "window",
            "innerhtml",
            "localstorage",
            "self[",
            "constructor",
            "data:",
            "vbs",
            "mocha:",
            "j\ta",
            "ja\tv",
            "jav\ta",
            "j\na",
            "ja\nv",
            "jav\na",
            "ava\ts",
            "ava\ns",
            "import(",
        ],
    ),
    (
        Topics::SHELL,
        &[
            "bin/",
            "cmd",
            "powershell",
            "$(",
            "$ifs",
            "${ifs",
            "/dev/tcp",
            "bash",
            "nc -e",
            "sh -c",
            "invoke-",
            "downloadstring",
            "rm -",
            "/???/",
            "wget ",
            "curl ",
            "ping ",
            "cat /",
        ],
    ),
    (Topics::DOTS, &["..", "0x2e", "%2e", "::$data"]),
    (
        Topics::TEMPLATE,
        &["{{", "${", "#{", "<%", "*{", "@(", "{%", "[[", "%{"],
    ),
    (
        Topics::URL,
        &[
            "://",
            "169.254",
            "metadata",
            "localhost",
            "127.0.0.1",
            "gopher:",
            "dict:",
            "file:",
            "jar:",
            "php:",
            "ldap:",
        ],
    ),
];

type Evidence = (&'static Rule, Around, &'static [&'static str]);

const EVIDENCE: &[Evidence] = &[
    (
        &rules::PATH_FILE,
        Around::Anything,
        &[
            "/etc/passwd",
            "/etc/shadow",
            "/etc/group",
            "/etc/hosts",
            "/etc/issue",
            "/etc/motd",
            "/etc/crontab",
            "/etc/sudoers",
            "/etc/fstab",
            "/etc/ssh/",
            "/etc/mysql/",
            "/etc/nginx/",
            "/etc/apache",
            "/etc/httpd",
            "/etc/php",
            "/etc/proftpd",
            "/etc/redhat-release",
            "/etc/resolv.conf",
            "/etc/profile",
            "/proc/self/",
            "/proc/version",
            "/proc/cpuinfo",
            "/proc/net/",
            "/proc/mounts",
            "/proc/1/",
            "/proc/cmdline",
            "/var/log/",
            "/var/run/secrets",
            "/root/.",
            "/.ssh/",
            "id_rsa",
            ".bash_history",
            ".bashrc",
            "win.ini",
            "boot.ini",
            "system.ini",
            "windows/system32",
            "windows\\system32",
            "winnt/system32",
            "winnt\\system32",
            "/windows/repair",
            "autoexec.bat",
            "web-inf/",
            "web-inf\\",
            "meta-inf/context.xml",
            ".htaccess",
            ".htpasswd",
            "wp-config",
            "global.asa",
            "inetpub/",
            "inetpub\\",
            "etc\\passwd",
            "etc/passwd",
            "etc\\shadow",
            "etcpasswd",
            "/.git/",
            "/.svn/",
            "/.aws/",
            "php.ini",
            "my.cnf",
            "httpd.conf",
            "/usr/local/apache",
            "/usr/local/etc/",
            "/opt/lampp/",
            "/xampp/",
            "windows/win",
            "windows\\win",
            "pagefile.sys",
            "/proc/sched",
            "/etc/environment",
            "/etc/gshadow",
            "/etc/mtab",
            "/etc/inittab",
            "/etc/init.d",
            "/etc/rc",
            "/etc/vsftpd",
            "/etc/samba",
            "/etc/lighttpd",
            "/etc/snmp",
            "/library/webserver",
            "/usr/local/php",
            "/usr/local/nginx",
            "application.yml",
            "application.properties",
            "/usr/lib/security",
            "/etc/chrootusers",
            "/etc/security/",
            "/var/www/",
            "/var/mysql",
            "/usr/pkg/etc",
            "windows/panther",
            "windows/debug",
            "system volume information",
            "ntuser.dat",
            "/system32/",
            "\\system32\\",
            "/var/spool/cron",
            "/etc/logrotate",
            "/var/lib/mysql",
            "/apache/logs",
            "/apache2/logs",
        ],
    ),
    (
        &rules::PATH_WRAPPER,
        Around::Start,
        &[
            "php://",
            "phar://",
            "expect://",
            "zip://",
            "file://",
            "compress.zlib://",
            "glob://",
            "file:/etc",
            "file:///",
            "netdoc:",
            "jar:http",
            "data://",
            "ogg://",
            "rar://",
            "convert.base64-encode",
            "convert.iconv.",
        ],
    ),
    (
        &rules::CODE_PHP,
        Around::Anything,
        &[
            "<?php",
            "<?=",
            "$_get[",
            "$_post[",
            "$_request[",
            "$_server[",
            "$_cookie[",
            "$globals[",
            "php_uname",
            "base64_decode(",
            "call_user_func",
            "file_put_contents(",
            "file_get_contents(",
            "shell_exec(",
            "passthru(",
            "proc_open(",
            "popen(",
            "pcntl_exec",
            "create_function(",
            "phpinfo()",
            "gzinflate(",
            "str_rot13(",
            "allow_url_include",
            "auto_prepend_file",
        ],
    ),
    (&rules::CODE_PHP, Around::Call, &["system", "assert"]),
    (
        &rules::CODE_SERVER_PAGE,
        Around::Anything,
        &[
            "<%@",
            "<%=",
            "<!--#exec",
            "<!--#include",
            "<!--#echo",
            "<!--#printenv",
            "<jsp:",
            "<cfexecute",
            "<asp:",
            "runat=\"server\"",
            "response.write(",
            "server.createobject",
            "wscript.shell",
        ],
    ),
    (
        &rules::CODE_JAVA,
        Around::Anything,
        &[
            "java.lang.",
            "java.io.",
            "java.net.url",
            "java.util.",
            "javax.naming",
            "javax.script",
            "getruntime",
            "processbuilder",
            "class.module.classloader",
            "class.classloader",
            "_memberaccess",
            "#context[",
            "ognl.ognl",
            "com.opensymphony",
            "xwork.methodaccessor",
            "getclass().forname",
            "classloader.",
            "freemarker.template",
            "scriptenginemanager",
            "com.sun.",
            "org.springframework.",
            "objectinputstream",
            "allowstaticmethodaccess",
            "@java.",
            "t(java",
            "new java.",
            "#_response",
            "@org.apache.",
        ],
    ),
    (
        &rules::CODE_PYTHON,
        Around::Anything,
        &[
            "__class__",
            "__mro__",
            "__subclasses__",
            "__globals__",
            "__builtins__",
            "__import__",
            "__init__",
            "os.popen(",
            "os.system(",
            "subprocess.popen",
            "subprocess.call",
            "subprocess.check_output",
            "__reduce__",
            "lipsum.__",
            "cycler.__",
            "url_for.__",
            "process.mainmodule",
            "child_process",
            "require('fs",
            "require(\"fs",
            "global.process",
        ],
    ),
    (
        &rules::CODE_SERIALISED,
        Around::First,
        &["ro0ab", "ac ed 00 05", "aced0005"],
    ),
    (
        &rules::CODE_SERIALISED,
        Around::Anything,
        &[
            "\"stdclass\":",
            "\"__php_incomplete",
            "!!python/object",
            "!!javax.",
            "!!com.sun",
            "cposix\nsystem",
            "system.windows.data.objectdataprovider",
            "\"@type\":\"com.",
            "\"@type\":\"org.",
            "\"@type\":\"java",
        ],
    ),
    (
        &rules::CODE_PROTOTYPE,
        Around::Anything,
        &[
            "__proto__",
            "constructor[prototype]",
            "constructor.prototype",
            "[prototype][",
        ],
    ),
    (
        &rules::TEMPLATE_LOOKUP,
        Around::Anything,
        &[
            "${jndi:",
            "${lower:",
            "${upper:",
            "${::-",
            "${env:",
            "${sys:",
            "${ctx:",
            "${date:",
            "${base64:",
            "${script:",
            "${dns:",
            "${java:",
            "${main:",
            "jndi:ldap",
            "jndi:rmi",
            "jndi:dns",
            "j}ndi",
            "jn}di",
        ],
    ),
    (
        &rules::SSRF_METADATA,
        Around::Anything,
        &[
            "169.254.169.254",
            "metadata.google.internal",
            "100.100.100.200",
            "169.254.170.2",
            "instance-data.ec2",
            "fd00:ec2::254",
            "latest/meta-data",
            "computemetadata/v1",
            "metadata.tencentyun.com",
            "0xa9fea9fe",
            "2852039166",
            "0251.0376.0251.0376",
            "::ffff:a9fe:a9fe",
        ],
    ),
    (
        &rules::SSRF_SCHEME,
        Around::Start,
        &[
            "gopher://",
            "dict://",
            "ldap://",
            "ldaps://",
            "rmi://",
            "tftp://",
            "jar://",
            "ftp://127.",
            "sftp://127.",
            "netdoc://",
            "smb://",
            "iiop://",
        ],
    ),
    (
        &rules::XXE_ENTITY,
        Around::Anything,
        &[
            "<!entity",
            "<!element",
            "<!attlist",
            "<!doctype foo",
            "<!doctype root",
            "<!doctype test",
            "<!doctype data",
            "<!doctype xxe",
        ],
    ),
    (
        &rules::XML_INCLUDE,
        Around::Anything,
        &[
            "xi:include",
            "xinclude",
            "xsl:include",
            "xsl:import",
            "msxsl:script",
            "document('",
            "xsl:value-of",
        ],
    ),
    (
        &rules::NOSQL_OPERATOR,
        Around::Anything,
        &[
            "[$ne]",
            "[$gt]",
            "[$lt]",
            "[$gte]",
            "[$lte]",
            "[$regex]",
            "[$where]",
            "[$in]",
            "[$nin]",
            "[$exists]",
            "[$or]",
            "$where:",
            "\"$where\"",
            "{$gt:",
            "{$ne:",
            "{$nin:",
            "{$regex:",
            "\"$ne\":",
            "\"$gt\":",
            "'$ne':",
            "'$gt':",
            "{ $ne:",
            "{ $gt:",
            "db.getcollection",
            "this.password",
            "$func",
            "[$func]",
            "db.injection",
            "tojsononeline",
        ],
    ),
    (
        &rules::LDAP_FILTER,
        Around::Anything,
        &[
            "*)(",
            ")(|(",
            ")(&(",
            ")(!(",
            "*))(|",
            "*)((|",
            "(objectclass=",
            "(|(uid=",
            "(&(uid=",
            ")(uid=",
            ")(cn=",
            ")(mail=",
            "*()|",
            "|(mail=",
            "*)|",
        ],
    ),
];

/// The automaton, built once.
pub(crate) struct Literals {
    automaton: AhoCorasick,
    uses: Vec<Use>,
}

impl Literals {
    /// Builds the automaton.
    pub(crate) fn new() -> Self {
        let mut patterns: Vec<&str> = Vec::new();
        let mut uses = Vec::new();
        for (topic, words) in TOPICS {
            for word in *words {
                patterns.push(word);
                uses.push(Use::Topic(*topic));
            }
        }
        for (rule, around, words) in EVIDENCE {
            for word in *words {
                patterns.push(word);
                uses.push(Use::Evidence(rule, *around));
            }
        }
        Self {
            automaton: automaton(&patterns),
            uses,
        }
    }

    /// Reads a lower-case value: reports the literals that are evidence, and says which detectors to run.
    pub(super) fn search(
        &self,
        text: &[u8],
        spot: Spot<'_>,
        found: &mut impl FnMut(Match),
    ) -> Topics {
        let mut topics = Topics::default();
        let mut reported = 0;
        for hit in self.automaton.find_overlapping_iter(text) {
            match self.uses.get(hit.pattern().as_usize()) {
                Some(Use::Topic(topic)) => topics.0 |= topic.0,
                Some(Use::Evidence(rule, around))
                    if reported < 64
                        && around.holds(text, hit.start(), hit.end())
                        && !excused(rule, spot, text, hit.start()) =>
                {
                    reported += 1;
                    found((rule, hit.start(), hit.end()));
                }
                Some(Use::Evidence(..)) | None => {}
            }
        }
        topics
    }
}

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants that every test builds"
)]
fn automaton(patterns: &[&str]) -> AhoCorasick {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::Standard)
        .build(patterns)
        .expect("constant patterns make an automaton")
}

/// What is a file of the system in a parameter may be a page of the site in a path or a referrer.
fn excused(rule: &Rule, spot: Spot<'_>, text: &[u8], from: usize) -> bool {
    let names_a_page = matches!(spot, Spot::Path | Spot::Header("referer"));
    let bare_name = at(text, from) != b'.'
        && !rest(text, from).starts_with(b"/etc")
        && !rest(text, from).starts_with(b"web-inf")
        && !rest(text, from).starts_with(b"/proc");
    rule.id == rules::PATH_FILE.id
        && names_a_page
        && bare_name
        && !text.windows(2).any(|pair| pair == b"..")
}

impl Around {
    fn holds(self, text: &[u8], from: usize, to: usize) -> bool {
        let clear_before = from == 0 || !is_word(at(text, from - 1));
        match self {
            Self::Anything => true,
            Self::Start => clear_before,
            Self::Call => {
                clear_before
                    && at(text, skip(text, to, is_space)) == b'('
                    && matches!(
                        at(text, skip(text, skip(text, to, is_space) + 1, is_space)),
                        b'\'' | b'"' | b'$' | b'/' | b'b'
                    )
            }
            Self::First => span(text, 0, from).iter().all(|&b| is_space(b)),
        }
    }
}
