use mask::Profile;
use proptest::prelude::*;

use super::*;
use crate::frame::message;
use crate::value::oid;

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

/// Tells a row that nothing follows.
fn tell(plan: &mut Plan, row: &[u8], out: &mut BytesMut) -> Result<RowOutcome, Violation> {
    let mut frames = upstream();
    frames.push(row);
    let frame = frames.next().unwrap().unwrap();
    plan.row(&frame, &frames, &mut 0, out)
}

fn upstream() -> Frames {
    Frames::new(Side::Upstream, 1 << 20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_value_of_a_row_is_told_as_its_column_says(columns in prop::collection::vec(column(), 0..8)) {
        let actions: Vec<_> = columns.iter().map(|(action, format, ..)| (action(), *format)).collect();
        let mut plan = Plan::new(actions, MASKER);
        let came: Vec<Value> = columns.iter().map(|(_, _, came, ..)| *came).collect();
        let told: Vec<Value> = columns.iter().map(|(_, _, _, told, _)| *told).collect();
        let mut out = BytesMut::from("before");
        let outcome = tell(&mut plan, &row(&came), &mut out).unwrap();
        prop_assert_eq!(&out[..6], b"before");
        prop_assert_eq!(&out[6..], &row(&told)[..]);
        prop_assert_eq!(outcome.masked, columns.iter().map(|column| column.4).sum::<u64>());
        prop_assert!(!outcome.sad);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_are_told_the_same_whether_others_follow_or_not(
        kinds in prop::collection::vec(0..5_usize, 1..60),
        ends in prop::collection::vec(any::<bool>(), 60),
    ) {
        let texts: [&'static [u8]; 5] =
            [b"a note", b"paid 12.50", b"2026-11-29", b"card 4111111111111111.", b""];
        let scan = || (Action::Scan { type_oid: oid::TEXT, context: Context::default() }, Format::Text);
        let actions = || vec![scan(), (Action::Whole, Format::Text), scan()];
        let rows: Vec<_> = kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| row(&[Some(b"remark"), Some(b"Jane Doe"), Some(texts[(kind + index / 7) % 5])]))
            .collect();
        let mut alone = BytesMut::new();
        for row in &rows {
            tell(&mut Plan::new(actions(), MASKER), row, &mut alone).unwrap();
        }
        // They come in several reads.
        let (mut plan, mut frames, mut out) = (Plan::new(actions(), MASKER), upstream(), BytesMut::new());
        for (row, ends) in rows.iter().zip(ends) {
            frames.push(row);
            if ends {
                while let Some(frame) = frames.next().unwrap() {
                    plan.row(&frame, &frames, &mut 0, &mut out).unwrap();
                }
            }
        }
        while let Some(frame) = frames.next().unwrap() {
            plan.row(&frame, &frames, &mut 0, &mut out).unwrap();
        }
        prop_assert_eq!(out, alone);
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
    let mut plan = Plan::new(actions(), MASKER);
    let mut out = BytesMut::from("before");
    let sad = row(&[Some(b"Jane Doe"), Some(TRACK.as_bytes())]);
    assert!(tell(&mut plan, &sad, &mut out).unwrap().sad);
    assert_eq!(out, "before");
    // One column too few, one too many, a value that is longer than the row, bytes after the last.
    let mut long = row(&[Some(b"Jane Doe"), Some(b"a note")]);
    long[22] = 7;
    let mut more = row(&[Some(b"Jane Doe"), Some(b"a note"), None]);
    more[6] = 2;
    for broken in [row(&[Some(b"Jane Doe")]), row(&[None, None, None]), long, more] {
        assert!(tell(&mut plan, &broken, &mut out).is_err());
        assert_eq!(out, "before");
    }
}
