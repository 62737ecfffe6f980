//! Who has which role: a graph for each section and domain, closed at load.

use std::collections::HashMap;

use crate::source::size;
use crate::symbol::{Symbol, Symbols};

/// A row of a role section.
#[derive(Debug)]
pub(crate) struct RoleRow {
    pub(crate) section: usize,
    pub(crate) fields: Vec<Box<str>>,
    pub(crate) file: usize,
    pub(crate) line: u32,
}

impl RoleRow {
    fn ends(&self) -> Option<(&str, &str, &str)> {
        match self.fields.as_slice() {
            [member, role] => Some((member, role, "")),
            [member, role, domain] => Some((member, role, domain)),
            _ => None,
        }
    }
}

/// The roles of one section.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Member and domain to a stretch of `roles`.
    closures: HashMap<(Symbol, Symbol), (u32, u32), foldhash::fast::RandomState>,
    /// Sorted within each stretch.
    roles: Vec<Symbol>,
}

/// Most (member, role) pairs after closing, over all sections; chosen to stay below 256 MB.
const MOST_PAIRS: usize = 1 << 26;

/// Why a section cannot be closed.
#[derive(Debug)]
pub(crate) enum Unclosed {
    /// This row, by its index, closes a cycle.
    Cycle(usize),
    TooLarge,
}

impl Graph {
    /// Every role that the member has, itself not included.
    pub(crate) fn reach(&self, member: Symbol, domain: Symbol) -> &[Symbol] {
        let Some((start, length)) = self.closures.get(&(member, domain)) else {
            return &[];
        };
        let start = *start as usize;
        self.roles
            .get(start..start + *length as usize)
            .unwrap_or_default()
    }

    /// Closes the rows of one section; `rows` holds each with its index for reports.
    pub(crate) fn close<'r>(
        rows: impl Iterator<Item = (usize, &'r RoleRow)>,
        symbols: &mut Symbols,
    ) -> Result<Self, Unclosed> {
        let mut edges: HashMap<
            (Symbol, Symbol),
            Vec<(Symbol, usize)>,
            foldhash::fast::RandomState,
        > = HashMap::default();
        let mut order = Vec::new();
        for (index, row) in rows {
            let Some((member, role, domain)) = row.ends() else {
                continue;
            };
            let key = (symbols.intern(member), symbols.intern(domain));
            let role = symbols.intern(role);
            let out = edges.entry(key).or_default();
            if out.is_empty() {
                order.push(key);
            }
            out.push((role, index));
        }
        let mut graph = Self::default();
        let mut open: HashMap<(Symbol, Symbol), (), foldhash::fast::RandomState> =
            HashMap::default();
        for root in order {
            graph.visit(root, &edges, &mut open)?;
        }
        Ok(graph)
    }

    /// Closes a member after everything it reaches, with a stack of its own.
    fn visit(
        &mut self,
        root: (Symbol, Symbol),
        edges: &HashMap<(Symbol, Symbol), Vec<(Symbol, usize)>, foldhash::fast::RandomState>,
        open: &mut HashMap<(Symbol, Symbol), (), foldhash::fast::RandomState>,
    ) -> Result<(), Unclosed> {
        if self.closures.contains_key(&root) {
            return Ok(());
        }
        let mut stack = vec![(root, 0_usize)];
        open.insert(root, ());
        while let Some((node, next)) = stack.last_mut() {
            let node = *node;
            let out = edges.get(&node).map_or(&[] as &[_], Vec::as_slice);
            if let Some((role, row)) = out.get(*next) {
                *next += 1;
                let child = (*role, node.1);
                if open.contains_key(&child) {
                    return Err(Unclosed::Cycle(*row));
                }
                if edges.contains_key(&child) && !self.closures.contains_key(&child) {
                    open.insert(child, ());
                    stack.push((child, 0));
                }
                continue;
            }
            let mut reached: Vec<Symbol> = Vec::with_capacity(out.len());
            for (role, _) in out {
                reached.push(*role);
                reached.extend_from_slice(self.reach(*role, node.1));
            }
            reached.sort_unstable();
            reached.dedup();
            if self.roles.len() + reached.len() > MOST_PAIRS {
                return Err(Unclosed::TooLarge);
            }
            self.closures
                .insert(node, (size(self.roles.len()), size(reached.len())));
            self.roles.extend_from_slice(&reached);
            open.remove(&node);
            stack.pop();
        }
        Ok(())
    }
}
