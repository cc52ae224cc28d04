//! Use cases of an instance's life: create, read, list, count, change, switch off and on, delete.
//!
//! What writes runs to their end in a task of their own although the caller hangs up; nothing
//! is stored when the vendor says no; no database connection is held while the vendor is called.

mod authorization;
mod browser;
mod client;
mod creating;
mod deleting;
pub mod imported;
mod keyed;
mod missing;
mod plan;
mod recovery;
mod request;
mod resume;
mod settings;
mod text;
pub mod traces;
mod update;
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group, Login, Start};
use tracing::Instrument;

use crate::app::App;
use crate::credentials::grants;
use crate::error::{Error, Result};
use crate::exchange::{self, Calls, Session, Trace};
use crate::hooks::Runner;
use crate::ids::{AccountId, InstanceId, OrganizationId, UserId};
use crate::outbound::Grant;
use crate::shares::Call;
use crate::store;
use crate::tenancy;

pub use browser::{BrowserPage, default_page, page_in_browser, page_with_challenge, request_token};
pub use creating::create;
pub use deleting::delete;
pub use recovery::recover;
pub use request::{InstanceRequest, check_labels, mistaken};
pub use settings::{Setting, setting, settings, update_setting};
pub use update::update;
pub use view::InstanceView;
use view::{abridged, stored_values, view};

/// A page ends early rather than grow beyond this, whatever its instances hold.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The caller, as use cases need it.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    pub organization: OrganizationId,
    pub account: AccountId,
    pub user: UserId,
    /// May use the instances of every account of the organization.
    pub admin: bool,
}

#[derive(Debug)]
pub struct Filter {
    /// Whose; the caller is known to be allowed to see them.
    pub account: AccountId,
    pub element: Option<String>,
    pub tags: Vec<String>,
    pub search_text: Option<String>,
    pub after: Option<InstanceId>,
    pub limit: i64,
    /// Whole instances, or without their configuration.
    pub hydrate: bool,
}

#[derive(Debug)]
pub struct Page {
    pub instances: Vec<InstanceView>,
    pub more: bool,
}

/// Asks the vendor with these values. What it returns is to be stored beside them.
async fn log_in(
    app: &App,
    organization: OrganizationId,
    chosen: &Chosen<'_>,
    login: &Login,
    values: &Values,
    (client, trace): (Option<&Values>, Option<&Trace>),
) -> Result<Values> {
    let grants = grants(app, organization, chosen.element).await?;
    let generated = exchange::generated(chosen.element, chosen.group, values);
    let session = chosen.session(app, organization, &grants);
    Calls::logging_in(&session, login, values, generated)
        .with_client(client)
        .traced(trace)
        .finish()
        .await
}

/// An element, and the group of its credentials that counts.
#[derive(Debug, Clone, Copy)]
struct Chosen<'a> {
    element: &'a Element,
    group: &'a Group,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stored({}, {})", self.element, self.group)
    }
}

impl<'a> Chosen<'a> {
    fn session(
        &self,
        app: &'a App,
        organization: OrganizationId,
        grants: &'a [Grant],
    ) -> Session<'a> {
        Session {
            outbound: app.outbound(),
            element: self.element,
            group: self.group,
            grants,
            runner: Some(Runner {
                scripts: app.scripts(),
                organization,
            }),
        }
    }

    /// What the calls of a log-in take at most.
    fn log_in_takes(&self, app: &App, start: Start) -> Duration {
        let calls = self.element.login_calls(self.group, start);
        exchange::longest(app.outbound(), app.scripts(), self.element, &calls)
    }
}

/// The simulated vendor still has every log-in that the real one ended.
fn refuse_retired(app: &App, element: &Element, group: &Group) -> Result<()> {
    match element.retirement(group) {
        Some(told) if !app.is_sandbox() => Err(Error::Invalid(told)),
        _ => Ok(()),
    }
}

/// 404 for an instance of another organization or account, or of another element than named.
pub async fn read(
    app: &App,
    who: Who,
    id: InstanceId,
    element: Option<&str>,
) -> Result<InstanceView> {
    let found = visible(app, who, id, element).await?;
    let keys = tenancy::keys(app, who.organization).await?;
    view(app, who.organization, &keys, found)
}

