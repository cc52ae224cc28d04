//! What every server does beside answering.

use crate::app::App;
use crate::{journal, provisioning};

/// Until `stop`: finishes what servers that are gone have left open in the journal.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    journal::recovery::run(app, provisioning::recover, stop).await;
}
