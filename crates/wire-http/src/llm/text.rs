//! Documents with texts in them: what is masked in one by itself.

use std::collections::HashMap;

use mask::Masked;

use super::doc::{Doc, Edits, Kind, ROOT, characters, edited, escape, read};
use super::spelt::Spelt;
use crate::body::{self, Care};

/// Masks a document by the rules and by what a scan finds, but for its strings at `pieces`, which are masked by
/// the texts that they are pieces of. What their names or the rules say of them holds all the same.
pub(super) fn mask(care: &Care, data: &[u8], pieces: &[usize]) -> Option<Masked> {
    let mut masked = care.masker.json(data, &care.rules);
    if let Some(whole) = &mut masked {
        give_back(care, data, whole, pieces);
        keep_json(care, data, whole);
    }
    // Pieces beside one another are of one text already, or of several that have nothing to do with one another.
    if pieces.is_empty() {
        masked = then(masked, data, |data| beside(care, data));
        masked = then(masked, data, |data| {
            let (bytes, found) = body::disguised(care, data)?;
            Some(Masked { bytes, found: u32::try_from(found).unwrap_or(u32::MAX), sad: false })
        });
        if care.strict {
            masked = then(masked, data, |data| spelt(care, data));
        }
    }
    masked.filter(|masked| masked.sad || masked.bytes != data)
}

/// Masks what was masked once more.
fn then(masked: Option<Masked>, data: &[u8], mask: impl Fn(&[u8]) -> Option<Masked>) -> Option<Masked> {
    let Some(again) = mask(masked.as_ref().map_or(data, |masked| &masked.bytes)) else { return masked };
    let (found, sad) = masked.map_or((0, false), |masked| (masked.found, masked.sad));
    Some(Masked { bytes: again.bytes, found: again.found.saturating_add(found), sad: again.sad || sad })
}

/// Masks numbers that are spelt.
fn spelt(care: &Care, data: &[u8]) -> Option<Masked> {
    let doc = Doc::read(data)?;
    let mut edits = Edits::new();
    let mut found = 0;
    for at in (0..doc.len()).filter(|at| doc.kind(*at) == Some(Kind::String)) {
        let mut spelt = Spelt::new(care.masker);
        let mut told = spelt.push(doc.written(at));
        told.extend(spelt.finish());
        if spelt.found() > 0 {
            found += u32::try_from(spelt.found()).unwrap_or(u32::MAX);
            edits.push((doc.content(at), told));
        }
    }
    (found > 0).then(|| Masked { bytes: edited(data, edits), found, sad: false })
}

/// Whether rules say something of places in documents, and this is none, so that it goes as a whole.
pub(super) fn is_hidden(care: &Care, data: &[u8]) -> bool {
    let hidden = [b"\"", care.masker.whole(), b"\""].concat();
    !care.rules.is_empty()
        && care.masker.json(data, &care.rules).is_some_and(|masked| masked.bytes == hidden && data != hidden)
}

/// Puts the pieces back in which only a scan found something.
fn give_back(care: &Care, data: &[u8], whole: &mut Masked, pieces: &[usize]) {
    let mut edits = Edits::new();
    {
        let (Some(doc), Some(told)) = (Doc::read(data), Doc::read(&whole.bytes)) else { return };
        let mut places = None;
        for piece in pieces {
            let places = places.get_or_insert_with(|| pairs(&doc, &told));
            let Some(place) = places.get(piece).copied() else { continue };
            let (before, after) = (doc.written(*piece), told.written(place));
            if before == after || told.kind(place) != Some(Kind::String) {
                continue;
            }
            if let Some(masked) = care.masker.text(read(before).as_bytes()) {
                whole.found = whole.found.saturating_sub(masked.found.max(1));
                edits.push((told.content(place), before.to_vec()));
            }
        }
    }
    whole.bytes = edited(&whole.bytes, edits);
}

