//! The ways in which a card number is written, as data: each is a row of the report.

use std::ops::Range;

use crate::brand::Tier;
use crate::self_test::encode::Step;

/// One way of writing a number.
#[derive(Debug)]
pub(crate) struct Spelling {
    pub name: &'static str,
    /// The weakest tier of which a number counts when it is written so.
    pub counts: Tier,
    /// What stands around it.
    around: (&'static str, &'static str),
    form: Form,
}

/// What is made of the digits.
#[derive(Debug)]
enum Form {
    /// Nothing.
    Bare,
    /// Groups as on the card, with this between them.
    Grouped(&'static str),
    /// Two groups alone, 8-8 or 6-13, with this between them.
    Halves(&'static str),
    /// Each digit on its own, written as by this.
    Each(fn(u32) -> String),
    /// Digits in groups of so many from the left, or from the right, with this between them.
    Split(Split, &'static str),
    /// What this makes of them, and puts before and behind; nothing where a number of such a length is never
    /// written so.
    Made(fn(&str) -> Option<[String; 3]>),
    /// Encoded together with what stands around them within, step by step.
    Encoded((&'static str, &'static str), &'static [Step]),
}

#[derive(Debug)]
enum Split {
    Left(usize),
    Right(usize),
    /// In two, the second of six digits.
    Last6,
}

/// A text, and which bytes of it the number takes.
pub(crate) struct Written {
    pub text: Vec<u8>,
    pub number: Range<usize>,
}

impl Spelling {
    /// `digits` written so; `None` where a number of such a length is not.
    pub fn write(&self, digits: &str) -> Option<Written> {
        let (before, after) = self.around;
        let [before, number, after] = match &self.form {
            Form::Made(make) => {
                let [head, number, tail] = make(digits)?;
                [before.to_owned() + &head, number, tail + after]
            }
            Form::Encoded(within, steps) => return Some(self.encode(digits, *within, steps)),
            plain => [before.into(), plain.spell(digits)?, after.into()],
        };
        let text = [&*before, &number, &after].concat().into_bytes();
        Some(Written { text, number: before.len()..before.len() + number.len() })
    }

    fn encode(&self, digits: &str, (before, after): (&str, &str), steps: &[Step]) -> Written {
        let mut text = [before, digits, after].concat().into_bytes();
        let mut number = before.len()..before.len() + digits.len();
        for step in steps {
            (text, number) = step.apply(&text, number);
        }
        let (before, after) = self.around;
        let text = [before.as_bytes(), &text, after.as_bytes()].concat();
        Written { text, number: before.len() + number.start..before.len() + number.end }
    }
}

impl Form {
    /// The number alone.
    fn spell(&self, digits: &str) -> Option<String> {
        Some(match self {
            Self::Bare => digits.to_owned(),
            Self::Grouped(separator) => cut(digits, groups(digits.len())?)?.join(separator),
            Self::Halves(separator) => cut(digits, halves(digits.len())?)?.join(separator),
            Self::Each(one) => digits.chars().filter_map(|digit| digit.to_digit(10)).map(one).collect(),
            Self::Split(split, separator) => split.of(digits)?.join(separator),
            Self::Made(_) | Self::Encoded(..) => return None,
        })
    }
}

impl Split {
    fn of<'d>(&self, digits: &'d str) -> Option<Vec<&'d str>> {
        let (first, size) = match *self {
            Self::Left(size) => (size, size),
            Self::Right(size) => (digits.len() % size, size),
            Self::Last6 => (digits.len().checked_sub(6)?, 6),
        };
        let (head, tail) = digits.split_at_checked(first)?;
        let rest = tail.as_bytes().chunks(size).filter_map(|group| str::from_utf8(group).ok());
        Some(Some(head).filter(|head| !head.is_empty()).into_iter().chain(rest).collect())
    }
}

/// How the digits are grouped on cards of this length.
fn groups(length: usize) -> Option<&'static [usize]> {
    Some(match length {
        13 => &[4, 4, 5],
        14 => &[4, 6, 4],
        15 => &[4, 6, 5],
        16 => &[4, 4, 4, 4],
        19 => &[4, 4, 4, 4, 3],
        _ => return None,
    })
}

fn halves(length: usize) -> Option<&'static [usize]> {
    Some(match length {
        16 => &[8, 8],
        19 => &[6, 13],
        _ => return None,
    })
}

