//! What is masked in messages, and between them.

use crate::body::{Care, Coded, Withheld, open};

/// Looks at all that one side sends.
pub(super) struct Look {
    care: Care,
    found: u64,
    /// In strict mode, digits at the end of what came last.
    run: usize,
}

impl Look {
    pub fn new(care: Care) -> Self {
        Self { care, found: 0, run: 0 }
    }

    /// How many things were found and masked.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// What a message becomes.
    pub fn message(&mut self, is_text: bool, data: &[u8]) -> Result<Vec<u8>, Withheld> {
        let content_type = if is_text { None } else { Some("application/octet-stream") };
        let mut rewriter = open(&self.care, Coded { content_type, content_encoding: "" });
        let mut out = Vec::with_capacity(data.len());
        rewriter.push(data, &mut out)?;
        rewriter.finish(&mut out)?;
        self.found += rewriter.found();
        self.join(&mut out)?;
        match !is_text || str::from_utf8(&out).is_ok() {
            true => Ok(out),
            false => Err(Withheld::NotUnderstood("text that is no text any more")),
        }
    }

    /// What a control frame's payload becomes, which is as long or empty.
    pub fn control(&mut self, payload: &[u8]) -> Result<Vec<u8>, Withheld> {
        let hidden = self.care.echo.hide(payload);
        let payload = hidden.as_deref().unwrap_or(payload);
        let masked = self.care.masker.text(payload);
        if masked.as_ref().is_some_and(|masked| masked.sad) {
            return Err(Withheld::Sad);
        }
        self.found += masked.as_ref().map_or(u64::from(hidden.is_some()), |masked| u64::from(masked.found));
        if masked.is_some() && self.care.refuses {
            return Err(Withheld::CardData);
        }
        let mut out = masked.map_or_else(|| payload.to_vec(), |masked| masked.bytes);
        if out.len() > payload.len() {
            out.clear();
        }
        self.join(&mut out)?;
        Ok(out)
    }

    /// In strict mode, stars out digits at the ends of what passes that could be a part of a number that was taken apart
    /// over messages. What has passed cannot be taken back, so that is decided before the number is there: more than a few
    /// digits at an end, or in a run over several ends, are none that may pass.
    fn join(&mut self, out: &mut [u8]) -> Result<(), Withheld> {
        if !self.care.strict {
            return Ok(());
        }
        let digits = |text: &[u8]| text.iter().filter(|byte| byte.is_ascii_digit()).count();
        let lead = out.iter().take_while(|byte| may_stand_in_number(**byte)).count();
        let trail = out.iter().rev().take_while(|byte| may_stand_in_number(**byte)).count();
        let (first, last) = (out.get(..lead), out.get(out.len() - trail..));
        let (first, last) = (first.map_or(0, digits), last.map_or(0, digits));
        let joins = first > 0 && (first >= END_DIGITS_MAX || self.run + first > RUN_DIGITS_MAX);
        let ends = last >= END_DIGITS_MAX;
        let is_whole = lead == out.len();
        if joins {
            out.iter_mut().take(lead).for_each(star);
        }
        if ends {
            out.iter_mut().rev().take(trail).for_each(star);
        }
        self.run = if is_whole { self.run + first } else { last };
        self.found += u64::from(joins || ends);
        match (joins || ends) && self.care.refuses {
            true => Err(Withheld::CardData),
            false => Ok(()),
        }
    }
}

/// Digits, and what may stand between or around those of one number.
fn may_stand_in_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b',' | b'"' | b'\'' | b'\t' | b'\r' | b'\n')
}

fn star(byte: &mut u8) {
    if byte.is_ascii_digit() {
        *byte = b'*';
    }
}

/// So many digits at an end of a message are starred out.
const END_DIGITS_MAX: usize = 6;
/// More digits in a run over several messages do not pass: fewer than are known of an issuer and an account together.
const RUN_DIGITS_MAX: usize = 8;
