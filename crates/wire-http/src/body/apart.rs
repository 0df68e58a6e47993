//! Card numbers taken apart: digits in fields of their own, one beside the other. Strict mode puts them together.

use std::ops::Range;

/// Which of `fields`, that stand beside one another, make a card number together: each range has at least two of them.
/// Empty fields are passed over; any other that is not of digits parts those beside it.
pub(super) fn apart<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    // The fields of digits right before this one, that a number which ends here may start in.
    let mut before: Vec<(usize, Vec<u8>)> = Vec::new();
    for (index, field) in fields.into_iter().enumerate() {
        match digits(field) {
            Some(digits) if digits.is_empty() => {}
            Some(digits) => {
                before.push((index, digits));
                if let Some(start) = starts(&before) {
                    found.push(start..index + 1);
                    before.clear();
                }
            }
            None => before.clear(),
        }
    }
    found
}

/// The digits of a field that has nothing else but spaces and dashes between them; `None` for any other, and for one of
/// more digits than a part of a card number has.
pub(super) fn digits(field: &[u8]) -> Option<Vec<u8>> {
    let field = field.trim_ascii();
    let digits: Vec<u8> = field.iter().copied().filter(u8::is_ascii_digit).collect();
    let rest = field.iter().filter(|byte| !byte.is_ascii_digit());
    let fits =
        rest.clone().count() <= digits.len() && rest.into_iter().all(|byte| matches!(byte, b' ' | b'-'));
    (fits && digits.len() < NUMBER_DIGITS_MAX).then_some(digits)
}

/// Where a card number starts that ends with the last of `parts`, if there is one.
fn starts(parts: &[(usize, Vec<u8>)]) -> Option<usize> {
    let mut number: Vec<u8> = Vec::new();
    for (nth, (index, digits)) in parts.iter().rev().enumerate() {
        number.splice(0..0, digits.iter().copied());
        if number.len() > NUMBER_DIGITS_MAX {
            return None;
        }
        if nth > 0 && number.len() >= NUMBER_DIGITS_MIN && mask::holds_card(&number) {
            return Some(*index);
        }
    }
    None
}

/// Stars all digits of `field`.
pub(super) fn star(field: &mut [u8]) {
    field.iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = b'*');
}

/// Lengths of card numbers.
const NUMBER_DIGITS_MIN: usize = 12;
pub(super) const NUMBER_DIGITS_MAX: usize = 19;

#[cfg(test)]
mod tests {
    use super::apart;

    fn check(fields: &[&str]) -> Vec<(usize, usize)> {
        let found = apart(fields.iter().map(|field| field.as_bytes()));
        found.into_iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn digits_beside_one_another_that_make_a_card_number_are_found() {
        assert_eq!(check(&["1", "41111111", "11111111"]), [(1, 3)]);
        assert_eq!(check(&["x", "4111", "1111", "", "1111", "1111", "x"]), [(1, 6)]);
        assert_eq!(check(&["411111", "1111111111", "5105105105", "105100"]), [(0, 2), (2, 4)]);
        let one_each: Vec<&str> = "4111111111111111".split("").collect();
        assert_eq!(check(&one_each), [(1, 17)]);
    }

    #[test]
    fn other_fields_part_them_and_other_numbers_are_left() {
        assert!(check(&["41111111", "x", "11111111"]).is_empty());
        assert!(check(&["41111111", "11111112"]).is_empty());
        assert!(check(&["4111111111111111", "7"]).is_empty(), "one field is the scan's");
        assert!(check(&[]).is_empty());
    }
}
