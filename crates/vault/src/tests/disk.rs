use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{NOW, key, name, secret, shown};
use crate::{Corrupt, DataKey, KeySeal, MasterKey, Name, NotUnsealed, Vault, VaultError, fresh_key};

/// A directory of its own with a vault in it.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("vault.json")
    }

    fn open(&self) -> Vault {
        Vault::open(&self.path(), key(0), NOW).unwrap()
    }
}

fn why(result: Result<impl Sized, VaultError>) -> Option<Corrupt> {
    match result {
        Err(VaultError::Corrupt { why, .. }) => Some(why),
        Ok(_) | Err(_) => None,
    }
}

#[test]
fn what_is_set_is_there_after_a_restart_and_gone_after_remove() {
    let place = Place::new();
    assert_eq!(place.open().set(&name("db"), &secret("one"), NOW).unwrap(), 1);
    assert_eq!(shown(place.open().get(&name("db")).unwrap()).as_deref(), Some("one"));
    assert!(place.open().remove(&name("db")).unwrap());
    assert!(!place.open().remove(&name("db")).unwrap());
    assert_eq!(shown(place.open().get(&name("db")).unwrap()), None);
}

#[test]
fn a_secret_set_by_another_process_is_seen_by_an_open_vault() {
    let place = Place::new();
    let (gateway, command_line) = (place.open(), place.open());
    command_line.set(&name("db"), &secret("one"), NOW).unwrap();
    assert_eq!(shown(gateway.get(&name("db")).unwrap()).as_deref(), Some("one"));
    command_line.set(&name("db"), &secret("two"), NOW).unwrap();
    assert_eq!(shown(gateway.get(&name("db")).unwrap()).as_deref(), Some("two"));
    assert_eq!(gateway.list().unwrap()[0].version, 2);
    // And a write on top of what was not seen loses nothing.
    command_line.set(&name("other"), &secret("three"), NOW).unwrap();
    gateway.set(&name("mine"), &secret("four"), NOW).unwrap();
    assert_eq!(place.open().list().unwrap().len(), 3);
}

