//! How fast card data is found, beside what one core can read and copy, and beside the regex crate.
//!
//! `cargo bench -p mask` prints medians of turns in which each is run once, by the time that a core was busy with it, and the
//! targets that they are held against. The corpus is made from a seed; the card numbers in it are made when it runs.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use mask::{Classes, Masker, Profile};

mod corpus;

fn main() {
    let turns = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(5);
    let mixed = corpus::mixed(256 << 20);
    println!("mixed corpus, {} MB: JSON, SQL, logs, source code, prose", mixed.len() >> 20);
    let best = regex::bytes::Regex::new(PATTERN);
    let mut copy = vec![0; mixed.len()];
    let mut runs: Vec<Run<'_>> = vec![
        Run::new("read (memchr for an absent byte)", mixed.len(), || {
            black_box(memchr::memchr(0x01, black_box(&mixed)));
        }),
        Run::new("memcpy", mixed.len(), || {
            copy.copy_from_slice(black_box(&mixed));
            black_box(&copy);
        }),
    ];
    for (name, sieve) in mask::sieves() {
        let mixed = &mixed;
        runs.push(Run::new(name, mixed.len(), move || {
            black_box(sieve(black_box(mixed)));
        }));
    }
    let part = mixed.get(..PART).unwrap_or(&mixed);
    let every = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
    runs.push(Run::new("find, cards alone", part.len(), || {
        black_box(mask::find(black_box(part)).count());
    }));
    runs.push(Run::new("find, every class", part.len(), move || {
        black_box(mask::find_all(black_box(part), every).count());
    }));
    runs.push(Run::new("mask a text, every class", part.len(), move || {
        black_box(Masker::new(Profile::Last4).with(every).text(black_box(part)));
    }));
    runs.push(Run::new("mask texts of 64 KB, every class", part.len(), move || {
        let masker = Masker::new(Profile::Last4).with(every);
        for text in part.chunks(64 << 10) {
            black_box(masker.text(black_box(text)));
        }
    }));
    runs.push(Run::new("mask a stream, every class", part.len(), move || {
        let mut stream = mask::Stream::new(Masker::new(Profile::Last4).with(every));
        let mut out = Vec::new();
        for piece in part.chunks(16 << 10) {
            out.clear();
            stream.push(black_box(piece), &mut out);
            black_box(&out);
        }
        stream.finish(&mut out);
    }));
    if let Ok(best) = &best {
        runs.push(Run::new("regex crate, plain pattern", part.len(), || {
            black_box(best.find_iter(black_box(part)).count());
        }));
    }
    let figures = measure(&mut runs, turns);
    let [read, memcpy, ..] = figures.as_slice() else { return };
    println!("{:34} {:>7} {:>6} {:>8} {:>10}", "", "GB/s", "±", "of read", "of memcpy");
    for (run, figure) in runs.iter().zip(&figures) {
        let (of_read, of_copy) = (figure.median / read.median, figure.median / memcpy.median);
        let target = match run.name {
            "avx2" | "avx512" => held(of_read, 0.75, "of read"),
            "mask texts of 64 KB, every class" => held(of_copy, 0.30, "of memcpy"),
            _ => String::new(),
        };
        println!(
            "{:34} {:7.2} {:4.0} % {of_read:8.2} {of_copy:10.2}  {target}",
            run.name, figure.median, figure.spread
        );
    }
    drop(runs);
    by_kind(turns, every, best.as_ref().ok());
}

/// The sieves on each kind of text, and all that is done with it.
fn by_kind(turns: usize, every: Classes, best: Option<&regex::bytes::Regex>) {
    println!("\nby kind of text, GB/s, and what the sieve leaves to read");
    for (kind, text) in corpus::kinds(PART) {
        let text = &text;
        let mut runs: Vec<Run<'_>> = vec![Run::new("read", text.len(), || {
            black_box(memchr::memchr(0x01, black_box(text)));
        })];
        for (name, sieve) in mask::sieves() {
            runs.push(Run::new(name, text.len(), move || {
                black_box(sieve(black_box(text)));
            }));
        }
        runs.push(Run::new("found", text.len(), || {
            black_box(mask::find_all(black_box(text), every).count());
        }));
        runs.push(Run::new("masked", text.len(), || {
            black_box(Masker::new(Profile::Last4).with(every).text(black_box(text)));
        }));
        if let Some(best) = best {
            runs.push(Run::new("regex", text.len(), || {
                black_box(best.find_iter(black_box(text)).count());
            }));
        }
        let figures = measure(&mut runs, turns);
        print!("{kind:8}");
        for (run, figure) in runs.iter().zip(&figures) {
            print!(" {} {:.2}", run.name, figure.median);
        }
        let left = mask::sieves().last().map_or(0, |(_, sieve)| sieve(text));
        println!("  left {:.3} %", 100.0 * f64::from(u32::try_from(left).unwrap_or(0)) / length(text.len()));
    }
}

/// Something whose speed is measured.
struct Run<'a> {
    name: &'static str,
    bytes: usize,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Run<'a> {
    fn new(name: &'static str, bytes: usize, run: impl FnMut() + 'a) -> Self {
        Self { name, bytes, run: Box::new(run) }
    }
}

/// GB/s, and half the distance of the quickest from the slowest turn, in percent.
struct Figure {
    median: f64,
    spread: f64,
}

/// Runs each in turn, so that what else the machine does falls on all.
fn measure(runs: &mut [Run<'_>], turns: usize) -> Vec<Figure> {
    let mut speeds = vec![Vec::new(); runs.len()];
    for _ in 0..turns {
        for (run, speeds) in runs.iter_mut().zip(&mut speeds) {
            let start = clock();
            (run.run)();
            speeds.push(length(run.bytes) / (clock() - start) / 1e9);
        }
    }
    let figure = |mut speeds: Vec<f64>| {
        speeds.sort_by(f64::total_cmp);
        let median = speeds.get(speeds.len() / 2).copied().unwrap_or(f64::NAN);
        let ends = speeds.first().zip(speeds.last());
        Figure { median, spread: ends.map_or(0.0, |(low, high)| 50.0 * (high - low) / median) }
    };
    speeds.into_iter().map(figure).collect()
}

/// Seconds that this thread has had a core, where the system tells: the machine is shared, and waiting for it is no work.
fn clock() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // What is told is brought up to date when a thread gives way.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| START.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

fn held(figure: f64, target: f64, of: &str) -> String {
    format!("target ≥ {target:.2} {of}: {}", if figure >= target { "met" } else { "NOT met" })
}

fn length(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
}

/// Bytes that the slower ones run on.
const PART: usize = 32 << 20;
/// The best that is said in one plain pattern: a prefix of a brand, and groups with one separator or none.
const PATTERN: &str = r"(?-u)\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|3[0-9]{3}|6[0-9]{3})[ -]?[0-9]{4,6}[ -]?[0-9]{4,5}[ -]?[0-9]{0,4}\b";
