//! Messages as conversations write them, both ways: `DataRow "4242" NULL` and its bytes.

use crate::catalog::identity;

/// One side's end of a message: the same tag means different things on each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    Agent,
    Server,
}

/// The words of one message: its name, then arguments, quoted ones with their quotes taken off.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    Bare(String),
    Quoted(String),
}

impl Word {
    pub fn text(&self) -> &str {
        match self {
            Self::Bare(text) | Self::Quoted(text) => text,
        }
    }
}

/// Splits `a "b c"; d` into messages and their words.
pub fn split(line: &str) -> Vec<Vec<Word>> {
    let mut messages = vec![Vec::new()];
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ';' => messages.push(Vec::new()),
            '#' => break,
            letter if letter.is_whitespace() => {}
            '"' => {
                let mut text = String::new();
                while let Some(letter) = letters.next() {
                    match letter {
                        '"' => break,
                        '\\' => text.push(match letters.next() {
                            Some('n') => '\n',
                            Some('t') => '\t',
                            Some('0') => '\0',
                            Some(other) => other,
                            None => panic!("a backslash at the end of {line}"),
                        }),
                        letter => text.push(letter),
                    }
                }
                messages.last_mut().unwrap().push(Word::Quoted(text));
            }
            letter => {
                let mut text = String::from(letter);
                while let Some(letter) = letters.next_if(|next| !next.is_whitespace() && *next != ';') {
                    text.push(letter);
                }
                messages.last_mut().unwrap().push(Word::Bare(text));
            }
        }
    }
    messages.retain(|message| !message.is_empty());
    messages
}

const TYPES: [(&str, u32); 10] = [
    ("text", 25),
    ("int2", 21),
    ("int4", 23),
    ("int8", 20),
    ("numeric", 1700),
    ("jsonb", 3802),
    ("json", 114),
    ("bytea", 17),
    ("float8", 701),
    ("bool", 16),
];

/// The bytes of one message.
pub fn encode(from: From, words: &[Word]) -> Vec<u8> {
    let name = words[0].text();
    let arg = |at: usize| words.get(at).map_or("", Word::text);
    let string = |text: &str| [text.as_bytes(), b"\0"].concat();
    let kind = |at: usize| arg(at).as_bytes()[0];
    match (from, name) {
        (_, "Raw") => words[1..].iter().map(|word| u8::from_str_radix(word.text(), 16).unwrap()).collect(),
        (From::Agent, "Query") => tagged(b'Q', &string(arg(1))),
        (From::Agent, "Parse") => tagged(b'P', &[string(arg(1)), string(arg(2)), vec![0, 0]].concat()),
        (From::Agent, "Bind") => tagged(b'B', &bind(words)),
        (From::Agent, "Describe") => tagged(b'D', &[vec![kind(1)], string(arg(2))].concat()),
        (From::Agent, "Execute") => tagged(b'E', &[string(arg(1)), vec![0; 4]].concat()),
        (From::Agent, "Close") => tagged(b'C', &[vec![kind(1)], string(arg(2))].concat()),
        (From::Agent, "Sync") => tagged(b'S', b""),
        (From::Agent, "Flush") => tagged(b'H', b""),
        (From::Agent, "Terminate") => tagged(b'X', b""),
        (From::Agent, "FunctionCall") => tagged(b'F', &[0; 10]),
        (_, "CopyData") => tagged(b'd', arg(1).as_bytes()),
        (_, "CopyDone") => tagged(b'c', b""),
        (From::Agent, "CopyFail") => tagged(b'f', &string(arg(1))),
        (From::Server, "RowDescription") => tagged(b'T', &description(&words[1..])),
        (From::Server, "DataRow") => tagged(b'D', &row(&words[1..])),
        (From::Server, "CommandComplete") => tagged(b'C', &string(arg(1))),
        (From::Server, "EmptyQueryResponse") => tagged(b'I', b""),
        (From::Server, "PortalSuspended") => tagged(b's', b""),
        (From::Server, "ReadyForQuery") => tagged(b'Z', arg(1).as_bytes()),
        (From::Server, "ParseComplete") => tagged(b'1', b""),
        (From::Server, "BindComplete") => tagged(b'2', b""),
        (From::Server, "CloseComplete") => tagged(b'3', b""),
        (From::Server, "NoData") => tagged(b'n', b""),
        (From::Server, "ParameterDescription") => tagged(b't', b"\0\0"),
        (From::Server, "ParameterStatus") => tagged(b'S', &[string(arg(1)), string(arg(2))].concat()),
        (From::Server, "NotificationResponse") => {
            tagged(b'A', &[vec![0, 0, 0, 7], string(arg(1)), string(arg(2))].concat())
        }
        (From::Server, "ErrorResponse") => tagged(b'E', &fault(words)),
        (From::Server, "NoticeResponse") => tagged(b'N', &fault(words)),
        (From::Server, "CopyInResponse") => tagged(b'G', b"\0\0\0"),
        (From::Server, "CopyOutResponse") => tagged(b'H', &copy_out(words)),
        (From::Server, "CopyBothResponse") => tagged(b'W', b"\0\0\0"),
        (_, other) => panic!("no message is called {other}"),
    }
}

