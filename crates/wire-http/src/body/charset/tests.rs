use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, KOI8_R, SHIFT_JIS, WINDOWS_1252, WINDOWS_1253,
};

use super::{Charset, Recoded, Told};
use crate::body::{Rewrite, Withheld};

/// Gives everything on as it is.
struct Same;

impl Rewrite for Same {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        assert!(str::from_utf8(bytes).is_ok());
        out.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), Withheld> {
        Ok(())
    }

    fn found(&self) -> u64 {
        0
    }
}

fn through(charset: Charset, bytes: &[u8], width: usize) -> Result<Vec<u8>, Withheld> {
    let mut recoded = Recoded::new(charset, Same);
    let mut out = Vec::new();
    for piece in bytes.chunks(width) {
        recoded.push(piece, &mut out)?;
    }
    recoded.finish(&mut out)?;
    Ok(out)
}

#[test]
fn any_bytes_come_out_as_they_went_in() {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let legacy = [BIG5, EUC_JP, EUC_KR, GB18030, GBK, IBM866, KOI8_R, SHIFT_JIS, WINDOWS_1252, WINDOWS_1253];
    let charsets =
        legacy.into_iter().map(Charset::Legacy).chain([false, true].map(|big| Charset::Utf16 { big }));
    for charset in charsets {
        for length in (0..16).chain([1000]) {
            let bytes: Vec<u8> = (0..length).map(|_| random()).collect();
            for width in [1, 3] {
                assert!(through(charset, &bytes, width).as_deref() == Ok(&bytes), "{charset:?}");
            }
        }
        let all: Vec<u8> =
            (0..=255_u8).flat_map(|high| (0..=255_u8).flat_map(move |low| [high, low])).collect();
        assert!(through(charset, &all, 1000).as_deref() == Ok(&all), "{charset:?}");
    }
    let private: Vec<u8> = ('\u{10dff0}'..='\u{10ffff}')
        .flat_map(|it| {
            it.encode_utf16(&mut [0; 2]).iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>()
        })
        .collect();
    assert!(through(Charset::Utf16 { big: false }, &private, 7).as_deref() == Ok(&private));
    let text: Vec<u8> = "a\u{1f4b3}\u{10ffff}".chars().flat_map(|it| u32::from(it).to_be_bytes()).collect();
    assert_eq!(through(Charset::Utf32 { big: true }, &text, 3), Ok(text));
    assert!(through(Charset::Utf32 { big: true }, &[0xff; 4], 4).is_err());
}

#[test]
fn names_of_character_sets_are_known() {
    for name in ["", "utf-8", "UTF8", "us-ascii", " \"UTF-8\" "] {
        assert_eq!(Told::of(name), Told::Plain, "{name}");
    }
    let legacy = |encoding: &'static Encoding| Told::Charset(Charset::Legacy(encoding));
    assert_eq!(Told::of("ISO-8859-1"), legacy(WINDOWS_1252));
    assert_eq!(Told::of("cp866"), legacy(IBM866));
    assert_eq!(Told::of("UTF-16BE"), Told::Charset(Charset::Utf16 { big: true }));
    assert_eq!(Told::of("ucs-2"), Told::Charset(Charset::Utf16 { big: false }));
    assert_eq!(Told::of("utf-32"), Told::Charset(Charset::Utf32 { big: false }));
    for name in ["utf-7", "ibm037", "CP500", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312"] {
        assert_eq!(Told::of(name), Told::Strange, "{name}");
    }
    assert_eq!(Told::of("klingon"), Told::Unknown);
}

#[test]
fn zeros_and_marks_tell() {
    let of = |first: &[u8], ended| Charset::of_zeros(first, ended);
    assert_eq!(of(b"{\0\"\0", false), Some(Some(Charset::Utf16 { big: false })));
    assert_eq!(of(b"\0{\0\"", false), Some(Some(Charset::Utf16 { big: true })));
    assert_eq!(of(b"{\0\0\0\"\0\0\0", false), Some(Some(Charset::Utf32 { big: false })));
    assert_eq!(of(b"\0\0\0{\0\0\0\"", false), Some(Some(Charset::Utf32 { big: true })));
    assert_eq!(of(b"{\0\0\0", false), None);
    assert_eq!(of(b"1\0", true), Some(Some(Charset::Utf16 { big: false })));
    assert_eq!(of(b"\0\0\0\x20ftyp", false), Some(None));
    assert_eq!(of(b"text", false), Some(None));
    assert_eq!(of(b"\xff\0\x01\0", false), Some(None));
    assert_eq!(Charset::of_mark(b"\xff\xfe", false), None);
    assert_eq!(Charset::of_mark(b"\xff\xfea\0", false), Some(Some((2, Some(Charset::Utf16 { big: false })))));
    assert_eq!(Charset::of_mark(b"\xef\xbb\xbf", false), Some(Some((3, None))));
    assert_eq!(Charset::of_mark(b"\xef\xbb", true), Some(None));
}
