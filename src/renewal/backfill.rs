//! Plans renewals that nobody has planned: of instances from before there were any, and of those whose
//! element has them only since a newer definition.
//!
//! A pass for each catalogue of definitions, in batches, by one server at a time, from where the
//! last one came to; and another one some hours later, since a server with older definitions may
//! have made instances behind the first, as while servers are replaced one by one. An instance that
//! has a due time, needs its owner, or changes meanwhile is left alone, so a pass that is made twice
//! changes nothing.

use std::time::Duration;

use uuid::Uuid;

use crate::app::App;
use crate::credentials::{self, stored_values};
use crate::error::Result;
use crate::ids::{InstanceId, OrganizationId};
use crate::tenancy;

const LEASE: &str = "renewals: plan";
/// More than a batch takes.
const LEASE_TIME: Duration = Duration::from_secs(60);
const BATCH: i64 = 200;
const BETWEEN_BATCHES: Duration = Duration::from_millis(100);
/// Until it is looked whether another server has come to the end, or has died on the way.
const WAIT: Duration = Duration::from_secs(10);
/// From the end of one pass to the next one, and how often it is looked whether it is time.
const AGAIN: Duration = Duration::from_hours(6);
const LOOK: Duration = Duration::from_secs(600);
/// An instance that cannot be planned is tried so often, so far apart, and left to the next pass then:
/// the database may have been away, or its values may be damaged.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

enum Came {
    /// Every instance has been looked at with these definitions.
    ToTheEnd,
    Further,
    /// An instance could not be planned, so often by now.
    Stuck(InstanceId, u32),
    /// Somebody else is at it.
    Nowhere,
}

/// Until `stop`.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let holder = Uuid::new_v4();
    let mut pause = BETWEEN_BATCHES;
    let mut stuck = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
            () = &mut stop => return,
        }
        pause = match batch(&app, holder, stuck.take()).await {
            Ok(Came::ToTheEnd) => LOOK,
            Ok(Came::Further) => BETWEEN_BATCHES,
            Ok(Came::Stuck(id, tried)) => {
                stuck = Some((id, tried));
                BETWEEN_TRIES
            }
            Ok(Came::Nowhere) => WAIT,
            Err(error) => {
                tracing::warn!(%error, "renewals could not be planned");
                WAIT
            }
        };
    }
}

/// `stuck`: the instance at which the last batch ended early, and how often.
async fn batch(app: &App, holder: Uuid, stuck: Option<(InstanceId, u32)>) -> Result<Came> {
    let hash = app.catalogue_hash();
    let all = app.store().all_orgs();
    if all.renewal_pass(hash, AGAIN).await?.finished {
        return Ok(Came::ToTheEnd);
    }
    if !app.store().try_lease(LEASE, holder, LEASE_TIME).await? {
        return Ok(Came::Nowhere);
    }
    // Whoever had the lease before may have come further in the meantime.
    let after = all.renewal_pass(hash, AGAIN).await?.after;
    let renewing = renewing(app);
    let found = all.unplanned_instances(&renewing, after, BATCH).await?;
    let mut last = None;
    for (organization, id) in found {
        if let Err(error) = plan(app, organization, id).await {
            tracing::error!(org.id = %organization, instance.id = %id, cause = ?error, "the renewal of an instance cannot be planned");
            let before = stuck.filter(|(stuck, _)| *stuck == id);
            let tried = 1 + before.map_or(0, |(_, tried)| tried);
            if tried < TRIES {
                if last.is_some() {
                    all.renewal_pass_came_to(hash, last).await?;
                }
                return Ok(Came::Stuck(id, tried));
            }
        }
        last = Some((organization, id));
    }
    all.renewal_pass_came_to(hash, last).await?;
    match last {
        Some(_) => Ok(Came::Further),
        None => {
            app.store().release(LEASE, holder).await?;
            Ok(Came::ToTheEnd)
        }
    }
}

/// Keys of elements, each with a group of credentials that renews.
fn renewing(app: &App) -> Vec<(String, String)> {
    let mut renewing = Vec::new();
    for element in app.catalog().iter() {
        let groups = element.groups.iter();
        let groups = groups.filter(|group| element.renewal(group).is_some());
        renewing.extend(groups.map(|group| (element.key.clone(), group.name.clone())));
    }
    renewing
}

async fn plan(app: &App, organization: OrganizationId, id: InstanceId) -> Result<()> {
    let stored = app.store().org(organization);
    let Some(row) = stored.instance(id).await? else {
        return Ok(());
    };
    let keys = tenancy::keys(app, organization).await?;
    let values = stored_values(organization, &keys, &row)?;
    let due = app.catalog().get(&row.element_key).and_then(|element| {
        let group = element.group(&row.credential_group)?;
        credentials::renewal_due_at(element, group, &values)
    });
    match due {
        Some(due) => stored.plan_renewal(id, row.generation, due).await,
        None => Ok(()),
    }
}
