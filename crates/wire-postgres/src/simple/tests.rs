use proptest::prelude::*;

use super::*;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag][..], &length, body].concat()
}

/// A RowDescription as far as it is read: how many columns.
fn description() -> Vec<u8> {
    message(b'T', &[0, 2])
}

fn data_row(values: [Option<&[u8]>; 2]) -> Vec<u8> {
    let mut body = vec![0, 2];
    for value in values {
        let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap());
        body.extend(length.to_be_bytes());
        body.extend(value.unwrap_or_default());
    }
    message(b'D', &body)
}

fn end() -> Vec<u8> {
    [message(b'C', b"SELECT 2\0"), message(b'Z', b"I")].concat()
}

fn read(input: &[u8]) -> Result<Option<Vec<Row>>, SimpleError> {
    let run = |size: usize| {
        let mut read = Read::new("select 1").1;
        input.chunks(size).try_fold(None, |_, chunk| read.receive(chunk))
    };
    let whole = run(input.len());
    (1..input.len()).for_each(|size| assert_eq!(run(size), whole, "cut in pieces of {size}"));
    whole
}

#[test]
fn the_query_is_one_message() {
    assert_eq!(Read::new("select 1").0, message(b'Q', b"select 1\0"));
}

#[test]
fn rows_come_as_text_with_nulls() {
    let rows =
        [data_row([Some(b"a"), None]), message(b'N', b"\0"), data_row([Some(b""), Some("é".as_bytes())])];
    let input = [description(), rows.concat(), end()].concat();
    assert_eq!(
        read(&input),
        Ok(Some(vec![vec![Some("a".into()), None], vec![Some(String::new()), Some("é".into())]]))
    );
}

#[test]
fn no_rows_is_an_answer() {
    assert_eq!(read(&[description(), end()].concat()), Ok(Some(Vec::new())));
    assert_eq!(read(&description()), Ok(None));
}

#[test]
fn statements_before_it_may_return_none() {
    let set = message(b'C', b"SET\0");
    assert_eq!(read(&[set.clone(), description(), end()].concat()), Ok(Some(Vec::new())));
    assert!(matches!(
        read(&[set.clone(), set, message(b'Z', b"I")].concat()),
        Err(SimpleError::Violation(_))
    ));
}

#[test]
fn an_error_at_any_point_is_the_answer() {
    let error = message(b'E', b"SERROR\0C42P01\0Mrelation \"x\" does not exist\0\0");
    let refused = Err(SimpleError::Refused {
        sqlstate: "42P01".into(),
        message: "relation \"x\" does not exist".into(),
    });
    assert_eq!(read(&error), refused);
    assert_eq!(read(&[description(), data_row([None, None]), error].concat()), refused);
}

#[test]
fn an_answer_to_something_else_is_a_violation() {
    for input in [
        end(),
        message(b'I', b""),
        data_row([None, None]),
        [description(), description()].concat(),
        [description(), message(b'D', &[0, 1, 255, 255, 255, 255])].concat(),
        [description(), data_row([Some(b"\xff"), None])].concat(),
        [description(), message(b'C', b"SELECT 0\0"), description()].concat(),
        [description(), message(b'C', b"SELECT 0\0"), message(b'C', b"SELECT 0\0")].concat(),
        [description(), message(b'G', &[0, 0, 0])].concat(),
    ] {
        assert!(matches!(read(&input), Err(SimpleError::Violation(_))), "{input:?}");
    }
}

#[test]
fn nothing_follows_the_answer() {
    let mut read = Read::new("select 1").1;
    assert!(read.receive(&[description(), end(), message(b'Z', b"I")].concat()).is_err());
    assert!(read.receive(&end()).is_err());
}

#[test]
fn an_answer_without_end_is_left() {
    let mut read = Read::new("select 1").1;
    read.receive(&description()).unwrap();
    let row = data_row([Some(&[b'x'; 60_000]), None]);
    let left = (0..2_000).find_map(|_| read.receive(&row).err());
    assert_eq!(left, Some(SimpleError::TooLong("64 MiB")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_break_it(
        cut in any::<u8>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut data = [vec![cut], description(), data_row([Some(b"a"), None]), end()].concat();
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        fuzz_simple(&data);
    }
}
