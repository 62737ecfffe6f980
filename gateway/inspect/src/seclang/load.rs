//! From files to rules in force.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::action::{Actions, Control, Disruptive, Engine, Phase, Which};
use super::byteset::ByteSet;
use super::files;
use super::names::Names;
use super::operator::Operator;
use super::prefilter::Prefilter;
use super::required::Required;
use super::ruleset::{Chain, Compiled, Group, Link, Options, Rule, RuleSet, Source};
use super::source::{Directive, LoadError, Position, Word, directives};
use super::store::Store;
use super::target::Targets;
use super::transform::Transform;

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
    "SecGuardianLog",
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
                message: "the chain that begins here has no end; write the rule that follows `chain`".to_owned(),
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
            return Err(directive.name.refuse(0, "a `SecRule` belongs here: the rule before ends with `chain`"));
        }
        if is("SecRule") {
            let mut targets = Targets::default();
            targets.add(directive.argument(0)?, &mut self.names)?;
            let operator = self.operator(directive.argument(1)?)?;
            self.rule(directive, targets, operator, directive.arguments.get(2))
        } else if is("SecAction") {
            self.rule(directive, Targets::default(), Operator::always(), Some(directive.argument(0)?))
        } else if is("SecMarker") {
            let label = directive.argument(0)?.text.clone();
            self.items.push(Item::Marker(label));
            Ok(())
        } else if is("SecDefaultAction") {
            self.default_action(directive)
        } else if is("Include") || is("IncludeOptional") {
            self.include(directive, depth)
        } else if name.len() > 7 && name.get(..7).is_some_and(|n| n.eq_ignore_ascii_case("SecRule")) && !is("SecRuleEngine") {
            self.amend(directive)
        } else if WITHOUT_BEARING.iter().any(|known| is(known)) {
            Ok(())
        } else {
            self.option(directive)
        }
    }

    fn operator(&mut self, word: &Word) -> Result<Operator, LoadError> {
        let folder = word.position(0).file.parent().map(Path::to_path_buf).unwrap_or_default();
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
        let inherited = if chained { self.last().map(|rule| rule.phase) } else { written.phase };
        let phase = inherited.unwrap_or(Phase::RequestBody);
        let default = self.defaults.get(phase.index()).cloned().unwrap_or_default();
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
                .map(|control| Compiled { control, rules: Vec::new() })
                .collect(),
            list: 0,
            chain: 0,
            group: 0,
            test: None,
        };
        if chained {
            if written.id.is_some() {
                return Err(word.refuse(0, "a rule that is chained has no `id`; it shares that of the first"));
            }
            if let Some(rule) = self.items.iter_mut().rev().find_map(|item| match item {
                Item::Rule(rule) => Some(rule),
                Item::Marker(_) => None,
            }) {
                rule.links.push(link);
            }
            return Ok(());
        }
        let id = written
            .id
            .ok_or_else(|| word.refuse(0, "the rule has no `id`; give it a number of its own, like `id:100001`"))?;
        if !self.ids.insert(id) {
            return Err(word.refuse(0, format!("`id:{id}` is taken; give the rule a number of its own")));
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
        if actions.id.is_some() || actions.chain || !actions.changes.is_empty() || !actions.controls.is_empty() {
            return Err(word.refuse(0, "defaults hold a phase, transformations and one of `pass`, `deny` and their like"));
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

    /// `SecRuleRemoveById`, `SecRuleUpdateTargetByTag` and their like, for the rules that have been read.
    fn amend(&mut self, directive: &Directive) -> Result<(), LoadError> {
        let name = directive.name.text.to_ascii_lowercase();
        let first = directive.argument(0)?;
        let refuse_expression = |(offset, message)| first.refuse(offset, message);
        let which = if name.ends_with("byid") {
            Which::ids(first.text.split([',', ' ']))
                .ok_or_else(|| first.refuse(0, "write numbers of rules, like `920100` or `920100-920199`"))?
        } else if name.ends_with("bytag") {
            Which::Tag(super::pattern::selector(&first.text).map_err(refuse_expression)?)
        } else if name.ends_with("bymsg") {
            Which::Message(super::pattern::selector(&first.text).map_err(refuse_expression)?)
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
                Item::Rule(rule) => !concerns(&which, rule) && !also.as_ref().is_some_and(|w| concerns(w, rule)),
                Item::Marker(_) => true,
            });
            return Ok(());
        }
        let second = directive.argument(1)?;
        if name.starts_with("secruleupdatetarget") {
            if directive.arguments.len() > 2 {
                return Err(first.refuse(0, "replacing a target is not supported; leave it out and add another"));
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
            let block = defaults.get(rule.phase.index()).and_then(|d| d.disruptive.clone());
            apply(rule, actions.clone(), &block.unwrap_or(Disruptive::Pass));
        }
        Ok(())
    }

    fn option(&mut self, directive: &Directive) -> Result<(), LoadError> {
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

    fn finish(self) -> Result<RuleSet, LoadError> {
        let Self { names, items, options, .. } = self;
        let mut rules = Vec::new();
        // For each marker, how many rules stand before it.
        let mut markers: Vec<(String, usize)> = Vec::new();
        for item in items {
            match item {
                Item::Rule(rule) => rules.push(*rule),
                Item::Marker(label) => markers.push((label, rules.len())),
            }
        }
        let mut programs: [Vec<usize>; 5] = Default::default();
        for (n, rule) in rules.iter().enumerate() {
            if let Some(program) = programs.get_mut(rule.phase.index()) {
                program.push(n);
            }
        }
        for n in 0..rules.len() {
            let jump = target_of_jump(&rules, n, &markers, &programs)?;
            if let Some(rule) = rules.get_mut(n) {
                rule.jump = jump;
            }
        }
        resolve_controls(&mut rules);
        let mut tables = Tables::default();
        tables.chains.push(Chain {
            parent: 0,
            last: None,
            touches: Some(ByteSet::default()),
        });
        for rule in &mut rules {
            let side = usize::from(rule.phase > Phase::RequestBody);
            for link in &mut rule.links {
                tables.enter(link, side);
            }
        }
        let [request, response] = tables.required;
        let build = |required: &[Required]| {
            Prefilter::new(required).map_err(|error| LoadError::Refused {
                at: rules.first().map_or_else(nowhere, |rule| rule.at.clone()),
                message: format!("the rules ask for too many strings: {error}"),
            })
        };
        let prefilters = [build(&request)?, build(&response)?];
        let store = Store::new(options.collection_timeout);
        Ok(RuleSet {
            rules,
            programs,
            names,
            prefilters,
            chains: tables.chains,
            lists: tables.lists,
            groups: tables.groups,
            options,
            store,
        })
    }
}

fn nowhere() -> Position {
    Position {
        file: Arc::from(Path::new("rules")),
        line: 1,
        column: 1,
    }
}

fn unknown(word: &Word) -> LoadError {
    word.refuse(
        0,
        format!("directive `{}` is not supported; leave it out", word.text),
    )
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
        link.controls.extend(
            actions
                .controls
                .into_iter()
                .map(|control| Compiled { control, rules: Vec::new() }),
        );
    }
}

