//! What prepared statements and cursors stand for, and what running them by name means.

use std::collections::HashMap;
use std::sync::Arc;

use access::Facts;

use crate::{Analysis, Catalog, NameUse, merge};

/// The facts of a command, with those of the statements and cursors that it runs by name. `known` gives the
/// facts of a name that was made before it; `None` stands for a name that nobody has seen made, under which
/// anything of `catalog` may be.
///
/// # Errors
/// Whatever `known` says, at the first name of which it cannot tell.
pub fn resolve<E>(
    analysis: &Analysis,
    catalog: &Catalog,
    known: impl Fn(&NameUse) -> Result<Option<Arc<Facts>>, E>,
) -> Result<Arc<Facts>, E> {
    let mut facts = Arc::clone(&analysis.facts);
    // Names that this very command makes before it uses them.
    let mut made: HashMap<(bool, &str), Arc<Facts>> = HashMap::new();
    // What runs twice is merged once.
    let mut merged: Vec<Arc<Facts>> = Vec::new();
    for name in &analysis.names {
        let (own, at) = match name {
            NameUse::Prepare { name, facts } => {
                made.insert((true, name), Arc::clone(facts));
                continue;
            }
            NameUse::Declare { cursor, facts } => {
                made.insert((false, cursor), Arc::clone(facts));
                continue;
            }
            NameUse::Execute { name, at } => (made.get(&(true, &**name)), *at),
            NameUse::Fetch { cursor, at } => (made.get(&(false, &**cursor)), *at),
            NameUse::Deallocate { .. } | NameUse::CloseCursor { .. } | NameUse::DiscardAll => continue,
        };
        let run = match own {
            Some(facts) => Some(Arc::clone(facts)),
            None => known(name)?,
        };
        let run = run.unwrap_or_else(|| Arc::new(unknown_name(catalog)));
        // Each time that it runs gives an answer.
        if !run.answers.is_empty() || !merged.iter().any(|earlier| Arc::ptr_eq(earlier, &run)) {
            facts = Arc::new(merge(&facts, &run, at));
            merged.push(run);
        }
    }
    Ok(facts)
}

/// What is understood of running something by a name that panguard has not seen made.
pub fn unknown_name(catalog: &Catalog) -> Facts {
    // Its effect is the default, on data.
    Facts {
        not_understood: vec!["unknown prepared name".into()],
        in_reach: catalog.classes(),
        ..Facts::default()
    }
}