fn cut<'d>(mut digits: &'d str, sizes: &[usize]) -> Option<Vec<&'d str>> {
    let mut parts = Vec::new();
    for size in sizes {
        let (part, rest) = digits.split_at_checked(*size)?;
        parts.push(part);
        digits = rest;
    }
    Some(parts)
}

/// Digits of the script whose zero is `zero`.
fn script(zero: u32, digit: u32) -> String {
    char::from_u32(zero + digit).map(String::from).unwrap_or_default()
}

/// The length in two digits before the number (ISO 8583, LLVAR).
fn with_length(digits: &str) -> Option<[String; 3]> {
    let length = digits.len();
    (13..=16).contains(&length).then(|| [length.to_string(), digits.into(), String::new()])
}

fn padded(digits: &str) -> Option<[String; 3]> {
    let zeros = 19_usize.checked_sub(digits.len()).filter(|zeros| *zeros > 0)?;
    Some(["0".repeat(zeros), digits.into(), String::new()])
}

/// As a floating-point number is printed; beyond 16 digits it would not be exact.
fn float(digits: &str) -> Option<[String; 3]> {
    let (first, rest) = digits.split_at_checked(1).filter(|_| (14..=16).contains(&digits.len()))?;
    let mantissa = rest.trim_end_matches('0');
    // What is left of so round a number is no longer much of one.
    let number = (mantissa.len() >= 11).then(|| format!("{first}.{mantissa}"))?;
    Some([String::new(), number, format!("e+{}", rest.len())])
}

fn track1(digits: &str) -> Option<[String; 3]> {
    Some([String::new(), format!("{digits}^DOE/JANE^29121011234567890?"), String::new()])
}

fn track2(digits: &str) -> Option<[String; 3]> {
    Some([String::new(), format!("{digits}=29121011234567890?"), String::new()])
}

fn track2_open(digits: &str) -> Option<[String; 3]> {
    Some([String::new(), format!("{digits}=2912101123"), String::new()])
}

fn track2_chip(digits: &str) -> Option<[String; 3]> {
    Some([String::new(), format!("{digits}D29121011234F"), String::new()])
}

fn track2_percent(digits: &str) -> Option<[String; 3]> {
    Some([String::new(), format!("{digits}%3D29121011234"), String::new()])
}

const fn plain(name: &'static str, before: &'static str, after: &'static str) -> Spelling {
    Spelling { name, counts: Tier::A, around: (before, after), form: Form::Bare }
}

/// With a word that speaks of cards.
const fn worded(name: &'static str, before: &'static str, after: &'static str) -> Spelling {
    Spelling { name, counts: Tier::B, around: (before, after), form: Form::Bare }
}

const fn grouped(name: &'static str, separator: &'static str) -> Spelling {
    Spelling { name, counts: Tier::B, around: ("paid with ", " today"), form: Form::Grouped(separator) }
}

/// With a separator that lists are written with, where a weak number might be part of one.
const fn listed(name: &'static str, separator: &'static str) -> Spelling {
    Spelling { name, counts: Tier::A, around: ("paid with ", " today"), form: Form::Grouped(separator) }
}

const fn halved(name: &'static str, separator: &'static str) -> Spelling {
    Spelling { name, counts: Tier::A, around: ("paid with ", " today"), form: Form::Halves(separator) }
}

const fn each(name: &'static str, one: fn(u32) -> String) -> Spelling {
    Spelling { name, counts: Tier::A, around: ("n ", " n"), form: Form::Each(one) }
}

const fn split(name: &'static str, split: Split, separator: &'static str) -> Spelling {
    Spelling { name, counts: Tier::A, around: ("[", "]"), form: Form::Split(split, separator) }
}

const fn made(name: &'static str, make: fn(&str) -> Option<[String; 3]>) -> Spelling {
    Spelling { name, counts: Tier::A, around: ("v ", " v"), form: Form::Made(make) }
}

/// A track, which goes for whatever number it holds.
const fn track(name: &'static str, before: &'static str, make: fn(&str) -> Option<[String; 3]>) -> Spelling {
    Spelling { name, counts: Tier::C, around: (before, " swiped"), form: Form::Made(make) }
}

const fn encoded(
    name: &'static str,
    before: &'static str,
    within: (&'static str, &'static str),
    steps: &'static [Step],
) -> Spelling {
    Spelling { name, counts: Tier::A, around: (before, ". "), form: Form::Encoded(within, steps) }
}