fn concerns(which: &Which, rule: &Rule) -> bool {
    match which {
        Which::Ids(ranges) => ranges
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&rule.id)),
        Which::Tag(expression) => rule.tags.iter().any(|tag| expression.is_match(tag.as_bytes())),
        Which::Message(expression) => rule
            .message
            .as_ref()
            .and_then(|message| message.fixed())
            .is_some_and(|message| expression.is_match(message)),
    }
}

/// Finds where the program of a phase goes on after `skip` or `skipAfter`.
fn target_of_jump(
    rules: &[Rule],
    n: usize,
    markers: &[(String, usize)],
    programs: &[Vec<usize>; 5],
) -> Result<Option<usize>, LoadError> {
    let Some(rule) = rules.get(n) else { return Ok(None) };
    let program = programs
        .get(rule.phase.index())
        .map(Vec::as_slice)
        .unwrap_or_default();
    if let Some(label) = &rule.skip_after {
        let marker = markers
            .iter()
            .find(|(known, before)| known == label && *before > n)
            .map(|(_, before)| *before)
            // A rule may be a marker too, by its number.
            .or_else(|| {
                let id = label.parse::<u64>().ok()?;
                rules.iter().position(|other| other.id == id).filter(|&m| m > n).map(|m| m + 1)
            })
            .ok_or_else(|| LoadError::Refused {
                at: rule.at.clone(),
                message: format!("no marker `{label}` follows; write `SecMarker \"{label}\"` further down"),
            })?;
        return Ok(Some(program.partition_point(|&other| other < marker)));
    }
    if rule.skip == 0 {
        return Ok(None);
    }
    let here = program.partition_point(|&other| other < n);
    Ok(Some(here + 1 + rule.skip))
}

