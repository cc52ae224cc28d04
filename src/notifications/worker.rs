//! Makes the deliveries that are due; runs on every server with the role `worker`.
//!
//! | What the receiver does | What comes of it |
//! |---|---|
//! | answers 2xx | delivered |
//! | answers 410 | the subscription is switched off, and what waits for it stays until it is released |
//! | anything else, or nothing in time | tried again, later each time (`schedule`), not before its `Retry-After`; the receiver is left alone by everything else for a while, too |
//! | fails for three days | that delivery stays until it is released; when nothing else came through meanwhile, the subscription is switched off |
//!
//! A claim moves the due time: what a killed server had claimed is found again when that is over,
//! and then the receiver may get it twice. No connection is held while a receiver is called.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::VendorRequest;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use url::Url;

use super::{grants, message, schedule, signature, subscriptions};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{OrganizationId, SubscriptionId};
use crate::outbound::{Outbound, OutboundError, Settings};
use crate::retry_after;
use crate::store::{DeliveryLook, DeliveryPosition, DueDelivery, FIRST_POSITION, Missed};
use crate::tenancy;

const DELIVERY_ID: HeaderName = HeaderName::from_static("elements-webhook-id");
const SIGNATURE: HeaderName = HeaderName::from_static("elements-webhook-signature");

/// From one look to the next while there is something to do; it grows while there is not.
const BUSY: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_secs(4);
/// After a look that found more than it could take.
const CROWDED: Duration = Duration::from_millis(50);
/// Deliveries at once, and of those for one organization, for one subscription, to one host, and of
/// one organization to one host.
const AT_ONCE: usize = 64;
const OF_ORGANIZATION: usize = 16;
const OF_SUBSCRIPTION: usize = 4;
const AT_HOST: usize = 32;
const OF_ORGANIZATION_AT_HOST: usize = 8;
/// Subscriptions with something to deliver that are looked at in one go.
const LOOKED_AT: i64 = 10_000;
/// How long one receiver is waited for, and bytes of its answer.
const TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_LIMIT: usize = 64 * 1024;
/// Characters of the answer that are kept.
const EXCERPT: usize = 200;
/// Until somebody else may try what one server has claimed; more than one call can take.
const CLAIM: Duration = Duration::from_secs(60);
/// Until one that could not be tried is looked at again.
const PUT_BACK: Duration = Duration::from_secs(1);
/// The way to receivers: as to vendors, with limits of its own and connections of its own.
pub fn receivers(vendors: Settings) -> Result<Outbound, OutboundError> {
    Outbound::new(Settings {
        total_timeout: vendors.total_timeout.min(TIMEOUT),
        body_limit: ANSWER_LIMIT,
        ..vendors
    })
}

pub async fn run(app: App, receivers: Outbound, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let worker = Worker {
        app,
        receivers,
        permits: Arc::new(Semaphore::new(AT_ONCE)),
        under_way: UnderWay::default(),
    };
    let mut pause = BUSY;
    let mut after = FIRST_POSITION;
    loop {
        tokio::select! {
            // Servers that were started together shall not look together.
            () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
            () = &mut stop => return,
        }
        // A server that is going down finishes what it has begun and begins nothing.
        if worker.app.is_stopping() {
            continue;
        }
        pause = match worker.look(&mut after).await {
            Ok(0) => (pause * 2).clamp(BUSY, IDLE),
            Ok(found) if found >= AT_ONCE / 4 => CROWDED,
            Ok(_) => BUSY,
            Err(error) => {
                tracing::warn!(%error, "deliveries that are due could not be looked for");
                IDLE
            }
        };
    }
}

#[derive(Clone)]
struct Worker {
    app: App,
    receivers: Outbound,
    permits: Arc<Semaphore>,
    under_way: UnderWay,
}

impl Worker {
    /// Behind `after`, which moves on. Gives how many were found.
    async fn look(&self, after: &mut DeliveryPosition) -> Result<usize> {
        let free = self.permits.available_permits();
        if free == 0 {
            return Ok(1);
        }
        let look = DeliveryLook {
            limit: i64::try_from(free).map_err(Error::internal)?,
            each: OF_SUBSCRIPTION as i64,
            busy: &self.under_way.busy(),
            under_way: &self.under_way.of_organizations(),
            of_organization: OF_ORGANIZATION as i64,
            after: *after,
            subscriptions: LOOKED_AT,
            claim: CLAIM,
        };
        let found = self.app.store().all_orgs().claim_deliveries(&look).await?;
        *after = found.next;
        let due = found.due;
        let found = due.len();
        for due in due {
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let permit = permit.map_err(Error::internal)?;
            let worker = self.clone();
            // Before the next look, which leaves out who has enough.
            let place = self.under_way.place_for(&due);
            // A graceful stop waits for it.
            self.app.work().spawn(async move {
                worker.one(&due, place).await;
                drop(permit);
            });
        }
        Ok(found)
    }

