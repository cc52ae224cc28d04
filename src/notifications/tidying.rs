//! Done now and then, by one server, beside the deliveries: what is old is removed, and of receivers
//! that are far behind it is noted that nothing more is written for them.

use std::time::Duration;

use uuid::Uuid;

use crate::app::App;
use crate::error::Result;
use crate::store::FIRST_POSITION;

const LEASE: &str = "notifications: tidy";
/// How often it is looked; what a receiver gets beyond its limit meanwhile is kept, too.
const EVERY: Duration = Duration::from_secs(60);
/// Notifications are kept for so long, and removed so many at a time.
const KEPT: Duration = Duration::from_hours(30 * 24);
const REMOVED_AT_ONCE: i64 = 1000;
const COUNTED_AT_ONCE: i64 = 100;
/// From one batch to the next.
const BREATH: Duration = Duration::from_millis(50);

pub async fn run(app: App, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let holder = Uuid::new_v4();
    loop {
        let tidied = async {
            tokio::time::sleep(EVERY.mul_f64(rand::random_range(0.5..1.5))).await;
            if let Err(error) = tidy(&app, holder).await {
                tracing::warn!(%error, "notifications could not be tidied");
            }
        };
        tokio::select! {
            () = tidied => {}
            () = &mut stop => return,
        }
    }
}

async fn tidy(app: &App, holder: Uuid) -> Result<()> {
    let store = app.store();
    if !store.try_lease(LEASE, holder, EVERY).await? {
        return Ok(());
    }
    let all = store.all_orgs();
    let mut after = FIRST_POSITION;
    while let Some(last) = all.note_overfull(after, COUNTED_AT_ONCE).await? {
        after = last;
        tokio::time::sleep(BREATH).await;
    }
    while all.forget_notifications(KEPT, REMOVED_AT_ONCE).await? == REMOVED_AT_ONCE as u64 {
        tokio::time::sleep(BREATH).await;
    }
    Ok(())
}
