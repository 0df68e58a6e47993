use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use proptest::prelude::*;

use super::Boundary;

const CARD: &str = "4000056655665556";
const ANEW: &str = "kgggglmmllmmlllm";

fn of(content_type: &str) -> HeaderMap {
    [(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())].into_iter().collect()
}

fn written(boundary: &mut Boundary, pieces: &[&[u8]]) -> String {
    let mut out: Vec<u8> = pieces.iter().flat_map(|piece| boundary.push(piece)).collect();
    out.extend(boundary.finish());
    String::from_utf8(out).unwrap()
}

#[test]
fn letters_stand_for_the_digits_of_a_boundary_that_reads_as_a_card_number() {
    for (said, anew) in [
        (
            format!("multipart/form-data; boundary=--x{CARD}"),
            format!("multipart/form-data; boundary=--x{ANEW}"),
        ),
        (
            format!("multipart/mixed; a=b; Boundary=\"{CARD}\" ; c=d"),
            format!("multipart/mixed; a=b; Boundary=\"{ANEW}\" ; c=d"),
        ),
    ] {
        let mut headers = of(&said);
        headers.insert("digest", HeaderValue::from_static("sha-256=x"));
        assert!(Boundary::anew(&mut headers).is_some(), "{said}");
        assert_eq!((headers[CONTENT_TYPE].to_str().unwrap(), headers.len()), (anew.as_str(), 1));
    }
}

#[test]
fn other_headers_stay_as_they_are() {
    for said in [
        "multipart/form-data; boundary=4000056655665557".to_owned(),
        "multipart/form-data; boundary=abc".to_owned(),
        "multipart/form-data".to_owned(),
        "text/plain".to_owned(),
        // Written with escapes.
        "multipart/form-data; boundary=\"4\\000056655665556\"".to_owned(),
        // Here as well as in the boundary.
        format!("multipart/form-data; a=4111111111111111; boundary={CARD}"),
    ] {
        let mut headers = of(&said);
        assert!(Boundary::anew(&mut headers).is_none(), "{said}");
        assert_eq!(headers, of(&said));
    }
    let mut coded = of(&format!("multipart/form-data; boundary={CARD}"));
    coded.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert!(Boundary::anew(&mut coded).is_none());
}

#[test]
fn it_is_written_anew_at_the_beginning_of_lines_and_nowhere_else() {
    let mut boundary = Boundary::anew(&mut of(&format!("multipart/form-data; boundary={CARD}"))).unwrap();
    let body =
        format!("--{CARD}\r\n\r\na --{CARD} {CARD}\n--{CARD}\n--400\r\n{CARD}\r\n\r\n--{CARD}--\r\n--40");
    let anew =
        format!("--{ANEW}\r\n\r\na --{CARD} {CARD}\n--{ANEW}\n--400\r\n{CARD}\r\n\r\n--{ANEW}--\r\n--40");
    assert_eq!(written(&mut boundary, &[body.as_bytes()]), anew);
}

proptest! {
    #[test]
    fn how_a_body_is_cut_changes_nothing(
        lines in proptest::collection::vec("(--4000056655665556(--)?|--40{0,4}|[a\r -]{0,3})[\r\n]{0,2}", 0..8),
        cuts in proptest::collection::vec(0..200usize, 0..6),
    ) {
        let said = of(&format!("multipart/form-data; boundary={CARD}"));
        let body = lines.concat();
        let whole = written(&mut Boundary::anew(&mut said.clone()).unwrap(), &[body.as_bytes()]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).chain([0, body.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &body.as_bytes()[cut[0]..cut[1]]).collect();
        let cut = written(&mut Boundary::anew(&mut said.clone()).unwrap(), &pieces);
        prop_assert_eq!(&cut, &whole);
        prop_assert_eq!(cut.len(), body.len());
    }
}
