//! The engines, each behind the same question: what of request number N?

use std::error::Error;
use std::str::FromStr;

use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, RestrictedExpression,
};
use hangu_policy::{Dialect, Snapshot, Source};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::workload::{MODEL, Request};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A loaded engine with its requests.
pub(crate) trait Engine {
    /// Whether a request is allowed.
    fn ask(&mut self, number: usize) -> Outcome<bool>;
}

type Load = fn(&str, usize, &[Request]) -> Outcome<Box<dyn Engine>>;

/// Name, most rules that are worth waiting for, and how it is loaded.
pub(crate) const ENGINES: &[(&str, usize, Load)] = &[
    ("hangu", 1_000_000, hangu),
    ("casbin", 100_000, crate_casbin),
    ("cedar", 100_000, cedar),
    ("cedar-rules", 10_000, cedar_rules),
    ("regorus", 1_000_000, regorus),
];

fn wrong(error: impl std::fmt::Display) -> Box<dyn Error> {
    error.to_string().into()
}

struct Hangu(Snapshot, Vec<Request>);

fn hangu(rules: &str, size: usize, requests: &[Request]) -> Outcome<Box<dyn Engine>> {
    let source = |name, text| Source { name, text };
    let rules = [source("rules", rules)];
    let snapshot =
        Snapshot::load(source("model", MODEL), &rules, Dialect::Strict).map_err(|mistakes| {
            mistakes
                .first()
                .map_or_else(String::new, ToString::to_string)
        })?;
    let requests = (0..requests.len()).map(|number| Request::new(number, size));
    Ok(Box::new(Hangu(snapshot, requests.collect())))
}

impl Engine for Hangu {
    fn ask(&mut self, number: usize) -> Outcome<bool> {
        let request = self.1.get(number).ok_or("no such request")?;
        Ok(request.ask(&self.0))
    }
}

#[derive(Serialize, Hash, Clone, Copy)]
struct Facts {
    aal: i32,
    dev: i32,
    risk: i32,
    min: i32,
    dow: i32,
    cert: bool,
}

const FACTS: Facts = Facts {
    aal: 2,
    dev: 80,
    risk: 10,
    min: 600,
    dow: 3,
    cert: false,
};

struct Casbin(Enforcer, Vec<Request>);

fn crate_casbin(rules: &str, size: usize, requests: &[Request]) -> Outcome<Box<dyn Engine>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let rules = rules.to_owned();
    let enforcer = runtime.block_on(async {
        let model = DefaultModel::from_str(MODEL).await?;
        Enforcer::new(model, StringAdapter::new(rules)).await
    })?;
    let requests = (0..requests.len()).map(|number| Request::new(number, size));
    Ok(Box::new(Casbin(enforcer, requests.collect())))
}

impl Engine for Casbin {
    fn ask(&mut self, number: usize) -> Outcome<bool> {
        let request = self.1.get(number).ok_or("no such request")?;
        let [sub, dom, host, path, act] = request.parts();
        Ok(self
            .0
            .enforce((sub, dom, "zone:intranet", host, path, act, FACTS))?)
    }
}

/// A rule that allows, as the workload writes it.
struct Rule<'t> {
    role: &'t str,
    dom: &'t str,
    path: &'t str,
    acts: Vec<&'t str>,
}

fn allowing(rules: &str) -> impl Iterator<Item = Rule<'_>> {
    rules.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(", ").collect();
        match fields.as_slice() {
            ["p", role, dom, _, _, path, act, _, "allow", ..] if *role != "*" => Some(Rule {
                role,
                dom,
                path,
                acts: act.trim_matches(['^', '$', '(', ')']).split('|').collect(),
            }),
            _ => None,
        }
    })
}

/// Member, role and domain.
fn given(rules: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    rules.lines().filter_map(|line| {
        let mut fields = line.strip_prefix("g, ")?.split(", ");
        Some((fields.next()?, fields.next()?, fields.next()?))
    })
}

