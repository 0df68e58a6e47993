use std::collections::BTreeMap;
use std::sync::Arc;

use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rusqlite::Connection;

use super::*;

#[test]
fn every_type_of_value_in_every_table_is_looked_at() {
    let folder = Folder::new();
    let database = Connection::open(folder.path("a.db")).unwrap();
    let schema = "
        create table texts (id integer primary key, t text);
        create table others (i integer, r real, b blob, \"odd \"\" name\" text);
        create table keyed (k text primary key, v) without rowid;
        create table hidden (rowid text, v);";
    database.execute_batch(schema).unwrap();
    let insert = |sql: &str| database.execute(sql, []).unwrap();
    insert(&format!("insert into texts values (1, 'clean'), (70, 'paid with {CARD} today')"));
    insert(&format!("insert into others values ({CARD}, {CARD}.0, x'{}', '4242 4242 4242 4242')", hex(CARD)));
    insert(&format!("insert into keyed values ('a', 1), ('b', {CARD})"));
    insert(&format!("insert into hidden values ('first', '{CARD}')"));
    let expected = [
        "a.db!texts.t row 70",
        "a.db!others.i row 1",
        "a.db!others.r row 1",
        "a.db!others.b row 1",
        "a.db!others.odd \" name row 1",
        "a.db!keyed.v row 2",
        "a.db!hidden.v row 1",
    ];
    assert_eq!(folder.places(&["a.db"]), expected);
}

#[test]
fn a_column_that_speaks_of_cards_makes_its_numbers_count() {
    let folder = Folder::new();
    let database = Connection::open(folder.path("a.db")).unwrap();
    let number = UNSURE;
    let sql = format!(
        "create table orders (order_id integer, card_number integer);
         insert into orders values ({number}, {number});
         create table cards (n integer); insert into cards values ({number});
         create table seen (n integer, cvv text, expiry text); insert into seen values ({number}, null, null);
         create table other (n integer, note text); insert into other values ({number}, 'x');"
    );
    database.execute_batch(&sql).unwrap();
    let expected = ["a.db!orders.card_number row 1", "a.db!cards.n row 1", "a.db!seen.n row 1"];
    assert_eq!(folder.places(&["a.db"]), expected);
}

#[test]
fn a_database_with_a_log_is_read_whole_and_left_as_it_is() {
    let folder = Folder::new();
    let database = Connection::open(folder.path("live.db")).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.execute_batch(&format!("create table t (n); insert into t values ({CARD});")).unwrap();
    database.pragma_update(None, "wal_checkpoint", "truncate").unwrap();
    database.execute_batch("insert into t values (4242424242424242);").unwrap();
    // As a backup of the files has it: without the index, which the scan must not make either.
    fs::create_dir(folder.path("copy")).unwrap();
    for name in ["live.db", "live.db-wal"] {
        fs::copy(folder.path(name), folder.path("copy").join(name)).unwrap();
    }
    let before = contents(folder.0.path());
    for path in ["live.db", "copy/live.db"] {
        let expected = [format!("{path}!t.n row 1"), format!("{path}!t.n row 2")];
        assert_eq!(folder.places(&[path]), expected);
    }
    assert!(contents(folder.0.path()) == before, "something was written");
    database.execute_batch("insert into t values (1);").unwrap();
}

#[test]
fn a_database_is_found_in_an_archive_and_an_archive_in_a_database() {
    let folder = Folder::new();
    let text = format!("card {CARD}\n");
    let database = Connection::open(folder.path("a.db")).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.execute_batch("create table t (b blob)").unwrap();
    let packed = gzipped(&zipped(&[("in", text.as_bytes())]));
    database.execute("insert into t values (?1)", [packed]).unwrap();
    database.close().unwrap();
    folder.write("b.zip", zipped(&[("x/a.db", &fs::read(folder.path("a.db")).unwrap())]));
    let expected = ["a.db!t.b row 1!in:1", "b.zip!x/a.db!t.b row 1!in:1"];
    assert_eq!(folder.places(&["."]), expected);
}

#[test]
fn a_corrupt_database_is_read_as_far_as_it_goes() {
    let folder = Folder::new();
    let database = Connection::open(folder.path("a.db")).unwrap();
    database.execute_batch("create table a (t); create table b (t);").unwrap();
    for _ in 0..400 {
        database.execute("insert into a values (?1)", ["x".repeat(200)]).unwrap();
    }
    database.execute("insert into b values (?1)", [CARD]).unwrap();
    database.close().unwrap();
    let mut bytes = fs::read(folder.path("a.db")).unwrap();
    // A page in the middle of the first table.
    bytes[8 * 4096..9 * 4096].fill(0xff);
    folder.write("a.db", bytes);
    let said = folder.scan(&["--format", "json", "a.db"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("cannot read all of `a.db!a`"), "{}", said.err);
    assert_eq!(said.json().iter().map(place).collect::<Vec<_>>(), ["a.db!b.t row 1"]);
}

#[test]
fn every_column_of_a_parquet_file_is_looked_at() {
    let folder = Folder::new();
    folder.write("a.parquet", parquet_file());
    let expected =
        ["a.parquet!card row 2", "a.parquet!amount row 1", "a.parquet!decimal row 2", "a.parquet!note row 3"];
    assert_eq!(folder.places(&["a.parquet"]), expected);
    folder.write("b.gz", gzipped(&fs::read(folder.path("a.parquet")).unwrap()));
    assert_eq!(folder.places(&["b.gz"]).len(), expected.len());
}

/// Three rows: whole numbers, floating ones, decimals of 19 digits as bytes, and texts of which one is missing.
fn parquet_file() -> Vec<u8> {
    let schema = "message rows {
        required int64 card; required double amount;
        required fixed_len_byte_array(9) decimal (DECIMAL(19, 0));
        optional byte_array note (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Default::default()).unwrap();
    let mut rows = file.next_row_group().unwrap();
    let card: i64 = CARD.parse().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1, card, 3], None, None).unwrap();
    column.close().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[card as f64, 2.5, 3.0], None, None).unwrap();
    column.close().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    let decimal = |number: i64| {
        FixedLenByteArray::from(ByteArray::from([&[0], number.to_be_bytes().as_slice()].concat()))
    };
    let decimals = [decimal(1), decimal(card), decimal(3)];
    column.typed::<FixedLenByteArrayType>().write_batch(&decimals, None, None).unwrap();
    column.close().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    let notes = [ByteArray::from("clean"), ByteArray::from(format!("paid with {CARD}").as_str())];
    column.typed::<ByteArrayType>().write_batch(&notes, Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    rows.close().unwrap();
    file.into_inner().unwrap()
}

#[test]
fn a_file_that_says_the_same_value_over_and_over_is_given_up() {
    let folder = Folder::new();
    let schema = Arc::new(parse_message_type("message rows { required byte_array a; }").unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Default::default()).unwrap();
    let mut rows = file.next_row_group().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    let value = ByteArray::from("x".repeat(100_000).as_str());
    column.typed::<ByteArrayType>().write_batch(&vec![value; 1000], None, None).unwrap();
    column.close().unwrap();
    rows.close().unwrap();
    let bytes = file.into_inner().unwrap();
    assert!(bytes.len() < 500_000, "{}", bytes.len());
    folder.write("a.parquet", bytes);
    let said = folder.scan(&["--unpack-max", "10M", "a.parquet"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("more than 10485760 bytes come out of it"), "{}", said.err);
    assert_eq!(folder.scan(&["a.parquet"]).code, 0);
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}
