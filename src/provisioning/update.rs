//! Changing an instance: merged into what is stored, never reset; the vendor is asked again when
//! credentials, host or log-in change, and when it says no nothing is changed.
//!
//! Two callers may change the same instance at once. What is sent is therefore merged a second
//! time, under a lock, into what is stored by then. If that comes to other credentials than those
//! that the vendor has accepted, nothing is written and the vendor is asked once more.
//!
//! A log-in that ends another session, that makes something at the vendor, or that belongs to a
//! request with a key goes through the journal, which can finish the change without its caller.

mod asking;
mod finishing;
mod tokens;

use std::collections::BTreeMap;

use bunsen_engine::configuration::{Value, Values};
use bunsen_engine::element::oauth::REFRESH_TOKEN;
use bunsen_engine::element::people::other_account;
use bunsen_engine::element::{Element, Start};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::app::App;
use crate::credentials;
use crate::error::{Error, Result};
use crate::ids::InstanceId;
use crate::journal;
use crate::provisioning::client::Clients;
use crate::provisioning::keyed::{self, Turn};
use crate::provisioning::plan::{Beside, Plan, Standing, plan};
use crate::provisioning::request::{self, Change, InstanceRequest};
use crate::provisioning::view::{CREDENTIALS, InstanceView, Parts, place, stored_values, view};
use crate::provisioning::{Who, group_of, no_such_instance, read, to_its_end, visible};
use crate::renewal;
use crate::store::{self, Claim, Outcome, RequestKey, Standing as Row};
use crate::tenancy;
use crate::vault::OrganizationKeys;

pub(super) use asking::Intent;
use asking::{Accepted, Asked};
pub(super) use finishing::finish;

/// Each round asks the vendor once more, because somebody else has changed the credentials while
/// it was asked.
const ROUNDS: u32 = 8;

/// `PUT` and `PATCH` alike.
///
/// # Errors
/// 404 for what is not there; 400 with every wrong entry, or for another element; the vendor's
/// refusal; 409 when others keep changing the credentials meanwhile. Nothing is changed then.
pub async fn update(
    app: &App,
    who: Who,
    id: InstanceId,
    element: Option<String>,
    request: InstanceRequest,
    key: Option<RequestKey>,
) -> Result<InstanceView> {
    let with_objects = request.retrieve_objects_after_instantiation == Some(true);
    let change = request::change(request)?;
    let view = apply(app, who, id, element, change, key).await?;
    Ok(match with_objects {
        true => view.with_objects(app),
        false => view,
    })
}

/// The change, in a task that runs to its end.
pub(super) async fn apply(
    app: &App,
    who: Who,
    id: InstanceId,
    element: Option<String>,
    mut change: Change,
    key: Option<RequestKey>,
) -> Result<InstanceView> {
    to_its_end(app, {
        let app = app.clone();
        async move {
            let row = visible(&app, who, id, element.as_deref()).await?;
            let definition = app.catalog().get(&row.element_key).map(|found| &**found);
            // Before the claim, which an error after it would leave behind.
            let keys = tenancy::keys(&app, who.organization).await?;
            let spends = change.brings_once();
            let claim = match keyed::turn(&app, who, key.as_ref(), definition, spends).await? {
                Turn::Done(id) => return read(&app, who, id, None).await,
                Turn::Ours(claim) => claim,
            };
            let run = async {
                let clients = clients(&app, who, &keys, &row, &mut change).await?;
                let changing = Changing {
                    app: &app,
                    who,
                    keys: &keys,
                    change: &change,
                    clients: &clients,
                    claim: claim.as_ref(),
                };
                changing.run(row).await
            };
            let outcome = run.await;
            let changed = keyed::settle(&app, who, claim.as_ref(), outcome).await?;
            view(&app, who.organization, &keys, changed)
        }
    })
    .await
}

struct Changing<'a> {
    app: &'a App,
    who: Who,
    keys: &'a OrganizationKeys,
    change: &'a Change,
    clients: &'a Clients,
    claim: Option<&'a Claim>,
}

/// The stored clients that may count for this instance, which log in for the account that it is of.
async fn clients(
    app: &App,
    who: Who,
    keys: &OrganizationKeys,
    row: &store::Instance,
    change: &mut Change,
) -> Result<Clients> {
    let Some(element) = app.catalog().get(&row.element_key) else {
        return Ok(Clients::default());
    };
    let values = stored_values(who.organization, keys, row)?;
    let who = Who {
        account: row.account_id,
        ..who
    };
    let proxy = change.oauth_proxy.clone();
    let configuration = &mut change.configuration;
    Clients::of(app, who, element, &values, proxy.as_ref(), configuration).await
}

/// The vendor has made something that must not be made again.
fn is_once(accepted: Option<&Accepted>) -> bool {
    accepted.is_some_and(|accepted| !accepted.repeatable)
}

enum Written {
    /// With what other servers have to hear of before it is told.
    Done(Box<store::Instance>, Option<store::Revocation>),
    /// As it is by now, which the vendor has not been asked about.
    Outrun(Box<store::Instance>),
    Gone,
}

