//! Reads statements: a few sentences with fixed words.

use super::word::{Word, passages, suggestion, words};
use super::written::{
    Charge, Claim, Demand, From, Methods, Name, Need, Scope, Statement, Target, Who,
};
use crate::language::path::{self, Style};
use crate::obligation::RedactLevel;
use crate::source::{Mistake, Passage, Source, brief};

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
const NEEDS: [&str; 7] = [
    "certificate",
    "assurance",
    "device",
    "risk",
    "hours",
    "weekdays",
    "a",
];
/// The words that end a list of names, so that a list that was not closed is reported where it goes wrong.
const AFTER_NAMES: [&str; 3] = ["from", "at", "without"];

impl<'w> Parser<'w> {
    fn sentence(&mut self) -> Result<Claim, Mistake> {
        if self.take(&["nothing", "nobody"]).is_some() {
            let who = match self.take(&["but"]) {
                Some(_) => Who::But(self.names("a role or a caller")?),
                None => Who::Anyone,
            };
            return self.reach(who);
        }
        if self.peek_is(&TARGETS) {
            return self.about_target();
        }
        let first = self.at;
        let names = self.names("`nothing`, `nobody`, `portal` or a role")?;
        match self.take(&["never", "exclude"]) {
            Some("never") => self.reach(Who::Named(names)),
            Some(_) => self.exclude(names),
            None => {
                // A sentence that begins with a mistyped word reads like one that begins with a name.
                if self.at == first + 1 {
                    let known = ["nothing", "nobody"].iter().chain(&TARGETS).copied();
                    let word = names.first().map_or("", |name| name.text.as_str());
                    let near = suggestion(word, known);
                    if near.starts_with("did") {
                        return Err(self.wrong(
                            first,
                            &format!("unknown word `{}`", brief(word)),
                            &near,
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
                let names = self.names("a method")?;
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
                            "`from` stands twice",
                            "write it once",
                        ));
                    }
                    "from" => {
                        others = Some(self.names("a zone")?);
                        Demand::Refused
                    }
                    "by" => {
                        who = Who::But(self.names("a role or a caller")?);
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
                self.names("a department")?
            }
            None => Vec::new(),
        };
        for (at, role) in roles.iter().enumerate() {
            if roles.iter().take(at).any(|known| known.text == role.text) {
                return Err(self.passage.mistake(
                    role.at,
                    format!("`{}` stands twice", role.text),
                    "name each role once",
                ));
            }
        }
        match roles.as_slice() {
            [] => self.unknown(&["role"]),
            [only] => Err(self.passage.mistake(
                only.at,
                "one role cannot exclude itself",
                "name two roles or more",
            )),
            _ => Ok(Claim::Exclude { roles, departments }),
        }
    }

    fn target(&mut self) -> Result<Target, Mistake> {
        match self.take(&TARGETS) {
            Some("portal" | "portals") => Ok(Target::Portals(self.names("a portal")?)),
            Some("zone") => Ok(Target::Zones(self.names("a zone")?)),
            Some("department") => Ok(Target::Departments(self.names("a department")?)),
            Some("host") => Ok(Target::Hosts(self.names("a host")?)),
            Some("anything") => Ok(Target::Anything),
            Some("any") => {
                self.need(&["portal"])?;
                Ok(Target::Anything)
            }
            Some(_) => {
                let zone = self.name("a zone")?;
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
                let zones = self.names("a zone")?;
                clauses.from.replace(zones).is_some()
            }
            "at" => {
                let paths = self.names("a path pattern")?;
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
            return Err(self.wrong(start, "the clause stands twice", "write it once"));
        }
        Ok(())
    }

    fn needs(&mut self) -> Result<Vec<Need>, Mistake> {
        let mut needs = Vec::new();
        loop {
            self.take(&["a"]);
            let at = self.peek().map_or(self.passage.text.len(), |word| word.at);
            let within = |fact, low, high| Need::Within {
                fact,
                low,
                high,
                at,
            };
            let need = match self.take(&NEEDS) {
                Some("certificate") => Need::Certificate { at },
                Some("assurance") => within("aal", self.number(1, 4)?, 4),
                Some("device") => within("dev", self.number(1, 100)?, 100),
                Some("risk") => {
                    self.need(&["below"])?;
                    within("risk", 0, self.number(1, 100)? - 1)
                }
                Some("hours") => {
                    let (low, high) = self.hours()?;
                    within("min", low, high)
                }
                Some("weekdays") => within("dow", 1, 5),
                Some(_) | None => return self.unknown(&NEEDS),
            };
            needs.push(need);
            if self.take(&["and", ","]).is_none() {
                return Ok(needs);
            }
        }
    }

    fn charge(&mut self) -> Result<Charge, Mistake> {
        match self.need(&["redact", "log"])? {
            "log" => self.need(&["full"]).map(|_| Charge::LogFull),
            _ => {
                if self.take(&["at"]).is_some() {
                    self.need(&["least"])?;
                }
                let level = match self.need(&["L1", "L2", "L3", "L4"])? {
                    "L1" => RedactLevel::L1,
                    "L2" => RedactLevel::L2,
                    "L3" => RedactLevel::L3,
                    _ => RedactLevel::L4,
                };
                Ok(Charge::Redact(level))
            }
        }
    }

    /// Minutes of the day, both included, of `09:00-18:00`, where the end is not.
    fn hours(&mut self) -> Result<(i64, i64), Mistake> {
        let help = "write `hours 09:00-18:00`, the end later than the start and at most `24:00`";
        let start = self.at;
        let word = self.name("hours")?;
        let minute = |text: &str| -> Option<i64> {
            let (hour, minute) = text.split_once(':')?;
            let two = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            let (hour, minute) = (
                Some(hour).filter(|h| two(h))?,
                Some(minute).filter(|m| two(m))?,
            );
            let minute = minute.parse::<i64>().ok().filter(|m| *m < 60)?;
            Some(hour.parse::<i64>().ok()? * 60 + minute)
        };
        let bounds = word
            .text
            .split_once('-')
            .and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
        match bounds {
            Some((low, high)) if low < high && high <= 1440 => Ok((low, high - 1)),
            Some(_) | None => Err(self.wrong(
                start,
                &format!("`{}` are no hours", brief(&word.text)),
                help,
            )),
        }
    }

    fn number(&mut self, low: i64, high: i64) -> Result<i64, Mistake> {
        let start = self.at;
        let word = self.name("a number")?;
        let number = word
            .text
            .parse::<i64>()
            .ok()
            .filter(|_| word.text.bytes().all(|b| b.is_ascii_digit()));
        number
            .filter(|number| (low..=high).contains(number))
            .ok_or_else(|| {
                let help = format!("write a whole number from {low} to {high}");
                self.wrong(
                    start,
                    &format!("`{}` does not fit here", brief(&word.text)),
                    &help,
                )
            })
    }

    /// Names joined by commas or `and`.
    fn names(&mut self, what: &str) -> Result<Vec<Name>, Mistake> {
        let mut names = vec![self.name(what)?];
        while self.take(&[",", "and"]).is_some() {
            // `a, b, and c`
            self.take(&["and"]);
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    fn name(&mut self, what: &str) -> Result<Name, Mistake> {
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
                &format!("`{}` stands where {what} is expected", word.text),
                "name it here, in double quotes if it is one of the language's words",
            )),
            None => Err(self.wrong(
                self.at,
                &format!("the statement ends where {what} is expected"),
                "name it here",
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
                    &format!("unknown word `{}`", brief(&word.text)),
                    &near,
                )
            }
            None => {
                let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
                let help = format!("go on with {}", known.join(", "));
                self.wrong(self.at, "the statement is not complete", &help)
            }
        })
    }

    fn wrong(&self, at: usize, message: &str, help: &str) -> Mistake {
        let offset = self
            .words
            .get(at)
            .map_or(self.passage.text.len(), |word| word.at);
        self.passage.mistake(offset, message, help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<Vec<Statement>, String> {
        let read = read(&[Source { name: "s", text }]);
        read.map_err(|mistakes| {
            mistakes
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        })
    }

    fn one(sentence: &str) -> Claim {
        text(sentence).unwrap().remove(0).claim
    }

    fn scope(sentence: &str) -> (Scope, Demand) {
        match one(sentence) {
            Claim::Requests(scope, demand) => (scope, demand),
            claim @ Claim::Exclude { .. } => panic!("{claim:?}"),
        }
    }

    fn texts(names: &[Name]) -> Vec<&str> {
        names.iter().map(|name| name.text.as_str()).collect()
    }

    #[test]
    fn the_sentence_of_the_policy_that_shipped_first_reads_as_meant() {
        let (scope, demand) = scope(
            "nothing from internet reaches an intranet portal without a certificate and assurance 3",
        );
        assert_eq!(scope.who, Who::Anyone);
        let (From::Zones(from), Target::Zones(to)) = (&scope.from, &scope.target) else {
            panic!("{scope:?}")
        };
        assert_eq!(
            (texts(from), texts(to)),
            (vec!["internet"], vec!["intranet"])
        );
        let Demand::Needs(needs) = demand else {
            panic!("{demand:?}")
        };
        assert!(matches!(
            needs.as_slice(),
            [
                Need::Certificate { .. },
                Need::Within {
                    fact: "aal",
                    low: 3,
                    high: 4,
                    ..
                }
            ]
        ));
    }

    #[test]
    fn a_target_may_stand_first() {
        let (first, demand) =
            scope("portal a, b and \"any\" is written only by role:x, role:y at /p/*");
        assert_eq!(first.methods, Methods::Write);
        assert_eq!(demand, Demand::Refused);
        let (Who::But(names), Target::Portals(portals)) = (&first.who, &first.target) else {
            panic!("{first:?}")
        };
        assert_eq!(
            (texts(names), texts(portals)),
            (vec!["role:x", "role:y"], vec!["a", "b", "any"])
        );
        assert_eq!(texts(&first.paths), ["/p/*"]);
        let (second, _) = scope("host h is reached only from z");
        assert!(matches!(second.from, From::Others(_)));
        let (third, demand) = scope("any portal always carries redact at least L2 from z");
        assert_eq!(demand, Demand::Carries(Charge::Redact(RedactLevel::L2)));
        assert!(matches!(
            (third.from, third.target),
            (From::Zones(_), Target::Anything)
        ));
    }

    #[test]
    fn a_statement_goes_on_in_lines_that_begin_with_a_blank() {
        let statements = text("# why\nnobody but role:x   # and more\n\treaches\n  any portal\nu:a never reads host h\n").unwrap();
        assert_eq!(statements.len(), 2);
        let wrong = text("nobody but role:x\n  raeches any portal").unwrap_err();
        assert_eq!(
            wrong,
            "s:2:3: unknown word `raeches`; did you mean `reaches`?"
        );
        assert!(
            text("  nobody reaches any portal")
                .unwrap_err()
                .starts_with("s:1:3: ")
        );
    }

    #[test]
    fn what_is_mistyped_is_refused_where_it_stands() {
        let table = [
            (
                "nothng reaches any portal",
                "s:1:1: unknown word `nothng`; did you mean `nothing`?",
            ),
            (
                "nobody but from x reaches any portal",
                "s:1:12: `from` stands where a role or a caller is expected",
            ),
            (
                "nobody writes any portal",
                "s:1:15: unknown word `any`; known are `to`",
            ),
            (
                "nobody reaches any portal without asurance 3",
                "s:1:35: unknown word `asurance`; did you mean `assurance`?",
            ),
            (
                "nobody reaches any portal without assurance 5",
                "s:1:45: `5` does not fit here; write a whole number from 1 to 4",
            ),
            (
                "nobody reaches any portal without assurance",
                "s:1:44: the statement ends where a number is expected",
            ),
            (
                "nobody reaches any portal at a/b",
                "s:1:30: path pattern `a/b` does not begin with `/`",
            ),
            (
                "nobody reaches any portal at /a at /b",
                "s:1:33: the clause stands twice",
            ),
            (
                "nobody reaches any portal or else",
                "s:1:27: unknown word `or`",
            ),
            (
                "nobody reaches any portal without hours 18:00-09:00",
                "s:1:41: `18:00-09:00` are no hours",
            ),
            (
                "nobody reaches any portal without hours 1é:00-09:00",
                "s:1:41: `1é:00-09:00` are no hours",
            ),
            (
                "role:a exclude one another",
                "s:1:1: one role cannot exclude itself",
            ),
            (
                "role:a, role:a exclude one another",
                "s:1:9: `role:a` stands twice",
            ),
            (
                "portal p is reached only from a from b",
                "s:1:33: unknown word `from`",
            ),
            (
                "portal p from a is reached only from b",
                "s:1:33: `from` stands twice",
            ),
            (
                "portal p carries redact L5",
                "s:1:25: unknown word `L5`; did you mean `L1`?",
            ),
            (
                "portal \"p is reached",
                "s:1:8: the quoted name is not closed",
            ),
            ("portal \"\" is reached", "s:1:8: empty name"),
            ("portal p \u{7} is", "s:1:10: control character"),
            ("nobody reaches", "s:1:15: the statement is not complete"),
        ];
        for (sentence, expected) in table {
            let wrong = text(sentence).unwrap_err();
            assert!(wrong.starts_with(expected), "{sentence}\n{wrong}");
        }
    }

    #[test]
    fn hours_end_before_their_end() {
        let (_, demand) = scope(
            "nobody reaches any portal without hours 09:00-24:00 and weekdays and risk below 50",
        );
        let Demand::Needs(needs) = demand else {
            panic!("{demand:?}")
        };
        let bounds: Vec<(&str, i64, i64)> = needs
            .iter()
            .filter_map(|need| match need {
                Need::Within {
                    fact, low, high, ..
                } => Some((*fact, *low, *high)),
                Need::Certificate { .. } => None,
            })
            .collect();
        assert_eq!(bounds, [("min", 540, 1439), ("dow", 1, 5), ("risk", 0, 49)]);
    }
}
