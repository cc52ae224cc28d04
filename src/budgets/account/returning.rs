//! What a lease leaves, when nobody calls any more.

use std::time::Instant;

use super::{Account, Rule, SLOW};
use crate::store::{Spending, Store};

impl Account {
    /// Tells the database, once the lease has ended and nobody has called for more, what is left of
    /// it: the account may be forgotten long before the window ends.
    pub(super) async fn give_back_later(&self, store: &Store) {
        let window_ends = {
            let mut state = self.state();
            let lasts = state.window_ends > state.good_until;
            if state.returning || state.left == 0 || !lasts {
                return;
            }
            state.returning = true;
            state.window_ends
        };
        let left = loop {
            let until = {
                let mut state = self.state();
                // The next lease takes it along, and its task comes here.
                if state.leasing || state.left == 0 || Instant::now() >= state.window_ends {
                    state.returning = false;
                    return;
                }
                if Instant::now() >= state.good_until {
                    state.returning = false;
                    break std::mem::take(&mut state.left);
                }
                state.good_until
            };
            tokio::time::sleep_until(until.into()).await;
        };
        let Rule { calls, window } = self.rule;
        let (learned, wanted, back) = (None, 0, left);
        let given = Spending {
            calls,
            window,
            learned,
            wanted,
            back,
        };
        let told = tokio::time::timeout(SLOW, store.lease_calls(&self.key, given)).await;
        if !matches!(told, Ok(Ok(_))) {
            let mut state = self.state();
            if state.window_ends == window_ends {
                state.left += left;
            }
        }
    }
}
