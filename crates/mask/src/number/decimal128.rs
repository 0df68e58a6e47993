//! Decimal floating point of 128 bits (IEEE 754-2008 §3.5.2, binary encoding of the significand).

/// A decimal128 in decimal, without an exponent.
pub(super) fn read(bits: u128) -> String {
    let sign = if bits >> 127 == 1 { "-" } else { "" };
    // Five bits behind the sign say what is no number.
    match bits >> 122 & 0b1_1111 {
        0b1_1111 => return "NaN".into(),
        0b1_1110 => return format!("{sign}Infinity"),
        _ => {}
    }
    // Two set bits announce a significand beyond 34 digits, and such counts as zero.
    let (exponent, significand) = match bits >> 125 & 0b11 {
        0b11 => (bits >> 111, 0),
        _ => (bits >> 113, bits & ((1 << 113) - 1)),
    };
    let significand = if significand > SIGNIFICAND_MAX { 0 } else { significand };
    // Fourteen bits fit.
    let exponent = i32::try_from(exponent & 0x3fff).unwrap_or(BIAS) - BIAS;
    let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    let digits = significand.to_string();
    if exponent >= 0 {
        let zeros = if significand == 0 { 0 } else { zeros };
        return format!("{sign}{digits}{}", "0".repeat(zeros));
    }
    // At least one digit stands before the point.
    let digits = format!("{digits:0>width$}", width = zeros + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - zeros).unwrap_or((&digits, ""));
    format!("{sign}{whole}.{fraction}")
}

/// The greatest significand: 34 digits.
const SIGNIFICAND_MAX: u128 = 10_u128.pow(34) - 1;
/// What is added to an exponent so that it has no sign.
const BIAS: i32 = 6176;
