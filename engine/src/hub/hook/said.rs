//! What hooks say of an answer beside its body.

use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Map, Value as Json};

/// What hooks want the answer to be like, beside its body.
#[derive(Debug, Default)]
pub struct Said {
    /// Of those that mean a success; the others make a failure of it.
    pub status: Option<StatusCode>,
    pub headers: HeaderMap,
}

impl Said {
    /// Of the headers that a hook names in `changes`, those that are others than before.
    pub(super) fn learn(&mut self, changes: &Json, before: &HeaderMap, now: &HeaderMap) {
        for name in changes.as_object().into_iter().flat_map(Map::keys) {
            match now.get(name) {
                same if same == before.get(name) => {}
                Some(value) => {
                    let name = HeaderName::try_from(name).ok();
                    self.headers.extend(name.map(|name| (name, value.clone())));
                }
                None => drop(self.headers.remove(name)),
            }
        }
    }
}
