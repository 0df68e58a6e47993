//! A command that was drawn, with all that the log holds of it, and a proof for each entry.

use std::collections::BTreeMap;
use std::path::Path;

use access::RequestId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::row::Row;
use super::sample::rank;
use crate::read::{self, ReadError, lines, signed};
use crate::tree::{Hash, leaf_hash, verify_inclusion};
use crate::{Checkpoint, Entry, Event, prove};

/// A drawn command as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exhibit {
    /// The form of this file.
    pub panguard_sample: u16,
    /// The command's place in the log.
    pub index: u64,
    /// Its rank in the draw, in hex.
    pub rank: Box<str>,
    /// What the entries say, for people.
    pub told: Told,
    /// The entries, in the order of the log.
    pub entries: Vec<Proven>,
    /// Whether there are more entries on its approval than are here.
    pub more: bool,
}

/// What an assessor asks of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Who: kind and name in policies.
    pub who: String,
    /// Their issuer and subject there, and the person, where it is known.
    pub identity: String,
    /// When it was decided.
    pub when: String,
    /// From which address, by which client.
    pub whence: String,
    /// On which connection.
    pub on: String,
    /// What: its text, masked.
    pub what: String,
    /// How it was decided and how it ended.
    pub outcome: String,
    /// By which policies.
    pub policies: String,
    /// By whom it was approved, if it was.
    pub approved_by: String,
}

/// One entry with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// Its place in the log.
    pub index: u64,
    /// Its type.
    pub event: Box<str>,
    /// The leaf: the entry's bytes as they are in the log.
    pub leaf: Box<str>,
    /// The hashes from the leaf to the root (RFC 6962 §2.1.1), in base64, nearest first.
    pub proof: Vec<Box<str>>,
}

impl Proven {
    /// Whether it is in the tree that `head` signs.
    pub fn is_under(&self, head: &Checkpoint) -> bool {
        let proof: Option<Vec<Hash>> =
            self.proof.iter().map(|node| BASE64.decode(&**node).ok()?.try_into().ok()).collect();
        let leaf = leaf_hash(self.leaf.as_bytes());
        proof.is_some_and(|proof| verify_inclusion(&leaf, self.index, head.size, &proof, &head.root))
    }
}

impl Exhibit {
    /// Whether what is told for people is what the entries say.
    pub(super) fn is_told_truly(&self) -> bool {
        let read = |it: &Proven| {
            let entry = Entry::from_json(it.leaf.as_bytes()).ok()?;
            (*it.event == *entry.event.name()).then_some((it.index, entry))
        };
        let entries: Option<Vec<(u64, Entry)>> = self.entries.iter().map(read).collect();
        let told =
            |entries: Vec<(u64, Entry)>| told(self.index, entries.iter().map(|(at, entry)| (*at, entry)));
        entries.and_then(told).is_some_and(|told| told == self.told)
    }
}

/// The commands at these indexes, with what belongs to each among the entries of the log at `dir` under `head`.
///
/// # Errors
/// Entries or tiles cannot be read.
pub fn exhibits(
    dir: &Path,
    head: &Checkpoint,
    pruned: u64,
    seed: &str,
    drawn: &[u64],
) -> Result<Vec<Exhibit>, ReadError> {
    let mut found: Vec<Found> = Vec::new();
    for index in drawn {
        let mut at = lines(dir, *index..index.saturating_add(1));
        let (_, line) = at.next().ok_or(ReadError::Missing { index: *index })??;
        let entry = read::entry(*index, &line)?;
        let approval = match &entry.event {
            Event::CommandIntent { approval, .. } => approval.clone(),
            _ => None,
        };
        found.push(Found { index: *index, entry, approval, lines: BTreeMap::new(), more: false });
    }
    gather(dir, head, pruned, &mut found)?;
    found.into_iter().map(|it| it.exhibit(dir, head, seed)).collect()
}

/// A command while what belongs to it is looked for.
struct Found {
    index: u64,
    entry: Entry,
    approval: Option<Box<str>>,
    lines: BTreeMap<u64, (Entry, Vec<u8>)>,
    more: bool,
}

