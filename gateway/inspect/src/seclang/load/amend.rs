//! Directives that change rules read before them, and those that set options.

use super::{Item, Loader, unknown};
use crate::seclang::action::{Actions, Disruptive, Engine, Which};
use crate::seclang::pattern::selector;
use crate::seclang::ruleset::{Compiled, Rule};
use crate::seclang::source::{Directive, LoadError};
use crate::seclang::target::Targets;

impl Loader {
    /// `SecRuleRemoveById`, `SecRuleUpdateTargetByTag` and their like, for the rules that have been read.
    pub(super) fn amend(&mut self, directive: &Directive) -> Result<(), LoadError> {
        let name = directive.name.text.to_ascii_lowercase();
        let first = directive.argument(0)?;
        let refuse_expression = |(offset, message)| first.refuse(offset, message);
        let which = if name.ends_with("byid") {
            Which::ids(first.text.split([',', ' '])).ok_or_else(|| {
                first.refuse(
                    0,
                    "write numbers of rules, like `920100` or `920100-920199`",
                )
            })?
        } else if name.ends_with("bytag") {
            Which::Tag(selector(&first.text).map_err(refuse_expression)?)
        } else if name.ends_with("bymsg") {
            Which::Message(selector(&first.text).map_err(refuse_expression)?)
        } else {
            return Err(unknown(&directive.name));
        };
        if name.starts_with("secruleremove") {
            let more = directive.arguments.get(1..).unwrap_or_default();
            let more = more.iter().map(|word| word.text.as_str());
            let also = match &which {
                Which::Ids(_) => Which::ids(more),
                Which::Tag(_) | Which::Message(_) => None,
            };
            self.items.retain(|item| match item {
                Item::Rule(rule) => {
                    !concerns(&which, rule) && !also.as_ref().is_some_and(|w| concerns(w, rule))
                }
                Item::Marker(_) => true,
            });
            return Ok(());
        }
        let second = directive.argument(1)?;
        if name.starts_with("secruleupdatetarget") {
            if directive.arguments.len() > 2 {
                return Err(first.refuse(
                    0,
                    "replacing a target is not supported; leave it out and add another",
                ));
            }
            let mut added = Targets::default();
            added.add(second, &mut self.names)?;
            for rule in self.rules().filter(|rule| concerns(&which, rule)) {
                if let Some(link) = rule.links.first_mut() {
                    link.targets.wanted.extend(added.wanted.iter().cloned());
                    link.targets.excluded.extend(added.excluded.iter().cloned());
                    link.still = link.targets.is_still();
                }
            }
            return Ok(());
        }
        if !name.starts_with("secruleupdateaction") {
            return Err(unknown(&directive.name));
        }
        let actions = Actions::parse(second, &mut self.names)?;
        if actions.id.is_some() || actions.phase.is_some() || actions.chain {
            return Err(second.refuse(0, "`id`, `phase` and `chain` of a rule cannot be changed"));
        }
        let defaults = self.defaults.clone();
        for rule in self.rules().filter(|rule| concerns(&which, rule)) {
            let block = defaults
                .get(rule.phase.index())
                .and_then(|d| d.disruptive.clone());
            apply(rule, actions.clone(), &block.unwrap_or(Disruptive::Pass));
        }
        Ok(())
    }

    pub(super) fn option(&mut self, directive: &Directive) -> Result<(), LoadError> {
        let word = directive.argument(0)?;
        let value = word.text.as_str();
        let on = || match value.to_ascii_lowercase().as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(word.refuse(0, "write `On` or `Off`")),
        };
        let number = || {
            value
                .parse::<u32>()
                .map_err(|_| word.refuse(0, "write a number"))
        };
        match directive.name.text.to_ascii_lowercase().as_str() {
            "secruleengine" => {
                self.options.engine = Engine::named(value)
                    .ok_or_else(|| word.refuse(0, "write `On`, `Off` or `DetectionOnly`"))?;
            }
            "secrequestbodyaccess" => self.options.request_body = on()?,
            "secresponsebodyaccess" => self.options.response_body = on()?,
            "secresponsebodymimetype" => {
                self.options.response_types = directive
                    .arguments
                    .iter()
                    .map(|word| word.text.to_ascii_lowercase())
                    .collect();
            }
            "secresponsebodymimetypesclear" => self.options.response_types.clear(),
            "secargumentseparator" => match value.as_bytes() {
                [separator] => self.options.separator = *separator,
                _ => return Err(word.refuse(0, "write one sign, like `&`")),
            },
            "seccookieformat" if value == "0" => {}
            "seccookieformat" => return Err(word.refuse(0, "only cookies of format `0` are read")),
            "seccollectiontimeout" => self.options.collection_timeout = u64::from(number()?),
            "secargumentslimit" => self.options.arguments = number()? as usize,
            "secrequestbodyjsondepthlimit" => self.options.json_depth = number()? as usize,
            "secwebappid" => self.options.web_app = value.to_owned(),
            _ => return Err(unknown(&directive.name)),
        }
        Ok(())
    }
}

fn apply(rule: &mut Rule, actions: Actions, block: &Disruptive) {
    match actions.disruptive {
        Some(Disruptive::Block) => rule.disruptive = block.clone(),
        Some(other) => rule.disruptive = other,
        None => {}
    }
    rule.status = actions.status.unwrap_or(rule.status);
    rule.log = actions.log.unwrap_or(rule.log);
    rule.severity = actions.severity.or(rule.severity);
    rule.message = actions.message.or(rule.message.take());
    rule.data = actions.data.or(rule.data.take());
    if !actions.tags.is_empty() {
        rule.tags = rule.tags.iter().cloned().chain(actions.tags).collect();
    }
    if let Some(link) = rule.links.first_mut() {
        if actions.cleared {
            link.transforms.clear();
        }
        link.transforms.extend(actions.transforms);
        link.changes.extend(actions.changes);
        link.controls
            .extend(actions.controls.into_iter().map(|control| Compiled {
                control,
                rules: Vec::new(),
            }));
    }
}

/// Says whether a rule is one of those meant.
pub(super) fn concerns(which: &Which, rule: &Rule) -> bool {
    match which {
        Which::Ids(ranges) => ranges
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&rule.id)),
        Which::Tag(expression) => rule
            .tags
            .iter()
            .any(|tag| expression.is_match(tag.as_bytes())),
        Which::Message(expression) => rule
            .message
            .as_ref()
            .and_then(|message| message.fixed())
            .is_some_and(|message| expression.is_match(message)),
    }
}
