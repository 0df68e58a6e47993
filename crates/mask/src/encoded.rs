//! Card numbers in base64 (RFC 4648 §4, §5) and hex (§8): decoded in pieces, never as a whole.

use std::ops::Range;

use crate::chain::DIGITS_MIN;
use crate::finding::{Finding, FindingKind, Form};
use crate::prefilter;
use crate::scan;
use crate::unit::View;

/// Finds hexadecimal text that holds a card number once decoded: `\x34313131…`, `34 31…` is not read.
pub(crate) fn hex(text: &[u8], range: Range<usize>, view: View, found: &mut Vec<Finding>) {
    for token in tokens(text, range, |byte| byte.is_ascii_hexdigit()) {
        let Some(digits) = text.get(token.clone()) else { continue };
        for phase in 0..2 {
            let pairs = || digits.get(phase..).unwrap_or_default().chunks_exact(2);
            // Twelve digits are twelve bytes from 0x30 to 0x39.
            if pairs().filter(|pair| matches!(pair, [b'3', b'0'..=b'9'])).count() < DIGITS_MIN {
                continue;
            }
            let bytes = pairs().map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | nibble(*digit)));
            if let Some(kind) = look(bytes) {
                found.push(Finding { range: token, kind, form: Form::Whole, view });
                break;
            }
        }
    }
}

/// Finds base64 and base64url text that holds a card number once decoded, wrapped at 64 or 76 or not.
pub(crate) fn base64(text: &[u8], range: Range<usize>, view: View, found: &mut Vec<Finding>) {
    let mut tokens = tokens(text, range, |byte| sextet(byte).is_some()).peekable();
    while let Some(mut token) = tokens.next() {
        // Lines of one encoding are full, and a line break apart.
        let mut line = token.len();
        while matches!(line, 64 | 76)
            && let Some(next) = tokens.next_if(|next| breaks_line(text.get(token.end..next.start)))
        {
            line = next.len();
            token.end = next.end;
        }
        let Some(encoded) = text.get(token.clone()) else { continue };
        let letters = || encoded.iter().filter_map(|byte| sextet(*byte));
        // Where three digits start at a multiple of four letters, that is a way to cut the token.
        let mut phases = [false; 4];
        for (at, _) in quads(encoded).enumerate().filter(|(_, quad)| prefilter::is_quad(Some(quad))) {
            phases.iter_mut().skip(at % 4).take(1).for_each(|phase| *phase = true);
        }
        let worth = phases.iter().enumerate().filter(|(_, worth)| **worth);
        if let Some(kind) =
            worth.filter_map(|(phase, _)| look(bytes(letters().skip(phase)))).max_by_key(|kind| kind.is_sad())
        {
            found.push(Finding { range: token, kind, form: Form::Whole, view });
        }
    }
}

/// Every four letters in a row, line breaks left out.
fn quads(encoded: &[u8]) -> impl Iterator<Item = [u8; 4]> + '_ {
    let mut last = [0; 4];
    let letters = encoded.iter().copied().filter(|byte| sextet(*byte).is_some());
    letters
        .map(move |byte| {
            let [_, b, c, d] = last;
            last = [b, c, d, byte];
            last
        })
        .skip(3)
}

/// The longest ranges that are all of `alphabet`.
fn tokens(
    text: &[u8],
    range: Range<usize>,
    alphabet: fn(u8) -> bool,
) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let rest = text.get(at..range.end)?;
        let start = at + rest.iter().position(|byte| alphabet(*byte))?;
        let rest = text.get(start..range.end)?;
        at = start + rest.iter().position(|byte| !alphabet(*byte)).unwrap_or(rest.len());
        Some(start..at)
    })
}

fn breaks_line(between: Option<&[u8]>) -> bool {
    matches!(between, Some(b"\n" | b"\r\n"))
}

/// Four sextets are three bytes.
fn bytes(sextets: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    let mut held = 0_u32;
    sextets.enumerate().filter_map(move |(index, sextet)| {
        held = held << 6 | u32::from(sextet);
        match index % 4 {
            1 => u8::try_from(held >> 4 & 0xff).ok(),
            2 => u8::try_from(held >> 2 & 0xff).ok(),
            3 => u8::try_from(held & 0xff).ok(),
            _ => None,
        }
    })
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// What the decoded bytes hold, by pieces that overlap by more than a track.
fn look(bytes: impl Iterator<Item = u8>) -> Option<FindingKind> {
    let mut piece = [0; PIECE];
    let mut filled = 0;
    for byte in bytes {
        if filled == PIECE {
            if let Some(kind) = worst(&piece) {
                return Some(kind);
            }
            piece.copy_within(PIECE - OVERLAP.., 0);
            filled = OVERLAP;
        }
        *piece.get_mut(filled)? = byte;
        filled += 1;
    }
    worst(piece.get(..filled)?)
}

fn worst(piece: &[u8]) -> Option<FindingKind> {
    let mut found = Vec::new();
    if prefilter::Hints::of(piece).digits {
        scan::walk(piece, 0..piece.len(), View::PLAIN, &mut found);
    }
    found.iter().map(|finding| finding.kind).max_by_key(|kind| kind.is_sad())
}

const PIECE: usize = 512;
const OVERLAP: usize = 128;
