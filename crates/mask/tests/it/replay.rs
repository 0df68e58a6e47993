//! The fuzz entry points over seeds and mutations of them, the same every time.

use crate::cards;

const SEEDS: &[&str] = &[
    "pan 4111-1111-1111-1111, %B4111111111111111^DOE/JANE^29121011234567?;4111111111111111=29121011234567?",
    r#"{"pan":"4111\u00a01111 11111111","a":[1,{"cvv":"123"}],"b":{"c":null},"n":4.000056655665556e15,"s":"\\x34313131"}"#,
    "4111%201111%201111%201111 &#52;111&nbsp;1111&nbsp;1111&nbsp;1111 ４１１１１１１１１１１１１１１１ \\u0034111111111111111",
    "NDExMTExMTExMTExMTExMSwgNTU1NTU1NTU1NTU1NDQ0NA== \\x34313131313131313131313131313131 DE89 3704 0044 0532 0130 00",
    "@ anna@example.com +49 30 901820 ssn 536-22-8731 GB29NWBK60161331926819 DE89 3704 0044 0532 0130 00 4111 1111 1111 1111",
    "password = 'Zk3v9qTw7RbX2m' redis://:Zk3v9qTw7RbX2m@cache:6379 \"api_key\": \"9f86d081884c7d659a2feaa0c55ad015\" -u a:Zk3v9qTw7RbX2m",
    "\u{c}-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIGExYjJjM2Q0ZTVmNmE3YjhjOWQwZTFmMmEzYjRjNWQ2\\n-----END PRIVATE KEY-----",
    "41111111111111115555555555554444378282246310005 550e8400-e29b-41d4-a716-446655440000 0004111111111111111",
];

#[test]
fn seeds_and_their_mutations_are_masked_once_and_for_all() {
    let cards: String = cards().map(|(_, number)| number).collect::<Vec<_>>().join(" ");
    let mut state = 1_u64;
    let mut random = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for seed in SEEDS.iter().copied().chain([cards.as_str()]) {
        mask::fuzz_text(seed.as_bytes());
        mask::fuzz_json(seed.as_bytes());
        mask::fuzz_stream(seed.as_bytes());
        for _ in 0..60 {
            let mut data = seed.as_bytes().to_vec();
            for _ in 0..=random(4) {
                let (at, from) = (random(data.len()), random(data.len()));
                match random(4) {
                    0 => data[at] = u8::try_from(random(256)).unwrap(),
                    1 => drop(data.remove(at)),
                    2 => data[at] = data[from],
                    _ => data.truncate(at.max(1)),
                }
            }
            mask::fuzz_text(&data);
            mask::fuzz_json(&data);
            mask::fuzz_stream(&data);
        }
    }
}

/// Values of numeric types and packed decimal, in hex.
const BINARY_SEEDS: &[&str] = &[
    "000e9b08a568f1c7",
    "c7f168a5089b0e00",
    "c7e3a3ab8ae1a607",
    "432d36114ad1e38e",
    "0004000300000000 100f045704570457",
    "c7f168a5089b0e00 0000000000004030",
    "5a08411111111111111157134111111111111111d29121011234567890123f5f3401019f6b134111111111111111d2912101",
    "0100723a448128c288051641111111111111110000000000000015001122213045000123",
    "1537828224631000 5f",
];

#[test]
fn binary_seeds_and_their_mutations_are_read_the_same_however_cut() {
    let mut state = 2_u64;
    let mut random = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for seed in BINARY_SEEDS {
        let hex: String = seed.chars().filter(|c| *c != ' ').collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let raw: Vec<u8> = hex.as_bytes().chunks(2).map(byte).collect();
        for seed in [raw, hex.into_bytes()] {
            mask::fuzz_number(&seed);
            mask::fuzz_packed(&seed);
            for _ in 0..60 {
                let mut data = seed.clone();
                for _ in 0..=random(3) {
                    let (at, from) = (random(data.len()), random(data.len()));
                    match random(4) {
                        0 => data[at] = u8::try_from(random(256)).unwrap(),
                        1 => data.insert(at, data[from]),
                        2 => data[at] = data[from],
                        _ => data.truncate(at.max(1)),
                    }
                }
                mask::fuzz_number(&data);
                mask::fuzz_packed(&data);
            }
        }
    }
}
