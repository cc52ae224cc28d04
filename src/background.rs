//! What every server does beside answering, and what those with the role `worker` do.

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Result;
use crate::journal::recovery::Left;
use crate::outbound::Outbound;
use crate::store::Purpose;
use crate::{budgets, journal, notifications, provisioning, renewal, request_log};

/// Exchanges that this version can finish.
const PURPOSES: &[Purpose] = &[
    Purpose::Create,
    Purpose::Provision,
    Purpose::Delete,
    Purpose::Renew,
];

/// Until `stop`: finishes what servers that are gone have left open in the journal, and writes the
/// request log, whose last rows are written then.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    let stopped = CancellationToken::new();
    let (log, store) = (app.request_log().clone(), app.store().clone());
    tokio::join!(
        journal::recovery::run(app, PURPOSES, finish, stopped.cancelled()),
        request_log::writer::run(log, store, stopped.cancelled()),
        async {
            stop.await;
            stopped.cancel();
        },
    );
}

/// Until `stop`: renews vendor sessions that are due, and delivers notifications to `receivers`.
pub async fn work(app: App, receivers: Outbound, stop: impl Future<Output = ()>) {
    let stopped = CancellationToken::new();
    tokio::join!(
        renewal::worker::run(app.clone(), stopped.cancelled()),
        renewal::backfill::run(app.clone(), stopped.cancelled()),
        notifications::worker::run(app.clone(), receivers, stopped.cancelled()),
        notifications::tidying::run(app.clone(), stopped.cancelled()),
        budgets::tidy(app.store().clone(), stopped.cancelled()),
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
