//! The words that names of card data are made of, small and put together.
//!
//! The card codes and PIN blocks are those that the brands and processors use (PCI DSS 4.0.1, glossary; the
//! fields of ISO 8583), the rest is what forms, tables and APIs call these things, in the languages that a
//! shop's programmers write.

use std::sync::LazyLock;

use super::{Meaning, Sure};
use crate::ending::Endings;

/// Words that may be in a name, and what that means.
pub(super) struct Known {
    pub word: &'static str,
    pub stands: Where,
    pub meaning: Meaning,
    pub sure: Sure,
}

/// Where in a name the words must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Anywhere,
    /// They are the whole name: beside others they mean something else (`country_code`).
    Alone,
}

/// Words in a name that make it one of a part of a card number, or of what stands for it: `pan_hash`, `last4`.
pub(super) const PARTS: &[&str] = &[
    "first",
    "last",
    "suffix",
    "prefix",
    "masked",
    "mask",
    "truncated",
    "redacted",
    "hash",
    "hashed",
    "hmac",
    "sha",
    "digest",
    "fingerprint",
    "token",
    "tokens",
    "tokenised",
    "tokenized",
];

/// Words in a name that make it one of something else: `card_number_id`, `cvv_result`, `has_cvv`.
pub(super) const OTHERS: &[&str] = &[
    "id",
    "ids",
    "uuid",
    "guid",
    "ref",
    "reference",
    "index",
    "count",
    "counts",
    "counter",
    "length",
    "len",
    "size",
    "format",
    "type",
    "kind",
    "status",
    "state",
    "result",
    "results",
    "check",
    "checks",
    "checked",
    "response",
    "resp",
    "match",
    "matched",
    "matches",
    "valid",
    "validated",
    "invalid",
    "verified",
    "present",
    "provided",
    "required",
    "optional",
    "enabled",
    "disabled",
    "supported",
    "flag",
    "is",
    "has",
    "needs",
    "error",
    "errors",
    "message",
    "label",
    "hint",
    "help",
    "placeholder",
    "url",
    "uri",
    "link",
    "regex",
    "pattern",
    "key",
    "version",
    "attempts",
    "tries",
    "retries",
    "at",
    "date",
    "time",
    "timestamp",
    "tilt",
    "zoom",
    "name",
    "hash",
    "last",
    "first",
    "token",
];

/// The known words that `letters` may begin with, and a few others.
pub(super) fn at_start_of(letters: &[u8]) -> &'static [&'static Known] {
    static BY_START: LazyLock<[Vec<&Known>; PLACES]> = LazyLock::new(|| {
        let mut by_start = [const { Vec::new() }; PLACES];
        for known in KNOWN {
            if let Some(all) = place(known.word.as_bytes()).and_then(|place| by_start.get_mut(place)) {
                all.push(known);
            }
        }
        by_start
    });
    place(letters).and_then(|place| BY_START.get(place)).map(Vec::as_slice).unwrap_or_default()
}

/// Where words with these first three letters are. None is shorter.
fn place(letters: &[u8]) -> Option<usize> {
    let [one, two, three] = letters.first_chunk::<3>()?.map(usize::from);
    Some((one ^ two << 3 ^ three << 5) % PLACES)
}

const PLACES: usize = 1024;

/// Words between a name and its value.
pub(crate) const FILLERS: &[&str] = &["is", "was", "code", "number", "no", "no.", "num", "value"];

/// Whether `text` may end in a known word of sensitive authentication data or in one that leads on from it to a value,
/// by its last three letters: most do not.
pub(super) fn may_end(text: &[u8]) -> bool {
    // Accents are taken off later, and other scripts have no such table.
    let last = text.iter().rev().skip_while(|byte| byte.is_ascii_digit() || !is_of_word(**byte));
    ENDINGS.may_be(last.copied().filter(|byte| is_of_word(*byte)))
}

/// The same of a text that ends in these letters of ASCII.
pub(super) fn may_end_in(letters: [u8; 3]) -> bool {
    ENDINGS.have(letters)
}

