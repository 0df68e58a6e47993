//! `panguard scan`. A path goes through these:
//!
//! 1. `walk`, `git`: what there is to look into.
//! 2. `pool`: several at once, told in order.
//! 3. `scanner`: one file, by its `content`; `zip`, `tar`, `sqlite`, `parquet` and `csv` are opened, within a `budget`.
//! 4. `text`, `cells` and `rows`: what is in a text, and in the columns of a table.
//! 5. `found`, `name`: what may be said of it. No digit beyond what the mask leaves gets further than here.
//! 6. `report`, `baseline`, `progress`: saying it.
//!
//! `trial` tries the detector itself.

mod baseline;
mod budget;
mod cells;
mod content;
mod csv;
mod found;
mod git;
mod name;
mod parquet;
mod pool;
mod progress;
mod report;
mod rows;
mod scanner;
mod sqlite;
mod tar;
mod text;
mod trial;
mod walk;
mod zip;

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::AsFd;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, ValueEnum};
use mask::Classes;

use super::output::Exit;
use baseline::{Accepted, Written};
use budget::Budget;
use found::Event;
use name::Name;
pub use name::{plain, safe};
use report::{Form, Report};
use scanner::{Scanner, Source};
use walk::Job;

/// Find card data in files, folders, archives, databases and git history. Exits with 1 if there is any.
///
/// Prints where it is and the line masked, never the number. Exits with 0 if there is none, and with 2 if
/// something could not be read whole: then what was not found may be there.
#[derive(Args)]
pub struct Arguments {
    /// Files, and folders with all that is in them; `-` or nothing is standard input.
    paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Look for these too, beside card numbers and tracks.
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    class: Vec<Class>,
    /// Look into what `.gitignore` and `.ignore` files leave out, and into `.git` folders.
    #[arg(long)]
    no_ignore: bool,
    /// Look into all that the repositories at PATH (`.` if none) remember: every version of every file that
    /// any ref leads to, and every message.
    #[arg(long, conflicts_with_all = ["staged", "no_ignore"])]
    git: bool,
    /// Look into what the next commit in the repositories at PATH (`.` if none) would change.
    #[arg(long, conflicts_with = "no_ignore")]
    staged: bool,
    /// Accept the findings that are in this file, and say which of them are gone.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write all findings to this file, to be accepted from now on, and print none.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// How many bytes may come out of what is packed in one file, all layers together.
    #[arg(long, value_name = "SIZE", default_value = "16G", value_parser = size)]
    unpack_max: u64,
    /// Try the detector itself, on a corpus with known answers that is made from SEED (1 if none), and print recall
    /// and precision per class. Exits with 1 if anything is not as expected.
    #[arg(long, value_name = "SEED", num_args = 0..=1, default_missing_value = "1", require_equals = true, conflicts_with_all = ["paths", "class", "git", "staged", "no_ignore", "baseline", "write_baseline"])]
    self_test: Option<u64>,
}

/// What is looked for beside card numbers and tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Class {
    Secret,
    Email,
    Phone,
    Iban,
    #[value(name = "us_ssn")]
    UsSsn,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(seed) = arguments.self_test {
        return trial::run(seed, arguments.format);
    }
    let accepted = arguments.baseline.as_deref().map(Accepted::read).transpose()?;
    let written = arguments.write_baseline.as_deref().map(Written::begin).transpose()?;
    let mut report = Report::new(arguments.format, accepted, written);
    let bytes = AtomicU64::new(0);
    // A reader of a foreign format that breaks down may say what it read: of its panic only the place is told.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        _ = writeln!(io::stderr(), "panguard: broke down at {place}");
    }));
    let mut reported = Ok(());
    pool::in_order(
        |give| jobs(arguments, give),
        |job, say| look(job, arguments, &bytes, say),
        |event| {
            if let Some(event) = event.filter(|_| reported.is_ok()) {
                reported = report.hear(event);
            }
            report.tick(bytes.load(Ordering::Relaxed));
        },
    );
    _ = panic::take_hook();
    reported?;
    report.end(bytes.load(Ordering::Relaxed))?;
    Ok(match report.count {
        ref count if count.unread > 0 => Exit::Wrong,
        ref count if count.findings > 0 => Exit::No,
        _ => Exit::Fine,
    })
}

