mod csv;
mod index;
mod pack;
mod page;
mod paper;

use std::path::{Path, PathBuf};

use access::Timestamp;
use anyhow::{Context, bail};
use audit::evidence::{
    Draw, Drawn, MANIFEST, Manifest, SAMPLES_MAX, Sampler, VERSION, check, exhibits, is_seed,
};
use audit::{Checkpoint, Leave, Pruned, Report, Signed, Signer, Verifier};
use clap::{Args, Subcommand};
use serde_json::json;

use super::audit::verifier;
use super::output::{self, Exit, Format};
use super::plain::plain;
use crate::config::{Config, process_env};
use crate::editions::{self, Editions, Kind};
use crate::guarded::forbid_core_dumps;
use crate::reads::How;
use crate::serve::entry_masker;
use crate::{folder, reads};
use index::{About, Index};
use pack::Pack;

/// Draw evidence for an assessor from the audit log: reports by requirement of PCI DSS, and samples with proofs.
///
/// `panguard evidence verify DIR --key FILE` checks what was drawn, offline and without a configuration.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    wish: Wish,
}

#[derive(Args)]
struct Wish {
    /// The first moment of the period: a day (`2026-01-01`, in UTC) or a moment (`2026-01-01T09:00:00Z`).
    #[arg(long, value_name = "WHEN", value_parser = moment, required = true)]
    from: Option<Timestamp>,
    /// The first moment after the period.
    #[arg(long, value_name = "WHEN", value_parser = moment, required = true)]
    to: Option<Timestamp>,
    /// Where the evidence goes: a new folder, or an empty one.
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
    /// A copy of the log, such as its archive or what was restored from that, to draw from instead of `data_dir`.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How many commands are drawn as samples.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(0..=SAMPLES_MAX as i64))]
    samples: u32,
    /// What they are drawn by; let the assessor choose it. Without, it is the root of the log's tree.
    #[arg(long, value_parser = seed)]
    seed: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Subcommand)]
enum Action {
    /// Check evidence that was drawn: that nothing in it was changed, and that its samples are in the log.
    Verify {
        /// The folder of the evidence.
        pack: PathBuf,
        /// The log's verifier key, or a file that holds it. Keep your own copy: the one in the evidence may have been
        /// changed with it.
        #[arg(long, value_name = "KEY|FILE")]
        key: String,
        /// The folder of the log, or of a copy: shows, too, that the log holds, and that a draw from it by the same seed gives
        /// the same samples.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    match (&arguments.action, &arguments.wish) {
        (Some(Action::Verify { pack, key, dir, format }), _) => verify(pack, key, dir.as_deref(), *format),
        (None, wish @ Wish { from: Some(from), to: Some(to), out: Some(out), .. }) => {
            if from >= to {
                bail!("the period ends before it begins; `--to` is the first moment after it");
            }
            draw(path, Period { from: *from, to: *to }, out, wish)
        }
        (None, _) => bail!("write `--from`, `--to` and `--out`"),
    }
}

#[derive(Clone, Copy)]
struct Period {
    from: Timestamp,
    to: Timestamp,
}

