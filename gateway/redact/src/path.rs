//! Places in JSON documents that an operator names: `$.data[*].owner.name`, `$..phone`.

use smallvec::SmallVec;

/// Steps of one path: its states are the bits of a number.
const STEPS_MAX: usize = 60;

/// A path from the root of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(SmallVec<[Step; 8]>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// Any number of members and elements may stand before it.
    deep: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Name(Vec<u8>),
    AnyMember,
    AnyElement,
    Element(usize),
}

/// What a value is to the object or array that it stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Child<'k> {
    /// The member of this name, as it is meant.
    Member(&'k [u8]),
    Element(usize),
}

impl Path {
    /// Reads a path; the error says what would be right.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        let mut rest = text
            .trim()
            .strip_prefix('$')
            .ok_or("it begins with `$`, the document")?;
        let mut steps = SmallVec::new();
        while !rest.is_empty() {
            let (deep, after) = match rest.strip_prefix("..") {
                Some(after) => (true, after),
                None => (false, rest.strip_prefix('.').unwrap_or(rest)),
            };
            let (what, next) = if let Some(inner) = after.strip_prefix('[') {
                let (inside, next) = inner.split_once(']').ok_or("a `[` is not closed")?;
                let quoted = inside
                    .strip_prefix(['\'', '"'])
                    .and_then(|name| name.strip_suffix(['\'', '"']));
                let what = match (inside, quoted) {
                    ("*", _) => What::AnyElement,
                    (_, Some(name)) => What::Name(name.as_bytes().to_vec()),
                    (number, None) => {
                        let number = number.parse();
                        What::Element(number.map_err(
                            |_| "between brackets stands `*`, a number or a name in quotes",
                        )?)
                    }
                };
                (what, next)
            } else if after.len() == rest.len() {
                return Err("a step begins with `.` or `[`");
            } else {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, next) = after.split_at(end);
                let what = match name {
                    "" => return Err("a step has no name"),
                    "*" => What::AnyMember,
                    name => What::Name(name.as_bytes().to_vec()),
                };
                (what, next)
            };
            steps.push(Step { deep, what });
            rest = next;
        }
        match steps.len() {
            0 => Err("it names the whole document; name a member of it"),
            1..=STEPS_MAX => Ok(Self(steps)),
            _ => Err("it has too many steps"),
        }
    }

    /// Tells whether it fits every value of every document.
    pub(crate) fn is_everything(&self) -> bool {
        self.0
            .iter()
            .all(|step| step.deep && matches!(step.what, What::AnyMember | What::AnyElement))
    }

    /// The states of a child by those of the value that it stands in; the root has state 1.
    pub(crate) fn follow(&self, states: u64, child: Child<'_>) -> u64 {
        let mut next = 0;
        for (at, step) in self.0.iter().enumerate() {
            if states >> at & 1 == 0 {
                continue;
            }
            if step.deep {
                next |= 1 << at;
            }
            let fits = match (&step.what, child) {
                (What::Name(name), Child::Member(key)) => name == key,
                (What::AnyMember, Child::Member(_)) | (What::AnyElement, Child::Element(_)) => true,
                (What::Element(wanted), Child::Element(index)) => *wanted == index,
                _ => false,
            };
            if fits {
                next |= 1 << (at + 1);
            }
        }
        next
    }

    /// Tells whether a value with these states is at the end of the path.
    pub(crate) fn is_end(&self, states: u64) -> bool {
        states >> self.0.len() & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_the_places_that_it_names() {
        let member = |name: &'static str| Child::Member(name.as_bytes());
        let element = Child::Element;
        for (path, steps, fits) in [
            ("$.a", &[member("a")][..], true),
            ("$.a", &[member("b")], false),
            ("$.a", &[member("a"), member("b")], false),
            ("$.a[*].b", &[member("a"), element(3), member("b")], true),
            ("$.a[1]", &[member("a"), element(2)], false),
            ("$['a b'].*", &[member("a b"), member("x")], true),
            ("$..b", &[member("a"), element(0), member("b")], true),
            ("$..b", &[member("b")], true),
            ("$..a.b", &[member("a"), member("a"), member("b")], true),
            ("$..a.b", &[member("a"), member("x"), member("b")], false),
        ] {
            let path = Path::new(path).unwrap();
            let states = steps
                .iter()
                .fold(1, |states, child| path.follow(states, *child));
            assert_eq!(path.is_end(states), fits, "{path:?} {steps:?}");
        }
        for wrong in [
            "", "a.b", "$", "$a", "$.", "$.a[", "$.a[x]", "$.a..", "$. .[]",
        ] {
            assert!(Path::new(wrong).is_err(), "{wrong}");
        }
        assert!(Path::new("$..*").unwrap().is_everything());
        assert!(!Path::new("$..a").unwrap().is_everything());
    }
}
