//! Who has which role: a graph for each section and domain, always closed.

use std::collections::{HashMap, HashSet};

use smallvec::SmallVec;

use crate::spread::Spread;
use crate::symbol::Symbol;

/// A row of a role section.
#[derive(Debug)]
pub(crate) struct RoleRow<'a> {
    pub(crate) section: usize,
    /// Member, role and, where the section has domains, the domain.
    pub(crate) fields: Vec<&'a str>,
    pub(crate) file: usize,
    pub(crate) line: u32,
}

/// A member in a domain.
pub(crate) type Key = (Symbol, Symbol);

/// A member that gets a role in a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) member: Symbol,
    pub(crate) role: Symbol,
    pub(crate) domain: Symbol,
}

/// The roles of one section.
#[derive(Debug, Default, Clone)]
pub(crate) struct Graph {
    standing: Spread<Key, Standing>,
    /// Direct members of each role.
    members: Spread<Key, Spread<Symbol, ()>>,
    /// (Member, role) pairs after closing.
    pairs: usize,
}

/// What a member has.
#[derive(Debug, Clone, Default)]
struct Standing {
    /// Every role, over others too, sorted; a handful stands in the table itself.
    closure: SmallVec<[Symbol; 6]>,
    /// Roles that rows give; `None` if these are all.
    direct: Option<Box<[Symbol]>>,
}

impl Standing {
    fn direct(&self) -> &[Symbol] {
        self.direct.as_deref().unwrap_or(&self.closure)
    }
}

/// Most (member, role) pairs after closing, over all sections; chosen to stay below 256 MB.
const MOST_PAIRS: usize = 1 << 26;

/// Why an edge cannot stand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unclosed {
    Cycle,
    /// It stands already.
    Twice,
    TooLarge,
}

impl Graph {
    /// Every role that the member has, itself not included.
    pub(crate) fn reach(&self, member: Symbol, domain: Symbol) -> &[Symbol] {
        self.standing
            .get(&(member, domain))
            .map_or(&[], |standing| &standing.closure)
    }

    /// Whether a row gives this role.
    pub(crate) fn has(&self, edge: Edge) -> bool {
        let standing = self.standing.get(&(edge.member, edge.domain));
        standing.is_some_and(|standing| standing.direct().contains(&edge.role))
    }

    pub(crate) fn pairs(&self) -> usize {
        self.pairs
    }

    /// Closes the edges of one section, each of which stands once; tells which closes a cycle.
    pub(crate) fn close(edges: &[Edge], before: usize) -> Result<Self, (usize, Unclosed)> {
        let mut out: HashMap<Key, Vec<(Symbol, usize)>, foldhash::fast::RandomState> =
            HashMap::default();
        let mut order = Vec::new();
        let mut graph = Self::default();
        for (index, edge) in edges.iter().enumerate() {
            let key = (edge.member, edge.domain);
            let list = out.entry(key).or_default();
            if list.is_empty() {
                order.push(key);
            }
            list.push((edge.role, index));
            graph.join(*edge);
        }
        let mut open: HashSet<Key, foldhash::fast::RandomState> = HashSet::default();
        for root in order {
            graph.visit(root, &out, &mut open, before)?;
        }
        Ok(graph)
    }

    /// Closes a member after everything it reaches, with a stack of its own.
    fn visit(
        &mut self,
        root: Key,
        out: &HashMap<Key, Vec<(Symbol, usize)>, foldhash::fast::RandomState>,
        open: &mut HashSet<Key, foldhash::fast::RandomState>,
        before: usize,
    ) -> Result<(), (usize, Unclosed)> {
        if self.standing.get(&root).is_some() {
            return Ok(());
        }
        let mut stack = vec![(root, 0_usize)];
        open.insert(root);
        while let Some((node, next)) = stack.last_mut() {
            let node = *node;
            let edges = out.get(&node).map_or(&[] as &[_], Vec::as_slice);
            if let Some((role, row)) = edges.get(*next) {
                *next += 1;
                let child = (*role, node.1);
                if open.contains(&child) {
                    return Err((*row, Unclosed::Cycle));
                }
                if out.contains_key(&child) && self.standing.get(&child).is_none() {
                    open.insert(child);
                    stack.push((child, 0));
                }
                continue;
            }
            let direct: Vec<Symbol> = edges.iter().map(|(role, _)| *role).collect();
            let first = edges.first().map_or(0, |(_, row)| *row);
            self.renew(node, &direct);
            if before + self.pairs > MOST_PAIRS {
                return Err((first, Unclosed::TooLarge));
            }
            open.remove(&node);
            stack.pop();
        }
        Ok(())
    }

    /// Computes what a member has from what its roles have.
    fn renew(&mut self, (member, domain): Key, direct: &[Symbol]) {
        let mut closure: SmallVec<[Symbol; 6]> = SmallVec::new();
        for role in direct {
            closure.push(*role);
            closure.extend_from_slice(self.reach(*role, domain));
        }
        closure.sort_unstable();
        closure.dedup();
        closure.shrink_to_fit();
        self.pairs -= self.reach(member, domain).len();
        self.pairs += closure.len();
        if closure.is_empty() {
            self.standing.remove(&(member, domain));
            return;
        }
        let mut sorted: Vec<Symbol> = direct.to_vec();
        sorted.sort_unstable();
        let direct = (sorted.as_slice() != closure.as_slice()).then(|| sorted.into_boxed_slice());
        self.standing
            .insert((member, domain), Standing { closure, direct });
    }

