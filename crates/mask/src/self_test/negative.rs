//! What only looks like card numbers, as data: each kind is a row of the report.

use crate::brand::{Tier, chance};
use crate::self_test::encode::{STANDARD, URL, base64};
use crate::self_test::number::checked;
use crate::self_test::random::Random;

/// One kind of text that holds no card number.
pub(crate) struct Negative {
    pub name: &'static str,
    /// The share of which the digits alone say that they are a card's: no detector tells these apart.
    pub chance: fn() -> f64,
    /// One such text; the number counts them.
    pub make: fn(&mut Random, u64) -> String,
}

const fn kind(name: &'static str, make: fn(&mut Random, u64) -> String) -> Negative {
    Negative { name, chance: || 0.0, make }
}

const fn by_chance(
    name: &'static str,
    chance: fn() -> f64,
    make: fn(&mut Random, u64) -> String,
) -> Negative {
    Negative { name, chance, make }
}

/// The share of random numbers of `length` digits that are to be taken for cards: as they stand, padded with
/// zeros, or behind their length (LLVAR).
fn uniform(length: usize) -> f64 {
    let padded: f64 = (0..length)
        .zip(0..)
        .map(|(zeros, power)| 0.1_f64.powi(power) * chance(length - zeros, Tier::A))
        .sum();
    let inner = length.saturating_sub(2);
    padded + if (13..=16).contains(&inner) { chance(inner, Tier::A) / 100.0 } else { 0.0 }
}

/// The share of numbers that are written as cards are, and none of which begins with a zero.
fn in_groups() -> f64 {
    chance(16, Tier::B) / 0.9
}

/// Hexadecimal numbers of sixteen digits of which nearly all are decimal.
fn hex16() -> f64 {
    0.625_f64.powi(16) * uniform(16)
}

/// Hexadecimal numbers in which twenty digits and more follow each other: eleven of three million were flagged of
/// those that have 32.
const LONG_RUNS: f64 = 4e-6;

/// Parcel numbers of UPS whose last letter stands so far before their end that digits enough follow: ten, and
/// four to six of the six before them, which are ten of 33.
fn parcel() -> f64 {
    let digit: f64 = 10.0 / 33.0;
    let run = |more: i32, length| digit.powi(more) * chance(length, Tier::A);
    run(4, 14) + run(5, 15) + run(6, 16)
}

/// Seconds of the two years before this was written; nothing here asks the time.
fn moment(random: &mut Random) -> u64 {
    random.within(1_732_000_000, 1_795_000_000)
}

fn date(random: &mut Random) -> (u64, u64, u64, u64, u64, u64) {
    let (year, month, day) = (random.within(2000, 2029), random.within(1, 12), random.within(1, 28));
    (year, month, day, random.below(24), random.below(60), random.below(60))
}

/// An identifier of 64 bits that begins with milliseconds since `epoch`.
fn snowflake(random: &mut Random, epoch: u64) -> String {
    let milliseconds = moment(random) * 1000 + random.below(1000) - epoch;
    (milliseconds << 22 | random.below(1 << 22)).to_string()
}

fn uuid(random: &mut Random, head: &str, version: u8) -> String {
    let variant = random.letters(b"89ab", 1);
    let (middle, rest, node) = (random.hex(3), random.hex(3), random.hex(12));
    let (first, second) = head.split_at_checked(8).unwrap_or((head, ""));
    format!("{first}-{second}-{version}{middle}-{variant}{rest}-{node}")
}

