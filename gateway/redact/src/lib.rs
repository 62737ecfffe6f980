//! Personal and secret data in bodies.