/// The pattern that a path of the workload falls under.
fn pattern(path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').collect();
    if let Some(id) = segments.get_mut(4) {
        *id = ":id";
    }
    let more = segments.len() > 6;
    segments.truncate(6);
    segments.join("/") + if more { "/*" } else { "" }
}

struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    requests: Vec<cedar_policy::Request>,
}

impl Engine for Cedar {
    fn ask(&mut self, number: usize) -> Outcome<bool> {
        let request = self.requests.get(number).ok_or("no such request")?;
        let response = self
            .authorizer
            .is_authorized(request, &self.policies, &self.entities);
        Ok(response.decision() == Decision::Allow)
    }
}

fn uid(kind: &str, name: &str) -> Outcome<EntityUid> {
    Ok(EntityUid::from_type_name_and_id(
        kind.parse().map_err(wrong)?,
        cedar_policy::EntityId::new(name),
    ))
}

const FORBIDS: &str = "forbid(principal, action, resource) when { context.risk >= 80 };\
    forbid(principal, action, resource) when { [\"PUT\", \"DELETE\", \"PATCH\"].contains(context.act) && context.dev < 40 };";

fn cedar_requests(
    requests: &[Request],
    resource: impl Fn(&str, &str) -> String,
) -> Outcome<Vec<cedar_policy::Request>> {
    let mut made = Vec::new();
    for request in requests {
        let [sub, dom, _, path, act] = request.parts();
        let context = json!({ "aal": 2, "dev": 80, "risk": 10, "act": act, "path": path });
        made.push(
            cedar_policy::Request::new(
                uid("User", sub)?,
                uid("Action", "call")?,
                uid("Resource", &resource(dom, path))?,
                Context::from_json_value(context, None).map_err(wrong)?,
                None,
            )
            .map_err(wrong)?,
        );
    }
    Ok(made)
}

/// Callers below their roles.
fn cedar_callers(rules: &str) -> Outcome<Vec<Entity>> {
    let mut callers: std::collections::BTreeMap<&str, std::collections::HashSet<EntityUid>> =
        std::collections::BTreeMap::new();
    let mut roles = std::collections::BTreeSet::new();
    for (member, role, _) in given(rules) {
        callers
            .entry(member)
            .or_default()
            .insert(uid("Role", role)?);
        roles.insert(role);
    }
    let mut entities = Vec::new();
    for (caller, roles) in callers {
        entities.push(Entity::new_no_attrs(uid("User", caller)?, roles));
    }
    for role in roles {
        entities.push(Entity::new_no_attrs(uid("Role", role)?, Default::default()));
    }
    Ok(entities)
}

/// One policy over entity data: a resource knows the roles that may, each with its methods.
fn cedar(rules: &str, _: usize, requests: &[Request]) -> Outcome<Box<dyn Engine>> {
    let mut entities = cedar_callers(rules)?;
    let mut resources: std::collections::BTreeMap<(&str, &str), Vec<Rule<'_>>> =
        std::collections::BTreeMap::new();
    for rule in allowing(rules) {
        resources
            .entry((rule.dom, rule.path))
            .or_default()
            .push(rule);
    }
    for ((dom, path), rules) in resources {
        let mut attributes = std::collections::HashMap::new();
        for act in ["GET", "HEAD", "PUT", "POST"] {
            let mut roles = Vec::new();
            for rule in rules.iter().filter(|rule| rule.acts.contains(&act)) {
                roles.push(RestrictedExpression::new_entity_uid(uid(
                    "Role", rule.role,
                )?));
            }
            attributes.insert(act.to_owned(), RestrictedExpression::new_set(roles));
        }
        let resource = uid("Resource", &format!("{dom} {path}"))?;
        entities.push(Entity::new(resource, attributes, Default::default()).map_err(wrong)?);
    }
    let mut policies = FORBIDS.to_owned();
    for act in ["GET", "HEAD", "PUT", "POST"] {
        policies += &format!(
            "permit(principal, action, resource) when {{ context.act == \"{act}\" && resource has {act} && \
             principal in resource.{act} && context.aal >= 2 && context.dev >= 60 }};"
        );
    }
    Ok(Box::new(Cedar {
        authorizer: Authorizer::new(),
        policies: PolicySet::from_str(&policies).map_err(wrong)?,
        entities: Entities::from_entities(entities, None).map_err(wrong)?,
        requests: cedar_requests(requests, |dom, path| format!("{dom} {}", pattern(path)))?,
    }))
}

