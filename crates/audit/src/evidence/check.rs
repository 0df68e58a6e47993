//! Checking a pack offline, with nothing but the log's public key.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use access::Timestamp;
use aws_lc_rs::digest;

use super::exhibit::{self, Exhibit, hex};
use super::manifest::{self, HEAD, Listed, MANIFEST, Manifest, NOTE, SAMPLES};
use super::sample::{SAMPLES_MAX, Sampler, rank};
use crate::{Checkpoint, NotVerifiable, Verifier, signed, verify};

/// What checking a pack found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What is in it, if it is signed.
    pub manifest: Option<Manifest>,
    /// Entries whose proofs hold.
    pub proven: usize,
    /// All that is wrong.
    pub wrong: Vec<Amiss>,
}

impl Checked {
    /// Whether the pack is as it was drawn.
    pub fn holds(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// Something that is wrong with a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amiss {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

impl Amiss {
    fn of(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self { file: file.into(), what: what.into() }
    }
}

/// Checks the pack at `dir`: that the log's key signed its manifest, that its files are those that are named there and no
/// others, that the key signed its checkpoint, and that each entry of its samples is in the tree under that.
///
/// With the folder of the log, or of a copy of it, also that the log holds, that the checkpoint is one of it, and that
/// the draw made anew from its entries is the same.
///
/// # Errors
/// The log cannot be read. What is wrong with the pack is in the answer.
pub fn check(dir: &Path, verifier: &Verifier, log: Option<&Path>) -> Result<Checked, NotVerifiable> {
    let mut checked = Checked { manifest: None, proven: 0, wrong: Vec::new() };
    let manifest = match signed_manifest(dir, verifier) {
        Ok(manifest) => manifest,
        Err(amiss) => {
            checked.wrong.push(amiss);
            return Ok(checked);
        }
    };
    checked.wrong.extend(manifest.files.iter().filter_map(|listed| compare(dir, listed).err()));
    checked.wrong.extend(strangers(dir, &manifest));
    match head(dir, verifier, &manifest) {
        Ok((note, head)) => {
            checked.samples(dir, &manifest, &head);
            if let Some(log) = log {
                checked.log(log, verifier, &manifest, &note, &head)?;
            }
        }
        Err(amiss) => checked.wrong.push(amiss),
    }
    checked.manifest = Some(manifest);
    Ok(checked)
}

fn signed_manifest(dir: &Path, verifier: &Verifier) -> Result<Manifest, Amiss> {
    let note = text(dir, NOTE)?;
    let bytes = text(dir, MANIFEST)?;
    if !manifest::is_signed(verifier, &note, bytes.as_bytes()) {
        return Err(Amiss::of(
            MANIFEST,
            "the log's key did not sign it: it was changed, or the key is another's",
        ));
    }
    let manifest: Manifest =
        serde_json::from_str(&bytes).map_err(|_| Amiss::of(MANIFEST, "it is signed and cannot be read"))?;
    if manifest.panguard_evidence != manifest::VERSION {
        return Err(Amiss::of(MANIFEST, "it is of another version of panguard"));
    }
    Ok(manifest)
}

/// A small file of the pack.
fn text(dir: &Path, path: &str) -> Result<String, Amiss> {
    let read = || {
        let file = open(&dir.join(path))?;
        let mut text = String::new();
        file.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|error: io::Error| Amiss::of(path, format!("it cannot be read: {error}")))?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(Amiss::of(path, "it is too long"));
    }
    Ok(text)
}

/// Opens a file that is one, and not a link to another or a device.
fn open(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    File::open(path)
}

fn compare(dir: &Path, listed: &Listed) -> Result<(), Amiss> {
    let path = &*listed.path;
    if !is_inside(path) {
        return Err(Amiss::of(path, "its path leads out of the pack"));
    }
    let hashed = || {
        let mut file = open(&dir.join(path))?;
        let mut context = digest::Context::new(&digest::SHA256);
        let (mut bytes, mut chunk) = (0_u64, vec![0; 64 << 10]);
        loop {
            let read = file.read(&mut chunk)?;
            let Some(filled) = chunk.get(..read).filter(|filled| !filled.is_empty()) else { break };
            context.update(filled);
            bytes = bytes.saturating_add(read as u64);
        }
        Ok((bytes, context.finish()))
    };
    let (bytes, hash) =
        hashed().map_err(|error: io::Error| Amiss::of(path, format!("it cannot be read: {error}")))?;
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if bytes != listed.bytes || *hash != *listed.sha256 {
        return Err(Amiss::of(path, "it was changed"));
    }
    Ok(())
}

/// Whether a path is of names alone, without `.`, `..` or a root.
fn is_inside(path: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    };
    path.split('/').all(is_name)
}

