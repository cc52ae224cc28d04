//! What calls that did not come to their end leave behind, and whether somebody may go on.

use bunsen_engine::configuration::Values;
use bunsen_engine::reply::VendorReply;

use super::{Calls, Progress};
use crate::error::Error;

impl Calls<'_> {
    /// The next call makes something, or uses up something, each time that it is made.
    pub fn next_is_once(&self) -> bool {
        let next = self.left.as_slice().first();
        // What hooks make of an answer asks nobody.
        let next = next.filter(|_| self.unread.is_none());
        next.is_some_and(|call| call.once.is_some() || (self.spends && call.kind.gets_token()))
    }

    /// Whether the vendor may have acted on a call that failed.
    pub fn unsure(&self) -> bool {
        self.unsure
    }

    /// Whether something is used up, and what the vendor gave for it is not known.
    pub fn lost(&self) -> bool {
        self.lost
    }

    /// Whether the vendor may have made what the definition says must not be made twice, or have
    /// used up what the log-in began with.
    pub fn must_not_be_repeated(&self) -> bool {
        self.made || self.spent
    }

    /// What a token call gave for what it used up: it exists nowhere else, and counts although a
    /// call behind it has failed.
    pub fn salvage(&self) -> Option<&Values> {
        (self.spent && !self.lost).then_some(&self.returned)
    }

    /// To go on from here, where what has been done must not be repeated.
    pub fn progress(&self) -> Option<Progress> {
        let previous = self.previous.as_ref();
        self.must_not_be_repeated().then(|| Progress {
            login: self.login.clone(),
            done: self.done,
            returned: self.returned.clone(),
            previous: previous
                .and_then(|answer| std::str::from_utf8(&answer.body).ok())
                .map(str::to_owned),
            unread: self.unread.as_ref().map(|unread| VendorReply {
                status: unread.answer.status,
                headers: unread.answer.headers.clone(),
                body: unread.answer.body.clone(),
            }),
        })
    }

    /// `kept`: what the calls have brought waits for the same request to be sent again.
    pub fn kept_for_a_repeat(self, kept: bool) -> Self {
        Self { kept, ..self }
    }

    /// Whether the call that failed can be made later, by whoever goes on from what those before
    /// have brought.
    pub fn can_go_on_after(&self, error: &Error) -> bool {
        let passing = match error {
            Error::Vendor(failure) => failure.status >= 500 || failure.status == 429,
            error => matches!(error, Error::Unavailable(_)),
        };
        self.kept && passing && !self.once && self.salvage().is_some()
    }
}
