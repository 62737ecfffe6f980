//! Reads statements: a few sentences with fixed words.

mod needs;
#[cfg(test)]
mod tests;

use super::word::{Word, nearest, passages, suggestion, words};
use super::written::{Claim, Demand, From, Methods, Name, Need, Scope, Statement, Target, Who};
use crate::language::path::{self, Style};
use crate::source::{Mistake, Passage, Source, brief};
use crate::{Said, said};

/// Reads every statement of every file, or every mistake in them.
pub(super) fn read(sources: &[Source<'_>]) -> Result<Vec<Statement>, Vec<Mistake>> {
    let (mut statements, mut mistakes) = (Vec::new(), Vec::new());
    for source in sources {
        for passage in passages(*source, &mut mistakes) {
            match claim(&passage) {
                Ok(claim) => statements.push(Statement { passage, claim }),
                Err(mistake) => mistakes.push(mistake),
            }
        }
    }
    if mistakes.is_empty() {
        Ok(statements)
    } else {
        Err(mistakes)
    }
}

fn claim(passage: &Passage) -> Result<Claim, Mistake> {
    let words = words(passage)?;
    let mut parser = Parser {
        passage,
        words: &words,
        at: 0,
    };
    let claim = parser.sentence()?;
    match parser.peek() {
        None => Ok(claim),
        Some(_) => parser.unknown(&["from", "at", "without"]),
    }
}

/// The clauses that a sentence can end with.
#[derive(Default)]
struct Clauses {
    from: Option<Vec<Name>>,
    paths: Option<Vec<Name>>,
    without: Option<Vec<Need>>,
}

struct Parser<'w> {
    passage: &'w Passage,
    words: &'w [Word],
    at: usize,
}

const TARGETS: [&str; 9] = [
    "portal",
    "portals",
    "zone",
    "department",
    "host",
    "any",
    "anything",
    "a",
    "an",
];
const VERBS: [&str; 8] = [
    "reaches", "reach", "reads", "read", "writes", "write", "sends", "send",
];
/// The words that end a list of names, so that a list that was not closed is reported where it goes wrong.
const AFTER_NAMES: [&str; 3] = ["from", "at", "without"];

impl<'w> Parser<'w> {
    fn sentence(&mut self) -> Result<Claim, Mistake> {
        if self.take(&["nothing", "nobody"]).is_some() {
            let who = match self.take(&["but"]) {
                Some(_) => Who::But(self.names(&said!("a role or a caller", "角色或访问者"))?),
                None => Who::Anyone,
            };
            return self.reach(who);
        }
        if self.peek_is(&TARGETS) {
            return self.about_target();
        }
        let first = self.at;
        let names = self.names(&said!(
            "`nothing`, `nobody`, `portal` or a role",
            "`nothing`、`nobody`、`portal` 或角色"
        ))?;
        match self.take(&["never", "exclude"]) {
            Some("never") => self.reach(Who::Named(names)),
            Some(_) => self.exclude(names),
            None => {
                // A sentence that begins with a mistyped word reads like one that begins with a name.
                if self.at == first + 1 {
                    let known = ["nothing", "nobody"].iter().chain(&TARGETS).copied();
                    let word = names.first().map_or("", |name| name.text.as_str());
                    if let Some(near) = nearest(word, known) {
                        return Err(self.wrong(
                            first,
                            said!("unknown word `{}`", "没有名为 `{}` 的词", brief(word)),
                            near,
                        ));
                    }
                }
                self.unknown(&["never", "exclude"])
            }
        }
    }

    /// `[from ZONES] reaches TARGET [from ZONES] [at PATHS] [without NEEDS]`
    fn reach(&mut self, who: Who) -> Result<Claim, Mistake> {
        let mut clauses = Clauses::default();
        if self.peek_is(&["from"]) {
            self.clause(&mut clauses)?;
        }
        let methods = match self.take(&VERBS) {
            Some("reaches" | "reach") => Methods::All,
            Some("reads" | "read") => Methods::Read,
            Some("writes" | "write") => {
                self.need(&["to"])?;
                Methods::Write
            }
            Some(_) => {
                let names = self.names(&said!("a method", "方法"))?;
                self.need(&["to"])?;
                Methods::These(names)
            }
            None => return self.unknown(&VERBS),
        };
        let target = self.target()?;
        while self.peek_is(&["from", "at", "without"]) {
            self.clause(&mut clauses)?;
        }
        let demand = clauses.without.map_or(Demand::Refused, Demand::Needs);
        Ok(Claim::Requests(
            Scope {
                who,
                from: clauses.from.map_or(From::Anywhere, From::Zones),
                methods,
                target,
                paths: clauses.paths.unwrap_or_default(),
            },
            demand,
        ))
    }

