//! An instance as a call needs it: from memory or read in one statement, its secrets opened, with
//! tokens that have not ended; and what is done when the vendor does not take them.

use std::sync::Arc;
use std::time::Duration;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group};

use crate::app::App;
use crate::clients;
use crate::credentials::{self, CREDENTIALS, Parts, place, stored_values};
use crate::error::{Error, Result, VendorFailure};
use crate::exchange::{self, Session};
use crate::ids::{InstanceId, OrganizationId};
use crate::outbound::Grant;
use crate::renewal;
use crate::scripts::Scripts;
use crate::store::{self, KeptTokens};
use crate::tenancy;
use crate::vault::OrganizationKeys;

/// What a call has cost so far, whatever comes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Called {
    /// Method and path as the definition writes them, never what stands for their variables; empty:
    /// there is no such resource.
    pub resource: String,
    /// Of the vendor's last answer; `None`: it was not asked, or did not answer.
    pub vendor_status: Option<u16>,
    /// Spent on the vendor, all calls together.
    pub vendor_time: Duration,
    /// Calls that were made of the vendor, repeated ones included.
    pub attempts: u32,
}

/// Bytes that a call's hooks may store in an instance's configuration.
const LONGEST_CHANGE: usize = 64 * 1024;

/// An instance as the database has it, or had a moment ago.
pub struct Ready<'a> {
    app: &'a App,
    organization: OrganizationId,
    found: Arc<(store::Instance, Vec<store::Grant>)>,
    pub keys: Arc<OrganizationKeys>,
    /// As they are stored.
    pub values: Values,
    grants: Vec<Grant>,
    even_disabled: bool,
    pub element: &'a Element,
    pub group: &'a Group,
}

impl<'a> Ready<'a> {
    /// With tokens that by their time live: those that are known to have ended are renewed before.
    ///
    /// # Errors
    /// 401 for an instance that needs its owner, 403 for a disabled one, 404 for one that has just
    /// been deleted; 503 when its tokens have ended and cannot be renewed now.
    pub async fn new(app: &'a App, organization: OrganizationId, id: InstanceId) -> Result<Self> {
        let known = app.instances().find(&(organization, id));
        let ready = match known.filter(|found| !found.0.disabled) {
            Some(found) => Self::open(app, organization, found, false).await?,
            None => Self::read(app, organization, id, false).await?,
        };
        ready.unspent().await
    }

    /// The same, read from the database now.
    ///
    /// # Errors
    /// As [`Ready::new`].
    pub async fn anew(app: &'a App, organization: OrganizationId, id: InstanceId) -> Result<Self> {
        let ready = Self::read(app, organization, id, false).await?;
        ready.unspent().await
    }

    /// The same for what a disabled instance is asked about itself.
    ///
    /// # Errors
    /// As [`Ready::new`], without the 403.
    pub async fn even_disabled(
        app: &'a App,
        organization: OrganizationId,
        id: InstanceId,
    ) -> Result<Self> {
        let ready = Self::read(app, organization, id, true).await?;
        ready.unspent().await
    }

    async fn unspent(self) -> Result<Self> {
        let (app, organization, id) = (self.app, self.organization, self.row().id);
        let ready = self;
        if !renewal::spent(ready.element, ready.group, &ready.values) {
            return Ok(ready);
        }
        renewal::on_demand(app, organization, id, ready.row().generation).await?;
        Self::read(app, organization, id, ready.even_disabled).await
    }

    async fn read(
        app: &'a App,
        organization: OrganizationId,
        id: InstanceId,
        even_disabled: bool,
    ) -> Result<Self> {
        let began = app.instances().begin();
        let stored = app.store().org(organization);
        let found = stored.instance_to_call(id).await?;
        let found = Arc::new(found.ok_or_else(|| {
            Error::NotFound("The instance has been deleted a moment ago.".to_owned())
        })?);
        if found.0.disabled && !even_disabled {
            return Err(Error::Forbidden("Element instance is disabled.".into()));
        }
        if !found.0.valid {
            return Err(needs_owner(&found.0));
        }
        let kept = (organization, id);
        app.instances().remember(began, organization, kept, &found);
        Self::open(app, organization, found, even_disabled).await
    }

    async fn open(
        app: &'a App,
        organization: OrganizationId,
        found: Arc<(store::Instance, Vec<store::Grant>)>,
        even_disabled: bool,
    ) -> Result<Self> {
        let row = &found.0;
        let keys = tenancy::keys(app, organization).await?;
        let values = stored_values(organization, &keys, row)?;
        let element = app.catalog().get(&row.element_key);
        let known =
            element.and_then(|element| Some((element, element.group(&row.credential_group)?)));
        let Some((element, group)) = known else {
            return Err(Error::NotFound(format!(
                "The element '{}' of this instance, or its way to log in, is not in the catalogue \
                 any more.",
                row.element_key
            )));
        };
        Ok(Self {
            app,
            organization,
            keys,
            values,
            grants: found.1.iter().cloned().map(credentials::grant).collect(),
            even_disabled,
            element,
            group,
            found,
        })
    }

    fn row(&self) -> &store::Instance {
        &self.found.0
    }