/// `CopyOutResponse [columns] [binary]`.
fn copy_out(words: &[Word]) -> Vec<u8> {
    let columns: u16 = words.get(1).map_or(0, |count| count.text().parse().unwrap());
    let binary = u8::from(words.get(2).is_some());
    let formats = (0..columns).flat_map(|_| [0, binary]);
    [binary].into_iter().chain(columns.to_be_bytes()).chain(formats).collect()
}

/// `ErrorResponse 23505 "message" detail "…" table "cards"`; `severity` and the fields of [`FIELDS`] may follow too.
fn fault(words: &[Word]) -> Vec<u8> {
    let named =
        |name: &str| words[3..].chunks(2).find(|pair| pair[0].text() == name).map(|pair| pair[1].text());
    let severity = named("severity").unwrap_or("ERROR");
    let mut body = format!("S{severity}\0V{severity}\0C{}\0M{}\0", words[1].text(), words[2].text());
    for pair in words[3..].chunks(2) {
        let text = pair[1].text();
        match (pair[0].text(), FIELDS.iter().find(|(name, _)| *name == pair[0].text())) {
            (_, Some((_, code))) => body.push_str(&format!("{code}{text}\0")),
            ("detail", None) => body.push_str(&format!("D{text}\0")),
            ("table", None) => body.push_str(&format!("spublic\0t{text}\0")),
            ("at", None) => body.push_str(&format!("P{text}\0")),
            ("severity", None) => {}
            (other, None) => panic!("no error field is called {other}"),
        }
    }
    body.push('\0');
    body.into_bytes()
}

/// Fields of errors and notices that are written and shown by these names (§55.8).
const FIELDS: [(&str, char); 8] = [
    ("where", 'W'),
    ("query", 'q'),
    ("query-at", 'p'),
    ("column", 'c'),
    ("type", 'd'),
    ("constraint", 'n'),
    ("file", 'F'),
    ("routine", 'R'),
];

/// `Bind "portal" "statement" [binary] "parameter"…`; `binary` asks for rows in binary.
fn bind(words: &[Word]) -> Vec<u8> {
    let mut body = [words[1].text().as_bytes(), b"\0", words[2].text().as_bytes(), b"\0\0\0"].concat();
    let rest = &words[3..];
    let binary = rest.first() == Some(&Word::Bare("binary".into()));
    let parameters = if binary { &rest[1..] } else { rest };
    body.extend((parameters.len() as u16).to_be_bytes());
    for parameter in parameters {
        body.extend((parameter.text().len() as u32).to_be_bytes());
        body.extend(parameter.text().as_bytes());
    }
    body.extend(if binary { &[0, 1, 0, 1][..] } else { &[0, 0][..] });
    body
}

/// `pan:text@cards.pan`, `sum:numeric`.
fn description(words: &[Word]) -> Vec<u8> {
    let mut body = (words.len() as u16).to_be_bytes().to_vec();
    for word in words {
        let (name, rest) = word.text().split_once(':').expect("name:type");
        let (kind, origin) = rest.split_once('@').unwrap_or((rest, ""));
        let (oid, number) = match origin.split_once('.') {
            Some(("?", _)) => (9999, 1),
            // A column that the relation has got since the catalog was read.
            Some((relation, "?")) => (identity(relation, "id").0, 99),
            Some((relation, column)) => identity(relation, column),
            None => (0, 0),
        };
        let (_, type_oid) = TYPES.iter().find(|(name, _)| *name == kind).expect("a type");
        body.extend(name.as_bytes());
        body.push(0);
        body.extend(oid.to_be_bytes());
        body.extend(number.to_be_bytes());
        body.extend(type_oid.to_be_bytes());
        body.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    }
    body
}

/// `"value" NULL int8:4242424242424242`, the last as eight bytes.
fn row(words: &[Word]) -> Vec<u8> {
    let mut body = (words.len() as u16).to_be_bytes().to_vec();
    for word in words {
        let value = match word {
            Word::Bare(null) if null == "NULL" => {
                body.extend((-1_i32).to_be_bytes());
                continue;
            }
            Word::Bare(text) => {
                let number = text.strip_prefix("int8:").expect("NULL, \"text\" or int8:number");
                number.parse::<i64>().unwrap().to_be_bytes().to_vec()
            }
            Word::Quoted(text) => text.as_bytes().to_vec(),
        };
        body.extend((value.len() as u32).to_be_bytes());
        body.extend(value);
    }
    body
}

fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

/// The messages in `bytes`, which must be whole.
pub fn decode(from: From, mut bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        let (message, rest) = bytes.split_at(length + 1);
        messages.push(show(from, message[0], &message[5..]));
        bytes = rest;
    }
    messages
}

