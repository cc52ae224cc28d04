//! Use case: a call that a caller has written, to the vendor's own API with an instance's
//! credentials. What the vendor answers is handed on as it is, and neither body is held.
//!
//! Tokens that have ended, or that the vendor does not take, are renewed on the way, once, and the
//! call is repeated where its body is at hand. Everything else that goes wrong on the way is told
//! in words; what the vendor itself says is its own. A body passes unread, save that a SOAP envelope
//! gets what the definition says belongs into its header.

mod headers;
mod upload;

use std::time::{Duration, Instant};

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group};
use bunsen_engine::reply::{self, Refusal, VendorReply};
use bunsen_engine::request::{self, stays_below, with_header};
use http::{HeaderMap, Method, StatusCode, header};

use crate::app::App;
use crate::clients;
use crate::credentials::{self, stored_values};
use crate::error::{Error, Result, VendorFailure};
use crate::exchange::{self, Session};
use crate::ids::{InstanceId, OrganizationId, Secret};
use crate::outbound::{Answer, Grant, Payload, Stream};
use crate::renewal;
use crate::store;
use crate::tenancy;
use upload::Upload;

/// What the vendor says of wrong credentials is shorter.
const LONGEST_REFUSAL: usize = 16 * 1024;

/// A call as it came in.
pub struct Call {
    pub method: Method,
    /// Raw, with its leading slash; empty: the base URL itself.
    pub path: String,
    /// Raw.
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Stream,
}

/// What was asked of the vendor, whatever came of it.
#[derive(Debug, Default)]
pub struct Asked {
    /// Of the last answer.
    pub status: Option<StatusCode>,
    /// Until the heads of its answers.
    pub time: Duration,
    pub attempts: u16,
}

/// An instance as the database has it, ready for a call.
struct Ready<'a> {
    organization: OrganizationId,
    row: store::Instance,
    values: Values,
    grants: Vec<Grant>,
    element: &'a Element,
    group: &'a Group,
}

/// Makes the call with the instance's credentials, and tells in `asked` how often and for how long.
///
/// # Errors
/// 400 for a path that would leave the base URL, or names the configuration entry that leads
/// nowhere; 401 for an instance that needs its owner, 403 for a disabled one; 408, 413 and 429 for
/// the caller's own body; 429, 502 and 503 when there is no answer of the vendor's.
pub async fn call(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    call: Call,
    asked: &mut Asked,
) -> Result<Answer> {
    if !stays_below(&call.path) {
        return Err(Error::Invalid(
            "The path behind 'proxy' would leave the instance's base URL: leave out '..', however \
             it is written."
                .into(),
        ));
    }
    let mut ready = Ready::read(app, organization, id).await?;
    if renewal::spent(ready.element, ready.group, &ready.values) {
        renewal::on_demand(app, organization, id, ready.row.generation).await?;
        ready = Ready::read(app, organization, id).await?;
    }
    let block = ready.envelope_header(&call.headers)?;
    let amend = block.map(|block| move |text: &[u8]| with_header(text, block.reveal()));
    let (upload, payload) = Upload::begin(app, call.body, amend).await?;
    let call = Written {
        method: call.method,
        path: call.path,
        query: call.query,
        headers: headers::for_vendor(call.headers),
    };
    let again = match &payload {
        Payload::Bytes(bytes) => Some(Payload::Bytes(bytes.clone())),
        Payload::Stream(_) => None,
    };
    let mut answer = upload.judge(ready.send(app, &call, payload, asked).await)?;
    if ready.is_refused_by(&mut answer).await? {
        let generation = ready.row.generation;
        // An answer that is read as a refusal may come after the vendor had acted.
        let sure = matches!(
            answer.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        );
        let Some(payload) = again.filter(|_| sure || call.method.is_idempotent()) else {
            // The caller has to send its call again, and shall not find the same tokens then.
            let app = app.clone();
            app.clone().work().spawn(async move {
                let renewed = renewal::on_demand(&app, organization, id, generation).await;
                tracing::debug!(instance.id = %id, ok = renewed.is_ok(), "renewed for a call to come");
            });
            return Ok(handed_on(answer));
        };
        renewal::on_demand(app, organization, id, generation).await?;
        let fresh = Ready::read(app, organization, id).await?;
        // Otherwise they are as good as they get, and what the vendor says stands.
        if fresh.row.generation != generation && !fresh.row.renewal_in_doubt {
            drop(answer);
            answer = upload.judge(fresh.send(app, &call, payload, asked).await)?;
        }
    }
    Ok(handed_on(answer))
}