/// A number with the check digit of GS1's: threes and ones in turn.
fn gs1(digits: String) -> String {
    let weights = digits.bytes().rev().zip([3, 1].into_iter().cycle());
    let sum: u32 = weights.map(|(digit, weight)| u32::from(digit.wrapping_sub(b'0')) * weight).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// A German IBAN with right check digits.
pub(crate) fn iban(random: &mut Random) -> String {
    let account = random.digits(18);
    // `DE00` behind the account, as a number, by 97 (ISO 7064).
    let rest =
        format!("{account}131400").bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

pub(crate) fn in_fours(text: &str) -> String {
    let groups = text.as_bytes().chunks(4).filter_map(|group| str::from_utf8(group).ok());
    groups.collect::<Vec<_>>().join(" ")
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

fn decimal(random: &mut Random, whole: u64, places: usize) -> String {
    format!("{}.{}", random.below(whole), random.digits(places))
}

fn encoded(random: &mut Random, count: usize, letters: &[u8; 64], padded: bool) -> String {
    String::from_utf8(base64(&random.bytes(count), letters, padded)).unwrap_or_default()
}

fn log_line(random: &mut Random) -> String {
    let (year, month, day, hour, minute, second) = date(random);
    let (process, ip) = (random.within(1, 65_535), ip(random));
    let (bytes, taken) = (random.below(10_000_000), decimal(random, 1000, 3));
    format!(
        "{ip} - - [{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:06} +0000] \"GET /v1/orders/{} HTTP/1.1\" 200 {bytes} {taken} pid={process} req={}",
        random.below(1_000_000),
        random.below(100_000_000),
        random.hex(12),
    )
}

fn ip(random: &mut Random) -> String {
    let [a, b, c, d] = [(); 4].map(|()| random.below(256));
    format!("{a}.{b}.{c}.{d}")
}

/// Lines of one table, its columns aligned.
fn amounts(random: &mut Random) -> String {
    let line = |random: &mut Random| {
        let cents = random.below(100);
        let (net, tax) = (thousands(random.below(10_000_000)), thousands(random.below(100_000)));
        format!("{:<6}{net:>12}.{cents:02}{tax:>10}.{cents:02} EUR\n", random.below(10_000))
    };
    (0..3).map(|_| line(random)).collect()
}

/// Every kind of the report.
pub(crate) const NEGATIVES: &[Negative] = &[
    kind("UUID v4", |r, _| {
        let head = r.hex(12);
        uuid(r, &head, 4)
    }),
    kind("UUID v7", |r, _| {
        let head = format!("{:012x}", moment(r) * 1000 + r.below(1000));
        uuid(r, &head, 7)
    }),
    by_chance("32 hex digits (MD5)", || LONG_RUNS, |r, _| r.hex(32)),
    by_chance("40 hex digits (SHA-1)", || LONG_RUNS, |r, _| r.hex(40)),
    by_chance("64 hex digits (SHA-256)", || 2.0 * LONG_RUNS, |r, _| r.hex(64)),
    by_chance("16 hex digits (span id)", hex16, |r, _| r.hex(16)),
    by_chance("traceparent", hex16, |r, _| format!("00-{}-{}-01", r.hex(32), r.hex(16))),
    kind("bytea of random bytes", |r, _| format!("\\x{}", r.hex(64))),
    kind("hex dump", |r, _| {
        let pairs: Vec<_> = (0..16).map(|_| r.hex(2)).collect();
        format!("{:08x}  {}", r.below(1 << 32), pairs.join(" "))
    }),
    kind("seconds since 1970", |r, _| moment(r).to_string()),
    kind("milliseconds since 1970", |r, _| format!("{}{}", moment(r), r.digits(3))),
    kind("microseconds since 1970", |r, _| format!("{}{}", moment(r), r.digits(6))),
    kind("nanoseconds since 1970", |r, _| format!("{}{}", moment(r), r.digits(9))),
    kind("YYYYMMDDhhmmss", |r, _| {
        let (year, month, day, hour, minute, second) = date(r);
        format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
    }),
    kind("YYYYMMDDhhmmssff", |r, _| {
        let (year, month, day, hour, minute, second) = date(r);
        format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}{}", r.digits(2))
    }),
    kind("ISO 8601 with a fraction", |r, _| {
        let (year, month, day, hour, minute, second) = date(r);
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{}Z", r.digits(9))
    }),
    kind("IMEI (right check digit)", |r, _| {
        let kind = r.pick(&["35", "86", "01", "99"]);
        checked(format!("{kind}{}", r.digits(12)))
    }),
    // JCB's 3528 to 3589 take 62 of the hundred prefixes.
    by_chance("IMEI with software version", || 0.062, |r, _| format!("35{}", r.digits(14))),
    kind("ICCID (right check digit)", |r, _| {
        let issuer = r.pick(&["8944", "8949", "8901", "8933", "8986"]);
        checked(format!("{issuer}{}", r.digits(14)))
    }),
    kind("South-African ID (right check digit)", |r, _| {
        let (year, month, day) = (r.below(100), r.within(1, 12), r.within(1, 28));
        checked(format!("{year:02}{month:02}{day:02}{}08", r.digits(4)))
    }),
    kind("EAN-13", |r, _| gs1(r.digits(12))),
    kind("ISBN-13 in groups", |r, _| {
        let digits = gs1(format!("978{}", r.digits(9)));
        let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0..3), part(3..4), part(4..8), part(8..12), part(12..13))
    }),
    by_chance("SSCC-18", || uniform(18), |r, _| gs1(r.digits(17))),
    kind("IBAN in groups", |r, _| in_fours(&iban(r))),
    kind("IBAN", |r, _| iban(r)),
    kind("latitude and longitude", |r, _| {
        let (north, east) = (decimal(r, 90, 14), decimal(r, 180, 14));
        format!("{north}, {east}")
    }),
    kind("GeoJSON", |r, _| {
        let (east, north) = (decimal(r, 180, 13), decimal(r, 90, 15));
        format!("{{\"type\":\"Point\",\"coordinates\":[-{east},{north}]}}")
    }),
    kind("fraction of 16 digits", |r, _| format!("0.{}", r.digits(16))),
    kind("CSS and SVG decimals", |r, _| {
        let (x, y) = (decimal(r, 100, 15), decimal(r, 1000, 13));
        format!("translate({x}%) M{y}")
    }),
    kind("doubles with an exponent", |r, _| {
        format!("{}.{}e-{:02}", r.within(1, 9), r.digits(15), r.below(40))
    }),
    kind("snowflakes of X", |r, _| snowflake(r, 1_288_834_974_657)),
    kind("snowflakes of Discord", |r, _| snowflake(r, 1_420_070_400_000)),
    by_chance("14 random digits", || uniform(14), |r, _| r.digits(14)),
    by_chance("15 random digits", || uniform(15), |r, _| r.digits(15)),
    by_chance("16 random digits", || uniform(16), |r, _| r.digits(16)),
    by_chance("17 random digits", || uniform(17), |r, _| r.digits(17)),
    by_chance("18 random digits", || uniform(18), |r, _| r.digits(18)),
    by_chance("19 random digits", || uniform(19), |r, _| r.digits(19)),
    // One of ten numbers in a row has a right check digit.
    by_chance(
        "sequence under an issuer's prefix",
        || 0.1,
        |_, index| format!("40000000000{:05}", index % 100_000),
    ),
    by_chance("rows of four numbers of four digits", in_groups, |r, _| {
        let [a, b, c, d] = [(); 4].map(|()| r.within(1000, 9999));
        format!("{a} {b} {c} {d}")
    }),
    kind("telephone number, E.164", |r, _| {
        let country = r.pick(&["1", "44", "49", "33", "81", "55", "91", "380"]);
        format!("+{country}{}", r.digits(10))
    }),
    kind("telephone number in groups", |r, _| {
        let country = r.pick(&["1", "44", "49", "33", "81"]);
        format!("tel. +{country} {} {} {}", r.digits(3), r.digits(3), r.digits(4))
    }),
    kind("addresses and ports", |r, _| {
        let peers: Vec<_> = (0..3).map(|_| format!("{}:{}", ip(r), r.below(65_536))).collect();
        peers.join(",")
    }),
    kind("IPv6", |r, _| (0..8).map(|_| r.hex(4)).collect::<Vec<_>>().join(":")),
    kind("MAC addresses", |r, _| (0..6).map(|_| r.hex(2)).collect::<Vec<_>>().join(":")),
    kind("version numbers", |r, _| {
        let [a, b, c, d] = [(); 4].map(|()| r.below(2000));
        format!("tool {a}.{b}.{c}-rc.{d}+build.{}", r.below(100_000))
    }),
    kind("base64 of random bytes", |r, _| encoded(r, 48, STANDARD, true)),
    kind("base64url of random bytes", |r, _| encoded(r, 43, URL, false)),
    kind("lock file", |r, _| {
        let hash = encoded(r, 64, STANDARD, true);
        format!(
            "\"name-{}\": {{\"version\": \"{}.{}.{}\", \"integrity\": \"sha512-{hash}\"}}",
            r.word(5),
            r.below(30),
            r.below(100),
            r.below(100)
        )
    }),
    kind("log line", |r, _| log_line(r)),
    kind("price with thousands", |r, _| {
        format!("EUR {}.{:02}", thousands(r.below(100_000_000_000)), r.below(100))
    }),
    kind("table of amounts", |r, _| amounts(r)),
    kind("JSON row of ids", |r, _| {
        format!(
            "{{\"id\":{},\"user_id\":{},\"created_at\":{}{:03},\"amount\":{}.{:02},\"qty\":{}}}",
            r.below(10_000_000_000),
            r.below(100_000_000),
            moment(r),
            r.below(1000),
            r.below(100_000),
            r.below(100),
            r.below(100)
        )
    }),
    kind("list of numbers", |r, _| (0..20).map(|_| r.below(1000).to_string()).collect::<Vec<_>>().join(",")),
    kind("invoice number", |r, _| {
        format!("INV-{}-{:08}/{}", r.within(2015, 2029), r.below(100_000_000), r.below(10_000))
    }),
    by_chance("parcel number (UPS)", parcel, |r, _| {
        format!("1Z{}{}", r.letters(b"ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 6), r.digits(10))
    }),
    kind("masked number", |r, _| {
        format!("{}{}", r.pick(&["************", "xxxx-xxxx-xxxx-", "•••• •••• •••• "]), r.digits(4))
    }),
    kind("first six and last four", |r, _| format!("4{}******{}", r.digits(5), r.digits(4))),
];
