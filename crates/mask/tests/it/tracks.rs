use mask::{FindingKind, find};

use crate::{LAST4, cards, check};

#[test]
fn track_1_is_sad_and_goes_as_a_whole() {
    for (_, number) in cards() {
        sad(&format!("%B{number}^DOE/JANE^2912101123456789?"), FindingKind::Track1);
        sad(&format!("%B{number}^DOE/JANE^^^123456789?"), FindingKind::Track1);
    }
    check("read %B4111111111111111^DOE/JANE^2912101123456789? ok", &format!("read %B{} ok", "*".repeat(43)));
}

#[test]
fn track_2_is_sad_and_goes_as_a_whole() {
    for (_, number) in cards() {
        sad(&format!(";{number}=2912101123456789?"), FindingKind::Track2);
        sad(&format!("{number}=29121011234"), FindingKind::Track2);
        sad(&format!("{number}D29121011234F"), FindingKind::Track2);
        sad(&format!("{number}%3D29121011234"), FindingKind::Track2);
    }
    check("t ;4111111111111111=2912101123456789? ok", &format!("t ;{} ok", "*".repeat(34)));
}

#[test]
fn an_expiry_alone_after_the_number_makes_no_track() {
    check("4111111111111111=2912", "************1111=2912");
    check("4111111111111111=2913101123", "************1111=2913101123");
}

#[test]
fn encoded_tracks_are_sad_too() {
    let hex: String =
        ";4111111111111111=2912101123456789?".bytes().map(|byte| format!("{byte:02x}")).collect();
    let masked = LAST4.text(format!("\\x{hex}").as_bytes()).unwrap();
    assert!(masked.sad);
}

fn sad(track: &str, kind: FindingKind) {
    let text = format!("swiped {track} at 12:00");
    let kinds: Vec<_> = find(text.as_bytes()).map(|finding| finding.kind).collect();
    assert!(kinds.contains(&kind), "{track}");
    let masked = LAST4.text(text.as_bytes()).unwrap();
    assert!(masked.sad);
    let digits = masked.bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    assert_eq!(digits, 4, "only the time's digits are left of {track}");
}
