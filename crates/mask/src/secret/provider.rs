//! Tokens of providers, known by what they begin with or by a mark in their middle.

use super::alphabet::{Alphabet, run};
use super::rule::{self, Check, Rule};
use super::{Hit, PIECE, escape, worth};
use crate::text::Text;

/// What is at `at`, behind what `before` ends in.
pub(crate) fn judge(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    // What stars follow has been shown in part; unless a star is before it too, for emphasis.
    let shown = |hit: &Hit| hit.more.is_some() || text.get(hit.end) != Some(b'*') || is_bold(before);
    find(text, at, before).filter(shown)
}

/// Whether a star stands before the word that `before` ends in.
fn is_bold(before: &[u8]) -> bool {
    let word = before.iter().rev().take_while(|byte| Alphabet::Dotted.has(**byte) || **byte == b':').count();
    before.get(..before.len() - word).is_some_and(|before| before.ends_with(b"*"))
}

fn find(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    match before.last()? {
        b'J' => jwt(text, at, before).or_else(|| listed(text, at, before)),
        b':' => telegram(text, at, before),
        b'~' => azure(text, at, before).or_else(|| listed(text, at, before)),
        b'.' => listed(text, at, before)
            .or_else(|| airtable(text, at, before))
            .or_else(|| discord(text, at, before)),
        _ => listed(text, at, before),
    }
}

/// A token by the table of rules.
fn listed(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    let rule = rule::ending(before)?;
    let seen = rule.max.min(PIECE);
    let mut length = rule.alphabet.run(text, at, seen + 1);
    let token = text.known(at..at + length.min(seen));
    if length <= seen {
        // A full stop behind a token ends the sentence.
        length -= token.iter().rev().take_while(|byte| matches!(byte, b'.' | b'~')).count();
    } else if rule.max <= PIECE {
        return None;
    }
    let token = token.get(..length.min(seen)).unwrap_or(token);
    if length < rule.min.min(seen) || !holds(rule, token) {
        return None;
    }
    let narrow = !matches!(rule.alphabet, Alphabet::Word | Alphabet::Dotted | Alphabet::Path);
    if length > seen {
        return Some(Hit { end: at + seen, rule: rule.name, more: Some((rule.alphabet, rule.max - seen)) });
    }
    let goes_on = narrow && text.get(at + length).is_some_and(|next| next.is_ascii_alphanumeric());
    (!goes_on).then(|| Hit::whole(at + length, rule.name))
}

fn holds(rule: &Rule, token: &[u8]) -> bool {
    worth::is_random(token)
        && match rule.check {
            Check::Random => true,
            Check::Mixed => worth::is_mixed(token),
            Check::Uuid => is_uuid(token),
            // Twenty characters, the mark, twenty more; other vendors have forty-eight without it.
            Check::OpenAi => token.get(20..28) == Some(b"T3BlbkFJ") || worth::is_mixed(token),
        }
}

fn is_uuid(token: &[u8]) -> bool {
    let hyphens = (0..).zip(token).filter(|(_, byte)| **byte == b'-').map(|(at, _)| at);
    token.len() == 36 && hyphens.eq([8, 13, 18, 23])
}

/// A JSON Web Token (RFC 7519 §3), of which `{"` has passed, base64url-encoded: a header that is JSON, and
/// behind a full stop a payload; what follows of it is taken as it comes. Base64 of JSON without is none.
fn jwt(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    if !before.ends_with(b"eyJ") || in_word(before, 3) {
        return None;
    }
    let header = Alphabet::Word.run(text, at, HEADER_MAX);
    if header < HEADER_MIN || text.get(at + header) != Some(b'.') {
        return None;
    }
    let payload = at + header + 1;
    let length = Alphabet::Word.run(text, payload, PAYLOAD_MIN);
    if length < PAYLOAD_MIN {
        return None;
    }
    let length = header + 1 + length;
    let length = length + Alphabet::Dotted.run(text, at + length, PIECE.saturating_sub(length) + 1);
    let token = text.known(at..at + length.min(PIECE));
    if !worth::is_random(token) {
        return None;
    }
    if length > PIECE {
        return Some(Hit {
            end: at + PIECE,
            rule: "jwt",
            more: Some((Alphabet::Dotted, super::SECRET_BYTES_MAX - PIECE)),
        });
    }
    let stops = token.iter().rev().take_while(|byte| **byte == b'.').count();
    Some(Hit::whole(at + length - stops, "jwt"))
}

