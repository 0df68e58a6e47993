use super::*;

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&Secret::from(vec![seed; 32]), "gw1.example.com/audit").unwrap()
}

fn head() -> Checkpoint {
    Checkpoint { origin: "gw1.example.com/audit".into(), size: 12, root: [7; 32] }
}

#[test]
fn a_signed_head_is_read_back_with_the_key_and_with_no_other() {
    let note = signer(1).sign(&head());
    assert_eq!(signer(1).verifier().open(&note), Ok(head()));
    assert_eq!(signer(2).verifier().open(&note), Err(NotSigned::Unsigned));
}

#[test]
fn no_byte_of_a_signed_head_can_change() {
    let note = signer(1).sign(&head());
    for place in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[place] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert!(signer(1).verifier().open(&changed).is_err(), "byte {place}");
    }
}

#[test]
fn a_witness_may_sign_beside_the_log() {
    let note = signer(1).sign(&head()) + "\u{2014} witness.example AAAAAAAA\n";
    assert_eq!(signer(1).verifier().open(&note), Ok(head()));
}

#[test]
fn nothing_but_signatures_stands_below_a_signed_text() {
    let note = signer(1).sign(&head());
    for line in
        ["seen and approved\n", "\u{2014} gw1\n", "\u{2014} gw1 seen\n", "\u{2014}  AAAAAAAA\n", "\n", "seen"]
    {
        let (text, mine) = note.split_once("\n\n").unwrap();
        for forged in [format!("{note}{line}"), format!("{text}\n\n{line}{mine}")] {
            assert!(signer(1).verifier().open(&forged).is_err(), "{forged:?}");
        }
    }
}

#[test]
fn the_note_of_the_specification_verifies_with_its_key() {
    // From the documentation of golang.org/x/mod/sumdb/note, where the format was first described.
    let verifier =
        Verifier::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let signature = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p\
                     ZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let note = format!("{text}\n{signature}");
    assert_eq!(verifier.signed(&note).as_deref(), Ok(text));
    assert_eq!(verifier.open(&note), Err(NotSigned::Form));
}

#[test]
fn a_verifier_key_is_read_as_it_is_shown() {
    let verifier = signer(1).verifier();
    let shown = verifier.to_string();
    assert_eq!(Verifier::parse(&shown), Ok(verifier));
    let id = shown.split('+').nth(1).unwrap();
    assert_eq!(Verifier::parse(&shown.replace(id, "00000000")), Err(BadKey::Id));
    assert_eq!(Verifier::parse("gw1"), Err(BadKey::Form));
    assert_eq!(Verifier::parse("gw1+00000000+AAAA"), Err(BadKey::Algorithm));
}

#[test]
fn a_key_needs_a_plain_name_and_a_seed_of_32_bytes() {
    let from =
        |seed: usize, name| Signer::from_seed(&Secret::from(vec![1; seed]), name).map(|_| ()).unwrap_err();
    assert_eq!(from(31, "gw1"), BadKey::Seed);
    for name in ["", "gw 1", "gw+1", "gw\n1"] {
        assert_eq!(from(32, name), BadKey::Name);
    }
}

#[test]
fn a_size_has_one_spelling() {
    let verifier = signer(1).verifier();
    for size in ["012", "+12", "-1", "12 ", "", "18446744073709551616"] {
        let body = head().body().replace("\n12\n", &format!("\n{size}\n"));
        let mut signature = verifier.id().to_vec();
        signature.extend_from_slice(signer(1).key.sign(body.as_bytes()).as_ref());
        let note = format!("{body}\n\u{2014} {} {}\n", verifier.name, BASE64.encode(signature));
        assert_eq!(verifier.open(&note), Err(NotSigned::Form), "`{size}`");
    }
}