static ENDINGS: LazyLock<Endings> = LazyLock::new(|| {
    let known = KNOWN.iter().filter(|known| known.meaning.may_be_sad()).map(|known| known.word);
    let words = known.chain(FILLERS.iter().copied());
    Endings::of(words.map(|word| word.trim_end_matches(|c: char| !c.is_alphabetic())))
});

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// All known words.
#[cfg(test)]
pub(super) fn all() -> &'static [Known] {
    KNOWN
}

static KNOWN: &[Known] = {
    use Meaning::{Card, CardCode, CardholderName, Detail, Expiry, Pan, Pin, PinBlock, Track};
    use Sure::{Alone, BesideCard, BesideWholeCard};
    &[
        // Card codes.
        any("cvv", CardCode, Alone),
        any("cvvs", CardCode, Alone),
        any("icvv", CardCode, Alone),
        any("dcvv", CardCode, Alone),
        any("cvc", CardCode, Alone),
        any("cvcs", CardCode, Alone),
        any("cvn2", CardCode, Alone),
        any("cvp2", CardCode, Alone),
        any("cav2", CardCode, Alone),
        any("cvvcode", CardCode, Alone),
        any("cvccode", CardCode, Alone),
        any("cvvnumber", CardCode, Alone),
        any("cvcnumber", CardCode, Alone),
        any("cvvnum", CardCode, Alone),
        any("cvvno", CardCode, Alone),
        any("cardcvv", CardCode, Alone),
        any("cardcvc", CardCode, Alone),
        any("cccvv", CardCode, Alone),
        any("cccvc", CardCode, Alone),
        any("cardverification", CardCode, Alone),
        any("cardverificationvalue", CardCode, Alone),
        any("cardverificationcode", CardCode, Alone),
        any("cardverificationnumber", CardCode, Alone),
        any("cardverificationdata", CardCode, Alone),
        any("cardvalidationcode", CardCode, Alone),
        any("cardvalidationvalue", CardCode, Alone),
        any("cardauthenticationvalue", CardCode, Alone),
        any("cardidentificationnumber", CardCode, Alone),
        any("cardsecurity", CardCode, Alone),
        any("cardsecuritycode", CardCode, Alone),
        any("cardsecuritynumber", CardCode, Alone),
        any("kartenprufnummer", CardCode, Alone),
        any("kartenpruefnummer", CardCode, Alone),
        any("cryptogrammevisuel", CardCode, Alone),
        any("cardcode", CardCode, BesideCard),
        any("cardcsc", CardCode, Alone),
        any("cardcid", CardCode, BesideCard),
        any("amexcid", CardCode, BesideCard),
        any("securitycode", CardCode, BesideCard),
        any("verificationvalue", CardCode, BesideCard),
        any("cryptogramme", CardCode, BesideCard),
        any("codigoseguridad", CardCode, BesideCard),
        any("codigodeseguridad", CardCode, BesideCard),
        any("codigoseguranca", CardCode, BesideCard),
        any("codigodeseguranca", CardCode, BesideCard),
        any("codicesicurezza", CardCode, BesideCard),
        any("codicedisicurezza", CardCode, BesideCard),
        any("codesecurite", CardCode, BesideCard),
        any("codedesecurite", CardCode, BesideCard),
        any("sicherheitscode", CardCode, BesideCard),
        any("prufnummer", CardCode, BesideCard),
        any("pruefnummer", CardCode, BesideCard),
        any("beveiligingscode", CardCode, BesideCard),
        any("guvenlikkodu", CardCode, BesideCard),
        any("セキュリティコード", CardCode, BesideCard),
        any("安全码", CardCode, BesideCard),
        alone("csc", CardCode, BesideCard),
        alone("cvn", CardCode, BesideCard),
        alone("cvd", CardCode, BesideCard),
        alone("cid", CardCode, BesideWholeCard),
        alone("cve", CardCode, BesideWholeCard),
        alone("cav", CardCode, BesideWholeCard),
        alone("cvp", CardCode, BesideWholeCard),
        alone("code", CardCode, BesideWholeCard),
        alone("verificationcode", CardCode, BesideWholeCard),
        // PINs.
        any("pinblock", PinBlock, Alone),
        any("pinblk", PinBlock, Alone),
        any("encryptedpin", PinBlock, Alone),
        any("encpin", PinBlock, Alone),
        any("pinencrypted", PinBlock, Alone),
        any("de52", PinBlock, Alone),
        any("pindata", PinBlock, Alone),
        any("atmpin", Pin, BesideCard),
        any("cardpin", Pin, BesideCard),
        any("clearpin", Pin, BesideCard),
        any("pinnumber", Pin, BesideCard),
        alone("pin", Pin, BesideCard),
        alone("pincode", Pin, BesideCard),
        // Tracks.
        any("track1", Track, Alone),
        any("track2", Track, Alone),
        any("track3", Track, Alone),
        any("trackdata", Track, Alone),
        any("trackone", Track, Alone),
        any("tracktwo", Track, Alone),
        any("magstripe", Track, Alone),
        any("magneticstripe", Track, Alone),
        any("magstrip", Track, Alone),
        any("stripedata", Track, Alone),
        any("de35", Track, Alone),
        any("de36", Track, Alone),
        any("de45", Track, Alone),
        // Card numbers.
        any("pan", Pan, Alone),
        any("pans", Pan, Alone),
        any("dpan", Pan, Alone),
        any("fpan", Pan, Alone),
        any("epan", Pan, Alone),
        any("primaryaccountnumber", Pan, Alone),
        any("cardnumber", Pan, Alone),
        any("cardnumbers", Pan, Alone),
        any("cardnum", Pan, Alone),
        any("cardno", Pan, Alone),
        any("cardnr", Pan, Alone),
        any("cardnbr", Pan, Alone),
        any("cardaccountnumber", Pan, Alone),
        any("cardacctnumber", Pan, Alone),
        any("creditcard", Pan, Alone),
        any("creditcards", Pan, Alone),
        any("creditcardnumber", Pan, Alone),
        any("creditcardnum", Pan, Alone),
        any("creditcardno", Pan, Alone),
        any("debitcard", Pan, Alone),
        any("debitcardnumber", Pan, Alone),
        any("bankcardnumber", Pan, Alone),
        any("ccnumber", Pan, Alone),
        any("ccnum", Pan, Alone),
        any("ccno", Pan, Alone),
        any("ccnr", Pan, Alone),
        any("ccn", Pan, Alone),
        any("kartennummer", Pan, Alone),
        any("kreditkartennummer", Pan, Alone),
        any("kreditkarte", Pan, Alone),
        any("numerocarte", Pan, Alone),
        any("numerodecarte", Pan, Alone),
        any("numerocartebancaire", Pan, Alone),
        any("numcarte", Pan, Alone),
        any("numerotarjeta", Pan, Alone),
        any("numerodetarjeta", Pan, Alone),
        any("numtarjeta", Pan, Alone),
        any("nrotarjeta", Pan, Alone),
        any("numerocartao", Pan, Alone),
        any("numerodocartao", Pan, Alone),
        any("numcartao", Pan, Alone),
        any("numerocarta", Pan, Alone),
        any("numerodicarta", Pan, Alone),
        any("kaartnummer", Pan, Alone),
        any("kortnummer", Pan, Alone),
        any("korttinumero", Pan, Alone),
        any("numerkarty", Pan, Alone),
        any("cislokarty", Pan, Alone),
        any("nomerkarty", Pan, Alone),
        any("номеркарты", Pan, Alone),
        any("kartno", Pan, Alone),
        any("kartnumarasi", Pan, Alone),
        any("カード番号", Pan, Alone),
        any("卡号", Pan, Alone),
        any("卡號", Pan, Alone),
        any("银行卡号", Pan, Alone),
        any("信用卡号", Pan, Alone),
        any("카드번호", Pan, Alone),
        any("accountnumber", Card, BesideCard),
        any("acctnumber", Card, BesideCard),
        any("accountno", Card, BesideCard),
        any("acctno", Card, BesideCard),
        any("acctnum", Card, BesideCard),
        // What stands with them.
        any("cardholder", CardholderName, Alone),
        any("cardholdername", CardholderName, Alone),
        any("nameoncard", CardholderName, Alone),
        any("cardname", CardholderName, Alone),
        any("ccname", CardholderName, Alone),
        any("karteninhaber", CardholderName, Alone),
        any("titulairecarte", CardholderName, Alone),
        any("titulairedelacarte", CardholderName, Alone),
        any("titulartarjeta", CardholderName, Alone),
        any("titulardelatarjeta", CardholderName, Alone),
        any("titularcartao", CardholderName, Alone),
        any("expmonth", Expiry, Alone),
        any("expyear", Expiry, Alone),
        any("expmm", Expiry, Alone),
        any("expyy", Expiry, Alone),
        any("expyyyy", Expiry, Alone),
        any("expmmyy", Expiry, Alone),
        any("mmyy", Expiry, Alone),
        any("expirymonth", Expiry, Alone),
        any("expiryyear", Expiry, Alone),
        any("expirationmonth", Expiry, Alone),
        any("expirationyear", Expiry, Alone),
        any("validthru", Expiry, Alone),
        any("goodthru", Expiry, Alone),
        any("cardexp", Expiry, Alone),
        any("cardexpiry", Expiry, Alone),
        any("cardexpdate", Expiry, Alone),
        any("cardexpires", Expiry, Alone),
        any("cardexpiration", Expiry, Alone),
        any("cardexpirydate", Expiry, Alone),
        any("cardexpirationdate", Expiry, Alone),
        any("ccexp", Expiry, Alone),
        any("ccexpiry", Expiry, Alone),
        any("ccexpiration", Expiry, Alone),
        any("de14", Expiry, Alone),
        any("expiry", Expiry, BesideWholeCard),
        any("expirydate", Expiry, BesideWholeCard),
        any("expdate", Expiry, BesideWholeCard),
        any("expiration", Expiry, BesideWholeCard),
        any("expirationdate", Expiry, BesideWholeCard),
        any("validthrough", Expiry, BesideWholeCard),
        any("gultigbis", Expiry, BesideWholeCard),
        any("ablaufdatum", Expiry, BesideWholeCard),
        any("dateexpiration", Expiry, BesideWholeCard),
        any("vencimiento", Expiry, BesideWholeCard),
        any("caducidad", Expiry, BesideWholeCard),
        any("validade", Expiry, BesideWholeCard),
        any("scadenza", Expiry, BesideWholeCard),
        alone("exp", Expiry, BesideWholeCard),
        any("cardbrand", Detail, Alone),
        any("cardtype", Detail, Alone),
        any("cardnetwork", Detail, Alone),
        any("cardscheme", Detail, Alone),
        any("cardissuer", Detail, Alone),
        any("cardbin", Detail, Alone),
        any("ccbin", Detail, Alone),
        any("cctype", Detail, Alone),
        any("ccbrand", Detail, Alone),
        any("cardlast4", Detail, Alone),
        any("cardlastfour", Detail, Alone),
        any("cclast4", Detail, Alone),
        any("cclastfour", Detail, Alone),
        any("cardfirst6", Detail, Alone),
        any("bankidentificationnumber", Detail, Alone),
        any("issueridentificationnumber", Detail, Alone),
        alone("card", Card, Alone),
        alone("cards", Card, Alone),
        alone("cardinfo", Card, Alone),
        alone("carddata", Card, Alone),
        alone("carddetails", Card, Alone),
        alone("paymentcard", Card, Alone),
        alone("bankcard", Card, Alone),
        alone("tarjeta", Card, Alone),
        alone("cartebancaire", Card, Alone),
        alone("cartao", Card, Alone),
    ]
};

const fn any(word: &'static str, meaning: Meaning, sure: Sure) -> Known {
    Known { word, stands: Where::Anywhere, meaning, sure }
}

const fn alone(word: &'static str, meaning: Meaning, sure: Sure) -> Known {
    Known { word, stands: Where::Alone, meaning, sure }
}
