use mask::Profile;
use proptest::prelude::*;

use super::*;
use crate::frame::Frames;

const MASKER: Masker = Masker::new(Profile::Last4);
const TRACK: &str = ";4111111111111111=29121011234?";

type Value = Option<&'static [u8]>;
type Make = fn() -> Action;

/// An action, with one value, how that is to be told, and how often that counts as masked.
fn column() -> impl Strategy<Value = (Make, Format, Value, Value, u64)> {
    let (text, binary) = (Format::Text, Format::Binary);
    let scan: Make = || Action::Scan { type_oid: oid::TEXT, context: Context::default() };
    let scan_number: Make = || Action::Scan { type_oid: oid::INT8, context: Context::default() };
    let truncate: Make = || Action::Truncate { type_oid: oid::TEXT };
    let reveal: Make = || Action::Reveal { type_oid: oid::INT4, as_text: true };
    let whole: Make = || Action::Whole;
    let null: Make = || Action::Null;
    let pass: Make = || Action::Pass;
    prop::sample::select(vec![
        (pass, text, Some(&b"4111111111111111"[..]), Some(&b"4111111111111111"[..]), 0),
        (scan, text, Some(b"a short note"), Some(b"a short note"), 0),
        (scan, text, Some(b""), Some(b""), 0),
        (scan, text, Some(b"card 4111111111111111."), Some(b"card ************1111."), 1),
        (scan, text, None, None, 0),
        (scan_number, text, Some(b"4111111111111111"), None, 1),
        (truncate, text, Some(b"4111111111111111"), Some(b"************1111"), 1),
        (truncate, text, Some(b"unknown"), Some(b"****"), 1),
        (truncate, text, None, None, 0),
        (reveal, binary, Some(&[0, 0, 4, 1]), Some(b"1025"), 0),
        (reveal, text, Some(b"1025"), Some(b"1025"), 0),
        (whole, text, Some(b"Jane Doe"), Some(b"****"), 1),
        (whole, text, None, None, 0),
        (null, text, Some(b"123"), None, 1),
    ])
}

fn row(values: &[Value]) -> BytesMut {
    let mut out = BytesMut::new();
    message(&mut out, b'D', |out| {
        out.put_u16(u16::try_from(values.len()).unwrap());
        values.iter().for_each(|value| put_value(out, *value));
    });
    out
}

fn frame(bytes: &[u8]) -> Frame {
    let mut frames = Frames::new(Side::Upstream, 1 << 20);
    frames.push(bytes);
    frames.next().unwrap().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_value_of_a_row_is_told_as_its_column_says(columns in prop::collection::vec(column(), 0..8)) {
        let actions: Vec<_> = columns.iter().map(|(action, format, ..)| (action(), *format)).collect();
        let passes = actions.iter().all(|(action, _)| matches!(action, Action::Pass));
        let plan = Plan { actions, masker: MASKER, passes };
        let came: Vec<Value> = columns.iter().map(|(_, _, came, ..)| *came).collect();
        let told: Vec<Value> = columns.iter().map(|(_, _, _, told, _)| *told).collect();
        let mut out = BytesMut::from("before");
        let outcome = plan.row(&frame(&row(&came)), &mut out).unwrap();
        prop_assert_eq!(&out[..6], b"before");
        prop_assert_eq!(&out[6..], &row(&told)[..]);
        prop_assert_eq!(outcome.masked, columns.iter().map(|column| column.4).sum::<u64>());
        prop_assert!(!outcome.sad);
    }
}

#[test]
fn nothing_of_a_row_with_a_track_or_of_a_broken_one_is_told() {
    let actions = || {
        vec![
            (Action::Whole, Format::Text),
            (Action::Scan { type_oid: oid::TEXT, context: Context::default() }, Format::Text),
        ]
    };
    let plan = Plan { actions: actions(), masker: MASKER, passes: false };
    let mut out = BytesMut::from("before");
    let sad = row(&[Some(b"Jane Doe"), Some(TRACK.as_bytes())]);
    assert!(plan.row(&frame(&sad), &mut out).unwrap().sad);
    assert_eq!(out, "before");
    // One column too few, one too many, a value that is longer than the row, bytes after the last.
    let mut long = row(&[Some(b"Jane Doe"), Some(b"a note")]);
    long[22] = 7;
    let mut more = row(&[Some(b"Jane Doe"), Some(b"a note"), None]);
    more[6] = 2;
    for broken in [row(&[Some(b"Jane Doe")]), row(&[None, None, None]), long, more] {
        assert!(plan.row(&frame(&broken), &mut out).is_err());
        assert_eq!(out, "before");
    }
}
