//! Every rule there is: what it is called, what it is worth, what it means.

use crate::verdict::{Category, RuleId};

/// One thing that a detector can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The stable name, as in `sqli-tautology`.
    pub id: RuleId,
    /// The kind of attack.
    pub category: Category,
    /// What it adds to a verdict; 5 is enough to block by default.
    pub score: u32,
    /// The ATT&CK technique.
    pub technique: &'static str,
    /// The weakness it aims at, as a CWE number.
    pub cwe: u16,
    /// What was seen, in a few words.
    pub summary: &'static str,
}

impl Rule {
    /// Returns the score at the strict setting: a hint that stands where it would do harm is taken for an attack,
    /// but for what editors and pasted lines are full of.
    pub(crate) fn strict(&self) -> u32 {
        const KEPT: [&Rule; 6] = [
            &XSS_MARKUP,
            &XSS_CALL,
            &PROTOCOL_LINE,
            &PROTOCOL_OVERLONG,
            &PROTOCOL_ENCODING,
            &PROTOCOL_CONTROL,
        ];
        match self.score {
            _ if self.id == MODEL_LIKENESS.id => 5,
            2 if self.id == PATH_PARENT.id => 5,
            3 if KEPT.iter().all(|rule| rule.id != self.id) => 5,
            score => score,
        }
    }
}

macro_rules! rules {
    ($($name:ident = $id:literal, $category:ident, $score:literal, $technique:literal, $cwe:literal, $summary:literal;)*) => {
        /// The place of each rule in the catalogue.
        #[expect(non_camel_case_types, reason = "named as the rules are")]
        enum Number { $($name),* }
        $(pub(crate) const $name: Rule = Rule {
            id: RuleId::new($id, Number::$name as usize), category: Category::$category, score: $score,
            technique: $technique, cwe: $cwe, summary: $summary,
        };)*
        /// All rules, for documentation and for configuration that names one.
        pub const CATALOGUE: &[Rule] = &[$($name),*];
    };
}

