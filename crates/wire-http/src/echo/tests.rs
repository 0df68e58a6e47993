use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{Echo, Echoes};

const SECRET: &str = "sk-injected/secret+123";

fn echo() -> Echo {
    Echo::of(&[SECRET.as_bytes()])
}

#[test]
fn a_credential_is_starred_out_however_it_is_written() {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    for text in [
        SECRET.to_owned(),
        format!("Authorization: Bearer {SECRET}\r\n"),
        "sk-injected%2Fsecret%2B123".to_owned(),
        "sk-injected%2fsecret%2b123".to_owned(),
        r"sk-injected\/secret+123".to_owned(),
        r"sk-injected\\/secret\\u002b123".to_owned(),
        "sk-injected/secret%2B123".to_owned(),
        SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        SECRET.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        SECRET.bytes().map(|byte| format!("&#{byte};")).collect(),
        "sk-injected&#x2F;secret&plus;123".to_owned(),
        hex.to_ascii_uppercase(),
        hex,
    ] {
        let hidden = echo().hide(text.as_bytes()).expect(&text);
        assert_eq!(hidden.len(), text.len());
        assert!(String::from_utf8(hidden).unwrap().contains("********"), "{text}");
    }
    for lead in ["", "u", "ux", "uxy", "user:"] {
        for encoded in
            [STANDARD.encode(format!("{lead}{SECRET}!")), URL_SAFE_NO_PAD.encode(format!("{lead}{SECRET}"))]
        {
            let hidden = echo().hide(encoded.as_bytes()).expect(lead);
            let left = hidden.iter().filter(|byte| **byte != b'*').count();
            assert!(left <= lead.len() * 2 + 6, "{lead:?}: {}", String::from_utf8_lossy(&hidden));
        }
    }
}

#[test]
fn what_is_too_short_to_be_told_from_other_text_is_not_sought() {
    assert!(Echo::of(&[b"admin", b""]).is_empty());
}

proptest! {
    #[test]
    fn a_stream_is_read_as_the_whole_however_it_is_cut(
        before in "[a-z\\-]{0,12}",
        after in "[a-zA-Z0-9/+\\-]{0,30}",
        cuts in prop::collection::vec(1_usize..9, 0..20),
    ) {
        let spelt = SECRET.replace('/', "%2F").replace('+', "&#43;").replace('-', r"\\u002d");
        let text = format!("{before}{SECRET}{after}{spelt}{after}&#x73;%6B-injec&#");
        let mut echoes = Echoes::new(echo());
        let (mut rest, mut told) = (text.as_bytes(), Vec::new());
        for cut in cuts {
            let (piece, more) = rest.split_at(cut.min(rest.len()));
            told.extend(echoes.push(piece));
            rest = more;
        }
        told.extend(echoes.push(rest));
        told.extend(echoes.finish());
        prop_assert_eq!(told, echo().hide(text.as_bytes()).unwrap());
        prop_assert!(echoes.found() > 0);
    }
}
