use super::*;
use crate::reader::BEHIND;

#[test]
fn a_code_behind_a_name_that_means_nothing_else_is_found() {
    finds("cvv=123", "cvv=***");
    for (before, after) in [
        ("cvv=", ""),
        ("cvv2=", "&x=1"),
        ("a=1&card[cvc]=", "&b=2"),
        ("CVV: ", "\n"),
        ("cvv:", ","),
        ("\"cvv\": \"", "\""),
        ("\"cvv\":", "}"),
        ("{'cvc2': '", "'}"),
        ("\\\"cvv\\\":\\\"", "\\\""),
        ("<cvv>", "</cvv>"),
        ("<ns:CardSecurityCode>", "<"),
        ("cvv%3D", "%26"),
        ("cvv%3d", ""),
        ("%22cvv%22%3A%22", "%22"),
        ("%22cvv%22%3A%20", "%7D"),
        ("Key (cvv)=(", ")"),
        ("my cvv is: ", "."),
        ("CVV code: ", ". Thanks"),
        ("card security code - ", ""),
        ("cvvNumber = ", ";"),
        ("cvv => ", ","),
        ("@cvv := '", "'"),
        ("--cvv=", " --x"),
        ("payment_card_cvv\t=\t", "\n"),
        ("Kartenprüfnummer: ", ""),
        ("cvv='", "'::text"),
    ] {
        for code in ["123", "1234", "000"] {
            finds(&format!("{before}{code}{after}"), &format!("{before}{}{after}", "*".repeat(code.len())));
        }
    }
}

#[test]
fn a_pin_block_behind_its_name_is_found() {
    let block = "0412AC89ABCDEF67";
    for (before, after) in [
        ("pin_block=", "&"),
        ("\"pinBlock\": \"", "\""),
        ("<PINBlock>", "</"),
        ("DE52: 0x", ""),
        ("encrypted pin: ", "\n"),
    ] {
        let stars = "*".repeat(16);
        let (before, stars) = match before.strip_suffix("0x") {
            Some(before) => (before, format!("**{stars}")),
            None => (before, stars),
        };
        let written = if stars.len() == 18 { format!("0x{block}") } else { block.to_owned() };
        finds(&format!("{before}{written}{after}"), &format!("{before}{stars}{after}"));
    }
    finds(&format!("pinblk={block}{block} end"), &format!("pinblk={} end", "*".repeat(32)));
}

#[test]
fn a_name_that_may_mean_something_else_needs_card_data_before_it() {
    for before in [
        "4111111111111111",
        "card 4111 1111 1111 1111",
        "************1111",
        "exp 12/29",
        "exp_month=12",
        "cardholder=A",
    ] {
        finds(&format!("{before}, security code: 123"), &format!("{before}, security code: ***"));
        finds(&format!("{before}&csc=1234&x"), &format!("{before}&csc=****&x"));
        finds(&format!("{before}; pin: 1234"), &format!("{before}; pin: ****"));
        // With nothing but a space between, a name that means nothing else needs it too.
        finds(&format!("{before} cvv 123"), &format!("{before} cvv ***"));
    }
    finds("number=4111111111111111&exp=12/29&code=123", "number=4111111111111111&exp=12/29&code=***");
    for clean in [
        "security code: 123",
        "csc=1234",
        "pin: 1234",
        "cvv 123",
        "cid=123",
        "code=123",
        "exp=12/29&code=123",
        "order 4111111111111112, security code: 123",
        "card_number=************1111&code=200",
        "expires_at=2029-01-01&pin=1234",
    ] {
        finds(clean, clean);
    }
}

#[test]
fn what_is_no_code_is_left_alone() {
    for clean in [
        "cvv=",
        "cvv=12",
        "cvv=12345",
        "cvv=12a",
        "cvv=***",
        "cvv=1.23",
        "cvv=123.4",
        "cvv: 123-456",
        "cvv=2024-01-01",
        "cvv=12:30",
        "cvv_result=100",
        "cvv_match: 123",
        "has_cvv: 111",
        "acvv=123",
        "cvvs_per_day=100",
        "xcvc=123",
        "acid=123",
        "cvv,123",
        "cvv; 123",
        "cvv\n123",
        "CVC-1234",
        "CVE-2024",
        "cve: 2024",
        "the cvv. 123 people",
        "cvv {\"a\":123}",
        "code=404",
        "status code: 200",
        "zip code: 1234",
        "span_id=0412ac89abcdef67",
        "trace: 0412AC89ABCDEF67",
        "pin_block=0412AC89ABCDEF6",
        "pin_block=0000000000000000",
        "pin=1234",
        "gpio pin 1234",
        "pinned: 123",
        "japan: 123",
        "companion=123",
        "track1=123",
        "cvv%123",
        "%3D123",
        "=123",
        "123",
        "",
        "cvv                    123",
        "cvvcvv=123x",
        "iso 1234",
        "rfc 3339 says",
        "port: 8080",
        "cvv=٣٢١",
    ] {
        finds(clean, clean);
    }
}

