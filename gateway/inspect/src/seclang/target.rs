//! What a rule looks at: `ARGS|!ARGS:token|&REQUEST_HEADERS:/^x-/`.

use super::names::Names;
use super::pattern::selector;
use super::source::{LoadError, Word};

macro_rules! collections {
    ($($variant:ident = $name:literal;)*) => {
        /// A collection of values, or a single value, of an exchange.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(super) enum Collection { $(#[doc = $name] $variant),* }

        impl Collection {
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the name that rules use.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

collections! {
    Args = "ARGS";
    ArgsCombinedSize = "ARGS_COMBINED_SIZE";
    ArgsGet = "ARGS_GET";
    ArgsGetNames = "ARGS_GET_NAMES";
    ArgsNames = "ARGS_NAMES";
    ArgsPost = "ARGS_POST";
    ArgsPostNames = "ARGS_POST_NAMES";
    AuthType = "AUTH_TYPE";
    Duration = "DURATION";
    Env = "ENV";
    Files = "FILES";
    FilesCombinedSize = "FILES_COMBINED_SIZE";
    FilesNames = "FILES_NAMES";
    FilesSizes = "FILES_SIZES";
    FilesTmpContent = "FILES_TMP_CONTENT";
    FullRequest = "FULL_REQUEST";
    FullRequestLength = "FULL_REQUEST_LENGTH";
    Geo = "GEO";
    Global = "GLOBAL";
    HighestSeverity = "HIGHEST_SEVERITY";
    InboundDataError = "INBOUND_DATA_ERROR";
    Ip = "IP";
    MatchedVar = "MATCHED_VAR";
    MatchedVarName = "MATCHED_VAR_NAME";
    MatchedVars = "MATCHED_VARS";
    MatchedVarsNames = "MATCHED_VARS_NAMES";
    ModsecBuild = "MODSEC_BUILD";
    MultipartBoundaryQuoted = "MULTIPART_BOUNDARY_QUOTED";
    MultipartBoundaryWhitespace = "MULTIPART_BOUNDARY_WHITESPACE";
    MultipartCrlfLfLines = "MULTIPART_CRLF_LF_LINES";
    MultipartDataAfter = "MULTIPART_DATA_AFTER";
    MultipartDataBefore = "MULTIPART_DATA_BEFORE";
    MultipartFileLimitExceeded = "MULTIPART_FILE_LIMIT_EXCEEDED";
    MultipartFilename = "MULTIPART_FILENAME";
    MultipartHeaderFolding = "MULTIPART_HEADER_FOLDING";
    MultipartInvalidHeaderFolding = "MULTIPART_INVALID_HEADER_FOLDING";
    MultipartInvalidPart = "MULTIPART_INVALID_PART";
    MultipartInvalidQuoting = "MULTIPART_INVALID_QUOTING";
    MultipartLfLine = "MULTIPART_LF_LINE";
    MultipartMissingSemicolon = "MULTIPART_MISSING_SEMICOLON";
    MultipartName = "MULTIPART_NAME";
    MultipartPartHeaders = "MULTIPART_PART_HEADERS";
    MultipartStrictError = "MULTIPART_STRICT_ERROR";
    MultipartUnmatchedBoundary = "MULTIPART_UNMATCHED_BOUNDARY";
    OutboundDataError = "OUTBOUND_DATA_ERROR";
    PathInfo = "PATH_INFO";
    QueryString = "QUERY_STRING";
    RemoteAddr = "REMOTE_ADDR";
    RemoteHost = "REMOTE_HOST";
    RemotePort = "REMOTE_PORT";
    RemoteUser = "REMOTE_USER";
    ReqbodyError = "REQBODY_ERROR";
    ReqbodyErrorMsg = "REQBODY_ERROR_MSG";
    ReqbodyProcessor = "REQBODY_PROCESSOR";
    ReqbodyProcessorError = "REQBODY_PROCESSOR_ERROR";
    ReqbodyProcessorErrorMsg = "REQBODY_PROCESSOR_ERROR_MSG";
    RequestBasename = "REQUEST_BASENAME";
    RequestBody = "REQUEST_BODY";
    RequestBodyLength = "REQUEST_BODY_LENGTH";
    RequestCookies = "REQUEST_COOKIES";
    RequestCookiesNames = "REQUEST_COOKIES_NAMES";
    RequestFilename = "REQUEST_FILENAME";
    RequestHeaders = "REQUEST_HEADERS";
    RequestHeadersNames = "REQUEST_HEADERS_NAMES";
    RequestLine = "REQUEST_LINE";
    RequestMethod = "REQUEST_METHOD";
    RequestProtocol = "REQUEST_PROTOCOL";
    RequestUri = "REQUEST_URI";
    RequestUriRaw = "REQUEST_URI_RAW";
    Resource = "RESOURCE";
    ResponseBody = "RESPONSE_BODY";
    ResponseContentLength = "RESPONSE_CONTENT_LENGTH";
    ResponseContentType = "RESPONSE_CONTENT_TYPE";
    ResponseHeaders = "RESPONSE_HEADERS";
    ResponseHeadersNames = "RESPONSE_HEADERS_NAMES";
    ResponseProtocol = "RESPONSE_PROTOCOL";
    ResponseStatus = "RESPONSE_STATUS";
    Rule = "RULE";
    ServerAddr = "SERVER_ADDR";
    ServerName = "SERVER_NAME";
    ServerPort = "SERVER_PORT";
    Session = "SESSION";
    SessionId = "SESSIONID";
    StatusLine = "STATUS_LINE";
    Time = "TIME";
    TimeDay = "TIME_DAY";
    TimeEpoch = "TIME_EPOCH";
    TimeHour = "TIME_HOUR";
    TimeMin = "TIME_MIN";
    TimeMon = "TIME_MON";
    TimeSec = "TIME_SEC";
    TimeWday = "TIME_WDAY";
    TimeYear = "TIME_YEAR";
    Tx = "TX";
    UniqueId = "UNIQUE_ID";
    UrlencodedError = "URLENCODED_ERROR";
    User = "USER";
    UserId = "USERID";
    WebAppId = "WEBAPPID";
    Xml = "XML";
}

impl Collection {
    /// Returns the collection of a name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|c| c.name().eq_ignore_ascii_case(name))
    }

    /// Says whether its values change while rules run.
    pub(super) fn is_live(self) -> bool {
        matches!(
            self,
            Self::Tx
                | Self::MatchedVar
                | Self::MatchedVarName
                | Self::MatchedVars
                | Self::MatchedVarsNames
                | Self::Rule
                | Self::Env
                | Self::HighestSeverity
                | Self::ReqbodyProcessor
                | Self::Duration
        ) || self.is_stored()
    }

    /// Says whether it is opened by `initcol` and its like.
    pub(super) fn is_stored(self) -> bool {
        matches!(
            self,
            Self::Ip | Self::Global | Self::Session | Self::User | Self::Resource
        )
    }
}

/// Which values of a collection.
#[derive(Debug, Clone)]
pub(super) enum Selector {
    All,
    /// By name, in any case; kept in lower case.
    Named(Box<[u8]>),
    /// A name of TX that is known when rules are loaded.
    Slot(usize),
    /// By an expression over the name; in TX, with the slots whose names it matches.
    Matching(regex::bytes::Regex, Vec<usize>),
    /// The text of an XML document.
    XmlText,
    /// Its attributes.
    XmlAttributes,
}

impl Selector {
    /// Says whether a value of this name is meant.
    pub(super) fn takes(&self, name: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Named(wanted) => name.eq_ignore_ascii_case(wanted),
            Self::Slot(_) => false,
            Self::Matching(expression, _) => expression.is_match(name),
            Self::XmlText => name == b"/*",
            Self::XmlAttributes => name == b"//@*",
        }
    }

    /// Returns how it is written, for comparison.
    fn written(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Named(name) => String::from_utf8_lossy(name).into_owned(),
            Self::Slot(slot) => format!("#{slot}"),
            Self::Matching(expression, _) => format!("/{expression}/"),
            Self::XmlText => "/*".to_owned(),
            Self::XmlAttributes => "//@*".to_owned(),
        }
    }
}

