use super::take;
use crate::{Classes, Masker, Profile, Stream};

const ALL: Classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
const NASTY: &[&str] = include!("../../tests/nasty.in");

/// Bytes looked at for each byte of a text, at most. A text is read in five ways, each place with a bounded
/// stretch around it, and what is masked is read again where it stands.
const WORK_A_BYTE: usize = 1500;

#[test]
fn finding_in_a_whole_text_takes_work_in_proportion_to_its_length() {
    check(|text| _ = crate::find_all(text, ALL).count());
}

#[test]
fn masking_a_whole_text_takes_work_in_proportion_to_its_length() {
    check(|text| _ = Masker::new(Profile::Last4).with(ALL).text(text));
}

#[test]
fn masking_a_stream_takes_work_in_proportion_to_its_length() {
    check(|text| {
        let mut stream = Stream::new(Masker::new(Profile::Last4).with(ALL));
        let mut out = Vec::new();
        for piece in text.chunks(1000) {
            stream.push(piece, &mut out);
            out.clear();
        }
        stream.finish(&mut out);
    });
}

/// Twice the text takes twice the work, and none takes more than so much a byte.
fn check(scan: impl Fn(&[u8])) {
    for piece in NASTY {
        let work = |bytes: usize| {
            let text = piece.repeat(bytes / piece.len());
            take();
            scan(text.as_bytes());
            take()
        };
        let [one, two] = [1 << 15, 1 << 16].map(work);
        assert!(two * 10 <= one * 21, "{piece:?}: {one}, and {two} for twice as much");
        assert!(two <= WORK_A_BYTE << 16, "{piece:?}: {} for each byte", two >> 16);
    }
}
