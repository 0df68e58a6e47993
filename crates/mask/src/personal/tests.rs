use std::ops::Range;

use proptest::prelude::*;

use super::Personal;
use crate::classes::Classes;
use crate::finding::FindingKind;
use crate::reader::{BEHIND, Reader};
use crate::text::Text;

#[test]
fn email_addresses_are_found_whole() {
    for (text, masked) in [
        ("mail anna.lind@example.com now", "mail ********************* now"),
        ("<a+b_c%d-e@mail.example.co.uk>, x", "<****************************>, x"),
        ("href='mailto:a@b.example'", "href='mailto:***********'"),
        ("To: a@b.example.", "To: ***********."),
        ("\"email\":\"a@b.example\"", "\"email\":\"***********\""),
        ("{\\\"m\\\":\\\"x\\nanna@example.com\\n\\\"}", "{\\\"m\\\":\\\"x\\n****************\\n\\\"}"),
        ("x@münchen.de a@xn--mnchen-3ya.de", "x@münchen.de *******************"),
        ("- **anna@b.example** -+.c@d.example", "- ****************** -+.***********"),
        ("email=a@b.example&x=1", "email=***********&x=1"),
    ] {
        check(text, masked);
    }
    let longest = format!("{}@{}example.com", "a".repeat(64), "b.".repeat(120));
    check(&longest, &"*".repeat(longest.len()));
}

#[test]
fn what_is_no_email_address_passes() {
    for text in [
        "user@localhost",
        "@scope/package@1.2.3",
        "icon@2x.png",
        "git@github.com:owner/repository.git",
        "https://user@host.example/path",
        "ssh://deploy@10.0.0.1",
        "a@b",
        "a@b.1",
        "a@-b.example",
        "a@b..example",
        "@Override foo@ bar",
        "x @ y.example",
    ] {
        check(text, text);
    }
    check("a..b@c.example", "a..***********");
    let long = format!("{}@example.com", "a".repeat(65));
    check(&long, &long);
}

#[test]
fn telephone_numbers_are_found_behind_their_plus() {
    for (text, masked) in [
        ("call +49 30 901820 now", "call +************ now"),
        ("+1 (415) 555-0132.", "+****************."),
        ("tel:030-1234567;", "tel:***********;"),
        ("tel:+44-20-7946-0958", "tel:+***************"),
        ("\"phone\":\"+358401234567\"", "\"phone\":\"+************\""),
        ("+1 415 555 0132 12", "+************** 12"),
        ("+4930901820 5a", "+********** 5a"),
        ("**+49 30 901820**", "**+**************"),
        ("a\\n+33 1 09 75 83 51", "a\\n+****************"),
    ] {
        check(text, masked);
    }
    for text in [
        "1+14155550132",
        "a+4930901820",
        "+0100",
        "+1234567",
        "+1 115 555 0132",
        "+1 415 555-01325",
        "+2101234567890",
        "4930901820",
        "+4930901820a",
        "2026-11-22T10:00:00+02:00",
        "+49309018201234567",
        "ok/+49309018201/base64",
    ] {
        check(text, text);
    }
}

#[test]
fn an_iban_keeps_its_country_and_its_last_four() {
    for (text, masked) in [
        ("DE89370400440532013000", "DE****************3000"),
        ("iban DE89 3704 0044 0532 0130 00.", "iban DE********************30 00."),
        ("\"GB29NWBK60161331926819\"", "\"GB****************6819\""),
        // What has been masked behind it was part of it.
        ("DE89 3704 0044 0532 0130 00********", "DE89 3704 0044 0532 0130 00********"),
        ("x\\nNO9386011117947", "x\\nNO*********7947"),
    ] {
        check(text, masked);
    }
    for text in ["DE88370400440532013000", "XDE89370400440532013000", "PL891111", "DE89370400440532013000A"] {
        check(text, text);
    }
}

#[test]
fn social_security_numbers_are_found_that_may_be_issued() {
    for (text, masked) in [
        ("his is 536-22-8731.", "his is ***********."),
        ("ssn: 536228731,", "ssn: *********,"),
        ("Social Security number 536 22 8731", "Social Security number ***********"),
        ("\"ssn\":\"536-22-8731\"", "\"ssn\":\"***********\""),
        ("a\\n536-22-8731", "a\\n***********"),
    ] {
        check(text, masked);
    }
    for text in [
        "536228731",
        "536 22 8731",
        "000-22-8731",
        "666-22-8731",
        "912-22-8731",
        "536-00-8731",
        "536-22-0000",
        "078-05-1120",
        "219-09-9999",
        "1536-22-8731",
        "536-22-87312",
        "536-22-8731-1",
        "0.536-22-8731",
        "2026-536-22-8731",
        "a536-22-8731",
        "ssn 536-22 8731",
    ] {
        check(text, text);
    }
}

