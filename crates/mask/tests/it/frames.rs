//! Text that comes in JSON strings, a piece in each, as model providers stream their answers.

use mask::{Classes, JsonPath, JsonStream, Masker, NotAString};
use proptest::prelude::*;

use crate::LAST4;

#[test]
fn a_number_that_comes_in_pieces_is_masked_and_the_frames_stay() {
    let mut stream = JsonStream::new(LAST4);
    let mut told = Vec::new();
    for piece in ["The card is 41", "11 1111", " 1111 11", "11, and it", " expires \\\"soon\\\""] {
        told.push(push(&mut stream, piece));
    }
    assert_eq!(stream.finish(), b"");
    let frame = |content: &str| {
        format!(r#"{{"id":"c-1","choices":[{{"index":0,"delta":{{"content":"{content}"}}}}]}}"#)
    };
    assert_eq!(
        told,
        ["The card is ", "", "", "**** **** **** 1111, and it", " expires \\\"soon\\\""].map(frame)
    );
    assert_eq!((stream.found(), stream.sad()), (1, false));
}

#[test]
fn a_frame_in_which_nothing_is_found_is_the_same_byte_for_byte() {
    let mut stream = JsonStream::new(LAST4);
    for piece in ["caf\\u00e9 \\/ caf\u{e9}", "", "\\ud83d\\ude00 \\t", "\u{1f600}"] {
        let frame = frame(piece);
        assert_eq!(push(&mut stream, piece), frame);
    }
}

#[test]
fn what_is_held_back_at_the_end_comes_masked() {
    let mut stream = JsonStream::new(LAST4);
    assert_eq!(push(&mut stream, "4111 1111 1111 1111"), frame(""));
    assert_eq!(stream.finish(), b"**** **** **** 1111");
    assert_eq!(stream.held(), 0);
}

#[test]
fn a_track_in_pieces_is_told() {
    let mut stream = JsonStream::new(LAST4);
    for piece in [";41111111", "11111111=2912", "101123456789?", " "] {
        let told = push(&mut stream, piece);
        assert!(!told.contains("1111"), "{told}");
    }
    assert!(stream.sad());
}

#[test]
fn a_pair_of_surrogates_in_two_frames_is_one_character() {
    let mut stream = JsonStream::new(LAST4);
    assert_eq!(push(&mut stream, "a\\ud83d"), frame("a"));
    assert_eq!(push(&mut stream, "\\ude00b"), frame("\u{1f600}b"));
    // An escaped backslash begins no escape of the frame's; of the text's it may, and so it waits.
    assert_eq!(push(&mut stream, "\\\\ud83d"), frame(""));
    assert_eq!(push(&mut stream, " "), frame("\\\\ud83d "));
    assert_eq!(push(&mut stream, "\\ud83d"), frame(""));
    assert_eq!(stream.finish(), "\u{fffd}".as_bytes());
}

#[test]
fn what_is_no_string_is_refused() {
    let mut stream = JsonStream::new(LAST4);
    for (frame, content) in [
        ("\"abc\"", 0..3),
        ("\"abc\"", 1..3),
        ("\"abc", 1..4),
        ("\"a\\x\"", 1..4),
        ("", 1..1),
        ("\"a\"", 9..9),
    ] {
        assert_eq!(stream.push(frame.as_bytes(), content), Err(NotAString), "{frame}");
    }
}

#[test]
fn a_path_says_where_the_text_is() {
    let path = JsonPath::parse("$.choices[*].delta.content").unwrap();
    let text = br#"{"choices":[{"delta":{"content":"a\"b"}},{"delta":{"content":7}},{"delta":{"content":{"content":"c"}}}]}"#;
    let strings: Vec<&[u8]> = path.strings(text).unwrap().into_iter().map(|content| &text[content]).collect();
    assert_eq!(strings, [br#"a\"b"#]);
    assert_eq!(path.strings(b"data: [DONE]"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn pieces_of_a_text_are_masked_as_the_whole_of_it(
        text in crate::properties::text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        secrets in any::<bool>(),
    ) {
        let masker = LAST4.with(Classes { secret: secrets, ..Classes::default() });
        let characters: Vec<char> = text.chars().collect();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(characters.len() + 1)).collect();
        places.extend([0, characters.len()]);
        places.sort_unstable();
        let mut stream = JsonStream::new(masker);
        let mut told = String::new();
        for piece in places.windows(2) {
            let written = serde_json::to_string(&characters[piece[0]..piece[1]].iter().collect::<String>()).unwrap();
            let frame = format!("[{written}]");
            let frame = stream.push(frame.as_bytes(), 2..frame.len() - 2).unwrap();
            let [content]: [String; 1] = serde_json::from_slice(&frame).unwrap();
            told.push_str(&content);
        }
        let last = [b"\"".as_slice(), &stream.finish(), b"\""].concat();
        told.push_str(&serde_json::from_slice::<String>(&last).unwrap());
        prop_assert_eq!(told, whole(masker, &text));
    }
}

fn whole(masker: Masker, text: &str) -> String {
    masker.text(text.as_bytes()).map_or(text.into(), |masked| String::from_utf8(masked.bytes).unwrap())
}

fn frame(content: &str) -> String {
    format!(r#"{{"id":"c-1","choices":[{{"index":0,"delta":{{"content":"{content}"}}}}]}}"#)
}

fn push(stream: &mut JsonStream, content: &str) -> String {
    let frame = frame(content);
    let [place]: [_; 1] = JsonPath::parse("$.choices[0].delta.content")
        .unwrap()
        .strings(frame.as_bytes())
        .unwrap()
        .try_into()
        .unwrap();
    String::from_utf8(stream.push(frame.as_bytes(), place).unwrap()).unwrap()
}
