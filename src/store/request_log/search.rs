//! Searching the request log.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::FromRow;

use super::super::OrgStore;
use super::super::retry::has_code;
use crate::error::{Error, Result};
use crate::ids::{AccountId, InstanceId, UserId};

/// A search that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A row as it is shown.
#[derive(Debug, Clone, FromRow)]
pub struct LoggedRequest {
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    pub at: Timestamp,
    pub request_id: Vec<u8>,
    pub account_id: AccountId,
    pub user_id: UserId,
    pub instance_id: Option<InstanceId>,
    pub element_key: Option<String>,
    pub method: String,
    pub route: String,
    pub resource: Option<String>,
    pub status: i16,
    pub vendor_status: Option<i16>,
    pub attempts: i16,
    pub own_us: i64,
    pub vendor_us: i64,
    pub bytes_in: i64,
    pub bytes_out: i64,
    pub complete: bool,
    pub arguments_hash: Option<Vec<u8>>,
    pub client: Option<String>,
}

/// Behind which row a page begins: newest first, so at older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestPosition {
    pub at: Timestamp,
    pub id: [u8; 12],
}

/// What to look for; `None` and empty: everything.
#[derive(Debug)]
pub struct RequestFilter<'a> {
    pub from: Timestamp,
    /// Before it.
    pub to: Timestamp,
    pub accounts: Option<&'a [AccountId]>,
    pub instance: Option<InstanceId>,
    /// Every one of them on the instance, as it is now.
    pub tags: &'a [String],
    pub elements: Option<&'a [String]>,
    pub methods: Option<&'a [String]>,
    pub resource: Option<&'a str>,
    pub request: Option<[u8; 12]>,
    /// From and to, both included.
    pub statuses: &'a [(i16, i16)],
    pub text: Option<&'a str>,
    pub behind: Option<RequestPosition>,
    pub offset: i64,
    pub limit: i64,
}

const COLUMNS: &str = "select at, request_id, account_id, user_id, instance_id, element_key, method, route, resource, status,
       vendor_status, attempts, own_us, vendor_us, bytes_in, bytes_out, complete, arguments_hash,
       host(client) as client
 from request_log ";

const SEARCH: &str = "where org_id = $1 and at >= $2 and at < $3
   and ($4::bigint[] is null or account_id = any($4))
   and ($5::bigint is null or instance_id = $5)
   and (cardinality($6::text[]) = 0
        or instance_id in (select id from instances where org_id = $1 and tags @> $6))
   and ($7::text[] is null or element_key = any($7))
   and ($8::text[] is null or method = any($8))
   and ($9::text is null or resource = $9 or route = $9)
   and ($10::bytea is null or request_id = $10)
   and (cardinality($11::smallint[]) = 0
        or exists (select 1 from unnest($11, $12::smallint[]) as one (low, high)
                   where status between one.low and one.high))
   -- Says the same of failures in the words of their index.
   and ($13::boolean is not true or status >= 400)
   and ($14::text is null
        or position(lower($14) in lower(concat_ws(' ', method, route, resource, element_key, status,
                                                  encode(request_id, 'hex')))) > 0)
   and ($15::timestamptz is null or at <= $15)
   and ($15::timestamptz is null or (at, request_id) < ($15, $16::bytea))
 order by at desc, request_id desc offset $17 limit $18";

impl OrgStore<'_> {
    /// Newest first.
    ///
    /// # Errors
    /// 400 for a search that takes too long: only the caller can make it narrower.
    pub async fn requests(&self, filter: &RequestFilter<'_>) -> Result<Vec<LoggedRequest>> {
        let _turn = self.turn().await?;
        let mut transaction = self.store.begin().await?;
        let limit = format!("set local statement_timeout = {}", PATIENCE.as_millis());
        sqlx::raw_sql(sqlx::AssertSqlSafe(limit))
            .execute(&mut *transaction)
            .await?;
        let (low, high): (Vec<i16>, Vec<i16>) = filter.statuses.iter().copied().unzip();
        let failures = !low.is_empty() && low.iter().all(|low| *low >= 400);
        let accounts: Option<Vec<i64>> = filter
            .accounts
            .map(|accounts| accounts.iter().map(|account| account.0).collect());
        let statement = format!("{COLUMNS}{SEARCH}");
        // Planned each time: which index serves depends on what was given.
        let found: Result<Vec<LoggedRequest>, sqlx::Error> =
            sqlx::query_as(sqlx::AssertSqlSafe(statement))
                .persistent(false)
                .bind(self.organization)
                .bind(jiff_sqlx::Timestamp::from(filter.from))
                .bind(jiff_sqlx::Timestamp::from(filter.to))
                .bind(accounts)
                .bind(filter.instance)
                .bind(filter.tags)
                .bind(filter.elements)
                .bind(filter.methods)
                .bind(filter.resource)
                .bind(filter.request.map(|id| id.to_vec()))
                .bind(low)
                .bind(high)
                .bind(failures)
                .bind(filter.text)
                .bind(filter.behind.map(|row| jiff_sqlx::Timestamp::from(row.at)))
                .bind(filter.behind.map(|row| row.id.to_vec()))
                .bind(filter.offset)
                .bind(filter.limit)
                .fetch_all(&mut *transaction)
                .await;
        match found {
            Err(error) if has_code(&error, &["57014"]) => Err(Error::Invalid(format!(
                "The search took longer than {} seconds and was given up: make it narrower with \
                 'from', 'to' or 'instanceId'.",
                PATIENCE.as_secs()
            ))),
            found => Ok(found?),
        }
    }

    /// The row of one request, by its id alone.
    pub async fn request(&self, id: [u8; 12]) -> Result<Option<LoggedRequest>> {
        let [a, b, c, d, ..] = id;
        let second = i64::from(u32::from_be_bytes([a, b, c, d]));
        let statement = "where org_id = $1 and at >= to_timestamp($2::bigint)
                           and at < to_timestamp($2::bigint + 1) and request_id = $3";
        let mut reader = self.reader().await?;
        let found = sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS}{statement}")))
            .persistent(self.store.keeps_statements())
            .bind(self.organization)
            .bind(second)
            .bind(id.to_vec())
            .fetch_optional(&mut *reader)
            .await?;
        Ok(found)
    }
}
