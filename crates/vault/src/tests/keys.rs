use access::Secret;

use crate::{KeyError, MasterKey, Name, NameError};

/// Bytes 0xe0, 0xe1, … as a key, in every way of writing it.
const RAW: [u8; 32] = {
    let mut raw = [0xe0; 32];
    let mut i = 0;
    while i < 32 {
        raw[i] += i as u8;
        i += 1;
    }
    raw
};
const HEX: &str = "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
const BASE64: &str = "4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8=";

fn read(bytes: impl AsRef<[u8]>) -> Result<Vec<u8>, KeyError> {
    let key = MasterKey::from_bytes(Secret::from(bytes.as_ref().to_vec()))?;
    Ok(key.to_text().expose().to_vec())
}

#[test]
fn a_key_is_read_raw_in_hex_and_in_base64() {
    let expected = Ok(format!("{BASE64}\n").into_bytes());
    let url_safe = BASE64.replace('+', "-").replace('/', "_");
    assert_eq!(read(RAW), expected);
    for text in [HEX, &HEX.to_uppercase(), BASE64, BASE64.trim_end_matches('='), &url_safe] {
        assert_eq!(read(text), expected, "{text}");
        assert_eq!(read(format!("{text}\n")), expected, "{text} and a new line");
        assert_eq!(read(format!("{text}\r\n")), expected, "{text} and a new line of Windows");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let cases: &[(&[u8], KeyError)] = &[
        (b"", KeyError::Form),
        (b"short", KeyError::Form),
        (&[0xe0; 31], KeyError::Form),
        (&RAW[..31], KeyError::Form),
        (&HEX.as_bytes()[..62], KeyError::Form),
        (b"+0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", KeyError::Form),
        (b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", KeyError::Form),
        (b"correct-horse-battery-staple-123", KeyError::Text),
        (b"0123456789abcdef0123456789abcdef", KeyError::Text),
        (&[0; 32], KeyError::NotRandom),
        (b"0000000000000000000000000000000000000000000000000000000000000000", KeyError::NotRandom),
    ];
    for (bytes, expected) in cases {
        assert_eq!(read(bytes), Err(*expected), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_name_is_plain_and_no_internal_one_can_be_written() {
    for good in ["payments-db", "a", "stripe/live.key", "0", "team_1/db"] {
        assert_eq!(good.parse::<Name>().map(String::from).as_deref(), Ok(good));
    }
    let long = "a".repeat(129);
    for bad in ["", "-a", "a-", "/a", "Payments", "a b", "a\0b", "naïve", "../../etc/passwd", &long] {
        assert_eq!(bad.parse::<Name>(), Err(NameError::Form), "{bad}");
    }
    assert_eq!("internal/audit-signing".parse::<Name>(), Err(NameError::Internal));
    assert!(serde_json::from_str::<Name>(r#""internal/audit-signing""#).is_err());
    assert!(Name::internal("audit-signing").unwrap().is_internal());
}
