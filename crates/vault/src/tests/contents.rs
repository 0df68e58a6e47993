use proptest::prelude::*;
use serde_json::Value;

use super::{NOW, data_key, document, key, name, parse, secret, shown};
use crate::document::{Document, Sealed, fuzz_document};
use crate::{Corrupt, DataKey, KeySeal, Name};

fn edited(document: &Document, edit: impl FnOnce(&mut Value)) -> Option<Corrupt> {
    let mut json: Value = serde_json::from_slice(&document.to_json().unwrap()).unwrap();
    edit(&mut json);
    parse(&serde_json::to_vec(&json).unwrap(), &key(0)).err()
}

#[test]
fn a_document_read_again_holds_the_same_secrets() {
    let json = document(&[("a", "one"), ("b", "two")]).to_json().unwrap();
    let again = parse(&json, &key(0)).ok().unwrap();
    assert_eq!(shown(again.get(&name("a")).unwrap()).as_deref(), Some("one"));
    assert_eq!(shown(again.get(&name("b")).unwrap()).as_deref(), Some("two"));
    assert_eq!(shown(again.get(&name("c")).unwrap()), None);
}

#[test]
fn setting_again_counts_the_version_and_forgets_the_old_secret() {
    let mut it = document(&[("a", "one")]);
    let later = NOW.plus_seconds(60);
    assert_eq!(it.set(&name("a"), &secret("two"), later, [[8; 12], [9; 12]]), Some(2));
    assert_eq!(shown(it.get(&name("a")).unwrap()).as_deref(), Some("two"));
    let listed = it.list();
    assert_eq!((listed.len(), listed[0].version, listed[0].changed_at), (1, 2, later));
}

#[test]
fn the_file_shows_names_and_no_secret() {
    let json = document(&[("payments-db", "hunter2hunter2")]).to_json().unwrap();
    let text = String::from_utf8(json).unwrap();
    assert!(text.contains("payments-db") && !text.contains("hunter2"));
    let sealed =
        serde_json::from_str::<Value>(&text).unwrap()["records"]["payments-db"]["sealed"].to_string();
    assert_eq!(sealed.len(), 2 + (12 + 14 + 16) / 3 * 4);
}