/// A Telegram bot's token: its number, a colon, and 35 characters of which the first is `A`.
fn telegram(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    let digits = before.iter().rev().skip(1).take_while(|byte| byte.is_ascii_digit()).take(17).count();
    if !(8..=16).contains(&digits) || in_word(before, digits + 1) && !after_bot(before, digits + 1) {
        return None;
    }
    (text.get(at) == Some(b'A')).then_some(())?;
    exact(text, at, Alphabet::Word, 35..=35, "telegram-bot-token")
}

/// Whether `/bot` stands before, as in the URLs of Telegram's API.
fn after_bot(before: &[u8], behind: usize) -> bool {
    before.get(..before.len().saturating_sub(behind)).is_some_and(|before| before.ends_with(b"bot"))
}

/// A client secret of Microsoft Entra: three characters, a digit, `Q~`, and 31 to 34 more.
fn azure(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    let [head @ .., digit, b'Q', b'~'] = before.last_chunk::<6>()? else { return None };
    if !digit.is_ascii_digit() || !head.iter().all(|byte| Alphabet::Dotted.has(*byte)) || in_word(before, 6) {
        return None;
    }
    exact(text, at, Alphabet::Dotted, 31..=34, "azure-client-secret")
}

/// An Airtable token: `pat`, 14 characters, a full stop, and 64 in hex.
fn airtable(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    let [b'p', b'a', b't', id @ .., b'.'] = before.last_chunk::<18>()? else { return None };
    if !id.iter().all(u8::is_ascii_alphanumeric) || in_word(before, 18) {
        return None;
    }
    exact(text, at, Alphabet::Hex, 64..=64, "airtable-token")
}

/// A Discord bot's token: its number in base64, a moment of six characters, and 27 to 38 more.
fn discord(text: &Text<'_>, at: usize, before: &[u8]) -> Option<Hit> {
    let [b'.', moment @ .., b'.'] = before.last_chunk::<8>()? else { return None };
    let before = before.get(..before.len() - 8).unwrap_or_default();
    let id = before.iter().rev().take(29).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let first = before.get(before.len() - id..)?.first();
    let number = (24..=28).contains(&id) && matches!(first, Some(b'M' | b'N' | b'O'));
    if !number || !moment.iter().all(|byte| Alphabet::Word.has(*byte)) {
        return None;
    }
    exact(text, at, Alphabet::Word, 27..=38, "discord-bot-token")
}

/// A token of a number of characters of one alphabet, with none of it behind.
fn exact(
    text: &Text<'_>,
    at: usize,
    alphabet: Alphabet,
    lengths: std::ops::RangeInclusive<usize>,
    rule: &'static str,
) -> Option<Hit> {
    let length = run(text, at, lengths.end() + 1, |byte| alphabet.has(byte));
    let token = text.known(at..at + length);
    (lengths.contains(&length) && worth::is_random(token)).then(|| Hit::whole(at + length, rule))
}

/// Whether a letter, a digit or a sign of base64 stands before the last `behind` bytes.
fn in_word(before: &[u8], behind: usize) -> bool {
    let before = before.get(..before.len().saturating_sub(behind)).unwrap_or_default();
    before.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && !escape::ends(before)
}

const HEADER_MIN: usize = 12;
/// The longest header that is waited for, so that what is looked at stays within the reader's reach.
const HEADER_MAX: usize = 480;
const PAYLOAD_MIN: usize = 12;
