//! The exchange journal's rows.

use std::time::Duration;

use bunsen::ids::{Fingerprint, InstanceId, OrganizationId};
use bunsen::store::{NewExchange, Opened, OrgStore, Outcome, Purpose, Standing};
use bunsen_test_macros::database_test;
use uuid::Uuid;

use super::{Made, Tenant, World, commit, count};
use crate::database::TestDatabase;

const MINUTE: Duration = Duration::from_secs(60);
const NOTHING: Duration = Duration::ZERO;

/// An exchange of one tenant, as a test varies it.
struct Draft<'a> {
    tenant: &'a Tenant,
    purpose: Purpose,
    instance: Option<(InstanceId, i64)>,
    session: &'a [Fingerprint],
    lease: Duration,
}

impl Draft<'_> {
    fn of(tenant: &Tenant) -> Draft<'_> {
        Draft {
            tenant,
            purpose: Purpose::Create,
            instance: None,
            session: &[],
            lease: MINUTE,
        }
    }

    async fn open(&self, org: &OrgStore<'_>) -> (Opened, Uuid, Uuid) {
        let (id, holder) = (Uuid::new_v4(), Uuid::new_v4());
        let new = NewExchange {
            id,
            holder,
            purpose: self.purpose,
            user: self.tenant.user,
            instance: self.instance.map(|(instance, _)| instance),
            generation: self.instance.map(|(_, generation)| generation),
            session: self.session,
            intent_sealed: b"intent",
            lease: self.lease,
            claim: None,
        };
        let opened = org.open_exchange(&new).await.expect("an answer");
        (opened, id, holder)
    }

    async fn ours(&self, org: &OrgStore<'_>) -> (Uuid, Uuid) {
        let (opened, id, holder) = self.open(org).await;
        assert_eq!(opened, Opened::Ours);
        (id, holder)
    }
}

fn print(byte: u8) -> Fingerprint {
    Fingerprint {
        hmac: [byte; 32],
        pepper_id: format!("pepper {byte}"),
    }
}

async fn settle(world: &World, id: Uuid, outcome: Outcome) -> bool {
    commit(&world.store, async |connection| {
        world
            .org()
            .settle_exchange(connection, id, outcome, None)
            .await
    })
    .await
    .expect("an answer")
}

async fn standing(world: &World, id: Uuid) -> Standing {
    commit(&world.store, async |connection| {
        world.org().lock_exchange(connection, id).await
    })
    .await
    .expect("an answer")
}

#[database_test]
async fn one_session_at_a_time_under_whatever_pepper(database: TestDatabase) {
    let world = World::new(&database).await;
    let (old, new, another) = ([print(1)], [print(2)], [print(3)]);
    let with = |session| Draft {
        session,
        ..Draft::of(&world.one)
    };
    let (first, _) = with(&old).ours(&world.org()).await;
    // A server with another current pepper knows both.
    let both = [print(2), print(1)];
    assert_eq!(with(&both).open(&world.org()).await.0, Opened::Busy);
    with(&another).ours(&world.org()).await;
    let theirs = Draft {
        session: &both,
        ..Draft::of(&world.other)
    };
    theirs.ours(&world.other_org()).await;
    // Once the vendor has answered the next may log in.
    let answered = world.org().answer_exchange(first, b"answer", MINUTE).await;
    assert!(answered.expect("an answer"));
    let (second, _) = with(&both).ours(&world.org()).await;
    assert_eq!(with(&both).open(&world.org()).await.0, Opened::Busy);
    // A lease that has run out keeps nobody out.
    sqlx::query("update exchanges set lease_until = now() where state = 'intent'")
        .execute(&database.pool)
        .await
        .expect("an update");
    let (third, _) = with(&new).ours(&world.org()).await;
    assert!(settle(&world, second, Outcome::Unknown).await);
    assert!(settle(&world, third, Outcome::Refused).await);
    with(&both).ours(&world.org()).await;
}

