use notify::is_unseen;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[test]
fn what_would_move_the_cursor_is_written_out() {
    assert_eq!(plain("a\u{1b}[2Kb\r\u{9b}c\u{7}\0"), "a\\u{1b}[2Kb\\u{d}\\u{9b}c\\u{7}\\u{0}");
    assert_eq!(plain("gra\u{202e}tnu\u{200b}s"), "gra\\u{202e}tnu\\u{200b}s");
    assert_eq!(plain("größe\t日本"), "größe 日本");
}

#[test]
fn all_that_unicode_lets_be_ignored_is_written_out() {
    // Default_Ignorable_Code_Point, DerivedCoreProperties of Unicode 16.
    let ranges = [
        0xad..=0xad,
        0x34f..=0x34f,
        0x61c..=0x61c,
        0x115f..=0x1160,
        0x17b4..=0x17b5,
        0x180b..=0x180f,
        0x200b..=0x200f,
        0x202a..=0x202e,
        0x2060..=0x206f,
        0x3164..=0x3164,
        0xfe00..=0xfe0f,
        0xfeff..=0xfeff,
        0xffa0..=0xffa0,
        0xfff0..=0xfff8,
        0x1bca0..=0x1bca3,
        0x1d173..=0x1d17a,
        0xe0000..=0xe0fff,
    ];
    for c in ranges.into_iter().flatten().filter_map(char::from_u32) {
        assert!(is_unseen(c), "{:x}", u32::from(c));
    }
}

#[test]
fn lines_are_broken_between_words_where_that_can_be() {
    assert_eq!(wrapped("one two three\n  four", 8), ["one two", "three", "  four"]);
    assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    assert_eq!(wrapped("a\n\nb", 4), ["a", "", "b"]);
    assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
}

proptest! {
    #[test]
    fn nothing_unseen_is_left_in_any_text(text in any::<String>(), columns in 2..40usize) {
        prop_assert!(!plain(&text).chars().any(is_unseen));
        for line in wrapped(&text, columns) {
            prop_assert!(!line.chars().any(is_unseen));
            let width: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
            prop_assert!(width <= columns, "{line:?} is {width} wide");
        }
    }

    #[test]
    fn json_means_the_same_and_nothing_unseen_is_left_in_it(text in any::<String>()) {
        let value = json!({ &text: [&text, "\u{1b}\u{9b}\u{e0041}"] });
        let plain = plain_json(&value);
        prop_assert!(!plain.chars().any(is_unseen));
        prop_assert_eq!(serde_json::from_str::<Value>(&plain).unwrap(), value);
    }
}