/// Masks documents within strings, such as the arguments of a tool, so that they stay documents: a number among them
/// becomes a string.
fn keep_json(care: &Care, data: &[u8], whole: &mut Masked) {
    let mut edits = Edits::new();
    {
        let (Some(doc), Some(told)) = (Doc::read(data), Doc::read(&whole.bytes)) else { return };
        for (from, to) in pairs(&doc, &told) {
            let (before, after) = (doc.written(from), told.written(to));
            let string = doc.kind(from) == Some(Kind::String) && told.kind(to) == Some(Kind::String);
            if !string || before == after {
                continue;
            }
            let (before, after) = (read(before), read(after));
            if before.trim_start().starts_with(['{', '['])
                && Doc::read(before.as_bytes()).is_some()
                && Doc::read(after.as_bytes()).is_none()
                && let Some(masked) = care.masker.json(before.as_bytes(), &[])
            {
                edits.push((told.content(to), escape(&masked.bytes)));
            }
        }
    }
    whole.bytes = edited(&whole.bytes, edits);
}

/// Which value of `told` stands where each of `doc` stood.
pub(super) fn pairs(doc: &Doc<'_>, told: &Doc<'_>) -> HashMap<usize, usize> {
    let mut pairs = HashMap::new();
    let mut left = vec![(ROOT, ROOT)];
    while let Some((one, other)) = left.pop() {
        pairs.insert(one, other);
        if doc.kind(one) == told.kind(other) {
            left.extend(doc.children(one).zip(told.children(other)));
        }
    }
    pairs
}

/// Masks texts that stand beside one another as one: parts of one message.
fn beside(care: &Care, data: &[u8]) -> Option<Masked> {
    let doc = Doc::read(data)?;
    let mut edits = Edits::new();
    let (mut found, mut sad) = (0, false);
    for at in 0..doc.len() {
        // Several answers are not one.
        if doc.kind(at) != Some(Kind::Array) || matches!(&*doc.name(at), "choices" | "candidates") {
            continue;
        }
        for run in runs(&doc, at, care.strict) {
            if let Some((joined, changed)) = joined(care, &doc, &run) {
                found += joined.found;
                sad |= joined.sad;
                edits.extend(changed);
            }
        }
    }
    (!edits.is_empty() || sad).then(|| Masked { bytes: edited(data, edits), found, sad })
}

/// Runs of texts in an array that have nothing between them.
fn runs(doc: &Doc<'_>, array: usize, strict: bool) -> Vec<Vec<usize>> {
    let mut runs = vec![Vec::new()];
    for element in doc.children(array) {
        let text = match doc.kind(element) {
            Some(Kind::Object) => {
                doc.member(element, "text").filter(|text| doc.kind(*text) == Some(Kind::String))
            }
            Some(Kind::String) if strict => Some(element),
            _ => None,
        };
        match (text, runs.last_mut()) {
            (Some(text), Some(run)) => run.push(text),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| run.len() > 1);
    runs
}

/// Masks strings as one text; what of it is told in the place of which.
fn joined(care: &Care, doc: &Doc<'_>, run: &[usize]) -> Option<(Masked, Edits)> {
    let text: String = run.iter().filter_map(|at| doc.string(*at)).collect();
    let masked = care.masker.text(text.as_bytes())?;
    let mut edits = Edits::new();
    let mut rest = masked.bytes.as_slice();
    for at in run {
        let written = doc.written(*at);
        let (told, after) = rest.split_at_checked(read(written).len())?;
        rest = after;
        if let Some(told) = rewritten(written, told) {
            edits.push((doc.content(*at), told));
        }
    }
    Some((masked, edits))
}

/// What stands between the quotes of a string once its text is `told`, of the same length; what stays is written as
/// it was. `None` when all of it stays.
pub(super) fn rewritten(written: &[u8], told: &[u8]) -> Option<Vec<u8>> {
    if read(written).as_bytes() == told {
        return None;
    }
    let mut kept = Vec::with_capacity(written.len());
    let (mut rest, mut at) = (told, 0);
    for (c, length) in characters(written) {
        let (now, after) = rest.split_at_checked(c.len_utf8())?;
        rest = after;
        let same = c.encode_utf8(&mut [0; 4]).as_bytes() == now;
        match written.get(at..at + length).filter(|_| same) {
            Some(same) => kept.extend_from_slice(same),
            None => kept.extend(escape(now)),
        }
        at += length;
    }
    // A character may have been cut by what was masked.
    Some(if str::from_utf8(told).is_ok() { kept } else { b"*".repeat(told.len()) })
}