/// An instance as it shall be stored.
struct Next {
    name: String,
    tags: Vec<String>,
    group: String,
    /// `None`: as they are.
    configuration: Option<(BTreeMap<String, String>, Vec<u8>)>,
    external_authentication: store::ExternalAuthentication,
    logged_in: bool,
    renewal_due_at: Option<Timestamp>,
}

fn outrun() -> Error {
    Error::Conflict(
        "Others changed this instance's credentials at the same time; read it and send the change \
         again."
            .into(),
    )
}

impl Changing<'_> {
    async fn run(&self, mut row: store::Instance) -> Result<store::Instance> {
        let id = row.id;
        let mut accepted = None;
        for _ in 0..ROUNDS {
            self.tags(&row, self.change.name.as_ref().unwrap_or(&row.name))?;
            accepted = match self.ask(&row, accepted).await? {
                Asked::Settled(accepted) => accepted,
                Asked::Outrun => {
                    let organization = self.app.store().org(self.who.organization);
                    let now = organization.instance(id).await?;
                    row = now.ok_or_else(|| no_such_instance(id))?;
                    accepted = None;
                    continue;
                }
            };
            let mut written = self.write(id, accepted.as_ref()).await;
            if let Some(accepted) = &accepted
                && let Some(exchange) = accepted.exchange
            {
                if let Err(error) = &written
                    && journal::is_final(error)
                {
                    self.keep_tokens(id, accepted).await?;
                }
                let organization = self.who.organization;
                let again = accepted.repeatable;
                let claim = self.claim;
                written =
                    journal::settled(self.app, organization, exchange, claim, again, written).await;
            }
            match written? {
                Written::Done(changed, revocation) => {
                    let app = self.app;
                    app.callers().settle(app.store(), revocation).await;
                    return Ok(*changed);
                }
                Written::Outrun(_) if is_once(accepted.as_ref()) => break,
                Written::Outrun(now) => row = *now,
                Written::Gone => return Err(no_such_instance(id)),
            }
        }
        Err(outrun())
    }

    /// Merges again, into what is stored by now, and writes it.
    async fn write(&self, id: InstanceId, accepted: Option<&Accepted>) -> Result<Written> {
        let organization = self.app.store().org(self.who.organization);
        let exchange = accepted.and_then(|accepted| accepted.exchange);
        organization
            .transaction(|mut transaction| async move {
                let row = organization.lock_instance(&mut transaction, id).await?;
                if let (Some(row), Some(exchange)) = (&row, exchange) {
                    match organization
                        .lock_exchange(&mut transaction, exchange)
                        .await?
                    {
                        Row::Answered => {}
                        // Recovery of another server was faster, and may not have been heard of
                        // everywhere; whoever hears of this has heard of that.
                        Row::Applied(_) => {
                            let heard = organization.revoke(&mut transaction).await?;
                            let done = Written::Done(Box::new(row.clone()), Some(heard));
                            return Ok((transaction, done));
                        }
                        Row::Intent | Row::Over => return Err(store::given_up()),
                    }
                }
                let written = match row {
                    Some(row) => self.write_in(&mut transaction, row, accepted).await?,
                    None => Written::Gone,
                };
                let outcome = match &written {
                    Written::Done(..) => Outcome::Applied,
                    Written::Outrun(_) | Written::Gone => Outcome::Refused,
                };
                if let Some(exchange) = exchange {
                    organization
                        .settle_exchange(&mut transaction, exchange, outcome, None)
                        .await?;
                }
                match (&written, self.claim) {
                    (Written::Done(row, _), Some(claim)) => {
                        organization
                            .finish_request(&mut transaction, claim, row.id)
                            .await?;
                    }
                    (_, Some(claim)) if is_once(accepted) => {
                        organization.doubt_request(&mut transaction, claim).await?;
                    }
                    _ => {}
                }
                Ok((transaction, written))
            })
            .await
    }

    async fn write_in(
        &self,
        transaction: &mut store::Transaction,
        row: store::Instance,
        accepted: Option<&Accepted>,
    ) -> Result<Written> {
        let Some(next) = self.next(&row, accepted)? else {
            let row = self.keep_tokens_in(transaction, row, accepted).await?;
            return Ok(Written::Outrun(Box::new(row)));
        };
        if next.leaves(&row) {
            return Ok(Written::Done(Box::new(row), None));
        }
        let (clear, sealed) = match &next.configuration {
            Some((clear, sealed)) => (clear, sealed),
            None => (&row.configuration, &row.credentials_sealed),
        };
        let change = store::InstanceChange {
            name: &next.name,
            tags: &next.tags,
            credential_group: &next.group,
            configuration: clear,
            credentials_sealed: sealed,
            external_authentication: next.external_authentication,
            logged_in: next.logged_in,
            renewal_due_at: next.renewal_due_at,
        };
        let organization = self.app.store().org(self.who.organization);
        let changed = organization
            .change_instance(transaction, &row, &change)
            .await?;
        tracing::info!(
            org.id = %self.who.organization,
            instance.id = %row.id,
            logged_in = next.logged_in,
            "instance changed"
        );
        Ok(changed.map_or(Written::Gone, |(row, revocation)| {
            Written::Done(Box::new(row), revocation)
        }))
    }

    /// # Errors
    /// 400, which is to be told before the vendor is asked.
    fn tags(&self, row: &store::Instance, name: &str) -> Result<Vec<String>> {
        match &self.change.tags {
            Some(given) => request::checked_tags(given, |tag| {
                tag == name || row.tags.iter().any(|kept| kept == tag)
            }),
            None => Ok(row.tags.clone()),
        }
    }

    /// `None`: the vendor has to be asked about it first.
    fn next(&self, row: &store::Instance, accepted: Option<&Accepted>) -> Result<Option<Next>> {
        let name = self.change.name.as_ref().unwrap_or(&row.name).clone();
        let tags = self.tags(row, &name)?;
        let mut next = Next {
            name,
            tags,
            group: row.credential_group.clone(),
            configuration: None,
            external_authentication: self
                .change
                .external_authentication
                .unwrap_or(row.external_authentication),
            logged_in: false,
            renewal_due_at: row.renewal_due_at,
        };
        let stored = stored_values(self.who.organization, self.keys, row)?;
        let Some(element) = self.element(row)? else {
            return Ok(Some(next));
        };
        let plan = self.plan(row, element, &stored)?;
        let mut values = plan.values.clone();
        if plan.log_in.is_some() {
            let decides = |key: &str| element.decides_login(plan.group, key);
            let covers = |one: &&Accepted| one.covers(&plan, row.generation, decides);
            let Some(accepted) = accepted.filter(covers) else {
                return Ok(None);
            };
            if self.change.keep_account
                && let Some(other) = other_account(&stored, &accepted.returned)
            {
                return Err(Error::OtherAccount(Box::new(other)));
            }
            values.extend(accepted.returned.clone());
        }
        next.group.clone_from(&plan.group.name);
        next.logged_in = plan.log_in.is_some();
        if plan.changed {
            // What only the owner can mend is not tried again because of another entry.
            if row.valid || next.logged_in {
                next.renewal_due_at = credentials::renewal_due_at(element, plan.group, &values);
            }
            let parts = Parts::of(&values);
            let secret: Zeroizing<Vec<u8>> = parts.secret_json()?;
            let place = place(self.who.organization, row.row_id, CREDENTIALS);
            let sealed = self.keys.seal(&place, &secret);
            next.configuration = Some((parts.clear, sealed));
        }
        Ok(Some(next))
    }

    fn plan<'p>(
        &self,
        row: &store::Instance,
        element: &'p Element,
        values: &'p Values,
    ) -> Result<Plan<'p>> {
        let standing = Standing {
            element,
            group: group_of(element, &row.credential_group)?,
            values,
            valid: row.valid,
        };
        let external = self.change.external_authentication;
        let beside = Beside {
            ask_again: self.change.ask_again,
            brought: &self.change.brought,
            clients: self.clients,
            external: external == Some(store::ExternalAuthentication::Initial),
        };
        let mut plan = plan(standing, &self.change.configuration.0, beside)?;
        // A second use of a token that may be used up could end the access token, which lives.
        if let Some(login) = &mut plan.log_in
            && login.start == Start::Refresh
            && row.renewal_in_doubt
            && plan.values.get(REFRESH_TOKEN).map(Value::reveal)
                == values.get(REFRESH_TOKEN).map(Value::reveal)
            && renewal::ends_at(element, plan.group, &plan.values) > Timestamp::now()
        {
            login.start = Start::Token;
        }
        Ok(plan)
    }

    /// The definition; `None` when the catalogue has lost it and nothing of the configuration is
    /// meant to change.
    fn element(&self, row: &store::Instance) -> Result<Option<&Element>> {
        match self.app.catalog().get(&row.element_key) {
            Some(element) => Ok(Some(element)),
            None if self.change.configuration.0.is_empty() => Ok(None),
            None => self
                .app
                .element(&row.element_key)
                .map(|found| Some(&**found)),
        }
    }

    /// An instance stays with its element.
    fn refuse_other_element(&self, row: &store::Instance) -> Result<()> {
        let Some(named) = &self.change.element else {
            return Ok(());
        };
        let key = match self.app.catalog().get(named) {
            Some(element) => &element.key,
            None => named,
        };
        if *key == row.element_key {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "'element' names another element than the instance's, '{}'; an instance cannot be \
             moved. Leave the member out, or create an instance of the other element.",
            row.element_key
        )))
    }
}

impl Next {
    fn leaves(&self, row: &store::Instance) -> bool {
        self.configuration.is_none()
            && self.name == row.name
            && self.tags == row.tags
            && self.external_authentication == row.external_authentication
    }
}

#[cfg(test)]
mod tests;
