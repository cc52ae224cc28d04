//! `/usage`: what was called, out of the request log.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::app::{App, shortened};
use crate::error::{Error, Result};
use crate::http::Access::{self, Platform};
use crate::http::auth::OrgCaller;
use crate::http::description::UsageFilter;
use crate::http::instances::with_page_headers;
use crate::http::json::Json;
use crate::http::path;
use crate::http::query::Query;
use crate::http::request_id::RequestId;
use crate::ids::{AccountId, InstanceId};
use crate::provisioning;
use crate::store::{LoggedRequest, RequestFilter, RequestPosition};

/// Records per page when the caller does not say.
const PAGE_SIZE: i64 = 100;
/// Whoever skips more has a token for it.
const LARGEST_OFFSET: i64 = 10_000;
const DEFAULT_DAYS: i64 = 7;

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    add(Platform, routes!(search));
    add(Platform, routes!(read));
}

/// One call, as it was answered.
#[derive(Serialize, ToSchema)]
struct UsageRecord {
    /// The same as `request_id`.
    #[schema(example = "5b2c91f0e4b0c7a1d2e3f405")]
    traffic_id: String,
    /// As in the header `Elements-Request-Id` of the answer.
    #[schema(example = "5b2c91f0e4b0c7a1d2e3f405")]
    request_id: String,
    /// When the call came in.
    #[schema(format = DateTime, example = "2026-11-22T15:04:05.678Z")]
    traffic_date: String,
    #[schema(example = "GET")]
    method: String,
    /// With names in place of what was sent.
    #[schema(example = "/elements/api-v2/hubs/crm/contacts/{id}")]
    request_uri: String,
    /// Method and resource; of platform calls, method and path.
    #[schema(example = "GET /contacts/{id}")]
    element_api: String,
    /// `SUCCESS`, or `FAILED` with a status of 400 or more.
    #[schema(example = "SUCCESS")]
    request_status: &'static str,
    /// What was answered; 499 when the caller was gone before.
    status: i16,
    /// Of the vendor's last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_status: Option<i16>,
    /// Calls to the vendor: more than one if tokens had to be renewed.
    attempts: i16,
    /// Whole milliseconds until the answer began.
    process_time: i64,
    /// Of that, microseconds of this server.
    own_time_us: i64,
    /// And of the vendor.
    vendor_time_us: i64,
    /// Of the request's body.
    bytes_in: i64,
    /// Of the answer's body.
    bytes_out: i64,
    /// The answer was taken to its end.
    complete: bool,
    /// Equal for equal paths and queries, as long as the server's pepper is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0f343b0931126a20f133d67c2b018a3b")]
    arguments_hash: Option<String>,
    /// Empty if it is not known.
    #[schema(example = "198.51.100.7")]
    request_ip: String,
    user_id: i64,
    /// The instance's; of calls without one, the caller's.
    account_id: i64,
    company_id: i64,
    company_external_id: String,
    company_external_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    element_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    element_name: Option<String>,
}

