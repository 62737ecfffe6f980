//! Path trees: which rows a path leads to.
//!
//! The trees of a shard share three arrays, each tree in one stretch of them as long as it was built at
//! once, so that a walk stays within a few pages. Changes leave gaps, which [`Forest::waste`] counts; a
//! copy by [`Forest::transplant`] has none.

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

/// Marks that there is no node.
pub(crate) const NOWHERE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// Rows whose pattern ends here.
    pub(crate) here: Span,
    /// Rows whose pattern goes on with `/*`.
    pub(crate) tail: Span,
    edges: Span,
    parameter: u32,
}

/// Where the edges with this hash begin. Hashes are spread evenly, so a guess from the hash lands close by
/// and touches fewer lines of the cache than halving does.
fn first_at_least(edges: &[Edge], hash: u32) -> usize {
    let less = |at: usize| edges.get(at).is_some_and(|edge| edge.hash < hash);
    let length = edges.len();
    let guess = usize::try_from((u64::from(hash) * length as u64) >> 32).unwrap_or(0);
    let mut at = guess.min(length);
    if less(at) {
        while less(at) {
            at += 1;
        }
    } else {
        while at > 0 && !less(at - 1) {
            at -= 1;
        }
    }
    at
}

/// Puts an item into a stretch, which moves to the end unless it lies there.
pub(crate) fn grow<T: Copy>(items: &mut Vec<T>, span: Span, at: usize, item: T) -> Span {
    let (start, length) = (span.start as usize, span.length as usize);
    if length > 0 && start + length == items.len() {
        items.insert((start + at).min(items.len()), item);
        return Span {
            length: span.length + 1,
            ..span
        };
    }
    let moved = Span {
        start: size(items.len()),
        length: span.length + 1,
    };
    items.reserve(length + 1);
    for from in start..start + length {
        if from == start + at {
            items.push(item);
        }
        items.extend(items.get(from).copied());
    }
    if at >= length {
        items.push(item);
    }
    moved
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

/// Where the rows of a pattern stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// At the node itself.
    Here(u32),
    /// Behind `/*` at the node.
    Tail(u32),
}

/// Path trees side by side.
#[derive(Debug, Default, Clone)]
pub(crate) struct Forest {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// Labels beyond what edges hold.
    labels: Vec<u8>,
    /// Edges that lie in no node's stretch.
    pub(crate) waste: usize,
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
        let node = self.blank(place(here));
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
            let edge = self.edge(*hash, text);
            self.edges.push(edge);
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

    fn blank(&mut self, here: Span) -> u32 {
        self.nodes.push(Node {
            here,
            tail: Span::default(),
            edges: Span::default(),
            parameter: NOWHERE,
        });
        size(self.nodes.len() - 1)
    }

    /// An edge that leads nowhere as yet.
    fn edge(&mut self, hash: u32, text: &str) -> Edge {
        let mut head = [0; HEAD];
        for (to, from) in head.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        let rest = size(self.labels.len());
        self.labels
            .extend_from_slice(text.as_bytes().get(HEAD..).unwrap_or_default());
        Edge {
            hash,
            child: NOWHERE,
            length: size(text.len()),
            rest,
            head,
        }
    }

    /// The list of rows at an end.
    pub(crate) fn list(&mut self, end: End) -> Option<&mut Span> {
        match end {
            End::Here(node) => self.nodes.get_mut(node as usize).map(|node| &mut node.here),
            End::Tail(node) => self.nodes.get_mut(node as usize).map(|node| &mut node.tail),
        }
    }

