//! The recipient of whom most of the cells tell: linear equations over bits, some of which are wrong.
//!
//! As many cells as there are unknown bits are picked and solved, again and again, until a solution agrees with enough of
//! all (decoding by information sets; E. Prange, 1962). Where one cell in ten is wrong, one pick in seventy has none.

use super::RECIPIENT_BITS;

/// Picks, at most. Chosen: half a second, and enough where one cell in five is wrong.
const PICKS: usize = 200_000;

/// Cells that a solution is tried on first.
const FIRST: usize = 128;

const BITS: usize = RECIPIENT_BITS as usize;

/// Returns the number with which `enough` of the equations agree; each says what the parity of a vector and it is.
pub(super) fn solve(cells: &[(u64, bool)], enough: usize) -> Option<u64> {
    let mut all = Basis::default();
    for &(vector, bit) in cells {
        all.add(vector, bit);
    }
    if all.rank < BITS {
        return None;
    }
    let first = cells.get(..FIRST.min(cells.len())).unwrap_or_default();
    let mut state = 0;
    for _ in 0..PICKS {
        let mut basis = Basis::default();
        // A few more than needed, since not all are independent.
        for _ in 0..2 * BITS {
            let pick = usize::try_from(next(&mut state) % cells.len() as u64).unwrap_or(0);
            if let Some(&(vector, bit)) = cells.get(pick) {
                basis.add(vector, bit);
            }
            if basis.rank == BITS {
                break;
            }
        }
        let Some(number) = basis.solution() else {
            continue;
        };
        if agreeing(first, number) * 5 >= first.len() * 3 && agreeing(cells, number) >= enough {
            return Some(number);
        }
    }
    None
}

fn agreeing(cells: &[(u64, bool)], number: u64) -> usize {
    let agrees = |&&(vector, bit): &&(u64, bool)| parity(vector & number) == bit;
    cells.iter().filter(agrees).count()
}

fn parity(bits: u64) -> bool {
    bits.count_ones() % 2 == 1
}

/// SplitMix64: picks need to differ, and to be the same every time.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Independent equations, by the highest bit of their vectors.
struct Basis {
    rows: [(u64, bool); BITS],
    rank: usize,
}

impl Default for Basis {
    fn default() -> Self {
        Self {
            rows: [(0, false); BITS],
            rank: 0,
        }
    }
}

impl Basis {
    /// Adds an equation, unless the others imply or contradict it.
    fn add(&mut self, mut vector: u64, mut bit: bool) {
        while let Some(highest) = vector.checked_ilog2() {
            let Some(row) = self.rows.get_mut(highest as usize) else {
                return;
            };
            if row.0 == 0 {
                *row = (vector, bit);
                self.rank += 1;
                return;
            }
            vector ^= row.0;
            bit ^= row.1;
        }
    }

    /// The number that all equations agree with, where there are enough of them.
    fn solution(&self) -> Option<u64> {
        if self.rank < BITS {
            return None;
        }
        let mut number = 0;
        for (at, &(vector, bit)) in self.rows.iter().enumerate() {
            // Lower bits are known by now, and higher ones are not in the row.
            if parity(vector & number) != bit {
                number |= 1 << at;
            }
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(count: usize, number: u64, wrong_in: u64) -> Vec<(u64, bool)> {
        let mut state = 77;
        (0..count)
            .map(|_| {
                let vector = next(&mut state) & ((1 << BITS) - 1);
                let wrong = wrong_in > 0 && next(&mut state).is_multiple_of(wrong_in);
                (vector, parity(vector & number) ^ wrong)
            })
            .collect()
    }

    #[test]
    fn a_number_is_read_where_some_cells_are_wrong_and_none_where_all_are() {
        for number in [0, 1, 0xFF_FFFF_FFFF, 0x12_3456_789A] {
            assert_eq!(solve(&cells(60, number, 0), 60), Some(number));
            assert_eq!(solve(&cells(200, number, 10), 160), Some(number));
        }
        assert_eq!(solve(&cells(39, 5, 0), 1), None);
        assert_eq!(solve(&[], 0), None);
        assert_eq!(solve(&vec![(3, true); 100], 1), None);
    }

    #[test]
    fn a_number_is_read_where_one_cell_in_six_is_wrong() {
        assert_eq!(solve(&cells(400, 0xAB_CDEF, 6), 300), Some(0xAB_CDEF));
    }
}