/// Search calls
///
/// Newest first: those of your account and of its instances; for administrators all of the
/// organization's. Every call whose caller was known stands here within a second, unless it was left
/// out by the server's settings.
#[utoipa::path(
    get,
    path = "/elements/api-v2/usage",
    operation_id = "searchUsage",
    params(UsageFilter),
    responses(
        (status = 200, description = "Calls.", body = Vec<UsageRecord>),
        (status = 403, description = "An account that is not yours."),
        (status = 404, description = "No such instance of yours, or `from` is in the future."),
        (status = 429, description = "Your organization has as many searches under way as it may."),
    )
)]
async fn search(State(app): State<App>, caller: OrgCaller, query: Query) -> Result<Response> {
    query.refuse_where()?;
    let (from, to) = span(&query)?;
    let limit = match query.get("pageSize") {
        None => PAGE_SIZE,
        Some(_) => query.page_size()?,
    };
    let offset = query.number("pageOffset")?.unwrap_or(0);
    if !(0..=LARGEST_OFFSET).contains(&offset) {
        return Err(Error::Invalid(format!(
            "Query parameter 'pageOffset' must be between 0 and {LARGEST_OFFSET}; use the header \
             Elements-Next-Page-Token to go further."
        )));
    }
    let behind = position(&query)?;
    let accounts = accounts(&caller, &query)?;
    let wanted = query.number("instanceId")?.map(InstanceId);
    let known = match wanted {
        Some(id) => is_visible(&app, &caller, id).await?,
        None => true,
    };
    let request = match query.get("requestId") {
        Some(text) => Some(RequestId::read(text).ok_or_else(|| no_such_call(text))?),
        None => None,
    };
    let statuses = statuses(&query)?;
    let methods: Vec<String> = query
        .all("method")
        .iter()
        .map(|text| text.to_uppercase())
        .collect();
    let elements = elements(&app, &query);
    let tags = query.all("tags");
    let resource = query.get("resource").map(str::to_owned);
    let text = query.get("searchText").map(str::to_owned);
    // A search that nobody waits for any more keeps its place, since the database goes on with it.
    let mut found = provisioning::to_its_end(&app, {
        let (app, organization) = (app.clone(), caller.organization);
        async move {
            let filter = RequestFilter {
                from,
                to,
                accounts: accounts.as_deref(),
                instance: wanted,
                tags: &tags,
                elements: elements.as_deref(),
                methods: Some(methods.as_slice()).filter(|methods| !methods.is_empty()),
                resource: resource.as_deref(),
                request,
                statuses: &statuses,
                text: text.as_deref(),
                behind,
                offset,
                limit: limit + 1,
            };
            let _turn = app.request_log().search(organization).await?;
            app.store().org(organization).requests(&filter).await
        }
    })
    .await?;
    // An instance that was deleted has its calls, and nothing else that tells whose it was.
    if let (Some(id), false, true, None) = (wanted, known, found.is_empty(), behind) {
        return Err(provisioning::no_such_instance(id));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(token);
    let count = found.len();
    let company = Company::of(&app, &caller).await?;
    let found: Vec<UsageRecord> = found
        .into_iter()
        .map(|row| wire(&app, &company, row))
        .collect();
    Ok(with_page_headers(Json(found).into_response(), count, next))
}

/// Read a call
///
/// By the id that its answer carried in the header `Elements-Request-Id`.
#[utoipa::path(
    get,
    path = "/elements/api-v2/usage/{id}",
    operation_id = "getUsage",
    responses(
        (status = 200, description = "The call.", body = UsageRecord),
        (status = 404, description = "No such call of yours, or none any more."),
    )
)]
async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path(id): Path<String>,
) -> Result<Json<UsageRecord>> {
    let number = RequestId::read(&id).ok_or_else(|| no_such_call(&id))?;
    let organization = app.store().org(caller.organization);
    let found = organization.request(number).await?;
    let found = found
        .filter(|row| caller.admin || row.account_id == caller.account)
        .ok_or_else(|| no_such_call(&id))?;
    let company = Company::of(&app, &caller).await?;
    Ok(Json(wire(&app, &company, found)))
}

fn no_such_call(id: &str) -> Error {
    Error::NotFound(format!("No usage found with ID {}.", shortened(id)))
}

/// The last week, unless it is said.
fn span(query: &Query) -> Result<(Timestamp, Timestamp)> {
    let now = Timestamp::now();
    let from = moment(query, "from", false)?;
    let to = moment(query, "to", true)?;
    if from.is_some_and(|from| from > now) {
        return Err(Error::NotFound(
            "No usage found: 'from' is in the future.".into(),
        ));
    }
    // A call of this moment is meant, too.
    let to = to.unwrap_or(now.saturating_add(1.second()).unwrap_or(now));
    let week = (24 * DEFAULT_DAYS).hours();
    let from = from.unwrap_or_else(|| to.min(now).checked_sub(week).unwrap_or(Timestamp::MIN));
    if from > to {
        return Err(Error::Invalid(
            "Query parameter 'from' must not be later than 'to'.".into(),
        ));
    }
    Ok((from, to))
}

