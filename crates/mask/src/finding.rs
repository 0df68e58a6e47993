use std::ops::Range;

use crate::brand::Brand;
use crate::unit::View;

/// One thing that a scan found. It says where, and holds no digit of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The bytes it takes: from the first digit to the last, for a track or an encoded token the whole of it.
    pub range: Range<usize>,
    /// What it is.
    pub kind: FindingKind,
    pub(crate) form: Form,
    /// How its digits are to be read.
    pub(crate) view: View,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// A card number.
    Pan {
        /// The brand that it is most readily believed to be of.
        brand: Brand,
    },
    /// Track 1 of a magnetic stripe (ISO/IEC 7813): sensitive authentication data.
    Track1,
    /// Track 2, or its equivalent on a chip: sensitive authentication data.
    Track2,
    /// A card code (CVV2, CVC2, CID), told by the name before it: sensitive authentication data.
    CardCode,
    /// A PIN or a PIN block (ISO 9564-1), told by the name before it: sensitive authentication data.
    Pin,
    /// A credential of some sort; `rule` names it, such as `aws-access-token`.
    Secret {
        /// The rule that knows it, in lower case with dashes.
        rule: &'static str,
    },
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// An international bank account number.
    Iban,
    /// A Social Security number of the United States.
    UsSsn,
}

impl FindingKind {
    /// Whether it is sensitive authentication data (PCI DSS 4.0.1, 3.3.1), which never leaves.
    pub fn is_sad(self) -> bool {
        match self {
            Self::Track1 | Self::Track2 | Self::CardCode | Self::Pin => true,
            Self::Pan { .. } | Self::Secret { .. } | Self::Email | Self::Phone | Self::Iban | Self::UsSsn => {
                false
            }
        }
    }
}

/// How a finding is written, which says what its mask may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One number, bare or grouped: truncated by the profile.
    Number,
    /// Digits that may belong to several numbers at once, or are not all there: no digit stays.
    Digits,
    /// Text that must go as a whole: tracks, base64, hex.
    Whole,
}

impl Form {
    /// The form that leaves no digit.
    pub(crate) fn bare(self) -> Self {
        match self {
            Self::Number | Self::Digits => Self::Digits,
            Self::Whole => Self::Whole,
        }
    }
}

impl Finding {
    /// The first `bytes` of the text have been dropped.
    pub(crate) fn forget(&mut self, bytes: usize) {
        self.range = self.range.start.saturating_sub(bytes)..self.range.end.saturating_sub(bytes);
    }
}
