//! From files to rules in force.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::action::{Actions, Disruptive, Phase};
use super::files;
use super::names::Names;
use super::operator::Operator;
use super::ruleset::{Compiled, Link, Options, Rule, RuleSet, Source};
use super::source::{Directive, LoadError, Word, directives};
use super::target::Targets;

mod amend;
mod link;

/// Files that include files, counted. Chosen.
const INCLUDES: usize = 16;

/// Directives about logs, folders and limits of other servers; nothing here depends on them.
const WITHOUT_BEARING: &[&str] = &[
    "SecAuditEngine",
    "SecAuditLog",
    "SecAuditLog2",
    "SecAuditLogDirMode",
    "SecAuditLogFileMode",
    "SecAuditLogFormat",
    "SecAuditLogParts",
    "SecAuditLogRelevantStatus",
    "SecAuditLogStorageDir",
    "SecAuditLogType",
    "SecComponentSignature",
    "SecDataDir",
    "SecDebugLog",
    "SecDebugLogLevel",
    "SecGeoLookupDb",
    "SecGuardianLog",
    "SecHttpBlKey",
    "SecPcreMatchLimit",
    "SecPcreMatchLimitRecursion",
    "SecRequestBodyInMemoryLimit",
    "SecRequestBodyLimit",
    "SecRequestBodyLimitAction",
    "SecRequestBodyNoFilesLimit",
    "SecResponseBodyLimit",
    "SecResponseBodyLimitAction",
    "SecServerSignature",
    "SecStatusEngine",
    "SecTmpDir",
    "SecUnicodeMapFile",
    "SecUploadDir",
    "SecUploadFileLimit",
    "SecUploadFileMode",
    "SecUploadKeepFiles",
    "SecXmlExternalEntity",
];

pub(super) fn load(sources: &[Source]) -> Result<RuleSet, LoadError> {
    let mut loader = Loader::default();
    for source in sources {
        match source {
            Source::Text { name, text } => loader.text(name, text.as_bytes(), 0)?,
            Source::Path(path) => {
                for file in files::expand(path)? {
                    loader.file(&file, 0)?;
                }
            }
        }
    }
    loader.finish()
}

#[derive(Default)]
struct Loader {
    names: Names,
    items: Vec<Item>,
    ids: HashSet<u64>,
    defaults: [Actions; 5],
    options: Options,
    /// Says whether the last rule waits for what is chained to it.
    open: bool,
    operators: HashMap<(PathBuf, String), Operator>,
}

enum Item {
    Rule(Box<Rule>),
    Marker(String),
}

impl Loader {
    fn file(&mut self, path: &Path, depth: usize) -> Result<(), LoadError> {
        let bytes = std::fs::read(path).map_err(|source| LoadError::Unreadable {
            file: path.to_path_buf(),
            source,
        })?;
        self.text(path, &bytes, depth)
    }

