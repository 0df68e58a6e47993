use access::DataClass;

use crate::finding::Finding;
use crate::packed::Packed;
use crate::reader::Reader;
use crate::text::Text;
use crate::{
    Classes, JsonPath, JsonRule, Masker, Number, Profile, Stream, find_all, holds_card, json, varint, zigzag,
};

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

/// Reads any bytes as every type of number there is, and asserts that what is found in one is masked, in as many
/// characters, and not found again.
pub fn fuzz_number(data: &[u8]) {
    let eight = data.first_chunk::<8>();
    let integers =
        eight.into_iter().flat_map(|bytes| [u64::from_be_bytes(*bytes), u64::from_le_bytes(*bytes)]);
    let varint = varint(data).map(|(value, rest)| {
        assert!(rest.len() < data.len(), "a varint takes a byte at least");
        [Number::from(value), Number::from(value.cast_signed()), Number::from(zigzag(value))]
    });
    let numbers = integers
        .flat_map(|value| {
            [Some(value.into()), Some(value.cast_signed().into()), Number::double(f64::from_bits(value))]
        })
        .chain([Number::numeric(data), Number::decimal(data)])
        .chain([data.first_chunk::<16>().map(|bytes| Number::decimal128(*bytes))])
        .flatten()
        .chain(varint.into_iter().flatten());
    let whole = |text: &[u8]| holds_card(text.split(|byte| *byte == b'.').next().unwrap_or_default());
    for number in numbers {
        for masker in [Masker::new(Profile::Last4), Masker::new(Profile::First6Last4).about_cards(true)] {
            match masker.number(&number) {
                Some(masked) => {
                    assert!(masked.bytes.len() == number.text().len(), "the length stays");
                    assert!(!whole(&masked.bytes), "nothing is found again");
                }
                None => assert!(!number.holds_card(false), "what is found is masked"),
            }
        }
    }
}

/// Reads any bytes for packed decimal, whole and byte by byte, and asserts that it comes to the same, and that what
/// is masked is not found again.
pub fn fuzz_packed(data: &[u8]) {
    let found = packed(data, data.len());
    assert!(packed(data, 1) == found, "however it is cut, the same is found");
    let mut masked = data.to_vec();
    for finding in &found {
        Masker::new(Profile::Last4).hide(&Text::whole(data), 0, &mut masked, finding, finding.form);
    }
    assert!(packed(&masked, masked.len()).is_empty(), "nothing is found again");
}

/// What a reader of packed decimal finds of which `width` bytes more are known each time.
fn packed(data: &[u8], width: usize) -> Vec<Finding> {
    let mut packed = Packed::new(0);
    let mut found = Vec::new();
    for known in (0..data.len()).step_by(width.max(1)).chain([data.len()]) {
        let text = Text::new(data.get(..known).unwrap_or(data), known == data.len());
        while let Some(finding) = packed.next(&text, usize::MAX) {
            found.push(finding);
        }
    }
    found
}
