use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::body::coding::{Coding, Undo, packed_as};
use crate::body::testing::{
    Pack, brotli, care, check, decoded, gzip, passing, raw, rewritten, same, strict, told, zlib, zstd,
};
use crate::body::{Care, Coded, Withheld, open};

/// A published test number.
const CARD: &str = "4111111111111111";
const MASKED: &str = "************1111";

fn json(number: &str) -> String {
    format!(r#"{{"pan": "{number}"}}"#)
}

#[test]
fn json_is_json_whatever_its_label_says() {
    for content_type in [
        "application/json",
        "APPLICATION/JSON; charset=UTF-8",
        "text/plain",
        "application/octet-stream",
        "image/png",
        "font/woff2",
        "text/event-stream",
        "multipart/form-data; boundary=x",
        "text/html",
        "application/x-protobuf",
        "",
        "nonsense",
    ] {
        for care in [care(), strict(), passing()] {
            check(&care, content_type, &json(CARD), &json(MASKED));
            same(&care, content_type, json("none").as_bytes());
        }
    }
}

#[test]
fn every_kind_of_text_is_masked_by_its_kind() {
    let any = format!("pan: {CARD}\n");
    let gone = format!("pan: {MASKED}\n");
    for content_type in
        ["text/plain", "application/yaml", "application/toml", "application/javascript", "text/x-log", ""]
    {
        for care in [care(), strict(), passing()] {
            check(&care, content_type, &any, &gone);
        }
    }
    check(
        &strict(),
        "application/javascript",
        &format!("cb({});", json(CARD)),
        &format!("cb({});", json(MASKED)),
    );
    check(
        &care(),
        "application/x-ndjson",
        &format!("{0}\n{0}\n", json(CARD)),
        &format!("{0}\n{0}\n", json(MASKED)),
    );
    check(&care(), "text/plain", &format!("\x1e{}\n", json(CARD)), &format!("\x1e{}\n", json(MASKED)));
    check(&care(), "application/json", &format!("data: {CARD} x\n\n"), &format!("data: {MASKED} x\n\n"));
    check(
        &care(),
        "text/plain",
        &format!("id: 7\nevent: a\ndata: {CARD} x\n\n"),
        &format!("id: 7\nevent: a\ndata: {MASKED} x\n\n"),
    );
}

#[test]
fn documents_on_lines_are_masked_whatever_their_label_says() {
    for content_type in ["application/json", "text/plain", "application/octet-stream", "application/x-ndjson"]
    {
        for care in [care(), strict()] {
            let body = |number: &str| format!("{0}\n{0}\n", json(number));
            check(&care, content_type, &body(CARD), &body(MASKED));
        }
    }
}

#[test]
fn a_body_of_any_size_passes_in_little_memory() {
    let line = "1,some words,2026-01-01,4111111111111111,more words\n";
    for (content_type, coding) in
        [("text/csv", "gzip"), ("text/plain", "zstd"), ("text/html", "br"), ("text/csv", "")]
    {
        let mut packed = Vec::new();
        if coding.is_empty() {
            packed = line.repeat(20_000).into_bytes();
        } else {
            packed.extend(packed_as(coding, line.repeat(20_000).as_bytes()).unwrap());
        }
        let mut rewrite = open(&care(), Coded { content_type: Some(content_type), content_encoding: coding });
        for piece in packed.chunks(1024) {
            let mut out = Vec::new();
            rewrite.push(piece, &mut out).unwrap();
            assert!(out.len() <= 64 << 10, "{content_type}, {coding}: {}", out.len());
        }
        assert!(rewrite.found() > 19_900);
    }
}

#[test]
fn a_byte_order_mark_stays_and_hides_nothing() {
    check(
        &strict(),
        "application/json",
        &format!("\u{feff}{}", json(CARD)),
        &format!("\u{feff}{}", json(MASKED)),
    );
}

type Packs = fn(&[u8]) -> Vec<u8>;

#[test]
fn codings_are_undone_and_done_again_in_their_order() {
    let (body, gone) = (json(CARD), json(MASKED));
    let all: [(&str, &str, Packs); 6] = [
        ("gzip", "gzip", gzip),
        ("X-GZIP", "gzip", gzip),
        ("deflate", "zlib", zlib),
        ("deflate", "raw", raw),
        ("br", "br", brotli),
        ("zstd", "zstd", zstd),
    ];
    for (outer, outer_form, pack_outer) in all {
        for width in [1, 2, 7, 1000] {
            let coded = Coded { content_type: Some("application/json"), content_encoding: outer };
            let out = rewritten(&strict(), coded, &pack_outer(body.as_bytes()), width).unwrap();
            assert_eq!(decoded(outer_form, &out), gone.as_bytes(), "{outer}");
            for (inner, inner_form, pack_inner) in all {
                let both = format!("{inner},identity , {outer}");
                let coded = Coded { content_type: Some("application/json"), content_encoding: &both };
                let out =
                    rewritten(&strict(), coded, &pack_outer(&pack_inner(body.as_bytes())), width).unwrap();
                let out = decoded(inner_form, &decoded(outer_form, &out));
                assert_eq!(out, gone.as_bytes(), "{both}");
            }
        }
    }
}

#[test]
fn what_is_packed_and_not_labelled_so_is_unpacked_too() {
    let packed: [(&str, Vec<u8>); 3] = [
        ("gzip", gzip(json(CARD).as_bytes())),
        ("zlib", zlib(json(CARD).as_bytes())),
        ("zstd", zstd(json(CARD).as_bytes())),
    ];
    for (form, body) in packed {
        for content_type in ["application/json", "application/gzip", "text/plain", ""] {
            let coded = Coded { content_type: Some(content_type), content_encoding: "" };
            for width in [1, 1000] {
                let out = rewritten(&strict(), coded, &body, width).unwrap();
                assert_eq!(decoded(form, &out), json(MASKED).as_bytes());
            }
        }
    }
    let deep = (0..9).fold(json(CARD).into_bytes(), |bytes, _| gzip(&bytes));
    let coded = Coded { content_type: None, content_encoding: "" };
    assert!(matches!(rewritten(&strict(), coded, &deep, 100), Err(Withheld::NotUnderstood(_))));
}

#[test]
fn members_that_follow_are_read_and_garbage_is_not_given_on() {
    let two = [gzip(br#"{"a": "411111111"#), gzip(br#"1111111"}"#)].concat();
    let coded = Coded { content_type: Some("application/json"), content_encoding: "gzip" };
    for body in [two.clone(), [&two[..], &[0; 9]].concat(), [&two[..], b"junk"].concat()] {
        for width in [1, 1000] {
            let out = rewritten(&strict(), coded, &body, width).unwrap();
            assert_eq!(decoded("gzip", &out), br#"{"a": "************1111"}"#);
        }
    }
}

#[test]
fn a_coding_that_does_not_decode_is_not_understood() {
    let body = json(CARD);
    let cases: [(&str, Vec<u8>); 8] = [
        ("gzip", body.clone().into_bytes()),
        ("br", b"\xff\xff\xff\xff".to_vec()),
        ("zstd", body.clone().into_bytes()),
        ("gzip, gzip", gzip(body.as_bytes())),
        ("compress", body.clone().into_bytes()),
        ("aes128gcm", body.clone().into_bytes()),
        ("deflate", b"\x07\x07\x07".to_vec()),
        ("gzip,gzip,gzip,gzip,gzip", body.clone().into_bytes()),
    ];
    for (coding, body) in cases {
        let coded = Coded { content_type: Some("application/json"), content_encoding: coding };
        for width in [1, 1000] {
            assert!(
                matches!(rewritten(&strict(), coded, &body, width), Err(Withheld::NotUnderstood(_))),
                "{coding}"
            );
            for care in [passing(), care()] {
                let out = rewritten(&care, coded, &body, width).unwrap();
                if coding == "gzip, gzip" {
                    // It was packed once.
                    assert_eq!(decoded("gzip", &out), json(MASKED).as_bytes());
                    continue;
                }
                assert!(!mask::holds_card(&out) && out.len() == body.len(), "{coding}");
                assert!(mask::holds_card(&body) || out == body, "{coding}");
            }
        }
    }
    let mut cut = gzip(body.as_bytes());
    cut.truncate(cut.len() - 3);
    let coded = Coded { content_type: Some("application/json"), content_encoding: "gzip" };
    assert!(rewritten(&care(), coded, &cut, 5).is_err(), "cut short");
    assert_eq!(rewritten(&strict(), coded, b"", 1), Ok(Vec::new()), "nothing is nothing in any coding");
}

#[test]
fn bombs_are_stopped_and_what_is_large_and_honest_passes() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::default());
    for _ in 0..64 {
        bomb.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let coded = Coded { content_type: Some("text/plain"), content_encoding: "gzip" };
    assert!(matches!(rewritten(&care(), coded, &bomb, 8192), Err(Withheld::TooLarge(_))));
    let twice = Coded { content_encoding: "gzip, gzip", ..coded };
    assert!(matches!(rewritten(&care(), twice, &gzip(&bomb), 8192), Err(Withheld::TooLarge(_))));
    // A card number behind 8 MB of blanks.
    let mut blanks = vec![b' '; 8 << 20];
    blanks.extend_from_slice(CARD.as_bytes());
    let out = rewritten(&care(), coded, &gzip(&blanks), 8192).unwrap();
    assert!(decoded("gzip", &out).ends_with(MASKED.as_bytes()));
}

#[test]
fn a_stream_of_events_under_a_coding_is_not_held_back() {
    for (coding, pack) in [("gzip", 0), ("br", 1), ("zstd", 2), ("deflate", 3)] {
        let coded = Coded { content_type: Some("text/event-stream"), content_encoding: coding };
        let mut rewrite = open(&care(), coded);
        let mut plain = Vec::new();
        let mut sent = 0;
        let mut to: Pack = match pack {
            0 => flushing(GzEncoder::new(Vec::new(), Compression::default()), |it| {
                std::mem::take(it.get_mut())
            }),
            1 => flushing(brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20), |it| {
                std::mem::take(it.get_mut())
            }),
            2 => flushing(zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap(), |it| {
                std::mem::take(it.get_mut())
            }),
            _ => flushing(ZlibEncoder::new(Vec::new(), Compression::default()), |it| {
                std::mem::take(it.get_mut())
            }),
        };
        let mut reader = Undo::new(match pack {
            0 => Coding::Gzip,
            1 => Coding::Brotli,
            2 => Coding::Zstd,
            _ => Coding::Deflate,
        })
        .unwrap_or_else(|_| panic!());
        for index in 0..20 {
            let event = format!("data: {{\"delta\": \"word {index}th\"}}\n\n");
            sent += event.len();
            let mut out = Vec::new();
            rewrite.push(&to(event.as_bytes()), &mut out).unwrap();
            let mut input = out.as_slice();
            while reader.step(&mut input, &mut plain).unwrap_or_else(|_| panic!()) {}
            assert_eq!(plain.len(), sent, "{coding}: each event is there when it was sent");
        }
    }
}

fn flushing<W: Write + 'static>(mut to: W, take: fn(&mut W) -> Vec<u8>) -> Pack {
    Box::new(move |bytes| {
        to.write_all(bytes).unwrap();
        to.flush().unwrap();
        take(&mut to)
    })
}

#[test]
fn what_is_not_understood_is_passed_scanned_or_refused() {
    let png = [&b"\x89PNG\r\n\x1a\n\0\0\0 tEXtc\0"[..], CARD.as_bytes()].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("image/png", png.clone()),
        ("application/octet-stream", png.clone()),
        ("application/pdf", b"%PDF-1.4\n1 0 obj<</Length 60>>stream\nBT (40000566)".to_vec()),
        ("application/zip", b"PK\x03\x04\x14\0\0\0 and more".to_vec()),
        ("font/woff2", b"wOF2\0\x01\0\0 and more".to_vec()),
        ("application/grpc+proto", b"\0\0\0\0\x12\n\x104111111111111111".to_vec()),
        ("application/x-protobuf", b"\n\x104111111111111111".to_vec()),
        ("application/cbor", b"\xa1cpanp4111111111111111".to_vec()),
        ("application/cbor", b"\xa1cpan\x1b\x00\x0e\x9a\xf4\xe2\xa1\xc7".to_vec()),
        ("application/msgpack", b"\x81\xa3pan\xb04111111111111111".to_vec()),
        ("application/vnd.apache.arrow.stream", 4_111_111_111_111_111_u64.to_le_bytes().to_vec()),
        ("application/octet-stream", b"\0\x01\x02 4111111111111111".to_vec()),
        ("video/mp4", b"\0\0\0\x20ftypisom\0\0\x02\0".to_vec()),
    ];
    for (content_type, body) in cases {
        assert!(
            matches!(told(&strict(), content_type, &body), Err(Withheld::NotUnderstood(_))),
            "{content_type}"
        );
        same(&passing(), content_type, &body);
        let scanned = told(&care(), content_type, &body).unwrap();
        assert!(!mask::holds_card(&scanned) && scanned.len() == body.len(), "{content_type}");
        // Packed, it passes without being packed again.
        let packed = gzip(&body);
        let coded = Coded { content_type: Some(content_type), content_encoding: "gzip" };
        assert_eq!(rewritten(&passing(), coded, &packed, 9).as_ref(), Ok(&packed), "{content_type}");
        assert!(
            matches!(rewritten(&strict(), coded, &packed, 9), Err(Withheld::NotUnderstood(_))),
            "{content_type}"
        );
    }
    // What is called text is masked where images pass, whatever it starts with.
    check(&passing(), "text/plain", &format!("%PDF- {CARD}"), &format!("%PDF- {MASKED}"));
    assert!(told(&strict(), "text/plain", b"some text\0 and more").is_err());
    assert!(told(&strict(), "text/plain", &[b"some text ", &[1; 90][..]].concat()).is_err());
}

