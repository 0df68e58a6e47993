use proptest::prelude::*;

use super::*;

/// One list known by all offsets, one by those next to each other.
fn bitmaps(kind: Kind) -> Bitmaps<2, 2> {
    let end = |word: &str| {
        OFFSETS.map(|offset| match word.as_bytes().iter().rev().nth(offset) {
            Some(letter) => Set::of(|byte| byte == *letter),
            None => Set::of(|byte| !byte.is_ascii_alphabetic()),
        })
    };
    let near = |word: &str| {
        let [one, two, three, four, _] = end(word);
        [one, two, three, four, Set::ALL]
    };
    let lists = [Words::list(["abcdef", "f", "x-"].map(end)), Words::list(["cd", "bcd", "-x"].map(near))];
    Bitmaps::made(
        kind,
        lists,
        [Set::of(|byte| byte.is_ascii_digit()), Set::of(|byte| b"axz-".contains(&byte))],
    )
}

fn blocks(kind: Kind, text: &[u8], from: usize) -> Vec<(usize, Block<2, 2>)> {
    let (bitmaps, mut blocks, mut from) = (bitmaps(kind), Vec::new(), from);
    while let Seen::Block { at, hits, .. } = bitmaps.next(text, from, 0, Every) {
        blocks.extend(hits.map(|block| (at, block)));
        from = at + BLOCK;
    }
    blocks
}

/// Every block shows itself.
#[derive(Clone, Copy)]
struct Every;

impl Passed<2, 2> for Every {
    type Hits = Block<2, 2>;

    fn step(&mut self, _at: usize, block: &Block<2, 2>) -> Option<Self::Hits> {
        Some(*block)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_machine_makes_the_same_of_kinds_and_misses_no_end(
        text in prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'c'), Just(b'd'), Just(b'e'), Just(b'f'), Just(b'x'), Just(b'-'), any::<u8>()], 0..300),
        from in 0usize..100,
    ) {
        let plain = blocks(Kind::Portable, &text, from);
        for kind in Kind::all() {
            let made = blocks(kind, &text, from);
            prop_assert_eq!(made.len(), plain.len());
            for ((at, block), (place, plain)) in made.iter().zip(&plain) {
                prop_assert_eq!(at, place);
                prop_assert_eq!(block.kinds, plain.kinds);
                for (ends, plain) in block.ends.iter().zip(plain.ends) {
                    prop_assert_eq!(ends & plain, plain, "an end is missed by {:?}", kind);
                }
            }
        }
    }
}

#[test]
fn the_end_of_a_word_shows_where_it_is_and_nowhere_else() {
    let [(_, block)] = blocks(Kind::Portable, b"abcdef 1, 2, f bcd", 0)[..] else { panic!("one block") };
    assert_eq!(block.ends, [1 << 5 | 1 << 13, 1 << 17]);
    assert_eq!(block.kinds, [1 << 7 | 1 << 10, 1]);
}
