//! A session with its gate and its log, in a world where everything goes wrong.

#![cfg(test)]

#[path = "../../../wire-postgres/tests/it/catalog.rs"]
mod catalog;
#[path = "../../../wire-postgres/tests/it/message.rs"]
#[allow(dead_code, reason = "the conversations of wire-postgres use all of it")]
mod message;
mod sim;
mod world;
