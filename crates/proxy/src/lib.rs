//! Listen, admit, drive, dial, drain.
