//! `panguard audit verify`: a log and what is asked of it, offline.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use audit::witness::{Witness, witnessed};
use audit::{Report, Verifier};
use clap::Args;
use serde_json::json;

use super::{Place, text_of, verifier};
use crate::cli::output::{self, Exit, Format};
use crate::cli::plain::plain;

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    place: Place,
    /// The log's verifier key, or a file that holds it. Keep your own copy: whoever can change the log can
    /// change the copy that lies beside it, which is used if none is given.
    #[arg(long, value_name = "KEY|FILE")]
    key: Option<String>,
    /// A checkpoint of the log that was kept elsewhere: shows, too, that nothing it vouches for is gone.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Of an archive: nothing may be missing but what is older than is kept.
    #[arg(long)]
    whole: bool,
    /// The verifier key of a witness, or a file that holds it; once for each.
    #[arg(long, value_name = "KEY|FILE")]
    witness: Vec<String>,
    /// How many of them must have signed a head of the log; all, unless given.
    #[arg(long, value_name = "N", requires = "witness")]
    quorum: Option<usize>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What there is to say of a log.
struct Found {
    report: Report,
    /// The size of the newest head that witnesses signed.
    witnessed: Option<u64>,
    /// Those of the witnesses asked for who signed it.
    by: Vec<Box<str>>,
    is_witnessed: bool,
    is_whole: bool,
}

impl Verify {
    pub fn run(&self, path: &Path) -> anyhow::Result<Exit> {
        let dir = self.place.find(path)?;
        let verifier = verifier(&dir, self.key.as_deref())?;
        let known = self.checkpoint.as_ref().map(|path| {
            fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
        });
        let report = audit::verify(&dir, &verifier, known.transpose()?.as_deref())?;
        let keys = self.witness.iter().map(|key| Ok(Witness::parse(&text_of(key)?)?));
        let keys = keys.collect::<anyhow::Result<Vec<_>>>()?;
        // What is wrong with the head that they signed is in the report.
        let signed = witnessed(&dir, &verifier, &keys)?.and_then(Result::ok);
        let by: Vec<_> = signed.iter().flat_map(|it| &it.signed).map(|one| one.name.clone()).collect();
        let found = Found {
            is_witnessed: by.len() >= self.quorum.unwrap_or(keys.len()),
            is_whole: report.is_whole() || !self.whole,
            witnessed: signed.map(|it| it.head.size),
            by,
            report,
        };
        match self.format {
            Format::Json => found.json(&verifier)?,
            Format::Text => found.text(),
        }
        Ok(if found.is_fine() { Exit::Fine } else { Exit::No })
    }
}

impl Found {
    fn is_fine(&self) -> bool {
        self.report.holds() && self.is_witnessed && self.is_whole
    }

    fn root(&self) -> String {
        self.report.root.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn json(&self, verifier: &Verifier) -> anyhow::Result<()> {
        let Report { size, heads, absent, tail, unfinished_bytes, wrong, .. } = &self.report;
        let wrong: Vec<_> =
            wrong.iter().map(|wrong| json!({ "index": wrong.index, "what": wrong.what })).collect();
        output::json(&json!({
            "ok": self.is_fine(), "entries": size, "root": self.root(), "heads": heads, "absent": absent,
            "witnessed": { "entries": self.witnessed, "by": self.by }, "not_signed_yet": tail,
            "unfinished_bytes": unfinished_bytes, "wrong": wrong, "key": verifier.to_string(),
        }))
    }

    fn text(&self) {
        let report = &self.report;
        if let Some(first) = report.first_wrong() {
            let place =
                first.index.map_or_else(|| "a signed head".to_owned(), |index| format!("entry {index}"));
            eprintln!("NOT VERIFIED: the first that is wrong is {place}: {}", first.what);
            if report.wrong.len() > 1 {
                eprintln!("and {} more", report.wrong.len() - 1);
            }
            return;
        }
        let (size, heads, root) = (report.size, report.heads, self.root());
        output::line(format!("verified: {size} entries under {heads} signed heads, root {root}"));
        if let Some(pruned) = report.pruned.as_ref().filter(|_| report.absent > 0) {
            let (absent, end, why) = (report.absent, pruned.end, pruned.why.as_str());
            output::line(format!(
                "{absent} entries before {end} are not here ({why}): their hashes are, and were verified"
            ));
        }
        if let Some(size) = self.witnessed.filter(|_| !self.by.is_empty()) {
            let by = plain(&self.by.join(", "));
            output::line(format!("the first {size} are under a head signed by {by}"));
        }
        if report.tail > 0 {
            output::line(format!("{} newer entries are durable and not signed yet", report.tail));
        }
        if !self.is_whole {
            eprintln!("NOT WHOLE: {} entries are missing that are not too old to be kept", report.absent);
        }
        if !self.is_witnessed {
            eprintln!("NOT WITNESSED: of the witnesses {} have signed, which are too few", self.by.len());
        }
    }
}
