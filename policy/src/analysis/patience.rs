//! How long an analysis may go on: whoever asks says when it is enough.

use std::cell::Cell;

/// Asked between the steps of an analysis whether there is time for another one. Once it is lost it stays lost, and
/// what was found until then is no answer.
pub struct Patience<'a> {
    over: &'a dyn Fn() -> bool,
    lost: Cell<bool>,
}

impl<'a> Patience<'a> {
    /// Patience that is lost when this says so.
    pub fn until(over: &'a dyn Fn() -> bool) -> Self {
        Self {
            over,
            lost: Cell::new(false),
        }
    }

    /// Patience that is never lost.
    pub fn endless() -> Patience<'static> {
        Patience::until(&|| false)
    }

    /// Whether it is lost.
    pub fn is_lost(&self) -> bool {
        if !self.lost.get() && (self.over)() {
            self.lost.set(true);
        }
        self.lost.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_that_was_lost_does_not_come_back() {
        let answers = Cell::new(0);
        let second = || {
            answers.set(answers.get() + 1);
            answers.get() == 2
        };
        let patience = Patience::until(&second);
        assert!(!patience.is_lost());
        assert!(patience.is_lost());
        assert!(patience.is_lost());
        assert_eq!(answers.get(), 2);
    }
}