/// What is in the folder and not in the manifest.
fn strangers(dir: &Path, manifest: &Manifest) -> Vec<Amiss> {
    let known: BTreeSet<&str> = manifest.files.iter().map(|listed| &*listed.path).collect();
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let inside = match fs::read_dir(dir.join(&folder)) {
            Ok(inside) => inside,
            Err(error) => {
                found.push(Amiss::of(folder, format!("it cannot be read: {error}")));
                continue;
            }
        };
        for file in inside.flatten() {
            let path = format!("{folder}{}", file.file_name().to_string_lossy());
            let is_known = known.contains(&*path) || path == MANIFEST || path == NOTE;
            match file.file_type() {
                Ok(kind)
                    if kind.is_dir() && known.iter().any(|known| known.starts_with(&format!("{path}/"))) =>
                {
                    folders.push(format!("{path}/"));
                }
                Ok(_) if is_known => {}
                Ok(_) | Err(_) => found.push(Amiss::of(path, "it is not of the pack")),
            }
        }
    }
    found
}

/// The checkpoint, as written and as read.
fn head(dir: &Path, verifier: &Verifier, manifest: &Manifest) -> Result<(String, Checkpoint), Amiss> {
    let note = text(dir, HEAD)?;
    let head = verifier.open(&note).map_err(|why| Amiss::of(HEAD, why.to_string()))?;
    if head.size != manifest.size || *head.origin != *manifest.log {
        return Err(Amiss::of(HEAD, "it is another one than the manifest is about"));
    }
    Ok((note, head))
}

impl Checked {
    fn samples(&mut self, dir: &Path, manifest: &Manifest, head: &Checkpoint) {
        let start = format!("{SAMPLES}/");
        let files = manifest.files.iter().map(|listed| &*listed.path);
        let files = files.filter(|path| path.starts_with(&start) && path.ends_with(".json"));
        let mut found = BTreeSet::new();
        for path in files {
            match sample(dir, path, manifest, head) {
                Ok((index, proven)) => {
                    found.insert(index);
                    self.proven += proven;
                }
                Err(amiss) => self.wrong.push(amiss),
            }
        }
        let drawn: BTreeSet<u64> = manifest.draw.drawn.iter().copied().collect();
        if self.wrong.is_empty() && found != drawn {
            self.wrong.push(Amiss::of(MANIFEST, "the samples are not those that it says were drawn"));
        }
    }

    fn log(
        &mut self,
        log: &Path,
        verifier: &Verifier,
        manifest: &Manifest,
        note: &str,
        head: &Checkpoint,
    ) -> Result<(), NotVerifiable> {
        let report = verify(log, verifier, Some(note))?;
        for wrong in &report.wrong {
            let place = wrong.index.map_or_else(|| "a head".to_owned(), |index| format!("entry {index}"));
            self.wrong.push(Amiss::of("the log", format!("{place}: {}", wrong.what)));
        }
        if !report.holds() {
            return Ok(());
        }
        let wanted = usize::try_from(manifest.draw.wanted).unwrap_or(usize::MAX).min(SAMPLES_MAX);
        let mut sampler = Sampler::new(&manifest.draw.seed, wanted);
        let (from, to) = (moment(&manifest.from), moment(&manifest.to));
        let pruned = report.pruned.as_ref();
        if pruned.is_some_and(|pruned| from.is_none_or(|from| from <= pruned.newest)) && report.absent > 0 {
            let what = "entries of the period were pruned from it: name a restored copy of the archive";
            self.wrong.push(Amiss::of("the log", what));
            return Ok(());
        }
        for entry in signed(log, head, pruned.map_or(0, |pruned| pruned.end)).entries() {
            let (index, entry) = entry?;
            if from.is_some_and(|from| entry.time >= from) && to.is_some_and(|to| entry.time < to) {
                sampler.take(index, &entry.event);
            }
        }
        if sampler.drawn() != manifest.draw.drawn || sampler.population() != manifest.draw.population {
            self.wrong.push(Amiss::of("the log", "a draw from it by the same seed gives other samples"));
        }
        Ok(())
    }
}

/// A sample's index, and how many of its entries are proven: all of them.
fn sample(dir: &Path, path: &str, manifest: &Manifest, head: &Checkpoint) -> Result<(u64, usize), Amiss> {
    let sample: Exhibit =
        serde_json::from_str(&text(dir, path)?).map_err(|_| Amiss::of(path, "it is not a sample"))?;
    let is_ours = sample.panguard_sample == exhibit::VERSION
        && *sample.rank == hex(&rank(&manifest.draw.seed, sample.index))
        && sample.entries.iter().any(|entry| entry.index == sample.index);
    if !is_ours {
        return Err(Amiss::of(path, "it is not a sample by the manifest's seed"));
    }
    if !sample.is_told_truly() {
        return Err(Amiss::of(path, "what it tells is not what its entries say"));
    }
    match sample.entries.iter().find(|entry| !entry.is_under(head)) {
        Some(entry) => {
            Err(Amiss::of(path, format!("entry {} is not in the log that was signed", entry.index)))
        }
        None => Ok((sample.index, sample.entries.len())),
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp(time.as_microsecond()))
}

/// A sample with 200 entries of 64 KiB each, and a manifest of ten thousand samples, are well below.
const TEXT_BYTES_MAX: u64 = 64 << 20;
