//! Rows at their places in files, on pages that copies share.
//!
//! A page holds the rows of 256 lines of one file, so that a row never moves: its [`Slot`] is its page and
//! its line there. The position of a row, counted over all files, is the number of rows before its page
//! and of those before it on the page, which a bitmap tells without looking at the page itself.

use std::sync::Arc;

use crate::source::{Mistake, size};

/// Lines on a page.
const LINES: u32 = 256;

/// Where a row lies: the number of its page and, in the lowest eight bits, its line there. It stays the
/// same as long as the row stands, whatever comes or goes elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u32);

/// Most pages, since a slot has 24 bits for them.
const MOST_PAGES: usize = 1 << 24;

/// Rows of one width with what is known about each.
#[derive(Debug, Clone)]
pub(crate) struct Sheet<H> {
    arity: usize,
    pages: Vec<Arc<Page<H>>>,
    /// By page, beside it: what is asked without opening it.
    doors: Vec<Door>,
    /// Pages that have rows, in the order of files and lines.
    order: Vec<u32>,
    /// Position of the first row of each of these.
    firsts: Vec<u32>,
    /// Pages that lost their last row.
    free: Vec<u32>,
    len: usize,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Door {
    file: u32,
    /// Number of the page in its file.
    block: u32,
    /// Position of the first row.
    first: u32,
    /// Which lines have a row.
    live: [u64; 4],
    /// Rows before each word of `live`.
    before: [u8; 4],
}

#[derive(Debug, Clone)]
struct Page<H> {
    /// The fields of all rows, each ended by a line feed, which no field holds.
    text: String,
    /// Where each field begins, and the end.
    starts: Vec<u32>,
    heads: Vec<H>,
    /// What an author should look at.
    warnings: Vec<Mistake>,
}

/// Why a row cannot be put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another row stands there.
    Taken,
    /// More rows or more text than fit.
    Full,
}

impl Door {
    fn of(line: u32) -> (u32, u32) {
        (line / LINES, line % LINES)
    }

    fn has(&self, line: u32) -> bool {
        let word = self.live.get(line as usize / 64).copied().unwrap_or(0);
        word >> (line % 64) & 1 == 1
    }

    fn set(&mut self, line: u32, to: bool) {
        if let Some(word) = self.live.get_mut(line as usize / 64) {
            let bit = 1 << (line % 64);
            *word = if to { *word | bit } else { *word & !bit };
        }
        let mut sum = 0_u8;
        for (before, word) in self.before.iter_mut().zip(self.live) {
            *before = sum;
            // At most 192 rows stand before the last word, whose own are not counted in.
            sum = sum.wrapping_add(u8::try_from(word.count_ones()).unwrap_or(0));
        }
    }

    fn count(&self) -> u32 {
        self.live.iter().map(|word| word.count_ones()).sum()
    }

    /// Rows before a line.
    fn rank(&self, line: u32) -> u32 {
        let at = line as usize / 64;
        let word = self.live.get(at).copied().unwrap_or(0) & ((1 << (line % 64)) - 1);
        u32::from(self.before.get(at).copied().unwrap_or(0)) + word.count_ones()
    }

    /// The line of a row.
    fn line(&self, row: u32) -> u32 {
        let mut left = row;
        for (at, word) in self.live.iter().enumerate() {
            let here = word.count_ones();
            if left < here {
                let mut word = *word;
                for _ in 0..left {
                    word &= word - 1;
                }
                return size(at) * 64 + word.trailing_zeros();
            }
            left -= here;
        }
        LINES
    }
}

