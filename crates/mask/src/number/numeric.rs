//! `numeric` as PostgreSQL sends it (`src/backend/utils/adt/numeric.c`, `numeric_send`).

/// A binary numeric in decimal (`numeric_out`), or `None` if it is none: how many groups of four digits there
/// are, the weight of the first, sign, scale, and the groups.
pub(super) fn read(value: &[u8]) -> Option<String> {
    let mut rest = value;
    let mut word = || {
        let (word, after) = rest.split_first_chunk::<2>()?;
        rest = after;
        Some(u16::from_be_bytes(*word))
    };
    let count = word()?;
    let weight = word()?.cast_signed();
    let (sign, scale) = (word()?, usize::from(word()?));
    let groups: Vec<u16> =
        (0..count).map(|_| word().filter(|group| *group < 10_000)).collect::<Option<_>>()?;
    let mut text = String::new();
    match sign {
        0x0000 => {}
        0x4000 => text.push('-'),
        0xc000 => return Some("NaN".into()),
        0xd000 => return Some("Infinity".into()),
        0xf000 => return Some("-Infinity".into()),
        _ => return None,
    }
    if !rest.is_empty() || scale > SCALE_MAX {
        return None;
    }
    let whole = usize::try_from(weight).map_or(0, |weight| weight + 1);
    let leading = usize::try_from(-1 - i32::from(weight)).unwrap_or(0);
    let group = |at: usize| groups.get(at).copied().unwrap_or(0);
    // A few bytes may say that many zeros follow.
    let sent = whole.min(groups.len());
    let digits: String = (0..sent).map(|at| format!("{:04}", group(at))).collect();
    let digits = digits + &"0000".repeat(whole - sent);
    match digits.trim_start_matches('0') {
        "" => text.push('0'),
        digits => text.push_str(digits),
    }
    if scale > 0 {
        let fraction = (0..scale.div_ceil(4)).map(|at| match at.checked_sub(leading) {
            Some(at) => format!("{:04}", group(whole + at)),
            None => "0000".into(),
        });
        let fraction: String = fraction.collect();
        text.push('.');
        text.push_str(fraction.get(..scale).unwrap_or(&fraction));
    }
    Some(text)
}

/// Most digits after the point that PostgreSQL keeps (`NUMERIC_DSCALE_MASK`).
const SCALE_MAX: usize = 0x3fff;
