//! What the operator vouches for holds no cardholder data, in one database.

use access::Timestamp;

use super::Catalog;
use crate::label::{NotPan, Vouched};

impl Catalog {
    /// What of a column holds no cardholder data, by the identity that RowDescription gives it: all of it, or
    /// places in its JSON documents. It does not spread: not to partitions, not to views, never by name.
    pub fn not_pan(&self, relation_oid: u32, attnum: i16) -> &[NotPan] {
        self.not_pan.get(&(relation_oid, attnum)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether something vouched for has to be searched again by `now`.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.not_pan.values().flatten().any(|not_pan| not_pan.until <= now)
    }

    /// Forgets what is vouched for no longer at `now`, and names those columns, as `schema.table.column`.
    pub fn expire(&mut self, now: Timestamp) -> Vec<String> {
        let mut expired = Vec::new();
        let mut kept = std::mem::take(&mut self.not_pan);
        for (&(relation, number), not_pan) in &mut kept {
            let before = not_pan.len();
            not_pan.retain(|not_pan| not_pan.until > now);
            if not_pan.len() < before
                && let Some(relation) = self.relation(relation)
            {
                let column = relation.columns.iter().find(|column| column.number == number);
                expired.extend(column.map(|column| format!("{}.{}", relation.name, column.name)));
            }
        }
        kept.retain(|_, not_pan| !not_pan.is_empty());
        self.not_pan = kept;
        expired.sort();
        expired
    }

    /// What a column is called in its relation, whatever a statement calls it.
    pub fn column_name(&self, relation_oid: u32, attnum: i16) -> Option<&str> {
        self.column(relation_oid, attnum).map(|column| &*column.name)
    }

    /// The column as `schema.table.column`, whatever a statement calls it.
    pub fn full_name(&self, relation_oid: u32, attnum: i16) -> Option<String> {
        let relation = self.relations.get(*self.by_oid.get(&relation_oid)?)?;
        let column = self.column_name(relation_oid, attnum)?;
        Some(format!("{}.{column}", relation.name))
    }

    /// Takes note of what holds no cardholder data, under the identity of its column.
    pub(super) fn vouch(&mut self, vouched: &Vouched) {
        let places = self.by_name.get(&vouched.table).map(Vec::as_slice).unwrap_or_default();
        let relations = places.iter().filter_map(|&at| self.relations.get(at));
        let mut matched = false;
        for relation in relations.filter(|relation| relation.schema == vouched.schema) {
            for column in relation.columns.iter().filter(|column| column.name == vouched.column) {
                let identity = (relation.oid, column.number);
                self.not_pan.entry(identity).or_default().push(vouched.not_pan.clone());
                matched = true;
            }
        }
        if !matched {
            self.unmatched.push(format!("{}.{}.{}", vouched.schema, vouched.table, vouched.column));
        }
    }
}

#[cfg(test)]
mod tests;
