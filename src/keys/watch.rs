//! A running server's part: it says every second which keys it holds, reads a changed keyring,
//! and forgets opened data keys when it is told to.
//!
//! Whoever rotates believes what a server said for some seconds; the server itself stops relying
//! on what it keeps a little earlier, so that a paused one does no harm when it wakes.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::refresh;
use crate::error::Result;
use crate::ids::KeyUse;
use crate::store::{KeyHolder, Store};
use crate::vault::Vault;

const BEAT: Duration = Duration::from_secs(1);
const BELIEVED: Duration = Duration::from_secs(10);
const TRUSTED: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub struct Watch {
    store: Store,
    vault: Vault,
    server: Uuid,
    host: String,
    epoch: i64,
}

impl Watch {
    /// Speaks up for the first time; must be done before the server answers anybody.
    pub async fn begin(store: Store, vault: Vault) -> Result<Self> {
        let mut watch = Self {
            store,
            vault,
            server: Uuid::new_v4(),
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            epoch: 0,
        };
        watch.beat().await?;
        Ok(watch)
    }

    /// Until `stop`; then the others need not wait for this server any more.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = tokio::time::sleep(BEAT) => {}
                () = &mut stop => break,
            }
            if let Err(error) = self.beat().await {
                tracing::warn!(?error, "the database was not told which keys are held");
            }
        }
        // Without it the others wait until what was said has run out.
        let withdrawn = self.store.withdraw_keys(self.server);
        let _ = tokio::time::timeout(BEAT, withdrawn).await;
    }

    async fn beat(&mut self) -> Result<()> {
        refresh(&self.store, &self.vault).await;
        let begun = Instant::now();
        let epoch = self.store.key_epoch().await?;
        if epoch != self.epoch {
            self.vault.forget_all();
            self.epoch = epoch;
        }
        let keyring = self.vault.keyring();
        let ids = [KeyUse::Encrypt, KeyUse::Find].map(|use_| keyring.ids(use_));
        let holder = KeyHolder {
            server: self.server,
            host: self.host.clone(),
            epoch,
            key_ids: ids.concat().into_iter().map(str::to_owned).collect(),
            current_encrypt: keyring.current_id(KeyUse::Encrypt).to_owned(),
            current_find: keyring.current_id(KeyUse::Find).to_owned(),
        };
        self.store
            .announce_keys(&holder, BELIEVED.as_secs_f64())
            .await?;
        self.vault.trust_until(begun + TRUSTED);
        Ok(())
    }
}
