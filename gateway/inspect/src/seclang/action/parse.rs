//! Actions as they are written.

use super::{
    Actions, Allowed, Assignment, Change, Control, Disruptive, Engine, Phase, Processor, Severity,
    Variable, Which,
};
use crate::seclang::expand::Text;
use crate::seclang::names::Names;
use crate::seclang::pattern;
use crate::seclang::source::{LoadError, Word};
use crate::seclang::target::{self, Collection, Target};
use crate::seclang::transform::Transform;

impl Actions {
    /// Reads a list of actions.
    ///
    /// # Errors
    /// What is not supported, by its place.
    pub(in crate::seclang) fn parse(word: &Word, names: &mut Names) -> Result<Self, LoadError> {
        let mut actions = Self::default();
        for (at, item) in split(&word.text) {
            let (name, argument) = match item.split_once(':') {
                Some((name, argument)) => (name.trim_end(), Some(argument.trim_start())),
                None => (item.trim_end(), None),
            };
            let argument_at = at + argument.map_or(0, |a| item.len() - a.len());
            let mut one = One {
                word,
                at,
                argument_at,
                name,
                argument: argument.map(unquote),
                names,
            };
            one.read(&mut actions)?;
        }
        Ok(actions)
    }
}

/// Cuts at commas outside of single quotes; with each item comes its offset.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut items = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    let mut push = |from: usize, to: usize| {
        let item = text.get(from..to).unwrap_or_default();
        let trimmed = item.trim_start();
        if !trimmed.trim_end().is_empty() {
            items.push((from + item.len() - trimmed.len(), trimmed.trim_end()));
        }
    };
    for (at, c) in text.char_indices() {
        match c {
            '\'' if !escaped => quoted = !quoted,
            ',' if !quoted => {
                push(start, at);
                start = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    push(start, text.len());
    items
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('\'')
        .and_then(|tail| tail.strip_suffix('\''))
        .unwrap_or(text)
}

struct One<'a> {
    word: &'a Word,
    at: usize,
    argument_at: usize,
    name: &'a str,
    argument: Option<&'a str>,
    names: &'a mut Names,
}

impl One<'_> {
    fn refuse(&self, message: impl Into<String>) -> LoadError {
        self.word.refuse(self.at, message)
    }

    fn argument(&self) -> Result<&str, LoadError> {
        self.argument
            .filter(|argument| !argument.is_empty())
            .ok_or_else(|| {
                self.refuse(format!(
                    "`{}` needs a value; write `{}:VALUE`",
                    self.name, self.name
                ))
            })
    }

    fn number<N: std::str::FromStr>(&self) -> Result<N, LoadError> {
        self.argument()?
            .parse()
            .map_err(|_| self.refuse(format!("`{}` needs a number", self.name)))
    }

    fn text(&mut self, text: &str) -> Result<Text, LoadError> {
        Text::parse(
            self.word,
            self.argument_at,
            &text.replace("\\'", "'"),
            self.names,
        )
    }

    fn own_text(&mut self) -> Result<Option<Text>, LoadError> {
        let text = self.argument.unwrap_or_default().to_owned();
        self.text(&text).map(Some)
    }

    fn read(&mut self, actions: &mut Actions) -> Result<(), LoadError> {
        match self.name.to_ascii_lowercase().as_str() {
            "id" => actions.id = Some(self.number()?),
            "phase" => actions.phase = Some(self.phase()?),
            "t" => self.transformation(actions)?,
            "capture" => actions.capture = true,
            "multimatch" => actions.multi_match = true,
            "chain" => actions.chain = true,
            "log" => actions.log = Some(true),
            "nolog" => actions.log = Some(false),
            "auditlog" | "noauditlog" | "rev" | "maturity" | "accuracy" | "xmlns" => {}
            "ver" => actions.version = Some(self.argument()?.to_owned()),
            "pass" => actions.disruptive = Some(Disruptive::Pass),
            "block" => actions.disruptive = Some(Disruptive::Block),
            "deny" => actions.disruptive = Some(Disruptive::Deny),
            "drop" => actions.disruptive = Some(Disruptive::Drop),
            "redirect" => {
                actions.disruptive = Some(Disruptive::Redirect(self.argument()?.to_owned()))
            }
            "allow" => {
                actions.disruptive = Some(Disruptive::Allow(match self.argument {
                    None => Allowed::All,
                    Some("phase") => Allowed::Phase,
                    Some("request") => Allowed::Request,
                    Some(_) => {
                        return Err(self.refuse("write `allow`, `allow:phase` or `allow:request`"));
                    }
                }));
            }
            "status" => actions.status = Some(self.number()?),
            "skip" => actions.skip = self.number()?,
            "skipafter" => actions.skip_after = Some(self.argument()?.to_owned()),
            "msg" => actions.message = self.own_text()?,
            "logdata" => actions.data = self.own_text()?,
            "tag" => actions.tags.push(self.argument()?.to_owned()),
            "severity" => {
                actions.severity = Some(Severity::named(self.argument()?).ok_or_else(|| {
                    self.refuse("write a severity like `CRITICAL` or a number from 0 to 7")
                })?);
            }
            "setvar" => self.set(actions)?,
            "setenv" => self.set_environment(actions)?,
            "expirevar" => self.expire(actions)?,
            "initcol" | "setsid" | "setuid" | "setrsc" => self.open(actions)?,
            "ctl" => {
                let control = self.control()?;
                actions.controls.push(control);
            }
            other => {
                return Err(self.refuse(format!(
                    "action `{other}` is not supported; leave the rule out or write it with `setvar`, `ctl` and `deny`"
                )));
            }
        }
        Ok(())
    }

    fn phase(&self) -> Result<Phase, LoadError> {
        Ok(match self.argument()? {
            "1" => Phase::RequestHead,
            "2" | "request" => Phase::RequestBody,
            "3" => Phase::ResponseHead,
            "4" | "response" => Phase::ResponseBody,
            "5" | "logging" => Phase::Logging,
            _ => return Err(self.refuse("write a phase from 1 to 5")),
        })
    }

    fn transformation(&self, actions: &mut Actions) -> Result<(), LoadError> {
        let name = self.argument()?;
        if name.eq_ignore_ascii_case("none") {
            actions.transforms.clear();
            actions.cleared = true;
            return Ok(());
        }
        actions
            .transforms
            .push(Transform::named(name).ok_or_else(|| {
                self.refuse(format!(
                    "transformation `{name}` is not supported; write one like `t:lowercase`"
                ))
            })?);
        Ok(())
    }

    /// `tx.name=+%{tx.other}`, `tx.name` and `!tx.name`.
    fn set(&mut self, actions: &mut Actions) -> Result<(), LoadError> {
        let argument = self.argument()?.to_owned();
        if let Some(name) = argument.strip_prefix('!') {
            let place = self.variable(name)?;
            actions.changes.push(Change::Unset(place));
            return Ok(());
        }
        let (name, value) = argument.split_once('=').unwrap_or((&argument, "1"));
        let (how, value) = match value.as_bytes().first() {
            Some(b'+') => (Assignment::Plus, value.get(1..).unwrap_or_default()),
            Some(b'-') => (Assignment::Minus, value.get(1..).unwrap_or_default()),
            _ => (Assignment::To, value),
        };
        let place = self.variable(name)?;
        let value = self.text(value)?;
        actions.changes.push(Change::Set { place, how, value });
        Ok(())
    }

    fn set_environment(&mut self, actions: &mut Actions) -> Result<(), LoadError> {
        let argument = self.argument()?.to_owned();
        let (name, value) = argument.split_once('=').unwrap_or((&argument, "1"));
        let place = Variable::Named {
            collection: Collection::Env,
            name: self.text(name)?,
        };
        let value = self.text(value)?;
        actions.changes.push(Change::Set {
            place,
            how: Assignment::To,
            value,
        });
        Ok(())
    }

    fn expire(&mut self, actions: &mut Actions) -> Result<(), LoadError> {
        let argument = self.argument()?.to_owned();
        let (name, seconds) = argument
            .split_once('=')
            .ok_or_else(|| self.refuse("write `expirevar:ip.name=SECONDS`"))?;
        let place = self.variable(name)?;
        let seconds = self.text(seconds)?;
        actions.changes.push(Change::Expire { place, seconds });
        Ok(())
    }

    fn variable(&mut self, name: &str) -> Result<Variable, LoadError> {
        let (collection, key) = name
            .split_once(['.', ':'])
            .ok_or_else(|| self.refuse("a variable is a collection and a name; write `tx.name`"))?;
        let collection = Collection::named(collection)
            .filter(|c| *c == Collection::Tx || *c == Collection::Env || c.is_stored())
            .ok_or_else(|| {
                self.refuse(format!(
                    "`{collection}` cannot be changed; write `tx.{key}` or `ip.{key}`"
                ))
            })?;
        let name = self.text(&key.to_ascii_lowercase())?;
        Ok(match (collection, name.fixed()) {
            (Collection::Tx, Some(_)) => Variable::Slot(self.names.slot(key)),
            _ => Variable::Named { collection, name },
        })
    }

    fn open(&mut self, actions: &mut Actions) -> Result<(), LoadError> {
        let argument = self.argument()?.to_owned();
        let (collection, key) = match self.name.to_ascii_lowercase().as_str() {
            "setsid" => (Collection::Session, argument.as_str()),
            "setuid" => (Collection::User, argument.as_str()),
            "setrsc" => (Collection::Resource, argument.as_str()),
            _ => {
                let (name, key) = argument
                    .split_once('=')
                    .ok_or_else(|| self.refuse("write `initcol:ip=%{REMOTE_ADDR}`"))?;
                let collection = Collection::named(name)
                    .filter(|c| c.is_stored())
                    .ok_or_else(|| {
                        self.refuse(
                            "`initcol` opens `ip`, `global`, `session`, `user` or `resource`",
                        )
                    })?;
                (collection, key)
            }
        };
        let key = self.text(key)?;
        actions.changes.push(Change::Open { collection, key });
        Ok(())
    }

    fn control(&mut self) -> Result<Control, LoadError> {
        let argument = self.argument()?.to_owned();
        let (name, value) = argument
            .split_once('=')
            .ok_or_else(|| self.refuse("write `ctl:NAME=VALUE`"))?;
        let switch = || match value.to_ascii_lowercase().as_str() {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        let on_off = "write `On` or `Off`";
        Ok(match name.to_ascii_lowercase().as_str() {
            "ruleengine" => Control::Engine(
                Engine::named(value)
                    .ok_or_else(|| self.refuse("write `On`, `Off` or `DetectionOnly`"))?,
            ),
            "ruleremovebyid" => Control::RemoveRules(self.ids(value)?),
            "ruleremovebytag" => Control::RemoveRules(Which::Tag(self.expression(value)?)),
            "ruleremovebymsg" => Control::RemoveRules(Which::Message(self.expression(value)?)),
            "ruleremovetargetbyid" => {
                let (ids, target) = self.target(value)?;
                Control::RemoveTargets(self.ids(&ids)?, target)
            }
            "ruleremovetargetbytag" => {
                let (tag, target) = self.target(value)?;
                Control::RemoveTargets(Which::Tag(self.expression(&tag)?), target)
            }
            "ruleremovetargetbymsg" => {
                let (message, target) = self.target(value)?;
                Control::RemoveTargets(Which::Message(self.expression(&message)?), target)
            }
            "forcerequestbodyvariable" => match switch() {
                Some(true) => Control::ForceRequestBody,
                Some(false) => Control::Nothing,
                None => return Err(self.refuse(on_off)),
            },
            "requestbodyprocessor" => {
                Control::Processor(Processor::named(value).ok_or_else(|| {
                    self.refuse("write `URLENCODED`, `MULTIPART`, `JSON` or `XML`")
                })?)
            }
            "requestbodyaccess" => {
                Control::RequestBody(switch().ok_or_else(|| self.refuse(on_off))?)
            }
            "responsebodyaccess" => {
                Control::ResponseBody(switch().ok_or_else(|| self.refuse(on_off))?)
            }
            "auditengine" | "auditlogparts" | "debugloglevel" => Control::Nothing,
            other => {
                return Err(self.refuse(format!(
                    "`ctl:{other}` is not supported; write one like `ctl:ruleRemoveById`"
                )));
            }
        })
    }

    fn ids(&self, text: &str) -> Result<Which, LoadError> {
        Which::ids(text.split([',', ' ']))
            .ok_or_else(|| self.refuse("write numbers of rules, like `920100` or `920100-920199`"))
    }

    fn expression(&self, text: &str) -> Result<regex::bytes::Regex, LoadError> {
        pattern::selector(text)
            .map_err(|(offset, message)| self.word.refuse(self.argument_at + offset, message))
    }

    fn target(&mut self, value: &str) -> Result<(String, Box<Target>), LoadError> {
        let (which, item) = value
            .split_once(';')
            .ok_or_else(|| self.refuse("write `RULES;VARIABLE`"))?;
        let (target, _) = target::parse(self.word, self.argument_at, item, self.names)?;
        Ok((which.to_owned(), Box::new(target)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seclang::source::directives;
    use std::path::Path;

    fn parse(text: &str) -> Result<Actions, LoadError> {
        let line = format!("SecAction \"{text}\"");
        let all = directives(Path::new("f"), line.as_bytes()).unwrap();
        Actions::parse(&all[0].arguments[0], &mut Names::default())
    }

    #[test]
    fn a_list_is_cut_at_commas_outside_of_quotes() {
        let actions = parse("id:7, phase:1,t:none,t:urlDecodeUni ,msg:'a, b \\'c\\'',tag:'x',tag:'y/z',severity:'CRITICAL',setvar:'tx.a_%{tx.0}=+%{tx.b}',deny,status:403").unwrap();
        assert_eq!(
            (actions.id, actions.phase),
            (Some(7), Some(Phase::RequestHead))
        );
        assert_eq!(actions.transforms, [Transform::UrlDecodeUni]);
        assert_eq!(actions.message.unwrap().fixed(), Some(&b"a, b 'c'"[..]));
        assert_eq!(actions.tags, ["x", "y/z"]);
        assert_eq!(actions.severity, Some(Severity::Critical));
        assert_eq!(
            (actions.disruptive, actions.status),
            (Some(Disruptive::Deny), Some(403))
        );
        assert!(matches!(
            actions.changes.as_slice(),
            [Change::Set {
                place: Variable::Named {
                    collection: Collection::Tx,
                    ..
                },
                how: Assignment::Plus,
                ..
            }]
        ));
    }

    #[test]
    fn what_is_not_supported_is_refused_where_it_stands() {
        for (text, column) in [
            ("id:1,exec:/bin/sh", 17),
            ("id:1, t:rot13", 18),
            ("id:1,ctl:hashEngine=On", 17),
            ("id:1,setvar:request_uri=1", 17),
            ("id:x", 12),
            ("id:1,severity:HUGE", 17),
            ("id:1,phase:9", 17),
        ] {
            let LoadError::Refused { at, .. } = parse(text).unwrap_err() else {
                panic!("{text}")
            };
            assert_eq!((at.line, at.column), (1, column), "{text}");
        }
    }
}