/// Many at once: two of one session are never open together.
#[database_test]
async fn of_many_at_once_one_has_the_session(database: TestDatabase) {
    let world = World::new(&database).await;
    for round in 0..10 {
        let sessions: Vec<[Fingerprint; 2]> = (0..8)
            .map(|number| match number % 2 {
                // As two servers in the middle of a rotation see it.
                0 => [print(2 * round), print(2 * round + 1)],
                _ => [print(2 * round + 1), print(2 * round)],
            })
            .collect();
        let org = world.org();
        let drafts: Vec<Draft<'_>> = sessions
            .iter()
            .map(|session| Draft {
                session,
                ..Draft::of(&world.one)
            })
            .collect();
        let (a, b, c, d, e, f, g, h) = tokio::join!(
            drafts[0].open(&org),
            drafts[1].open(&org),
            drafts[2].open(&org),
            drafts[3].open(&org),
            drafts[4].open(&org),
            drafts[5].open(&org),
            drafts[6].open(&org),
            drafts[7].open(&org),
        );
        let opened = [a, b, c, d, e, f, g, h].map(|(opened, _, _)| opened);
        let ours = opened.iter().filter(|opened| **opened == Opened::Ours);
        assert_eq!(ours.count(), 1, "{opened:?}");
    }
}

#[database_test]
async fn the_lease_of_an_instance(database: TestDatabase) {
    let world = World::new(&database).await;
    let instance = world.instance(&world.one, Made::default()).await;
    let renewing = |generation| Draft {
        purpose: Purpose::Renew,
        instance: Some((instance, generation)),
        ..Draft::of(&world.one)
    };
    let (first, _) = renewing(1).ours(&world.org()).await;
    assert_eq!(renewing(1).open(&world.org()).await.0, Opened::Busy);
    assert_eq!(renewing(2).open(&world.org()).await.0, Opened::Outrun);
    let theirs = Draft {
        tenant: &world.other,
        ..renewing(1)
    };
    let theirs = theirs.open(&world.other_org()).await.0;
    assert_eq!(theirs, Opened::Outrun, "another organization's instance");
    // Settled, and the lease is back.
    assert!(settle(&world, first, Outcome::Refused).await);
    assert!(!settle(&world, first, Outcome::Applied).await, "it is over");
    let (second, _) = renewing(1).ours(&world.org()).await;
    // A lease that has run out is taken over, and who had it does not give back the new one.
    let expired = "update instances set lease_until = now()";
    sqlx::query(expired)
        .execute(&database.pool)
        .await
        .expect("an update");
    // What was left open may have used up the token that a renewal, or a change, begins with.
    for purpose in [Purpose::Renew, Purpose::Provision] {
        let begins = Draft {
            purpose,
            ..renewing(1)
        };
        assert_eq!(begins.open(&world.org()).await.0, Opened::Busy);
    }
    let writes = Draft {
        purpose: Purpose::Write,
        ..renewing(1)
    };
    let (third, _) = writes.ours(&world.org()).await;
    assert!(settle(&world, second, Outcome::Applied).await);
    let held = "select count(*) from instances where lease_holder is not null";
    assert_eq!(count(&database, held).await, 1);
    assert!(settle(&world, third, Outcome::Applied).await);
    assert_eq!(count(&database, held).await, 0);
    let left = "select count(*) from exchanges where state not in ('applied', 'refused')";
    assert_eq!(count(&database, left).await, 0);
}

#[database_test]
async fn from_intent_to_applied(database: TestDatabase) {
    let world = World::new(&database).await;
    let (org, session) = (world.org(), [print(1)]);
    let draft = Draft {
        session: &session,
        ..Draft::of(&world.one)
    };
    let (id, holder) = draft.ours(&org).await;
    let left = org.time_to_send(id, holder).await.expect("an answer");
    assert!(left.is_some_and(|left| left > MINUTE / 2 && left <= MINUTE));
    for (store, holder) in [(&org, Uuid::new_v4()), (&world.other_org(), holder)] {
        let left = store.time_to_send(id, holder).await.expect("an answer");
        assert_eq!(left, None, "another's");
    }
    let foreign = world.other_org();
    let wrong = foreign.answer_exchange(id, b"answer", MINUTE).await;
    assert!(!wrong.expect("an answer"));
    assert_eq!(standing(&world, id).await, Standing::Intent);
    let answer = async || org.answer_exchange(id, b"answer", MINUTE).await;
    assert!(answer().await.expect("an answer"));
    assert!(!answer().await.expect("an answer"), "it is answered");
    assert_eq!(standing(&world, id).await, Standing::Answered);
    let left = org.time_to_send(id, holder).await.expect("an answer");
    assert_eq!(left, None, "nothing is to be sent any more");
    let stored = org.exchange(id).await.expect("an answer").expect("a row");
    assert!(stored.answered);
    assert_eq!(stored.intent_sealed.as_deref(), Some(&b"intent"[..]));
    assert_eq!(stored.answer_sealed.as_deref(), Some(&b"answer"[..]));
    assert!(settle(&world, id, Outcome::Applied).await);
    assert_eq!(standing(&world, id).await, Standing::Applied(None));
    assert!(org.exchange(id).await.expect("an answer").is_none());
    let kept = "select count(*) from exchanges where
                coalesce(intent_sealed, answer_sealed, session_hmac) is not null
                or session_pepper_id is not null";
    assert_eq!(count(&database, kept).await, 0, "nothing is kept of it");
}