const AS_PAN: (&str, &str) = ("{\"id\":7,\"v\":\"", "\",\"exp\":\"12/29\"}");

/// Every spelling of the report. What is named after a word has one such as `card` nearby.
pub(crate) const SPELLINGS: &[Spelling] = &[
    plain("bare", "", ""),
    plain("in a sentence", "please book ", " today."),
    plain("at the end of a sentence", "please book ", ". Thanks"),
    plain("JSON string", "{\"id\":\"", "\",\"n\":1}"),
    plain("JSON number", "{\"id\":", ",\"n\":1}"),
    plain("JSON array", "[7,", ",9]"),
    plain("JSON in a JSON string", "{\\\"id\\\":\\\"", "\\\",\\\"n\\\":1}"),
    plain("quotes as \\u escapes", "{\\u0022id\\u0022:\\u0022", "\\u0022}"),
    plain("CSV", "7,", ",Bo,12.50\n"),
    plain("CSV quoted", "\"7\",\"", "\",\"Bo\"\n"),
    plain("tab-separated", "7\t", "\tBo\n"),
    plain("SQL insert", "INSERT INTO t VALUES (7, '", "', NULL)"),
    plain("SQL comparison", "SELECT 1 FROM t WHERE a=", " LIMIT 1"),
    plain("PostgreSQL array", "{7,", ",9}"),
    plain("PostgreSQL record", "(7,", ",Bo)"),
    plain("log line", "2026-11-28T12:00:01.123Z INFO ref=", " took=12ms"),
    plain("log line in brackets", "[2026-11-28 12:00:01] [", "] done"),
    plain("HTTP form", "a=1&n=", "&exp_month=12"),
    plain("HTTP header", "X-Ref: ", "\r\nHost: a\r\n"),
    plain("URL query", "GET /v1/x?n=", " HTTP/1.1"),
    plain("URL path", "GET /v1/x/", "/y HTTP/1.1"),
    plain("URL query percent-escaped", "u=%2Fx%3Fn%3D", "%26m%3D1"),
    plain("HTML", "<td>", "</td>"),
    plain("HTML quotes as entities", "&quot;", "&quot;"),
    plain("XML element", "<r><v>", "</v></r>"),
    plain("XML attribute", "<r v=\"", "\"/>"),
    plain("YAML", "a:\n  - ", "\n  - b\n"),
    plain("TOML", "v = \"", "\"\n"),
    plain("Markdown table", "| 7 | ", " | Bo |"),
    plain("key=value;", "k=", ";"),
    plain("in parentheses", "(", ")"),
    plain("next to letters", "x", "y"),
    plain("next to hex letters", "cafe ", " beef"),
    plain("next to underscores", "id_", "_a"),
    plain("between CJK", "号码", "。"),
    plain("between Cyrillic", "номер", "да"),
    plain("with a fraction of zeros", "v ", ".00 EUR"),
    worded("bare after `card`", "card ", " ok"),
    worded("word: PAN:", "PAN: ", "\n"),
    worded("word: JSON key", "{\"card_number\":\"", "\"}"),
    worded("word: JSON key, number", "{\"cardNumber\":", "}"),
    worded("word: CSV column", "name,card_number,city\nBo,", ",Rome\n"),
    worded("word: SQL column", "UPDATE t SET pan = '", "' WHERE id = 7"),
    worded("word: HTTP form", "cc_number=", "&exp_month=12"),
    worded("word: XML", "<CardNumber>", "</CardNumber>"),
    worded("word: YAML", "card:\n  number: ", "\n"),
    worded("word: log line", "INFO charging card ", " with 12.50 EUR"),
    worded("word: behind", "", " is no longer my card"),
    worded("word: other language", "Kreditkarte ", " gesperrt"),
    grouped("space", " "),
    grouped("hyphen", "-"),
    grouped("full stop", "."),
    grouped("two spaces", "  "),
    grouped("hyphen in spaces", " - "),
    grouped("tab", "\t"),
    grouped("no-break space", "\u{a0}"),
    grouped("thin space", "\u{2009}"),
    grouped("narrow no-break space", "\u{202f}"),
    grouped("figure space", "\u{2007}"),
    grouped("ideographic space", "\u{3000}"),
    grouped("zero-width space", "\u{200b}"),
    grouped("byte order mark", "\u{feff}"),
    grouped("hyphen U+2010", "\u{2010}"),
    grouped("non-breaking hyphen", "\u{2011}"),
    grouped("figure dash", "\u{2012}"),
    grouped("en dash", "\u{2013}"),
    grouped("em dash", "\u{2014}"),
    grouped("horizontal bar", "\u{2015}"),
    grouped("%20", "%20"),
    grouped("%2D", "%2D"),
    grouped("%C2%A0", "%C2%A0"),
    grouped("&nbsp;", "&nbsp;"),
    grouped("&#160;", "&#160;"),
    grouped("&thinsp;", "&thinsp;"),
    grouped("\\u00a0", "\\u00a0"),
    grouped("\\u2013", "\\u2013"),
    grouped("\\t", "\\t"),
    grouped("=20", "=20"),
    listed("slash", "/"),
    listed("underscore", "_"),
    listed("colon", ":"),
    listed("plus", "+"),
    listed("comma", ","),
    listed("comma and space", ", "),
    listed("line break", "\n"),
    listed("CR and LF", "\r\n"),
    listed("\\n", "\\n"),
    halved("two groups, space", " "),
    halved("two groups, hyphen", "-"),
    halved("two groups, no-break space", "\u{a0}"),
    split("wrapped over two lines", Split::Last6, "\n"),
    split("wrapped, CR and LF", Split::Last6, "\r\n"),
    split("digit by digit, space", Split::Left(1), " "),
    split("digit by digit, comma", Split::Left(1), ","),
    split("digit by digit, line break", Split::Left(1), "\n"),
    split("digit by digit, NUL (UTF-16)", Split::Left(1), "\0"),
    split("in pairs, colon", Split::Left(2), ":"),
    split("in thousands, comma", Split::Right(3), ","),
    each("full-width digits", |digit| script(0xff10, digit)),
    each("Arabic-Indic digits", |digit| script(0x0660, digit)),
    each("Persian digits", |digit| script(0x06f0, digit)),
    each("Devanagari digits", |digit| script(0x0966, digit)),
    each("Bengali digits", |digit| script(0x09e6, digit)),
    each("Thai digits", |digit| script(0x0e50, digit)),
    each("mathematical digits", |digit| script(0x1d7ce, digit)),
    each("JSON escapes", |digit| format!("\\u003{digit}")),
    each("percent-escapes", |digit| format!("%3{digit}")),
    each("HTML entities", |digit| format!("&#{};", 48 + digit)),
    each("HTML entities in hex", |digit| format!("&#x3{digit};")),
    each("quoted-printable", |digit| format!("=3{digit}")),
    split("quoted-printable, soft break", Split::Last6, "=\r\n"),
    made("zero-padded", padded),
    made("LLVAR", with_length),
    made("floating point", float),
    encoded("base64", "v ", ("", ""), &[Step::Base64]),
    encoded("base64, cut off by one", "v ", ("x", " z"), &[Step::Base64]),
    encoded("base64, cut off by two", "v ", ("xy", " z"), &[Step::Base64]),
    encoded("base64 of JSON", "Authorization: Basic ", AS_PAN, &[Step::Base64]),
    encoded("base64url of JSON", "t=", ("{\"q\":\"??>>\",\"v\":\"", "\"}"), &[Step::Base64Url]),
    encoded("base64 in lines", "v\n", AS_PAN, &[Step::Base64Lines]),
    encoded("base64 twice", "v ", ("", ""), &[Step::Base64, Step::Base64]),
    encoded("base64 of JSON twice", "v ", AS_PAN, &[Step::Base64, Step::Base64]),
    encoded("hex", "v ", ("", ""), &[Step::Hex]),
    encoded("hex in capitals of JSON", "v ", AS_PAN, &[Step::HexCapitals]),
    encoded("bytea", "\\x", ("", ""), &[Step::Hex]),
    encoded("bytea of JSON", "\\x", AS_PAN, &[Step::Hex]),
    encoded("0x", "0x", ("", ""), &[Step::Hex]),
    track("track 1", "%B", track1),
    track("track 1, percent-escaped", "%25B", track1),
    track("track 2", ";", track2),
    track("track 2 without sentinels", "t ", track2_open),
    track("track 2 on a chip", "t ", track2_chip),
    track("track 2, percent-escaped", "t=", track2_percent),
];
