//! What stands in one document only once.

use std::collections::HashSet;

use super::reader::{Mistakes, below};
use crate::store::Numbered;

#[derive(Debug, Default)]
pub struct Seen {
    ids: HashSet<(Numbered, i64)>,
    /// HMACs: they tell kinds apart by themselves.
    secrets: HashSet<[u8; 32]>,
    /// Organizations without an id.
    names: HashSet<String>,
    highest: std::collections::BTreeMap<Numbered, i64>,
}

impl Seen {
    /// An id that the document gives, or that it comes down to.
    pub fn id(&mut self, table: Numbered, id: Option<i64>, path: &str, mistakes: &mut Mistakes) {
        let Some(id) = id else { return };
        if !self.ids.insert((table, id)) {
            mistakes.add(
                &below(path, "id"),
                format_args!("{id} stands in the document twice"),
            );
        }
        let highest = self.highest.entry(table).or_insert(id);
        *highest = (*highest).max(id);
    }

    pub fn secret(&mut self, hmac: [u8; 32], path: &str, mistakes: &mut Mistakes) {
        if !self.secrets.insert(hmac) {
            mistakes.add(path, "stands in the document twice");
        }
    }

    pub fn name(&mut self, name: &str, path: &str, mistakes: &mut Mistakes) {
        if !self.names.insert(name.to_owned()) {
            mistakes.add(
                path,
                "another organization of the document has this name: give them ids",
            );
        }
    }

    /// Up to where ids must not be given to others.
    pub fn highest(&self) -> impl Iterator<Item = (Numbered, i64)> {
        self.highest.iter().map(|(table, id)| (*table, *id))
    }
}
