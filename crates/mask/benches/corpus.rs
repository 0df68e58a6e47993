//! Text such as passes a gateway, made from a seed.

use std::fmt::Write as _;

/// `bytes` of every kind, some kilobytes at a time.
pub fn mixed(bytes: usize) -> Vec<u8> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(bytes + 2 * PIECE);
    while text.len() < bytes {
        for (_, line) in KINDS {
            piece(&mut text, PIECE, *line, &mut random);
        }
    }
    let mut text = text.into_bytes();
    text.truncate(bytes);
    text
}

/// `bytes` of each kind.
pub fn kinds(bytes: usize) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    KINDS.iter().map(move |(name, line)| {
        let mut text = String::with_capacity(bytes + PIECE);
        piece(&mut text, bytes, *line, &mut Random(0x2545_f491_4f6c_dd1d));
        (*name, text.into_bytes())
    })
}

type Line = fn(&mut String, &mut Random);

const KINDS: &[(&str, Line)] =
    &[("json", json), ("sql", sql), ("logs", logs), ("source", source), ("prose", prose)];

fn piece(text: &mut String, bytes: usize, line: Line, random: &mut Random) {
    let end = text.len() + bytes;
    while text.len() < end {
        line(text, random);
    }
}

/// A small generator (xorshift64*), the same on every run.
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(of.len() as u64)).unwrap_or(0);
        of.get(index).copied().unwrap_or_default()
    }

    /// A number that passes for a card's.
    fn card(&mut self) -> String {
        let mut digits: Vec<u64> = vec![4];
        digits.extend((0..14).map(|_| self.below(10)));
        let sum: u64 = digits
            .iter()
            .enumerate()
            .map(|(at, digit)| if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
            .sum();
        digits.push((10 - sum % 10) % 10);
        digits.iter().map(ToString::to_string).collect()
    }
}

fn json(text: &mut String, random: &mut Random) {
    let [id, at, amount, user] =
        [random.next() >> 20, random.below(1 << 30), random.below(100_000), random.below(5000)];
    let (name, city) = (random.one(NAMES), random.one(WORDS));
    let _ = write!(
        text,
        "{{\"id\":{id},\"user\":{{\"id\":{user},\"name\":\"{name}\",\"email\":\"{city}{user}@example.com\"}},\"amount\":{}.{:02},\
         \"currency\":\"EUR\",\"created_at\":\"2026-11-{:02}T{:02}:{:02}:{:02}.{:03}Z\",\"epoch\":17{at:08}{:03},\
         \"tags\":[\"{}\",\"{}\"],\"trace\":\"{:016x}{:016x}\",\"ok\":{},\"note\":\"{} \\\"{}\\\" {}\"",
        amount / 100,
        amount % 100,
        random.below(28) + 1,
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(1000),
        random.below(1000),
        random.one(WORDS),
        random.one(WORDS),
        random.next(),
        random.next(),
        random.below(2) == 0,
        random.one(WORDS),
        random.one(WORDS),
        random.one(WORDS)
    );
    if random.below(400) == 0 {
        let _ = write!(text, ",\"pan\":\"{}\"", random.card());
    }
    text.push_str("}\n");
}

fn sql(text: &mut String, random: &mut Random) {
    if random.below(20) == 0 {
        text.push_str(
            "INSERT INTO public.payments (id, customer_id, city, amount, state, created_at, ref) VALUES\n",
        );
    }
    let pan = if random.below(400) == 0 { random.card() } else { random.below(1 << 40).to_string() };
    let _ = writeln!(
        text,
        "({}, {}, '{}', {}.{:02}, '{}', '2026-11-{:02} {:02}:{:02}:{:02}.{:06}', '{pan}'),",
        random.below(10_000_000),
        random.below(100_000),
        random.one(WORDS),
        random.below(1000),
        random.below(100),
        random.one(&["SETTLED", "PENDING", "REFUSED"]),
        random.below(28) + 1,
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(1_000_000)
    );
}

fn logs(text: &mut String, random: &mut Random) {
    let when = (random.below(28) + 1, random.below(24), random.below(60), random.below(60));
    let (day, hour, minute, second) = when;
    let ip = [random.below(256), random.below(256), random.below(256)];
    let _ = if random.below(2) == 0 {
        writeln!(
            text,
            "2026-11-{day:02} {hour:02}:{minute:02}:{second:02}.{:06} INFO {}::{}: request finished method=GET status=200 bytes={} \
             took={}ms trace={:016x}",
            random.below(1_000_000),
            random.one(WORDS),
            random.one(WORDS),
            random.below(100_000),
            random.below(2000),
            random.next()
        )
    } else {
        writeln!(
            text,
            "10.{}.{}.{} - - [{day:02}/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET /api/{}/{}?page={}&size=50 HTTP/1.1\" 200 {} \
             \"-\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36\"",
            ip[0],
            ip[1],
            ip[2],
            random.one(WORDS),
            random.below(100_000),
            random.below(40),
            random.below(50_000)
        )
    };
    if random.below(500) == 0 {
        let _ = writeln!(text, "WARN declined card {}", random.card());
    }
}

fn source(text: &mut String, random: &mut Random) {
    let files = [
        include_str!("../src/candidate.rs"),
        include_str!("../src/encoded.rs"),
        include_str!("../src/unit.rs"),
        include_str!("../src/json.rs"),
    ];
    text.push_str(random.one(&files));
}

fn prose(text: &mut String, random: &mut Random) {
    for _ in 0..random.below(12) + 4 {
        text.push_str(random.one(WORDS));
        text.push(' ');
    }
    text.push_str(random.one(SENTENCES));
    text.push('\n');
}

const NAMES: &[&str] = &["Ada Lovelace", "Grace Hopper", "José Núñez", "Zoë Müller", "李雷", "Анна Иванова"];
const WORDS: &[&str] = &[
    "ledger", "window", "river", "garden", "payment", "morning", "system", "people", "water", "station",
    "letter", "number", "market", "forest", "summer", "engine", "bridge", "signal", "island", "harbour",
    "context",
];
const SENTENCES: &[&str] = &[
    "The train left at 7:45, half an hour late, as it does on most days.",
    "“It isn’t far,” she said — about 12 km, or 7½ miles.",
    "Das Café öffnet um 8 Uhr und schließt erst spät.",
    "Поезд отправляется в семь часов утра с третьего пути.",
    "他们在2026年11月23日到达了车站，天气很好。",
    "Chapter 12 begins with a list of the 34 ships that sailed in 1805.",
];

/// Bytes of one kind before the next.
const PIECE: usize = 16 << 10;
