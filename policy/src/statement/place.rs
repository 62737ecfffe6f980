//! Where requests arrive: each way from a zone to a host of a portal, or each combination of department, zone and host
//! that a policy without portals tells apart.

use std::collections::{BTreeSet, HashMap};

use super::formula::Given;
use super::names::{Comparands, compared, covers, zone_in_policy};
use super::routes::{self, Route};
use super::space::Space;
use super::world::{Certificates, Portal, World, Zone};
use super::written::{From, Name, Scope, Target};
use crate::engine::plan::{Guard, Pair};
use crate::engine::snapshot::Policy;
use crate::obligation::RedactLevel;

/// What the gateway asks of a request before the policy is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) assurance: u8,
    pub(super) redact: Option<RedactLevel>,
    pub(super) certificates: Certificates,
}

/// The requests that share department, zone and host.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) portal: Option<&'a Portal>,
    pub(super) zone: Option<&'a Zone>,
    /// The facts that all of them share, by slot.
    pub(super) given: Vec<(usize, Given<'a>)>,
    pub(super) entry: Option<Entry>,
    /// The paths that lead here: patterns, each less others.
    pub(super) routes: Vec<(Route<'a>, Vec<Route<'a>>)>,
}

/// Everything places are made of.
pub(super) struct Atlas<'a> {
    pub(super) policy: &'a Policy,
    pub(super) space: &'a Space,
    pub(super) world: Option<&'a World>,
    /// The zones as policy names them, in the order of the world.
    zones: Vec<String>,
}

/// Most places that a policy without portals may tell apart.
const MOST_PLACES: usize = 200_000;

impl<'a> Atlas<'a> {
    pub(super) fn new(policy: &'a Policy, space: &'a Space, world: Option<&'a World>) -> Self {
        let zones = world.map(|world| {
            world
                .zones
                .iter()
                .map(|zone| zone_in_policy(&zone.name))
                .collect()
        });
        Self {
            policy,
            space,
            world,
            zones: zones.unwrap_or_default(),
        }
    }

    /// The places of a scope; `None` if there are too many to look at.
    pub(super) fn places<'s>(
        &'s self,
        scope: &'s Scope,
        shelves: &Shelves<'a>,
    ) -> Option<Vec<Place<'s>>> {
        match self.world {
            Some(world) => Some(self.in_world(world, scope)),
            None => self.in_policy(scope, shelves),
        }
    }

    fn in_world<'s>(&'s self, world: &'s World, scope: &'s Scope) -> Vec<Place<'s>> {
        let mut places = Vec::new();
        let named = self
            .space
            .host
            .map(|slot| compared(self.policy, slot))
            .unwrap_or_default();
        let zones = world.zones.iter().zip(&self.zones);
        for (zone, source) in
            zones.filter(|(zone, _)| is_from(&scope.from, |name| name.text == zone.name))
        {
            for portal in &world.portals {
                let Some((assurance, redact)) = world.crossing(&zone.name, &portal.zone) else {
                    continue;
                };
                let aimed = match &scope.target {
                    Target::Anything | Target::Hosts(_) => true,
                    Target::Portals(names) => has(names, &portal.name),
                    Target::Zones(names) => has(names, &portal.zone),
                    Target::Departments(names) => has(names, &portal.department),
                };
                if !aimed {
                    continue;
                }
                for (declared, host) in hosts(world, portal, scope, &named) {
                    let given = [
                        (self.space.dom, Given::Named(&portal.department)),
                        (self.space.src, Given::Named(source)),
                        (self.space.host, host),
                    ];
                    places.push(Place {
                        portal: Some(portal),
                        zone: Some(zone),
                        given: given
                            .into_iter()
                            .filter_map(|(slot, given)| Some((slot?, given)))
                            .collect(),
                        entry: Some(Entry {
                            assurance,
                            redact,
                            certificates: zone.certificates,
                        }),
                        routes: leading_to(world, portal, declared),
                    });
                }
            }
        }
        places
    }

    fn in_policy<'s>(&'s self, scope: &'s Scope, shelves: &Shelves<'a>) -> Option<Vec<Place<'s>>> {
        let space = self.space;
        let all = |slot: usize| -> Vec<Given<'s>> {
            let names = compared(self.policy, slot);
            let unnamed = unnamed(&names);
            names
                .into_iter()
                .map(Given::Named)
                .chain([unnamed])
                .collect()
        };
        let chosen = |names: &'s [Name]| -> Vec<Given<'s>> {
            names.iter().map(|name| Given::Named(&name.text)).collect()
        };
        let departments: Vec<Option<Given<'s>>> = match (space.dom, &scope.target) {
            (None, _) => vec![None],
            (Some(_), Target::Departments(names)) => chosen(names).into_iter().map(Some).collect(),
            (Some(slot), _) => all(slot).into_iter().map(Some).collect(),
        };
        let sources: Vec<Option<Given<'s>>> = match space.src {
            None => vec![None],
            Some(slot) => all(slot)
                .into_iter()
                .filter(|source| {
                    is_from(&scope.from, |name| {
                        zone_in_policy(&name.text) == source.text()
                    })
                })
                .map(Some)
                .collect(),
        };
        let comparands = space.host.map(|slot| Comparands::of(self.policy, slot));
        let mut places = Vec::new();
        for department in departments {
            let hosts: Vec<Option<Given<'s>>> = match (&comparands, &scope.target) {
                (None, _) => vec![None],
                (Some(_), Target::Hosts(names)) => chosen(names).into_iter().map(Some).collect(),
                (Some(comparands), _) => {
                    let rows = shelves.rows(department.as_ref());
                    let names = comparands.in_rows(self.policy, rows.into_iter());
                    let unnamed = unnamed(&names);
                    names
                        .into_iter()
                        .map(Given::Named)
                        .chain([unnamed])
                        .map(Some)
                        .collect()
                }
            };
            for host in &hosts {
                for source in &sources {
                    if places.len() == MOST_PLACES {
                        return None;
                    }
                    let given = [
                        (space.dom, department.clone()),
                        (space.src, source.clone()),
                        (space.host, host.clone()),
                    ];
                    places.push(Place {
                        portal: None,
                        zone: None,
                        given: given
                            .into_iter()
                            .filter_map(|(slot, given)| Some((slot?, given?)))
                            .collect(),
                        entry: None,
                        routes: vec![(routes::everything(), Vec::new())],
                    });
                }
            }
        }
        Some(places)
    }
}

