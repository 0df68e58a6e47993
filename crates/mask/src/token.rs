use std::fmt;

use aws_lc_rs::hmac;

use crate::brand;
use crate::chain::DIGITS_MAX;

/// The key of the surrogates that stand for card numbers under [`crate::Profile::Tokenise`].
///
/// It is made for one run of a gateway and kept nowhere: surrogates of different runs say nothing of each other,
/// and none can be turned back into its card number (PCI DSS 4.0.1, 3.5.1.1: a keyed hash of the entire number).
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// A key from 32 random bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The surrogate of a card number, by its digits' values: of the same length and with the same last four,
    /// with a wrong check digit, and of no issuer: it starts with `99`, which is nobody's (ISO/IEC 7812-1 leaves
    /// 9 to national bodies, and no brand's numbers start so).
    ///
    /// Two numbers with the same last four share a surrogate once in ten to the power of their length less six.
    pub(crate) fn surrogate(&self, number: &[u8]) -> Surrogate {
        let mut digits = [0; DIGITS_MAX];
        digits.iter_mut().zip(number).for_each(|(to, digit)| *to = *digit);
        let tag = hmac::sign(&self.0, number);
        let mut value =
            tag.as_ref().iter().take(16).fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
        let hidden = number.len().saturating_sub(LAST);
        for (index, digit) in digits.iter_mut().enumerate().take(hidden) {
            *digit = match index {
                0 | 1 => 9,
                _ => {
                    let digit = u8::try_from(value % 10).unwrap_or(0);
                    value /= 10;
                    digit
                }
            };
        }
        let surrogate = digits.get(..number.len()).unwrap_or_default();
        if brand::luhn(surrogate)
            && let Some(digit) = hidden.checked_sub(1).and_then(|last| digits.get_mut(last))
        {
            // Any other digit in one place makes the check digit wrong.
            *digit = (*digit + 1) % 10;
        }
        Surrogate { digits, length: number.len().min(DIGITS_MAX) }
    }
}

/// The digits' values of a surrogate.
pub(crate) struct Surrogate {
    digits: [u8; DIGITS_MAX],
    length: usize,
}

impl Surrogate {
    pub fn digits(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey")
    }
}

/// Keys are compared as what they are, not by what they hold.
impl PartialEq for TokenKey {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for TokenKey {}

/// Digits that stay.
const LAST: usize = 4;

#[cfg(test)]
mod tests;