#[test]
fn a_listing_has_no_value_and_no_internal_name() {
    let mut it = document(&[("b", "hunter2hunter2"), ("a", "x")]);
    it.set(&Name::internal("seed").unwrap(), &secret("y"), NOW, [[8; 12], [9; 12]]).unwrap();
    let listed = it.list();
    let names: Vec<_> = listed.iter().map(|listed| listed.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(
        serde_json::to_string(&listed[1]).unwrap(),
        r#"{"name":"b","version":1,"changed_at":1700000000000000}"#
    );
}

#[test]
fn a_wrong_key_is_told_from_a_changed_file() {
    let it = document(&[("a", "one")]);
    assert_eq!(parse(&it.to_json().unwrap(), &key(1)).err(), Some(Corrupt::WrongKey));
    assert_eq!(edited(&it, |_| {}), None);
    let records = ["version", "changed_at"];
    for member in records {
        let changed = edited(&it, |json| json["records"]["a"][member] = 2.into());
        assert_eq!(changed, Some(Corrupt::Tampered), "{member}");
    }
}

#[test]
fn secrets_exchanged_between_names_are_noticed() {
    let it = document(&[("a", "one"), ("b", "two")]);
    let swapped = edited(&it, |json| {
        let records = json["records"].as_object_mut().unwrap();
        let (a, b) = (records["a"].clone(), records["b"].clone());
        records["a"] = b;
        records["b"] = a;
    });
    assert_eq!(swapped, Some(Corrupt::Tampered));
}

/// Without the seal on the whole, too: the record itself knows its place.
#[test]
fn a_record_opens_at_its_own_place_alone() {
    let cipher = data_key().cipher().unwrap();
    let sealed = crate::record::Record::seal(&cipher, &name("a"), 3, NOW, &secret("one"), [1; 12]).unwrap();
    assert_eq!(shown(sealed.open(&cipher, &name("a"))).as_deref(), Some("one"));
    assert!(sealed.open(&cipher, &name("b")).is_none());
    let mut older = sealed.clone();
    older.version = 2;
    assert!(older.open(&cipher, &name("a")).is_none());
    let mut elsewhen = sealed.clone();
    elsewhen.changed_at += 1;
    assert!(elsewhen.open(&cipher, &name("a")).is_none());
    assert!(sealed.open(&DataKey::from([1; 32]).cipher().unwrap(), &name("a")).is_none());
}

#[test]
fn an_old_record_put_back_or_taken_away_is_noticed() {
    let mut it = document(&[("a", "one"), ("b", "two")]);
    let old: Value = serde_json::from_slice(&it.to_json().unwrap()).unwrap();
    it.set(&name("a"), &secret("new"), NOW, [[8; 12], [9; 12]]).unwrap();
    let rolled_back = edited(&it, |json| json["records"]["a"] = old["records"]["a"].clone());
    assert_eq!(rolled_back, Some(Corrupt::Tampered));
    let removed = edited(&it, |json| {
        json["records"].as_object_mut().unwrap().remove("b");
    });
    assert_eq!(removed, Some(Corrupt::Tampered));
}

#[test]
fn a_file_of_another_format_or_none_is_said_to_be() {
    let it = document(&[]);
    assert_eq!(edited(&it, |json| json["format"] = "panguard-vault/3".into()), Some(Corrupt::Format));
    assert_eq!(edited(&it, |json| json["format"] = "panguard-vault/1".into()), Some(Corrupt::Malformed));
    assert_eq!(edited(&it, |json| json["more"] = 1.into()), Some(Corrupt::Malformed));
    assert_eq!(parse(b"", &key(0)).err(), Some(Corrupt::Malformed));
    assert_eq!(parse(b"[]", &key(0)).err(), Some(Corrupt::Malformed));
}

#[test]
fn its_data_key_opens_for_its_own_vault_alone() {
    let it = document(&[("a", "one")]);
    let other_place = key(0).seal(&data_key(), b"panguard-vault/2 data key\0of another").unwrap();
    let text = serde_json::to_value(base64_of(&other_place)).unwrap();
    assert_eq!(edited(&it, |json| json["key"]["sealed"] = text), Some(Corrupt::WrongKey));
    for (member, value) in [("version", 2), ("made_at", 5), ("seal_version", 2), ("sealed_at", 5)] {
        let changed = edited(&it, |json| json["key"][member] = value.into());
        assert_eq!(changed, Some(Corrupt::Tampered), "{member}");
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn under_another_data_key_every_secret_is_the_same_and_none_is_sealed_as_it_was() {
    let it = document(&[("a", "one"), ("b", "two")]);
    let fresh = || DataKey::from([9; 32]);
    let sealed = key(0).seal(&fresh(), &it.key_place()).unwrap();
    let mut at = 0;
    let nonce = || {
        at += 1;
        Some([at; 12])
    };
    let later = NOW.plus_seconds(60);
    let anew = it.anew(fresh(), sealed, later, [[98; 12], [99; 12]], nonce).unwrap();
    let json = anew.to_json().unwrap();
    assert!(!Sealed::read(&json).unwrap().is_under(&data_key()));
    let again = parse(&json, &key(0)).ok().unwrap();
    assert_eq!(shown(again.get(&name("a")).unwrap()).as_deref(), Some("one"));
    assert_eq!(shown(again.get(&name("b")).unwrap()).as_deref(), Some("two"));
    let versions = |it: &Document| it.list().iter().map(|it| (it.version, it.changed_at)).collect::<Vec<_>>();
    assert_eq!(versions(&again), versions(&it));
    let keys = again.keys();
    assert_eq!((keys[0].name.as_str(), keys[0].version, keys[0].changed_at), ("internal/data-key", 2, later));
    assert_eq!((keys[1].name.as_str(), keys[1].version, keys[1].changed_at), ("internal/vault-key", 1, NOW));
    let of = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap()["records"]["a"]["sealed"].clone();
    assert_ne!(of(&json), of(&it.to_json().unwrap()));
}

#[test]
fn sealed_by_another_key_it_opens_by_that_alone() {
    let it = document(&[("a", "one")]);
    let sealed = key(1).seal(it.key(), &it.key_place()).unwrap();
    let json = it.resealed(sealed, NOW, [[98; 12], [99; 12]]).unwrap().to_json().unwrap();
    assert_eq!(parse(&json, &key(0)).err(), Some(Corrupt::WrongKey));
    let again = parse(&json, &key(1)).ok().unwrap();
    assert_eq!(shown(again.get(&name("a")).unwrap()).as_deref(), Some("one"));
    assert_eq!(again.keys().iter().map(|it| it.version).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn every_file_cut_short_is_noticed() {
    let json = document(&[("a", "one"), ("b", "two")]).to_json().unwrap();
    // Only the new line at the end may be missing.
    for end in 0..json.len() - 1 {
        assert_eq!(parse(&json[..end], &key(0)).err(), Some(Corrupt::Malformed), "cut at {end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_flipped_bit_is_noticed_or_changes_nothing(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut json = document(&[("a", "one"), ("b", "two")]).to_json().unwrap();
        let at = at.index(json.len());
        json[at] ^= 1_u8 << bit;
        if let Ok(it) = parse(&json, &key(0)) {
            prop_assert_eq!(shown(it.get(&name("a")).unwrap()), Some("one".to_owned()));
            prop_assert_eq!(shown(it.get(&name("b")).unwrap()), Some("two".to_owned()));
        }
    }

    #[test]
    fn any_secret_comes_back_as_it_was(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        let mut it = document(&[]);
        it.set(&name("a"), &bytes.clone().into(), NOW, [[1; 12], [2; 12]]).unwrap();
        let again = parse(&it.to_json().unwrap(), &key(0)).ok().unwrap();
        let got = again.get(&name("a")).unwrap().unwrap();
        prop_assert_eq!(got.expose(), &bytes[..]);
    }

    #[test]
    fn no_bytes_make_reading_panic(
        at in any::<prop::sample::Index>(),
        mess in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut json = document(&[("a", "one")]).to_json().unwrap();
        let at = at.index(json.len());
        json.splice(at..at, mess);
        fuzz_document(&json);
        _ = parse(&json, &key(0));
    }
}