    async fn one(&self, due: &DueDelivery, place: Result<Option<(Url, Places)>>) {
        let organization = self.app.store().org(due.organization);
        let outcome = match place {
            // Written while whoever subscribed was still an administrator.
            _ if !due.hears => organization.withdraw_delivery(due.id).await,
            Ok(Some((url, _places))) => self.deliver(due, url).await,
            Ok(None) => organization.put_back_delivery(due.id, PUT_BACK).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            // It is found again when the claim is over.
            tracing::error!(
                org.id = %due.organization,
                subscription.id = %due.subscription,
                cause = ?error,
                "a notification could not be delivered"
            );
        }
    }

    async fn deliver(&self, due: &DueDelivery, url: Url) -> Result<()> {
        let organization = self.app.store().org(due.organization);
        let request = self.request(due, url).await?;
        let grants = grants(organization).await?;
        let destination = subscriptions::destination(&grants);
        let sent = self.receivers.send(request, &destination).await;
        let told = match &sent {
            Ok(reply) => told(reply),
            Err(error) => error.to_string(),
        };
        let status = sent.as_ref().ok().map(|reply| reply.status);
        tracing::debug!(
            org.id = %due.organization,
            subscription.id = %due.subscription,
            status = status.map(|status| status.as_u16()),
            attempts = due.attempts,
            "a notification was sent"
        );
        if status.is_some_and(|status| status.is_success()) {
            return organization.delivered(due, &told).await;
        }
        if status == Some(StatusCode::GONE) {
            let reason = "The receiver answered 410: it does not want any more.";
            return organization
                .give_delivery_up(due, &told, Some(reason))
                .await;
        }
        let asked = sent.ok().and_then(|reply| asked_for(&reply));
        let next = schedule::next(due.attempts, due.failures, asked, rand::random());
        let Some(next) = next else {
            // Failures in a row: nothing else came through since this one failed first.
            let dead = due.failures >= due.attempts;
            let reason = format!("Nothing could be delivered for three days. {told}");
            let reason = dead.then_some(reason.as_str());
            tracing::warn!(
                org.id = %due.organization,
                subscription.id = %due.subscription,
                switched_off = dead,
                "a notification is not delivered: its receiver has failed for three days"
            );
            return organization.give_delivery_up(due, &told, reason).await;
        };
        let missed = Missed {
            after_first: next.after_first,
            from_now: next.from_now,
            rest: next.rest,
            outcome: &told,
        };
        organization.missed(due, &missed).await
    }

    async fn request(&self, due: &DueDelivery, url: Url) -> Result<VendorRequest> {
        let keys = tenancy::keys(&self.app, due.organization).await?;
        let place = subscriptions::place(due.organization, due.row_id);
        let secret = tenancy::open_text(&keys, &place, &due.secret_sealed)?;
        let body = message::body(due, Timestamp::now())?;
        let text = |text: String| HeaderValue::try_from(text).map_err(Error::internal);
        let headers = HeaderMap::from_iter([
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (DELIVERY_ID, text(due.delivery_id.to_string())?),
            (SIGNATURE, text(signature::of(&secret, &body))?),
        ]);
        Ok(VendorRequest {
            method: Method::POST,
            url,
            headers,
            body: body.into(),
        })
    }
}

/// Of those that say when they are well again.
fn asked_for(reply: &VendorReply) -> Option<Duration> {
    let waits = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let text = reply.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let asked = retry_after::read(text, Timestamp::now());
    asked.filter(|_| waits.contains(&reply.status))
}

/// What the receiver answered, and how its answer begins.
fn told(reply: &VendorReply) -> String {
    let mut told = format!("The receiver answered {}.", reply.status.as_u16());
    if reply.status.is_redirection() {
        told.push_str(" Redirects are not followed.");
    }
    let begins = &reply.body[..reply.body.len().min(4 * EXCERPT)];
    let text = String::from_utf8_lossy(begins);
    let excerpt: String = text
        .chars()
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .take(EXCERPT)
        .collect();
    if !excerpt.trim().is_empty() {
        told.push(' ');
        told.push_str(excerpt.trim());
    }
    told
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Organization(OrganizationId),
    Subscription(SubscriptionId),
    Host(String),
    OrganizationAtHost(OrganizationId, String),
}

impl Place {
    fn most(&self) -> usize {
        match self {
            Self::Organization(_) => OF_ORGANIZATION,
            Self::Subscription(_) => OF_SUBSCRIPTION,
            Self::Host(_) => AT_HOST,
            Self::OrganizationAtHost(..) => OF_ORGANIZATION_AT_HOST,
        }
    }
}

/// How many deliveries are where: a slow receiver never takes the places of all others.
#[derive(Debug, Clone, Default)]
struct UnderWay(Arc<Mutex<HashMap<Place, usize>>>);

