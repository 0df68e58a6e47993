//! International bank account numbers (ISO 13616-1), which hold as many digits as card numbers do.

use std::ops::Range;

use crate::text::Text;

/// Whether `range` is within an IBAN of a country's length and with right check digits, bare or in groups.
pub(crate) fn holds(text: &Text<'_>, range: &Range<usize>) -> bool {
    let first = range.start.saturating_sub(REACH).max(text.begin());
    (first..range.start).any(|at| {
        let starts =
            at == text.begin() || !text.known(at - 1..at).first().is_some_and(u8::is_ascii_alphanumeric);
        starts && end(text, at).is_some_and(|end| end >= range.end)
    })
}

/// Where the IBAN that starts at `at` ends.
pub(crate) fn end(text: &Text<'_>, at: usize) -> Option<usize> {
    let country = [text.get(at)?, text.get(at + 1)?];
    let length = length(country)?;
    let head = [country[0], country[1], text.get(at + 2)?, text.get(at + 3)?];
    if !matches!(head, [.., b'0'..=b'9', b'0'..=b'9']) {
        return None;
    }
    let (mut rest, mut count) = (0, head.len());
    for at in at + head.len()..at + REACH + 1 {
        match text.get(at)? {
            byte @ (b'0'..=b'9' | b'A'..=b'Z') => {
                rest = remainder(rest, byte);
                count += 1;
            }
            b' ' | b'-' => {}
            _ => return None,
        }
        if count == length {
            let right = head.iter().fold(rest, |sum, byte| remainder(sum, *byte)) == 1;
            let over = !text.get(at + 1).is_some_and(|next| next.is_ascii_alphanumeric());
            return (right && over).then_some(at + 1);
        }
    }
    None
}

/// One more character of the number whose remainder by 97 is `sum`: letters count as 10 to 35.
fn remainder(sum: u32, byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    }
}

/// How long a country's IBANs are.
fn length(country: [u8; 2]) -> Option<usize> {
    if !country.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    let named = |countries: &str| countries.as_bytes().chunks(3).any(|code| code.starts_with(&country));
    LENGTHS.iter().find(|(_, countries)| named(countries)).map(|(length, _)| *length)
}

/// The IBAN registry's lengths, 2024.
const LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// Longest IBAN, 33 characters, with a separator after every four.
const REACH: usize = 42;
