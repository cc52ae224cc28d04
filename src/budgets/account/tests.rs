//! What one server knows of a budget, without a database.

use super::*;
use crate::ids::{InstanceId, OrganizationId};

const HOUR: Duration = Duration::from_hours(1);

fn account(calls: u64) -> Arc<Account> {
    let rule = Rule {
        calls,
        window: HOUR,
    };
    Arc::new(Account::new([0; 32], rule))
}

fn asked(back: u64) -> Spending {
    Spending {
        calls: 1,
        window: HOUR,
        learned: None,
        wanted: 1,
        back,
    }
}

fn granted(calls: u64) -> Option<Leased> {
    Some(Leased {
        calls,
        window_left: HOUR,
        learned: None,
        held: None,
    })
}

fn waiting(account: &Arc<Account>) -> oneshot::Receiver<Taken> {
    weighing(account, 1)
}

fn weighing(account: &Arc<Account>, weight: u64) -> oneshot::Receiver<Taken> {
    let (sender, receiver) = oneshot::channel();
    let who = Who {
        organization: OrganizationId(1),
        instance: InstanceId(1),
    };
    let waiting = Waiting {
        turn: sender,
        weight,
    };
    assert!(account.state().queue.push(Lane::Interactive, who, waiting));
    receiver
}

#[test]
fn what_is_not_made_comes_back() {
    let account = account(100);
    let mut turn = waiting(&account);
    let gone = waiting(&account);
    account.leased(Instant::now(), asked(0), granted(2));
    assert_eq!(account.state().left, 0);
    let mut made = turn.try_recv().expect("a turn");
    made.made();
    drop(made);
    assert_eq!(account.state().left, 0, "that one was made");
    // Somebody who hangs up when the turn has come already.
    drop(gone);
    assert_eq!(account.state().left, 1);
    // Also when the lease has ended, for the next one.
    account.state().left = 0;
    account.state().good_until = Instant::now();
    drop(Taken::of(&account, 1));
    assert_eq!(account.state().left, 1);
    account.state().window_ends = Instant::now();
    drop(Taken::of(&account, 1));
    assert_eq!(account.state().left, 1, "not of a window that is over");
}

#[test]
fn what_comes_back_while_more_is_asked_for_stays() {
    let account = account(100);
    account.leased(Instant::now(), asked(0), granted(2));
    let taken = Taken::of(&account, 1);
    account.state().left = 0;
    drop(taken);
    account.leased(Instant::now(), asked(0), granted(5));
    assert_eq!(account.state().left, 6);
}

#[test]
fn without_a_database_calls_go_on_at_the_average_pace() {
    let account = account(3600);
    let given = |seconds| {
        let now = Instant::now() + Duration::from_secs(seconds);
        account.state().paced(account.rule, now)
    };
    assert_eq!(given(0), 1);
    assert_eq!(given(0), 0, "however often the database is asked");
    assert_eq!(given(2), 2);
    assert_eq!(given(1000), LEASED_SECONDS as u64, "and not all at once");
    // Calls that were leased before are not lost.
    account.state().left = 0;
    account.leased(Instant::now(), asked(7), None);
    assert!((7..=8).contains(&account.state().left));
    let seldom = self::account(1);
    let given = |seconds| {
        let now = Instant::now() + Duration::from_secs(seconds);
        seldom.state().paced(seldom.rule, now)
    };
    assert_eq!([given(0), given(1), given(1800), given(3605)], [1, 0, 0, 1]);
}

#[test]
fn a_lease_of_a_long_window_is_small() {
    let account = account(36_000);
    let _turn = waiting(&account);
    let wanted = account.wanted().expect("somebody waits").wanted;
    assert_eq!(wanted, 40, "of 36000");
}

#[test]
fn a_lease_that_breaks_does_not_block_the_next() {
    let account = account(1);
    account.state().leasing = true;
    let mut turn = waiting(&account);
    drop(Leasing {
        account: Arc::clone(&account),
        on: true,
    });
    assert!(!account.state().leasing);
    assert!(turn.try_recv().is_err());
    assert!(account.state().queue.is_empty());
}

#[test]
fn what_others_could_not_be_told_is_told_again() {
    let account = account(1);
    let mut state = account.state();
    let until = Instant::now() + HOUR;
    assert!(state.tells(until));
    assert!(!state.tells(until), "once");
    assert!(state.tells(until + HOUR), "longer");
    state.told_held = None;
    assert!(state.tells(until), "it had failed");
}

#[test]
fn a_heavy_call_is_not_overtaken_and_gives_back_what_it_weighs() {
    let account = account(100);
    let mut heavy = weighing(&account, 20);
    let mut light = weighing(&account, 1);
    let wanted = account.wanted().expect("somebody waits").wanted;
    assert_eq!(wanted, 21);
    account.leased(Instant::now(), asked(0), granted(19));
    assert!(heavy.try_recv().is_err() && light.try_recv().is_err());
    account.leased(Instant::now(), asked(0), granted(1));
    let taken = heavy.try_recv().expect("its turn");
    assert!(light.try_recv().is_err());
    assert_eq!(account.state().left, 0);
    drop(taken);
    let made = light.try_recv().expect("of what came back");
    assert_eq!(account.state().left, 19);
    drop(made);
    assert_eq!(account.state().left, 20);
}

#[test]
fn what_is_left_goes_to_those_for_whom_it_is_enough() {
    let account = account(100);
    let mut heavy = weighing(&account, 20);
    let mut light = weighing(&account, 4);
    let mut other = weighing(&account, 4);
    // The window has six left, for an hour.
    let asked = Spending {
        wanted: 28,
        ..asked(0)
    };
    assert!(account.leased(Instant::now(), asked, granted(6)).is_none());
    assert!(heavy.try_recv().is_err(), "told at once");
    let taken = light.try_recv().expect("enough for one");
    assert!(other.try_recv().is_err());
    let mut state = account.state();
    assert!(state.queue.is_empty());
    assert_eq!(state.left, 2);
    let now = Instant::now();
    assert!(matches!(state.refused(20, now), Some(Refused::Spent(_))));
    assert!(state.refused(2, now).is_none() && state.spend(2, now));
    drop(state);
    drop(taken);
    assert_eq!(account.state().left, 4);
}

#[test]
fn nothing_weighs_more_than_a_window() {
    let account = account(7);
    assert_eq!(account.state().weighed(40, account.rule), 7);
    assert_eq!(account.state().weighed(0, account.rule), 1);
    let _heavy = weighing(&account, 7);
    assert_eq!(account.wanted().expect("somebody waits").wanted, 7);
}
