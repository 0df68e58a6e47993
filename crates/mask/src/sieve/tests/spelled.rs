//! Card numbers in every spelling that is read, some that are not quite, and what may stand around them.

use proptest::prelude::*;
use proptest::sample::select;

/// The published test numbers.
pub(crate) fn cards() -> Vec<&'static str> {
    let lines = include_str!("../../../../../corpora/cards.txt").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap().1).collect()
}

/// A number of some brand: a published one, or one made up.
fn number() -> impl Strategy<Value = String> {
    let prefixes = vec![
        "4", "51", "2221", "34", "37", "6011", "300", "36", "3528", "62", "50", "2200", "1800", "81", "9792",
    ];
    let made = (select(prefixes), 12_usize..20, any::<[u8; 19]>()).prop_map(|(prefix, length, digits)| {
        let mut number = prefix.to_owned();
        number
            .extend(digits.iter().take(length - 1 - prefix.len()).map(|digit| char::from(b'0' + digit % 10)));
        let check = (b'0'..=b'9').map(char::from).find(|check| luhn(&format!("{number}{check}"))).unwrap();
        number.push(check);
        number
    });
    prop_oneof![select(cards()).prop_map(str::to_owned), made]
}

fn luhn(number: &str) -> bool {
    let values: Vec<u8> = number.bytes().map(|byte| byte - b'0').collect();
    crate::brand::luhn(&values)
}

/// A number in groups, each digit and the separator written in some way, in a track or not, and the whole encoded or
/// not.
pub(crate) fn spelled() -> impl Strategy<Value = Vec<u8>> {
    let written = (number(), groups(), separators(), digit(), any::<u32>(), dressed()).prop_map(
        |(number, groups, separators, digit, mix, (before, after))| {
            let text = write(&number, &groups, separators, digit, mix);
            before.replace("LL", &format!("{:02}", number.len())) + &text + after
        },
    );
    let written = prop_oneof![
        8 => written,
        1 => float(),
        1 => (number(), number(), "[0-9]{0,9}").prop_map(|(one, two, digits)| one + &digits + &two),
        1 => "[0-9]{12,60}",
    ];
    (written, encoded()).prop_map(|(text, encode)| encode.of(text.into_bytes()))
}

fn separators() -> impl Strategy<Value = [&'static str; 2]> {
    let one = vec![
        "",
        "",
        " ",
        "-",
        ".",
        "  ",
        " - ",
        "\n",
        "\r\n",
        ", ",
        "/",
        "_",
        ":",
        "+",
        "\0",
        "\t",
        "\u{a0}",
        "\u{2009}",
        "\u{2013}",
        "\u{3000}",
        "\u{feff}",
        "\u{b7}",
        "\u{2028}",
        "\u{85}",
        " \u{a0} ",
        "%20",
        "%C2%A0",
        "%e2%80%93",
        "%2d",
        "\\u00a0",
        "\\u002D",
        "\\n",
        "\\t",
        "\\/",
        "\\r\\n",
        "&nbsp;",
        "&#160;",
        "&#x2d;",
        "&shy;",
        "&NewLine;",
        "=20",
        "=\n",
        "=\r\n",
        "=2D",
        "%20%20",
        "%2520",
        "%25252d",
        "   ",
        "\\\\n",
    ];
    let same = select(one.clone()).prop_map(|separator| [separator; 2]);
    prop_oneof![3 => same, 1 => [select(one.clone()), select(one)]]
}

fn groups() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        3 => select(vec![
            vec![19],
            vec![4, 4, 4, 4, 4],
            vec![8, 11],
            vec![6, 13],
            vec![4, 6, 9],
            vec![4, 4, 5, 6],
            vec![4, 3, 3, 3],
            vec![1; 19],
            vec![2; 10],
            vec![3; 7],
            vec![1, 3, 3, 3, 3, 3, 3],
            vec![2, 3, 3, 3, 3, 3, 3],
        ]),
        1 => (1_usize..18).prop_map(|first| vec![first, 19]),
        1 => prop::collection::vec(1_usize..9, 19),
    ]
}

fn digit() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "",
        "",
        "",
        "full",
        "arabic",
        "bold",
        "%",
        "%utf8",
        "\\u",
        "\\ufull",
        "\\ubold",
        "&#",
        "&#x",
        "&#0",
        "=",
        "mixed%",
        "mixed\\",
        "mixed=",
        "mixed&",
        "%25",
        "%2525",
        "mixed%25",
        "first%25",
        "first%",
        "first=",
        "first\\",
        "firstfull",
    ])
}