#[test]
fn writers_at_once_lose_nothing_and_agree_on_what_is_created() {
    let place = Place::new();
    let (path, internal) = (place.path(), Name::internal("seed").unwrap());
    let created: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|n| {
                let (path, internal) = (&path, &internal);
                scope.spawn(move || {
                    let vault = Vault::open(path, key(0), NOW).unwrap();
                    vault.set(&name(&format!("w{n}")), &secret("x"), NOW).unwrap();
                    vault.get_or_create(internal, NOW, fresh_key).unwrap().expose().to_vec()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(place.open().list().unwrap().len(), 4);
    assert!(created.iter().all(|seed| *seed == created[0] && seed.len() == 32));
}

#[test]
fn the_file_is_its_owners_alone_and_nothing_is_left_beside_it() {
    let place = Place::new();
    place.open().set(&name("db"), &secret("hunter2hunter2"), NOW).unwrap();
    let mut files: Vec<_> =
        fs::read_dir(place.directory.path()).unwrap().map(|entry| entry.unwrap()).collect();
    files.sort_by_key(|entry| entry.file_name());
    let names: Vec<_> = files.iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(names, ["vault.json", "vault.json.lock"]);
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(!text.contains("hunter2"));
    }
}

#[test]
fn a_link_put_where_the_new_file_goes_is_not_followed() {
    let place = Place::new();
    let vault = place.open();
    let victim = place.directory.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    std::os::unix::fs::symlink(&victim, place.directory.path().join("vault.json.new")).unwrap();
    vault.set(&name("db"), &secret("one"), NOW).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
}

#[test]
fn a_wrong_key_and_a_cut_file_are_said_at_open() {
    let place = Place::new();
    place.open().set(&name("db"), &secret("one"), NOW).unwrap();
    let wrong = Vault::open(&place.path(), key(1), NOW);
    assert_eq!(
        wrong.as_ref().err().map(ToString::to_string).unwrap(),
        format!(
            "the vault `{}` cannot be opened: the key is not the one it was sealed with",
            place.path().display()
        )
    );
    assert_eq!(why(wrong), Some(Corrupt::WrongKey));
    let json = fs::read(place.path()).unwrap();
    fs::write(place.path(), &json[..json.len() / 2]).unwrap();
    assert_eq!(why(Vault::open(&place.path(), key(0), NOW)), Some(Corrupt::Malformed));
    fs::write(place.path(), b"").unwrap();
    assert_eq!(why(Vault::open(&place.path(), key(0), NOW)), Some(Corrupt::Malformed));
}

#[test]
fn a_file_that_goes_bad_while_open_is_an_error_and_is_not_written_over() {
    let place = Place::new();
    let vault = place.open();
    vault.set(&name("db"), &secret("one"), NOW).unwrap();
    fs::write(place.path(), b"{}").unwrap();
    assert_eq!(why(vault.get(&name("db"))), Some(Corrupt::Malformed));
    assert_eq!(why(vault.set(&name("db"), &secret("two"), NOW)), Some(Corrupt::Malformed));
    assert_eq!(fs::read(place.path()).unwrap(), b"{}");
    fs::remove_file(place.path()).unwrap();
    assert!(matches!(vault.get(&name("db")), Err(VaultError::Io { .. })));
    assert!(matches!(vault.set(&name("db"), &secret("two"), NOW), Err(VaultError::Io { .. })));
}

/// As panguard wrote it before it had data keys.
const FIRST: &str = include_str!("first-format.json");

#[test]
fn a_vault_of_the_first_format_is_written_anew_with_all_that_is_in_it() {
    let place = Place::new();
    fs::write(place.path(), FIRST).unwrap();
    assert_eq!(why(Vault::open(&place.path(), key(1), NOW)), Some(Corrupt::WrongKey));
    assert_eq!(fs::read_to_string(place.path()).unwrap(), FIRST, "it is as it was");
    let vault = place.open();
    assert_eq!(shown(vault.get(&name("stripe")).unwrap()).as_deref(), Some("three"));
    assert_eq!(vault.list().unwrap().iter().map(|it| it.version).collect::<Vec<_>>(), [1, 2]);
    assert!(fs::read_to_string(place.path()).unwrap().contains("panguard-vault/2"));
    assert_eq!(shown(place.open().get(&name("payments-db")).unwrap()).as_deref(), Some("one"));
}

#[test]
fn whoever_has_it_open_goes_on_when_its_data_key_is_renewed() {
    let place = Place::new();
    let gateway = place.open();
    gateway.set(&name("db"), &secret("one"), NOW).unwrap();
    place.open().renew_data_key(NOW.plus_seconds(9)).unwrap();
    assert_eq!(shown(gateway.get(&name("db")).unwrap()).as_deref(), Some("one"));
    gateway.set(&name("more"), &secret("two"), NOW).unwrap();
    assert_eq!(shown(place.open().get(&name("more")).unwrap()).as_deref(), Some("two"));
    assert_eq!(gateway.keys().unwrap()[0].version, 2);
}

#[test]
fn whoever_has_it_open_goes_on_when_another_key_seals_it_until_the_data_key_is_renewed() {
    let place = Place::new();
    let gateway = place.open();
    gateway.set(&name("db"), &secret("one"), NOW).unwrap();
    place.open().seal_by(&key(1), NOW).unwrap();
    assert_eq!(shown(gateway.get(&name("db")).unwrap()).as_deref(), Some("one"), "by the data key it knows");
    gateway.set(&name("more"), &secret("two"), NOW).unwrap();
    assert_eq!(why(Vault::open(&place.path(), key(0), NOW)), Some(Corrupt::WrongKey));
    let other = Vault::open(&place.path(), key(1), NOW).unwrap();
    assert_eq!(shown(other.get(&name("more")).unwrap()).as_deref(), Some("two"));
    other.renew_data_key(NOW).unwrap();
    assert_eq!(why(gateway.get(&name("db"))), Some(Corrupt::WrongKey));
}

#[test]
fn whoever_opened_it_with_a_key_of_before_changes_neither_key() {
    let place = Place::new();
    let old = place.open();
    old.set(&name("db"), &secret("one"), NOW).unwrap();
    place.open().seal_by(&key(1), NOW).unwrap();
    let file = fs::read(place.path()).unwrap();
    assert_eq!(why(old.renew_data_key(NOW)), Some(Corrupt::WrongKey));
    assert_eq!(why(old.seal_by(&key(2), NOW)), Some(Corrupt::WrongKey));
    assert_eq!(fs::read(place.path()).unwrap(), file);
    assert!(Vault::open(&place.path(), key(1), NOW).is_ok());
}

#[test]
fn an_older_file_with_keys_of_before_is_noticed_by_whoever_has_seen_a_newer() {
    let place = Place::new();
    let gateway = place.open();
    gateway.set(&name("db"), &secret("one"), NOW).unwrap();
    let old = fs::read(place.path()).unwrap();
    place.open().renew_data_key(NOW).unwrap();
    assert!(gateway.get(&name("db")).is_ok());
    fs::write(place.path(), old).unwrap();
    assert_eq!(why(gateway.get(&name("db"))), Some(Corrupt::Older));
}

/// A key elsewhere, which answers when it is let.
struct Slow(MasterKey, std::sync::Arc<std::sync::Mutex<()>>);

impl KeySeal for Slow {
    fn seal(&self, key: &DataKey, place: &[u8]) -> Result<Vec<u8>, NotUnsealed> {
        self.0.seal(key, place)
    }

    fn unseal(&self, sealed: &[u8], place: &[u8]) -> Result<DataKey, NotUnsealed> {
        let _let = self.1.lock().unwrap();
        self.0.unseal(sealed, place)
    }
}

#[test]
fn nobody_waits_for_a_key_elsewhere_while_they_have_what_was_seen_last() {
    let place = Place::new();
    let gate = std::sync::Arc::default();
    let gateway = Vault::open(&place.path(), Slow(key(0), std::sync::Arc::clone(&gate)), NOW).unwrap();
    gateway.set(&name("db"), &secret("one"), NOW).unwrap();
    let closed = gate.lock().unwrap();
    let other = place.open();
    other.renew_data_key(NOW).unwrap();
    other.set(&name("db"), &secret("two"), NOW).unwrap();
    assert_eq!(shown(gateway.get(&name("db")).unwrap()).as_deref(), Some("one"), "it is not opened yet");
    drop(closed);
    while shown(gateway.get(&name("db")).unwrap()).as_deref() == Some("one") {
        std::thread::yield_now();
    }
    assert_eq!(shown(gateway.get(&name("db")).unwrap()).as_deref(), Some("two"));
}

/// A key that seals what it does not open.
struct OneWay;

impl KeySeal for OneWay {
    fn seal(&self, _: &DataKey, _: &[u8]) -> Result<Vec<u8>, NotUnsealed> {
        Ok(b"sealed".to_vec())
    }

    fn unseal(&self, _: &[u8], _: &[u8]) -> Result<DataKey, NotUnsealed> {
        Ok(DataKey::from([9; 32]))
    }
}

#[test]
fn nothing_is_sealed_by_a_key_that_does_not_open_it_again() {
    let place = Place::new();
    assert!(matches!(Vault::open(&place.path(), OneWay, NOW), Err(VaultError::Key { .. })));
    assert!(!place.path().exists());
    place.open().set(&name("db"), &secret("one"), NOW).unwrap();
    assert!(matches!(place.open().seal_by(&OneWay, NOW), Err(VaultError::Key { .. })));
    assert_eq!(shown(place.open().get(&name("db")).unwrap()).as_deref(), Some("one"));
}

/// A key that is kept by something that does not answer, or answers something else.
struct Elsewhere(bool);

impl KeySeal for Elsewhere {
    fn seal(&self, _: &DataKey, _: &[u8]) -> Result<Vec<u8>, NotUnsealed> {
        match self.0 {
            true => Ok(b"vault:v1:something".to_vec()),
            false => Err(NotUnsealed::Away("it does not answer".into())),
        }
    }

    fn unseal(&self, _: &[u8], _: &[u8]) -> Result<DataKey, NotUnsealed> {
        Err(NotUnsealed::Away("it does not answer".into()))
    }
}

#[test]
fn a_key_that_cannot_be_asked_is_said_to_be_away_and_nothing_is_changed_for_it() {
    let place = Place::new();
    let vault = place.open();
    vault.set(&name("db"), &secret("one"), NOW).unwrap();
    let before = fs::read(place.path()).unwrap();
    for answers in [true, false] {
        let error = vault.seal_by(&Elsewhere(answers), NOW).err().unwrap();
        assert!(error.to_string().ends_with("it does not answer"), "{error}");
        assert_eq!(fs::read(place.path()).unwrap(), before);
    }
    assert!(matches!(Vault::open(&place.path(), Elsewhere(true), NOW), Err(VaultError::Key { .. })));
}

#[test]
fn an_empty_or_huge_secret_is_refused() {
    let vault = Place::new();
    let vault = vault.open();
    assert!(matches!(vault.set(&name("db"), &secret(""), NOW), Err(VaultError::SecretSize)));
    let huge = vec![1; (64 << 10) + 1].into();
    assert!(matches!(vault.set(&name("db"), &huge, NOW), Err(VaultError::SecretSize)));
    assert!(vault.list().unwrap().is_empty());
}

#[test]
fn a_key_made_once_stays_and_is_not_listed() {
    let place = Place::new();
    let internal = Name::internal("audit-signing").unwrap();
    let first = place.open().get_or_create(&internal, NOW, fresh_key).unwrap();
    let second = place.open().get_or_create(&internal, NOW, || panic!("there is one")).unwrap();
    assert_eq!(first.expose(), second.expose());
    assert!(place.open().list().unwrap().is_empty());
}

#[test]
fn a_missing_directory_is_a_clear_error() {
    let place = Place::new();
    let error = Vault::open(&place.directory.path().join("no/vault.json"), key(0), NOW).err().unwrap();
    assert!(error.to_string().contains("no/vault.json.lock"), "{error}");
}
