use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::*;
use crate::log::tests::signer;
use crate::tree::root_of;
use crate::verify;

/// The example of C2SP tlog-cosignature.
const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} \
    example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

struct Other {
    key: Ed25519KeyPair,
    witness: Witness,
}

impl Other {
    fn new(name: &str, seed: u8) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = key.public_key().as_ref().try_into().unwrap();
        Self { key, witness: Witness { name: name.into(), key: public } }
    }

    fn sign(&self, note: &str, seconds: u64) -> String {
        let (text, _) = note.rsplit_once("\n\n").unwrap();
        let signed = self.key.sign(format!("cosignature/v1\ntime {seconds}\n{text}\n").as_bytes());
        let bytes = [&self.witness.id()[..], &seconds.to_be_bytes(), signed.as_ref()].concat();
        format!("\u{2014} {} {}\n", self.witness.name, BASE64.encode(bytes))
    }
}

#[test]
fn a_witness_is_known_by_its_key_and_no_other_signature_is_taken_for_its_own() {
    let (one, two) = (Other::new("witness.example/one", 1), Other::new("witness.example/two", 2));
    assert_eq!(Witness::parse(&one.witness.to_string()), Ok(one.witness.clone()));
    assert_eq!(Witness::parse(&signer().verifier().to_string()), Err(BadKey::Algorithm));
    assert_eq!(Witness::parse(&one.witness.to_string().replace("one", "two")), Err(BadKey::Id));
    let lines = format!("words\n{}{}", two.sign(EXAMPLE, 7), one.sign(EXAMPLE, 1_679_315_147));
    let found = one.witness.find(EXAMPLE, &lines).unwrap();
    assert_eq!((&*found.name, found.seconds), ("witness.example/one", 1_679_315_147));
    assert_eq!(one.witness.find(EXAMPLE, &two.sign(EXAMPLE, 7)), None);
    assert_eq!(one.witness.find(&EXAMPLE.replace("20852163", "20852164"), &lines), None);
    // Another time than the one that was signed.
    let forged = BASE64.encode([&one.witness.id()[..], &8_u64.to_be_bytes(), &[0; 64]].concat());
    assert_eq!(one.witness.find(EXAMPLE, &format!("\u{2014} witness.example/one {forged}\n")), None);
}

#[test]
fn a_witness_is_asked_as_the_specification_has_it() {
    let asked = add_checkpoint(3, &[[0; 32]], EXAMPLE);
    assert_eq!(asked, format!("old 3\n{}\n\n{EXAMPLE}", BASE64.encode([0; 32])));
    assert_eq!(add_checkpoint(0, &[], EXAMPLE), format!("old 0\n\n{EXAMPLE}"));
}

#[test]
fn a_head_that_was_witnessed_and_is_not_of_the_log_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let log = crate::Log::open(dir.path(), signer(), crate::log::tests::options()).unwrap();
    log.close(access::Timestamp(2)).unwrap();
    let other = Other::new("w", 3);
    let note = crate::checkpoint(dir.path()).unwrap().unwrap();
    let cosigned = |note: &str| other.witness.find(note, &other.sign(note, 5)).unwrap();
    let key = signer().verifier();
    assert!(witnessed(dir.path(), &key, &[]).unwrap().is_none());
    keep_witnessed(dir.path(), &note, &[cosigned(&note)]).unwrap();
    let found = witnessed(dir.path(), &key, std::slice::from_ref(&other.witness)).unwrap().unwrap().unwrap();
    assert_eq!((found.head.size, found.signed.len()), (3, 1));
    assert!(verify(dir.path(), &key, None).unwrap().holds());
    // The key signed another history, and so a witness saw it.
    for size in [2, 3, 4] {
        let forked = signer().sign(&Checkpoint { origin: "gw1".into(), size, root: root_of(&[[9; 32]]) });
        keep_witnessed(dir.path(), &forked, &[cosigned(&forked)]).unwrap();
        assert!(!verify(dir.path(), &key, None).unwrap().holds(), "{size}");
    }
    std::fs::write(dir.path().join(WITNESSED), "words").unwrap();
    assert!(!verify(dir.path(), &key, None).unwrap().holds());
}
