//! The language of models and conditions: sections, tokens, syntax, types, patterns.

mod definitions;
pub(crate) mod expression;
pub(crate) mod model;
pub(crate) mod path;
pub(crate) mod pattern;
pub(crate) mod regexp;
mod resolve;
pub(crate) mod sections;
pub(crate) mod syntax;
pub(crate) mod token;
