//! A count of the bytes looked at, for the tests that hold that work is linear. Nothing outside of them.
//!
//! [`Text`](crate::text::Text) counts the bytes that are asked for one by one or searched; who takes a stretch of
//! them ([`known`](crate::text::Text::known) and the words around a place) counts what it reads of it.

#[cfg(not(test))]
pub(crate) fn done(_bytes: usize) {}

#[cfg(test)]
pub(crate) use counted::{done, take};

#[cfg(test)]
mod counted {
    use std::cell::Cell;

    thread_local!(static DONE: Cell<usize> = const { Cell::new(0) });

    pub(crate) fn done(bytes: usize) {
        DONE.set(DONE.get() + bytes);
    }

    /// How much was done since this was asked last.
    pub(crate) fn take() -> usize {
        DONE.take()
    }
}

#[cfg(test)]
mod tests;
