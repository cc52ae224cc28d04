//! `/accounts`: the customers of the organization's application. For its administrators only.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::dates;
use crate::http::instances::{answer_list, with_page_headers};
use crate::http::json::Json;
use crate::http::path;
use crate::http::query::Query;
use crate::ids::{AccountId, OrganizationId};
use crate::store;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    id: AccountId,
    name: String,
    description: String,
    external_id: String,
    active: bool,
    default_account: bool,
    #[serde(rename = "type")]
    kind: &'static str,
    company_id: OrganizationId,
    created_date: String,
}

/// `GET /accounts`, by id; `offset` and `pageSize` page, `includeInactive` shows all, `where`
/// takes one condition.
pub async fn list(State(app): State<App>, caller: OrgCaller, query: Query) -> Result<Response> {
    administrators_only(&caller)?;
    let condition = query.condition()?;
    let mut filter = store::AccountFilter {
        include_inactive: query.boolean("includeInactive")?.unwrap_or(false),
        offset: query.number::<u32>("offset")?.unwrap_or(0).into(),
        limit: query.page_size()?,
        ..Default::default()
    };
    match condition
        .as_ref()
        .map(|(key, value)| (key.as_str(), value.as_str()))
    {
        None => {}
        Some(("name", name)) => filter.name = Some(name),
        Some(("defaultAccount", "true")) | Some(("type", "Default")) => {
            filter.default_account = Some(true);
        }
        Some(("defaultAccount", "false")) | Some(("type", "CompanyAccount")) => {
            filter.default_account = Some(false);
        }
        Some(_) => {
            return Err(Error::Invalid(
                "Error parsing query parameter 'where': accounts are filtered by name='…', \
                 type='Default', type='CompanyAccount' or defaultAccount=true."
                    .into(),
            ));
        }
    }
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

/// `GET /accounts/{id}`.
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Response> {
    administrators_only(&caller)?;
    let account = account(&app, &caller, &id).await?;
    Ok(Json(wire(&caller, account)).into_response())
}

/// `GET /accounts/{id}/instances`.
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

/// `GET /accounts/instances`: those of the organization's default account.
pub async fn instances_of_default(
    State(app): State<App>,
    caller: OrgCaller,
    query: Query,
) -> Result<Response> {
    administrators_only(&caller)?;
    let filter = store::AccountFilter {
        default_account: Some(true),
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
        kind: if account.default_account {
            "Default"
        } else {
            "CompanyAccount"
        },
        company_id: caller.organization,
        created_date: dates::day(account.created_at),
    }
}
