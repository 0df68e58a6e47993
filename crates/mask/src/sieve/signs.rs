//! Where bitmaps of a text show that something may be there which is no card number: card codes, packed decimal,
//! secrets, and what is personal.
//!
//! As in `shape`, more is shown than is there. Each is shown where it is sure that it may be: some bytes behind where it
//! starts, as [`Signs`] says.

use crate::sieve::shape::Bits;

/// Bitmaps of some bytes of text beside those of [`crate::sieve::shape::Bitmaps`], each of type `B`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds<B> {
    pub digit: B,
    /// What starts an escape.
    pub opener: B,
    /// What may stand second in an escape, `u` among them.
    pub second: B,
    pub capital: B,
    /// A digit of hex, the `x` of `0x`, and what parts values.
    pub hex: B,
    /// What stands right before a code or a PIN block.
    pub code_opener: B,
    /// What may stand between a name and a code.
    pub between: B,
    /// What the name of a code may end in.
    pub name: B,
    pub plus: B,
    /// `@` or `~`.
    pub at: B,
    /// The last letters of `tel:` and `Private-Lines:`.
    pub before_colon: B,
    pub colon: B,
    /// The tag before packed decimal, its length in bytes behind a tag, its length in digits.
    pub tag: B,
    pub tag_length: B,
    pub length: B,
    /// No two digits in packed decimal.
    pub unpacked: B,
    /// Space, colon or dash.
    pub row_gap: B,
    /// The last digit of a tag in hex.
    pub tag_in_hex: B,
    /// `0` or `1`.
    pub low: B,
    pub slash: B,
    /// A character of tokens.
    pub token: B,
    /// A character of AWS's keys.
    pub standard: B,
    pub alnum: B,
    pub dash: B,
    /// What may stand between a name and a secret, and what of it gives a name a value.
    pub value_gap: B,
    pub value_sign: B,
    /// The third-last letter of what may be the name of a secret.
    pub name_end: B,
}

/// Where a window shows something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs<B> {
    /// What may be a code, [`CODE_LATE`] bytes behind what stands before it.
    pub codes: B,
    /// Packed decimal, [`PACKED_LATE`] bytes behind its start.
    pub packed: B,
    /// The first digit behind what begins a telephone number.
    pub phones: B,
    /// The second digit behind a country's code.
    pub ibans: B,
    /// The last digit of what is grouped as a Social Security number.
    pub ssns: B,
    /// The byte behind a run of nine digits.
    pub nines: B,
    /// `@` or `~`.
    pub at: B,
    /// A sign that gives a name a value, behind the name of a secret.
    pub values: B,
    /// The byte behind such a name, where there is no sign.
    pub named: B,
    /// The second of two dashes.
    pub dashes: B,
    /// The thirteenth character of a token.
    pub tokens: B,
    /// The 24th character of what may be a key of AWS.
    pub keys: B,
    /// The last character of `://`.
    pub addresses: B,
    /// The `u` behind a dash, of an option.
    pub options: B,
    /// The second dash behind a capital letter.
    pub labels: B,
    /// The colon of `Private-Lines:`.
    pub lines: B,
}

/// What a window shows.
#[inline(always)]
pub(crate) fn signs<B: Bits>(window: &Kinds<B>) -> Signs<B> {
    let Kinds { digit, opener, capital, colon, slash, dash, plus, .. } = *window;
    let numbers = numbers(window);
    let Kinds { token, standard, alnum, value_gap, value_sign, name_end, .. } = *window;
    // From behind a name a carry runs through all that stands between. Whether one stands before what is between at
    // the window's beginning is unknown.
    let named = name_end << 3 & value_gap;
    let unknown = value_gap & !(value_gap << 1) & B::all(0b111);
    let run = value_gap & !(value_gap + (named | unknown));
    let thirteen = token & token << 1;
    let thirteen = thirteen & thirteen << 2;
    let thirteen = thirteen & thirteen << 4;
    let thirteen = thirteen & thirteen << 5;
    let key = standard & standard << 1;
    let key = key & key << 2;
    let key = key & key << 4;
    let key = key & key << 8 & key << 16;
    // A word begins behind what is of none, and behind an escape.
    let word = alnum & !(alnum << 1 & !(opener << 2 | opener << 3 | opener << 6));
    let dashes = dash & dash << 1;
    Signs {
        codes: codes(window),
        packed: packed(window),
        phones: digit & (plus << 1 | colon << 1 & window.before_colon << 2),
        ibans: digit & digit << 1 & capital << 2 & capital << 3,
        ssns: numbers.0,
        nines: numbers.1,
        at: window.at,
        values: run & value_sign & !(value_sign << 1),
        named,
        dashes,
        tokens: thirteen & word << 12,
        keys: key & !(key << 1),
        addresses: slash & slash << 1 & colon << 2,
        options: window.second & dash << 1 & window.row_gap << 2,
        labels: dashes & capital << 2,
        lines: colon & window.before_colon << 1,
    }
}