fn gather(dir: &Path, head: &Checkpoint, pruned: u64, found: &mut [Found]) -> Result<(), ReadError> {
    let mut by_request: BTreeMap<RequestId, Vec<usize>> = BTreeMap::new();
    let mut by_approval: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, it) in found.iter().enumerate() {
        if let Some(request) = it.entry.request {
            by_request.entry(request).or_default().push(place);
            by_approval.entry(request.to_string()).or_default().push(place);
        }
        if let Some(approval) = it.approval.as_deref().filter(|id| is_another(it, id)) {
            by_approval.entry(approval.into()).or_default().push(place);
            if let Some(request) = RequestId::read(approval) {
                by_request.entry(request).or_default().push(place);
            }
        }
    }
    // What was approved may have been asked long before.
    let first = found.iter().map(|it| if it.approval.is_some() { 0 } else { it.index }).min();
    let first = first.unwrap_or(head.size);
    for line in signed(dir, head, pruned) {
        let (index, line) = line?;
        if index < first {
            continue;
        }
        let entry = read::entry(index, &line)?;
        let request = entry.request.and_then(|request| by_request.get(&request));
        let approval = entry.event.of_request().and_then(|of| by_approval.get(of));
        for place in request.into_iter().chain(approval).flatten() {
            let Some(it) = found.get_mut(*place) else { continue };
            if !it.takes(index, &entry) {
                continue;
            }
            if it.lines.len() >= ENTRIES_MAX && index != it.index {
                it.more = true;
                continue;
            }
            it.lines.insert(index, (entry.clone(), line.clone()));
        }
    }
    Ok(())
}

/// Whether what approved a command was asked for under another id than its own.
fn is_another(it: &Found, approval: &str) -> bool {
    it.entry.request.is_none_or(|request| request.to_string() != approval)
}

impl Found {
    /// Whether an entry that is about its request or its approval belongs to it.
    fn takes(&self, index: u64, entry: &Entry) -> bool {
        match &entry.event {
            // Of the same approval others may have run.
            Event::CommandIntent { .. } | Event::CommandRefused { .. } => index == self.index,
            Event::Outcome { .. } => entry.request == self.entry.request && index > self.index,
            Event::Revealed { .. } => entry.request == self.entry.request,
            _ => true,
        }
    }

    fn exhibit(self, dir: &Path, head: &Checkpoint, seed: &str) -> Result<Exhibit, ReadError> {
        let told = told(self.index, self.lines.iter().map(|(index, (entry, _))| (*index, entry)));
        let told = told.ok_or(ReadError::Missing { index: self.index })?;
        let mut entries = Vec::new();
        for (index, (entry, line)) in self.lines {
            let proof = prove(dir, index, head.size)?;
            let leaf = String::from_utf8(line).map_err(|_| ReadError::Missing { index })?;
            let proof = proof.iter().map(|node| BASE64.encode(node).into()).collect();
            entries.push(Proven { index, event: entry.event.name().into(), leaf: leaf.into(), proof });
        }
        let rank = hex(&rank(seed, self.index)).into();
        Ok(Exhibit { panguard_sample: VERSION, index: self.index, rank, told, entries, more: self.more })
    }
}

/// What the entries say of the command at `index`; `None` if it is not among them.
fn told<'a>(index: u64, entries: impl Iterator<Item = (u64, &'a Entry)> + Clone) -> Option<Told> {
    let (_, entry) = entries.clone().find(|(at, _)| *at == index)?;
    let mut row = Row::new(index, entry);
    let mut approved = Vec::new();
    for (index, entry) in entries {
        let by = entry.principal.as_deref().map(|who| &*who.id).unwrap_or_default();
        match &entry.event {
            outcome @ Event::Outcome { .. } => row.end(index, outcome),
            Event::ApprovalAnswered { approves: true, .. } => approved.push(format!("{by} (entry {index})")),
            Event::GlassBroken { .. } => approved.push(format!("{by}, who broke the glass (entry {index})")),
            _ => {}
        }
    }
    let outcome = match row.ended {
        "" => row.what.clone(),
        "refused" => format!("refused: {}", row.what),
        ended if row.code.is_empty() => format!("{}, {ended}", row.what),
        ended => {
            format!("{}, {ended} ({}), {} rows, {} values masked", row.what, row.code, row.rows, row.masked)
        }
    };
    let identity = [&row.issuer, &row.subject, &row.person, &row.on_behalf_of];
    let identity: Vec<&str> =
        identity.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    Some(Told {
        who: format!("{} {}", row.principal_kind, row.principal),
        identity: identity.join(" / "),
        when: row.time,
        whence: format!("{} {}", row.from, row.client).trim().to_owned(),
        on: format!("{} ({})", row.resource, row.lane),
        what: row.statement,
        outcome,
        policies: row.policies,
        approved_by: approved.join("; "),
    })
}

pub(crate) fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The form of a sample's file.
pub(super) const VERSION: u16 = 1;

/// Entries that are kept of one command: its own are a handful, an approval's a few more.
const ENTRIES_MAX: usize = 200;