#[test]
fn what_was_masked_is_not_found_again() {
    for text in
        ["cvv=123&pin_block=0412AC89ABCDEF67", "4111111111111111 cvv 123", "card 4111111111111111 pin: 1234"]
    {
        let once = masked(text.as_bytes());
        assert_ne!(once, text.as_bytes());
        assert_eq!(masked(&once), once, "{text}");
    }
}

#[test]
fn nothing_is_held_back_but_a_code_itself() {
    for text in [
        "cvv=",
        "cvv",
        "\"cvv\": \"",
        "pin_block: ",
        "card 4111111111111111, cvv ",
        "x=123&",
        "cvv=123&",
        "a b c d",
    ] {
        let mut codes = Codes::new(0);
        let text = Text::new(text.as_bytes(), false);
        while codes.next(&text, usize::MAX).is_some() {}
        assert_eq!(codes.at(), text.len());
    }
    // A run of any other name is let go as it comes, but for what may be an escape.
    for (text, held) in [
        ("id=123", 0),
        ("cvv=12", 2),
        ("cvv=123", 3),
        ("cvv=123.", 4),
        ("cvv%3D12", 4),
        ("a%", 0),
        ("a%3", 1),
    ] {
        let mut codes = Codes::new(0);
        let text = Text::new(text.as_bytes(), false);
        while codes.next(&text, usize::MAX).is_some() {}
        assert_eq!(text.len() - codes.at(), held, "{:?}", text.known(0..text.len()));
    }
}

#[test]
fn a_number_that_begins_further_off_counts_masked_or_not_when_some_of_it_is_close() {
    for number in ["4111111111111111", "************1111", "4111 1111 1111 1111", "**** **** **** 1111"] {
        for further in 0..number.len() {
            let between = "x".repeat(CLOSE + further - number.len() - 2);
            let text = format!("{number},{between},");
            finds(&format!("{text}pin=1234"), &format!("{text}pin=****"));
        }
    }
}

#[test]
fn work_is_linear_on_what_looks_like_codes_throughout() {
    // Each place looks back a bounded way and ahead a bounded way: the reader never goes back.
    for piece in
        ["cvv=", "=1", "cvv=12345 ", "cvv 123 ", "%3D", "%", "pin_block=0412", "\"", "'a", "is is is "]
    {
        let text = piece.repeat(2000);
        let mut codes = Codes::new(0);
        let text = Text::whole(text.as_bytes());
        let mut last = 0;
        while let Some(found) = codes.next(&text, usize::MAX) {
            assert!(found.range.start >= last && found.range.end > found.range.start, "{piece}");
            last = found.range.end;
        }
        assert_eq!(codes.at(), text.len(), "{piece}");
    }
}

/// Checks what becomes of `text`, and that it does however it is cut.
#[track_caller]
fn finds(text: &str, expected: &str) {
    let bytes = text.as_bytes();
    let shown = |masked: &[u8]| String::from_utf8_lossy(masked).into_owned();
    assert_eq!(shown(&masked(bytes)), expected, "{text}");
    let whole = found(&[bytes]);
    for at in 0..=bytes.len() {
        let (one, two) = bytes.split_at(at);
        assert_eq!(found(&[one, two]), whole, "{text} cut at {at}");
    }
    for length in 1..bytes.len() {
        let pieces: Vec<&[u8]> = bytes.chunks(length).collect();
        assert_eq!(found(&pieces), whole, "{text} in pieces of {length}");
    }
    // Behind so much else that the window has been moved.
    let far = "lorem ipsum, ".repeat(100);
    let behind = format!("{far}{text}");
    assert_eq!(shown(&masked(behind.as_bytes())), format!("{far}{expected}"), "{text}, far behind");
    let pieces: Vec<&[u8]> = behind.as_bytes().chunks(7).collect();
    assert_eq!(found(&pieces), found(&[behind.as_bytes()]), "{text}, far behind");
}

fn masked(text: &[u8]) -> Vec<u8> {
    let mut masked = text.to_vec();
    for (range, _) in found(&[text]) {
        masked[range].fill(b'*');
    }
    masked
}

/// What is found in a text that comes in these pieces, of which no more is kept than a stream keeps.
fn found(pieces: &[&[u8]]) -> Vec<(std::ops::Range<usize>, FindingKind)> {
    let (mut codes, mut window, mut passed, mut found) = (Codes::new(0), Vec::new(), 0, Vec::new());
    for (index, piece) in pieces.iter().enumerate() {
        window.extend_from_slice(piece);
        let text = Text::new(&window, index + 1 == pieces.len());
        while let Some(finding) = codes.next(&text, usize::MAX) {
            assert!(finding.kind.is_sad());
            found.push((finding.range.start + passed..finding.range.end + passed, finding.kind));
        }
        assert!(window.len() - codes.at() <= RUN_MAX + 4, "too much is held");
        let over = codes.at().saturating_sub(BEHIND);
        window.drain(..over);
        codes.forget(over);
        passed += over;
    }
    found
}