impl Target {
    /// Finds the variables that an expression means among those that rules name.
    pub(super) fn resolve(&mut self, names: &Names) {
        if let (Collection::Tx, Selector::Matching(expression, slots)) =
            (self.collection, &mut self.selector)
        {
            *slots = (0..names.len())
                .filter(|&slot| expression.is_match(names.name(slot).as_bytes()))
                .collect();
        }
    }
}

/// One item of the list of a rule.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) collection: Collection,
    pub(super) selector: Selector,
    /// How many values there are, instead of the values.
    pub(super) count: bool,
}

/// The list of a rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Targets {
    pub(super) wanted: Vec<Target>,
    pub(super) excluded: Vec<Target>,
}

impl Targets {
    /// Adds the items of a list.
    ///
    /// # Errors
    /// What is not supported, by its place.
    pub(super) fn add(&mut self, word: &Word, names: &mut Names) -> Result<(), LoadError> {
        let mut at = 0;
        for item in split(&word.text) {
            let (target, excluded) = parse(word, at, item, names)?;
            if excluded {
                self.excluded.push(target);
            } else {
                self.wanted.push(target);
            }
            at += item.len() + 1;
        }
        Ok(())
    }

    /// Returns a text that is the same for lists that mean the same values in the same order.
    pub(super) fn key(&self) -> String {
        let write = |targets: &[Target]| {
            let all: Vec<_> = targets
                .iter()
                .map(|t| {
                    format!(
                        "{}{:?}:{}",
                        u8::from(t.count),
                        t.collection,
                        t.selector.written()
                    )
                })
                .collect();
            all.join("|")
        };
        format!("{}!{}", write(&self.wanted), write(&self.excluded))
    }

