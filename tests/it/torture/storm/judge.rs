//! What the ledger says of each session.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{ACCESS_SECONDS, Made, SETTLED, Storm};
use crate::torture::front::Spend;

/// How a refresh token came to the vendor a second time.
#[derive(Debug, PartialEq, Eq)]
enum Again {
    /// The answer to its first use was lost, and the access token beside it has ended.
    AfterTheEnd,
    /// Sent by a server that had been stopped since it looked at its lease: the stated window.
    Window,
}

#[derive(Debug, Default)]
struct Verdict {
    renewals: usize,
    lost: usize,
    after_the_end: usize,
    window: usize,
}

impl Storm {
    pub(super) async fn judge(&self) {
        let ledger = self.ledger.lock().expect("the ledger").clone();
        let (rows, ended) = (self.rows().await, self.ended().await);
        let mut spends: HashMap<&str, Vec<&Spend>> = HashMap::new();
        for spend in ledger.iter().filter(|spend| spend.asked) {
            spends.entry(&spend.token).or_default().push(spend);
        }
        let mut verdict = Verdict::default();
        for made in &self.made {
            let (valid, reason) = &rows[&made.id];
            let before = verdict.window;
            let last = self.walk(made, *valid, &spends, &mut verdict);
            if *valid {
                let is_over = ended.get(last).copied();
                assert_eq!(is_over, Some(false), "{made:?}: its session has not ended");
                continue;
            }
            verdict.lost += 1;
            let reason = reason.as_deref().unwrap_or_default();
            let told = reason.contains("answer to an earlier renewal was lost");
            assert!(told || verdict.window > before, "{made:?}: {reason}");
        }
        let calls = self
            .case
            .control(&self.site.vendors, "GET", "calls", None)
            .await;
        let doubles = calls["double_spends"].as_u64().expect("a count");
        assert_eq!(
            doubles as usize,
            verdict.after_the_end + verdict.window,
            "the vendor's own count: {verdict:?}"
        );
        println!(
            "{verdict:?}, {} reads and changes",
            self.reads.load(Ordering::Relaxed)
        );
        assert!(verdict.renewals > self.made.len(), "{verdict:?}");
    }

    /// Goes through a session's refresh tokens; gives the last one.
    fn walk<'a>(
        &self,
        made: &'a Made,
        valid: bool,
        spends: &HashMap<&str, Vec<&'a Spend>>,
        verdict: &mut Verdict,
    ) -> &'a str {
        let mut token: &str = &made.first;
        // When the access token beside it was given.
        let mut given: Option<Instant> = None;
        while let Some(uses) = spends.get(token) {
            let first = uses[0];
            let taken = uses.iter().find(|spend| spend.successor.is_some());
            for again in uses.iter().skip(1) {
                if taken.is_none_or(|taken| taken.began >= again.began) {
                    // The vendor was not reached before.
                    continue;
                }
                match self.judge_again(first, again, given) {
                    Again::AfterTheEnd => verdict.after_the_end += 1,
                    Again::Window => verdict.window += 1,
                }
            }
            let Some(taken) = taken else {
                return token;
            };
            verdict.renewals += 1;
            let successor = taken.successor.as_deref().expect("a successor");
            if !spends.contains_key(successor) {
                // Its last renewal is the one after the storm; any other answer that is nowhere was lost on the way.
                assert!(
                    valid || !taken.delivered || self.was_disturbed(taken),
                    "{made:?}: an answer that was delivered is nowhere: {taken:?}"
                );
                return successor;
            }
            given = taken.ended.or(Some(taken.began));
            token = successor;
        }
        token
    }

    fn was_disturbed(&self, spend: &Spend) -> bool {
        let until = spend.ended.unwrap_or(spend.began) + Duration::from_secs(1);
        self.replicas[spend.server].overlaps(spend.began, until)
    }

    fn judge_again(&self, first: &Spend, again: &Spend, given: Option<Instant>) -> Again {
        let lost = !first.delivered || self.was_disturbed(first);
        assert!(lost, "sent again without need: {first:?} {again:?}");
        let given = given.unwrap_or(first.began);
        // The vendor and the servers count in whole seconds.
        let ended = given + Duration::from_secs(ACCESS_SECONDS - 1);
        if again.began >= ended {
            return Again::AfterTheEnd;
        }
        let before = again.began - SETTLED;
        let stopped = self.replicas[again.server].overlaps(before, again.began);
        assert!(
            stopped,
            "sent again while the access token lives: {first:?} {again:?}"
        );
        Again::Window
    }
}