/// Three or four digits behind a sign, or eight of hex, or five behind an escape's percent sign, with a name before it.
#[inline(always)]
fn codes<B: Bits>(window: &Kinds<B>) -> B {
    let Kinds { digit, opener, hex, code_opener, between, name, .. } = *window;
    // A percent sign, and a backslash.
    let percent = opener & between & !code_opener;
    let three = digit << 8 & digit << 7 & digit << 6;
    let five = digit << 5 & digit << 4;
    let two_hex = hex << 1 & hex << 2;
    let four_hex = two_hex & two_hex << 2;
    let eight_hex = four_hex & four_hex << 4;
    let five_hex = four_hex << 4 & hex << 4;
    // The same carry as for names of secrets.
    let first = between & (name << 1 | B::all(1));
    let named = between & (!(between + first) | first);
    (code_opener & named) << CODE_LATE as u32 & (three & !five | eight_hex)
        | (percent & named) << CODE_LATE as u32 & five_hex
}

/// Two digits a byte behind a tag or a length, or the same in hex.
#[inline(always)]
fn packed<B: Bits>(window: &Kinds<B>) -> B {
    const LATE: u32 = PACKED_LATE as u32;
    let Kinds { digit, hex, tag, tag_length, length, unpacked, row_gap, tag_in_hex, low, .. } = *window;
    let length = (length | tag_length & tag << 1) << (LATE + 1);
    let two = unpacked << (LATE - 5) | unpacked << (LATE - 4);
    let six = two | two << 2 | two << 4;
    let two = digit & digit << 1;
    let four = two & two << 2;
    let twelve = four & four << 4 & four << 8;
    let in_hex = low << (LATE + 2) & (tag_in_hex << (LATE + 3) | digit << (LATE + 1) & hex << (LATE + 3));
    let spaced = tag_in_hex << (LATE + 5)
        & row_gap << (LATE + 4)
        & low << (LATE + 3)
        & row_gap << (LATE + 1)
        & digit << LATE
        & digit << (LATE - 1)
        & row_gap << (LATE - 2)
        & row_gap << (LATE - 5)
        & row_gap << (LATE - 8);
    length & !six | twelve & in_hex | spaced
}

/// What is grouped as a Social Security number, and nine digits.
#[inline(always)]
fn numbers<B: Bits>(window: &Kinds<B>) -> (B, B) {
    let Kinds { digit, opener, row_gap, .. } = *window;
    let two = digit & digit << 1;
    let four = two & two << 2;
    let ssns = four & row_gap << 4 & two << 5 & row_gap << 7 & two << 8 & digit << 10;
    let nine = (four & four << 4) << 1 & digit << 9;
    let begun = !(digit << 10) | opener << 12 | opener << 15;
    (ssns, nine & begun & !digit)
}

/// How far behind what stands before a code it is shown.
pub(crate) const CODE_LATE: usize = 9;
/// How far behind the start of packed decimal it is shown.
pub(crate) const PACKED_LATE: usize = 11;
/// How far behind the first check digit of an IBAN it is shown.
pub(crate) const IBAN_LATE: usize = 1;
/// How far behind the start of a Social Security number in groups it is shown.
pub(crate) const SSN_LATE: usize = 10;
/// How far behind the start of nine digits they are shown.
pub(crate) const NINE_LATE: usize = 9;
/// How far behind the start of a token it is shown.
pub(crate) const TOKEN_LATE: usize = 12;
/// How far behind the start of a key of AWS it is shown.
pub(crate) const KEY_LATE: usize = 23;