    /// Says whether the values stay the same during a phase.
    pub(super) fn is_still(&self) -> bool {
        self.wanted
            .iter()
            .all(|t| !t.count && !t.collection.is_live())
    }
}

/// Cuts at `|`, but not inside an expression.
fn split(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut start, mut expression) = (0, false);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '/' if before == ':' || (expression && before != '\\') => {
                // An XPath begins with a slash too; it has no bar in it.
                expression = !expression
                    && text
                        .get(at + 1..)
                        .is_some_and(|t| !t.starts_with(['*', '/', '@']));
            }
            '|' if !expression => {
                items.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    items.extend(text.get(start..));
    items
}

/// Reads one item; says whether it is left out rather than taken.
pub(super) fn parse(
    word: &Word,
    at: usize,
    item: &str,
    names: &mut Names,
) -> Result<(Target, bool), LoadError> {
    let trimmed = item.trim();
    let excluded = trimmed.starts_with('!');
    let rest = trimmed.strip_prefix('!').unwrap_or(trimmed);
    let count = rest.starts_with('&');
    let rest = rest.strip_prefix('&').unwrap_or(rest);
    let (name, selected) = match rest.split_once(':') {
        Some((name, selected)) => (name, Some(selected)),
        None => (rest, None),
    };
    let collection = Collection::named(name).ok_or_else(|| {
        word.refuse(
            at,
            format!(
                "variable `{name}` is not supported; write one like `ARGS` or `REQUEST_HEADERS`"
            ),
        )
    })?;
    names.mention(collection);
    let selector = match selected {
        None | Some("") => Selector::All,
        Some(path) if collection == Collection::Xml => match path {
            "/*" => Selector::XmlText,
            "//@*" => Selector::XmlAttributes,
            _ => {
                return Err(word.refuse(
                    at,
                    format!("`XML:{path}` is not supported; write `XML:/*` or `XML://@*`"),
                ));
            }
        },
        Some(selected) => select(word, at, collection, selected, names)?,
    };
    if collection == Collection::Xml && matches!(selector, Selector::All) && !excluded && !count {
        return Err(word.refuse(at, "`XML` needs a path; write `XML:/*` or `XML://@*`"));
    }
    Ok((
        Target {
            collection,
            selector,
            count,
        },
        excluded,
    ))
}

fn select(
    word: &Word,
    at: usize,
    collection: Collection,
    selected: &str,
    names: &mut Names,
) -> Result<Selector, LoadError> {
    let unquoted = selected.trim_matches('\'');
    let expression = unquoted
        .strip_prefix('/')
        .and_then(|tail| tail.strip_suffix('/'));
    if let Some(expression) = expression {
        return selector(expression)
            .map(|expression| Selector::Matching(expression, Vec::new()))
            .map_err(|(offset, message)| word.refuse(at + offset, message));
    }
    Ok(if collection == Collection::Tx {
        Selector::Slot(names.slot(unquoted))
    } else {
        Selector::Named(unquoted.to_ascii_lowercase().into_bytes().into())
    })
}