rules! {
    SQLI_TAUTOLOGY = "sqli-tautology", Sql, 5, "T1190", 89, "a condition that does not depend on the data";
    SQLI_UNION = "sqli-union", Sql, 5, "T1190", 89, "a second query joined to the first";
    SQLI_STACKED = "sqli-stacked", Sql, 5, "T1190", 89, "a second statement after the first";
    SQLI_SUBQUERY = "sqli-subquery", Sql, 5, "T1190", 89, "a query inside an expression";
    SQLI_STATEMENT = "sqli-statement", Sql, 5, "T1190", 89, "a whole statement as a value";
    SQLI_FUNCTION = "sqli-function", Sql, 5, "T1190", 89, "a function that delays, fails on purpose or reads files";
    SQLI_SCHEMA = "sqli-schema", Sql, 5, "T1190", 89, "a table or variable of the database itself";
    SQLI_COMMENT = "sqli-comment", Sql, 5, "T1190", 89, "a closed string with the rest commented out";
    SQLI_OPERATOR = "sqli-operator", Sql, 5, "T1190", 89, "a closed string continued by an operator";
    SQLI_CLAUSE = "sqli-clause", Sql, 5, "T1190", 89, "a closed value continued by a clause";
    SQLI_ESCAPE = "sqli-escape", Sql, 5, "T1190", 89, "a byte that takes up the backslash before a quote";
    SQLI_HINT = "sqli-hint", Sql, 2, "T1190", 89, "words in the order of a statement, perhaps prose";
    XSS_SCRIPT = "xss-script", CrossSite, 5, "T1059.007", 79, "a script element";
    XSS_HANDLER = "xss-handler", CrossSite, 5, "T1059.007", 79, "an event handler";
    XSS_URL = "xss-url", CrossSite, 5, "T1059.007", 79, "a URL that runs script";
    XSS_ELEMENT = "xss-element", CrossSite, 5, "T1059.007", 79, "an element that loads or runs something";
    XSS_STYLE = "xss-style", CrossSite, 5, "T1059.007", 79, "a style that runs script";
    XSS_MARKUP = "xss-markup", CrossSite, 3, "T1059.007", 79, "markup that is rarely sent by a form";
    XSS_EMBED = "xss-embed", CrossSite, 1, "T1059.007", 79, "markup as editors make it";
    XSS_CODE = "xss-code", CrossSite, 5, "T1059.007", 79, "script that continues a broken string";
    XSS_CALL = "xss-call", CrossSite, 3, "T1059.007", 79, "a call known from proofs of concept";
    PATH_TRAVERSAL = "path-traversal", Traversal, 5, "T1083", 22, "leaves the folder upwards";
    PATH_PARENT = "path-parent", Traversal, 2, "T1083", 22, "one step up";
    PATH_FILE = "path-file", Traversal, 5, "T1083", 22, "a file of the system or of the application";
    PATH_WRAPPER = "path-wrapper", Traversal, 5, "T1083", 98, "a stream wrapper or file URL";
    CMD_INJECTION = "cmd-injection", Command, 5, "T1059.004", 78, "a command after a separator";
    CMD_SUBSTITUTION = "cmd-substitution", Command, 5, "T1059.004", 78, "a command inside a substitution";
    CMD_PROGRAM = "cmd-program", Command, 5, "T1059", 78, "a program by its path or with telling arguments";
    CMD_SHELLSHOCK = "cmd-shellshock", Command, 5, "T1190", 78, "a function definition for an old shell";
    CMD_HINT = "cmd-hint", Command, 2, "T1059", 78, "something a shell would expand";
    CODE_PHP = "code-php", Code, 5, "T1505.003", 94, "PHP source";
    CODE_SERVER_PAGE = "code-server-page", Code, 5, "T1505.003", 94, "a server page or server-side include";
    CODE_JAVA = "code-java", Code, 5, "T1190", 94, "Java classes that run commands or load classes";
    CODE_PYTHON = "code-python", Code, 5, "T1190", 94, "Python that reaches the interpreter";
    CODE_SERIALISED = "code-serialised", Code, 5, "T1190", 502, "a serialised object";
    CODE_PROTOTYPE = "code-prototype", Code, 5, "T1190", 1321, "a property of every JavaScript object";
    MODEL_LIKENESS = "model-likeness", Code, 3, "T1190", 74, "a value made of what attacks are made of, beside other evidence";
    TEMPLATE_EXPRESSION = "template-expression", Template, 5, "T1190", 1336, "an expression for a template engine";
    TEMPLATE_LOOKUP = "template-lookup", Template, 5, "T1190", 917, "a lookup that loads code";
    SSRF_METADATA = "ssrf-metadata", Remote, 5, "T1552.005", 918, "the address of a cloud's metadata";
    SSRF_SCHEME = "ssrf-scheme", Remote, 5, "T1090", 918, "a URL scheme that reaches other services";
    SSRF_ADDRESS = "ssrf-address", Remote, 5, "T1090", 918, "the server itself, by its name or by an unusual form of its address";
    REMOTE_FILE = "remote-file", Remote, 5, "T1105", 98, "a file of another server where a file of this one belongs";
    SSRF_LOCAL = "ssrf-local", Remote, 2, "T1090", 918, "a URL of the server itself";
    XXE_ENTITY = "xxe-entity", Xml, 5, "T1190", 611, "an entity or a document type in XML";
    XML_INCLUDE = "xml-include", Xml, 5, "T1190", 611, "an inclusion in XML";
    XPATH_EXPRESSION = "xpath-expression", Xml, 5, "T1190", 643, "a closed string continued by an XPath expression";
    GRAPHQL_FLOOD = "graphql-flood", Protocol, 5, "T1499.003", 770, "a query that asks for the same thing many times or very deep";
    GRAPHQL_SCHEMA = "graphql-schema", Protocol, 3, "T1595.002", 200, "a query for the whole schema";
    NOSQL_OPERATOR = "nosql-operator", NoSql, 5, "T1190", 943, "a query operator where a value belongs";
    LDAP_FILTER = "ldap-filter", Ldap, 5, "T1190", 90, "a closed LDAP filter continued by another";
    SCANNER_AGENT = "scanner-agent", Scanner, 5, "T1595.002", 200, "a program that looks for weaknesses";
    SCANNER_PROBE = "scanner-probe", Scanner, 5, "T1595.003", 538, "a path that only a scanner asks for";
    SCANNER_GUESS = "scanner-guess", Scanner, 3, "T1595.003", 538, "a path of a product that is often attacked";
    AUTOMATION_CLIENT = "automation-client", Automation, 1, "T1595", 799, "a program, by its own name";
    AUTOMATION_BROWSER = "automation-browser", Automation, 2, "T1595", 799, "a browser that a program drives, or a harvester of pages";
    AUTOMATION_DISGUISE = "automation-disguise", Automation, 3, "T1036", 799, "a program that calls itself a browser";
    HONEYPOT_PATH = "honeypot-path", Scanner, 5, "T1595.003", 425, "a path that nothing links to";
    HONEYPOT_FIELD = "honeypot-field", Scanner, 5, "T1595", 799, "a field that no person sees, filled in";
    UPLOAD_SCRIPT = "upload-script", Upload, 5, "T1505.003", 434, "an uploaded file that a server would run";
    LEAK_TRACE = "leak-trace", Code, 5, "T1592.002", 209, "a trace of an error in a response";
    LEAK_DATABASE = "leak-database", Sql, 5, "T1592.002", 209, "an error of a database in a response";
    LEAK_LISTING = "leak-listing", Traversal, 5, "T1083", 548, "a listing of a folder";
    LEAK_SOURCE = "leak-source", Code, 5, "T1213", 540, "source code of the site in a response";
    LEAK_FILE = "leak-file", Traversal, 5, "T1005", 552, "a file of the system or of its settings in a response";
    PROTOCOL_SPLITTING = "protocol-splitting", Protocol, 5, "T1190", 113, "a line break followed by a header";
    PROTOCOL_LINE = "protocol-line", Protocol, 3, "T1190", 93, "a line break where none belongs";
    PROTOCOL_NUL = "protocol-nul", Protocol, 5, "T1190", 158, "a NUL byte";
    PROTOCOL_CONTROL = "protocol-control", Protocol, 3, "T1190", 20, "a control character";
    PROTOCOL_ENCODING = "protocol-encoding", Protocol, 3, "T1027", 174, "encoding where no encoder would";
    PROTOCOL_DEPTH = "protocol-depth", Protocol, 3, "T1027", 174, "more encodings than are looked through";
    PROTOCOL_EFFORT = "protocol-effort", Protocol, 5, "T1499.003", 400, "more to look at than a request of its length has";
    PROTOCOL_OVERLONG = "protocol-overlong", Protocol, 3, "T1027", 176, "a character in more bytes than it needs";
    PROTOCOL_FRAMING = "protocol-framing", Protocol, 5, "T1190", 444, "a body whose length is ambiguous";
    PROTOCOL_HEADER = "protocol-header", Protocol, 3, "T1190", 436, "a header that overrides what was decided on";
    PROTOCOL_BODY = "protocol-body", Protocol, 2, "T1190", 436, "a body that is not what it says";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_a_score_that_counts() {
        let mut names: Vec<_> = CATALOGUE.iter().map(|rule| rule.id.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOGUE.len());
        assert!(
            CATALOGUE
                .iter()
                .all(|rule| (1..=5).contains(&rule.score) && rule.technique.starts_with('T'))
        );
    }
}