/// What there is to look into.
fn jobs(arguments: &Arguments, give: &mut dyn FnMut(Job)) {
    let Arguments { paths, git, staged, no_ignore, .. } = arguments;
    let here = [PathBuf::from(".")];
    let repositories = if paths.is_empty() { &here } else { paths.as_slice() };
    match (git, staged) {
        (true, _) => repositories.iter().for_each(|path| git::history(path, give)),
        (_, true) => repositories.iter().for_each(|path| git::staged(path, give)),
        _ if paths.is_empty() => give(Job::Input),
        _ => walk::walk(paths, *no_ignore, give),
    }
}

/// Looks into one thing.
fn look(job: Job, arguments: &Arguments, bytes: &AtomicU64, say: &mut dyn FnMut(Event)) {
    let name = job.name();
    if job.has_content() {
        say(Event::Begun(name.clone()));
    }
    let budget = Budget::new(arguments.unpack_max);
    let mut scanner = Scanner { classes: classes(&arguments.class), budget, bytes, say };
    let looked = panic::catch_unwind(AssertUnwindSafe(|| look_into(&mut scanner, &name, job)));
    match looked {
        Ok(Ok(())) => {}
        Ok(Err(error)) => scanner.unread(&name, &error),
        Err(_) => scanner.unread(&name, &"its reader broke down; nothing that comes after is looked at"),
    }
}

fn look_into(scanner: &mut Scanner<'_>, name: &Name, job: Job) -> io::Result<()> {
    match job {
        Job::Input => {
            let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            look_into_file(scanner, name, input, Path::new("/dev/stdin"))?;
        }
        Job::File { path, named } => {
            scanner.name(name, name.last());
            let file = walk::open(&path, named)?;
            look_into_file(scanner, name, file, &path)?;
        }
        Job::Name(name) => scanner.name(&name, name.last()),
        Job::Object(object) => {
            if object.is_name_new {
                scanner.name(name, 0);
            }
            object.read(&mut |stream| scanner.source(name, Source::Stream(stream), 0))?;
        }
        Job::Lost { why, .. } => scanner.unread(name, &why),
    }
    Ok(())
}

/// A file that can be read anywhere, or one that comes once: a pipe, or what somebody has begun to read.
fn look_into_file(scanner: &mut Scanner<'_>, name: &Name, mut file: File, path: &Path) -> io::Result<()> {
    if file.metadata()?.is_file() && file.stream_position()? == 0 {
        scanner.source(name, Source::File { file, path }, 0);
    } else {
        scanner.source(name, Source::Stream(&mut file), 0);
    }
    Ok(())
}

fn classes(named: &[Class]) -> Classes {
    let has = |class| named.contains(&class);
    Classes {
        secret: has(Class::Secret),
        email: has(Class::Email),
        phone: has(Class::Phone),
        iban: has(Class::Iban),
        us_ssn: has(Class::UsSsn),
    }
}

/// A number of bytes, in steps of 1024 with a letter: `64M`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text.get(digits.len()..).map(str::to_ascii_uppercase).as_deref() {
        Some("") => 0,
        Some("K") => 10,
        Some("M") => 20,
        Some("G") => 30,
        Some("T") => 40,
        _ => return Err("write it as a number of bytes, or with K, M, G or T behind it".to_owned()),
    };
    let size: u64 = digits.parse().map_err(|error| format!("{error}"))?;
    size.checked_mul(1 << shift).ok_or_else(|| "it is too much".to_owned())
}
