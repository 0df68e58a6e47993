use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::body::testing::{self, care, check, passing, same, strict};
use crate::body::{Withheld, testing::decoded};

const FORM: &str = "multipart/form-data; boundary=\"b\"";

fn field(name: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

#[test]
fn each_part_is_masked_by_what_it_is() {
    let body = |number: &str| {
        [
            "preamble\r\n".to_owned(),
            field("a", &format!("pan {number}")),
            format!("--b\r\nContent-Type: application/json\r\n\r\n{{\"x\": \"{number}\"}}\r\n"),
            format!("--b  \r\nContent-Disposition: form-data; name=f; filename=\"x.csv\"\r\nContent-Type: text/csv\r\n\r\na,b\n{number},2\n\r\n"),
            format!("--b\r\n\r\n{number}\r\n--b--\r\nepilogue {number}"),
        ]
        .concat()
    };
    for content_type in [FORM, "multipart/mixed; boundary=b", "multipart/related; type=x; boundary=b"] {
        for care in [care(), strict(), passing()] {
            check(&care, content_type, &body("4111111111111111"), &body("************1111"));
            same(&care, content_type, body("none").as_bytes());
        }
    }
    let bare = body("4111111111111111").replace("\r\n", "\n");
    check(&care(), FORM, &bare, &body("************1111").replace("\r\n", "\n"));
    // Told by its first lines.
    let body = field("a", "4111111111111111") + "--b--";
    check(&care(), "text/plain", &body, &(field("a", "************1111") + "--b--"));
}

#[test]
fn a_file_that_is_not_understood_is_passed_or_refused() {
    let body = "--b\r\nContent-Disposition: form-data; name=f; filename=x.png\r\nContent-Type: image/png\r\n\r\n\u{1}PNG\r\n--b--\r\n";
    assert!(matches!(testing::told(&strict(), FORM, body.as_bytes()), Err(Withheld::NotUnderstood(_))));
    same(&passing(), FORM, body.as_bytes());
}

#[test]
fn names_tell_what_fields_are() {
    let typo = field("card_number", "4111111111111112") + "--b--\r\n";
    check(&care(), FORM, &typo, &typo.replace("411111111111", "************"));
    for sad in [
        field("cvv", "123"),
        field("pan", "4111111111111111") + &field("expiry", "12/29") + &field("cid", "123"),
    ] {
        assert_eq!(testing::told(&care(), FORM, format!("{sad}--b--\r\n").as_bytes()), Err(Withheld::Sad));
    }
    same(&care(), FORM, (field("cid", "123") + "--b--").as_bytes());
}

#[test]
fn transfer_encodings_are_undone_and_done_again() {
    let json = |number: &str| {
        format!("{{\"note\": \"a long enough line, so that it has to be wrapped\", \"pan\": \"{number}\"}}")
    };
    let part = |encoding: &str, text: &str| {
        format!(
            "--b\r\nContent-Type: application/json\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{text}\r\n--b--\r\n"
        )
    };
    let base64 = part("BASE64", &STANDARD.encode(json("4111111111111111")));
    let out = testing::told(&care(), FORM, base64.as_bytes()).unwrap();
    let out = String::from_utf8(out).unwrap();
    let text: String =
        out.split("\r\n\r\n").nth(1).unwrap().split("\r\n--b").next().unwrap().split("\r\n").collect();
    assert_eq!(STANDARD.decode(text).unwrap(), json("************1111").as_bytes());
    let quoted =
        part("quoted-printable", &json("4111=\r\n=31111 1111=201111").replace("\": \"a", "\": =\r\n\"=61"));
    let out = String::from_utf8(testing::told(&care(), FORM, quoted.as_bytes()).unwrap()).unwrap();
    let text = out.split("\r\n\r\n").nth(1).unwrap().replace("=\r\n", "").replace("=20", " ");
    assert!(text.starts_with(&json("******** **** 1111")), "{text}");
    assert!(out.lines().all(|line| line.len() <= 76));
    assert!(testing::told(&strict(), FORM, part("x-uuencode", "M4").as_bytes()).is_err());
    assert!(testing::told(&strict(), FORM, part("base64", "not base64!").as_bytes()).is_err());
}

#[test]
fn parts_may_have_parts() {
    let body = |number: &str| {
        format!(
            "--b\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\n{number}\r\n--i\r\nContent-Type: text/xml\r\n\r\n<a>{number}</a>\r\n--i--\r\n\r\n--b--\r\n"
        )
    };
    check(&strict(), FORM, &body("4111111111111111"), &body("************1111"));
}

#[test]
fn a_delimiter_is_one_however_the_body_is_cut() {
    for body in [
        "--b",
        "--b--",
        "--b\r\n",
        "--b\r\nA: b\r\n--b--",
        "--b\r\nA: b\r\n\r\n--b--\r\n",
        "--b\r\n\r\n\r\n--b\r\n\r\n--bx\r\n--b-x\r\n-\r\n\r\r\n--b--  \r\nx\r",
        "no part at all",
        "\r\n\r\n--b\n\nx\n--b--",
    ] {
        same(&care(), FORM, body.as_bytes());
        same(&strict(), FORM, body.as_bytes());
    }
}

#[test]
fn heads_are_masked_and_bounded() {
    let body =
        "--b\r\nContent-Disposition: form-data; name=a; filename=\"4111111111111111.txt\"\r\n\r\nx\r\n--b--";
    check(&care(), FORM, body, &body.replace("411111111111", "************"));
    let long = format!("--b\r\nA: {}\r\n\r\nx\r\n--b--", "x".repeat(20_000));
    assert!(matches!(testing::run(&care(), FORM, long.as_bytes(), 1000), Err(Withheld::TooLarge(_))));
}

#[test]
fn a_boundary_that_is_none_is_not_understood() {
    for content_type in
        ["multipart/mixed", "multipart/mixed; boundary=\"\"", "multipart/mixed; boundary=4111111111111111"]
    {
        assert!(
            matches!(testing::told(&strict(), content_type, b"some text"), Err(Withheld::NotUnderstood(_))),
            "{content_type}"
        );
    }
}

#[test]
fn digits_in_fields_beside_one_another_are_withheld_in_strict_mode() {
    let body = field("a", "41111111") + &field("b", "11111111") + "--b--\r\n";
    same(&care(), FORM, body.as_bytes());
    assert_eq!(testing::told(&strict(), FORM, body.as_bytes()), Err(Withheld::CardData));
    let body = field("a", "41111111") + &field("x", "y") + &field("b", "11111111") + "--b--\r\n";
    same(&strict(), FORM, body.as_bytes());
}

#[test]
fn a_message_is_masked_by_its_head() {
    let message =
        "Subject: 4111111111111111\r\nContent-Type: application/json\r\n\r\n{\"pan\": \"4111111111111111\"}";
    check(&strict(), "message/rfc822", message, &message.replace("411111111111", "************"));
    let bare = "=34=31=31=31=31=31=31=31=31=31=31=31=31=31=31=31";
    let out = testing::told(&strict(), "message/rfc822", bare.as_bytes()).unwrap();
    assert!(!mask::holds_card(&out));
    same(&care(), "message/rfc822", b"Subject: x");
    let packed = format!(
        "A: b\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        STANDARD.encode(testing::gzip(b"4111111111111111"))
    );
    let out = testing::told(&strict(), "message/rfc822", packed.as_bytes()).unwrap();
    let body = String::from_utf8(out).unwrap().split("\r\n\r\n").nth(1).unwrap().replace("\r\n", "");
    assert_eq!(decoded("gzip", &STANDARD.decode(body).unwrap()), b"************1111");
}
