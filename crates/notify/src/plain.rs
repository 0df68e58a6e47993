/// `text` with control characters, and those that cannot be seen or turn the direction of writing
/// (<https://trojansource.codes>), as escapes: `\u{1b}`. A tab is a space.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => plain.push(' '),
            c if is_unseen(c) => plain.extend(c.escape_unicode()),
            c => plain.push(c),
        }
    }
    plain
}

/// JSON that means the same as `value`, with the same characters as JSON's own escapes.
pub fn plain_json(value: &serde_json::Value) -> String {
    let mut plain = String::new();
    // Written without line ends, it has such characters in strings alone.
    for c in value.to_string().chars() {
        if is_unseen(c) {
            plain.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Whether a character does something else than to be seen.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        // Default_Ignorable_Code_Point of Unicode, and what looks like a space and is none.
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{feff}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
        || matches!(c, '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}')
        || matches!(c, '\u{1d173}'..='\u{1d17a}')
        || (c != ' ' && c.is_whitespace())
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
