//! Configuration values as they stand inside a sealed column.

use std::collections::BTreeMap;

use bunsen_engine::configuration::{Value, Values};
use bunsen_engine::element::{Login, Start};
use bunsen_engine::reply::VendorReply;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::exchange::Progress;
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

/// How far calls have come, as it stands in the answer's column until all of them are made. It does
/// not read as an answer. A server that does not know all of it must not go on from the rest: it
/// leaves the exchange to one that does.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reached {
    start: Start,
    brought: Held,
    done: usize,
    returned: Held,
    previous: Option<String>,
    /// As the first version that knew it has written it.
    #[serde(default, skip_serializing)]
    unread: Option<Answer>,
}

/// The same with an answer that hooks have still to see. In a form of its own: to a server that knows
/// nothing of such answers it is no progress, from which it would go on without this one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unread {
    reached: Reached,
    unread: Answer,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Unread(Box<Unread>),
    Reached(Box<Reached>),
}

/// What a vendor has answered, as text.
#[derive(Serialize, Deserialize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn of(reply: &VendorReply) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = reply.headers.iter();
        Self {
            status: reply.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: text(&reply.body),
        }
    }

    fn reply(self) -> VendorReply {
        let headers = self.headers.into_iter().filter_map(|(name, value)| {
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
        });
        VendorReply {
            status: StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK),
            headers: headers.collect(),
            body: self.body.into(),
        }
    }
}

impl Reached {
    pub fn of(progress: Progress) -> Self {
        Self {
            start: progress.login.start,
            brought: Held(progress.login.brought),
            done: progress.done,
            returned: Held(progress.returned),
            previous: progress.previous,
            unread: progress.unread.as_ref().map(Answer::of),
        }
    }

    pub fn progress(self) -> Progress {
        Progress {
            login: Login {
                start: self.start,
                brought: self.brought.0,
            },
            done: self.done,
            returned: self.returned.0,
            previous: self.previous,
            unread: self.unread.map(Answer::reply),
        }
    }

    pub fn into_json(mut self) -> Result<Zeroizing<Vec<u8>>> {
        let json = match self.unread.take() {
            Some(unread) => serde_json::to_vec(&Unread {
                reached: self,
                unread,
            }),
            None => serde_json::to_vec(&self),
        };
        json.map(Zeroizing::new).map_err(Error::internal)
    }

    /// # Errors
    /// When it holds more than this version knows of.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        Ok(
            match serde_json::from_slice(json).map_err(Error::internal)? {
                Kept::Reached(reached) => *reached,
                Kept::Unread(kept) => Self {
                    unread: Some(kept.unread),
                    ..kept.reached
                },
            },
        )
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

    #[test]
    fn progress_is_read_as_what_it_was_and_not_as_an_answer() {
        let word = Values::from([("word".to_owned(), Value::Secret(Secret::new("b")))]);
        let progress = Progress {
            login: Login {
                start: Start::Refresh,
                brought: word.clone(),
            },
            done: 2,
            returned: word,
            previous: Some("{}".to_owned()),
            unread: Some(VendorReply {
                status: StatusCode::CREATED,
                headers: [(http::header::ETAG, HeaderValue::from_static("e"))]
                    .into_iter()
                    .collect(),
                body: "b".into(),
            }),
        };
        let json = Reached::of(progress).into_json().unwrap();
        assert!(Held::from_json(&json).is_err());
        let read = Reached::from_json(&json).unwrap().progress();
        assert_eq!((read.login.start, read.done), (Start::Refresh, 2));
        assert!(read.returned["word"].is_secret() && read.login.brought["word"].is_secret());
        assert_eq!(read.previous.as_deref(), Some("{}"));
        let unread = read.unread.unwrap();
        assert_eq!(
            (unread.status, &*unread.body),
            (StatusCode::CREATED, b"b".as_slice())
        );
        assert_eq!(unread.headers["etag"], "e");
    }

    /// What the version before this one read, and wrote.
    #[derive(Deserialize)]
    struct Before {
        #[serde(rename = "start")]
        _start: Start,
        #[serde(rename = "done")]
        _done: usize,
    }

    #[test]
    fn a_server_that_does_not_know_all_of_it_leaves_it_alone() {
        let progress = || Progress {
            login: Login::default(),
            done: 1,
            returned: Values::new(),
            previous: None,
            unread: None,
        };
        let plain = Reached::of(progress()).into_json().unwrap();
        assert!(serde_json::from_slice::<Before>(&plain).is_ok());
        let unread = Progress {
            unread: Some(VendorReply {
                status: StatusCode::OK,
                headers: http::HeaderMap::new(),
                body: "b".into(),
            }),
            ..progress()
        };
        let waits = Reached::of(unread).into_json().unwrap();
        assert!(serde_json::from_slice::<Before>(&waits).is_err());
        let mut kept: serde_json::Value = serde_json::from_slice(&waits).unwrap();
        // As it was written at first.
        let mut old = kept["reached"].clone();
        old["unread"] = kept["unread"].clone();
        let old = Reached::from_json(old.to_string().as_bytes()).unwrap();
        assert!(old.progress().unread.is_some());
        // And as some later version may write it.
        kept["reached"]["more"] = serde_json::Value::from(1);
        assert!(Reached::from_json(kept.to_string().as_bytes()).is_err());
        let mut later: serde_json::Value = serde_json::from_slice(&plain).unwrap();
        later["more"] = serde_json::Value::from(1);
        assert!(Reached::from_json(later.to_string().as_bytes()).is_err());
    }
}
