//! The log as its users meet it: tampered with, crashed, overloaded.
#![cfg(test)]

mod crash;
mod fixture;
mod foreign;
mod load;
mod receipts;
mod tamper;
