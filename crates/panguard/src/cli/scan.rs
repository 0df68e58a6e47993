use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use mask::{FindingKind, Masker, Profile};
use serde_json::json;

use super::output::{self, Exit, Format};

/// Find card data in files, folders or standard input. Exits with 1 if there is any.
///
/// Prints where it is and the number masked, never the number.
#[derive(Args)]
pub struct Arguments {
    /// Files, and folders with all that is in them; `-` or nothing is standard input.
    paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut found = 0;
    if arguments.paths.is_empty() {
        found += scan(&mut io::stdin().lock(), Path::new("-"), arguments.format)?;
    }
    for path in &arguments.paths {
        found += if path == Path::new("-") {
            scan(&mut io::stdin().lock(), path, arguments.format)?
        } else {
            walk(path, arguments.format)?
        };
    }
    Ok(if found == 0 { Exit::Fine } else { Exit::No })
}

/// Scans a file, or a folder and what is in it. Links inside folders are not followed.
fn walk(path: &Path, format: Format) -> anyhow::Result<usize> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if !metadata.is_dir() {
        let mut file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        return scan(&mut file, path, format).with_context(|| format!("cannot read `{}`", path.display()));
    }
    let listed = fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = listed.with_context(|| format!("cannot read `{}`", path.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = 0;
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() || kind.is_file() {
            found += walk(&entry.path(), format)?;
        }
    }
    Ok(found)
}

/// Scans a stream in pieces. Two that follow each other share some bytes, so that what lies across them is
/// seen whole, with what stands before and after it.
fn scan(stream: &mut dyn Read, path: &Path, format: Format) -> anyhow::Result<usize> {
    let mut piece = Vec::new();
    let (mut found, mut lines, mut offset) = (0, 0_u64, 0_u64);
    // Where in the piece the part begins that has not been looked at.
    let mut begin = 0;
    loop {
        let room = PIECE_BYTES.saturating_sub(piece.len());
        let got = stream.take(room as u64).read_to_end(&mut piece)?;
        let last = got < room;
        let end = if last { piece.len() } else { piece.len().saturating_sub(SHARED_BYTES) };
        for finding in mask::find(&piece).filter(|finding| (begin..end).contains(&finding.range.start)) {
            let start = finding.range.start;
            let line = lines + newlines(piece.get(..start)) + 1;
            let bytes = piece.get(finding.range).unwrap_or_default();
            tell(path, line, offset + start as u64, &finding.kind, bytes, format)?;
            found += 1;
        }
        if last {
            return Ok(found);
        }
        let cut = end.saturating_sub(SHARED_BYTES);
        lines += newlines(piece.get(..cut));
        offset += cut as u64;
        piece.drain(..cut);
        begin = end - cut;
    }
}

fn tell(
    path: &Path,
    line: u64,
    offset: u64,
    kind: &FindingKind,
    bytes: &[u8],
    format: Format,
) -> anyhow::Result<()> {
    let what = match kind {
        FindingKind::Pan { brand } => format!("card number ({})", brand.name()),
        FindingKind::Track1 => "track 1".to_owned(),
        FindingKind::Track2 => "track 2".to_owned(),
        FindingKind::CardCode => "card code".to_owned(),
        FindingKind::Pin => "PIN or PIN block".to_owned(),
        FindingKind::Secret { rule } => format!("secret ({rule})"),
        FindingKind::Email => "e-mail address".to_owned(),
        FindingKind::Phone => "telephone number".to_owned(),
        FindingKind::Iban => "IBAN".to_owned(),
        FindingKind::UsSsn => "US Social Security number".to_owned(),
    };
    let masked = Masker::new(Profile::Last4).text(bytes).map(|masked| masked.bytes).unwrap_or_default();
    // What the masker would leave as it is, is not shown at all.
    let masked =
        if masked.is_empty() { "****".into() } else { String::from_utf8_lossy(&masked).into_owned() };
    match format {
        Format::Text => output::line(format!("{}:{line}: {what} {masked}", path.display())),
        Format::Json => output::json(&json!({
            "path": path, "line": line, "offset": offset, "what": what, "masked": masked,
        }))?,
    }
    Ok(())
}

fn newlines(bytes: Option<&[u8]>) -> u64 {
    bytes.unwrap_or_default().iter().filter(|byte| **byte == b'\n').count() as u64
}

const PIECE_BYTES: usize = 1 << 20;
/// Longer than anything that is found: a track is at most 79 characters, encoded a few times that.
const SHARED_BYTES: usize = 4 << 10;