/// One `permit` for each rule, the path compared with wildcards.
fn cedar_rules(rules: &str, _: usize, requests: &[Request]) -> Outcome<Box<dyn Engine>> {
    let mut policies = FORBIDS.to_owned();
    for rule in allowing(rules) {
        let path = rule.path.replace(":id", "*");
        policies += &format!(
            "permit(principal in Role::\"{}\", action, resource == Resource::\"{}\") when {{ {:?}.contains(context.act) && \
             context.path like \"{path}\" && context.aal >= 2 && context.dev >= 60 }};",
            rule.role, rule.dom, rule.acts
        );
    }
    Ok(Box::new(Cedar {
        authorizer: Authorizer::new(),
        policies: PolicySet::from_str(&policies).map_err(wrong)?,
        entities: Entities::from_entities(cedar_callers(rules)?, None).map_err(wrong)?,
        requests: cedar_requests(requests, |dom, _| dom.to_owned())?,
    }))
}

struct Regorus(regorus::Engine, Vec<regorus::Value>);

const REGO: &str = "package hangu\n\
    import rego.v1\n\
    default allow := false\n\
    forbidden if input.risk >= 80\n\
    forbidden if { input.act in {\"PUT\", \"DELETE\", \"PATCH\"}; input.dev < 40 }\n\
    granted if {\n\
      some role in data.roles[input.dom][input.sub]\n\
      data.rules[input.dom][role][input.pattern][input.act]\n\
      input.aal >= 2\n\
      input.dev >= 60\n\
    }\n\
    allow if { granted; not forbidden }\n";

fn regorus(rules: &str, _: usize, requests: &[Request]) -> Outcome<Box<dyn Engine>> {
    let mut roles = json!({});
    for (member, role, dom) in given(rules) {
        let list = entry(entry(&mut roles, dom), member);
        if let Json::Object(_) = list {
            *list = json!([]);
        }
        if let Json::Array(list) = list {
            list.push(json!(role));
        }
    }
    let mut index = json!({});
    for rule in allowing(rules) {
        let acts = entry(entry(entry(&mut index, rule.dom), rule.role), rule.path);
        for act in rule.acts {
            *entry(acts, act) = json!(true);
        }
    }
    let data =
        regorus::Value::from_json_str(&json!({ "roles": roles, "rules": index }).to_string());
    let mut engine = regorus::Engine::new();
    engine
        .add_policy("hangu.rego".into(), REGO.into())
        .map_err(wrong)?;
    engine.add_data(data.map_err(wrong)?).map_err(wrong)?;
    let mut inputs = Vec::new();
    for request in requests {
        let [sub, dom, _, path, act] = request.parts();
        let input = json!({ "sub": sub, "dom": dom, "pattern": pattern(path), "act": act, "aal": 2, "dev": 80, "risk": 10 });
        inputs.push(regorus::Value::from_json_str(&input.to_string()).map_err(wrong)?);
    }
    Ok(Box::new(Regorus(engine, inputs)))
}

fn entry<'j>(object: &'j mut Json, key: &str) -> &'j mut Json {
    if !object.is_object() {
        *object = json!({});
    }
    match object {
        Json::Object(map) => map.entry(key).or_insert_with(|| json!({})),
        other => other,
    }
}

impl Engine for Regorus {
    fn ask(&mut self, number: usize) -> Outcome<bool> {
        let input = self.1.get(number).ok_or("no such request")?;
        self.0.set_input(input.clone());
        let allowed = self.0.eval_rule("data.hangu.allow".into()).map_err(wrong)?;
        Ok(allowed == regorus::Value::from(true))
    }
}
