use access::Parameter;

/// A parameter as text, or why it cannot be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Null,
    Text(String),
    /// Its bytes mean nothing to us; how many there are.
    Opaque(usize),
}

pub(crate) fn show(parameter: &Parameter) -> Shown {
    match parameter {
        Parameter::Null => Shown::Null,
        Parameter::Text(bytes) => text(bytes),
        Parameter::Binary(bytes, oid) => match binary(*oid, bytes) {
            Some(shown) => Shown::Text(shown),
            None if TEXTS.contains(oid) => text(bytes),
            None => Shown::Opaque(bytes.len()),
        },
    }
}

/// Text whose card numbers the content scan can find: with a NUL in it, it is in some other encoding.
fn text(bytes: &[u8]) -> Shown {
    match str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Shown::Text(text.to_owned()),
        Ok(_) | Err(_) => Shown::Opaque(bytes.len()),
    }
}

/// Types whose binary form is their text (PostgreSQL's pg_type): char, name, text, json, xml, unknown,
/// bpchar, varchar.
const TEXTS: [u32; 8] = [18, 19, 25, 114, 142, 705, 1042, 1043];

/// The text of a value in PostgreSQL's binary form (its `…send` functions), for the types in which numbers
/// that matter come.
fn binary(oid: u32, bytes: &[u8]) -> Option<String> {
    match oid {
        16 => bytes.first().map(|byte| (*byte != 0).to_string()),
        20 => Some(i64::from_be_bytes(bytes.try_into().ok()?).to_string()),
        21 => Some(i16::from_be_bytes(bytes.try_into().ok()?).to_string()),
        23 => Some(i32::from_be_bytes(bytes.try_into().ok()?).to_string()),
        26 => Some(u32::from_be_bytes(bytes.try_into().ok()?).to_string()),
        700 => Some(f32::from_be_bytes(bytes.try_into().ok()?).to_string()),
        701 => Some(f64::from_be_bytes(bytes.try_into().ok()?).to_string()),
        1700 => numeric(bytes),
        // jsonb: a version byte, then text.
        3802 => str::from_utf8(bytes.strip_prefix(&[1])?)
            .ok()
            .filter(|text| !text.contains('\0'))
            .map(str::to_owned),
        _ => None,
    }
}

/// Groups of a numeric that are read: more than any number that is somebody's.
const NUMERIC_GROUPS_MAX: usize = 64;

/// `numeric` (numeric_send): counts of groups and weight, sign and scale as four 16-bit numbers, then the
/// groups of four decimal digits. The digits after the point are as sent, not cut to the scale.
fn numeric(bytes: &[u8]) -> Option<String> {
    let mut words = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
    let [count, weight, sign, _scale] = [words.next()?, words.next()?, words.next()?, words.next()?];
    let sign = match sign {
        0x0000 => "",
        0x4000 => "-",
        _ => return Some("NaN".into()),
    };
    let groups: Vec<u16> = words.collect();
    let weight = i16::from_be_bytes(weight.to_be_bytes());
    let whole = usize::try_from(i32::from(weight) + 1).unwrap_or(0);
    if groups.len() != usize::from(count) || groups.len().max(whole) > NUMERIC_GROUPS_MAX || weight < -8 {
        return None;
    }
    let mut text = String::from(sign);
    let digits: String =
        (0..whole).map(|at| format!("{:04}", groups.get(at).copied().unwrap_or(0))).collect();
    let digits = digits.trim_start_matches('0');
    text.push_str(if digits.is_empty() { "0" } else { digits });
    let zeros = usize::try_from(-1 - i32::from(weight)).unwrap_or(0);
    let fraction: String = "0000".repeat(zeros)
        + &groups.iter().skip(whole).map(|group| format!("{group:04}")).collect::<String>();
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    Some(text)
}

#[cfg(test)]
mod tests;
