//! The rest of a log-in whose server was killed between two calls, where those before must not be
//! repeated: a code, or a refresh token, has been used up, and what the vendor gave for it is in the
//! journal. The calls that are left are made as if nothing had happened.

use bunsen_engine::configuration::Values;

use super::recovery::settled;
use super::{Chosen, creating, grants, group_of, update};
use crate::app::App;
use crate::clients;
use crate::error::{Error, Result};
use crate::exchange::{Calls, Progress};
use crate::journal::recovery::Left;
use crate::journal::{self, Exchange};
use crate::renewal::salvage::{self, Spending, Token};
use crate::store::{Claim, Outcome, Purpose};

/// # Errors
/// Whatever may pass: when the new lease has ended it is tried again.
pub(super) async fn go_on(app: &App, mut left: Left) -> Result<()> {
    let progress = left.progress.take();
    let progress = progress.ok_or_else(|| Error::internal("a log-in without its progress"))?;
    match left.purpose {
        Purpose::Create => create(app, &left, progress).await,
        _ => change(app, &left, progress).await,
    }
}

async fn create(app: &App, left: &Left, progress: Progress) -> Result<()> {
    let intent: creating::Intent = serde_json::from_slice(&left.intent).map_err(Error::internal)?;
    let rest = Rest {
        app,
        left,
        element: &intent.element,
        group: &intent.group,
        given: &intent.given.0,
        claim: intent.claim.as_ref(),
    };
    let returned = match rest.make(progress).await? {
        Made::Returned(returned) => returned,
        Made::Refused(exchange) => {
            exchange.close(Outcome::Refused, false).await;
            return Ok(());
        }
        Made::Elsewhere => return Ok(()),
    };
    let stored = creating::store(app, left.organization, &intent, returned, Some(left.id)).await;
    let (claim, again) = (intent.claim.as_ref(), intent.repeatable);
    settled(app, left, claim, again, stored.map(|_| ())).await
}

async fn change(app: &App, left: &Left, progress: Progress) -> Result<()> {
    let intent: update::Intent = serde_json::from_slice(&left.intent).map_err(Error::internal)?;
    let instance = left
        .instance
        .ok_or_else(|| Error::internal("a change of no instance"))?;
    let row = app
        .store()
        .org(left.organization)
        .instance(instance)
        .await?;
    let claim = intent.claim.clone();
    let Some(row) = row else {
        // Deleted meanwhile.
        return left.give_up(app, claim.as_ref(), false).await;
    };
    let rest = Rest {
        app,
        left,
        element: &row.element_key,
        group: &intent.group,
        given: &intent.asked.0,
        claim: claim.as_ref(),
    };
    let held = progress.returned.clone();
    let returned = match rest.make(progress).await {
        Ok(Made::Returned(returned)) => returned,
        Ok(Made::Elsewhere) => return Ok(()),
        // Nobody waits for the change, and the next renewal needs the tokens.
        Ok(Made::Refused(_)) | Err(_) if intent.refreshes => {
            let of = spending(left, &intent, Outcome::Refused)?;
            return salvage::change_failed(app, of, Token::Replaced(&held)).await;
        }
        Ok(Made::Refused(exchange)) => {
            exchange.close(Outcome::Refused, false).await;
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let again = intent.repeatable;
    let written = update::finish(app, left.organization, instance, left.id, intent, returned).await;
    settled(app, left, claim.as_ref(), again, written).await
}

/// Ends a change that began with the stored refresh token and was cut short, with what is known of it.
pub(super) async fn give_up_change(app: &App, left: &Left, intent: &update::Intent) -> Result<()> {
    let of = spending(left, intent, Outcome::Unknown)?;
    let token = match &left.progress {
        Some(progress) => Token::Replaced(&progress.returned),
        None => Token::Unknown,
    };
    salvage::change_failed(app, of, token).await
}

fn spending<'a>(left: &Left, intent: &'a update::Intent, outcome: Outcome) -> Result<Spending<'a>> {
    let instance = left
        .instance
        .ok_or_else(|| Error::internal("a change of no instance"))?;
    Ok(Spending {
        organization: left.organization,
        instance,
        generation: intent.generation,
        exchange: left.id,
        outcome,
        claim: intent.claim.as_ref(),
    })
}

struct Rest<'a> {
    app: &'a App,
    left: &'a Left,
    element: &'a str,
    group: &'a str,
    given: &'a Values,
    claim: Option<&'a Claim>,
}

enum Made {
    Returned(Values),
    /// The vendor says no.
    Refused(Exchange),
    /// Somebody else is at it.
    Elsewhere,
}

impl Rest<'_> {
    async fn make(&self, progress: Progress) -> Result<Made> {
        let Self { app, left, .. } = *self;
        let element = app.element(self.element)?;
        let chosen = Chosen {
            element,
            group: group_of(element, self.group)?,
        };
        let grants = grants(app, left.organization, element).await?;
        let session = chosen.session(app, left.organization, &grants);
        let client = clients::referred_to(app, left.organization, element, self.given).await;
        let client = match client {
            // Removed meanwhile. What needs none is still made.
            Err(Error::Invalid(_)) => None,
            client => client?,
        };
        let client = client.as_ref().map(|client| &client.values);
        let mut calls = Calls::going_on(&session, (self.given, client), progress)?;
        let Some(exchange) = left.take_over(app, &calls, self.claim).await? else {
            return Ok(Made::Elsewhere);
        };
        if calls.next_is_once() {
            // Perhaps it has been made, by the server that is gone.
            return Ok(Made::Refused(exchange));
        }
        match exchange.call(&mut calls).await {
            Ok(()) => Ok(Made::Returned(exchange.keep(calls).await?.0)),
            Err(error) if is_refusal(&error) => {
                tracing::warn!(
                    org.id = %left.organization,
                    exchange.id = %left.id,
                    %error,
                    "a log-in that was cut short came to nothing"
                );
                Ok(Made::Refused(exchange))
            }
            Err(error) => Err(error),
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    match error {
        Error::Vendor(failure) => (400..500).contains(&failure.status) && failure.status != 429,
        error => journal::is_final(error),
    }
}
