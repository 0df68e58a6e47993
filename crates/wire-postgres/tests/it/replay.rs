use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::conversation::play;

/// Pieces of up to this many bytes are tried one by one: longer than any header and most messages.
const PIECE_BYTES_MAX: usize = 96;

#[test]
fn every_conversation_goes_as_written_however_the_stream_is_cut() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora/postgres");
    let mut played = 0;
    let mut failed = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "talk") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let all = || (1..=PIECE_BYTES_MAX).chain([usize::MAX]).for_each(|piece| play(&name, &text, piece));
        if catch_unwind(AssertUnwindSafe(all)).is_err() {
            failed.push(name.clone());
        }
        played += 1;
    }
    assert!(failed.is_empty(), "not as written: {failed:?}");
    assert!(played > 20, "only {played} conversations in {}", folder.display());
}