/// One delivery's places, given back when dropped.
#[derive(Debug)]
struct Places {
    all: UnderWay,
    taken: [Place; 4],
}

impl UnderWay {
    /// `None`: somewhere there are enough.
    fn enter(&self, places: [Place; 4]) -> Option<Places> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |place: &Place| {
            counts
                .get(place)
                .is_some_and(|count| *count >= place.most())
        };
        if places.iter().any(is_full) {
            return None;
        }
        for place in &places {
            *counts.entry(place.clone()).or_default() += 1;
        }
        Some(Places {
            all: self.clone(),
            taken: places,
        })
    }

    /// Where it goes, and its places; `None`: somewhere there are enough.
    fn place_for(&self, due: &DueDelivery) -> Result<Option<(Url, Places)>> {
        let url = Url::parse(&due.url).map_err(Error::internal)?;
        let host = url.host_str().unwrap_or_default();
        let places = [
            Place::Organization(due.organization),
            Place::Subscription(due.subscription),
            Place::Host(host.to_owned()),
            Place::OrganizationAtHost(due.organization, host.to_owned()),
        ];
        Ok(self.enter(places).map(|places| (url, places)))
    }

    fn of_organizations(&self) -> Vec<(OrganizationId, i64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = counts.iter();
        all.filter_map(|(place, count)| match place {
            Place::Organization(id) => Some((*id, *count as i64)),
            _ => None,
        })
        .collect()
    }

    /// Subscriptions that take no more at this moment.
    fn busy(&self) -> Vec<SubscriptionId> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = counts
            .iter()
            .filter(|(place, count)| **count >= place.most());
        full.filter_map(|(place, _)| match place {
            Place::Subscription(id) => Some(*id),
            _ => None,
        })
        .collect()
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let mut counts = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        for place in &self.taken {
            if let Some(count) = counts.get_mut(place) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(place);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn places(organization: i64, subscription: usize, host: &str) -> [Place; 4] {
        let organization = OrganizationId(organization);
        [
            Place::Organization(organization),
            Place::Subscription(SubscriptionId(subscription as i64)),
            Place::Host(host.to_owned()),
            Place::OrganizationAtHost(organization, host.to_owned()),
        ]
    }

    #[test]
    fn nobody_takes_all_places() {
        let all = UnderWay::default();
        let enter =
            |organization, subscription, host| all.enter(places(organization, subscription, host));
        let mut held: Vec<_> = (0..OF_SUBSCRIPTION)
            .map(|_| enter(1, 1, "a.example"))
            .collect();
        assert!(held.iter().all(Option::is_some));
        assert!(enter(1, 1, "b.example").is_none(), "the subscription");
        assert_eq!(all.busy(), [SubscriptionId(1)]);
        let more = OF_SUBSCRIPTION..OF_ORGANIZATION_AT_HOST;
        held.extend(more.map(|number| enter(1, number, "a.example")));
        assert!(enter(1, 90, "a.example").is_none(), "the host's for it");
        let more = OF_ORGANIZATION_AT_HOST..OF_ORGANIZATION;
        held.extend(more.map(|number| enter(1, number, "b.example")));
        assert!(enter(1, 90, "c.example").is_none(), "the organization");
        // Nobody else is kept waiting, until the host has enough.
        let others = OF_ORGANIZATION_AT_HOST..AT_HOST;
        held.extend(others.map(|number| enter(2 + number as i64 / 4, 100 + number, "a.example")));
        assert!(held.iter().all(Option::is_some));
        assert!(enter(90, 90, "a.example").is_none(), "the host");
        assert!(enter(90, 90, "b.example").is_some());
        drop(held);
        assert!(all.0.lock().unwrap().is_empty());
    }

    #[test]
    fn little_of_an_answer_is_kept() {
        let told = |status: u16, body: &str| {
            super::told(&VendorReply {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: Bytes::from(body.to_owned()),
            })
        };
        assert_eq!(told(200, ""), "The receiver answered 200.");
        assert_eq!(told(500, "a\u{0}b\n"), "The receiver answered 500. a b");
        assert!(told(302, "").ends_with("Redirects are not followed."));
        assert_eq!(told(500, &"ä".repeat(9000)).chars().count(), 27 + EXCERPT);
    }

    #[test]
    fn some_say_how_long_they_want_to_be_left_alone() {
        let asked = |status: u16, value: &'static str| {
            asked_for(&VendorReply {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::from_iter([(
                    header::RETRY_AFTER,
                    HeaderValue::from_static(value),
                )]),
                body: Bytes::new(),
            })
        };
        assert_eq!(asked(503, "30"), Some(Duration::from_secs(30)));
        assert_eq!(asked(429, "x"), None);
        assert_eq!(asked(500, "30"), None);
    }
}