    pub fn session(&self) -> Session<'_> {
        Session {
            outbound: self.app.outbound(),
            element: self.element,
            group: self.group,
            grants: &self.grants,
        }
    }

    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    pub fn scripts(&self) -> &Scripts {
        self.app.scripts()
    }

    /// Stores what a hook has changed of the configuration, over what is stored by now: a renewal
    /// that runs beside it loses nothing, and neither does this.
    ///
    /// # Errors
    /// 500 for more than a configuration is meant for; when the database is away.
    pub async fn keep(&self, changed: &Values) -> Result<()> {
        let bytes: usize = changed
            .iter()
            .map(|(key, value)| key.len() + value.reveal().len())
            .sum();
        if bytes > LONGEST_CHANGE {
            return Err(Error::Vendor(Box::new(VendorFailure {
                status: 500,
                message: format!(
                    "A hook of element '{}' wants {bytes} bytes to be stored in the configuration, \
                     which takes {LONGEST_CHANGE} at once.",
                    self.element.key
                ),
                provider_message: None,
                retry_after: None,
            })));
        }
        let stored = self.app.store().org(self.organization);
        let (organization, keys, id) = (self.organization, &self.keys, self.row().id);
        let generation = self.row().generation;
        stored
            .transaction(|mut transaction| async move {
                let row = stored.lock_instance(&mut transaction, id).await?;
                // Somebody who has logged in since may be another account at the vendor.
                if let Some(row) = row.filter(|row| row.generation == generation) {
                    let mut values = stored_values(organization, keys, &row)?;
                    values.extend(changed.clone());
                    let parts = Parts::of(&values);
                    let place = place(organization, row.row_id, CREDENTIALS);
                    let kept = KeptTokens {
                        configuration: &parts.clear,
                        credentials_sealed: &keys.seal(&place, &parts.secret_json()?),
                    };
                    stored
                        .write_configuration(&mut transaction, id, &kept)
                        .await?;
                }
                Ok((transaction, ()))
            })
            .await?;
        // Other servers read it anew in some seconds.
        self.app.instances().forget(&(organization, id));
        Ok(())
    }

    /// The values that sign its calls, where calls are signed: only signatures have a part of a
    /// stored client's in each call. `None`: the instance's own are all that a call is made of.
    ///
    /// # Errors
    /// 400 when a call would tell the secret of a stored client to a host that the instance names.
    pub async fn signing(&self) -> Result<Option<Values>> {
        if !self.group.is_oauth1() {
            return Ok(None);
        }
        let client =
            clients::referred_to(self.app, self.organization, self.element, &self.values).await?;
        let Some(client) = client else {
            return Ok(None);
        };
        let values = exchange::signing(self.element, self.group, &client.values, &self.values);
        values.map(Some).ok_or_else(|| {
            Error::Invalid(
                "This element's calls would tell the secret of the stored OAuth client to a host \
                 that the instance names: connect it with a client of your own."
                    .into(),
            )
        })
    }

    /// Whether tokens that the vendor does not take can be renewed.
    pub fn renews(&self) -> bool {
        self.element.renewal(self.group).is_some_and(|renewal| {
            let effective = self.element.effective(self.group, &self.values);
            renewal.start(&effective).is_some()
        })
    }

    /// The instance with tokens in place of those that the vendor has refused. `None`: they are as
    /// good as they get, and what the vendor says stands.
    ///
    /// # Errors
    /// As [`Ready::new`].
    pub async fn renewed(&self) -> Result<Option<Self>> {
        let (app, organization) = (self.app, self.organization);
        let (id, generation) = (self.row().id, self.row().generation);
        renewal::on_demand(app, organization, id, generation).await?;
        let fresh = Self::read(app, organization, id, self.even_disabled).await?;
        let better = fresh.row().generation != generation && !fresh.row().renewal_in_doubt;
        Ok(better.then_some(fresh))
    }

    /// The same as [`Ready::renewed`] for calls to come, behind this one: its caller has to send it again, and shall not
    /// find the same tokens then.
    pub fn renew_behind(&self) {
        let (app, organization) = (self.app.clone(), self.organization);
        let (id, generation) = (self.row().id, self.row().generation);
        self.app.work().spawn(async move {
            let renewed = renewal::on_demand(&app, organization, id, generation).await;
            // Also where another server has renewed them.
            app.instances().forget(&(organization, id));
            tracing::debug!(instance.id = %id, ok = renewed.is_ok(), "renewed for a call to come");
        });
    }

    /// Notes whether its tokens have helped the call that they were renewed for: what the vendor
    /// refuses all the same has them renewed less and less often.
    pub async fn helped(&self, helped: bool) {
        if !helped || self.row().renewals_in_vain > 0 {
            let of = (self.row().id, self.row().generation);
            renewal::helped(self.app, self.organization, of, helped).await;
        }
    }
}

impl std::fmt::Debug for Ready<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready")
            .field("organization", &self.organization)
            .field("instance", &self.row().id)
            .finish_non_exhaustive()
    }
}

/// The status that the vendor's own refusal would have; nobody needs to be asked for it.
fn needs_owner(row: &store::Instance) -> Error {
    let why = row.invalid_reason.as_deref().unwrap_or_default();
    Error::Vendor(Box::new(VendorFailure {
        status: 401,
        message: format!(
            "Element instance {id} needs to be reconnected: its credentials are missing or were \
             refused. {why}{space}Send them as 'configuration' with PATCH /instances/{id}.",
            id = row.id,
            space = if why.is_empty() { "" } else { " " },
        ),
        provider_message: None,
        retry_after: None,
    }))
}
