use super::{CODINGS, TYPES, fuzz_body, fuzz_coding, fuzz_document, fuzz_hides, fuzz_text_body};

/// Bodies to start from, each with something of its kind.
const SEEDS: &[&str] = &[
    "pan 4111111111111111, cvv 123, H4sIABBMA2sC and eJwLAA== words",
    "id,pan,note\r\n1,\"4111111111111111\",\"a \"\"b\"\" c\"\r\n2,41111111,11111111\r\n",
    "a=b&pan=%34%31+11&card_number=4111111111111112&cid=1&payload=%7B%22a%22%3A1%7D",
    "<?xml version='1.0' encoding='latin1'?><!DOCTYPE a [<!ELEMENT a ANY>]><a b='c>d'>4111<!-- x -->1111<![CDATA[1111]]1111]]>&#49;</a>",
    "<html><head><meta charset=utf-8></head><script>if (a<b) {}</script><p><b>4111</b> <b>1111</b> 1111 1111<td>41111111</td><td>11111111</td>",
    "--b\r\nContent-Disposition: form-data; name=\"pan\"\r\n\r\n4111111111111111\r\n--b\r\nContent-Type: text/csv\r\nContent-Transfer-Encoding: base64\r\n\r\nYSxiCg==\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3D=\r\nb \r\n--b--\r\n",
    "Subject: x\r\nContent-Type: text/html\r\n\r\n<p>4111</p>",
    "data: 4111111111111111\n\nid: 1\nevent: x\ndata: y\n\n",
    "\u{feff}4\u{0}1\u{0}1\u{0}1\u{0} caf\u{e9} \u{ff14}\u{ff11}\u{ff11}\u{ff11}",
    "{\"pan\": \"4111111111111111\", \"a\": [1, 2]}",
    "[2026-01-01] log 4111 1111 1111 1111",
];
/// What mutations put in.
const PIECES: &[&[u8]] = &[
    b"<",
    b">",
    b"&",
    b";",
    b"\"",
    b"'",
    b"--b",
    b"\r\n",
    b"\n",
    b"=",
    b"%",
    b",",
    b"<!--",
    b"-->",
    b"]]>",
    b"<![CDATA[",
    b"</",
    b"\0",
    b"\xff",
    b"\xfe\xff",
    b"\x1f\x8b\x08",
    b"4111111111111111",
    b"1111",
    b"41111111",
    b"H4sI",
    b"<cvv>",
    b"<!ENTITY",
    b"\x81",
    b"\x82\x4f",
    b"\x84\x31\x95\x33",
    b"\xd8\x00",
    b"=3D",
    b"=\r\n",
    b"123",
    b"\x7f",
    b" ",
    b"{",
    b"[",
];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// Gives `fuzz` so many bodies that are mutations of the seeds, behind `heads` bytes that choose.
fn mutated(count: usize, heads: usize, fuzz: fn(&[u8])) {
    let mut random = Random(5);
    for _ in 0..count {
        let mut data: Vec<u8> = (0..heads).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        // Cuts are narrow mostly.
        data.first_mut().into_iter().for_each(|width| *width %= 32);
        data.extend_from_slice(SEEDS[random.below(SEEDS.len())].as_bytes());
        for _ in 0..random.below(6) {
            let at = heads + random.below(data.len() - heads + 1);
            match random.below(4) {
                0 => data.truncate(at),
                1 if at < data.len() => {
                    data.remove(at);
                }
                2 if at < data.len() => data[at] = u8::try_from(random.below(256)).unwrap(),
                _ => {
                    data.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied());
                }
            }
        }
        fuzz(&data);
    }
}

#[test]
fn any_body_comes_to_the_same_however_it_is_cut() {
    mutated(4000, 4, fuzz_body);
    for kind in 0..u8::try_from(TYPES.len()).unwrap() {
        for seed in SEEDS {
            for flags in 0..16 {
                fuzz_body(&[&[1, kind, 0, flags][..], seed.as_bytes()].concat());
            }
        }
    }
    assert!(CODINGS.len() < 256);
}

#[test]
fn a_body_in_which_nothing_is_found_stays_as_it_is() {
    mutated(4000, 2, fuzz_text_body);
}

#[test]
fn a_body_under_a_coding_becomes_what_it_becomes_without() {
    mutated(600, 2, fuzz_coding);
}

#[test]
fn any_text_can_be_looked_into() {
    mutated(1000, 1, fuzz_hides);
}

/// Parts of documents to start from: what OpenAPI has in them, and what it has not.
const DOCUMENT: &str = r##"{"openapi": "3.1.0", "paths": {
  "/cards/list": {"get": {"operationId": "a", "parameters": [{"$ref": "#/components/parameters/p"}, {"name": "id", "in": "path", "schema": {"type": "string"}}],
    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/s"}}}, "headers": {"x-pan": {"schema": {"x-data-class": "pan"}}}}}},
    "post": {"requestBody": {"content": {"*/*": {"schema": {"anyOf": [{"$ref": "#/components/schemas/s"}, {"items": {"format": "pan"}}]}}}}, "responses": {"default": {"$ref": "#/components/responses/r"}}}},
  "/cards/{id}": {"get": {"responses": {"2XX": {"description": ""}}}}, "/cards/{id}.{form}": {"get": {"responses": {}}}},
  "components": {"schemas": {"s": {"type": "object", "properties": {"pan": {"type": "string", "x-data-class": "pan"}, "next": {"$ref": "#/components/schemas/s"}},
    "additionalProperties": {"allOf": [{"$ref": "#/components/schemas/s"}]}, "required": ["pan"]}},
    "parameters": {"p": {"name": "q", "in": "query", "x-data-class": "pan", "schema": {"enum": ["a", 1, null]}}}, "responses": {"r": {"description": "x"}}}}"##;

#[test]
fn any_document_is_read_or_said_to_be_wrong() {
    let whole: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
    let read = crate::document::Document::read(&whole, "", crate::document::Unknown::Refuse);
    assert_eq!(read.map(|document| document.operations()).map_err(|wrong| format!("{wrong:?}")), Ok(4));
    let mut spots = vec![String::new()];
    pointers(&whole, "", &mut spots);
    // Every value of it stands once in the place of every other.
    for to in &spots {
        for from in &spots {
            let mut document = whole.clone();
            let value = whole.pointer(from).unwrap().clone();
            *document.pointer_mut(to).unwrap() = value;
            fuzz_document(document.to_string().as_bytes());
        }
    }
}

/// The places of everything in `value`, which stands at `at`.
fn pointers(value: &serde_json::Value, at: &str, into: &mut Vec<String>) {
    let named: Vec<(String, &serde_json::Value)> = match value {
        serde_json::Value::Object(members) => {
            members.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (name, value) in named {
        let at = format!("{at}/{name}");
        into.push(at.clone());
        pointers(value, &at, into);
    }
}
