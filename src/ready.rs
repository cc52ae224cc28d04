//! An instance as a call needs it: from memory or read in one statement, its secrets opened, with
//! tokens that have not ended; and what is done when the vendor does not take them.

mod owner;

use bunsen_engine::reply::Blame;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group, Kind};
use bunsen_engine::hub::hook::{LONGEST_CONFIGURATION, size};

use crate::app::{App, CallLimits};
use crate::budgets::{Turn, Who};
use crate::clients;
use crate::credentials::{self, CREDENTIALS, Parts, place, stored_values};
use crate::error::{Error, Result, VendorFailure};
use crate::exchange::{self, Session};
use crate::hooks::Runner;
use crate::ids::{InstanceId, OrganizationId};
use crate::large::Leave;
use crate::opened::Opened;
use crate::renewal;
use crate::store::{self, KeptTokens};
use crate::tenancy;

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
    /// When no further one may begin; `None`: none has.
    pub until: Option<Instant>,
}

/// Calls of the vendor that one call is made of at most.
pub const MOST_CALLS: u32 = 100;

impl Called {
    /// Whether it has made as many calls of the vendor, or has taken as long, as one may.
    pub fn is_used_up(&self) -> bool {
        let late = |until| Instant::now() >= until;
        self.attempts >= MOST_CALLS || self.until.is_some_and(late)
    }
}