/// A moment, or a whole day of UTC: its beginning, or its end.
fn moment(query: &Query, name: &str, end: bool) -> Result<Option<Timestamp>> {
    let Some(text) = query.get(name) else {
        return Ok(None);
    };
    let wrong = || {
        Error::Invalid(format!(
            "Query parameter '{name}' must be a date or a date with time and zone, like 2026-11-22 \
             or 2026-11-22T15:04:05Z."
        ))
    };
    let day = |date: Date| {
        let date = if end { date.tomorrow().ok()? } else { date };
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    // Longer texts hold a time, which would be ignored.
    let date = || text.parse::<Date>().ok().filter(|_| text.len() == 10);
    let at = text.parse::<Timestamp>().ok().or_else(|| day(date()?));
    at.filter(is_ours).map(Some).ok_or_else(wrong)
}

/// The database knows no times long before our era.
fn is_ours(at: &Timestamp) -> bool {
    at.to_zoned(TimeZone::UTC).year() > 0
}

/// Everybody has an own account, administrators have all.
fn accounts(caller: &OrgCaller, query: &Query) -> Result<Option<Vec<AccountId>>> {
    let named = query.all("accountIds");
    if named.is_empty() {
        return Ok((!caller.admin).then(|| vec![caller.account]));
    }
    let accounts: Option<Vec<AccountId>> = named
        .iter()
        .map(|text| path::id(text).map(AccountId))
        .collect();
    let accounts = accounts.ok_or_else(|| {
        Error::Invalid("Query parameter 'accountIds[]' must be ids of accounts.".into())
    })?;
    if !caller.admin && accounts.iter().any(|account| *account != caller.account) {
        return Err(Error::Forbidden(
            "Only an administrator of the organization may see the calls of other accounts.".into(),
        ));
    }
    Ok(Some(accounts))
}

async fn is_visible(app: &App, caller: &OrgCaller, id: InstanceId) -> Result<bool> {
    let found = app.store().org(caller.organization).instance(id).await?;
    match found {
        Some(found) if caller.admin || found.account_id == caller.account => Ok(true),
        Some(_) => Err(provisioning::no_such_instance(id)),
        None => Ok(false),
    }
}

/// `SUCCESS`, `FAILED`, `404`, `4xx`; several: one of them.
fn statuses(query: &Query) -> Result<Vec<(i16, i16)>> {
    let range = |text: &String| {
        let text = text.to_lowercase();
        let class = text
            .strip_suffix("xx")
            .and_then(|class| class.parse::<i16>().ok());
        match (text.as_str(), class, text.parse::<i16>()) {
            ("success", ..) => Ok((100, 399)),
            ("failed", ..) => Ok((400, 599)),
            (_, Some(class @ 1..=5), _) => Ok((class * 100, class * 100 + 99)),
            (_, _, Ok(status @ 100..=599)) => Ok((status, status)),
            _ => Err(Error::Invalid(
                "Query parameter 'status' must be SUCCESS, FAILED, a status like 404 or a class of \
                 them like 4xx."
                    .into(),
            )),
        }
    };
    query.all("status").iter().map(range).collect()
}

/// By key, and by hub: both must be met.
fn elements(app: &App, query: &Query) -> Option<Vec<String>> {
    let keys = query.all("keys");
    let Some(hub) = query.get("hub") else {
        return (!keys.is_empty()).then_some(keys);
    };
    let of_hub = app.catalog().iter().filter(|element| element.hub == hub);
    let of_hub = of_hub.map(|element| element.key.clone());
    Some(
        of_hub
            .filter(|key| keys.is_empty() || keys.contains(key))
            .collect(),
    )
}

fn token(last: &LoggedRequest) -> String {
    let at = last.at.as_microsecond();
    URL_SAFE_NO_PAD.encode(format!("u{at}.{}", hex(&last.request_id)))
}

fn position(query: &Query) -> Result<Option<RequestPosition>> {
    let text = match query.get("nextPage") {
        None | Some("null" | "undefined") => return Ok(None),
        Some(text) => text,
    };
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        let (at, id) = std::str::from_utf8(&bytes)
            .ok()?
            .strip_prefix('u')?
            .split_once('.')?;
        Some(RequestPosition {
            at: Timestamp::from_microsecond(at.parse().ok()?)
                .ok()
                .filter(is_ours)?,
            id: RequestId::read(id)?,
        })
    };
    read().map(Some).ok_or_else(Query::no_token)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of every record the same.
struct Company {
    id: i64,
    name: String,
}

impl Company {
    async fn of(app: &App, caller: &OrgCaller) -> Result<Self> {
        let found = app.store().org(caller.organization).organization().await?;
        Ok(Self {
            id: caller.organization.0,
            name: found.map(|found| found.name).unwrap_or_default(),
        })
    }
}

fn wire(app: &App, company: &Company, row: LoggedRequest) -> UsageRecord {
    let id = hex(&row.request_id);
    let element = row
        .element_key
        .as_deref()
        .and_then(|key| app.catalog().get(key));
    UsageRecord {
        traffic_id: id.clone(),
        request_id: id,
        traffic_date: row.at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        element_api: format!(
            "{} {}",
            row.method,
            row.resource.as_ref().unwrap_or(&row.route)
        ),
        method: row.method,
        request_uri: row.route,
        request_status: if row.status < 400 {
            "SUCCESS"
        } else {
            "FAILED"
        },
        status: row.status,
        vendor_status: row.vendor_status,
        attempts: row.attempts,
        process_time: (row.own_us + row.vendor_us) / 1000,
        own_time_us: row.own_us,
        vendor_time_us: row.vendor_us,
        bytes_in: row.bytes_in,
        bytes_out: row.bytes_out,
        complete: row.complete,
        arguments_hash: row.arguments_hash.as_deref().map(hex),
        request_ip: row.client.unwrap_or_default(),
        user_id: row.user_id.0,
        account_id: row.account_id.0,
        company_id: company.id,
        company_external_id: company.id.to_string(),
        company_external_name: company.name.clone(),
        instance_id: row.instance_id.map(|id| id.0),
        element_name: element.map(|element| element.name.clone()),
        element_key: row.element_key,
    }
}
