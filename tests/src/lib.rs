//! The harness that drives the built product over real sockets.