    /// `TARGET [at PATHS] is reached only …` and `TARGET [at PATHS] always carries …`
    fn about_target(&mut self) -> Result<Claim, Mistake> {
        let target = self.target()?;
        let mut clauses = Clauses::default();
        while self.peek_is(&["at", "from"]) {
            self.clause(&mut clauses)?;
        }
        let (mut methods, mut who, mut others) = (Methods::All, Who::Anyone, None);
        let demand = match self.take(&["is", "are", "always", "carries", "carry"]) {
            Some("is" | "are") => {
                methods = match self.need(&["reached", "read", "written"])? {
                    "read" => Methods::Read,
                    "written" => Methods::Write,
                    _ => Methods::All,
                };
                while self.peek_is(&["at", "from"]) {
                    self.clause(&mut clauses)?;
                }
                self.need(&["only"])?;
                match self.need(&["from", "by", "with"])? {
                    "from" if clauses.from.is_some() => {
                        return Err(self.wrong(
                            self.at.saturating_sub(1),
                            said!("`from` stands twice", "`from` 写了两次"),
                            said!("write it once", "只写一次"),
                        ));
                    }
                    "from" => {
                        others = Some(self.names(&said!("a zone", "区域"))?);
                        Demand::Refused
                    }
                    "by" => {
                        who = Who::But(self.names(&said!("a role or a caller", "角色或访问者"))?);
                        Demand::Refused
                    }
                    _ => Demand::Needs(self.needs()?),
                }
            }
            Some("always") => {
                self.need(&["carries", "carry"])?;
                Demand::Carries(self.charge()?)
            }
            Some(_) => Demand::Carries(self.charge()?),
            None => return self.unknown(&["is", "are", "always", "carries", "at", "from"]),
        };
        let open: &[&str] = if others.is_some() {
            &["at"]
        } else {
            &["at", "from"]
        };
        while self.peek_is(open) {
            self.clause(&mut clauses)?;
        }
        let from = match (others, clauses.from) {
            (Some(zones), _) => From::Others(zones),
            (None, Some(zones)) => From::Zones(zones),
            (None, None) => From::Anywhere,
        };
        let paths = clauses.paths.unwrap_or_default();
        Ok(Claim::Requests(
            Scope {
                who,
                from,
                methods,
                target,
                paths,
            },
            demand,
        ))
    }

    /// `one another [in DEPARTMENTS]`
    fn exclude(&mut self, roles: Vec<Name>) -> Result<Claim, Mistake> {
        self.need(&["one"])?;
        self.need(&["another"])?;
        let departments = match self.take(&["in"]) {
            Some(_) => {
                self.take(&["department"]);
                self.names(&said!("a department", "部门"))?
            }
            None => Vec::new(),
        };
        for (at, role) in roles.iter().enumerate() {
            if roles.iter().take(at).any(|known| known.text == role.text) {
                return Err(self.passage.mistake(
                    role.at,
                    said!("`{}` stands twice", "`{}` 写了两次", role.text),
                    said!("name each role once", "每个角色只写一次"),
                ));
            }
        }
        match roles.as_slice() {
            [] => self.unknown(&["role"]),
            [only] => Err(self.passage.mistake(
                only.at,
                said!("one role cannot exclude itself", "一个角色不能与自己互斥"),
                said!("name two roles or more", "请写出两个或更多角色"),
            )),
            _ => Ok(Claim::Exclude { roles, departments }),
        }
    }