impl<H> Page<H> {
    fn blank() -> Self {
        Self {
            text: String::new(),
            starts: vec![0],
            heads: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn span(&self, from: usize, to: usize) -> &str {
        let (Some(start), Some(end)) = (self.starts.get(from), self.starts.get(to)) else {
            return "";
        };
        self.text
            .get(*start as usize..*end as usize)
            .unwrap_or_default()
    }
}

impl<H: Clone> Sheet<H> {
    pub(crate) fn new(arity: usize) -> Self {
        Self {
            arity,
            pages: Vec::new(),
            doors: Vec::new(),
            order: Vec::new(),
            firsts: Vec::new(),
            free: Vec::new(),
            len: 0,
            bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The page of a row and the row's place on it.
    fn find(&self, position: usize) -> Option<(u32, usize)> {
        let position = u32::try_from(position).ok()?;
        // Where most lines hold a row, the page is the one that this says or the next.
        let guess = position as usize / LINES as usize;
        let near = self.firsts.get(guess..).unwrap_or_default();
        let at = match near {
            [first, next, ..] if *first <= position && position < *next => guess,
            [_, first, next, ..] if *first <= position && position < *next => guess + 1,
            _ => self
                .firsts
                .partition_point(|first| *first <= position)
                .checked_sub(1)?,
        };
        let (page, first) = (self.order.get(at)?, self.firsts.get(at)?);
        Some((*page, (position - first) as usize))
    }

    fn page(&self, page: u32) -> Option<&Page<H>> {
        self.pages.get(page as usize).map(|page| &**page)
    }

    /// A field of a row; empty if there is none.
    pub(crate) fn field(&self, position: usize, field: usize) -> &str {
        let Some((page, row)) = self.find(position) else {
            return "";
        };
        let at = row * self.arity + field;
        let text = self.page(page).map_or("", |page| page.span(at, at + 1));
        text.strip_suffix('\n').unwrap_or(text)
    }

    /// Every field of a row, each ended by a line feed.
    pub(crate) fn text(&self, position: usize) -> &str {
        let Some((page, row)) = self.find(position) else {
            return "";
        };
        let at = row * self.arity;
        self.page(page)
            .map_or("", |page| page.span(at, at + self.arity))
    }

    pub(crate) fn head(&self, position: usize) -> Option<&H> {
        let (page, row) = self.find(position)?;
        self.page(page)?.heads.get(row)
    }

    /// File and line of a row.
    pub(crate) fn place(&self, position: usize) -> Option<(usize, u32)> {
        let (page, row) = self.find(position)?;
        let door = self.doors.get(page as usize)?;
        let line = door.block * LINES + door.line(size(row));
        Some((door.file as usize, line))
    }

    pub(crate) fn slot(&self, position: usize) -> Option<Slot> {
        let (page, row) = self.find(position)?;
        let door = self.doors.get(page as usize)?;
        Some(Slot(page << 8 | door.line(size(row))))
    }

    /// The position of a row that stands.
    pub(crate) fn position(&self, slot: Slot) -> u32 {
        let door = self.doors.get(slot.0 as usize >> 8);
        door.map_or(u32::MAX, |door| door.first + door.rank(slot.0 & 255))
    }

    /// The row at a place.
    pub(crate) fn at(&self, file: usize, line: u32) -> Option<Slot> {
        let (block, line) = Door::of(line);
        let at = self.seek(size(file), block).ok()?;
        let page = *self.order.get(at)?;
        let door = self.doors.get(page as usize)?;
        door.has(line).then_some(Slot(page << 8 | line))
    }

    /// Calls `see` with each row's head and text, in order.
    pub(crate) fn each<'s>(&'s self, mut see: impl FnMut(&H, &'s str)) {
        for page in self.order.iter().filter_map(|page| self.page(*page)) {
            for (row, head) in page.heads.iter().enumerate() {
                let at = row * self.arity;
                see(head, page.span(at, at + self.arity));
            }
        }
    }

    pub(crate) fn warnings(&self) -> impl Iterator<Item = (usize, &Mistake)> {
        self.order.iter().flat_map(|page| {
            let file = self.doors.get(*page as usize).map_or(0, |door| door.file);
            let warnings = self.page(*page).map(|page| page.warnings.iter());
            let warnings = warnings.into_iter().flatten();
            warnings.map(move |warning| (file as usize, warning))
        })
    }

    fn seek(&self, file: u32, block: u32) -> Result<usize, usize> {
        let key = |page: &u32| {
            let door = self.doors.get(*page as usize);
            door.map(|door| (door.file, door.block))
        };
        // Files are mostly read in order, so the last page is the likeliest.
        match self.order.last().map(key) {
            Some(last) if last < Some((file, block)) => Err(self.order.len()),
            Some(last) if last == Some((file, block)) => Ok(self.order.len() - 1),
            Some(_) | None => self.order.binary_search_by_key(&Some((file, block)), key),
        }
    }

    /// Puts a row at its place. Positions are right again after [`Self::settle`].
    pub(crate) fn insert<'t>(
        &mut self,
        (file, line): (usize, u32),
        fields: impl Iterator<Item = &'t str>,
        head: H,
        warnings: Vec<Mistake>,
    ) -> Result<Slot, Refused> {
        let (block, inside) = Door::of(line);
        let at = self.seek(size(file), block);
        let number = match at {
            Ok(at) => self.order.get(at).copied().unwrap_or_default(),
            Err(at) => {
                let number = self.blank(size(file), block).ok_or(Refused::Full)?;
                self.order.insert(at, number);
                self.firsts.insert(at, 0);
                number
            }
        };
        let (Some(page), Some(door)) = (
            self.pages.get_mut(number as usize),
            self.doors.get_mut(number as usize),
        ) else {
            return Err(Refused::Full);
        };
        if door.has(inside) {
            return Err(Refused::Taken);
        }
        let row = door.rank(inside) as usize;
        let page = Arc::make_mut(page);
        if row == page.heads.len() {
            // The usual way: rows come in the order of their lines.
            let before = page.text.len();
            for field in fields.take(self.arity) {
                page.text.push_str(field);
                page.text.push('\n');
                page.starts.push(size(page.text.len()));
            }
            if u32::try_from(page.text.len()).is_err() {
                return Err(Refused::Full);
            }
            self.bytes += page.text.len() - before;
            self.len += 1;
            page.heads.push(head);
            page.warnings.extend(warnings);
            door.set(inside, true);
            return Ok(Slot(number << 8 | inside));
        }
        let from = page.starts.get(row * self.arity).copied().unwrap_or(0);
        let mut text = String::new();
        let mut starts: Vec<u32> = Vec::with_capacity(self.arity);
        for field in fields.take(self.arity) {
            starts.push(from.saturating_add(size(text.len())));
            text.push_str(field);
            text.push('\n');
        }
        let added = text.len();
        if u32::try_from(page.text.len() + added).is_err() {
            return Err(Refused::Full);
        }
        page.text.insert_str(from as usize, &text);
        for start in page.starts.iter_mut().skip(row * self.arity) {
            *start += size(added);
        }
        let at = row * self.arity;
        page.starts.splice(at..at, starts);
        page.heads.insert(row, head);
        page.warnings.extend(warnings);
        door.set(inside, true);
        self.len += 1;
        self.bytes += added;
        Ok(Slot(number << 8 | inside))
    }

    /// Takes a row away. Positions are right again after [`Self::settle`].
    pub(crate) fn remove(&mut self, slot: Slot) {
        let (number, inside) = (slot.0 >> 8, slot.0 & 255);
        let (Some(page), Some(door)) = (
            self.pages.get_mut(number as usize),
            self.doors.get_mut(number as usize),
        ) else {
            return;
        };
        if !door.has(inside) {
            return;
        }
        let row = door.rank(inside) as usize;
        let page = Arc::make_mut(page);
        let (from, to) = (row * self.arity, (row + 1) * self.arity);
        let (Some(start), Some(end)) =
            (page.starts.get(from).copied(), page.starts.get(to).copied())
        else {
            return;
        };
        page.text.replace_range(start as usize..end as usize, "");
        page.starts.drain(from..to);
        for at in page.starts.iter_mut().skip(from) {
            *at -= end - start;
        }
        page.heads.remove(row);
        let line = door.block * LINES + inside;
        page.warnings.retain(|warning| warning.line != line);
        door.set(inside, false);
        self.len -= 1;
        self.bytes -= (end - start) as usize;
        if page.heads.is_empty() {
            let (file, block) = (door.file, door.block);
            if let Ok(at) = self.seek(file, block) {
                self.order.remove(at);
                self.firsts.remove(at);
                self.free.push(number);
            }
        }
    }

    fn blank(&mut self, file: u32, block: u32) -> Option<u32> {
        let door = Door {
            file,
            block,
            ..Door::default()
        };
        if let Some(number) = self.free.pop() {
            *self.doors.get_mut(number as usize)? = door;
            *self.pages.get_mut(number as usize)? = Arc::new(Page::blank());
            return Some(number);
        }
        if self.pages.len() >= MOST_PAGES {
            return None;
        }
        self.pages.push(Arc::new(Page::blank()));
        self.doors.push(door);
        Some(size(self.pages.len() - 1))
    }

    /// Bytes of all fields.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts the rows before each page.
    pub(crate) fn settle(&mut self) {
        let mut first = 0;
        for (page, place) in self.order.iter().zip(&mut self.firsts) {
            *place = first;
            if let Some(door) = self.doors.get_mut(*page as usize) {
                door.first = first;
                first += door.count();
            }
        }
    }

    /// Gives back what was reserved for more rows.
    pub(crate) fn shrink(&mut self) {
        for page in &mut self.pages {
            let page = Arc::make_mut(page);
            page.text.shrink_to_fit();
            page.starts.shrink_to_fit();
            page.heads.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Plain = BTreeMap<(usize, u32), (String, String, u8)>;

    fn check(sheet: &Sheet<u8>, plain: &Plain) {
        assert_eq!(sheet.len(), plain.len());
        for (position, (place, (one, two, head))) in plain.iter().enumerate() {
            assert_eq!(sheet.field(position, 0), one);
            assert_eq!(sheet.field(position, 1), two);
            assert_eq!(sheet.text(position), format!("{one}\n{two}\n"));
            assert_eq!(sheet.head(position), Some(head));
            assert_eq!(sheet.place(position), Some(*place));
            let slot = sheet.slot(position).unwrap();
            assert_eq!(sheet.position(slot) as usize, position);
            assert_eq!(sheet.at(place.0, place.1), Some(slot));
        }
        assert_eq!(sheet.field(plain.len(), 0), "");
        assert_eq!(sheet.head(plain.len()), None);
        let mut seen = Vec::new();
        sheet.each(|head, text| seen.push((*head, text.to_owned())));
        let rows = plain.values();
        let wanted: Vec<_> = rows
            .map(|(a, b, head)| (*head, format!("{a}\n{b}\n")))
            .collect();
        assert_eq!(seen, wanted);
        let bytes: usize = plain.values().map(|(a, b, _)| a.len() + b.len() + 2).sum();
        assert_eq!(sheet.bytes(), bytes);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn rows_stand_where_they_were_put_and_are_counted_in_order(
            steps in proptest::collection::vec(
                (any::<bool>(), 0_usize..3, prop_oneof![1_u32..600, 255_u32..258, u32::MAX - 3..u32::MAX], "[a中]{0,3}", any::<u8>()),
                0..400,
            )
        ) {
            let (mut sheet, mut plain) = (Sheet::new(2), Plain::new());
            let mut kept = None;
            for (at, (put, file, line, text, head)) in steps.into_iter().enumerate() {
                if put || at % 3 == 0 {
                    let fields = [text.as_str(), "x"];
                    let put = sheet.insert((file, line), fields.into_iter(), head, Vec::new());
                    prop_assert_eq!(put.is_err(), plain.contains_key(&(file, line)));
                    plain.entry((file, line)).or_insert((text, "x".to_owned(), head));
                } else {
                    if let Some(slot) = sheet.at(file, line) {
                        sheet.remove(slot);
                    }
                    plain.remove(&(file, line));
                }
                sheet.settle();
                if at == 100 {
                    kept = Some((sheet.clone(), plain.clone()));
                }
            }
            check(&sheet, &plain);
            if let Some((sheet, plain)) = kept {
                check(&sheet, &plain);
            }
        }
    }

    #[test]
    fn pages_that_lose_their_rows_are_used_again() {
        let mut sheet: Sheet<()> = Sheet::new(1);
        for line in 1..100_000_u32 {
            let slot = sheet
                .insert((0, line), ["x"].into_iter(), (), Vec::new())
                .unwrap();
            if line > 1 {
                sheet.remove(slot);
            }
        }
        sheet.settle();
        assert_eq!((sheet.len(), sheet.pages.len()), (1, 2));
    }
}