/// What some of the calls have returned stands there until all of them are made, and whoever takes the exchange over
/// gets it.
#[database_test]
async fn between_two_calls(database: TestDatabase) {
    let world = World::new(&database).await;
    let instance = world.instance(&world.one, Made::default()).await;
    let org = world.org();
    let change = Draft {
        purpose: Purpose::Provision,
        instance: Some((instance, 1)),
        lease: NOTHING,
        ..Draft::of(&world.one)
    };
    let (id, holder) = change.ours(&org).await;
    let reached = async |holder, text| org.exchange_reached(id, holder, text).await;
    assert!(reached(holder, b"one call").await.expect("an answer"));
    assert!(
        !reached(Uuid::new_v4(), b"another's")
            .await
            .expect("an answer")
    );
    let foreign = world.other_org();
    let wrong = foreign.exchange_reached(id, holder, b"theirs").await;
    assert!(!wrong.expect("an answer"));

    let (finder, next) = (Uuid::new_v4(), Uuid::new_v4());
    let all = world.store.all_orgs();
    let taken = all.take_exchanges(&[Purpose::Provision], &[], finder, MINUTE, NOTHING, 4);
    let taken = taken.await.expect("rows");
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].answered, taken[0].holder), (false, finder));
    assert_eq!(taken[0].answer_sealed.as_deref(), Some(&b"one call"[..]));
    for wrong in [
        org.take_over_exchange(id, (holder, next), MINUTE).await,
        foreign.take_over_exchange(id, (finder, next), MINUTE).await,
    ] {
        assert!(!wrong.expect("an answer"));
    }
    let taken = org.take_over_exchange(id, (finder, next), MINUTE).await;
    assert!(taken.expect("an answer"));
    let left = org.time_to_send(id, next).await.expect("an answer");
    assert!(left.is_some_and(|left| left > MINUTE / 2));
    let leased = "select count(*) from instances where lease_until > now() + interval '30 seconds'";
    assert_eq!(count(&database, leased).await, 1, "its instance's, too");
    // Who had it before comes too late.
    assert!(!reached(holder, b"late").await.expect("an answer"));
    assert!(settle(&world, id, Outcome::Applied).await);
    let kept = "select count(*) from exchanges where answer_sealed is not null";
    assert_eq!(count(&database, kept).await, 0);
    let held = "select count(*) from instances where lease_holder is not null";
    assert_eq!(count(&database, held).await, 0);
}

#[database_test]
async fn what_was_left_open_is_taken_once(database: TestDatabase) {
    let world = World::new(&database).await;
    let expired = |tenant, purpose| Draft {
        purpose,
        lease: NOTHING,
        ..Draft::of(tenant)
    };
    for _ in 0..5 {
        let one = expired(&world.one, Purpose::Create);
        one.ours(&world.org()).await;
        let other = expired(&world.other, Purpose::Delete);
        other.ours(&world.other_org()).await;
    }
    let foreign = expired(&world.one, Purpose::Write);
    foreign.ours(&world.org()).await;
    Draft::of(&world.one).ours(&world.org()).await;
    let known = [Purpose::Create, Purpose::Delete];
    let all = world.store.all_orgs();
    let take = || all.take_exchanges(&known, &[], Uuid::new_v4(), MINUTE, NOTHING, 4);
    let (a, b, c) = tokio::join!(take(), take(), take());
    let mut taken: Vec<_> = [a, b, c]
        .into_iter()
        .flat_map(|taken| taken.expect("rows"))
        .collect();
    loop {
        let more = take().await.expect("rows");
        assert!(more.len() <= 4);
        if more.is_empty() {
            break;
        }
        taken.extend(more);
    }
    let ids: std::collections::BTreeSet<Uuid> = taken.iter().map(|row| row.id).collect();
    assert_eq!((taken.len(), ids.len()), (10, 10), "each of them once");
    for row in &taken {
        let purpose = match row.organization == world.one.id {
            true => Purpose::Create,
            false => Purpose::Delete,
        };
        assert_eq!(row.purpose, purpose);
        assert!(!row.answered && row.instance.is_none());
    }
}

