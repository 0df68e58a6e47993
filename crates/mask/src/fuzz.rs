use access::DataClass;

use crate::{Classes, JsonPath, JsonRule, Masker, Profile, Stream, find_all, holds_card, json};

/// Masks any bytes and asserts what holds for all: the length stays, and nothing is found in the result.
pub fn fuzz_text(data: &[u8]) {
    for profile in [Profile::Last4, Profile::First6Last4] {
        let masker = Masker::new(profile);
        match masker.text(data) {
            Some(masked) => {
                assert!(masked.bytes.len() == data.len(), "the length stays");
                assert!(masked.found > 0, "something was found");
                assert!(!holds_card(&masked.bytes), "nothing is found again");
            }
            None => assert!(!holds_card(data), "what is found is masked"),
        }
        assert!(
            masker.pan(data).iter().filter(|byte| byte.is_ascii_digit()).count() <= 10,
            "never more than the profile"
        );
    }
}

/// Masks any bytes as a stream, every class on, cut by what the first byte says, and asserts that it comes to the
/// same as the whole, that no more than the bound is held back, and that nothing is found in the result.
pub fn fuzz_stream(data: &[u8]) {
    let Some((width, data)) = data.split_first() else { return };
    let classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
    let masker = Masker::new(Profile::Last4).with(classes);
    let whole = masker.text(data).map_or_else(|| data.to_vec(), |masked| masked.bytes);
    let mut stream = Stream::new(masker);
    let mut told = Vec::new();
    for piece in data.chunks(usize::from(*width).max(1)) {
        stream.push(piece, &mut told);
        assert!(stream.held() <= 1024, "no more is held back than the bound");
    }
    stream.finish(&mut told);
    assert!(told == whole, "however it is cut, it is masked as the whole");
    assert!(find_all(&told, classes).next().is_none(), "nothing is found again");
}

/// Masks any bytes as JSON and asserts that JSON stays JSON, and that masking again changes nothing.
pub fn fuzz_json(data: &[u8]) {
    let rule = |path: &str, class| JsonPath::parse(path).map(|path| JsonRule::new(path, class));
    let rules: Vec<_> =
        [rule("$..pan", DataClass::Pan), rule("$.a[*]", DataClass::Sad), rule("$.b", DataClass::Secret)]
            .into_iter()
            .flatten()
            .collect();
    for rules in [&[], rules.as_slice()] {
        let masker = Masker::new(Profile::Last4);
        let Some(masked) = masker.json(data, rules) else { continue };
        assert!(!json::is_json(data) || json::is_json(&masked.bytes), "JSON stays JSON");
        assert!(masker.json(&masked.bytes, rules).is_none(), "masking again changes nothing");
    }
}