    fn target(&mut self) -> Result<Target, Mistake> {
        match self.take(&TARGETS) {
            Some("portal" | "portals") => {
                Ok(Target::Portals(self.names(&said!("a portal", "门户"))?))
            }
            Some("zone") => Ok(Target::Zones(self.names(&said!("a zone", "区域"))?)),
            Some("department") => Ok(Target::Departments(
                self.names(&said!("a department", "部门"))?,
            )),
            Some("host") => Ok(Target::Hosts(self.names(&said!("a host", "主机"))?)),
            Some("anything") => Ok(Target::Anything),
            Some("any") => {
                self.need(&["portal"])?;
                Ok(Target::Anything)
            }
            Some(_) => {
                let zone = self.name(&said!("a zone", "区域"))?;
                self.need(&["portal"])?;
                Ok(Target::Zones(vec![zone]))
            }
            None => self.unknown(&TARGETS),
        }
    }

    fn clause(&mut self, clauses: &mut Clauses) -> Result<(), Mistake> {
        let start = self.at;
        let twice = match self.need(&["from", "at", "without"])? {
            "from" => {
                let zones = self.names(&said!("a zone", "区域"))?;
                clauses.from.replace(zones).is_some()
            }
            "at" => {
                let paths = self.names(&said!("a path pattern", "路径模式"))?;
                for pattern in &paths {
                    path::check(&pattern.text, Style::Colon).map_err(|fault| {
                        self.passage.mistake(pattern.at, fault.message, fault.help)
                    })?;
                }
                clauses.paths.replace(paths).is_some()
            }
            _ => {
                let needs = self.needs()?;
                clauses.without.replace(needs).is_some()
            }
        };
        if twice {
            return Err(self.wrong(
                start,
                said!("the clause stands twice", "这个子句写了两次"),
                said!("write it once", "只写一次"),
            ));
        }
        Ok(())
    }

    /// Names joined by commas or `and`.
    fn names(&mut self, what: &Said) -> Result<Vec<Name>, Mistake> {
        let mut names = vec![self.name(what)?];
        while self.take(&[",", "and"]).is_some() {
            // `a, b, and c`
            self.take(&["and"]);
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    fn name(&mut self, what: &Said) -> Result<Name, Mistake> {
        match self.words.get(self.at) {
            Some(word)
                if word.quoted
                    || (word.text != "," && !AFTER_NAMES.contains(&word.text.as_str())) =>
            {
                self.at += 1;
                Ok(Name {
                    text: word.text.clone(),
                    at: word.at,
                })
            }
            Some(word) => Err(self.wrong(
                self.at,
                said!(
                    "`{}` stands where {what} is expected",
                    "此处应为{what}，却写了 `{}`",
                    word.text;
                    what = what
                ),
                said!(
                    "name it here, in double quotes if it is one of the language's words",
                    "请在此写出名称；如果与保留词相同，请加双引号",
                ),
            )),
            None => Err(self.wrong(
                self.at,
                said!(
                    "the statement ends where {what} is expected",
                    "断言到此结束，此处应为{what}";
                    what = what
                ),
                said!("name it here", "请在此写出名称"),
            )),
        }
    }

    fn peek(&self) -> Option<&'w Word> {
        self.words.get(self.at)
    }

    fn peek_is(&self, known: &[&str]) -> bool {
        self.peek()
            .is_some_and(|word| !word.quoted && known.contains(&word.text.as_str()))
    }

    fn take<'k>(&mut self, known: &[&'k str]) -> Option<&'k str> {
        let word = self.peek().filter(|word| !word.quoted)?;
        let found = known.iter().find(|known| **known == word.text)?;
        self.at += 1;
        Some(found)
    }

    fn need<'k>(&mut self, known: &[&'k str]) -> Result<&'k str, Mistake> {
        match self.take(known) {
            Some(word) => Ok(word),
            None => self.unknown(known),
        }
    }

    fn unknown<T>(&self, known: &[&str]) -> Result<T, Mistake> {
        Err(match self.peek() {
            Some(word) => {
                let near = suggestion(&word.text, known.iter().copied());
                self.wrong(
                    self.at,
                    said!("unknown word `{}`", "没有名为 `{}` 的词", brief(&word.text)),
                    near,
                )
            }
            None => {
                let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
                let help =
                    said!("go on with {known}", "接下来可写 {known}"; known = Said::list(&known));
                self.wrong(
                    self.at,
                    said!("the statement is not complete", "断言没有写完"),
                    help,
                )
            }
        })
    }

    fn wrong(&self, at: usize, message: Said, help: Said) -> Mistake {
        let offset = self
            .words
            .get(at)
            .map_or(self.passage.text.len(), |word| word.at);
        self.passage.mistake(offset, message, help)
    }
}