fn has(names: &[Name], text: &str) -> bool {
    names.iter().any(|name| name.text == text)
}

fn is_from(from: &From, is: impl Fn(&Name) -> bool) -> bool {
    match from {
        From::Anywhere => true,
        From::Zones(zones) => zones.iter().any(is),
        From::Others(zones) => !zones.iter().any(is),
    }
}

/// A text that is none of these.
fn unnamed<'a>(names: &BTreeSet<&str>) -> Given<'a> {
    let free = (0_usize..)
        .map(|number| {
            if number == 0 {
                "other".to_owned()
            } else {
                format!("other-{number}")
            }
        })
        .find(|text| !names.contains(text.as_str()));
    Given::Unnamed(free.unwrap_or_default())
}

/// The hosts of a portal within a scope, each with the declared name that covers it.
fn hosts<'a>(
    world: &'a World,
    portal: &'a Portal,
    scope: &'a Scope,
    named: &BTreeSet<&'a str>,
) -> Vec<(&'a str, Given<'a>)> {
    let is_exact = |host: &str| {
        world
            .portals
            .iter()
            .flat_map(|portal| &portal.hosts)
            .any(|known| known == host)
    };
    let mut found = Vec::new();
    for declared in &portal.hosts {
        let wanted = |host: &str| match &scope.target {
            Target::Hosts(names) => has(names, host) || has(names, declared),
            Target::Anything | Target::Portals(_) | Target::Zones(_) | Target::Departments(_) => {
                true
            }
        };
        let Some(suffix) = declared.strip_prefix("*.") else {
            if wanted(declared) {
                found.push((declared.as_str(), Given::Named(declared)));
            }
            continue;
        };
        let mut known = named.clone();
        if let Target::Hosts(names) = &scope.target {
            known.extend(names.iter().map(|name| name.text.as_str()));
        }
        let covered = known
            .iter()
            .filter(|host| !host.starts_with("*.") && covers(declared, host) && !is_exact(host));
        found.extend(
            covered
                .filter(|host| wanted(host))
                .map(|host| (declared.as_str(), Given::Named(host))),
        );
        let free = (0_usize..).map(|number| format!("any-{number}.{suffix}"));
        let free = free
            .into_iter()
            .find(|host| !known.contains(host.as_str()) && !is_exact(host))
            .unwrap_or_default();
        if wanted(&free) {
            found.push((declared.as_str(), Given::Unnamed(free)));
        }
    }
    found
}

/// The paths of a host that lead to this portal and to no other with a longer prefix.
fn leading_to<'a>(
    world: &'a World,
    portal: &'a Portal,
    host: &str,
) -> Vec<(Route<'a>, Vec<Route<'a>>)> {
    let others: Vec<&'a str> = world
        .portals
        .iter()
        .filter(|other| other.name != portal.name && other.hosts.iter().any(|known| known == host))
        .flat_map(|other| other.paths.iter().map(String::as_str))
        .collect();
    let mut found = Vec::new();
    for prefix in &portal.paths {
        let longer = others.iter().filter(|other| other.len() > prefix.len());
        let avoid: Vec<Route<'a>> = longer.flat_map(|other| routes::below(other)).collect();
        found.extend(
            routes::below(prefix)
                .into_iter()
                .map(|route| (route, avoid.clone())),
        );
    }
    found
}

/// Rows by the department that they name, so that a place looks at few of them.
pub(super) struct Shelves<'a> {
    by_department: Option<HashMap<&'a str, Vec<usize>>>,
    /// Rows for every department; all rows if they are not told apart.
    others: Vec<usize>,
}

impl<'a> Shelves<'a> {
    pub(super) fn new(policy: &'a Policy, space: &Space) -> Self {
        let pair: Option<&Pair> = policy.plan.guards.iter().find_map(|guard| match guard {
            Guard::Equal(pair) if Some(pair.slot) == space.dom => Some(pair),
            Guard::Equal(_)
            | Guard::Role(..)
            | Guard::Match(..)
            | Guard::Condition(_)
            | Guard::Other => None,
        });
        let rows = 0..policy.rules.len();
        let Some(pair) = pair else {
            return Self {
                by_department: None,
                others: rows.collect(),
            };
        };
        let mut by_department: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut others = Vec::new();
        for row in rows {
            let text = policy.rules.field(row, pair.field);
            if pair.any.as_deref() == Some(text) {
                others.push(row);
            } else {
                by_department.entry(text).or_default().push(row);
            }
        }
        Self {
            by_department: Some(by_department),
            others,
        }
    }

    /// The rows that can apply in a department, in order.
    pub(super) fn rows(&self, department: Option<&Given<'_>>) -> Vec<usize> {
        let mut rows = self.others.clone();
        if let (Some(shelves), Some(Given::Named(department))) = (&self.by_department, department) {
            rows.extend(shelves.get(department).into_iter().flatten());
            rows.sort_unstable();
        }
        rows
    }
}
