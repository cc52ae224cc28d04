//! `/accounts`: the customers of the organization's application. For its administrators only.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::dates;
use crate::http::description::{Inactive, InstanceFilter, Paging};
use crate::http::filter::{Field, Wanted};
use crate::http::instances::{Instance, answer_list, with_page_headers};
use crate::http::json::Json;
use crate::http::path;
use crate::http::query::Query;
use crate::ids::{AccountId, OrganizationId};
use crate::store;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Account {
    #[schema(value_type = i64)]
    id: AccountId,
    name: String,
    description: String,
    /// Your own name for the customer.
    external_id: String,
    active: bool,
    default_account: bool,
    /// `Default` or `CompanyAccount`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Id of the organization.
    #[schema(value_type = i64)]
    company_id: OrganizationId,
    #[schema(format = Date)]
    created_date: String,
}

const NO_ADMINISTRATOR: &str = "You are not an administrator of the organization.";

const FILTERED_BY: &[Field] = &[
    Field::Text("name"),
    Field::Text("externalId"),
    Field::Text("type"),
    Field::Boolean("defaultAccount"),
];

/// List the accounts of the organization
///
/// By id. For administrators of the organization.
#[utoipa::path(
    get,
    path = "/elements/api-v2/accounts",
    operation_id = "listAccounts",
    params(
        Inactive,
        ("offset" = Option<u32>, Query, description = "How many to leave out at the start.", example = 200),
        ("pageSize" = Option<i32>, Query, minimum = 1, example = 50,
            description = "Records per answer, 200 if absent; more than 1000 is cut down to 1000."),
        ("where" = Option<String>, Query, example = "externalId='customer-17'",
            description = "Filter by `name`, `externalId`, `type` and `defaultAccount`."),
    ),
    responses(
        (status = 200, description = "Accounts.", body = Vec<Account>),
        (status = 403, description = NO_ADMINISTRATOR),
    )
)]
pub async fn list(State(app): State<App>, caller: OrgCaller, query: Query) -> Result<Response> {
    administrators_only(&caller)?;
    let wanted = query.wanted(FILTERED_BY)?;
    let default_account = default_account(&wanted);
    let filter = store::AccountFilter {
        default_account: default_account.as_deref(),
        names: wanted.values("name"),
        external_ids: wanted.values("externalId"),
        include_inactive: query.boolean("includeInactive")?.unwrap_or(false),
        offset: query.number::<u32>("offset")?.unwrap_or(0).into(),
        limit: query.page_size()?,
    };
    let accounts = app
        .store()
        .org(caller.organization)
        .accounts(&filter)
        .await?;
    let accounts: Vec<Account> = accounts
        .into_iter()
        .map(|account| wire(&caller, account))
        .collect();
    let count = accounts.len();
    Ok(with_page_headers(
        Json(accounts).into_response(),
        count,
        None,
    ))
}

/// Read an account
#[utoipa::path(
    get,
    path = "/elements/api-v2/accounts/{id}",
    operation_id = "getAccount",
    responses(
        (status = 200, description = "The account.", body = Account),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = "No such account in your organization."),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Response> {
    administrators_only(&caller)?;
    let account = account(&app, &caller, &id).await?;
    Ok(Json(wire(&caller, account)).into_response())
}

/// List the instances of an account
#[utoipa::path(
    get,
    path = "/elements/api-v2/accounts/{id}/instances",
    operation_id = "listInstancesOfAccount",
    params(InstanceFilter, Paging),
    responses(
        (status = 200, description = "Instances.", body = Vec<Instance>),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = "No such account in your organization, or no instance in it."),
    )
)]
pub async fn instances(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response> {
    administrators_only(&caller)?;
    let account = account(&app, &caller, &id).await?;
    answer_list(&app, &caller, account.id, None, &query).await
}

/// List the instances of the default account
#[utoipa::path(
    get,
    path = "/elements/api-v2/accounts/instances",
    operation_id = "listInstancesOfDefaultAccount",
    params(InstanceFilter, Paging),
    responses(
        (status = 200, description = "Instances.", body = Vec<Instance>),
        (status = 403, description = NO_ADMINISTRATOR),
        (status = 404, description = "No instance matches. An empty list is a 404 here."),
    )
)]
pub async fn instances_of_default(
    State(app): State<App>,
    caller: OrgCaller,
    query: Query,
) -> Result<Response> {
    administrators_only(&caller)?;
    let filter = store::AccountFilter {
        default_account: Some(&[true]),
        include_inactive: true,
        ..Default::default()
    };
    let organization = app.store().org(caller.organization);
    let account = organization.accounts(&filter).await?.into_iter().next();
    let account = account.ok_or_else(|| Error::NotFound("No default account found.".into()))?;
    answer_list(&app, &caller, account.id, None, &query).await
}

/// Ids are digits only; anything else does not exist.
async fn account(app: &App, caller: &OrgCaller, id: &str) -> Result<store::Account> {
    let account = match path::id(id) {
        Some(number) => {
            app.store()
                .org(caller.organization)
                .account(AccountId(number))
                .await?
        }
        None => None,
    };
    account.ok_or_else(|| Error::NotFound(format!("No account found with ID {}.", shortened(id))))
}

/// `type` and `defaultAccount` say the same thing in two ways.
fn default_account(wanted: &Wanted) -> Option<Vec<bool>> {
    wanted.values("type").or(wanted.values("defaultAccount"))?;
    let both = [true, false].into_iter().filter(|default| {
        wanted.allows("type", kind(*default)) && wanted.allows_flag("defaultAccount", *default)
    });
    Some(both.collect())
}

fn kind(default_account: bool) -> &'static str {
    if default_account {
        "Default"
    } else {
        "CompanyAccount"
    }
}

fn administrators_only(caller: &OrgCaller) -> Result<()> {
    if caller.admin {
        return Ok(());
    }
    Err(Error::Forbidden(
        "Only an administrator of the organization may see its accounts.".into(),
    ))
}

fn wire(caller: &OrgCaller, account: store::Account) -> Account {
    Account {
        id: account.id,
        name: account.name,
        description: account.description,
        external_id: account.external_id,
        active: account.active,
        default_account: account.default_account,
        kind: kind(account.default_account),
        company_id: caller.organization,
        created_date: dates::day(account.created_at),
    }
}