/// What stands right before a number and after it: escapes, tracks, the number's length or zeros.
fn dressed() -> impl Strategy<Value = (&'static str, &'static str)> {
    let before = vec![
        "",
        "",
        "",
        "",
        "card ",
        "LL",
        "0000",
        "00000000000",
        "%00",
        "%20",
        "%C3%A9",
        "%2",
        "=20",
        "=3D",
        "=C3=A9",
        "=",
        "\\u0020",
        "\\u00e9",
        "\\u20ac",
        "\\",
        "\\\\",
        "\\n",
        "\\\\n",
        "\\ud835\\udfd8",
        "&#32;",
        "&nbsp;",
        "&",
        "%B",
        "B",
        ";",
        "%25",
        "%2525",
        "%2520",
        "x",
        "card=",
        "+",
        "1.",
        "12 ",
        "*",
        "é",
        "\u{a0}",
        "%30%30",
        "pan%3d",
        "visa\\u003d",
    ];
    let after = vec![
        "",
        "",
        "",
        "",
        " ",
        "=2512101",
        "=25121010000000000000?",
        "==1011234?",
        "D25121010000F",
        "d2512101",
        "^DOE/JANE^25121010000000?",
        "^DOE/JANE                 ^2512101?",
        "%5eDOE/JANE%5e2512101000%3f",
        "%3d2512101000000%3F",
        "\\u003d2512101000",
        "&#61;2512101",
        "=3D2512101",
        " 12",
        "-",
        "%20",
        "=",
        "%",
        "\\",
        "&",
        "a",
        "1",
        "e",
        " card",
        "\u{a0}",
        "%2512101",
    ];
    (select(before), select(after))
}

fn write(number: &str, groups: &[usize], separators: [&str; 2], digit: &str, mix: u32) -> String {
    let mut text = String::new();
    let (mut group, mut left) = (0, groups[0]);
    for (index, c) in number.chars().enumerate() {
        if left == 0 {
            group += 1;
            left = groups.get(group).copied().unwrap_or(19);
            text.push_str(separators[group % 2]);
        }
        left -= 1;
        let escapes = match digit {
            "mixed%" | "mixed%25" | "mixed\\" | "mixed=" | "mixed&" => mix >> (index % 32) & 1 == 1,
            "first%" | "first%25" | "first=" | "first\\" | "firstfull" => index == 0,
            _ => true,
        };
        let value = u32::from(c) - 48;
        let beyond = |zero: u32| char::from_u32(zero + value).unwrap();
        text.push_str(&match if escapes { digit } else { "" } {
            "full" | "firstfull" => beyond(0xff10).to_string(),
            "arabic" => beyond(0x0660).to_string(),
            "bold" => beyond(0x1_d7ce).to_string(),
            "%" | "mixed%" | "first%" => format!("%3{c}"),
            "%25" | "mixed%25" | "first%25" => format!("%253{c}"),
            "%2525" => format!("%25253{c}"),
            "%utf8" => beyond(0xff10).to_string().bytes().map(|byte| format!("%{byte:02X}")).collect(),
            "\\u" | "mixed\\" | "first\\" => format!("\\u003{c}"),
            "\\ufull" => format!("\\uff1{c}"),
            "\\ubold" => {
                let mut units = [0; 2];
                beyond(0x1_d7ce)
                    .encode_utf16(&mut units)
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}"))
                    .collect()
            }
            "&#" | "mixed&" => format!("&#{};", value + 48),
            "&#x" => format!("&#x3{c};"),
            "&#0" => format!("&#0000000{};", value + 48),
            "=" | "mixed=" | "first=" => format!("=3{c}"),
            _ => c.to_string(),
        });
    }
    text
}

/// A number as a float, its last zeros left out or not.
fn float() -> impl Strategy<Value = String> {
    let round =
        (select(vec!["4", "42", "55", "36", "622", "411111"]), 12_usize..20).prop_map(|(start, length)| {
            let zeros = "0".repeat(length - start.len());
            format!("{start}{zeros}")
        });
    let point = select(vec![".", ".", ".", "%2E", "\u{b7}", "\\u002e", "=2E", "."]);
    (prop_oneof![number(), round], point, select(vec!["e", "E", "e+", "E+", "e-"]), digit(), any::<bool>())
        .prop_map(|(number, point, e, digit, cut)| {
            let exponent = number.len() - 1;
            let digits = if cut { number.trim_end_matches('0') } else { &number };
            let digits = digits.get(..2).map_or(number.get(..2).unwrap(), |_| digits);
            write(digits, &[1, 19], [point; 2], digit, 0) + e + &exponent.to_string()
        })
}

