//! Streams as the providers send them (`corpora/http`), each beside what comes out. `UPDATE=1` writes that anew; it is
//! then to be read.

use std::path::{Path, PathBuf};

use super::*;

#[test]
fn each_stream_comes_out_as_written_beside_it() {
    for (name, stream) in streams() {
        let told = run(begin(&name), &[&stream]).unwrap();
        let path = directory().join(format!("{name}.masked"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &told).unwrap();
        }
        assert_eq!(told, std::fs::read_to_string(path).unwrap(), "{name}");
        assert!(!mask::holds_card(told.as_bytes()), "{name}");
    }
}

#[test]
fn however_a_stream_is_cut_the_same_comes_out() {
    for (name, stream) in streams() {
        let whole = run(begin(&name), &[&stream]).unwrap();
        for width in [1, 2, 3, 7, 61, 1000] {
            let pieces: Vec<_> = stream.chunks(width).collect();
            assert_eq!(run(begin(&name), &pieces).unwrap(), whole, "{name} by {width}");
        }
        // Every cut of the longest streams is much of the same.
        for at in (0..stream.len()).step_by(stream.len() / 400 + 1) {
            let (one, other) = stream.split_at(at);
            assert_eq!(run(begin(&name), &[one, other]).unwrap(), whole, "{name} at {at}");
        }
    }
}

#[test]
fn what_an_answer_tells_of_itself_is_noted() {
    let told = |name: &str| {
        let stream = std::fs::read(directory().join(name)).unwrap();
        let (rewrite, seen) = open(&care(), kind(name));
        run(rewrite, &[&stream]).unwrap();
        let Facts { usage, model, finish_reasons, tools, text, .. } = seen.facts();
        assert!(!mask::holds_card(text.as_bytes()), "{name}: {text}");
        let usage = (usage.input_tokens.unwrap_or_default(), usage.output_tokens.unwrap_or_default());
        (usage, model.unwrap_or_default().into_string(), finish_reasons.join(","), tools.join(","))
    };
    let check = |name, usage, model: &str, reasons: &str, tools: &str| {
        assert_eq!(told(name), (usage, model.into(), reasons.into(), tools.into()), "{name}");
    };
    check("openai-chat.sse", (19, 28), "gpt-4.1-2025-04-14", "stop", "");
    check("openai-chat-tools.sse", (0, 0), "gpt-4.1-2025-04-14", "tool_calls,stop", "charge,note");
    check("openai-responses.sse", (36, 87), "gpt-4.1-2025-04-14", "", "charge");
    check("anthropic-messages.sse", (472, 89), "claude-sonnet-4-5-20250929", "tool_use", "get_card");
    check("gemini-stream.sse", (8, 29), "gemini-2.5-flash", "STOP", "");
    check("ollama-chat.ndjson", (26, 282), "llama3.2", "stop", "");
    check("vllm-chat.sse", (30, 11), "Qwen/Qwen3-8B", "stop", "");
}

#[test]
fn what_an_answer_says_is_kept_masked_each_text_on_a_line() {
    let stream = std::fs::read(directory().join("anthropic-messages.sse")).unwrap();
    let (rewrite, seen) = open(&care(), kind("anthropic-messages.sse"));
    run(rewrite, &[&stream]).unwrap();
    let told = "The user gave ************9424; I should not repeat it\nCard **********5904\n{\"pan\": \"************3222\"}";
    assert_eq!(seen.facts().text, told);
}

#[test]
fn what_is_no_text_is_treated_as_any_other_body() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0";
    let told = |care: &Care| {
        let mut rewrite = open(care, "image/png").0;
        let mut told = Vec::new();
        rewrite.push(png, &mut told)?;
        rewrite.finish(&mut told).map(|()| told)
    };
    assert_eq!(told(&care()).as_deref(), Ok(png.as_slice()));
    assert!(matches!(told(&strict()), Err(Withheld::NotUnderstood(_))));
}

fn begin(name: &str) -> Box<dyn Rewrite> {
    open(&care(), kind(name)).0
}

fn kind(name: &str) -> &'static str {
    if name.contains("ndjson") { "application/x-ndjson" } else { "text/event-stream; charset=utf-8" }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora/http")
}

fn streams() -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let streams = entries.filter(|path| path.extension().is_some_and(|end| end == "sse" || end == "ndjson"));
    let mut streams: Vec<_> = streams
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    streams.sort();
    assert!(streams.len() >= 13);
    streams
}
