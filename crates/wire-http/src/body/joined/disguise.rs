//! Values that are a card number written as nobody writes one.

use std::borrow::Cow;
use std::ops::Range;

use super::leaves::WHOLE;
use super::{DIGITS_MAX, DIGITS_MIN, Disguise, is_card};
use crate::body::packed;

/// What a value looks like, of which ordinary ones are many: some of them say a card number in disguise by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// Digits, as many as a card number has.
    Digits,
    /// A few more digits than that, right behind a letter.
    Inside,
    /// About as many digits of hexadecimal as one has there, and nothing that says so.
    Hex,
}

/// What was read of a value.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub form: Option<Form>,
    /// What stands in its place, if it is a card number in disguise.
    pub mask: Option<(Disguise, Vec<u8>)>,
}

/// Reads the value at `place` of `text`.
pub(super) fn read(text: &[u8], place: Range<usize>) -> Reading {
    let whole = |disguise, form| Reading { form, mask: Some((disguise, WHOLE.to_vec())) };
    // Fewer bytes hold none, in any of these.
    let Some(written) = text.get(place).filter(|written| written.len() >= SHORTEST) else {
        return Reading::default();
    };
    let Some(content) = written.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return if is_number(written) { whole(Disguise::Number, None) } else { Reading::default() };
    };
    if let Some(masked) = words(content) {
        let mask = [b"\"", masked.as_slice(), b"\""].concat();
        return Reading { form: None, mask: Some((Disguise::Words, mask)) };
    }
    let content = match content.contains(&b'\\') {
        true => Cow::Owned(serde_json::from_slice::<String>(written).unwrap_or_default().into_bytes()),
        false => Cow::Borrowed(content),
    };
    let value = content.trim_ascii();
    let form = Form::of(value);
    let short = value.len() <= LONGEST;
    match () {
        () if short && is_backwards(value) => whole(Disguise::Backwards, form),
        () if short && is_radix(value) => whole(Disguise::Radix, form),
        () if short && is_letters(value) => whole(Disguise::Letters, None),
        () if short && is_number(value) => whole(Disguise::Number, None),
        () if form == Some(Form::Inside) => Reading {
            form,
            mask: inside(value).map(|run| {
                let mut masked = value.to_vec();
                masked.get_mut(run).into_iter().flatten().for_each(|byte| *byte = b'*');
                let masked = serde_json::to_vec(&String::from_utf8_lossy(&masked));
                (Disguise::Inside, masked.unwrap_or(WHOLE.to_vec()))
            }),
        },
        () if is_in_signs(&content) => whole(Disguise::Signs, None),
        () if packed::hides(&content) => whole(Disguise::Packed, None),
        () => Reading { form, mask: None },
    }
}

impl Form {
    fn of(value: &[u8]) -> Option<Self> {
        let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
        if (DIGITS_MIN..=DIGITS_MAX).contains(&value.len()) && digits == value.len() {
            return Some(Self::Digits);
        }
        if long_runs(value).next().is_some() {
            return Some(Self::Inside);
        }
        let hex = (HEX_MIN..=HEX_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_hexdigit);
        (hex && digits < value.len()).then_some(Self::Hex)
    }
}

/// Whether a card number is in a text when signs that show a digit are taken for it: raised, lowered, circled.
fn is_in_signs(value: &[u8]) -> bool {
    let signs = |text: &&str| text.chars().filter(|c| sign(*c).is_some()).count() >= DIGITS_MIN;
    if value.is_ascii() {
        return false;
    }
    let Some(text) = str::from_utf8(value).ok().filter(signs) else { return false };
    // What makes a key of a digit stands behind it.
    let plain = text.chars().filter(|c| !matches!(c, '\u{fe0f}' | '\u{20e3}'));
    let plain: String = plain.map(|c| sign(c).unwrap_or(c)).collect();
    mask::holds_card(plain.as_bytes())
}

