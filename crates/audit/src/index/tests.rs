use std::os::unix::fs::{MetadataExt, chown, symlink};

use access::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::log::tests::{options, signer};
use crate::search::tests::{entries, entry, searches};
use crate::{Log, Options};

/// A log, and a place for its index.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("audit")
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("audit-index")
    }

    fn file(&self) -> PathBuf {
        self.folder().join(FILE)
    }

    fn append(&self, entries: impl IntoIterator<Item = Entry>) {
        let options = Options { segment_bytes: 64 << 10, ..options() };
        let log = Log::open(&self.log(), signer(), options).unwrap();
        let all: Vec<_> = entries.into_iter().map(|entry| log.append(&entry)).collect();
        for one in all {
            one.wait().unwrap();
        }
        log.close(Timestamp(0)).unwrap();
    }

    fn open(&self) -> Index {
        Index::open(&self.log(), &self.folder()).unwrap()
    }

    fn scan(&self, search: &Search) -> Vec<u64> {
        let all = crate::entries(&self.log(), 0..u64::MAX).map(Result::unwrap);
        all.filter(|(_, entry)| search.fits(entry)).map(|(index, _)| index).collect()
    }
}

fn found(index: &mut Index, search: &Search, range: Range<u64>, order: Order) -> Vec<u64> {
    let mut found = Vec::new();
    let each = |index, entry: Entry| {
        assert!(search.fits(&entry));
        found.push(index);
        ControlFlow::Continue(())
    };
    index.find(search, range, order, each).unwrap();
    found
}

fn all(index: &mut Index, search: &Search) -> Vec<u64> {
    found(index, search, 0..u64::MAX, Order::Oldest)
}

fn parse(text: &str) -> Search {
    Search::parse(text, Timestamp(0)).unwrap()
}

fn some(count: u32) -> impl Iterator<Item = Entry> {
    (0..count).map(|number| entry(number, &format!("select {}", number % 100), i64::from(number)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_index_finds_what_a_scan_finds(
        first in prop::collection::vec(entries(), 0..300),
        second in prop::collection::vec(entries(), 0..300),
        searches in prop::collection::vec(searches(), 12),
        (start, end) in (0..700u64, 0..700u64),
    ) {
        let place = Place::new();
        place.append(first);
        drop(place.open());
        // What comes later meets values that are there, in the same block and the same span.
        place.append(second);
        let mut index = place.open();
        for search in searches {
            let mut scanned = place.scan(&search);
            prop_assert_eq!(all(&mut index, &search), scanned.clone(), "{:?}", search);
            scanned.retain(|index| (start..end).contains(index));
            prop_assert_eq!(found(&mut index, &search, start..end, Order::Oldest), scanned.clone());
            scanned.reverse();
            prop_assert_eq!(found(&mut index, &search, start..end, Order::Newest), scanned);
        }
    }
}

#[test]
fn a_page_ends_where_it_is_told_to() {
    let place = Place::new();
    place.append(some(3000));
    let mut index = place.open();
    let mut page = Vec::new();
    let tell = |index, _| {
        page.push(index);
        if page.len() < 100 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    index.find(&parse("event = command_refused"), 0..2000, Order::Newest, tell).unwrap();
    assert_eq!(page, (1900..2000).rev().collect::<Vec<_>>());
}

#[test]
fn an_index_that_is_damaged_or_of_another_version_or_log_is_made_anew() {
    let place = Place::new();
    place.append(some(1000));
    let search = parse("statement ~ 'ELECT 77'");
    let expected = place.scan(&search);
    assert_eq!(expected.len(), 10);
    let damage: [(&str, &dyn Fn()); 6] = [
        ("no database", &|| {
            fs::write(place.file(), "not a database, and longer than a header of one").unwrap()
        }),
        ("nothing", &|| fs::write(place.file(), "").unwrap()),
        ("pages", &|| {
            let mut bytes = fs::read(place.file()).unwrap();
            bytes.iter_mut().skip(4096).for_each(|byte| *byte = 0x55);
            fs::write(place.file(), bytes).unwrap();
        }),
        ("version", &|| {
            Connection::open(place.file()).unwrap().execute_batch("pragma user_version = 99").unwrap();
        }),
        ("bits", &|| {
            Connection::open(place.file())
                .unwrap()
                .execute_batch("update repeat set entries = x'01'")
                .unwrap();
        }),
        ("another log", &|| {
            Connection::open(place.file()).unwrap().execute_batch("update state set leaf = x'01'").unwrap();
        }),
    ];
    assert_eq!(all(&mut place.open(), &search), expected);
    for (what, harm) in damage {
        harm();
        let mut index = place.open();
        assert_eq!(all(&mut index, &search), expected, "{what}");
        assert_eq!(index.size(), 1003);
    }
}

#[test]
fn a_shorter_log_is_another_log() {
    let place = Place::new();
    place.append(some(100));
    drop(place.open());
    fs::remove_dir_all(place.log()).unwrap();
    place.append(some(10));
    assert_eq!(all(&mut place.open(), &parse("event = command_refused")).len(), 10);
}

#[test]
fn damage_that_shows_while_it_is_read_is_mended() {
    let place = Place::new();
    place.append(some(500));
    let search = parse("kind = delete");
    let mut index = place.open();
    let harm = Connection::open(place.file()).unwrap();
    harm.execute_batch("update posting set entries = x'0102030405'").unwrap();
    drop(harm);
    assert_eq!(all(&mut index, &search), place.scan(&search));
}

#[test]
fn what_the_index_claims_is_not_believed() {
    let place = Place::new();
    place.append(some(10));
    drop(place.open());
    let every = Bits::all().to_bytes();
    let liar = Connection::open(place.file()).unwrap();
    liar.execute("update posting set entries = ?1", [every]).unwrap();
    drop(liar);
    let search = parse("event = log_created");
    assert_eq!(all(&mut place.open(), &search), [0]);
}

#[test]
fn many_bring_it_up_to_date_at_once() {
    let place = Place::new();
    place.append(some(2000));
    let search = parse("statement = 'select 5'");
    let expected = place.scan(&search);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(all(&mut place.open(), &search), expected));
        }
    });
    let state = "select count(*) from words where words match '\"sel\"'";
    let texts: u32 = place.open().connection.query_row(state, [], |row| row.get(0)).unwrap();
    assert_eq!(texts, 100, "each different statement once");
}

