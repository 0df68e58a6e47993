//! A stream takes the same memory however long it is.

#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use mask::{Classes, Finder, Stream};

use crate::LAST4;

const ALL: Classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
const NASTY: &[&str] = include!("../nasty.in");

/// Bytes of each kind that are masked. Optimised builds take a hundred megabytes of them all; what is looked at
/// most closely goes by at a megabyte a second, so others take an eighth.
const MASKED_BYTES: usize = if cfg!(debug_assertions) { 1 << 17 } else { 1 << 20 };
/// Those that are searched alone, which takes the same ways.
const SEARCHED_BYTES: usize = 1 << 17;
const PIECE_BYTES: usize = 4096;
/// Memory that a stream may take for pieces of that size, while a buffer is moved to a larger one too.
const STREAM_MEMORY_MAX: i64 = 64 * 1024;
/// As `Stream` says.
const HELD_BYTES_MAX: usize = 1024;

#[test]
fn a_masked_stream_holds_little_back_and_takes_no_more_memory_the_longer_it_is() {
    for kind in NASTY {
        let mut stream = Stream::new(LAST4.with(ALL));
        let mut out = Vec::with_capacity(4 * PIECE_BYTES);
        check(kind, MASKED_BYTES, |piece| {
            out.clear();
            stream.push(piece, &mut out);
            assert!(stream.held() <= HELD_BYTES_MAX, "{kind:?}: {} are held back", stream.held());
        });
    }
}

#[test]
fn a_stream_that_is_searched_takes_no_more_memory_the_longer_it_is() {
    for kind in NASTY {
        let mut finder = Finder::new(ALL);
        let mut found = Vec::with_capacity(PIECE_BYTES);
        check(kind, SEARCHED_BYTES, |piece| {
            found.clear();
            finder.push(piece, &mut found);
        });
    }
}

/// Lets the tables be made that are made once in a process.
fn warm_up() {
    let mut found = Vec::new();
    let mut finder = Finder::new(ALL);
    finder.push(
        b"4111111111111111 password = 'x' ghp_ eyJ a@b.com +49 30 901820 DE89 536-22-8731 cvv=1 ghp_0123456789ab",
        &mut found,
    );
    finder.finish(&mut found);
}

/// Most of what the first tenth takes is the most that all of it takes.
fn check(kind: &str, bytes: usize, mut push: impl FnMut(&[u8])) {
    let piece = kind.repeat(PIECE_BYTES / kind.len());
    let pieces = bytes / piece.len();
    warm_up();
    let before = MEMORY.get();
    let mut most = |count: usize| {
        PEAK.set(MEMORY.get());
        (0..count).for_each(|_| push(piece.as_bytes()));
        PEAK.get() - before
    };
    let first = most(pieces / 10);
    let rest = most(pieces - pieces / 10);
    assert!(rest <= first, "{kind:?}: {rest} bytes, where the first tenth took {first}");
    assert!(first <= STREAM_MEMORY_MAX, "{kind:?}: {first} bytes");
}

thread_local! {
    /// What this thread has allocated and not freed, and the most that was.
    static MEMORY: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, which counts for each thread by itself: tests run side by side.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: i64) {
    let now = MEMORY.get() + bytes;
    MEMORY.set(now);
    PEAK.set(PEAK.get().max(now));
}

fn bytes(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

// SAFETY: every call goes to the system's allocator as it came. Counting allocates nothing: the cells are made
// without an allocation and never dropped.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(bytes(layout.size()));
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-bytes(layout.size()));
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both exist for a moment, when it moves.
        count(bytes(size));
        // SAFETY: the caller's promise is handed on.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        count(-bytes(layout.size()));
        moved
    }
}
