//! Path trees: which rows a path leads to.
//!
//! All trees of an index share four arrays, each tree in one stretch of them, so that a walk stays
//! within a few pages.

use std::hash::BuildHasher;

use smallvec::SmallVec;

use super::draft::Draft;
use crate::language::path::Segment;
use crate::source::size;

/// A stretch of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Span {
    pub(crate) fn of<T>(self, items: &[T]) -> &[T] {
        let start = self.start as usize;
        items
            .get(start..start + self.length as usize)
            .unwrap_or_default()
    }
}

/// Marks that a node has no parameter edge.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Rows whose pattern ends here.
    here: Span,
    /// Rows whose pattern goes on with `/*`.
    tail: Span,
    edges: Span,
    parameter: u32,
}

/// A literal segment and where it leads.
#[derive(Debug, Clone, Copy)]
struct Edge {
    /// Edges of a node are sorted by it.
    hash: u32,
    child: u32,
    length: u32,
    /// Where the label goes on in the store of long labels.
    rest: u32,
    /// The label as far as it fits, so that most comparisons need no look elsewhere.
    head: [u8; HEAD],
}

/// Bytes of a label that stand in its edge; chosen so that an edge has 28.
const HEAD: usize = 12;

impl Edge {
    fn is(&self, segment: &[u8], labels: &[u8]) -> bool {
        let short = segment.len().min(HEAD);
        if self.length as usize != segment.len() || self.head.get(..short) != segment.get(..short) {
            return false;
        }
        let Some(rest) = segment.get(HEAD..) else {
            return true;
        };
        let start = self.rest as usize;
        labels.get(start..start + rest.len()) == Some(rest)
    }
}

/// The path trees of an index.
#[derive(Debug, Default)]
pub(crate) struct Forest {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// Labels beyond what edges hold.
    labels: Vec<u8>,
    hasher: foldhash::fast::FixedState,
}

impl Forest {
    /// Plants a tree over rows sorted by their routes; `place` stores rows and says where they lie.
    pub(crate) fn plant<'r>(
        &mut self,
        drafts: &[Draft<'r>],
        depth: usize,
        place: &mut dyn FnMut(&[Draft<'r>]) -> Span,
    ) -> u32 {
        let segment = |draft: &Draft<'r>| {
            draft
                .route
                .as_ref()
                .and_then(|route| route.get(depth))
                .copied()
        };
        let (here, deeper) =
            drafts.split_at(drafts.partition_point(|draft| segment(draft).is_none()));
        let node = size(self.nodes.len());
        let blank = Node {
            here: place(here),
            tail: Span::default(),
            edges: Span::default(),
            parameter: NOWHERE,
        };
        self.nodes.push(blank);
        let mut literal = Vec::new();
        let mut parameter: &[Draft<'r>] = &[];
        let mut tail = Span::default();
        for group in deeper.chunk_by(|one, other| segment(one) == segment(other)) {
            match group.first().and_then(segment) {
                Some(Segment::Literal(text)) => {
                    literal.push((self.hash(text.as_bytes()), text, group))
                }
                Some(Segment::Parameter) => parameter = group,
                Some(Segment::Tail) => tail = place(group),
                None => {}
            }
        }
        literal.sort_by_key(|(hash, ..)| *hash);
        let edges = Span {
            start: size(self.edges.len()),
            length: size(literal.len()),
        };
        for (hash, text, _) in &literal {
            let mut head = [0; HEAD];
            for (to, from) in head.iter_mut().zip(text.as_bytes()) {
                *to = *from;
            }
            self.edges.push(Edge {
                hash: *hash,
                child: NOWHERE,
                length: size(text.len()),
                rest: size(self.labels.len()),
                head,
            });
            let rest = text.as_bytes().get(HEAD..).unwrap_or_default();
            self.labels.extend_from_slice(rest);
        }
        for (at, (.., group)) in literal.iter().enumerate() {
            let child = self.plant(group, depth + 1, place);
            if let Some(edge) = self.edges.get_mut(edges.start as usize + at) {
                edge.child = child;
            }
        }
        let parameter = if parameter.is_empty() {
            NOWHERE
        } else {
            self.plant(parameter, depth + 1, place)
        };
        if let Some(planted) = self.nodes.get_mut(node as usize) {
            *planted = Node {
                tail,
                edges,
                parameter,
                ..*planted
            };
        }
        node
    }

    /// Calls `found` with every stretch of rows whose pattern matches the path.
    pub(crate) fn walk(&self, root: u32, path: &str, mut found: impl FnMut(Span)) {
        let Some(path) = path.strip_prefix('/') else {
            return;
        };
        let path = path.as_bytes();
        // The offset is one beyond the end when every segment has been taken.
        let mut open: SmallVec<[(u32, usize); 16]> = SmallVec::new();
        open.push((root, 0));
        while let Some((node, offset)) = open.pop() {
            let Some(node) = self.nodes.get(node as usize) else {
                continue;
            };
            let Some(rest) = path.get(offset..) else {
                found(node.here);
                continue;
            };
            found(node.tail);
            let length = rest
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(rest.len());
            let segment = rest.get(..length).unwrap_or_default();
            let next = offset + length + 1;
            if node.parameter != NOWHERE && length > 0 {
                open.push((node.parameter, next));
            }
            if let Some(child) = self.child(node.edges, segment) {
                open.push((child, next));
            }
        }
    }

    fn child(&self, edges: Span, segment: &[u8]) -> Option<u32> {
        let edges = edges.of(&self.edges);
        if edges.is_empty() {
            return None;
        }
        let hash = self.hash(segment);
        let first = edges.partition_point(|edge| edge.hash < hash);
        let same = edges
            .get(first..)?
            .iter()
            .take_while(|edge| edge.hash == hash);
        same.into_iter()
            .find(|edge| edge.is(segment, &self.labels))
            .map(|edge| edge.child)
    }

    fn hash(&self, segment: &[u8]) -> u32 {
        // The upper half is the better mixed one.
        size((self.hasher.hash_one(segment) >> 32) as usize)
    }
}
