//! Beside the `casbin` crate, on what both accept.
