//! Asks the vendors whether they take the credentials of new instances.

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};

use super::Import;
use super::document::Organization;
use super::instances::{Owner, Read};
use super::reader::Mistakes;
use super::standing::Standing;
use super::write::BATCH;
use crate::error::Result;
use crate::hooks::Runner;
use crate::ids::OrganizationId;
use crate::provisioning::imported::Imported;

/// Vendors asked at once.
const ASKED_AT_ONCE: usize = 8;

impl Import<'_> {
    /// By path, all new instances of the organization with what their vendors returned. They are
    /// held until they are written: no vendor is called while a transaction is open. Who cannot be
    /// asked leaves the instance as it was given, with a warning.
    pub(super) async fn verify(
        &self,
        wanted: &Organization<'_>,
        standing: &Standing,
        warnings: &mut Vec<String>,
    ) -> Result<HashMap<String, Imported>> {
        let mut verified = HashMap::new();
        if self.vendors.is_none() {
            return Ok(verified);
        }
        for (account, users) in wanted.accounts.iter().zip(&standing.users) {
            for (user, there) in account.users.iter().zip(users) {
                let owner = Owner {
                    organization: standing.organization,
                    user: *there,
                };
                for entries in user.instances.entries.chunks(BATCH) {
                    self.hold().await?;
                    let mut none = Mistakes::default();
                    let batch = self.judge().read(&user.instances, entries, &mut none);
                    let found = {
                        let mut transaction = self.store.begin().await?;
                        self.judge()
                            .find(&mut transaction, owner, &batch, &mut none)
                            .await?
                    };
                    let new = batch.into_iter().zip(found);
                    let new = new.filter(|(_, there)| there.is_none());
                    let asked = stream::iter(new.map(|(one, _)| one))
                        .map(|one| self.ask(standing.organization, one))
                        .buffer_unordered(ASKED_AT_ONCE)
                        .collect::<Vec<_>>();
                    for (path, imported, warning) in asked.await {
                        warnings.extend(warning);
                        verified.insert(path, imported);
                    }
                }
            }
        }
        Ok(verified)
    }

    async fn ask(
        &self,
        organization: Option<i64>,
        mut one: Read,
    ) -> (String, Imported, Option<String>) {
        let mut warning = None;
        // An organization that is still to be made has no grants.
        let organization = OrganizationId(organization.unwrap_or(0));
        let org = self.store.org(organization);
        if let Some((outbound, scripts)) = self.vendors
            && let Err(error) = {
                let runner = Runner {
                    scripts,
                    organization,
                };
                one.imported.verify(outbound, runner, org).await
            }
        {
            warning = Some(format!("{}: not verified: {error}", one.path));
        }
        (one.path, one.imported, warning)
    }
}
