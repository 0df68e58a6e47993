use access::Parameter;

use super::{Shown, show};

fn text(oid: u32, bytes: &[u8]) -> Option<String> {
    match show(&Parameter::Binary(bytes.into(), oid)) {
        Shown::Text(text) => Some(text),
        Shown::Null | Shown::Opaque(_) => None,
    }
}

#[test]
fn numbers_in_binary_form_are_read() {
    assert_eq!(text(20, &4_111_111_111_111_111_i64.to_be_bytes()).as_deref(), Some("4111111111111111"));
    assert_eq!(text(23, &(-7_i32).to_be_bytes()).as_deref(), Some("-7"));
    assert_eq!(text(16, &[1]).as_deref(), Some("true"));
    assert_eq!(text(1043, b"abc").as_deref(), Some("abc"));
    assert_eq!(text(3802, b"\x01{}").as_deref(), Some("{}"));
}

#[test]
fn numerics_in_binary_form_are_read() {
    let numeric = |words: &[u16]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        text(1700, &bytes)
    };
    assert_eq!(numeric(&[4, 3, 0, 0, 4111, 1111, 1111, 1111]).as_deref(), Some("4111111111111111"));
    assert_eq!(numeric(&[1, 1, 0, 0, 42]).as_deref(), Some("420000"));
    assert_eq!(numeric(&[2, 0, 0x4000, 2, 12, 3400]).as_deref(), Some("-12.34"));
    assert_eq!(numeric(&[1, 0xFFFE, 0, 8, 5]).as_deref(), Some("0.00000005"));
    assert_eq!(numeric(&[0, 0, 0, 0]).as_deref(), Some("0"));
    assert_eq!(numeric(&[0, 0, 0xC000, 0]).as_deref(), Some("NaN"));
    assert_eq!(numeric(&[9, 3, 0, 0, 4111]), None);
    assert_eq!(numeric(&[0, 0x7FFF, 0, 0]), None, "no memory for what is not there");
    assert_eq!(numeric(&[1, 0x8000, 0, 0, 1]), None);
}

#[test]
fn what_is_not_understood_is_counted_and_not_shown() {
    for (oid, bytes) in
        [(0, &b"4111111111111111"[..]), (20, b"123"), (17, b"abc"), (25, b"4\x001\x001\x00"), (25, b"\xFF1")]
    {
        assert_eq!(show(&Parameter::Binary(bytes.into(), oid)), Shown::Opaque(bytes.len()), "{oid}");
    }
    assert_eq!(show(&Parameter::Text(b"\xFE\xFF\x004".as_slice().into())), Shown::Opaque(4));
    assert_eq!(show(&Parameter::Null), Shown::Null);
}
