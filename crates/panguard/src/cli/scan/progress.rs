use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::report::{Count, number, size};

/// One line on a terminal that says how far it is, and is gone when something else is printed.
pub struct Progress {
    is_terminal: bool,
    is_shown: bool,
    last: Option<Instant>,
}

impl Progress {
    /// Shows nothing unless it `is_terminal`.
    pub fn new(is_terminal: bool) -> Self {
        Self { is_terminal, is_shown: false, last: None }
    }

    /// Says how far it is, unless it has just done so.
    pub fn show(&mut self, count: &Count, bytes: u64) {
        if self.is_terminal && self.last.is_none_or(|last| last.elapsed() >= PAUSE) {
            self.is_shown = true;
            self.last = Some(Instant::now());
            let (files, findings) = (number(count.files, "file"), number(count.findings, "finding"));
            let line = format!("{files}, {}, {findings}", size(bytes));
            _ = write!(io::stderr(), "\r\x1b[K{line}");
        }
    }

    /// Makes room for something else.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// More often nobody can read it.
const PAUSE: Duration = Duration::from_millis(100);