/// How a text is encoded.
#[derive(Debug, Clone)]
enum Encode {
    Not,
    /// Behind so many letters, in lines of such a length with such an end.
    Base64(usize, usize, &'static str),
    Twice(usize, usize, usize),
    Hex(&'static str, bool),
    HexInBase64(usize),
    /// Hex behind so many bytes, with this before and behind each.
    Dump(usize, &'static str, &'static str),
    /// What `xxd` prints, or else `hexdump -C`, of it behind so many bytes.
    Lines(usize, bool),
}

fn encoded() -> impl Strategy<Value = Encode> {
    let wide = prop_oneof![Just(usize::MAX), 5_usize..80];
    let base64 = (0_usize..7, wide.clone(), select(vec!["\n", "\r\n"]));
    prop_oneof![
        12 => Just(Encode::Not),
        3 => base64.prop_map(|(pad, width, end)| Encode::Base64(pad, width, end)),
        2 => (0_usize..4, 0_usize..7, wide).prop_map(|(inner, outer, width)| Encode::Twice(inner, outer, width)),
        3 => (select(vec!["", "0x", "\\x", "ab", "3", "33", "20"]), any::<bool>()).prop_map(|(pad, upper)| Encode::Hex(pad, upper)),
        1 => (0_usize..4).prop_map(Encode::HexInBase64),
        2 => (0_usize..9, select(DUMPS)).prop_map(|(pad, (before, after))| Encode::Dump(pad, before, after)),
        2 => (0_usize..40, any::<bool>()).prop_map(|(pad, xxd)| Encode::Lines(pad, xxd)),
    ]
}

impl Encode {
    fn of(&self, text: Vec<u8>) -> Vec<u8> {
        let padded = |pad: usize, text: &[u8]| base64(&[&b"xyzXYZ "[..pad], text].concat()).into_bytes();
        let wrapped = |text: &[u8], width: usize, end: &str| {
            text.chunks(width).collect::<Vec<_>>().join(end.as_bytes())
        };
        match *self {
            Self::Not => text,
            Self::Base64(pad, width, end) => wrapped(&padded(pad, &text), width, end),
            Self::Twice(inner, outer, width) => wrapped(&padded(outer, &padded(inner, &text)), width, "\n"),
            Self::Hex(pad, upper) => {
                let hex = hex(&text);
                (pad.to_owned() + &if upper { hex.to_uppercase() } else { hex }).into_bytes()
            }
            Self::Dump(pad, before, after) => {
                let bytes = [&b"Card 12: "[..pad], &text].concat();
                bytes.iter().map(|byte| format!("{before}{byte:02x}{after}")).collect::<String>().into_bytes()
            }
            Self::Lines(pad, xxd) => lines(&[&[b'.'; 40][..pad], &text].concat(), xxd).into_bytes(),
            Self::HexInBase64(pad) => padded(pad, hex(&text).as_bytes()),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |three: &[u8]| {
        let bits =
            three.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        (0..=three.len())
            .map(move |index| char::from(LETTERS[bits >> (18 - 6 * index) & 63]))
            .collect::<String>()
    };
    bytes.chunks(3).map(quad).collect()
}

/// What stands before a byte in hex, and behind it.
const DUMPS: &[(&str, &str)] = &[
    ("", ":"),
    ("", " "),
    ("", "-"),
    ("", "."),
    ("0x", ","),
    ("0x", ", "),
    ("\\x", ""),
    ("\\\\x", ""),
    ("", "\n"),
];

/// The lines of a dump.
pub(crate) fn lines(bytes: &[u8], xxd: bool) -> String {
    let line = |(index, line): (usize, &[u8])| {
        let shown: String = line
            .iter()
            .map(|byte| char::from(*byte))
            .map(|c| if c.is_ascii_graphic() { c } else { '.' })
            .collect();
        let place = index * 16;
        let group = |(at, byte): (usize, &u8)| match (xxd, at) {
            (true, _) => format!("{byte:02x}{}", if at % 2 == 1 { " " } else { "" }),
            (false, 7) => format!("{byte:02x}  "),
            (false, _) => format!("{byte:02x} "),
        };
        let written: String = line.iter().enumerate().map(group).collect();
        match xxd {
            true => format!("{place:08x}: {written:<40} {shown}\n"),
            false => format!("{place:08x}  {written:<49} |{shown}|\n"),
        }
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What may stand around a number.
pub(crate) fn noise() -> impl Strategy<Value = Vec<u8>> {
    let texts = vec![
        "",
        " ",
        "x",
        "2026-11-23 02:05:28.123456 ",
        "card ",
        "{\"id\":1700000000000,\"pan\":\"",
        "\"}",
        "%",
        "=",
        "\\",
        "12 ",
        "1.5e10 ",
        "The quick brown fox ",
        "\n",
        "Привет ",
        "中文、",
        "\\\"",
        "-----",
        "*",
        "0123456789abcdef",
        "SELECT 1, ",
        "&amp;",
        "10.0.0.1:8080 ",
        "a=1&b=%20",
        "TWpNME1UST0",
    ];
    prop_oneof![
        select(texts).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
        prop::collection::vec(select(b"0123456789 -.\n%=\\&u".to_vec()), 0..24),
        prop::collection::vec(select(b"0123456789abcdefABCDEF%=\\u&#;x".to_vec()), 0..24),
        (0_usize..150).prop_map(|count| vec![b'x'; count]),
        (0_usize..150).prop_map(|count| vec![b' '; count]),
    ]
}
