//! Query parameters that several lists share, as they are described. Read by `query.rs`.

use utoipa::IntoParams;

/// Pages by token.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Query` reads")]
pub struct Paging {
    /// Records per answer; more than 1000 is cut down to 1000.
    #[param(rename = "pageSize", minimum = 1, default = 200, example = 50)]
    page_size: Option<i32>,
    /// The header `Elements-Next-Page-Token` of the page before; absent for the first page.
    #[param(rename = "nextPage", example = "YTEy")]
    next_page: Option<String>,
}

/// Which instances a list shows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Query` reads")]
pub struct InstanceFilter {
    /// Only instances that carry every one of these tags: `tags[]=a&tags[]=b`.
    #[param(rename = "tags[]", style = Form, explode, example = json!(["customer-17"]))]
    tags: Option<Vec<String>>,
    /// Only instances whose name holds this text, in upper or lower case.
    #[param(rename = "searchText", example = "support")]
    search_text: Option<String>,
    /// `false` leaves out the configuration and shortens the element.
    #[param(default = true)]
    hydrate: Option<bool>,
}

/// Which calls a search of the request log shows. Read by `usage.rs`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `usage::search` reads")]
pub struct UsageFilter {
    /// A date, or a date with time and zone. If absent, a week before `to`.
    #[param(example = "2026-11-22T00:00:00Z")]
    from: Option<String>,
    /// The same; a date means its end. If absent, now.
    #[param(example = "2026-11-22")]
    to: Option<String>,
    /// Only calls of this instance.
    #[param(rename = "instanceId", example = 12)]
    instance_id: Option<i64>,
    /// `SUCCESS`, `FAILED`, a status like `404` or a class like `4xx`. Several, `status=404&status=5xx`:
    /// one of them.
    #[param(style = Form, explode, example = json!(["FAILED"]))]
    status: Option<Vec<String>>,
    /// Several: one of them.
    #[param(style = Form, explode, example = json!(["GET"]))]
    method: Option<Vec<String>>,
    /// The resource, `/contacts/{id}`, or the whole `request_uri`.
    #[param(example = "/contacts/{id}")]
    resource: Option<String>,
    /// One call.
    #[param(rename = "requestId", example = "5b2c91f0e4b0c7a1d2e3f405")]
    request_id: Option<String>,
    /// Only elements of this hub.
    #[param(example = "crm")]
    hub: Option<String>,
    /// Only these elements: `keys[]=a&keys[]=b`.
    #[param(rename = "keys[]", style = Form, explode)]
    keys: Option<Vec<String>>,
    /// Only instances that carry every one of these tags today.
    #[param(rename = "tags[]", style = Form, explode)]
    tags: Option<Vec<String>>,
    /// Only these accounts; of others than one's own for administrators.
    #[param(rename = "accountIds[]", style = Form, explode)]
    account_ids: Option<Vec<i64>>,
    /// Text in method, path, resource, element, status or id.
    #[param(rename = "searchText", example = "contacts")]
    search_text: Option<String>,
    /// Records per answer; more than 1000 is cut down to 1000.
    #[param(rename = "pageSize", minimum = 1, default = 100, example = 50)]
    page_size: Option<i32>,
    /// Records to skip.
    #[param(
        rename = "pageOffset",
        minimum = 0,
        maximum = 10_000,
        default = 0,
        example = 0
    )]
    page_offset: Option<i32>,
    /// The header `Elements-Next-Page-Token` of the page before; absent for the first page.
    #[param(rename = "nextPage")]
    next_page: Option<String>,
}

/// Of lists of what belongs to an element.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Query` reads")]
pub struct OwnOnly {
    /// `true`: only what the caller's account added, which is nothing yet.
    #[param(rename = "accountOnly", default = false)]
    account_only: Option<bool>,
}

/// Of what can be told in short or in full.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Query` reads")]
pub struct Expanded {
    /// `true` adds everything that is known.
    #[param(default = false)]
    expand: Option<bool>,
}

/// Of lists of what can be switched off.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Query` reads")]
pub struct Inactive {
    /// `true` shows what was switched off, too.
    #[param(rename = "includeInactive", default = false)]
    include_inactive: Option<bool>,
}

/// The header by which a create is made once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what `KeyedBody` reads")]
pub struct IdempotencyKey {
    /// Up to 255 visible ASCII characters of your choice, without blanks. The same call with the
    /// same key within 24 hours is answered with the instance that was made the first time.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        example = "7f3a9c52-signup-17"
    )]
    key: Option<String>,
}
