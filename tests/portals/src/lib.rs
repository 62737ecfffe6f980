//! The sample portals behind the pass, and the citizens in them.
