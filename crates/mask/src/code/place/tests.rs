use proptest::prelude::*;

use super::*;

type Named<'n> = dyn Fn(usize) -> bool + 'n;

#[test]
fn no_place_is_gone_over_wherever_it_stands() {
    let values = [
        "=123 ",
        ">1234<",
        " 999,",
        "\"0412AC89ABCDEF67\"",
        ":0x0412AC89ABCDEF67 ",
        "%3D123%26",
        "%3a1234",
        "(123)",
        "`123`",
    ];
    for value in values {
        for before in 1..100 {
            for after in [0, 1, 40, 100] {
                let text = format!("{}{value}{}", "cvv".repeat(before), "-".repeat(after));
                let place = value.bytes().position(|byte| byte.is_ascii_hexdigit()).unwrap() + 3 * before;
                let text = Text::whole(text.as_bytes());
                assert_eq!(next(&text, 0), place, "{value} behind {before} and before {after}");
                assert_eq!(next(&text, place), place, "{value} behind {before}");
            }
        }
    }
}

#[test]
fn what_is_not_known_yet_may_be_anything() {
    for before in 1..100 {
        let name = "cvv".repeat(before);
        for begun in ["=1", "=12", "=123", "=a", "=A1B2C3", "%3", "%3D1", "=0x"] {
            let text = format!("{name}{begun}");
            assert_eq!(next(&Text::new(text.as_bytes(), false), 0), name.len() + 1, "{text}");
        }
        for other in ["=1y", "=12345.", "=g", "=a1.", "-1", "=A1B2C3.", "%3g"] {
            let text = format!("{name}{other}");
            assert_eq!(next(&Text::new(text.as_bytes(), false), 0), text.len(), "{text}");
        }
        for ended in ["=1", "=12", "=A1B2C3", "%3"] {
            let text = format!("{name}{ended}");
            assert_eq!(next(&Text::whole(text.as_bytes()), 0), text.len(), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn every_machine_says_the_same(
        text in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"0123456789abcdefx =:>\"'%3D`[#Y".to_vec())], 0..300),
        goes_on in any::<bool>(),
    ) {
        let all = |scan: &dyn Fn(&Named<'_>) -> Option<usize>| {
            let all = std::cell::RefCell::new(Vec::new());
            scan(&|place| {
                all.borrow_mut().push(place);
                false
            });
            all.into_inner()
        };
        let slow = all(&|named| scan_with(&text, goes_on, bits, named));
        prop_assert_eq!(&all(&|named| scan(&text, goes_on, named)), &slow);
        #[cfg(target_arch = "x86_64")]
        if avx2::available() {
            prop_assert_eq!(all(&|named| avx2::scan(&text, goes_on, named)), slow);
        }
    }
}