    fn text(&mut self, name: &Path, bytes: &[u8], depth: usize) -> Result<(), LoadError> {
        for directive in directives(name, bytes)? {
            self.directive(&directive, depth)?;
        }
        match self.last() {
            Some(rule) if self.open => Err(LoadError::Refused {
                at: rule.at.clone(),
                message:
                    "the chain that begins here has no end; write the rule that follows `chain`"
                        .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn last(&self) -> Option<&Rule> {
        self.items.iter().rev().find_map(|item| match item {
            Item::Rule(rule) => Some(rule.as_ref()),
            Item::Marker(_) => None,
        })
    }

    fn rules(&mut self) -> impl Iterator<Item = &mut Rule> {
        self.items.iter_mut().filter_map(|item| match item {
            Item::Rule(rule) => Some(rule.as_mut()),
            Item::Marker(_) => None,
        })
    }

    fn directive(&mut self, directive: &Directive, depth: usize) -> Result<(), LoadError> {
        let name = directive.name.text.as_str();
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if self.open && !is("SecRule") && !is("SecAction") {
            return Err(directive.name.refuse(
                0,
                "a `SecRule` belongs here: the rule before ends with `chain`",
            ));
        }
        if is("SecRule") {
            let mut targets = Targets::default();
            targets.add(directive.argument(0)?, &mut self.names)?;
            let operator = self.operator(directive.argument(1)?)?;
            self.rule(directive, targets, operator, directive.arguments.get(2))
        } else if is("SecAction") {
            self.rule(
                directive,
                Targets::default(),
                Operator::always(),
                Some(directive.argument(0)?),
            )
        } else if is("SecMarker") {
            let label = directive.argument(0)?.text.clone();
            self.items.push(Item::Marker(label));
            Ok(())
        } else if is("SecDefaultAction") {
            self.default_action(directive)
        } else if is("Include") || is("IncludeOptional") {
            self.include(directive, depth)
        } else if name.len() > 7
            && name
                .get(..7)
                .is_some_and(|n| n.eq_ignore_ascii_case("SecRule"))
            && !is("SecRuleEngine")
        {
            self.amend(directive)
        } else if WITHOUT_BEARING.iter().any(|known| is(known)) {
            Ok(())
        } else {
            self.option(directive)
        }
    }

    fn operator(&mut self, word: &Word) -> Result<Operator, LoadError> {
        let folder = word
            .position(0)
            .file
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        let key = (folder, word.text.clone());
        if let Some(known) = self.operators.get(&key) {
            return Ok(known.clone());
        }
        let operator = Operator::parse(word, &mut self.names)?;
        self.operators.insert(key, operator.clone());
        Ok(operator)
    }

    fn rule(
        &mut self,
        directive: &Directive,
        targets: Targets,
        operator: Operator,
        actions: Option<&Word>,
    ) -> Result<(), LoadError> {
        let word = actions.unwrap_or(&directive.name);
        let mut written = match actions {
            Some(word) => Actions::parse(word, &mut self.names)?,
            None => Actions::default(),
        };
        let chained = self.open;
        let inherited = if chained {
            self.last().map(|rule| rule.phase)
        } else {
            written.phase
        };
        let phase = inherited.unwrap_or(Phase::RequestBody);
        let default = self
            .defaults
            .get(phase.index())
            .cloned()
            .unwrap_or_default();
        if !written.cleared {
            let mut transforms = default.transforms.clone();
            transforms.append(&mut written.transforms);
            written.transforms = transforms;
        }
        self.open = written.chain;
        let link = Link {
            still: targets.is_still(),
            targets,
            operator,
            transforms: std::mem::take(&mut written.transforms),
            capture: written.capture,
            multi_match: written.multi_match,
            changes: std::mem::take(&mut written.changes),
            controls: std::mem::take(&mut written.controls)
                .into_iter()
                .map(|control| Compiled {
                    control,
                    rules: Vec::new(),
                })
                .collect(),
            list: 0,
            chain: 0,
            group: 0,
            test: None,
        };
        if chained {
            if written.id.is_some() {
                return Err(word.refuse(
                    0,
                    "a rule that is chained has no `id`; it shares that of the first",
                ));
            }
            if let Some(rule) = self.items.iter_mut().rev().find_map(|item| match item {
                Item::Rule(rule) => Some(rule),
                Item::Marker(_) => None,
            }) {
                rule.links.push(link);
            }
            return Ok(());
        }
        let id = written.id.ok_or_else(|| {
            word.refuse(
                0,
                "the rule has no `id`; give it a number of its own, like `id:100001`",
            )
        })?;
        if !self.ids.insert(id) {
            return Err(word.refuse(
                0,
                format!("`id:{id}` is taken; give the rule a number of its own"),
            ));
        }
        let block = default.disruptive.clone().unwrap_or(Disruptive::Pass);
        let disruptive = match written.disruptive.take() {
            None | Some(Disruptive::Block) => block,
            Some(other) => other,
        };
        self.items.push(Item::Rule(Box::new(Rule {
            id,
            phase,
            links: vec![link],
            disruptive,
            status: written.status.or(default.status).unwrap_or(403),
            log: written.log.or(default.log).unwrap_or(true),
            message: written.message,
            data: written.data,
            tags: Arc::from(written.tags),
            severity: written.severity,
            skip: written.skip,
            skip_after: written.skip_after,
            jump: None,
            at: directive.name.position(0),
        })));
        Ok(())
    }

    fn default_action(&mut self, directive: &Directive) -> Result<(), LoadError> {
        let word = directive.argument(0)?;
        let actions = Actions::parse(word, &mut self.names)?;
        let phase = actions
            .phase
            .ok_or_else(|| word.refuse(0, "defaults need a phase; write `phase:2,log,pass`"))?;
        if actions.id.is_some()
            || actions.chain
            || !actions.changes.is_empty()
            || !actions.controls.is_empty()
        {
            return Err(word.refuse(
                0,
                "defaults hold a phase, transformations and one of `pass`, `deny` and their like",
            ));
        }
        if let Some(default) = self.defaults.get_mut(phase.index()) {
            *default = actions;
        }
        Ok(())
    }

    fn include(&mut self, directive: &Directive, depth: usize) -> Result<(), LoadError> {
        let word = directive.argument(0)?;
        if depth >= INCLUDES {
            return Err(word.refuse(0, "files include each other more than 16 deep"));
        }
        let here = word.position(0).file;
        let path = here.parent().unwrap_or(Path::new("")).join(&word.text);
        let optional = directive.name.text.eq_ignore_ascii_case("IncludeOptional");
        match files::expand(&path) {
            Ok(files) => files.iter().try_for_each(|file| self.file(file, depth + 1)),
            Err(_) if optional => Ok(()),
            Err(error) => Err(word.refuse(0, error.to_string())),
        }
    }
}

fn unknown(word: &Word) -> LoadError {
    word.refuse(
        0,
        format!("directive `{}` is not supported; leave it out", word.text),
    )
}