/// The digit that a sign shows.
fn sign(c: char) -> Option<char> {
    let from = |first: char, digit: u32| char::from_digit(u32::from(c) - u32::from(first) + digit, 10);
    match c {
        '0'..='9' => Some(c),
        '\u{b9}' => Some('1'),
        '\u{b2}'..='\u{b3}' => from('\u{b2}', 2),
        '\u{2070}' | '\u{24ea}' | '\u{24ff}' | '\u{1f10b}' | '\u{1f10c}' => Some('0'),
        '\u{2074}'..='\u{2079}' => from('\u{2074}', 4),
        '\u{2080}'..='\u{2089}' => from('\u{2080}', 0),
        '\u{2460}'..='\u{2468}' => from('\u{2460}', 1),
        '\u{2474}'..='\u{247c}' => from('\u{2474}', 1),
        '\u{2488}'..='\u{2490}' => from('\u{2488}', 1),
        '\u{24f5}'..='\u{24fd}' => from('\u{24f5}', 1),
        '\u{2776}'..='\u{277e}' => from('\u{2776}', 1),
        '\u{2780}'..='\u{2788}' => from('\u{2780}', 1),
        '\u{278a}'..='\u{2792}' => from('\u{278a}', 1),
        _ => None,
    }
}

/// The digits in which a card number stands with others before or behind it.
fn inside(value: &[u8]) -> Option<Range<usize>> {
    let mut runs = long_runs(value);
    runs.find(|run| {
        let digits = value.get(run.clone()).unwrap_or_default();
        (DIGITS_MIN..digits.len()).any(|count| digits.windows(count).any(is_card))
    })
}

/// Digits beside one another, a few more than a card number mostly has, right behind a letter or its underscore.
fn long_runs(value: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = value.get(at..).filter(|rest| !rest.is_empty())?;
            let start = at + rest.iter().position(u8::is_ascii_digit)?;
            let digits = value.get(start..).unwrap_or_default();
            at = start + digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let before = value.get(..start).unwrap_or_default();
            let before = before.strip_suffix(b"_").unwrap_or(before);
            if (LONG_MIN..=DIGITS_MAX).contains(&(at - start))
                && before.last().is_some_and(u8::is_ascii_alphabetic)
            {
                return Some(start..at);
            }
        }
    })
}

/// Whether it is a number in the spelling of JSON, a little more freely, whose whole part is a card number.
fn is_number(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"-").or_else(|| value.strip_prefix(b"+")).unwrap_or(value);
    let (mantissa, exponent) = match value.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (value.get(..at).unwrap_or_default(), value.get(at + 1..).unwrap_or_default()),
        None => (value, b"0".as_slice()),
    };
    let exponent = exponent.strip_prefix(b"+").unwrap_or(exponent);
    let Some(exponent) = str::from_utf8(exponent).ok().and_then(|text| text.parse::<i64>().ok()) else {
        return false;
    };
    let mut parts = mantissa.splitn(2, |byte| *byte == b'.');
    let (whole, fraction) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let digits = [whole, fraction].concat();
    let point = i64::try_from(whole.len()).ok().and_then(|point| point.checked_add(exponent));
    let Some(point) = point.and_then(|point| usize::try_from(point).ok()).filter(|point| *point <= LONGEST)
    else {
        return false;
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let all: Vec<u8> = digits.into_iter().chain(std::iter::repeat(b'0')).take(point).collect();
    let zeros = all.iter().take_while(|digit| **digit == b'0').count();
    is_card(all.get(zeros..).unwrap_or_default())
}

/// Whether it is digits, and a card number from the last to the first.
fn is_backwards(value: &[u8]) -> bool {
    let made = value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
    let digits = || value.iter().rev().copied().filter(u8::is_ascii_digit);
    made && is_card(&digits().collect::<Vec<_>>())
}

