use std::path::Path;

use aws_lc_rs::signature::Ed25519KeyPair;
use proptest::prelude::*;
use serde_json::json;

use super::mint::{NOW, Signer, b64, claims, issuer, keys, signer};
use crate::{Algorithm, fuzz_verify, verify};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_token_changed_in_any_byte_is_never_another_principals(
        at in any::<prop::sample::Index>(),
        byte in 0x20_u8..0x7f,
        es256 in any::<bool>(),
    ) {
        let signer = if es256 { Signer::new(Algorithm::Es256) } else { signer() };
        let keys = keys(&[signer.jwk()]);
        let token = signer.token(&claims(json!({})));
        let mut changed = token.clone().into_bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        let changed = String::from_utf8(changed).unwrap();
        let accepted = verify(&changed, &issuer(), &keys, NOW);
        prop_assert_eq!(accepted.is_ok(), changed == token);
    }

    #[test]
    fn a_token_cut_or_grown_anywhere_is_refused(at in any::<prop::sample::Index>(), cut in 1_usize..4, more in "[A-Za-z0-9_.-]{0,3}") {
        let keys = keys(&[signer().jwk()]);
        let token = signer().token(&claims(json!({})));
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..(at + cut).min(token.len()), &more);
        prop_assert_eq!(verify(&changed, &issuer(), &keys, NOW).is_ok(), changed == token);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz_verify(&bytes);
    }
}

/// Replays the saved inputs, each as it is and with seeded changes.
#[test]
fn the_corpus_breaks_nothing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut inputs = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let input = std::fs::read(entry.unwrap().path()).unwrap();
        fuzz_verify(&input);
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..200 {
            let mut changed = input.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (seed >> 33) as usize % changed.len();
                changed[at] = seed as u8;
            }
            fuzz_verify(&changed);
        }
        inputs += 1;
    }
    assert!(inputs >= 5);
}

/// The fuzz entry's own key signs the corpus' good token, so that fuzzing begins past the signature check.
#[test]
fn the_corpus_has_a_token_that_the_fuzz_entry_accepts() {
    // RFC 8037 appendix A.1.
    let seed = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
        0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let payload = json!({
        "iss": "https://idp.example.com", "aud": ["panguard"], "sub": "anna", "exp": 1_700_000_300,
        "nbf": 1_699_999_990, "groups": ["dba"], "act": { "sub": "ci-bot" },
    });
    let signed = format!("{}.{}", b64(r#"{"alg":"EdDSA","typ":"JWT"}"#), b64(payload.to_string()));
    let token = format!("{signed}.{}", b64(pair.sign(signed.as_bytes())));
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/good-token");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&saved, &token).unwrap();
    }
    assert_eq!(std::fs::read_to_string(saved).unwrap(), token);
}
