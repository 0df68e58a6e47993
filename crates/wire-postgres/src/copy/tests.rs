use access::{Answer, DataClass, Terms};
use bytes::{BufMut, BytesMut};
use mask::{Masker, Profile};
use proptest::prelude::*;
use sql::{Catalog, CopyForm, Forced};
use wire::Side;

use super::*;
use crate::columns::{Columns, names};
use crate::command::Format;
use crate::frame::{Frame, Frames, message, put_cstring};
use crate::value::oid;

const CARD: &str = "4111111111111111";

/// Texts: one that is searched, one that is made of a card number, one that is made of sensitive authentication data.
const NAMES: [&str; 3] = ["note", "made", "code"];

type Row = [Option<&'static str>; 3];

fn text(delimiter: u8, null: &str, header: bool) -> CopyForm {
    CopyForm::Text { delimiter, null: null.as_bytes().into(), header }
}

fn csv(delimiter: u8, quote: u8, escape: u8, null: &str, forced: Forced) -> CopyForm {
    CopyForm::Csv { delimiter, null: null.as_bytes().into(), quote, escape, header: false, forced }
}

fn forced(names: &[&str]) -> Forced {
    Forced::Named(names.iter().map(|name| (*name).into()).collect())
}

fn copied(form: &CopyForm) -> Copied {
    let mut frame = BytesMut::new();
    message(&mut frame, b'T', |out| {
        out.put_u16(3);
        for name in NAMES {
            put_cstring(out, name.as_bytes());
            out.put_slice(&[0; 6]);
            out.put_u32(oid::TEXT);
            out.put_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
        }
    });
    let frame = frames(&frame).remove(0);
    let (terms, catalog, masker) = (Terms::default(), Catalog::default(), Masker::new(Profile::Last4));
    let derived = vec![(1, DataClass::Pan), (2, DataClass::Sad)];
    let answer = Answer { statement: 0, width: 3, derived, members: Vec::new() };
    let format = if *form == CopyForm::Binary { Format::Binary } else { Format::Text };
    let columns = Columns::read(&frame, &catalog, &terms, Some(&answer)).unwrap().of_copy(format);
    let plan = columns.plan(Some(&[format]), &terms, &catalog, masker, Some(&answer));
    Copied::new(form, &names(&frame), plan, masker)
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Frames::new(Side::Upstream, 1 << 20);
    frames.push(bytes);
    std::iter::from_fn(|| frames.next().unwrap()).collect()
}

/// The bodies of the messages that `data` becomes, taken in these pieces, or why it is withheld.
fn take(form: &CopyForm, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut copied = copied(form);
    let mut out = BytesMut::new();
    for piece in pieces {
        copied.data(piece, &mut out)?;
    }
    assert!(copied.is_whole(), "{pieces:?}");
    Ok(frames(&out).iter().map(|frame| frame.body().to_vec()).collect())
}

#[track_caller]
fn check(form: &CopyForm, data: &str, told: &str) {
    let taken = take(form, &[data.as_bytes()]).map(|bodies| String::from_utf8(bodies.concat()).unwrap());
    assert_eq!(taken.as_deref(), Ok(told), "{data:?}");
}

#[track_caller]
fn check_withheld(form: &CopyForm, data: &str) {
    let mut copied = copied(form);
    assert_eq!(copied.data(data.as_bytes(), &mut BytesMut::new()), Err(BROKEN), "{data:?}");
}

#[test]
fn a_line_of_text_is_told_with_its_masks() {
    let form = text(b'\t', "\\N", false);
    check(&form, "1\tx\ty\n", "1\t****\t\\N\n");
    check(&form, "\\N\t\\N\t\\N\n", "\\N\t\\N\t\\N\n");
    check(&form, "a\\tb\\\\\\n\tx\\ty\tz\n\t\t\n", "a\\tb\\\\\\n\t****\t\\N\n\t****\t\\N\n");
    check(&form, "paid with 4111111111111111\\n\tx\ty\n", "paid with ************1111\\n\t****\t\\N\n");
    check(&form, "4111\\t1111\t1\t2\n", "4111\\t1111\t****\t\\N\n");
    check(&text(b'|', "\\N", false), "a\tb|x\\|y|z\n", "a\tb|****|\\N\n");
    // A mask is written as any value.
    check(&text(b'*', "\\N", false), "1*x*y\n", "1*\\*\\*\\*\\**\\N\n");
    check_withheld(&form, "1\t2\n");
    check_withheld(&form, "1\t2\t3\t4\n");
    check_withheld(&form, "1\t2\t3\\\n");
}

#[test]
fn a_value_that_is_written_as_null_is_no_null() {
    let form = text(b'\t', CARD, false);
    check(&form, &format!("{CARD}\t{CARD}\t{CARD}\n"), &format!("************1111\t****\t{CARD}\n"));
    check(&text(b'\t', "", false), "\t\t\n", "\t****\t\n");
    check(&text(b'\t', "a\\\\b", false), "1\ta\\\\b\t2\n", "1\t****\ta\\\\b\n");
    // So no value is written.
    check(&text(b'\t', "\\x", false), "1\t\\x\t2\n", "1\t\\x\t\\x\n");
    let form = csv(b',', b'"', b'"', CARD, forced(&[]));
    check(&form, &format!("\"{CARD}\",\"{CARD}\",\"{CARD}\"\n"), &format!("************1111,****,{CARD}\n"));
    check(&form, &format!("{CARD},{CARD},{CARD}\n"), &format!("{CARD},{CARD},{CARD}\n"));
}

#[test]
fn a_line_of_csv_is_told_with_its_masks() {
    let form = csv(b',', b'"', b'"', "", forced(&[]));
    check(&form, "1,x,y\n", "1,****,\n");
    check(&form, ",,\n", ",,\n");
    check(&form, "\"\",\"\",\"\"\n", "\"\",****,\n");
    check(&form, "\"a,\"\"b\"\"\nc\",\"x\ny\",\"\n\n\"\n", "\"a,\"\"b\"\"\nc\",****,\n");
    check(
        &form,
        &format!("\"with {CARD},\nand \"\"{CARD}\"\"\",x,y\n"),
        "\"with ************1111,\nand \"\"************1111\"\"\",****,\n",
    );
    check(&csv(b'*', b'"', b'"', "", forced(&[])), "1*x*y\n", "1*\"****\"*\n");
    check(&csv(b',', b'*', b'*', "", forced(&[])), "1,x,y\n", "1,**********,\n");
    check(&csv(b',', b'"', b'*', "", forced(&["made"])), "1,\"x\",\"y\"\n", "1,\"********\",\n");
    check(
        &csv(b',', b'"', b'\\', "", Forced::All),
        "\"a\\\"\\\\\n\",\"x\",\"y\"\n",
        "\"a\\\"\\\\\n\",\"****\",\n",
    );
    check(&csv(b',', b'"', b'"', "****", forced(&[])), "1,x,y\n", "1,\"****\",****\n");
    check_withheld(&form, "1,2\n");
    check_withheld(&form, "1,2,3,4\n");
    check_withheld(&form, "1,2\"3\",4\n");
    check_withheld(&form, "1,\"2\"3,4\n");
}

#[test]
fn names_of_columns_are_told_as_in_any_answer() {
    check(&text(b'\t', "\\N", true), "note\tmade\tcode\n1\tx\ty\n", "note\tmade\tcode\n1\t****\t\\N\n");
    let form = CopyForm::Csv {
        delimiter: b',',
        null: Box::default(),
        quote: b'"',
        escape: b'"',
        header: true,
        forced: Forced::All,
    };
    check(
        &form,
        &format!("{CARD},\"a\nb\",code\n\"1\",\"x\",\"y\"\n"),
        "************1111,\"a\nb\",code\n\"1\",\"****\",\n",
    );
}

#[test]
fn a_row_of_a_binary_copy_is_told_with_its_masks() {
    let rows = [[Some("with 4111111111111111"), Some("x"), Some("y")], [None, None, None]];
    let data = binary(&rows);
    let told = binary(&[[Some("with ************1111"), Some("****"), None], [None, None, None]]);
    let taken = take(&CopyForm::Binary, &[&data]).unwrap();
    assert_eq!(taken.concat(), told);
    // As the server sends them: the header with the first row, and each row by itself.
    assert_eq!(taken.len(), 3);
    assert_eq!(take(&CopyForm::Binary, &[&binary(&[])]).unwrap(), [binary(&[])]);
    let mut copied = copied(&CopyForm::Binary);
    assert_eq!(copied.data(&[&data[..], b"x"].concat(), &mut BytesMut::new()), Err(BROKEN));
    for broken in [&b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0"[..], b"PGCOPY\n\xfe\r\n\0\0\0\0\0\0\0\0\0"] {
        assert_eq!(super::tests::copied(&CopyForm::Binary).data(broken, &mut BytesMut::new()), Err(BROKEN));
    }
    let short = [&data[..19], &[0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
    assert_eq!(super::tests::copied(&CopyForm::Binary).data(&short, &mut BytesMut::new()), Err(BROKEN));
}

#[test]
fn a_row_without_end_is_not_kept() {
    let mut copied = copied(&text(b'\t', "\\N", false));
    let piece = vec![b'x'; 1 << 20];
    let ends = (0..=ROW_BYTES_MAX >> 20).find_map(|_| copied.data(&piece, &mut BytesMut::new()).err());
    assert_eq!(ends, Some(TOO_LONG));
    let mut copied = super::tests::copied(&CopyForm::Binary);
    let long = [&binary(&[])[..19], &[0, 3, 0x7f, 0xff, 0xff, 0xff]].concat();
    assert_eq!(copied.data(&long, &mut BytesMut::new()), Err(TOO_LONG));
}

fn binary(rows: &[Row]) -> Vec<u8> {
    let mut data = BytesMut::from(&b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"[..]);
    for row in rows {
        data.put_u16(3);
        row.iter().for_each(|value| crate::columns::put_value(&mut data, value.map(str::as_bytes)));
    }
    data.put_u16(u16::MAX);
    data.to_vec()
}

/// The rows as PostgreSQL writes them.
fn written(form: &CopyForm, rows: &[Row]) -> Vec<u8> {
    let (delimiter, is_forced) = match form {
        CopyForm::Text { delimiter, .. } => (*delimiter, false),
        CopyForm::Csv { delimiter, forced, .. } => (*delimiter, *forced == Forced::All),
        CopyForm::Binary => return binary(rows),
    };
    let mut data = BytesMut::new();
    for row in rows {
        for (index, value) in row.iter().enumerate() {
            if index > 0 {
                data.put_u8(delimiter);
            }
            super::written::put(form, value.map(str::as_bytes), is_forced, &mut data);
        }
        data.put_u8(b'\n');
    }
    data.to_vec()
}

fn form() -> impl Strategy<Value = CopyForm> {
    let text = (prop::sample::select(b"\t|*, ;-\"".to_vec()), prop::sample::select(vec!["\\N", "\\x"]))
        .prop_map(|(delimiter, null)| text(delimiter, null, false));
    let signs = prop::sample::select(vec![(b',', b'"', b'"'), (b'\t', b'\'', b'\\'), (b'-', b'/', b'*')]);
    let csv = (signs, prop::sample::select(vec!["", "nil", "****"]), any::<bool>()).prop_map(
        |((delimiter, quote, escape), null, all)| {
            csv(delimiter, quote, escape, null, if all { Forced::All } else { forced(&[]) })
        },
    );
    prop_oneof![text, csv, Just(CopyForm::Binary)]
}

fn value() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        Some(""),
        Some("plain"),
        Some("a\tb\nc\\d\re"),
        Some("\\N"),
        Some("****"),
        Some("\"quo\"ted\","),
        Some("'x' - *y* | \\'"),
        Some("\n"),
        Some("\\"),
        Some("by 4111111111111111, or \"4111111111111111\""),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn rows_are_told_the_same_however_they_are_cut(
        form in form(),
        rows in prop::collection::vec([value(), value(), value()], 0..6),
        cuts in prop::collection::vec(0..400_usize, 0..12),
    ) {
        let data = written(&form, &rows);
        let tell = |[note, made, _]: &Row| -> Row {
            let hidden = Some("by ************1111, or \"************1111\"");
            [note.and_then(|note| if note.contains(CARD) { hidden } else { Some(note) }), made.map(|_| "****"), None]
        };
        let told: Vec<Row> = rows.iter().map(tell).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < data.len()).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&data[from..cut]);
            from = cut;
        }
        pieces.push(&data[from..]);
        let bodies = take(&form, &pieces).unwrap();
        prop_assert_eq!(bodies.len(), rows.len() + usize::from(form == CopyForm::Binary));
        // What is told is read as what should be; signs that need no quotes may stand in some.
        let told = written(&form, &told);
        let read = |data: &[u8]| fields(&form, data);
        prop_assert_eq!(read(&bodies.concat()), read(&told));
        prop_assert!(!bodies.concat().windows(CARD.len()).any(|window| window == CARD.as_bytes()));
    }

    #[test]
    fn no_bytes_break_a_copy(form in form(), pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
        let mut copied = copied(&form);
        for piece in pieces {
            if copied.data(&piece, &mut BytesMut::new()).is_err() {
                break;
            }
        }
    }
}

