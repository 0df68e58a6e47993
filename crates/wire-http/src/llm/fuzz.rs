use std::sync::Arc;

use mask::{Masker, Profile};

use super::{Dialect, Seen, doc::Doc, mask_answer, mask_prompt, open, prompt};
use crate::body::{Care, Opaque, Rewrite, Withheld};

/// Masks any bytes as a stream of events, cut by what the first byte says, and asserts that it comes to the same
/// as the whole, and that what comes out holds nothing that would be found again.
pub fn fuzz_sse(data: &[u8]) {
    fuzz(data, "text/event-stream", crate::sse::open);
}

/// The same for lines.
pub fn fuzz_lines(data: &[u8]) {
    fuzz(data, "application/x-ndjson", super::open_lines);
}

/// Reads and masks any bytes as a prompt and as an answer, and asserts that JSON stays JSON, and that masking again
/// changes nothing.
pub fn fuzz_prompt(data: &[u8]) {
    for care in [care(false), care(true)] {
        for (dialect, path) in [
            (Dialect::OpenAi, "/v1/chat/completions"),
            (Dialect::Anthropic, "/v1/messages"),
            (Dialect::Ollama, "/api/chat"),
            (Dialect::Gemini, "/v1beta/models/m:generateContent"),
        ] {
            let _facts = prompt(dialect, path, data);
            if let Ok(Some(masked)) = mask_prompt(&care, dialect, data) {
                assert!(Doc::read(&masked).is_some(), "JSON stays JSON");
                assert!(mask_prompt(&care, dialect, &masked) == Ok(None), "masking again changes nothing");
            }
        }
        if let Ok(Some(masked)) = mask_answer(&care, data, &Arc::<Seen>::default()) {
            assert!(Doc::read(data).is_none() || Doc::read(&masked).is_some(), "JSON stays JSON");
        }
    }
}

fn fuzz(data: &[u8], kind: &str, unknown: fn(&Care) -> Box<dyn Rewrite>) {
    let Some((width, data)) = data.split_first() else { return };
    let width = usize::from(*width).max(1);
    for (strict, answers) in [(false, false), (false, true), (true, true)] {
        let care = care(strict);
        let begin = || if answers { open(&care, kind).0 } else { unknown(&care) };
        let whole = run(begin(), data, data.len().max(1));
        let cut = run(begin(), data, width);
        match (whole, cut) {
            (Ok((whole, found)), Ok((cut, also))) => {
                assert!(whole == cut && found == also, "however it is cut, it is masked the same");
                assert!(found > 0 || !mask::holds_card(&whole) || strict, "what is found is masked");
            }
            (Err(why), Err(also)) => {
                assert!(why == also, "however it is cut, it is withheld for the same reason")
            }
            _ => assert!(data.is_empty(), "however it is cut, it is withheld"),
        }
    }
}

fn run(mut rewrite: Box<dyn Rewrite>, data: &[u8], width: usize) -> Result<(Vec<u8>, u64), Withheld> {
    let mut told = Vec::new();
    for piece in data.chunks(width) {
        rewrite.push(piece, &mut told)?;
    }
    rewrite.finish(&mut told)?;
    Ok((told, rewrite.found()))
}

fn care(strict: bool) -> Care {
    Care {
        masker: Masker::new(Profile::Last4),
        rules: [].into(),
        strict,
        opaque: if strict { Opaque::Refuse } else { Opaque::Pass },
        refuses: false,
        echo: crate::echo::Echo::default(),
        seen: None,
        is_json_alone: false,
    }
}
