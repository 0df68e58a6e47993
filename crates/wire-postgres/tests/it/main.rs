//! The session as its conversations say it behaves: `corpora/postgres/*.talk`, at every way of cutting.

#![cfg(test)]

mod arbitrary;
mod bound;
mod catalog;
mod conversation;
mod message;
mod replay;