#[test]
fn text_in_other_character_sets_is_masked_and_stays_in_them() {
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|it| if big { it.to_be_bytes() } else { it.to_le_bytes() }).collect()
    };
    let utf32 = |text: &str, big: bool| -> Vec<u8> {
        let code = |it: char| if big { u32::from(it).to_be_bytes() } else { u32::from(it).to_le_bytes() };
        text.chars().flat_map(code).collect()
    };
    let (body, gone) = (json(CARD), json(MASKED));
    for big in [false, true] {
        for mark in ["", "\u{feff}"] {
            for content_type in ["application/json", "application/json; charset=utf-16", "text/plain"] {
                for care in [care(), strict(), passing()] {
                    let put = |text: &str| utf16(&format!("{mark}{text}"), big);
                    assert_eq!(told(&care, content_type, &put(&body)).as_ref(), Ok(&put(&gone)));
                    let put = |text: &str| utf32(&format!("{mark}{text}"), big);
                    assert_eq!(told(&care, content_type, &put(&body)).as_ref(), Ok(&put(&gone)));
                }
            }
        }
    }
    let halves =
        [&utf16("ab\u{1f4b3} ", false)[..], &[0x34, 0xd8], &utf16("\u{10e123}x", false), &[7]].concat();
    same(&care(), "text/plain; charset=utf-16le", &halves);
    // A no-break space between the groups is one byte in Latin-1.
    let latin = b"caf\xe9 4111\xa01111\xa01111\xa01111 \x81\xff".to_vec();
    let gone = b"caf\xe9 ****\xa0****\xa0****\xa01111 \x81\xff".to_vec();
    for charset in ["iso-8859-1", "latin1", "windows-1252", "\"ISO-8859-15\""] {
        assert_eq!(told(&strict(), &format!("text/plain; charset={charset}"), &latin).as_ref(), Ok(&gone));
    }
    // Fullwidth digits in Shift_JIS, and bytes that are none of its characters.
    let wide: Vec<u8> = CARD.bytes().flat_map(|digit| [0x82, 0x4f + digit - b'0']).collect();
    let out =
        told(&care(), "text/plain; charset=shift_jis", &[b"abc ", &wide[..], b"\xff\x81 \x83"].concat())
            .unwrap();
    assert!(!String::from_utf8_lossy(&out).contains("\u{fffd}\u{fffd}\u{fffd}\u{fffd}1"));
    assert_ne!(out.get(4..8), wide.get(..4));
    assert!(out.ends_with(b"\xff\x81 \x83"));
}

