//! What the loader lets pass but an author should look at.

use std::collections::HashSet;

use super::table::Rules;
use crate::decision::Effect;
use crate::language::model::{Combination, Model};
use crate::language::pattern::Way;
use crate::said;
use crate::source::{Mistake, brief};

impl Rules {
    /// Every warning: row by row in the order of the files, then those that several rows make together.
    pub(crate) fn warnings(&self, model: &Model) -> Vec<Mistake> {
        let mut warnings = self.row_warnings();
        self.warn_of_open_folders(model, &mut warnings);
        if model.combination == Combination::AllowOverride
            && let Some(place) = self.denying().next().and_then(|row| self.rows.place(row))
        {
            let help = said!(
                "add ` && !some(where (p.eft == deny))` to the effect",
                "请在效果中加上 ` && !some(where (p.eft == deny))`"
            );
            let message = said!(
                "rows that deny have no effect in this model",
                "拒绝规则在这个模型中不起作用"
            );
            warnings.push(self.fault(place, message, help));
        }
        warnings
    }

    fn denying(&self) -> impl Iterator<Item = usize> {
        let rows = if self.denying == 0 { 0 } else { self.len() };
        (0..rows).filter(|row| {
            let note = self.rows.head(*row);
            note.is_some_and(|note| note.effect == Effect::Deny)
        })
    }

    /// `/x/*` leaves `/x` itself open, which matters where it denies.
    fn warn_of_open_folders(&self, model: &Model, warnings: &mut Vec<Mistake>) {
        for (path, way) in &model.pattern_fields {
            if !matches!(way, Way::Path(_)) {
                continue;
            }
            let like = |row: usize, pattern: &str| {
                let mut key = pattern.to_owned();
                for field in (0..self.arity)
                    .filter(|field| field != path && model.obligation_field != Some(*field))
                {
                    key.push('\n');
                    key.push_str(self.field(row, field));
                }
                key
            };
            let known: HashSet<String> = self
                .denying()
                .map(|row| like(row, self.field(row, *path)))
                .collect();
            for row in self.denying() {
                let folder = self
                    .field(row, *path)
                    .strip_suffix("/*")
                    .unwrap_or_default();
                if !folder.is_empty() && !known.contains(&like(row, folder)) {
                    let message = said!(
                        "`{}/*` does not deny `{0}` itself",
                        "`{}/*` 并不拒绝 `{0}` 本身",
                        brief(folder)
                    );
                    let help = said!(
                        "add the same row with `{}`",
                        "请为 `{}` 加一条同样的规则",
                        brief(folder)
                    );
                    let place = self.rows.place(row).unwrap_or_default();
                    warnings.push(self.fault(place, message, help));
                }
            }
        }
    }
}
