//! Tables in markup: what the head of a column says about the cells below it.

use crate::label::Rule;

/// Columns that are remembered: chosen, more than a page shows.
const COLUMNS_MAX: usize = 256;

/// The columns of the table that the pass is in.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    columns: Vec<Option<Rule>>,
    /// The column of the next cell.
    at: usize,
    /// Rows that have begun.
    rows: usize,
    row: Row,
    /// The columns are those of a head.
    known: bool,
}

/// What the cells of a row are.
#[derive(Debug, Default, PartialEq, Eq)]
enum Row {
    #[default]
    Cells,
    Head,
}

impl Grid {
    /// Passes a tag that opens, and returns what the cell behind it holds.
    pub(crate) fn open(&mut self, name: &[u8]) -> Option<Rule> {
        if name.eq_ignore_ascii_case(b"table") {
            *self = Self::default();
        } else if name.eq_ignore_ascii_case(b"tr") {
            self.end_row();
            self.rows += 1;
            self.at = 0;
            self.row = Row::Cells;
        } else if name.eq_ignore_ascii_case(b"td") && self.known && self.row == Row::Cells {
            return self.columns.get(self.at).copied().flatten();
        }
        None
    }

    /// Passes a tag that closes; `label` is what the text before it says.
    pub(crate) fn close(&mut self, name: &[u8], label: Option<Rule>) {
        let head = name.eq_ignore_ascii_case(b"th");
        if head && self.row == Row::Cells {
            self.row = Row::Head;
            self.columns.clear();
            self.known = true;
        }
        if head || (name.eq_ignore_ascii_case(b"td") && self.rows == 1 && self.row == Row::Cells) {
            if self.columns.len() < COLUMNS_MAX {
                self.columns.push(label);
            }
            self.at += 1;
        } else if name.eq_ignore_ascii_case(b"td") {
            self.at += 1;
        }
    }

    /// Tells whether a closing tag ends a cell whose neighbours are no values of it.
    pub(crate) fn is_known(&self) -> bool {
        self.known && self.row == Row::Cells
    }

    /// The first row is a head where two labels stand side by side: elsewhere a value stands between them.
    fn end_row(&mut self) {
        if self.rows == 1 && self.row == Row::Cells {
            self.known = self
                .columns
                .windows(2)
                .any(|pair| pair.iter().all(Option::is_some));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Labels;

    fn rule(word: &str) -> Option<Rule> {
        Labels::shipped().rule(word.as_bytes())
    }

    /// Passes rows of cells and returns what each cell is said to hold.
    fn pass(rows: &[(&[u8], &[&str])]) -> Vec<Vec<Option<Rule>>> {
        let mut grid = Grid::default();
        rows.iter()
            .map(|(tag, cells)| {
                grid.open(b"tr");
                let said = |cell: &&str| {
                    let said = grid.open(tag);
                    grid.close(tag, rule(cell));
                    said
                };
                cells.iter().map(said).collect()
            })
            .collect()
    }

    #[test]
    fn a_row_of_heads_names_the_columns_of_all_rows_below() {
        let said = pass(&[
            (b"th", &["姓名", "状态", "手机"]),
            (b"td", &["张三", "正常", "手机"]),
            (b"td", &["李四", "正常", "x"]),
        ]);
        let expected = vec![rule("姓名"), None, rule("手机")];
        assert_eq!(said, [vec![None; 3], expected.clone(), expected]);
    }

    #[test]
    fn a_first_row_of_labels_side_by_side_is_a_head_and_labels_beside_values_are_none() {
        let said = pass(&[(b"td", &["姓名", "手机"]), (b"td", &["张三", "x"])]);
        assert_eq!(said[1], [rule("姓名"), rule("手机")]);
        let said = pass(&[(b"td", &["姓名", "张三"]), (b"td", &["民族", "汉族"])]);
        assert_eq!(said[1], [None, None]);
    }
}
