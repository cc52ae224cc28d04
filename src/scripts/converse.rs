//! One run as the server sees it: the script goes out, calls come back and are made, and two clocks
//! run. Whatever is not as agreed ends the child.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep_until};

use super::child::Child;
use super::frame::{
    Bounds, Call, Done, End, FromChild, HttpAnswer, HttpCall, Outcome, Run, ToChild,
};
use super::{Limits, Output, Script, ScriptError};
use crate::meters;

/// The engine gets this long to stop by itself, which keeps its child.
const GRACE: Duration = Duration::from_millis(500);
/// After so much computing a child only gets what others leave.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// Whether a child can run another script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitness {
    Fit,
    /// It works, and has been put last, or does something that was not agreed.
    Spent,
}

/// The clock of computing: stands while the child waits.
struct Computing {
    used: Duration,
    since: Option<Instant>,
}

impl Computing {
    fn starts() -> Self {
        Self {
            used: Duration::ZERO,
            since: Some(Instant::now()),
        }
    }

    fn used(&self) -> Duration {
        self.used + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn pause(&mut self) {
        self.used = self.used();
        self.since = None;
    }

    fn goes_on(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// When so much will have been used; `None` while it stands.
    fn reaches(&self, much: Duration) -> Option<Instant> {
        Some(self.since? + much.saturating_sub(self.used))
    }
}

pub(super) async fn converse<C, F>(
    child: &mut Child,
    limits: &Limits,
    script: Script<'_>,
    variables: &RawValue,
    make: C,
) -> (Result<Output, ScriptError>, Fitness)
where
    C: Fn(HttpCall) -> F,
    F: Future<Output = Result<HttpAnswer, String>>,
{
    let run = Run {
        source: script.source.to_owned(),
        legacy: script.legacy,
        variables: variables.to_owned(),
        bounds: Bounds {
            computing_ms: limits.computing.as_millis().try_into().unwrap_or(u64::MAX),
            memory: limits.memory,
            output: limits.output,
            calls: limits.calls,
        },
    };
    let broken = |error| (Err(error), Fitness::Spent);
    if child.send(&ToChild::Run(Box::new(run))).await.is_err() {
        return broken(ScriptError::Ended);
    }
    let mut clock = Computing::starts();
    let mut fitness = Fitness::Fit;
    let mut made = 0;
    let mut calls = FuturesUnordered::new();
    // A child that computes reads nothing; it is told when it asks.
    let mut answered: VecDeque<(u32, Outcome)> = VecDeque::new();
    loop {
        if clock.since.is_none()
            && let Some((number, outcome)) = answered.pop_front()
        {
            let answer = ToChild::Answer { number, outcome };
            if child.send(&answer).await.is_err() {
                return broken(ScriptError::Ended);
            }
            clock.goes_on();
        }
        let slow = (fitness == Fitness::Fit)
            .then(|| clock.reaches(PATIENCE))
            .flatten();
        let late = clock.reaches(limits.computing + GRACE);
        tokio::select! {
            biased;
            frame = child.next() => match frame {
                Err(_) => return broken(ScriptError::Ended),
                Ok(FromChild::Done(done)) => {
                    if clock.used() >= PATIENCE {
                        fitness = Fitness::Spent;
                    }
                    return (finished(done, limits), fitness);
                }
                Ok(FromChild::Waiting) => clock.pause(),
                Ok(FromChild::Unfiltered) => unfiltered(),
                Ok(FromChild::Call { number, call }) => {
                    made += 1;
                    if made > limits.calls {
                        return broken(ScriptError::Ended);
                    }
                    calls.push(answer(number, call, &make, limits.total));
                }
            },
            Some(answer) = calls.next() => answered.push_back(answer),
            () = at(late) => return broken(ScriptError::Computing(limits.computing)),
            () = at(slow) => {
                child.put_last();
                fitness = Fitness::Spent;
            }
        }
    }
}

/// The other limits hold; operators of such machines are to know.
fn unfiltered() {
    if meters::scripts_unfiltered() {
        tracing::warn!(
            "scripts of definitions run without a filter on calls of the system, which this kernel \
             does not have; the other limits hold"
        );
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn answer<C, F>(number: u32, call: Call, make: &C, longest: Duration) -> (u32, Outcome)
where
    C: Fn(HttpCall) -> F,
    F: Future<Output = Result<HttpAnswer, String>>,
{
    let outcome = match call {
        Call::Timer { milliseconds } => {
            let wait = Duration::from_millis(milliseconds).min(longest);
            tokio::time::sleep(wait).await;
            Outcome::Elapsed
        }
        Call::Http(call) => match make(call).await {
            Ok(answer) => Outcome::Http(answer),
            Err(why) => Outcome::Failed(why),
        },
    };
    (number, outcome)
}

fn finished(done: Done, limits: &Limits) -> Result<Output, ScriptError> {
    let result = match done.end {
        End::Failed(why) => return Err(ScriptError::Failed(why)),
        End::TimedOut => return Err(ScriptError::Computing(limits.computing)),
        End::Result(result) => result,
    };
    let result = result.map(|json| serde_json::from_str(json.get()));
    match result.transpose() {
        Ok(result) => Ok(Output {
            result,
            console: done.console,
        }),
        // Nested too deeply, say.
        Err(error) => Err(ScriptError::Failed(format!(
            "the result cannot be read: {error}"
        ))),
    }
}
