//! Plans renewals that nobody has planned: of instances from before there were any, and of those whose
//! element has them only since a newer definition.
//!
//! One pass for each catalogue of definitions, in batches, by one server at a time, from where the
//! last one came to. An instance that has a due time, needs its owner, or changes meanwhile is left
//! alone, so a pass that is made twice changes nothing.

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

enum Came {
    /// Every instance has been looked at with these definitions.
    ToTheEnd,
    Further,
    /// Somebody else is at it.
    Nowhere,
}

/// Until the pass is done, by whomever, or until `stop`.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let holder = Uuid::new_v4();
    let mut pause = BETWEEN_BATCHES;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
            () = &mut stop => return,
        }
        pause = match batch(&app, holder).await {
            Ok(Came::ToTheEnd) => return,
            Ok(Came::Further) => BETWEEN_BATCHES,
            Ok(Came::Nowhere) => WAIT,
            Err(error) => {
                tracing::warn!(%error, "renewals could not be planned");
                WAIT
            }
        };
    }
}

async fn batch(app: &App, holder: Uuid) -> Result<Came> {
    let hash = app.catalogue_hash();
    let all = app.store().all_orgs();
    if all.renewal_pass(hash).await?.finished {
        return Ok(Came::ToTheEnd);
    }
    if !app.store().try_lease(LEASE, holder, LEASE_TIME).await? {
        return Ok(Came::Nowhere);
    }
    // Whoever had the lease before may have come further in the meantime.
    let after = all.renewal_pass(hash).await?.after;
    let renewing = renewing(app);
    let found = all.unplanned_instances(&renewing, after, BATCH).await?;
    for (organization, id) in &found {
        if let Err(error) = plan(app, *organization, *id).await {
            tracing::error!(org.id = %organization, instance.id = %id, cause = ?error, "the renewal of an instance cannot be planned");
        }
    }
    let last = found.last().copied();
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
