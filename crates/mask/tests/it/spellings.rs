use mask::{FindingKind, find};

use crate::{FIRST6_LAST4, LAST4, bare_cards, cards, check, masked};

#[test]
fn all_but_the_six_weak_test_numbers_are_found_bare() {
    let missed: Vec<_> = cards().filter(|(_, number)| !mask::holds_card(number.as_bytes())).collect();
    let weak = [
        ("visa", "4222222222222"),
        ("diners", "3056930009020004"),
        ("maestro", "6304000000000000"),
        ("maestro", "6759649826438453"),
        ("maestro", "5019717010103742"),
        ("uatp", "122000000000003"),
    ];
    assert_eq!(missed, weak);
}

#[test]
fn a_word_nearby_makes_a_weak_number_count() {
    for number in ["4222222222222", "3056930009020004", "6759649826438453"] {
        for text in
            [format!("card {number}"), format!("PAN={number}"), format!(r#"{{"cc_number":"{number}"}}"#)]
        {
            assert!(mask::holds_card(text.as_bytes()), "{text}");
        }
        for text in [format!("company {number}"), format!("{} card {}{number}", "x", " ".repeat(65))] {
            assert!(!mask::holds_card(text.as_bytes()), "{text}");
        }
    }
}

#[test]
fn the_last_four_stay() {
    check("4111111111111111", "************1111");
    check("378282246310005", "***********0005");
    check("30569309025904", "**********5904");
    check("6205500000000000004", "***************0004");
    check("2223003122003222", "************3222");
}

#[test]
fn by_profile_the_first_six_stay_too_but_not_of_a_short_number() {
    let masked = |text: &str| String::from_utf8(FIRST6_LAST4.text(text.as_bytes()).unwrap().bytes).unwrap();
    assert_eq!(masked("4111111111111111"), "411111******1111");
    assert_eq!(masked("378282246310005"), "378282*****0005");
    assert_eq!(masked("30569309025904"), "305693****5904");
    assert_eq!(masked("card 4222222222222"), "card *********2222");
    assert_eq!(masked("4111-1111-1111-1111"), "4111-11**-****-1111");
}

#[test]
fn every_number_is_found_grouped_by_every_separator() {
    let separators = [
        " ", "-", ".", "  ", " - ", "\u{a0}", "\u{2009}", "\u{202f}", "\u{3000}", "\u{200b}", "\u{feff}",
        "\u{2010}", "\u{2011}", "\u{2012}", "\u{2013}", "\u{2014}", "\u{2015}", "\t", "\n", "\r\n", "/", "_",
        ":", "+", ",", ", ", "%20", "%2D", "%C2%A0", "\\u00a0", "\\u2013", "\\n", "\\t", "&nbsp;", "&#160;",
        "&thinsp;", "\0",
    ];
    for (_, number) in cards().filter(|(brand, _)| *brand != "uatp") {
        for separator in separators {
            let Some(text) = grouped(number, separator) else { continue };
            let text = format!("paid with {text} today");
            let weak = !mask::holds_card(number.as_bytes());
            // A weak number counts where no list would be written so.
            if weak && !matches!(separator, " " | "-" | "." | "\u{a0}") {
                continue;
            }
            let masked = masked(&text);
            let left = masked.bytes().filter(u8::is_ascii_digit).count();
            let escape = separator.bytes().filter(u8::is_ascii_digit).count() * (groups(number).len() - 1);
            assert!(left <= 4 + escape, "{text:?} became {masked:?}");
            assert_eq!(masked.len(), text.len());
        }
    }
}

#[test]
fn a_number_next_to_letters_is_found() {
    check("pan4111111111111111x", "pan************1111x");
    check("id_4111111111111111_", "id_************1111_");
    check("card4111111111111111", "card************1111");
    check("a4111111111111111", "a************1111");
    check("cafe4111111111111111", "cafe************1111");
    check("\u{e9}4111111111111111", "\u{e9}************1111");
    check("x=4111111111111111;", "x=************1111;");
    check("(1,4111111111111111,\"Bo\")", "(1,************1111,\"Bo\")");
    check("{4111111111111111,5555555555554444}", "{************1111,************4444}");
}

#[test]
fn digits_of_every_script_are_read() {
    for zero in ['０', '٠', '۰', '०', '๐', '𝟎'] {
        let text: String = "4111111111111111"
            .chars()
            .map(|digit| char::from_u32(u32::from(zero) + digit.to_digit(10).unwrap()).unwrap())
            .collect();
        let masked = masked(&text);
        assert_eq!(masked.chars().filter(|c| *c != '*').count(), 4, "{text}");
        assert_eq!(masked.len(), text.len());
    }
}

#[test]
fn escapes_are_read_and_stay_escapes() {
    check(r"\u0034111111111111111", r"\u002a***********1111");
    check("%34111111111111111", "%2A***********1111");
    check("&#52;111111111111111", "&#42;***********1111");
    check("n=%204111111111111111", "n=%20************1111");
    check("a%3D4111111111111111", "a%3D************1111");
    check("4111%201111%201111%201111", "****%20****%20****%201111");
}

#[test]
fn a_number_wrapped_over_two_lines_is_found() {
    check("4111111111\n111111", "**********\n**1111");
    check("41111111\r\n11111111", "********\r\n****1111");
    check("4111 1111\n1111 1111", "**** ****\n**** 1111");
}

#[test]
fn a_number_taken_apart_evenly_is_found() {
    check("4 0 0 0 0 5 6 6 5 5 6 6 5 5 5 6", "* * * * * * * * * * * * 5 5 5 6");
    check(
        "4\n0\n0\n0\n0\n5\n6\n6\n5\n5\n6\n6\n5\n5\n5\n6\n",
        "*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n*\n5\n5\n5\n6\n",
    );
    check("40:00:05:66:55:66:55:56", "**:**:**:**:**:**:55:56");
    check("{4000,0566,5566,5556}", "{****,****,****,5556}");
    check("4,000,056,655,665,556", "*,***,***,***,**5,556");
}

#[test]
fn numbers_in_other_forms_are_found() {
    check("4000056655665556.00", "************5556.00");
    check("4.000056655665556e+15", "*.***************e+15");
    check("3.78282246310005e+14", "*.**************e+14");
    check("0004111111111111111", "000************1111");
    check("164111111111111111", "16************1111");
    check("[4000056655665556,4000056655665557)", "[************5556,4000056655665557)");
}

#[test]
fn numbers_put_together_without_a_separator_leave_no_digit() {
    check("41111111111111115555555555554444", &"*".repeat(32));
    check("3782822463100056011000990139424", &"*".repeat(31));
    check("40000566556655564000056655665556", &"*".repeat(32));
    let all: String = bare_cards().collect();
    for number in bare_cards() {
        assert!(!masked(&all).contains(number));
    }
}

#[test]
fn hex_and_base64_of_a_number_go_as_a_whole() {
    check(r"\x34303030303536363535363635353536", &format!(r"\x{}", "*".repeat(32)));
    check("v=34303030303536363535363635353536.", &format!("v={}.", "*".repeat(32)));
    check("NDAwMDA1NjY1NTY2NTU1Ng==", &format!("{}==", "*".repeat(22)));
    // The quad that the number starts in begins with what stands before it.
    check(
        "token eyJwYW4iOiI0MTExMTExMTExMTExMTExIn0 end",
        &format!("token eyJwYW4iOiI0{}In0 end", "*".repeat(20)),
    );
    // Encoded twice.
    check("TkRFeE1URXhNVEV4TVRFeE1URXhNUT09", "********************************");
    check("MjAyNi0xMS0yMlQyMToyODowMFogaGVsbG8", "MjAyNi0xMS0yMlQyMToyODowMFogaGVsbG8");
}

#[test]
fn base64_is_found_at_every_offset_and_over_wrapped_lines() {
    for offset in 0..120 {
        let text = format!("{}4000 0566 5566 5556, ok", "x".repeat(offset));
        let (encoded, wrapped) = (base64(text.as_bytes(), usize::MAX), base64(text.as_bytes(), 76));
        assert!(mask::holds_card(encoded.as_bytes()), "{offset}");
        assert!(mask::holds_card(wrapped.as_bytes()), "{offset}");
        assert_eq!(masked(&wrapped).lines().count(), wrapped.lines().count());
    }
}

#[test]
fn a_finding_says_where_and_what() {
    let text = b"a 4111111111111111, b 378282246310005";
    let found: Vec<_> = find(text).collect();
    let brands: Vec<_> = found
        .iter()
        .map(|finding| match finding.kind {
            FindingKind::Pan { brand } => (finding.range.clone(), brand.name()),
            _ => panic!("only card numbers are there"),
        })
        .collect();
    assert_eq!(brands, [(2..18, "visa"), (22..37, "amex")]);
    let masked = LAST4.text(text).unwrap();
    assert_eq!((masked.found, masked.sad), (2, false));
}

#[test]
fn digits_left_by_a_mask_do_not_become_a_number_with_their_neighbours() {
    let text = "5555555555554000 0566 5566 5556";
    assert!(!mask::holds_card(masked(text).as_bytes()));
    let text = "4111111111111111 1111 1111 2222";
    assert!(!mask::holds_card(masked(text).as_bytes()));
}

fn groups(number: &str) -> Vec<&str> {
    let sizes: &[usize] = match number.len() {
        13 => &[4, 4, 5],
        14 => &[4, 6, 4],
        15 => &[4, 6, 5],
        16 => &[4, 4, 4, 4],
        _ => &[4, 4, 4, 4, 3],
    };
    let mut rest = number;
    sizes
        .iter()
        .map(|size| {
            let (group, after) = rest.split_at(*size);
            rest = after;
            group
        })
        .collect()
}

fn grouped(number: &str, separator: &str) -> Option<String> {
    (number.len() >= 13).then(|| groups(number).join(separator))
}

fn base64(bytes: &[u8], width: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for (index, three) in bytes.chunks(3).enumerate() {
        if index > 0 && (index * 4).is_multiple_of(width) {
            encoded.push('\n');
        }
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(*three.get(at).unwrap_or(&0)));
        for letter in 0..=three.len() {
            encoded.push(char::from(LETTERS[(bits >> (18 - 6 * letter) & 63) as usize]));
        }
    }
    encoded
}

#[test]
fn a_long_number_in_groups_is_found_whole_though_a_part_of_it_is_one_too() {
    for tail in 0..1000 {
        let digits = format!("4111111111111111{tail:03}");
        let left =
            masked(&format!("4111 1111 1111 1111 {tail:03}")).bytes().filter(u8::is_ascii_digit).count();
        // What follows sixteen and makes no number with them stays.
        assert_eq!(left, if luhn3::decimal::valid(digits.as_bytes()) { 4 } else { 4 + 3 }, "{tail}");
    }
}

#[test]
fn percent_escapes_of_percent_escapes_are_read_and_stay_so() {
    let nested =
        |percent: &str| -> String { "4111111111111111".chars().map(|c| format!("{percent}3{c}")).collect() };
    for percent in ["%25", "%2525", "%252525", "%25252525"] {
        let stars = format!("{percent}2A").repeat(12) + &format!("{percent}31").repeat(4);
        check(&format!("n={}&x", nested(percent)), &format!("n={stars}&x"));
    }
    check("4111%25201111%25201111%25201111", "****%2520****%2520****%25201111");
    check("4111%2520111111111111", "4111%2520111111111111");
    // A percent sign that is escaped may stand before a number, too.
    check("%25378282246310005", "%25***********0005");
    check("100%25 of 12%2534 %252 %25", "100%25 of 12%2534 %252 %25");
}
