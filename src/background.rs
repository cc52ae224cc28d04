//! What every server does beside answering.

use crate::app::App;
use crate::store::Purpose;
use crate::{journal, provisioning};

/// Exchanges that this version can finish.
const PURPOSES: &[Purpose] = &[Purpose::Create, Purpose::Provision, Purpose::Delete];

/// Until `stop`: finishes what servers that are gone have left open in the journal.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    journal::recovery::run(app, PURPOSES, provisioning::recover, stop).await;
}