#[test]
fn a_class_that_is_off_is_not_looked_for() {
    let text = "a@b.example +4930901820 DE89370400440532013000 536-22-8731";
    assert_eq!(found(text.as_bytes(), Classes::default()), []);
    for (on, kind) in [
        (Classes { email: true, ..Classes::default() }, FindingKind::Email),
        (Classes { phone: true, ..Classes::default() }, FindingKind::Phone),
        (Classes { iban: true, ..Classes::default() }, FindingKind::Iban),
        (Classes { us_ssn: true, ..Classes::default() }, FindingKind::UsSsn),
    ] {
        let found = found(text.as_bytes(), on);
        assert_eq!(found.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(), [kind]);
    }
}

#[test]
fn only_what_may_be_part_of_an_address_is_held_back() {
    for (text, held) in [
        ("hello ", 0),
        ("hello", 5),
        ("a b, c: + - ...", 0),
        ("call +49", 2),
        ("id 536-", 4),
        ("a@b.exam", 8),
        ("DE", 2),
        ("x = (y)", 0),
    ] {
        let mut personal = Personal::new(ALL, 0);
        assert!(personal.next(&Text::new(text.as_bytes(), false), usize::MAX).is_none());
        assert_eq!(text.len() - personal.at(), held, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn it_is_the_same_however_the_text_is_cut_and_not_found_again(
        parts in prop::collection::vec(
            prop_oneof![
                Just("anna@example.com"), Just("+49 30 901820"), Just("DE89 3704 0044 0532 0130 00"), Just("536-22-8731"),
                Just("ssn "), Just(" "), Just("@"), Just("+"), Just("-"), Just("."), Just("tel:"), Just("\\n"), Just("12"), Just("GB"), Just("://"),
            ],
            0..12,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let text = parts.concat();
        let whole = found(text.as_bytes(), ALL);
        let each: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        prop_assert_eq!(&found_cut(&each, ALL), &whole);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        places.extend([0, text.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&found_cut(&pieces, ALL), &whole);
        let masked = starred(&text, &whole);
        prop_assert_eq!(found(masked.as_bytes(), ALL), [], "{}", masked);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn nothing_starts_at_a_place_that_is_gone_over(
        parts in prop::collection::vec(
            prop_oneof![
                Just("anna@example.com"), Just("b.c"), Just("@"), Just("+49 30 901820"), Just("+"), Just("TEL:"), Just("tel:030-1234567"),
                Just("DE89 3704 0044 0532 0130 00"), Just("GB29NWBK60161331926819"), Just("DE"), Just("536-22-8731"), Just("536 22 8731"),
                Just("536228731"), Just("ssn "), Just("Social_Security no. "), Just(" "), Just("\n"), Just("\\n"), Just("%20"), Just("\\u0022"),
                Just("1"), Just("22"), Just("a"), Just("-"), Just("é"), Just("                                     "),
                Just("2026-11-28T20:43:07+01:00 "),
            ],
            0..14,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = parts.concat();
        for known in [text.len(), cut.index(text.len() + 1)] {
            check_places(text.as_bytes(), known);
        }
    }
}

/// Asserts that every place is leapt to where something starts in `text`, when `known` bytes of it are.
fn check_places(text: &[u8], known: usize) {
    let whole = Text::whole(text);
    let part = Text::new(&text[..known], known == text.len());
    let mut personal = Personal::new(ALL, 0);
    for at in 0..known {
        personal.leap(&part, usize::MAX);
        let begins = super::judge(&whole, at, ALL).is_some();
        let mut from_here = Personal::new(ALL, at);
        from_here.leap(&part, usize::MAX);
        let here = personal.at == at && from_here.at == at;
        assert!(!begins || here, "{at} of {known} known of {:?}", String::from_utf8_lossy(text));
        personal.at = personal.at.max(at + 1);
    }
}

const ALL: Classes = Classes { secret: false, email: true, phone: true, iban: true, us_ssn: true };

fn check(text: &str, masked: &str) {
    assert_eq!(starred(text, &found(text.as_bytes(), ALL)), masked);
}

type Found = Vec<(Range<usize>, FindingKind)>;

fn found(text: &[u8], classes: Classes) -> Found {
    found_cut(&[text], classes)
}

/// What is found in a stream of `pieces`, of which no more is kept than a stream keeps.
fn found_cut(pieces: &[&[u8]], classes: Classes) -> Found {
    let mut personal = Personal::new(classes, 0);
    let mut window = Vec::new();
    let mut passed = 0;
    let mut found = Vec::new();
    let last = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.iter().enumerate() {
        window.extend_from_slice(piece);
        let text = Text::new(&window, index == last);
        while let Some(finding) = personal.next(&text, usize::MAX) {
            found.push((finding.range.start + passed..finding.range.end + passed, finding.kind));
        }
        assert!(window.len() - personal.at() <= 400, "too much is held");
        let over = personal.at().saturating_sub(BEHIND);
        window.drain(..over);
        personal.forget(over);
        passed += over;
    }
    found
}

fn starred(text: &str, found: &Found) -> String {
    let mut bytes = text.as_bytes().to_vec();
    found.iter().for_each(|(range, _)| bytes[range.clone()].fill(b'*'));
    String::from_utf8(bytes).unwrap()
}