#[test]
fn many_make_one_at_once() {
    for _ in 0..50 {
        let place = Place::new();
        place.append(some(1));
        let search = parse("event = command_intent");
        let expected = place.scan(&search);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(all(&mut place.open(), &search), expected));
            }
        });
    }
}

#[test]
fn it_is_for_its_owner_alone() {
    let place = Place::new();
    place.append(some(10));
    let _open = place.open();
    assert_eq!(fs::metadata(place.folder()).unwrap().mode() & 0o777, 0o700);
    for file in fs::read_dir(place.folder()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn bits_are_kept_as_they_are() {
    for step in [1, 2, 3, 15, 16, 17, 1000, 65_535] {
        let bits: Bits = (0..=u16::MAX).step_by(step).collect();
        assert_eq!(Bits::from_bytes(&bits.to_bytes()), Some(bits.clone()));
        assert_eq!(bits.places().collect::<Vec<_>>(), (0..=u16::MAX).step_by(step).collect::<Vec<_>>());
    }
    assert_eq!(Bits::from_bytes(&[1]), None);
    assert_eq!(Bits::from_bytes(&[0; 8194]), None);
}

#[test]
fn an_index_that_others_could_have_written_is_not_relied_on() {
    let place = Place::new();
    place.append(some(3));
    let refused = |what: &str| {
        let opened = Index::open(&place.log(), &place.folder());
        assert!(matches!(opened, Err(NotIndexed::File { .. } | NotIndexed::Sqlite { .. })), "{what}");
    };
    drop(place.open());
    let mode = |mode| fs::set_permissions(place.folder(), Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    refused("a folder that is open to all");
    mode(0o700);
    let victim = place.0.path().join("victim");
    fs::write(&victim, "").unwrap();
    fs::set_permissions(&victim, Permissions::from_mode(0o644)).unwrap();
    for name in [LOCK, FILE] {
        fs::rename(place.folder().join(name), place.0.path().join("kept")).unwrap();
        symlink(&victim, place.folder().join(name)).unwrap();
        refused(name);
        assert_eq!(fs::metadata(&victim).unwrap().mode() & 0o777, 0o644);
        fs::rename(place.0.path().join("kept"), place.folder().join(name)).unwrap();
    }
    drop(place.open());
    // Only root can give something away.
    if chown(place.folder(), Some(4_321), None).is_ok() {
        refused("another's folder");
        chown(place.log(), Some(4_321), None).unwrap();
        drop(place.open());
        chown(place.file(), Some(4_322), None).unwrap();
        refused("another's file");
    }
    fs::rename(place.folder(), place.0.path().join("elsewhere")).unwrap();
    symlink(place.0.path().join("elsewhere"), place.folder()).unwrap();
    refused("a link to a folder");
}
