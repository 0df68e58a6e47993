//! What a gateway remembers of the day before it was started, out of its audit log.

use std::path::Path;

use access::Timestamp;
use anyhow::Context;
use gate::Gate;
use memchr::memmem;

/// Comparisons and tokens count for a day, and those before a restart do too: without them whoever could end the gateway
/// could begin anew. The log is searched for the few entries that tell of one, as nothing else of it is of interest.
///
/// # Errors
/// The log cannot be read.
pub fn comparisons(gate: &Gate, log: &Path, now: Timestamp) -> anyhow::Result<u64> {
    let context = || format!("the audit log in `{}` cannot be read", log.display());
    let first = audit::since(log, now.plus_seconds(-SECONDS)).with_context(context)?;
    let telling = TELL.map(memmem::Finder::new);
    let mut found = 0;
    for line in audit::lines(log, first..u64::MAX) {
        let (index, line) = line.with_context(context)?;
        if telling.iter().all(|telling| telling.find(&line).is_none()) {
            continue;
        }
        let entry = audit::Entry::from_json(&line).with_context(|| format!("entry {index}"))?;
        gate.recall(&entry);
        found += 1;
    }
    Ok(found)
}

/// How far back is looked: a day, and an hour for clocks that were set.
const SECONDS: i64 = 25 * 60 * 60;

/// What stands in an entry of a command that compares, and of an answer of a model. Within a text of the entry its quotes
/// would be escaped.
const TELL: [&[u8]; 2] = [br#""matches":[{"#, br#""said":{"#];
