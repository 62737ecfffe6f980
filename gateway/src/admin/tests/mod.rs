//! The administration as a browser meets it: a gateway from a folder of its own, asked through its router.

mod access;
mod audit;
mod changes;
mod inspection;
mod responses;
mod tools;
mod world;
