//! Tokens as the rules have them, drawn at random: what the self-test looks for.

use super::alphabet::Alphabet;
use super::rule::{self, Check, Rule};
use super::worth;
use crate::self_test::random::Random;

/// A token of one of the rules, the next in turn, as its anchor and the part that is secret.
pub(crate) fn token(random: &mut Random, index: usize) -> Option<(&'static str, String)> {
    let rule = rule::nth(index)?;
    // Long ones are found in pieces; no more of those than show that.
    let length = random.length(rule.min, rule.max.min(rule.min.max(600)));
    (0..TRIES)
        .map(|_| draw(random, &rule, length))
        .find(|token| fits(&rule, token))
        .map(|token| (rule.anchor, token))
}

fn draw(random: &mut Random, rule: &Rule, length: usize) -> String {
    match rule.check {
        Check::Uuid => {
            let [a, b, c, d, e] = [8, 4, 3, 3, 12].map(|count| random.hex(count));
            format!("{a}-{b}-4{c}-a{d}-{e}")
        }
        Check::Random | Check::Mixed | Check::OpenAi => within(random, rule.alphabet, length),
    }
}

/// Letters and digits of `alphabet`, and, not at its ends, those of its signs that a token may have anywhere.
fn within(random: &mut Random, alphabet: Alphabet, length: usize) -> String {
    let signs: &[u8] = match alphabet {
        Alphabet::Word | Alphabet::Dotted => b"_-",
        Alphabet::Base64 | Alphabet::Signed => b"+/",
        Alphabet::Escaped => b"%",
        Alphabet::Path | Alphabet::Webhook => b"/",
        Alphabet::Hex | Alphabet::Uuid | Alphabet::Upper | Alphabet::Serial | Alphabet::Alnum => b"",
    };
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() && alphabet.has(*byte);
    let letters: Vec<u8> = (b'0'..=b'z').filter(is_letter).collect();
    let inner = [&letters, signs].concat();
    let middle = random.letters(&inner, length.saturating_sub(2));
    random.letters(&letters, 1) + &middle + &random.letters(&letters, 1)
}

/// Whether the draw is such a token: a few look like placeholders.
fn fits(rule: &Rule, token: &str) -> bool {
    let mixed = matches!(rule.check, Check::Random | Check::Uuid) || worth::is_mixed(token.as_bytes());
    mixed && worth::is_random(token.as_bytes())
}

const TRIES: usize = 100;