/// What a reader makes of the data: values by rows; of a binary copy its bytes.
fn fields(form: &CopyForm, data: &[u8]) -> Vec<Vec<Option<Vec<u8>>>> {
    if *form == CopyForm::Binary {
        return vec![vec![Some(data.to_vec())]];
    }
    let mut rows = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let (mut row, mut at) = (Vec::new(), 0);
        for index in 0..3 {
            let line_end = |rest: &[u8]| rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            // The last value ends with its line; in quotes a line does not end.
            let quoted = matches!(form, CopyForm::Csv { quote, .. } if rest.get(at) == Some(quote));
            let part = if quoted { rest } else { &rest[..at + line_end(&rest[at..])] };
            let range = match super::written::field(form, part, at) {
                Some(range) => range,
                None => at..quoted_end(form, rest, at),
            };
            let value = super::written::Field::read(form, &rest[range.clone()]).value();
            row.push(value.map(|value| value.to_vec()));
            at = range.end + 1;
            assert!(index < 2 || rest[range.end] == b'\n', "{:?}", String::from_utf8_lossy(rest));
        }
        rows.push(row);
        rest = &rest[at..];
    }
    rows
}

/// Where a quoted value ends that a newline follows.
fn quoted_end(form: &CopyForm, rest: &[u8], at: usize) -> usize {
    let ends = (at + 1..rest.len()).filter(|end| rest[*end] == b'\n');
    ends.map(|end| super::written::field(form, &rest[..end], at))
        .find_map(|range| range.map(|it| it.end))
        .unwrap()
}
