//! Configuration values as they stand inside a sealed column.

use std::collections::BTreeMap;

use bunsen_engine::configuration::{Value, Values};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::ids::Secret;

/// Values with what of them is secret. Serialize it only to seal it.
#[derive(Debug, Clone, Default)]
pub struct Held(pub Values);

#[derive(Serialize)]
struct Written<'a> {
    clear: BTreeMap<&'a str, &'a str>,
    secret: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
struct Read {
    clear: BTreeMap<String, String>,
    secret: BTreeMap<String, String>,
}

impl Held {
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        serde_json::to_vec(self)
            .map(Zeroizing::new)
            .map_err(Error::internal)
    }

    pub fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(Error::internal)
    }
}

impl Serialize for Held {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |secret: bool| {
            let pairs = self
                .0
                .iter()
                .filter(|(_, value)| value.is_secret() == secret);
            pairs
                .map(|(key, value)| (key.as_str(), value.reveal()))
                .collect()
        };
        let written = Written {
            clear: of(false),
            secret: of(true),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Read { clear, secret } = Read::deserialize(deserializer)?;
        let clear = clear
            .into_iter()
            .map(|(key, text)| (key, Value::Clear(text)));
        let secret = secret
            .into_iter()
            .map(|(key, text)| (key, Value::Secret(Secret::new(text))));
        Ok(Self(clear.chain(secret).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_stays_so() {
        let values = Values::from([
            ("site".to_owned(), Value::Clear("a".to_owned())),
            ("word".to_owned(), Value::Secret(Secret::new("b"))),
        ]);
        let read = Held::from_json(&Held(values).to_json().unwrap()).unwrap();
        assert!(!read.0["site"].is_secret() && read.0["word"].is_secret());
        assert_eq!(
            (read.0["site"].reveal(), read.0["word"].reveal()),
            ("a", "b")
        );
        assert!(!format!("{read:?}").contains('b'));
    }
}
