use crate::secret::escape;
use crate::text::Text;

/// Where the Social Security number of the United States ends that starts at `at`: area, group and serial, with
/// hyphens; with spaces, or bare, only next to words that say so.
///
/// Numbers are left out that the Social Security Administration never issues (20 CFR 422.103; SSA POMS RM
/// 10201.035): area 000, 666 or 900 and up, group 00, serial 0000.
pub(crate) fn find(text: &Text<'_>, at: usize, before: &[u8]) -> Option<usize> {
    let within = |last: &u8| last.is_ascii_alphanumeric() || matches!(last, b'-' | b'_');
    if before.last().is_some_and(within) && !escape::ends(before) {
        return None;
    }
    if matches!(before, [.., digit, b'.' | b'/' | b','] if digit.is_ascii_digit()) {
        return None;
    }
    let mut digits = [0; 9];
    let mut place = at;
    let mut separator = None;
    for (index, slot) in digits.iter_mut().enumerate() {
        if matches!(index, 3 | 5) {
            let next = text.get(place)?;
            let signs = matches!(next, b'-' | b' ');
            match (index, separator) {
                (3, _) => separator = signs.then_some(next),
                (_, Some(first)) if first != next => return None,
                _ => {}
            }
            place += usize::from(separator.is_some());
        }
        *slot = text.get(place).filter(u8::is_ascii_digit)?;
        place += 1;
        // What is bare, or in groups, is looked at no further without the words.
        if index == 3 && separator != Some(b'-') && !is_named(before) {
            return None;
        }
    }
    let goes_on = match text.get(place) {
        Some(b'-' | b'.') => text.get(place + 1).is_some_and(|next| next.is_ascii_digit()),
        Some(next) => next.is_ascii_alphanumeric() || next == b'_',
        None => false,
    };
    (!goes_on && is_issued(&digits)).then_some(place)
}

fn is_issued(digits: &[u8; 9]) -> bool {
    let [area @ .., g1, g2, s1, s2, s3, s4] = digits;
    // In advertisements, and on a card sold with wallets, printed a million times.
    let printed = digits == b"078051120" || digits == b"219099999" || digits == b"123456789";
    area != b"000"
        && area != b"666"
        && !area.starts_with(b"9")
        && [g1, g2] != [&b'0', &b'0']
        && [s1, s2, s3, s4].into_iter().any(|digit| *digit != b'0')
        && !printed
}

/// Whether words before say that a Social Security number follows.
fn is_named(before: &[u8]) -> bool {
    let before = before.get(before.len().saturating_sub(REACH)..).unwrap_or_default();
    let words: [&[u8]; 4] = [b"ssn", b"social security", b"social_security", b"socialsecurity"];
    let starts = |at: usize| {
        let rest = before.get(at..).unwrap_or_default();
        words.iter().any(|word| rest.get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word)))
    };
    let firsts = (0..).zip(before).filter(|(_, byte)| matches!(byte, b's' | b'S'));
    firsts.into_iter().any(|(at, _)| starts(at))
}

/// How far before the number the words may stand.
pub(crate) const REACH: usize = 40;