/// The answer may come when somebody has already seen that there is none.
#[database_test]
async fn an_answer_that_is_only_late_is_not_given_up(database: TestDatabase) {
    let world = World::new(&database).await;
    let late = Draft {
        lease: NOTHING,
        ..Draft::of(&world.one)
    };
    let org = world.org();
    let (id, _) = late.ours(&org).await;
    let all = world.store.all_orgs();
    let take = async |grace, except: &[OrganizationId]| {
        let known = [Purpose::Create];
        let taken = all.take_exchanges(&known, except, Uuid::new_v4(), MINUTE, grace, 4);
        taken.await.expect("rows").len()
    };
    assert_eq!(take(MINUTE, &[]).await, 0, "its holder may be about to say");
    assert_eq!(take(NOTHING, &[world.one.id]).await, 0, "not of these");
    assert_eq!(take(NOTHING, &[world.other.id]).await, 1);
    let answered = org.answer_exchange(id, b"answer", MINUTE).await;
    assert!(answered.expect("an answer"));
    let given_up = org.give_up_exchange(id, None, true).await;
    assert!(!given_up.expect("an answer"));
    assert_eq!(standing(&world, id).await, Standing::Answered);
    let (id, _) = late.ours(&org).await;
    let given_up = org.give_up_exchange(id, None, true).await;
    assert!(given_up.expect("an answer"));
    assert_eq!(standing(&world, id).await, Standing::Over);
}

#[database_test]
async fn what_is_over_is_swept_after_a_while(database: TestDatabase) {
    let world = World::new(&database).await;
    for outcome in [Outcome::Applied, Outcome::Refused, Outcome::Unknown] {
        let (id, _) = Draft::of(&world.one).ours(&world.org()).await;
        assert!(settle(&world, id, outcome).await);
    }
    Draft::of(&world.one).ours(&world.org()).await;
    let sweep = async || {
        let swept = world.store.all_orgs().sweep_exchanges(MINUTE, 2).await;
        swept.expect("an answer")
    };
    assert_eq!(sweep().await, 0, "too young");
    sqlx::query("update exchanges set created_at = now() - interval '2 minutes'")
        .execute(&database.pool)
        .await
        .expect("an update");
    assert_eq!((sweep().await, sweep().await, sweep().await), (2, 1, 0));
    let open = "select count(*) from exchanges where state = 'intent'";
    assert_eq!(count(&database, open).await, 1);
}

/// Who was stopped for longer than its lease does not end what somebody else goes on with, or has answered.
#[database_test]
async fn only_its_holder_ends_one_that_came_to_nothing(database: TestDatabase) {
    let world = World::new(&database).await;
    let org = world.org();
    let close = async |id, holder| {
        let closed = org.close_own_exchange(id, holder, Outcome::Refused, None, true);
        closed.await.expect("an answer");
        standing(&world, id).await
    };
    let (id, holder) = Draft::of(&world.one).ours(&org).await;
    let next = Uuid::new_v4();
    let taken = org.take_over_exchange(id, (holder, next), MINUTE).await;
    assert!(taken.expect("an answer"));
    assert_eq!(close(id, holder).await, Standing::Intent, "it is another's");
    let foreign = world.other_org();
    let wrong = foreign.close_own_exchange(id, next, Outcome::Refused, None, true);
    wrong.await.expect("an answer");
    assert_eq!(standing(&world, id).await, Standing::Intent);
    assert_eq!(close(id, next).await, Standing::Over);

    let (id, holder) = Draft::of(&world.one).ours(&org).await;
    let answered = org.answer_exchange(id, b"answer", MINUTE).await;
    assert!(answered.expect("an answer"));
    assert_eq!(
        close(id, holder).await,
        Standing::Answered,
        "it is to be applied"
    );
}
