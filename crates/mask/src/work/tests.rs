use super::take;
use crate::{Classes, Masker, Profile, Stream};

const ALL: Classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
const NASTY: &[&str] = include!("../../tests/nasty.in");

/// Bytes looked at for each byte of a text, at most. A text is read in five ways, each place with a bounded
/// stretch around it, and what is masked is read again where it stands.
const WORK_A_BYTE: usize = 1500;
/// The same where each byte comes by itself: what is open is looked at again with each.
const WORK_A_PIECE: usize = 6000;

#[test]
fn finding_in_a_whole_text_takes_work_in_proportion_to_its_length() {
    check(16 * 1024, WORK_A_BYTE, |text| _ = crate::find_all(text, ALL).count());
}

#[test]
fn masking_a_whole_text_takes_work_in_proportion_to_its_length() {
    check(16 * 1024, WORK_A_BYTE, |text| _ = Masker::new(Profile::Last4).with(ALL).text(text));
}

#[test]
fn masking_a_stream_takes_work_in_proportion_to_its_length() {
    check(16 * 1024, WORK_A_BYTE, |text| mask_in_pieces(text, 1000));
}

#[test]
fn masking_a_stream_that_comes_byte_by_byte_takes_work_in_proportion_to_its_length() {
    check(4 * 1024, WORK_A_PIECE, |text| mask_in_pieces(text, 1));
}

fn mask_in_pieces(text: &[u8], size: usize) {
    let mut stream = Stream::new(Masker::new(Profile::Last4).with(ALL));
    let mut out = Vec::new();
    for piece in text.chunks(size) {
        stream.push(piece, &mut out);
        out.clear();
    }
    stream.finish(&mut out);
}

/// Twice as many `bytes` take twice the work, and none takes more than so much `a_byte`.
fn check(bytes: usize, a_byte: usize, scan: impl Fn(&[u8])) {
    let mixed = NASTY.concat();
    for piece in NASTY.iter().copied().chain([&*mixed]) {
        let work = |bytes: usize| {
            let text = piece.repeat(bytes / piece.len());
            take();
            scan(text.as_bytes());
            take()
        };
        let [one, two] = [bytes, 2 * bytes].map(work);
        assert!(two * 10 <= one * 21, "{piece:?}: {one}, and {two} for twice as much");
        assert!(two <= a_byte * 2 * bytes, "{piece:?}: {} for each byte", two / (2 * bytes));
    }
}