fn handed_on(mut answer: Answer) -> Answer {
    answer.headers = headers::for_caller(answer.headers, answer.status);
    answer
}

/// What a caller has written, to be sent once or twice.
struct Written {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
}

impl<'a> Ready<'a> {
    async fn read(app: &'a App, organization: OrganizationId, id: InstanceId) -> Result<Self> {
        let stored = app.store().org(organization);
        let found = stored.instance_to_call(id).await?;
        let (row, grants) = found.ok_or_else(|| {
            Error::NotFound("The instance has been deleted a moment ago.".to_owned())
        })?;
        if row.disabled {
            return Err(Error::Forbidden("Element instance is disabled.".into()));
        }
        if !row.valid {
            return Err(needs_owner(&row));
        }
        let keys = tenancy::keys(app, organization).await?;
        let values = stored_values(organization, &keys, &row)?;
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
            organization,
            row,
            values,
            grants: grants.into_iter().map(credentials::grant).collect(),
            element,
            group,
        })
    }

    /// What belongs into an envelope of the caller's.
    fn envelope_header(&self, headers: &HeaderMap) -> Result<Option<Secret>> {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().contains("xml") {
            return Ok(None);
        }
        request::envelope_header(self.element, self.group, &self.values).map_err(exchange::unbuilt)
    }

    async fn send(
        &self,
        app: &App,
        call: &Written,
        payload: Payload,
        asked: &mut Asked,
    ) -> Result<Answer> {
        let session = Session {
            outbound: app.outbound(),
            element: self.element,
            group: self.group,
            grants: &self.grants,
        };
        let passing = request::Passing {
            method: call.method.clone(),
            path: &call.path,
            query: call.query.as_deref(),
            headers: call.headers.clone(),
        };
        // Only signatures have a part of the client's in each call.
        let client = match self.group.is_oauth1() {
            true => {
                let organization = self.organization;
                clients::referred_to(app, organization, self.element, &self.values).await?
            }
            false => None,
        };
        let signing = match &client {
            Some(client) => {
                let values =
                    exchange::signing(self.element, self.group, &client.values, &self.values);
                Some(values.ok_or_else(|| {
                    Error::Invalid(
                        "This element's calls would tell the secret of the stored OAuth client to \
                         a host that the instance names: connect it with a client of your own."
                            .into(),
                    )
                })?)
            }
            None => None,
        };
        let values = signing.as_ref().unwrap_or(&self.values);
        let began = Instant::now();
        let answer = exchange::pass(&session, values, passing, payload).await;
        asked.attempts += 1;
        asked.time += began.elapsed();
        asked.status = answer.as_ref().ok().map(|answer| answer.status);
        answer
    }

    /// Whether the answer refuses tokens that can be renewed.
    async fn is_refused_by(&self, answer: &mut Answer) -> Result<bool> {
        let refusal = reply::refuses_by_status(self.element, answer.status);
        if refusal == Refusal::No || !self.renews() {
            return Ok(false);
        }
        if refusal == Refusal::Yes {
            return Ok(true);
        }
        let told = |error| {
            let entry = self.element.base_entry();
            exchange::unsent(self.element, exchange::PASSED, entry, &error)
        };
        let Some(body) = answer.body.peek(LONGEST_REFUSAL).await.map_err(told)? else {
            return Ok(answer.status == StatusCode::UNAUTHORIZED);
        };
        let said = VendorReply {
            status: answer.status,
            headers: answer.headers.clone(),
            body,
        };
        Ok(reply::refuses(
            self.element,
            self.group,
            &self.values,
            &said,
        ))
    }

    fn renews(&self) -> bool {
        self.element.renewal(self.group).is_some_and(|renewal| {
            let effective = self.element.effective(self.group, &self.values);
            renewal.start(&effective).is_some()
        })
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