fn draw(path: &Path, period: Period, out: &Path, wish: &Wish) -> anyhow::Result<Exit> {
    forbid_core_dumps();
    let config = Config::load(path, &process_env)?;
    let own = folder::audit(&config.data_dir);
    let log = wish.dir.clone().unwrap_or_else(|| own.clone());
    if !log.is_dir() {
        bail!("there is no audit log at `{}`", log.display());
    }
    let signer = folder::log_signer(&folder::open_vault(&config)?)?;
    let (note, head, verified) = match whole(&log, &signer)? {
        Whole::Holds(note, head, verified) => (note, head, verified),
        Whole::No(why) => {
            eprintln!("NOT VERIFIED, so nothing was drawn: {why}; `panguard audit verify` says more");
            return Ok(Exit::No);
        }
    };
    let pruned = verified.pruned.as_ref().filter(|_| verified.absent > 0);
    if let Some(pruned) = pruned.filter(|pruned| period.from <= pruned.newest) {
        eprintln!("{}", elsewhere(pruned));
        return Ok(Exit::No);
    }
    let pruned = pruned.map_or(0, |pruned| pruned.end);
    // Before anything is drawn (PCI DSS 4.0.1, 10.2.1.3): rather an entry of evidence that came to nothing than none. Also of
    // a copy, it is the gateway's own log that says so.
    reads::leave(&own, How::Evidence, &(0..head.size))
        .context("that evidence is drawn cannot be noted beside the audit log, so none was drawn")?;
    let mut pack = Pack::create(out)?;
    let root: String = head.root.iter().map(|byte| format!("{byte:02x}")).collect();
    let seed = wish.seed.clone().unwrap_or_else(|| root.clone());
    let wanted = usize::try_from(wish.samples).unwrap_or(SAMPLES_MAX);
    let mut drawing = Draw::new(period.from..period.to);
    let mut sampler = Sampler::new(&seed, wanted);
    let (first, end) = read(audit::signed(&log, &head, pruned), &mut drawing, &mut sampler, &mut pack)?;
    let mut versions: [Vec<String>; Kind::ALL.len()] = Default::default();
    drawing.finish(&mut |report, cells| {
        if let (audit::evidence::Report::Versions, [kind, version, ..]) = (report, cells) {
            let of = Kind::ALL.into_iter().zip(&mut versions).filter(|(it, _)| it.word() == *kind);
            of.for_each(|(_, versions)| versions.push((*version).to_owned()));
        }
        pack.line(report, cells)
    })?;
    pack.put("policies.txt", in_force(&config)?.as_bytes())?;
    for (kind, versions) in Kind::ALL.into_iter().zip(&versions) {
        pack.editions(&Editions::of(&config.data_dir), kind, versions, &signer.verifier())?;
    }
    let samples = exhibits(&log, &head, pruned, &seed, &sampler.drawn())?;
    if let Some(entry) =
        samples.iter().flat_map(|sample| &sample.entries).find(|entry| !entry.is_under(&head))
    {
        bail!(
            "entry {} cannot be proven by the log's hash tiles; `panguard audit verify` says more",
            entry.index
        );
    }
    let about = About {
        from: shown(period.from),
        to: shown(period.to),
        made_at: shown(now()),
        log: head.origin.to_string(),
        key: signer.verifier().to_string(),
        size: head.size,
        root,
        heads: verified.heads,
        entries: (first, end),
        seed: seed.clone(),
        population: sampler.population(),
    };
    let lines = pack.close_reports(&about)?;
    pack.samples(&about, &samples)?;
    pack.put("checkpoint", note.as_bytes())?;
    pack.put("log.vkey", format!("{}\n", about.key).as_bytes())?;
    let index = Index::new(&about, &lines, samples.len())?;
    pack.put("index.html", index.page().as_bytes())?;
    pack.put("index.pdf", &index.paper())?;
    pack.put("index.csv", index.table().as_bytes())?;
    let manifest = Manifest {
        panguard_evidence: VERSION,
        made_by: env!("CARGO_PKG_VERSION").into(),
        made_at: about.made_at.as_str().into(),
        standard: index.standard().into(),
        log: head.origin.clone(),
        from: about.from.as_str().into(),
        to: about.to.as_str().into(),
        size: head.size,
        entries: about.entries,
        draw: Drawn {
            seed: seed.as_str().into(),
            wanted: wanted as u64,
            population: sampler.population(),
            drawn: sampler.drawn(),
        },
        files: Vec::new(),
    };
    pack.sign(manifest, &signer)?;
    let told = format!("{} reports and {} samples are in `{}`", lines.len(), samples.len(), out.display());
    match wish.format {
        Format::Text => {
            output::line(told);
            output::line(format!("check them with `panguard evidence verify {} --key KEY`", out.display()));
        }
        Format::Json => {
            let lines: serde_json::Map<_, _> =
                lines.iter().map(|(report, lines)| (report.name().to_owned(), json!(lines))).collect();
            output::json(&json!({
                "out": out, "entries": [first, end], "population": sampler.population(), "seed": seed,
                "samples": sampler.drawn(), "lines": lines,
            }))?;
        }
    }
    Ok(Exit::Fine)
}

/// Where the entries of the period are that are not in the log's folder any more.
fn elsewhere(pruned: &Pruned) -> String {
    let until = shown(pruned.newest);
    match pruned.why {
        Leave::Archived => format!(
            "entries of the period are in the archive, those up to {until}, so nothing was drawn; fetch them with `panguard \
             audit restore --to DIR`, then draw with `--dir DIR`"
        ),
        Leave::Expired => {
            format!("entries of the period, up to {until}, are no longer kept; nothing was drawn")
        }
    }
}

