use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Step;
use super::observe::{Witness, digits, rows};
use crate::demo::show::one_line;

/// Looks for the card numbers that were asked about in every file that the gateway has written.
pub async fn holds_no_card_number(witness: &Witness<'_>) -> anyhow::Result<Step> {
    let sql = "SELECT pan FROM cards WHERE id <= 3 UNION SELECT document->'card'->>'number' FROM payments WHERE id IN (10, 20)";
    let pans: Vec<String> = rows(&witness.database, sql).await?.into_iter().flatten().flatten().collect();
    let (mut files, mut bytes, mut found) = (0, 0, Vec::new());
    for file in files_under(&witness.folder().join("data"))?.into_iter().chain([witness.house().log.clone()])
    {
        // The gateway goes on meanwhile: a file that it has put another in the place of is gone.
        let Ok(content) = fs::read(&file) else { continue };
        let content = written(&content);
        files += 1;
        bytes += content.len();
        let text = String::from_utf8_lossy(content);
        if pans.iter().any(|pan| text.contains(pan.as_str()) || digits(&text).contains(pan.as_str())) {
            found.push(file.display().to_string());
        }
    }
    let entries = audit::entries(&witness.house().audit, 0..u64::MAX).count();
    Ok(Step {
        name: "no-card-number-recorded",
        title: "Nothing that the gateway wrote holds a card number",
        asked: format!(
            "the files themselves: {files} files, {entries} audit entries, {} card numbers to look for",
            pans.len()
        ),
        expected: "no card number, though one was in a statement and many in answers".into(),
        observed: if found.is_empty() {
            format!("none in {} kB", bytes / 1024)
        } else {
            format!("FOUND in {}", found.join(", "))
        },
        held: found.is_empty() && entries > 0 && !pans.is_empty(),
        recorded: Vec::new(),
    })
}

/// Verifies the log as an assessor would: `panguard audit verify` with the key, and nothing of the gateway.
pub fn verifies(witness: &Witness<'_>) -> anyhow::Result<Step> {
    let key = fs::read_to_string(crate::folder::verifier_key(&witness.house().audit))?;
    let key = key.trim();
    let (code, said) = verify(witness, &witness.house().audit, key)?;
    Ok(Step {
        name: "audit-log-verifies",
        title: "The audit log verifies offline",
        asked: format!("panguard audit verify --dir … --key {key}"),
        expected: "exit code 0".into(),
        observed: format!("{said} (exit code {code})"),
        held: code == 0,
        recorded: Vec::new(),
    })
}

/// Changes one word in a copy of the log and verifies that.
pub fn shows_tampering(witness: &Witness<'_>) -> anyhow::Result<Step> {
    let key = fs::read_to_string(crate::folder::verifier_key(&witness.house().audit))?;
    let copy = witness.folder().join("tampered");
    let changed = copy_with_a_lie(&witness.house().audit, &copy)?;
    let (code, said) = verify(witness, &copy, key.trim())?;
    fs::remove_dir_all(&copy)?;
    Ok(Step {
        name: "tampering-is-found",
        title: "A copy of it with one word changed does not",
        asked: format!("the same of a copy in which `{TRUTH}` became `{LIE}` in {changed} files"),
        expected: "exit code 1, and the first entry that is wrong".into(),
        observed: format!("{said} (exit code {code})"),
        held: changed > 0 && code == 1 && said.contains("entry"),
        recorded: Vec::new(),
    })
}

fn verify(witness: &Witness<'_>, dir: &Path, key: &str) -> anyhow::Result<(i32, String)> {
    let dir = dir.to_str().context("the temporary folder has no plain name")?;
    let done = witness.house().panguard(["audit", "verify", "--dir", dir, "--key", key])?.output()?;
    let said = if done.stdout.is_empty() { &done.stderr } else { &done.stdout };
    let first = String::from_utf8_lossy(said).lines().next().unwrap_or_default().to_owned();
    Ok((done.status.code().unwrap_or(-1), one_line(&first)))
}

/// Copies a log; whoever changes it changes it wherever it stands. In how many files that was.
fn copy_with_a_lie(from: &Path, to: &Path) -> anyhow::Result<usize> {
    let mut changed = 0;
    for file in files_under(from)? {
        let Ok(mut content) = fs::read(&file) else { continue };
        let target = to.join(file.strip_prefix(from)?);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        let place = written(&content).windows(TRUTH.len()).position(|window| window == TRUTH.as_bytes());
        if let Some(at) = place
            && let Some(place) = content.get_mut(at..at + LIE.len())
        {
            place.copy_from_slice(LIE.as_bytes());
            changed += 1;
        }
        fs::write(target, content)?;
    }
    Ok(changed)
}

/// The bytes of a file up to the zeros that keep room in it.
fn written(content: &[u8]) -> &[u8] {
    let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    content.get(..end).unwrap_or_default()
}

fn files_under(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_under(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// What the agent did, as its entry has it.
const TRUTH: &str = "DROP TABLE cards";
/// As long as the truth, so that only the tree can tell.
const LIE: &str = "READ TABLE cards";