    /// Where a route ends, if it stands.
    pub(crate) fn find(&self, root: u32, route: &[Segment<'_>]) -> Option<End> {
        let mut node = root;
        for segment in route {
            let known = self.nodes.get(node as usize)?;
            node = match segment {
                Segment::Tail => return Some(End::Tail(node)),
                Segment::Parameter => known.parameter,
                Segment::Literal(text) => self.child(known.edges, text.as_bytes())?,
            };
        }
        (node != NOWHERE).then_some(End::Here(node))
    }

    /// Where a route ends; what is missing is made. A root that is nowhere becomes one.
    pub(crate) fn reach(&mut self, root: &mut u32, route: &[Segment<'_>]) -> End {
        if *root == NOWHERE {
            *root = self.blank(Span::default());
        }
        let mut node = *root;
        for segment in route {
            let known = self.nodes.get(node as usize).copied();
            let (parameter, edges) = known.map_or((NOWHERE, Span::default()), |known| {
                (known.parameter, known.edges)
            });
            node = match segment {
                Segment::Tail => return End::Tail(node),
                Segment::Parameter if parameter != NOWHERE => parameter,
                Segment::Parameter => {
                    let made = self.blank(Span::default());
                    if let Some(known) = self.nodes.get_mut(node as usize) {
                        known.parameter = made;
                    }
                    made
                }
                Segment::Literal(text) => match self.child(edges, text.as_bytes()) {
                    Some(child) => child,
                    None => self.branch(node, edges, text),
                },
            };
        }
        End::Here(node)
    }

    /// Adds an edge to a node, and gives back where it leads.
    fn branch(&mut self, node: u32, edges: Span, text: &str) -> u32 {
        let child = self.blank(Span::default());
        let hash = self.hash(text.as_bytes());
        let edge = Edge {
            child,
            ..self.edge(hash, text)
        };
        let at = edges
            .of(&self.edges)
            .partition_point(|edge| edge.hash < hash);
        let grown = grow(&mut self.edges, edges, at, edge);
        if grown.start != edges.start {
            self.waste += edges.length as usize;
        }
        if let Some(known) = self.nodes.get_mut(node as usize) {
            known.edges = grown;
        }
        child
    }

    /// Copies a tree without the branches that bear no rows; `place` copies rows. `None` if none is left.
    pub(crate) fn transplant(
        &self,
        node: u32,
        into: &mut Self,
        place: &mut dyn FnMut(Span) -> Span,
    ) -> Option<u32> {
        let old = *self.nodes.get(node as usize)?;
        let new = into.blank(place(old.here));
        let tail = place(old.tail);
        let mut edges: SmallVec<[Edge; 8]> = SmallVec::new();
        for edge in old.edges.of(&self.edges) {
            if let Some(child) = self.transplant(edge.child, into, place) {
                let rest = edge.rest as usize;
                let beyond = (edge.length as usize).saturating_sub(HEAD);
                let label = self.labels.get(rest..rest + beyond).unwrap_or_default();
                edges.push(Edge {
                    child,
                    rest: size(into.labels.len()),
                    ..*edge
                });
                into.labels.extend_from_slice(label);
            }
        }
        let parameter = self.transplant(old.parameter, into, place);
        let barren = old.here.length == 0 && old.tail.length == 0;
        if barren && edges.is_empty() && parameter.is_none() {
            // Its children took themselves away, so it is the last.
            into.nodes.pop();
            return None;
        }
        let stretch = Span {
            start: size(into.edges.len()),
            length: size(edges.len()),
        };
        into.edges.extend_from_slice(&edges);
        if let Some(planted) = into.nodes.get_mut(new as usize) {
            planted.tail = tail;
            planted.edges = stretch;
            planted.parameter = parameter.unwrap_or(NOWHERE);
        }
        Some(new)
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
        let same = edges
            .get(first_at_least(edges, hash)..)?
            .iter()
            .take_while(|edge| edge.hash == hash);
        same.into_iter()
            .find(|edge| edge.is(segment, &self.labels))
            .map(|edge| edge.child)
    }

    pub(crate) fn trim(&mut self) {
        self.nodes.shrink_to_fit();
        self.edges.shrink_to_fit();
        self.labels.shrink_to_fit();
    }

    fn hash(&self, segment: &[u8]) -> u32 {
        // The upper half is the better mixed one.
        size((self.hasher.hash_one(segment) >> 32) as usize)
    }
}
