use access::DataClass;
use mask::Profile;
use proptest::prelude::*;
use sql::Labels;

use super::*;

const PAN: &str = "4000056655665556";

/// `cards (id int, pan text, cvv text, note text)`, of which the second and third are labelled.
fn catalog() -> Catalog {
    let mut rows = vec![["schema", "", "", "", "public", ""], ["relation", "9", "", "r", "public", "cards"]];
    for (number, name) in [("1", "id"), ("2", "pan"), ("3", "cvv"), ("4", "note")] {
        rows.push(["column", "9", number, "0", name, ""]);
    }
    let labels = [("public.cards.pan", DataClass::Pan), ("public.cards.cvv", DataClass::Sad)];
    let labels = Labels::new(labels.map(|(name, class)| (name, Label::Class(class)))).unwrap();
    let rows = rows.iter().map(|row| row.iter().map(|it| Some(*it).filter(|it| !it.is_empty())).collect());
    Catalog::from_rows(rows, &labels, 1).unwrap()
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag][..], &length, body].concat()
}

/// A RowDescription of columns, each with its name, its number in `cards` (0: of no table), and its type.
fn description(columns: &[(&str, i16, u32)]) -> Vec<u8> {
    let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
    for (name, number, kind) in columns {
        body.extend(name.as_bytes());
        body.push(0);
        body.extend(if *number == 0 { 0_u32 } else { 9 }.to_be_bytes());
        body.extend(number.to_be_bytes());
        body.extend(kind.to_be_bytes());
        body.extend([0xff; 6]);
        body.extend([0, 0]);
    }
    message(b'T', &body)
}

fn data_row(values: &[&str]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(value.as_bytes());
    }
    message(b'D', &body)
}

fn end() -> Vec<u8> {
    [message(b'C', b"SELECT 1\0"), message(b'Z', b"T")].concat()
}

fn show(
    input: &[u8],
    answer: Option<&Answer>,
    given: &[(usize, Label)],
) -> Result<Option<Vec<Row>>, Unshown> {
    let catalog = catalog();
    let by = By { catalog: &catalog, answer, masker: Masker::new(Profile::Last4), given };
    let run = |size: usize| {
        let mut shown = Shown::new("select 1", by).1;
        input.chunks(size).try_fold(None, |_, chunk| shown.receive(chunk))
    };
    let whole = run(input.len());
    (1..input.len()).for_each(|size| assert_eq!(run(size), whole, "cut in pieces of {size}"));
    whole
}

fn row(columns: &[(&str, i16, u32)], values: &[&str], given: &[(usize, Label)]) -> Row {
    let input = [message(b'C', b"SET\0"), description(columns), data_row(values), end()].concat();
    show(&input, None, given).unwrap().unwrap().remove(0)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn what_the_server_says_a_column_is_counts_whatever_it_is_called() {
    let columns = [("id", 1, 23), ("note", 2, 25), ("x", 3, 25), ("y", 4, 25)];
    assert_eq!(
        row(&columns, &["7", PAN, "737", &format!("paid with {PAN}")], &[]),
        [some("7"), some("************5556"), None, some("paid with ************5556")]
    );
}

#[test]
fn a_value_that_is_given_to_a_labelled_column_is_masked_as_that() {
    let columns = [("pan", 0, 25), ("cvv", 0, 25), ("holder", 0, 1043), ("pan", 0, 20)];
    let class = |at, class| (at, Label::Class(class));
    let given = [
        class(0, DataClass::Pan),
        class(1, DataClass::Sad),
        class(2, DataClass::CardholderName),
        class(3, DataClass::Pan),
    ];
    let told = row(&columns, &["4000056655665557", "737", "Ada Byrne", PAN], &given);
    assert_eq!(told[1], None);
    let told: Vec<&str> = told.iter().flatten().map(String::as_str).collect();
    assert!(told.iter().all(|it| !it.contains("400005") && !it.contains("Ada")), "{told:?}");
}

#[test]
fn what_is_made_of_labelled_columns_is_redacted_by_its_place() {
    let answer = Answer { statement: 0, width: 2, derived: vec![(1, DataClass::Pan)], members: Vec::new() };
    let input = [description(&[("id", 1, 23), ("x", 0, 25)]), data_row(&["7", "5556"]), end()].concat();
    let told = show(&input, Some(&answer), &[]).unwrap().unwrap();
    assert!(!format!("{told:?}").contains("5556"), "{told:?}");
    let other = [description(&[("id", 1, 23)]), data_row(&["7"]), end()].concat();
    assert_eq!(show(&other, Some(&answer), &[]), Err(Unshown::Changed), "they are other columns");
}

#[test]
fn nothing_is_shown_of_what_is_not_as_expected() {
    let columns = [("id", 1, 23)];
    let fresh = [description(&[("z", 7, 25)]), data_row(&["x"]), end()].concat();
    assert_eq!(show(&fresh, None, &[]), Err(Unshown::Changed), "a column that nobody knows");
    let track = format!("%B{PAN}^BYRNE/ADA^25121010000000000?");
    let sad = [description(&[("note", 4, 25)]), data_row(&[&track]), end()].concat();
    assert_eq!(show(&sad, None, &[]), Err(Unshown::Sad));
    let refused = message(b'E', format!("C22P02\0Minvalid input: {PAN}\0\0").as_bytes());
    let error = show(&refused, None, &[]).unwrap_err();
    assert_eq!(error, Unshown::Refused("22P02".into()));
    assert!(!error.to_string().contains(PAN));
    let long = [description(&columns), data_row(&["1"]).repeat(101), end()].concat();
    assert_eq!(show(&long, None, &[]), Err(Unshown::TooLong));
    for broken in [description(&columns), end(), [description(&columns), data_row(&["1", "2"])].concat()] {
        assert!(!matches!(show(&broken, None, &[]), Ok(Some(_))));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_rows_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let catalog = catalog();
        let by = By { catalog: &catalog, answer: None, masker: Masker::new(Profile::Last4), given: &[] };
        let mut shown = Shown::new("select 1", by).1;
        _ = shown.receive(&[description(&[("id", 1, 23)]), bytes].concat());
    }
}