/// An instance as the database has it, or had a moment ago.
pub struct Ready<'a> {
    app: &'a App,
    organization: OrganizationId,
    opened: Arc<Opened>,
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
        Self::known(app, organization, id).await?.unspent().await
    }

    /// The same with the tokens that it has: for whoever can tell by the instance alone that there is
    /// no call to be made. See [`Ready::unspent`].
    ///
    /// # Errors
    /// As [`Ready::new`], but for the last.
    pub async fn known(app: &'a App, organization: OrganizationId, id: InstanceId) -> Result<Self> {
        let known = app.instances().find(&(organization, id));
        match known.filter(|opened| !opened.row.disabled) {
            Some(opened) => {
                let (element, group) = definition(app, &opened.row)?;
                Ok(Self {
                    app,
                    organization,
                    opened,
                    even_disabled: false,
                    element,
                    group,
                })
            }
            // Boxed, as all that few calls need: each call would carry room for it.
            None => Box::pin(Self::read(app, organization, id, false)).await,
        }
    }

    /// The same as [`Ready::new`], read from the database now.
    ///
    /// # Errors
    /// As [`Ready::new`].
    pub async fn anew(app: &'a App, organization: OrganizationId, id: InstanceId) -> Result<Self> {
        let ready = Box::pin(Self::read(app, organization, id, false)).await?;
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
        let ready = Box::pin(Self::read(app, organization, id, true)).await?;
        ready.unspent().await
    }

    /// As the database has it now, if it may be called. Asks no vendor.
    ///
    /// # Errors
    /// As [`Ready::known`].
    pub async fn read_now(
        app: &'a App,
        organization: OrganizationId,
        id: InstanceId,
    ) -> Result<Self> {
        Box::pin(Self::read(app, organization, id, false)).await
    }

    /// With other tokens if these are known to have ended.
    ///
    /// # Errors
    /// 503 when they cannot be renewed now, 401 when only their owner can.
    pub async fn unspent(self) -> Result<Self> {
        match renewal::spent(self.element, self.group, &self.opened.effective) {
            true => Box::pin(self.with_others()).await,
            false => Ok(self),
        }
    }

    async fn with_others(&self) -> Result<Self> {
        let (app, organization, id) = (self.app, self.organization, self.row().id);
        renewal::on_demand(app, organization, id, self.row().generation).await?;
        Self::read(app, organization, id, self.even_disabled).await
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
        let (row, grants) = found.ok_or_else(|| {
            Error::NotFound("The instance has been deleted a moment ago.".to_owned())
        })?;
        if row.disabled && !even_disabled {
            return Err(Error::Forbidden("Element instance is disabled.".into()));
        }
        let access_refused = !row.valid && row.renewal_by_call_at.is_some();
        let needs_owner = |row: &store::Instance, group| {
            owner::look_again(app, organization, row);
            needs_owner(row, group)
        };
        match definition(app, &row) {
            Ok(_) if !access_refused => {}
            Ok((_, group)) => return Err(needs_owner(&row, Some(group))),
            Err(_) if !row.valid => return Err(needs_owner(&row, None)),
            Err(error) => return Err(error),
        }
        let ready = Self::opened(app, organization, (row, grants), even_disabled).await?;
        let (element, group, row) = (ready.element, ready.group, ready.row());
        // Who needs its owner has been told; until its access token ends its calls go on.
        if !row.valid && !renewal::lives(element, group, &ready.opened.effective) {
            return Err(needs_owner(row, Some(group)));
        }
        let kept = (organization, id);
        app.instances()
            .remember(began, organization, kept, &ready.opened);
        Ok(ready)
    }

    async fn opened(
        app: &'a App,
        organization: OrganizationId,
        (mut row, grants): (store::Instance, Vec<store::Grant>),
        even_disabled: bool,
    ) -> Result<Self> {
        let (element, group) = definition(app, &row)?;
        let keys = tenancy::keys(app, organization).await?;
        let values = stored_values(organization, &keys, &row)?;
        // Once opened they are not remembered twice.
        row.configuration.clear();
        row.credentials_sealed = Vec::new();
        row.token_sealed = Vec::new();
        let opened = Arc::new(Opened {
            effective: Arc::new(element.effective(group, &values)),
            values,
            keys,
            grants: grants.into_iter().map(credentials::grant).collect(),
            checked: Mutex::default(),
            row,
        });
        Ok(Self {
            app,
            organization,
            opened,
            even_disabled,
            element,
            group,
        })
    }

    fn row(&self) -> &store::Instance {
        &self.opened.row
    }

    /// Its values as they are stored.
    pub fn stored(&self) -> &Values {
        &self.opened.values
    }

    /// Keys under which its organization signs page tokens: the one to sign with first.
    pub fn page_secrets(&self) -> impl Iterator<Item = [u8; 32]> + use<'_> {
        self.opened.keys.page_secrets()
    }

    pub fn session(&self) -> Session<'_> {
        Session {
            outbound: self.app.outbound(),
            element: self.element,
            group: self.group,
            grants: &self.opened.grants,
            runner: Some(self.runner()),
        }
    }

    /// Leave to work on so many bytes, in turns with other organizations where they are many.
    pub async fn large(&self, bytes: usize) -> Leave {
        self.app.large().enter(self.organization(), bytes).await
    }

    /// Where hooks around its calls run.
    pub fn runner(&self) -> Runner<'_> {
        Runner {
            scripts: self.app.scripts(),
            organization: self.organization,
        }
    }

    pub fn id(&self) -> InstanceId {
        self.row().id
    }

    /// The right to make one call of the vendor, by the budgets that it counts against.
    ///
    /// # Errors
    /// 429 where there is none left.
    pub async fn turn(&self) -> Result<Turn<'a>> {
        self.turn_of(Kind::Unknown).await
    }

    /// The same for a call of which more is known.
    ///
    /// # Errors
    /// As for [`Ready::turn`].
    pub async fn turn_of(&self, kind: Kind<'_>) -> Result<Turn<'a>> {
        let (budgets, element) = (self.app.budgets(), self.element);
        if !budgets.counts(element) {
            return Ok(Turn::default());
        }
        let who = Who {
            organization: self.organization,
            instance: self.id(),
        };
        let values = &self.opened.effective;
        let taken = budgets.take(self.app.store(), element, values, who, kind);
        Box::pin(taken).await
    }

    pub fn call_limits(&self) -> CallLimits {
        self.app.call_limits()
    }

    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// Stores what a hook has changed of the configuration, over what is stored by now: a renewal
    /// that runs beside it loses nothing, and neither does this.
    ///
    /// # Errors
    /// 500 for more than a configuration is meant for; when the database is away.
    pub async fn keep(&self, changed: &Values) -> Result<()> {
        let (organization, id) = (self.organization, self.row().id);
        let stored = self.app.store().org(organization);
        // Not those that were remembered: the row may be sealed by a younger key.
        let keys = &*tenancy::keys(self.app, organization).await?;
        let (generation, updated_at) = (self.row().generation, self.row().updated_at);
        stored
            .transaction(|mut transaction| async move {
                let row = stored.lock_instance(&mut transaction, id).await?;
                // Somebody who has logged in since may be another account at the vendor. That is a
                // change of the instance; a renewal moves the generation alone.
                let same = |row: &store::Instance| {
                    row.generation == generation || row.updated_at == updated_at
                };
                if row.as_ref().is_some_and(|row| !same(row)) {
                    tracing::warn!(
                        instance.id = %id,
                        "what a hook wanted to be stored is left out: the instance was changed meanwhile"
                    );
                }
                if let Some(row) = row.filter(same) {
                    let mut values = stored_values(organization, keys, &row)?;
                    let before = size(&values);
                    values.extend(changed.clone());
                    // Each hook is told so by itself. Several calls at once have not seen what
                    // the others store.
                    if size(&values) > LONGEST_CONFIGURATION.max(before) {
                        return Err(too_much(&self.element.key));
                    }
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

    /// The values that its calls are made of. Where calls are signed, the part of a stored client's
    /// that signs them is among them: nothing else has one in each call.
    ///
    /// # Errors
    /// 400 when a call would tell the secret of a stored client to a host that the instance names.
    pub async fn effective(&self) -> Result<Arc<Values>> {
        if !self.group.is_oauth1() {
            return Ok(Arc::clone(&self.opened.effective));
        }
        let stored = &self.opened.values;
        let client = clients::referred_to(self.app, self.organization, self.element, stored);
        let Some(client) = Box::pin(client).await? else {
            return Ok(Arc::clone(&self.opened.effective));
        };
        let values = exchange::signing(self.element, self.group, &client.values, stored);
        let values = values.ok_or_else(|| {
            Error::Invalid(
                "This element's calls would tell the secret of the stored OAuth client to a host \
                 that the instance names: connect it with a client of your own."
                    .into(),
            )
        })?;
        Ok(Arc::new(self.element.effective(self.group, &values)))
    }

    /// Whether tokens that the vendor does not take can be renewed.
    pub fn renews(&self) -> bool {
        let renewal = self.element.renewal(self.group);
        renewal.is_some_and(|renewal| renewal.start(&self.opened.effective).is_some())
    }

    /// The instance with tokens in place of those that the vendor has refused. `None`: they are as
    /// good as they get, and what the vendor says stands.
    ///
    /// # Errors
    /// As [`Ready::new`].
    pub async fn renewed(&self) -> Result<Option<Self>> {
        let generation = self.row().generation;
        let fresh = Box::pin(self.with_others()).await?;
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
            Box::pin(renewal::helped(self.app, self.organization, of, helped)).await;
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

/// What the catalogue has for it by now.
fn definition<'a>(app: &'a App, row: &store::Instance) -> Result<(&'a Element, &'a Group)> {
    let element = app.catalog().get(&row.element_key);
    let known =
        element.and_then(|element| Some((&**element, element.group(&row.credential_group)?)));
    known.ok_or_else(|| {
        Error::NotFound(format!(
            "The element '{}' of this instance, or its way to log in, is not in the catalogue any \
             more.",
            row.element_key
        ))
    })
}

fn too_much(element_key: &str) -> Error {
    Error::Vendor(Box::new(VendorFailure {
        blame: Blame::Nobody,
        status: 500,
        message: format!(
            "Hooks of element '{element_key}' want the instance's configuration to be longer than \
             the {LONGEST_CONFIGURATION} bytes that they make of it at most."
        ),
        provider_message: None,
        retry_after: None,
    }))
}

/// The status that the vendor's own refusal would have; nobody needs to be asked for it.
fn needs_owner(row: &store::Instance, group: Option<&Group>) -> Error {
    let (id, why) = (row.id, row.invalid_reason.as_deref().unwrap_or_default());
    let space = if why.is_empty() { "" } else { " " };
    let how = match group.is_some_and(Group::needs_person) {
        true => format!(
            "Send the owner a link: POST /elements/api-v2/connect/links with {{\"instanceId\": {id}}}."
        ),
        false => format!("Send them as 'configuration' with PATCH /instances/{id}."),
    };
    Error::Vendor(Box::new(VendorFailure {
        blame: Blame::Nobody,
        status: 401,
        message: format!(
            "Element instance {id} needs to be reconnected: its credentials are missing or were \
             refused. {why}{space}{how}"
        ),
        provider_message: None,
        retry_after: None,
    }))
}
