//! The obligations that rows name, each kept once.

use std::sync::Arc;

use crate::obligation::Obligations;
use crate::source::size;
use crate::spread::Spread;

/// Obligations on a page, which copies share.
const PAGE: usize = 64;

/// Obligations by number; number 0 is none at all and always there.
#[derive(Debug, Clone)]
pub(crate) struct Costs {
    known: Spread<Box<str>, (u32, u32)>,
    pages: Vec<Arc<Vec<Obligations>>>,
    /// Numbers that no row names.
    free: Vec<u32>,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            known: Spread::default(),
            pages: vec![Arc::new(vec![Obligations::default()])],
            free: Vec::new(),
        }
    }
}

impl Costs {
    pub(crate) fn get(&self, number: u32) -> Option<&Obligations> {
        let number = number as usize;
        self.pages.get(number / PAGE)?.get(number % PAGE)
    }

    /// The number of a text that some row names already, named once more from now on.
    pub(super) fn take(&mut self, text: &str) -> Option<u32> {
        if text.is_empty() {
            return Some(0);
        }
        let (number, mentions) = self.known.get_mut(text)?;
        *mentions = mentions.saturating_add(1);
        Some(*number)
    }

    /// Keeps what a text says that no row has named so far.
    pub(super) fn add(&mut self, text: &str, obligations: Obligations) -> u32 {
        let number = match self.free.pop() {
            Some(number) => {
                let page = self
                    .pages
                    .get_mut(number as usize / PAGE)
                    .map(Arc::make_mut);
                if let Some(place) = page.and_then(|page| page.get_mut(number as usize % PAGE)) {
                    *place = obligations;
                }
                number
            }
            None => {
                if self.pages.last().is_none_or(|page| page.len() == PAGE) {
                    self.pages.push(Arc::default());
                }
                let pages = self.pages.len();
                let last = self.pages.last_mut().map(Arc::make_mut);
                last.map_or(0, |page| {
                    page.push(obligations);
                    size((pages - 1) * PAGE + page.len() - 1)
                })
            }
        };
        self.known.insert(text.into(), (number, 1));
        number
    }

    /// Takes one mention of a text back.
    pub(super) fn release(&mut self, text: &str) {
        let Some((number, mentions)) = self.known.get_mut(text) else {
            return;
        };
        *mentions = mentions.saturating_sub(1);
        if *mentions == 0 {
            let number = *number;
            self.free.push(number);
            self.known.remove(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_only_when_no_row_names_it() {
        let mut costs = Costs::default();
        let of = |text: &str| Obligations::parse(text).unwrap();
        for quota in 0..200 {
            let text = format!("quota:{quota}");
            assert_eq!(costs.take(&text), None);
            assert_eq!(costs.add(&text, of(&text)), quota + 1);
        }
        assert_eq!(costs.take("quota:7"), Some(8));
        costs.release("quota:7");
        assert_eq!(costs.get(8), Some(&of("quota:7")));
        let before = costs.clone();
        costs.release("quota:7");
        assert_eq!(costs.take("quota:7"), None);
        assert_eq!(costs.add("log:full", of("log:full")), 8);
        assert_eq!(costs.get(8), Some(&of("log:full")));
        assert_eq!(before.get(8), Some(&of("quota:7")));
        assert_eq!(costs.get(200), Some(&of("quota:199")));
        assert_eq!(costs.take(""), Some(0));
        assert!(costs.get(0).unwrap().is_empty());
    }
}