#[test]
fn a_character_set_that_nobody_knows_is_not_understood() {
    let ebcdic: Vec<u8> = [0xc0, 0x7f, 0x97, 0x81, 0x95, 0x7f, 0x7a, 0x40]
        .into_iter()
        .chain(CARD.bytes().map(|it| it + 0xc0))
        .collect();
    for charset in ["ibm037", "cp037", "utf-7", "iso-2022-jp"] {
        let content_type = format!("text/plain; charset={charset}");
        assert!(
            matches!(told(&strict(), &content_type, &ebcdic), Err(Withheld::NotUnderstood(_))),
            "{charset}"
        );
    }
    assert!(told(&strict(), "text/plain; charset=x-own", &ebcdic).is_err());
    // What reads as ASCII for whoever does not know its name is looked at.
    for charset in ["x-own", "none", "utf8mb4", "utf-16"] {
        check(&passing(), &format!("application/json; charset={charset}"), &json(CARD), &json(MASKED));
    }
}

#[test]
fn nothing_is_released_of_a_body_in_which_nothing_may_be_found() {
    let refusing = Care { refuses: true, ..strict() };
    for (content_type, body) in [
        ("application/json", json(CARD)),
        ("text/plain", format!("pan {CARD}")),
        ("text/csv", format!("a,b\n1,{CARD}\n")),
        ("application/x-www-form-urlencoded", format!("a=b&c={CARD}")),
        ("application/xml", format!("<a>{CARD}</a>")),
    ] {
        assert_eq!(told(&refusing, content_type, body.as_bytes()), Err(Withheld::CardData), "{content_type}");
        let coded = Coded { content_type: Some(content_type), content_encoding: "gzip" };
        assert_eq!(
            rewritten(&refusing, coded, &gzip(body.as_bytes()), 7),
            Err(Withheld::CardData),
            "{content_type}"
        );
    }
    same(&refusing, "application/json", json("none").as_bytes());
}