fn resolve_controls(rules: &mut [Rule]) {
    let mut resolved: Vec<Vec<usize>> = Vec::new();
    for control in rules.iter().flat_map(|r| &r.links).flat_map(|l| &l.controls) {
        let which = match &control.control {
            Control::RemoveRules(which) | Control::RemoveTargets(which, _) => Some(which),
            Control::Engine(_)
            | Control::ForceRequestBody
            | Control::Processor(_)
            | Control::RequestBody(_)
            | Control::ResponseBody(_)
            | Control::Nothing => None,
        };
        resolved.push(which.map_or_else(Vec::new, |which| {
            let concerned = rules.iter().enumerate().filter(|(_, rule)| concerns(which, rule));
            concerned.map(|(n, _)| n).collect()
        }));
    }
    let controls = rules
        .iter_mut()
        .flat_map(|r| &mut r.links)
        .flat_map(|l| &mut l.controls);
    for (control, rules) in controls.zip(resolved) {
        control.rules = rules;
    }
}

/// What links share.
#[derive(Default)]
struct Tables {
    chains: Vec<Chain>,
    chain_of: HashMap<(usize, Transform), usize>,
    lists: Vec<Targets>,
    list_of: HashMap<String, usize>,
    groups: Vec<Group>,
    group_of: HashMap<Group, usize>,
    required: [Vec<Required>; 2],
}

impl Tables {
    fn enter(&mut self, link: &mut Link, side: usize) {
        link.list = self.list(&link.targets);
        link.chain = link
            .transforms
            .iter()
            .fold(0, |chain, &transform| self.chain(chain, transform));
        let group = Group {
            list: link.list,
            chain: link.chain,
            side,
        };
        link.group = *self.group_of.entry(group).or_insert_with(|| {
            self.groups.push(group);
            self.groups.len() - 1
        });
        let required = &link.operator.required;
        let known = !required.strings.is_empty() || !required.bytes.is_empty();
        if known && !link.operator.negated && let Some(all) = self.required.get_mut(side) {
            // Rules that ask the same share a test.
            let test = all.iter().position(|other| other == required).unwrap_or_else(|| {
                all.push(required.clone());
                all.len() - 1
            });
            link.test = Some(test);
        }
    }

    fn list(&mut self, targets: &Targets) -> usize {
        *self.list_of.entry(targets.key()).or_insert_with(|| {
            self.lists.push(targets.clone());
            self.lists.len() - 1
        })
    }

    fn chain(&mut self, parent: usize, transform: Transform) -> usize {
        let before = self.chains.get(parent).and_then(|chain| chain.touches);
        *self.chain_of.entry((parent, transform)).or_insert_with(|| {
            let touches = match (before, transform.touches()) {
                (Some(before), Some(own)) => Some(before.union(&own)),
                _ => None,
            };
            self.chains.push(Chain {
                parent,
                last: Some(transform),
                touches,
            });
            self.chains.len() - 1
        })
    }
}