/// What an instance has stored, secrets and all: for use cases, never for answers.
pub struct Stored {
    pub element: String,
    pub group: String,
    pub values: Values,
}

/// 404 as [`read`].
pub async fn stored(app: &App, who: Who, id: InstanceId) -> Result<Stored> {
    let row = visible(app, who, id, None).await?;
    let keys = tenancy::keys(app, who.organization).await?;
    let values = stored_values(who.organization, &keys, &row)?;
    Ok(Stored {
        element: row.element_key,
        group: row.credential_group,
        values,
    })
}

/// The instances of one account, by id.
pub async fn list(app: &App, who: Who, filter: Filter) -> Result<Page> {
    let limit = filter.limit;
    let rows = app
        .store()
        .org(who.organization)
        .instances(&store::InstanceFilter {
            account: Some(filter.account),
            element_key: filter.element.as_deref(),
            tags: &filter.tags,
            search_text: filter.search_text.as_deref(),
            after: filter.after,
            limit: limit + 1,
        })
        .await?;
    let keys = tenancy::keys(app, who.organization).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = rows.len();
    let mut instances: Vec<InstanceView> = Vec::with_capacity(found.min(wanted));
    let mut bytes = 0;
    for row in rows.into_iter().take(wanted) {
        let instance = match filter.hydrate {
            true => view(app, who.organization, &keys, row)?,
            false => abridged(app, who.organization, &keys, row)?,
        };
        bytes += instance.rough_size();
        // At least one, or a walk over the pages would never end.
        if bytes > PAGE_BYTES && !instances.is_empty() {
            break;
        }
        instances.push(instance);
    }
    let more = found > instances.len();
    Ok(Page { instances, more })
}

/// How many instances the caller's own account has, per element's key.
pub async fn count(app: &App, who: Who) -> Result<BTreeMap<String, i64>> {
    let filter = store::InstanceFilter {
        account: Some(who.account),
        ..store::InstanceFilter::default()
    };
    app.store()
        .org(who.organization)
        .count_instances(&filter)
        .await
}

/// Switches hub calls of the instance off or on, on every server; its token stays.
pub async fn set_disabled(app: &App, who: Who, id: InstanceId, disabled: bool) -> Result<()> {
    visible(app, who, id, None).await?;
    to_its_end(app, {
        let app = app.clone();
        async move {
            let organization = app.store().org(who.organization);
            let switched = organization.set_instance_disabled(id, disabled).await?;
            let revocation = switched.ok_or_else(|| no_such_instance(id))?;
            app.callers().settle(app.store(), revocation).await;
            tracing::info!(org.id = %who.organization, instance.id = %id, disabled, "instance switched");
            Ok(())
        }
    })
    .await
}

pub fn no_such_instance(id: impl std::fmt::Display) -> Error {
    Error::NotFound(format!("No element instance found with ID {id}"))
}

/// Key of an instance's element, and its group of credentials.
pub async fn kind(app: &App, who: Who, id: InstanceId) -> Result<(String, String)> {
    let found = visible(app, who, id, None).await?;
    Ok((found.element_key, found.credential_group))
}

async fn visible(
    app: &App,
    who: Who,
    id: InstanceId,
    element: Option<&str>,
) -> Result<store::Instance> {
    app.store()
        .org(who.organization)
        .instance(id)
        .await?
        .filter(|found| who.admin || found.account_id == who.account)
        .filter(|found| element.is_none_or(|key| key == found.element_key))
        .ok_or_else(|| no_such_instance(id))
}

/// Runs in a task that the caller's hanging up does not cut, and that a graceful stop waits for. It
/// counts as the caller's as long as it runs.
pub async fn to_its_end<T: Send + 'static>(
    app: &App,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    // The task keeps the request's span, so that its log lines carry the request id.
    let work = Call::current().scope(work);
    let task = app.work().spawn(work.in_current_span());
    task.await.map_err(Error::internal)?
}

fn group_of<'a>(element: &'a Element, name: &str) -> Result<&'a Group> {
    element
        .group(name)
        .ok_or_else(|| Error::internal(format!("element '{}' has no group '{name}'", element.key)))
}
