//! What was asked of a token endpoint, and which refresh token was spent when: tests look here for tokens spent twice.
//!
//! Only calls that the vendor itself saw are here; those that a fault answered are in the journal alone.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::Serialize;
use serde_json::{Value, json};

/// So many spends are kept; the counts go on.
const SPENDS: usize = 10_000;

/// What came of a refresh token that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spent {
    /// Taken, and the same token stays.
    Kept,
    /// Taken, and a new one takes its place.
    Rotated,
    /// Replaced before, and taken once more within the grace.
    Grace,
    /// Replaced before, and refused.
    Reused,
    /// Replaced before, refused, and its grant ended.
    ReusedAndRevoked,
    Expired,
    Revoked,
    /// No refresh token of this client here.
    Unknown,
}

impl Spent {
    /// Whether the token had been replaced before.
    fn is_double(self) -> bool {
        matches!(self, Self::Grace | Self::Reused | Self::ReusedAndRevoked)
    }
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Count {
    granted: u64,
    refused: u64,
}

#[derive(Debug, Serialize)]
struct Spend {
    number: u64,
    /// By the vendor's clock.
    at: i64,
    client_id: String,
    /// Nothing when the token is unknown, and where a vendor has no grants.
    grant: Option<u64>,
    refresh_token: String,
    /// How often this token has been presented by now.
    times: u64,
    outcome: Spent,
}

#[derive(Debug, Default)]
pub struct Calls {
    grant_types: BTreeMap<String, Count>,
    times: HashMap<String, u64>,
    rotated: HashSet<String>,
    spends: VecDeque<Spend>,
    spent: u64,
    double: u64,
}

impl Calls {
    /// Counts a call of the token endpoint by its grant type, which is empty when none was sent.
    pub fn count(&mut self, grant_type: &str, granted: bool) {
        let count = self.grant_types.entry(grant_type.to_owned()).or_default();
        if granted {
            count.granted += 1;
        } else {
            count.refused += 1;
        }
    }

    pub fn spend(
        &mut self,
        at: i64,
        client_id: &str,
        grant: Option<u64>,
        token: &str,
        outcome: Spent,
    ) {
        let times = self.times.entry(token.to_owned()).or_default();
        *times += 1;
        self.spent += 1;
        if outcome == Spent::Rotated {
            self.rotated.insert(token.to_owned());
        }
        self.double += u64::from(outcome.is_double());
        self.spends.push_back(Spend {
            number: self.spent,
            at,
            client_id: client_id.to_owned(),
            grant,
            refresh_token: token.to_owned(),
            times: *times,
            outcome,
        });
        if self.spends.len() > SPENDS {
            self.spends.pop_front();
        }
    }

    /// Whether this token was taken before, and replaced.
    pub fn was_rotated(&self, token: &str) -> bool {
        self.rotated.contains(token)
    }

    pub fn shown(&self) -> Value {
        let counts = self.grant_types.values();
        let all: u64 = counts.map(|count| count.granted + count.refused).sum();
        json!({
            "token_calls": all,
            "grant_types": self.grant_types,
            "refresh_spends": self.spent,
            "double_spends": self.double,
            "spends": self.spends,
        })
    }
}
