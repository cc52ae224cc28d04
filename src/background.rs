//! What every server does beside answering, and what those with the role `worker` do.

use crate::app::App;
use crate::error::Result;
use crate::journal::recovery::Left;
use crate::store::Purpose;
use crate::{journal, provisioning, renewal};

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

/// Until `stop`: renews vendor sessions that are due.
pub async fn work(app: App, stop: impl Future<Output = ()>) {
    renewal::worker::run(app, stop).await;
}

async fn finish(app: App, left: Left) -> Result<()> {
    match left.purpose {
        Purpose::Renew => renewal::recover(app, left).await,
        _ => provisioning::recover(app, left).await,
    }
}
