use std::io::{self, Write};

use super::report::{Count, size};

/// One line on a terminal that says how far it is, and is gone when something else is printed.
pub struct Progress {
    is_terminal: bool,
    is_shown: bool,
}

impl Progress {
    /// Shows nothing unless it `is_terminal`.
    pub fn new(is_terminal: bool) -> Self {
        Self { is_terminal, is_shown: false }
    }

    pub fn show(&mut self, count: &Count, bytes: u64) {
        if self.is_terminal {
            self.is_shown = true;
            let line = format!("{} files, {}, {} findings", count.files, size(bytes), count.findings);
            _ = write!(io::stderr(), "\r\x1b[K{line}");
        }
    }

    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
