use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn a(what: &str) -> Key {
    let who = Who {
        kind: "agent".into(),
        id: "a".into(),
        issuer: "https://idp.example.com".into(),
        subject: "a".into(),
        groups: Vec::new(),
        person: None,
        token_id: "".into(),
        on_behalf_of: None,
        lent: None,
    };
    key(&who, &"shop".into(), what)
}

#[test]
fn what_is_counted_counts_for_a_day_and_for_ten_minutes_more_at_most() {
    let mut counts = Counts::default();
    counts.count(a("c"), 5, NOW);
    let sum = |after| counts.sum(&a("c"), NOW.plus_seconds(after));
    assert_eq!(sum(0), 5);
    assert_eq!(sum(WINDOW_SECONDS), 5);
    assert_eq!(sum(WINDOW_SECONDS + SLOT_SECONDS), 0);
    assert_eq!(sum(-3_600), 5, "a clock that is set back forgets nothing");
}

#[test]
fn what_is_kept_does_not_grow_with_what_is_counted() {
    let mut counts = Counts::default();
    for second in 0..200_000 {
        counts.count(a("c"), 1, NOW.plus_seconds(second));
    }
    let slots: usize = counts.counted.values().map(VecDeque::len).sum();
    assert!(slots <= usize::try_from(WINDOW_SECONDS / SLOT_SECONDS + 1).unwrap(), "{slots}");
}

#[test]
fn of_more_than_can_be_counted_the_sum_is_the_highest() {
    let mut counts = Counts::default();
    for at in 0..KEYS_MAX {
        counts.count(a(&format!("t.c{at}")), 1, NOW);
    }
    assert_eq!(counts.sum(&a("t.new"), NOW), u64::MAX);
    assert_eq!(counts.sum(&a("t.c0"), NOW), 1);
    let later = NOW.plus_seconds(2 * WINDOW_SECONDS);
    counts.count(a("t.c0"), 1, later);
    assert_eq!(counts.sum(&a("t.new"), later), 0);
}
