use access::Redacted;
use proptest::prelude::*;

use super::*;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag][..], &length, body].concat()
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

fn refused(sqlstate: &str) -> Vec<u8> {
    message(b'E', format!("SERROR\0C{sqlstate}\0Mno\0\0").as_bytes())
}

fn data_row(values: &[&str]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(value.as_bytes());
    }
    message(b'D', &body)
}

fn parameters(oids: &[u32]) -> Vec<u8> {
    let mut body = u16::try_from(oids.len()).unwrap().to_be_bytes().to_vec();
    oids.iter().for_each(|oid| body.extend(oid.to_be_bytes()));
    message(b't', &body)
}

fn inquiry(command: &str, parameters: Option<&[u32]>) -> Inquiry {
    let parameters = parameters.map(<[u32]>::to_vec);
    Inquiry { command: Redacted::new(command.into()), parameters, paths: Vec::new() }
}

/// Plays what the upstream says, answer by answer, cut into pieces of `size`; what is sent, and what comes of it.
fn play(inquiry: &Inquiry, answers: &[Vec<u8>], size: usize) -> (Vec<String>, Result<Looked, SimpleError>) {
    let (begin, mut look) = Look::new(inquiry, Some("\"shop\""));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', " ");
    let mut sent = vec![text(&begin)];
    for answer in answers {
        for piece in answer.chunks(size) {
            match look.receive(piece) {
                Ok(Looked::More) => {}
                Ok(Looked::Next(bytes)) => sent.push(text(&bytes)),
                end => return (sent, end),
            }
        }
    }
    (sent, Ok(Looked::More))
}

#[test]
fn a_statement_with_parameters_is_asked_about_by_their_types() {
    let answers = [
        [message(b'C', b"BEGIN\0"), message(b'C', b"SET\0"), ready()].concat(),
        [message(b'1', b""), parameters(&[25, 23]), message(b'n', b""), ready()].concat(),
        [message(b'T', &[0, 1]), data_row(&["text, integer"]), message(b'C', b"SELECT 1\0"), ready()]
            .concat(),
        [
            message(b'1', b""),
            message(b'2', b""),
            message(b'C', b"CREATE FUNCTION\0"),
            data_row(&["column", "20000", "2"]),
            ready(),
        ]
        .concat(),
        [message(b'C', b"ROLLBACK\0"), ready()].concat(),
    ];
    let inquiry = inquiry("select $1, $2", Some(&[25, 0]));
    let (sent, said) = play(&inquiry, &answers, usize::MAX);
    let row = ["column", "20000", "2"].map(|field| Some(field.to_owned())).to_vec();
    assert_eq!(said, Ok(Looked::Said(vec![row])));
    assert!(sent[0].contains("SET LOCAL search_path TO \"shop\""), "{}", sent[0]);
    assert!(sent[1].contains("select $1, $2"));
    assert!(sent[2].contains("'{25,23}'"));
    assert!(sent[3].contains(
        "CREATE FUNCTION pg_temp.panguard_testimony(text, integer) RETURNS void LANGUAGE sql BEGIN ATOMIC\nselect $1, $2\n;\nEND"
    ));
    assert!(sent[4].contains("ROLLBACK"));
    for size in 1..40 {
        assert_eq!(play(&inquiry, &answers, size), (sent.clone(), said.clone()), "{size}");
    }
}

#[test]
fn a_refusal_ends_the_transaction_and_says_what_was_refused() {
    let begin = [message(b'C', b"BEGIN\0"), ready()].concat();
    let rollback = [message(b'C', b"ROLLBACK\0"), ready()].concat();
    let statement = [begin.clone(), [refused("42P01"), ready()].concat(), rollback.clone()];
    let (sent, said) = play(&inquiry("select $1 from t", Some(&[])), &statement, 7);
    assert_eq!(said, Ok(Looked::Refused { sqlstate: "42P01".into(), function: false }));
    assert!(sent[2].contains("ROLLBACK"));
    let function = [begin, [refused("42501"), ready()].concat(), rollback];
    let (_, said) = play(&inquiry("select 1 from t", None), &function, 7);
    assert_eq!(said, Ok(Looked::Refused { sqlstate: "42501".into(), function: true }));
}

#[test]
fn a_session_without_a_transaction_is_of_no_use() {
    let (_, said) = play(&inquiry("select 1", None), &[refused("57P01")], 7);
    assert!(matches!(said, Err(SimpleError::Refused { .. })));
    let (_, said) = play(&inquiry("select 1", None), &[message(b'G', &[0, 0, 0])], 7);
    assert!(matches!(said, Err(SimpleError::Violation(_))));
}

proptest! {
    #[test]
    fn any_server_is_survived(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        fuzz_testimony(&data);
    }
}
