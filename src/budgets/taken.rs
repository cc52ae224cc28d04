//! A call that was taken of a budget, and goes back unless it is made.

use std::sync::Arc;

use super::account::Account;

/// One call that may be made. Goes back unless it is.
#[derive(Debug)]
pub struct Taken {
    pub account: Arc<Account>,
    weight: u64,
    made: bool,
}

impl Taken {
    pub fn of(account: &Arc<Account>, weight: u64) -> Self {
        Self {
            account: Arc::clone(account),
            weight,
            made: false,
        }
    }

    /// The vendor is asked now.
    pub fn made(&mut self) {
        self.made = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.made {
            self.account.give_back(self.weight);
        }
    }
}
