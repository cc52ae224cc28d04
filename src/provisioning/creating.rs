//! Creating an instance: asked of the vendor first, stored when it has let the caller in.
//!
//! A log-in that ends another session, that makes something at the vendor, that uses up what it begins
//! with, or that belongs to a request with a key goes through the journal; any other is one commit.

use bunsen_engine::configuration::Values;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::keyed::{self, Turn};
use super::request::{self, InstanceRequest, Prepared};
use super::view::{CREDENTIALS, InstanceView, Parts, TOKEN, place, view};
use super::{Chosen, Who, grants, group_of, log_in, read, refuse_retired, to_its_end};
use crate::app::App;
use crate::credentials;
use crate::error::{Error, Result};
use crate::exchange::{self, Calls};
use crate::ids::{AccountId, OrganizationId, UserId};
use crate::journal::{self, Begun, Held, Opening};
use crate::store::{self, Claim, ExternalAuthentication, Purpose};
use crate::tenancy;
use crate::vault::SecretKind;

/// Logs in at the vendor, then stores the credentials sealed and issues the element token. With a
/// key that was used before it answers the instance that was made then.
///
/// # Errors
/// 404 unknown element; 400 with every missing or unusable entry at once; the vendor's refusal as
/// 401, 403 or 400; 429 and 502 when the vendor could not be asked. Nothing is stored then.
pub async fn create(
    app: &App,
    who: Who,
    element_of_path: Option<String>,
    request: InstanceRequest,
    key: Option<store::RequestKey>,
) -> Result<InstanceView> {
    let with_objects = request.retrieve_objects_after_instantiation == Some(true);
    let prepared = request::prepare(app, who, element_of_path.as_deref(), request).await?;
    let group = group_of(&prepared.element, &prepared.group)?;
    refuse_retired(app, &prepared.element, group)?;
    let view = to_its_end(app, {
        let app = app.clone();
        async move { create_once(&app, who, prepared, key.as_ref()).await }
    })
    .await?;
    Ok(match with_objects {
        true => view.with_objects(app),
        false => view,
    })
}

async fn create_once(
    app: &App,
    who: Who,
    prepared: Prepared,
    key: Option<&store::RequestKey>,
) -> Result<InstanceView> {
    let element = prepared.element.clone();
    let chosen = Chosen {
        element: &element,
        group: group_of(&element, &prepared.group)?,
    };
    let spends = prepared.login.spends_once(&element, chosen.group);
    match keyed::turn(app, who, key, Some(&*element), spends).await? {
        Turn::Done(id) => read(app, who, id, None).await,
        Turn::Ours(claim) => {
            let outcome = log_in_and_store(app, who, chosen, prepared, claim.as_ref()).await;
            keyed::settle(app, who, claim.as_ref(), outcome).await
        }
    }
}

/// An instance that is to be, as the journal keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct Intent {
    account: AccountId,
    user: UserId,
    pub element: String,
    pub group: String,
    name: String,
    tags: Vec<String>,
    external_authentication: ExternalAuthentication,
    pub given: Held,
    pub claim: Option<Claim>,
    /// The log-in may be made again when it is not known what became of it.
    pub repeatable: bool,
}

async fn log_in_and_store(
    app: &App,
    who: Who,
    chosen: Chosen<'_>,
    prepared: Prepared,
    claim: Option<&Claim>,
) -> Result<InstanceView> {
    let login = &prepared.login;
    let client = prepared.client.as_ref().map(|client| &client.values);
    let intent = Intent {
        account: who.account,
        user: who.user,
        element: chosen.element.key.clone(),
        group: chosen.group.name.clone(),
        name: prepared.name,
        tags: prepared.tags,
        external_authentication: prepared.external_authentication,
        given: Held(prepared.given),
        claim: claim.cloned(),
        repeatable: login.is_repeatable(chosen.element, chosen.group),
    };
    let given = &intent.given.0;
    let generated = exchange::generated(chosen.element, chosen.group, given);
    let session = keyed::session(app, chosen, given, &generated);
    let stored = if session.is_empty() && claim.is_none() && intent.repeatable {
        let made_with = (client, prepared.trace.as_ref());
        let returned = log_in(app, who.organization, &chosen, login, given, made_with).await?;
        store(app, who.organization, &intent, returned, None).await?
    } else {
        let json = serde_json::to_vec(&intent)
            .map(Zeroizing::new)
            .map_err(Error::internal)?;
        let opening = Opening {
            organization: who.organization,
            user: who.user,
            purpose: Purpose::Create,
            instance: None,
            generation: None,
            session: &session,
            time: chosen.log_in_takes(app, login.start),
            intent: &json,
            claim,
        };
        let grants = grants(app, who.organization, chosen.element).await?;
        let Begun::Ours(exchange) = journal::begin(app, &opening).await? else {
            return Err(Error::internal("a create has no instance to be outrun by"));
        };
        let session = chosen.session(app, who.organization, &grants);
        let calls = Calls::logging_in(&session, login, given, generated).with_client(client);
        let calls = calls.traced(prepared.trace.as_ref());
        let calls = calls.kept_for_a_repeat(claim.is_some_and(|claim| !claim.is_of_link()));
        let returned = exchange.ask(calls).await?.0;
        let id = exchange.id();
        let outcome = store(app, who.organization, &intent, returned, Some(id)).await;
        let again = intent.repeatable;
        journal::settled(app, who.organization, id, claim, again, outcome).await?
    };
    let keys = tenancy::keys(app, who.organization).await?;
    view(app, who.organization, &keys, stored)
}

/// Makes the instance of what the vendor has returned, and settles the exchange that asked it.
pub(super) async fn store(
    app: &App,
    organization: OrganizationId,
    intent: &Intent,
    returned: Values,
    exchange: Option<Uuid>,
) -> Result<store::Instance> {
    let mut values = intent.given.0.clone();
    values.extend(returned);
    let keys = tenancy::keys(app, organization).await?;
    let token = app.vault().new_element_token();
    let row = Uuid::new_v4();
    let element = app.catalog().get(&intent.element);
    let renewal_due_at = element.and_then(|element| {
        let group = element.group(&intent.group)?;
        credentials::renewal_due_at(element, group, &values)
    });
    let values = Parts::of(&values);
    let new = store::NewInstance {
        account_id: intent.account,
        user_id: intent.user,
        row_id: row,
        element_key: &intent.element,
        name: &intent.name,
        tags: &intent.tags,
        credential_group: &intent.group,
        configuration: &values.clear,
        credentials_sealed: &keys.seal(
            &place(organization, row, CREDENTIALS),
            &values.secret_json()?,
        ),
        token_sealed: &keys.seal(&place(organization, row, TOKEN), token.reveal().as_bytes()),
        token: &app.vault().fingerprint(SecretKind::Instance, &token),
        external_authentication: intent.external_authentication,
        renewal_due_at,
    };
    let stored = app
        .store()
        .org(organization)
        .add_instance(&new, intent.claim.as_ref(), exchange)
        .await?;
    tracing::info!(
        org.id = %organization,
        instance.id = %stored.id,
        element.key = intent.element,
        "instance created"
    );
    Ok(stored)
}
