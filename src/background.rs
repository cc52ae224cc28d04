//! What every server does beside answering, and what those with the role `worker` do.

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Result;
use crate::journal::recovery::Left;
use crate::outbound::Outbound;
use crate::store::Purpose;
use crate::{journal, notifications, provisioning, renewal};

/// Exchanges that this version can finish.
const PURPOSES: &[Purpose] = &[
    Purpose::Create,
    Purpose::Provision,
    Purpose::Delete,
    Purpose::Renew,
];

/// Until `stop`: finishes what servers that are gone have left open in the journal.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    journal::recovery::run(app, PURPOSES, finish, stop).await;
}

/// Until `stop`: renews vendor sessions that are due, and delivers notifications to `receivers`.
pub async fn work(app: App, receivers: Outbound, stop: impl Future<Output = ()>) {
    let stopped = CancellationToken::new();
    tokio::join!(
        renewal::worker::run(app.clone(), stopped.cancelled()),
        renewal::backfill::run(app.clone(), stopped.cancelled()),
        notifications::worker::run(app.clone(), receivers, stopped.cancelled()),
        notifications::tidying::run(app, stopped.cancelled()),
        async {
            stop.await;
            stopped.cancel();
        },
    );
}

async fn finish(app: App, left: Left) -> Result<()> {
    match left.purpose {
        Purpose::Renew => renewal::recover(app, left).await,
        _ => provisioning::recover(app, left).await,
    }
}