/// Whether it is a whole number in another base, of a card number's value.
fn is_radix(value: &[u8]) -> bool {
    let Ok(value) = str::from_utf8(value) else { return false };
    let lower = value.to_ascii_lowercase();
    let (digits, radix) = match lower.split_at_checked(2) {
        Some(("0x" | "\\x" | "&h", digits)) => (digits, 16),
        Some(("0o", digits)) => (digits, 8),
        Some(("0b", digits)) => (digits, 2),
        _ if lower.bytes().all(|byte| matches!(byte, b'0' | b'1')) => (lower.as_str(), 2),
        _ if lower.bytes().all(|byte| matches!(byte, b'0'..=b'7')) => (lower.as_str(), 8),
        // Digits alone are what they are.
        _ if lower.bytes().any(|byte| byte.is_ascii_alphabetic()) => (lower.as_str(), 16),
        _ => return false,
    };
    let digits = digits.trim_end_matches('h').trim_end_matches('n').replace(['_', ' '], "");
    u64::from_str_radix(&digits, radix).is_ok_and(|number| is_card(number.to_string().as_bytes()))
}

/// Whether it is letters from A to J, and a card number when A is zero, or one and J zero.
fn is_letters(value: &[u8]) -> bool {
    let fits = |byte: &u8| matches!(byte, b'a'..=b'j' | b'A'..=b'J');
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&value.len()) || !value.iter().all(fits) {
        return false;
    }
    let digits =
        |first: u8| value.iter().map(|byte| ((byte | 0x20) - b'a' + first) % 10 + b'0').collect::<Vec<_>>();
    is_card(&digits(0)) || is_card(&digits(1))
}

/// What stands between the quotes of a string with the letters of digits masked that are words one after another and
/// a card number; `None` when there is none.
fn words(content: &[u8]) -> Option<Vec<u8>> {
    if content.len() < DIGITS_MIN * SHORTEST_WORD {
        return None;
    }
    let mut masked: Option<Vec<u8>> = None;
    let mut run: Vec<(Range<usize>, u8)> = Vec::new();
    let mut at = 0;
    loop {
        let rest = content.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let word = rest.get(..length).unwrap_or_default();
        let digit = WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        match (digit, rest) {
            (Some((_, digit)), _) => {
                run.push((at..at + length, *digit));
                at += length;
                continue;
            }
            _ if length > 0 => at += length,
            // An escape parts words, and its letter is none.
            (_, [b'\\', b'u', ..]) => at += 6,
            (_, [b'\\', ..]) => at += 2,
            (_, [b' ' | b',' | b'-' | b'.' | b'_' | b'/', ..]) => at += 1,
            (_, [_, ..]) => at += 1,
            (_, []) => {
                hide(content, &run, &mut masked);
                return masked;
            }
        }
        if length > 0 {
            hide(content, &run, &mut masked);
            run.clear();
        }
    }
}

/// Masks what of `run` is a card number.
fn hide(content: &[u8], run: &[(Range<usize>, u8)], masked: &mut Option<Vec<u8>>) {
    if run.len() < DIGITS_MIN {
        return;
    }
    let digits: Vec<u8> = run.iter().map(|(_, digit)| *digit).collect();
    for finding in mask::find(&digits) {
        for (place, _) in run.get(finding.range).unwrap_or_default() {
            let masked = masked.get_or_insert_with(|| content.to_vec());
            masked.get_mut(place.clone()).into_iter().flatten().for_each(|byte| *byte = b'*');
        }
    }
}

const WORDS: &[(&str, u8)] = &[
    ("zero", b'0'),
    ("oh", b'0'),
    ("one", b'1'),
    ("two", b'2'),
    ("three", b'3'),
    ("four", b'4'),
    ("five", b'5'),
    ("six", b'6'),
    ("seven", b'7'),
    ("eight", b'8'),
    ("nine", b'9'),
];
const SHORTEST_WORD: usize = 3;
/// Fewest bytes of a value that may be a card number: in hexadecimal it has eleven digits, in a float `4e15` and more.
const SHORTEST: usize = 4;
/// How many digits of hexadecimal a card number takes.
const HEX_MIN: usize = 11;
const HEX_MAX: usize = 16;
/// More digits than a card number mostly has; of more than 19 any part is looked at by the mask.
const LONG_MIN: usize = 17;
/// Most bytes of one that is nothing else: in binary it has 64 digits.
const LONGEST: usize = 80;
