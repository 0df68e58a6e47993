use mask::{FindingKind, Masker, Profile, Stream, find};

const LAST4: Masker = Masker::new(Profile::Last4);

#[test]
fn a_card_code_in_a_text_of_any_length_is_starred_out_and_told() {
    for around in
        ["", "lorem ipsum dolor sit amet, consectetur adipiscing elit ", &"a line of a log\n".repeat(500)]
    {
        for (text, masked) in [
            ("cvv=123", "cvv=***"),
            (
                "{\"card\": \"4111111111111111\", \"cvc2\": \"1234\"",
                "{\"card\": \"************1111\", \"cvc2\": \"****\"",
            ),
            ("<pinBlock>0412AC89ABCDEF67</pinBlock>", "<pinBlock>****************</pinBlock>"),
            ("Key (cvv)=(123) already exists.", "Key (cvv)=(***) already exists."),
        ] {
            let (text, expected) =
                (format!("{around}{text}\n{around}"), format!("{around}{masked}\n{around}"));
            let masked = LAST4.text(text.as_bytes()).unwrap_or_else(|| panic!("{text} passes"));
            assert!(masked.sad && masked.bytes == expected.as_bytes(), "{text}");
            assert!(LAST4.text(&masked.bytes).is_none(), "{text}, again");
            let mut stream = Stream::new(LAST4);
            let mut out = Vec::new();
            text.as_bytes().chunks(3).for_each(|piece| stream.push(piece, &mut out));
            stream.finish(&mut out);
            assert!(stream.sad() && out == expected.as_bytes(), "{text} in a stream");
        }
    }
}

#[test]
fn a_code_is_found_as_what_it_is() {
    let kinds = |text: &[u8]| find(text).map(|finding| (finding.range, finding.kind)).collect::<Vec<_>>();
    assert_eq!(kinds(b"cvv=123"), [(4..7, FindingKind::CardCode)]);
    assert_eq!(kinds(b"pin_block: 0412AC89ABCDEF67"), [(11..27, FindingKind::Pin)]);
    assert_eq!(kinds(b"status_code: 123, pin: 1234, id=123"), []);
}

#[test]
fn a_code_in_text_within_json_is_sad_too() {
    let masked =
        LAST4.json(br#"{"body": "a=1&cvv=123", "log": "{\"cvc\":\"456\"}"}"#, &[]).expect("codes are there");
    assert!(masked.sad);
    assert_eq!(masked.bytes, br#"{"body": "a=1&cvv=***", "log": "{\"cvc\":\"***\"}"}"#);
}
