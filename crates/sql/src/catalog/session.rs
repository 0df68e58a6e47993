//! Which views hang on the session that reads them, by their definitions as PostgreSQL writes them.

use super::{Catalog, Links};
use crate::function;
use crate::manifest::RELATIONS;

impl Catalog {
    pub(super) fn spread_session(&mut self, links: &Links) {
        for (&view, text) in &links.definitions {
            let is_systems = |word: &str| word.starts_with("pg_") && RELATIONS.worst(word, None).is_some();
            let over_system = words(text).any(|(word, _)| is_systems(word) || word == "information_schema");
            let asks = words(text).any(|(word, is_call)| {
                word == "CURRENT_SCHEMA" || (is_call && function::is_of_session(word, self.major()))
            });
            self.hangs(view, over_system, over_system || asks);
        }
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for link in &links.views {
                let Some((over_system, of_session)) =
                    self.relation(link.relation).map(|it| (it.over_system, it.of_session))
                else {
                    continue;
                };
                changed |= self.hangs(link.view, over_system, of_session);
            }
        }
    }

    /// Notes it of a view; whether it was not known.
    fn hangs(&mut self, view: u32, over_system: bool, of_session: bool) -> bool {
        let Some(view) = self.by_oid.get(&view).and_then(|&at| self.relations.get_mut(at)) else {
            return false;
        };
        let before = (view.over_system, view.of_session);
        view.over_system |= over_system;
        view.of_session |= of_session;
        before != (view.over_system, view.of_session)
    }
}

/// The words of a definition, and which of them are called.
fn words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.split_inclusive(move |c| !is_part(c)).map(move |word| {
        let bare = word.trim_end_matches(|c| !is_part(c));
        (bare, word.ends_with('('))
    })
}