#[test]
fn sensitive_authentication_data_is_withheld_in_every_kind() {
    let track = ";4111111111111111=29121010000012300000?";
    for (content_type, body) in [
        ("application/json", format!(r#"{{"a": "{track}"}}"#)),
        ("text/plain", format!("read: {track}")),
        ("text/csv", "pan,cvv\n4111111111111111,123\n".to_owned()),
        ("application/x-www-form-urlencoded", "pan=4111111111111111&cvv=%31%32%33".to_owned()),
        ("application/xml", "<a><pan>4111111111111111</pan><cvv><!-- x -->123</cvv></a>".to_owned()),
        ("application/xml", "<a><field name=\"cvv\">123</field></a>".to_owned()),
        ("text/html", format!("<p>{track}</p>")),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"cvv\"\r\n\r\n123\r\n--b--\r\n".to_owned(),
        ),
        ("application/octet-stream", format!("\0\x01{track}")),
    ] {
        assert_eq!(told(&care(), content_type, body.as_bytes()), Err(Withheld::Sad), "{content_type}");
    }
}

#[test]
fn base64_of_a_container_is_looked_into_in_strict_mode() {
    let hidden = STANDARD.encode(gzip(json(CARD).as_bytes()));
    let harmless = STANDARD.encode(gzip(json("none").as_bytes()));
    check(
        &strict(),
        "text/plain",
        &format!("d: {hidden}, x"),
        &format!("d: {}, x", "*".repeat(hidden.len())),
    );
    same(&strict(), "text/plain", format!("d: {harmless}, x").as_bytes());
    same(&strict(), "text/plain", b"d: H4sIn, eJustus, UEsDE and KLUv are words here too, says H4");
    let long: String = (0..400).map(|it| format!("{it} lines of it, so that it wraps; ")).collect();
    let wrapped = STANDARD.encode(gzip(format!("{long}{CARD}").as_bytes()));
    let wrapped: Vec<&str> =
        wrapped.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let body = format!("mail\r\n\r\n{}\r\n\r\nend", wrapped.join("\r\n"));
    let out = told(&strict(), "text/plain", body.as_bytes()).unwrap();
    assert!(out.starts_with(b"mail\r\n\r\n****") && out.ends_with(b"****\r\n\r\nend"));
}

#[test]
fn an_empty_body_of_any_kind_is_empty() {
    for content_type in [
        "",
        "application/json",
        "text/csv",
        "image/png",
        "multipart/mixed; boundary=x",
        "text/xml",
        "application/x-www-form-urlencoded",
    ] {
        same(&strict(), content_type, b"");
    }
}

mod evasions;

#[test]
fn what_a_model_says_in_lines_is_one_text_wherever_it_speaks() {
    let lines = |pieces: &[&str], done: &str| {
        let line = |piece: &&str| format!("{{\"message\": {{\"content\": \"{piece}\"}}, \"done\": false}}\n");
        pieces.iter().map(line).collect::<String>() + done
    };
    let done = "{\"message\": {\"content\": \"\"}, \"done\": true}\n";
    for care in [care(), strict(), passing()] {
        let body = lines(&["no ", "4111", "1111", "1111", "1111", " more"], done);
        let told = told(&care, "application/x-ndjson", body.as_bytes()).unwrap();
        let said: String = String::from_utf8(told)
            .unwrap()
            .lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                line["message"]["content"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(said, format!("no {MASKED} more"));
    }
}

#[test]
fn records_that_are_no_model_s_stay_lines_of_their_own() {
    let records: String = (0..9)
        .map(|at| format!("{{\"t\": \"4111{at}\"}}\n{{\"id\": \"1111111{at}\", \"text\": \"1111\"}}\n"))
        .collect();
    for care in [care(), strict(), passing()] {
        same(&care, "application/x-ndjson", records.as_bytes());
        check(
            &care,
            "application/x-ndjson",
            &format!("{records}{}\n", json(CARD)),
            &format!("{records}{}\n", json(MASKED)),
        );
    }
}

#[test]
fn a_line_of_any_length_passes_masked() {
    let long = format!("{{\"a\": \"{}\", \"b\": \"{CARD}\"}}", "x ".repeat(9 << 20));
    let body = format!("{{\"id\": 1}}\n{long}\n{}\n", json(CARD));
    let coded = Coded { content_type: Some("application/x-ndjson"), content_encoding: "" };
    let told = rewritten(&care(), coded, body.as_bytes(), 1 << 20).unwrap();
    assert_eq!(told.len(), body.len());
    assert!(told == body.replace(CARD, MASKED).into_bytes());
}