/// The policies as they are now, under their version, by which decisions name them, and masked as entries are.
fn in_force(config: &Config) -> anyhow::Result<String> {
    let (policies, files) = folder::policies_and_texts(&config.policies)?;
    let (version, texts) = (policies.version(), editions::text(&files, entry_masker(config))?);
    Ok(format!("Policies, version {version}\nConfiguration, version {}\n{texts}", config.version))
}

/// Whether the log holds, and its newest head.
enum Whole {
    Holds(String, Checkpoint, Box<Report>),
    No(String),
}

fn whole(log: &Path, signer: &Signer) -> anyhow::Result<Whole> {
    let verifier = signer.verifier();
    let note = audit::checkpoint(log)?.context("the audit log has no checkpoint yet")?;
    let head = match verifier.open(&note) {
        Ok(head) => head,
        Err(why) => return Ok(Whole::No(format!("of its checkpoint, {why}"))),
    };
    let report = audit::verify(log, &verifier, Some(&note))?;
    Ok(match report.first_wrong() {
        None => Whole::Holds(note, head, Box::new(report)),
        Some(wrong) => {
            let place = wrong.index.map_or_else(|| "a head".to_owned(), |index| format!("entry {index}"));
            Whole::No(format!("of {place}, {}", wrong.what))
        }
    })
}

/// Reads what the reports need; says which entries are of the period, from the first to after the last.
fn read(
    log: Signed,
    drawing: &mut Draw,
    sampler: &mut Sampler,
    pack: &mut Pack,
) -> anyhow::Result<(u64, u64)> {
    let mut range: Option<(u64, u64)> = None;
    // All of them: entries stand in the order of the log and not of the clock, which may have been set.
    for entry in log.entries() {
        let (index, entry) = entry?;
        drawing.take(index, &entry, &mut |report, cells| pack.line(report, cells))?;
        if drawing.is_of(&entry) {
            sampler.take(index, &entry.event);
            let (first, _) = range.unwrap_or((index, index));
            range = Some((first, index.saturating_add(1)));
        }
    }
    Ok(range.unwrap_or_default())
}

fn verify(dir: &Path, key: &str, log: Option<&Path>, format: Format) -> anyhow::Result<Exit> {
    if !dir.is_dir() {
        bail!("there is no folder `{}`", dir.display());
    }
    let verifier: Verifier = verifier(dir, Some(key))?;
    let checked = check(dir, &verifier, log)?;
    if format == Format::Json {
        let wrong: Vec<_> =
            checked.wrong.iter().map(|it| json!({ "file": plain(&it.file), "what": it.what })).collect();
        output::json(&json!({
            "ok": checked.holds(), "manifest": checked.manifest, "proven": checked.proven, "wrong": wrong,
        }))?;
    } else if let Some(first) = checked.wrong.first() {
        eprintln!("NOT VERIFIED: `{}`: {}", plain(&first.file), first.what);
        if checked.wrong.len() > 1 {
            eprintln!("and {} more", checked.wrong.len() - 1);
        }
    } else if let Some(manifest) = &checked.manifest {
        output::line(format!(
            "verified: {} files, {} samples with {} entries under the signed head of {} entries, from {} to {}",
            manifest.files.len(),
            manifest.draw.drawn.len(),
            checked.proven,
            manifest.size,
            manifest.from,
            manifest.to
        ));
        output::line(match log {
            Some(_) => "the log holds, and a draw from it by the same seed gives the same samples".to_owned(),
            None => format!("with `--dir`, the log itself is held against `{MANIFEST}`"),
        });
    }
    Ok(if checked.holds() { Exit::Fine } else { Exit::No })
}

fn moment(text: &str) -> Result<Timestamp, String> {
    // A date is read out of a time without a zone as well, which says no moment.
    let day = || text.parse::<jiff::civil::Date>().ok().filter(|_| !text.contains(['T', 't', ' ']));
    let day = || day()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| day().map(|day| day.timestamp()));
    let moment =
        moment.ok_or("write a day such as `2026-01-01`, or a moment such as `2026-01-01T09:00:00Z`")?;
    Ok(Timestamp(moment.as_microsecond()))
}

fn seed(text: &str) -> Result<String, String> {
    if !is_seed(text) {
        return Err("write up to 64 letters, digits and signs of ASCII, without spaces".into());
    }
    // It stands in the evidence as it is, since whoever draws again needs it.
    if mask::holds_card(text.as_bytes()) {
        return Err("it might be a card number, and stands in the evidence; choose another".into());
    }
    Ok(text.to_owned())
}

fn shown(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(jiff::Timestamp::MAX).to_string()
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

#[cfg(test)]
mod tests;