fn show(from: From, tag: u8, body: &[u8]) -> String {
    let strings: Vec<String> =
        body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    let quoted = |at: usize| quote(&strings[at]);
    match (from, tag) {
        (From::Agent, b'Q') => format!("Query {}", quoted(0)),
        (From::Agent, b'P') => format!("Parse {} {}", quoted(0), quoted(1)),
        (From::Agent, b'B') => format!("Bind {} {}", quoted(0), quoted(1)),
        (From::Agent, b'D') => {
            format!("Describe {} {}", body[0] as char, quote(strings[0].get(1..).unwrap_or_default()))
        }
        (From::Agent, b'E') => format!("Execute {}", quoted(0)),
        (From::Agent, b'C') => {
            format!("Close {} {}", body[0] as char, quote(strings[0].get(1..).unwrap_or_default()))
        }
        (From::Agent, b'S') => "Sync".into(),
        (From::Agent, b'H') => "Flush".into(),
        (From::Agent, b'X') => "Terminate".into(),
        (_, b'd') => format!("CopyData {}", quote(&String::from_utf8_lossy(body))),
        (_, b'c') => "CopyDone".into(),
        (From::Agent, b'f') => format!("CopyFail {}", quoted(0)),
        (From::Server, b'T') => format!("RowDescription{}", show_description(body)),
        (From::Server, b'D') => format!("DataRow{}", show_row(body)),
        (From::Server, b'C') => format!("CommandComplete {}", quoted(0)),
        (From::Server, b'I') => "EmptyQueryResponse".into(),
        (From::Server, b's') => "PortalSuspended".into(),
        (From::Server, b'Z') => format!("ReadyForQuery {}", body[0] as char),
        (From::Server, b'1') => "ParseComplete".into(),
        (From::Server, b'2') => "BindComplete".into(),
        (From::Server, b'3') => "CloseComplete".into(),
        (From::Server, b'n') => "NoData".into(),
        (From::Server, b't') => "ParameterDescription".into(),
        (From::Server, b'S') => format!("ParameterStatus {} {}", quoted(0), quoted(1)),
        (From::Server, b'A') => {
            let rest = String::from_utf8_lossy(&body[4..]).into_owned();
            let mut texts = rest.split('\0');
            format!("NotificationResponse {} {}", quote(texts.next().unwrap()), quote(texts.next().unwrap()))
        }
        (From::Server, b'E') => format!("ErrorResponse {}", show_fault(&strings)),
        (From::Server, b'N') => format!("NoticeResponse {}", show_fault(&strings)),
        (From::Server, b'G') => "CopyInResponse".into(),
        (From::Server, b'H') => "CopyOutResponse".into(),
        (_, tag) => panic!("no message has the tag {}", tag as char),
    }
}

/// SQLSTATE and message; of a refusal's message its code alone. FATAL is said, ERROR is not.
fn show_fault(fields: &[String]) -> String {
    let field = |code: char| fields.iter().find_map(|field| field.strip_prefix(code)).unwrap_or_default();
    let message = field('M');
    let message = match message.split_once(": ") {
        Some((code, _)) if code.starts_with("PGD-") => code.to_owned(),
        _ => quote(message),
    };
    let fatal = if field('S') == "FATAL" { "FATAL " } else { "" };
    let detail = match field('D') {
        "" => String::new(),
        text if text.contains("Request ") => String::new(),
        text => format!(" detail {}", quote(text)),
    };
    let at = match field('P') {
        "" => String::new(),
        character => format!(" at {character}"),
    };
    let rest = FIELDS.iter().filter(|(_, code)| !field(*code).is_empty());
    let rest: String = rest.map(|(name, code)| format!(" {name} {}", quote(field(*code)))).collect();
    format!("{fatal}{} {message}{detail}{at}{rest}", field('C'))
}

fn show_description(body: &[u8]) -> String {
    let mut shown = String::new();
    let mut rest = &body[2..];
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let name = String::from_utf8_lossy(&rest[..end]);
        let type_oid = u32::from_be_bytes(rest[end + 7..end + 11].try_into().unwrap());
        let (kind, _) = TYPES.iter().find(|(_, oid)| *oid == type_oid).expect("a type");
        shown.push_str(&format!(" {name}:{kind}"));
        rest = &rest[end + 19..];
    }
    shown
}

fn show_row(body: &[u8]) -> String {
    let mut shown = String::new();
    let mut rest = &body[2..];
    while !rest.is_empty() {
        let length = i32::from_be_bytes(rest[..4].try_into().unwrap());
        rest = &rest[4..];
        if length < 0 {
            shown.push_str(" NULL");
            continue;
        }
        let (value, tail) = rest.split_at(length as usize);
        rest = tail;
        match value {
            [0, ..] if value.len() == 8 => {
                shown.push_str(&format!(" int8:{}", i64::from_be_bytes(value.try_into().unwrap())));
            }
            _ => shown.push_str(&format!(" {}", quote(&String::from_utf8_lossy(value)))),
        }
    }
    shown
}

fn quote(text: &str) -> String {
    format!("{text:?}")
}
