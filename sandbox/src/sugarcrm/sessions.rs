//! The live sessions of a site: one for each user and platform.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use uuid::Uuid;

/// Seconds by the simulated clock.
pub type Seconds = u64;

/// User id and platform.
type Place = (String, String);

#[derive(Debug, Default)]
pub struct Sessions {
    live: BTreeMap<Place, Session>,
    /// Access and refresh tokens → whose they are: every call looks one up, and platforms can be many.
    places: HashMap<String, Place>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Session {
    pub user_id: String,
    pub platform: String,
    pub client_id: String,
    pub access_token: String,
    pub refresh_token: String,
    pub download_token: String,
    pub access_expires: Seconds,
    pub refresh_expires: Seconds,
}

/// How long the two tokens of a new session live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    pub access: Seconds,
    pub refresh: Seconds,
}

impl Sessions {
    /// Begins a session; the one that the user had on this platform ends, and its tokens with it.
    pub fn begin(
        &mut self,
        user_id: &str,
        platform: &str,
        client_id: &str,
        now: Seconds,
        lifetimes: Lifetimes,
    ) -> &Session {
        let token = || Uuid::new_v4().to_string();
        let session = Session {
            user_id: user_id.to_owned(),
            platform: platform.to_owned(),
            client_id: client_id.to_owned(),
            access_token: token(),
            refresh_token: token(),
            download_token: token(),
            access_expires: now.saturating_add(lifetimes.access),
            refresh_expires: now.saturating_add(lifetimes.refresh),
        };
        let place = (user_id.to_owned(), platform.to_owned());
        if let Some(old) = self.live.get(&place) {
            self.places.remove(&old.access_token);
            self.places.remove(&old.refresh_token);
        }
        for token in [&session.access_token, &session.refresh_token] {
            self.places.insert(token.clone(), place.clone());
        }
        self.live.entry(place).insert_entry(session).into_mut()
    }

    pub fn by_access_token(&self, token: &str, now: Seconds) -> Option<&Session> {
        let session = self.live.get(self.places.get(token)?)?;
        (session.access_token == token && now < session.access_expires).then_some(session)
    }

    pub fn by_refresh_token(&self, token: &str, now: Seconds) -> Option<&Session> {
        let session = self.live.get(self.places.get(token)?)?;
        (session.refresh_token == token && now < session.refresh_expires).then_some(session)
    }

    /// Ends the sessions that fit and says how many they were.
    pub fn end(&mut self, fits: impl Fn(&Session) -> bool) -> usize {
        let before = self.live.len();
        self.live.retain(|_, session| !fits(session));
        let live = &self.live;
        self.places.retain(|_, place| live.contains_key(place));
        before - self.live.len()
    }

    /// Makes tokens run out now; the sessions stay.
    pub fn expire(&mut self, now: Seconds, refresh_too: bool) {
        for session in self.live.values_mut() {
            session.access_expires = session.access_expires.min(now);
            if refresh_too {
                session.refresh_expires = session.refresh_expires.min(now);
            }
        }
    }

    pub fn all(&self) -> Vec<&Session> {
        self.live.values().collect()
    }
}
