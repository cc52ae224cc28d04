//! What the ledger says of each session.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{ACCESS_SECONDS, Made, SETTLED, Storm};
use crate::torture::front::Spend;

/// How long an access token lives at least: the vendor counts in whole seconds, and a call takes a moment.
const LIFE: Duration = Duration::from_millis(1000 * ACCESS_SECONDS - 1500);

/// How a refresh token came to the vendor a second time.
#[derive(Debug, PartialEq, Eq)]
enum Again {
    /// The answer to its first use was lost, and the access token beside it has ended.
    AfterTheEnd,
    /// Sent by a server that had been stopped since it looked at its lease: the stated window.
    Window,
}

/// A session's refresh tokens, gone through.
struct Chain<'a> {
    last: &'a str,
    /// When the servers got an access token for certain.
    given: Vec<Instant>,
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
            let chain = self.walk(made, *valid, &spends, &mut verdict);
            self.judge_failures(made, &chain);
            if *valid {
                let is_over = ended.get(chain.last).copied();
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
        eprintln!(
            "{verdict:?}, {} calls answered, {} failed when no token lived",
            self.answered.load(Ordering::Relaxed),
            self.failures.lock().expect("failures").len()
        );
        assert!(verdict.renewals > self.made.len(), "{verdict:?}");
    }

    /// Goes through a session's refresh tokens.
    fn walk<'a>(
        &self,
        made: &'a Made,
        valid: bool,
        spends: &HashMap<&str, Vec<&'a Spend>>,
        verdict: &mut Verdict,
    ) -> Chain<'a> {
        let mut known = Vec::new();
        let mut token: &str = &made.first;
        // When the access token beside it was given.
        let mut given: Option<Instant> = None;
        while let Some(uses) = spends.get(token) {
            let taken = uses.iter().find(|spend| spend.successor.is_some());
            // The vendor counts the first one: with it the session is over.
            let mut counts = true;
            for again in uses.iter().skip(1) {
                let Some(taken) = taken.filter(|taken| taken.began < again.began) else {
                    // It had not been taken before.
                    continue;
                };
                match self.judge_again(taken, again, given) {
                    Again::AfterTheEnd => verdict.after_the_end += usize::from(counts),
                    Again::Window => verdict.window += usize::from(counts),
                }
                counts = false;
            }
            let Some(taken) = taken else {
                break;
            };
            verdict.renewals += 1;
            let certain = taken.delivered && !self.was_disturbed(taken);
            known.extend(taken.ended.filter(|_| certain));
            let successor = taken.successor.as_deref().expect("a successor");
            if !spends.contains_key(successor) {
                // Its last renewal is the one after the storm; any other answer that is nowhere was lost on the way.
                assert!(
                    valid || !taken.delivered || self.was_disturbed(taken),
                    "{made:?}: an answer that was delivered is nowhere: {taken:?}"
                );
                token = successor;
                break;
            }
            given = taken.ended.or(Some(taken.began));
            token = successor;
        }
        Chain {
            last: token,
            given: known,
        }
    }

    /// No call fails while an access token lives.
    fn judge_failures(&self, made: &Made, chain: &Chain<'_>) {
        let failures = self.failures.lock().expect("failures");
        for failure in failures
            .iter()
            .filter(|failure| failure.instance == made.id)
        {
            let before = chain.given.iter().filter(|given| **given < failure.at);
            let lived = before.max().is_some_and(|given| failure.at < *given + LIFE);
            let replica = &self.replicas[failure.server];
            let disturbed = replica.overlaps(failure.at, failure.at + Duration::from_secs(1));
            assert!(
                !lived || disturbed,
                "a call failed while the access token lived: {made:?} {}",
                failure.said
            );
        }
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
