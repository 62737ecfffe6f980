//! How formats write fields and values.

use crate::context::Tags;
use crate::unit::Escapes;

/// How a format writes fields and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Text,
    Form,
    Markup,
}

impl Syntax {
    pub(crate) fn escapes(self) -> Escapes {
        match self {
            Self::Json | Self::Text => Escapes::Backslash,
            Self::Form => Escapes::Percent,
            Self::Markup => Escapes::Entity,
        }
    }

    pub(crate) fn tags(self) -> Tags {
        if self == Self::Markup {
            Tags::Skipped
        } else {
            Tags::Text
        }
    }
}