    fn join(&mut self, edge: Edge) {
        let key = (edge.role, edge.domain);
        match self.members.get_mut(&key) {
            Some(members) => {
                members.insert(edge.member, ());
            }
            None => {
                let mut members = Spread::default();
                members.insert(edge.member, ());
                self.members.insert(key, members);
            }
        }
    }

    /// Adds a row's edge, and closes anew whoever is below it; `before` pairs stand in other sections.
    pub(crate) fn add(&mut self, edge: Edge, before: usize) -> Result<(), Unclosed> {
        let Edge {
            member,
            role,
            domain,
        } = edge;
        if member == role || self.reach(role, domain).contains(&member) {
            return Err(Unclosed::Cycle);
        }
        if self.has(edge) {
            return Err(Unclosed::Twice);
        }
        let mut direct = self.direct((member, domain));
        direct.push(role);
        self.join(edge);
        self.renew((member, domain), &direct);
        self.renew_below((member, domain));
        if before + self.pairs > MOST_PAIRS {
            return Err(Unclosed::TooLarge);
        }
        Ok(())
    }

    /// Takes a row's edge away.
    pub(crate) fn remove(&mut self, edge: Edge) {
        let Edge {
            member,
            role,
            domain,
        } = edge;
        let mut direct = self.direct((member, domain));
        direct.retain(|known| *known != role);
        let key = (role, domain);
        let left = self.members.get_mut(&key).map_or(0, |members| {
            members.remove(&member);
            members.len()
        });
        if left == 0 {
            self.members.remove(&key);
        }
        self.renew((member, domain), &direct);
        self.renew_below((member, domain));
    }

    fn direct(&self, key: Key) -> Vec<Symbol> {
        let standing = self.standing.get(&key);
        standing.map_or_else(Vec::new, |standing| standing.direct().to_vec())
    }

    /// Closes anew everybody below a member, each after what it has been given.
    fn renew_below(&mut self, (member, domain): Key) {
        if self.members.get(&(member, domain)).is_none() {
            return;
        }
        // Reverse postorder over the members: a name comes after every name above it.
        let mut order = Vec::new();
        let mut seen: HashSet<Symbol, foldhash::fast::RandomState> = HashSet::default();
        seen.insert(member);
        let below = |name: Symbol| -> Vec<Symbol> {
            let members = self.members.get(&(name, domain));
            members.map_or_else(Vec::new, |members| {
                members.iter().map(|(member, ())| *member).collect()
            })
        };
        let mut stack = vec![(member, below(member))];
        while let Some((name, left)) = stack.last_mut() {
            match left.pop() {
                Some(next) => {
                    if seen.insert(next) {
                        let members = below(next);
                        stack.push((next, members));
                    }
                }
                None => {
                    order.push(*name);
                    stack.pop();
                }
            }
        }
        for name in order.into_iter().rev().skip(1) {
            let direct = self.direct((name, domain));
            self.renew((name, domain), &direct);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edge((member, role, domain): (u32, u32, u32)) -> Edge {
        Edge {
            member: Symbol(member),
            role: Symbol(role),
            domain: Symbol(domain),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_graph_that_followed_changes_is_that_of_its_edges(
            steps in proptest::collection::vec((any::<bool>(), 0_u32..9, 0_u32..9, 100_u32..102), 0..80)
        ) {
            let (mut graph, mut edges): (Graph, Vec<Edge>) = (Graph::default(), Vec::new());
            for (add, member, role, domain) in steps {
                let edge = edge((member, role, domain));
                if !add {
                    edges.retain(|known| *known != edge);
                    graph.remove(edge);
                } else if edges.contains(&edge) {
                    prop_assert_eq!(graph.clone().add(edge, 0), Err(Unclosed::Twice));
                } else {
                    edges.push(edge);
                    let whole = Graph::close(&edges, 0);
                    let tried = graph.clone().add(edge, 0);
                    prop_assert_eq!(tried.is_err(), whole.is_err());
                    match tried {
                        Ok(()) => graph.add(edge, 0).unwrap(),
                        Err(fault) => {
                            prop_assert_eq!(fault, Unclosed::Cycle);
                            edges.pop();
                        }
                    }
                }
            }
            let whole = Graph::close(&edges, 0).unwrap();
            prop_assert_eq!(graph.pairs(), whole.pairs());
            prop_assert_eq!(graph.standing.len(), whole.standing.len());
            prop_assert_eq!(graph.members.len(), whole.members.len());
            for member in 0..9 {
                for domain in 100..102 {
                    let (member, domain) = (Symbol(member), Symbol(domain));
                    prop_assert_eq!(graph.reach(member, domain), whole.reach(member, domain));
                    let mut direct = graph.direct((member, domain));
                    direct.sort_unstable();
                    let mut wanted = whole.direct((member, domain));
                    wanted.sort_unstable();
                    prop_assert_eq!(direct, wanted);
                }
            }
        }
    }

    #[test]
    fn a_change_high_up_reaches_everybody_below_it() {
        let mut graph = Graph::default();
        for member in 1..2_000 {
            graph.add(edge((member, member - 1, 9_999)), 0).unwrap();
        }
        graph.add(edge((0, 5_000, 9_999)), 0).unwrap();
        let bottom = graph.reach(Symbol(1_999), Symbol(9_999));
        assert_eq!((bottom.len(), bottom.last()), (2_000, Some(&Symbol(5_000))));
        assert_eq!(
            graph.add(edge((5_000, 1_999, 9_999)), 0),
            Err(Unclosed::Cycle)
        );
        graph.remove(edge((1, 0, 9_999)));
        assert_eq!(graph.reach(Symbol(1_999), Symbol(9_999)).len(), 1_998);
    }
}
