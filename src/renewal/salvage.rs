//! Tokens that a refresh has brought, kept although nothing else came of what they were asked for: a
//! later call failed, or its server was killed before it. Where the refresh was begun by a change of
//! the instance, a lost answer leaves the same doubt as that of a renewal.

use bunsen_engine::configuration::Values;
use bunsen_engine::element::Reuse;
use jiff::Timestamp;
use uuid::Uuid;

use super::failure::{self, Class};
use super::{Attempt, Came, Due, ends_at};
use crate::app::App;
use crate::credentials::{self, CREDENTIALS, Parts, place, stored_values};
use crate::error::{Error, Result};
use crate::ids::{InstanceId, OrganizationId};
use crate::journal::Exchange;
use crate::store::{self, Claim, FailedRenewal, KeptTokens, Outcome, RenewedInstance, Standing};
use crate::tenancy;

/// An exchange that began with the stored refresh token, and came to nothing.
#[derive(Debug, Clone, Copy)]
pub struct Spending<'a> {
    pub organization: OrganizationId,
    pub instance: InstanceId,
    /// Of the instance, when its token was read.
    pub generation: i64,
    pub exchange: Uuid,
    pub outcome: Outcome,
    pub claim: Option<&'a Claim>,
}

/// What is known of the stored refresh token.
#[derive(Clone, Copy)]
pub enum Token<'a> {
    /// The vendor gave these for it.
    Replaced(&'a Values),
    /// Just now the vendor's answer was lost.
    Lost,
    /// Its server is gone, nobody knows since when.
    Unknown,
}

/// Settles an exchange of a change whose log-in failed or was cut short.
///
/// # Errors
/// When the database is away: recovery finds the exchange open.
pub async fn change_failed(app: &App, of: Spending<'_>, token: Token<'_>) -> Result<()> {
    let row = app
        .store()
        .org(of.organization)
        .instance(of.instance)
        .await?;
    let mut failed = FailedRenewal::default();
    let replaced = matches!(token, Token::Replaced(_));
    if let Some(row) = row.filter(|row| row.valid || replaced) {
        let known = app.catalog().get(&row.element_key);
        let known =
            known.and_then(|element| Some((element, element.group(&row.credential_group)?)));
        failed.due_at = match token {
            Token::Replaced(returned) => {
                let keys = tenancy::keys(app, of.organization).await?;
                let mut values = stored_values(of.organization, &keys, &row)?;
                values.extend(returned.clone());
                known.and_then(|(element, group)| {
                    credentials::renewal_due_at(element, group, &values)
                })
            }
            Token::Lost | Token::Unknown => {
                let renewal = known.and_then(|(element, group)| element.renewal(group));
                let fatal = renewal.is_none_or(|renewal| renewal.reuse == Reuse::Fatal);
                let now = Timestamp::now();
                Some(match fatal || matches!(token, Token::Unknown) {
                    true => end_of(app, of.organization, &row).await?.max(now),
                    false => now,
                })
            }
        };
    }
    failed.in_doubt = !replaced;
    let returned = match token {
        Token::Replaced(returned) => Some(returned),
        Token::Lost | Token::Unknown => None,
    };
    settle(app, of, returned, &failed).await
}

/// Writes what is known of the tokens and what the failure means, and ends the exchange; of an
/// instance that somebody else has logged in for since, only the latter.
async fn settle(
    app: &App,
    of: Spending<'_>,
    returned: Option<&Values>,
    failed: &FailedRenewal<'_>,
) -> Result<()> {
    let keys = &tenancy::keys(app, of.organization).await?;
    let stored = app.store().org(of.organization);
    let (open, revocation) = stored
        .transaction(|mut transaction| async move {
            let id = of.instance;
            let row = stored.lock_instance(&mut transaction, id).await?;
            let standing = stored.lock_exchange(&mut transaction, of.exchange).await?;
            if !matches!(standing, Standing::Intent | Standing::Answered) {
                return Ok((transaction, (false, None)));
            }
            let mut revocation = None;
            if let Some(row) = row.filter(|row| row.generation == of.generation) {
                if let Some(returned) = returned {
                    let mut values = stored_values(of.organization, keys, &row)?;
                    values.extend(returned.clone());
                    let parts = Parts::of(&values);
                    let place = place(of.organization, row.row_id, CREDENTIALS);
                    let kept = KeptTokens {
                        configuration: &parts.clear,
                        credentials_sealed: &keys.seal(&place, &parts.secret_json()?),
                    };
                    stored.write_kept(&mut transaction, id, &kept).await?;
                }
                revocation = stored
                    .write_failed_renewal(&mut transaction, &row, failed)
                    .await?;
            }
            stored
                .close_exchange_in(&mut transaction, of.exchange, of.outcome, of.claim, false)
                .await?;
            Ok((transaction, (true, revocation)))
        })
        .await?;
    if let (false, Some(returned)) = (open, returned) {
        came_late(app, of, returned).await?;
    }
    app.callers().settle(app.store(), revocation).await;
    Ok(())
}

/// The answer has come after its exchange was given up, say to a server that was stopped. While nobody
/// has sent the old token since, it ends the doubt that was left; gives whether it does.
///
/// # Errors
/// When the database is away.
pub async fn came_late(app: &App, of: Spending<'_>, returned: &Values) -> Result<bool> {
    let keys = &tenancy::keys(app, of.organization).await?;
    let stored = app.store().org(of.organization);
    stored
        .transaction(|mut transaction| async move {
            let id = of.instance;
            let row = stored.lock_instance(&mut transaction, id).await?;
            let standing = stored.lock_exchange(&mut transaction, of.exchange).await?;
            // Whoever sends the old token opens an exchange first, and for that needs the row.
            // And where the vendor has refused it since, these may have ended with it.
            let doubted = |row: &store::Instance| {
                row.valid && row.generation == of.generation + 1 && row.renewal_in_doubt
            };
            let row = row.filter(doubted).filter(|_| standing == Standing::Over);
            let Some(row) = row else {
                return Ok((transaction, false));
            };
            if stored.is_open(&mut transaction, id).await? {
                return Ok((transaction, false));
            }
            let mut values = stored_values(of.organization, keys, &row)?;
            values.extend(returned.clone());
            let due_at = app.catalog().get(&row.element_key).and_then(|element| {
                let group = element.group(&row.credential_group)?;
                credentials::renewal_due_at(element, group, &values)
            });
            let parts = Parts::of(&values);
            let place = place(of.organization, row.row_id, CREDENTIALS);
            let renewed = RenewedInstance {
                configuration: &parts.clear,
                credentials_sealed: &keys.seal(&place, &parts.secret_json()?),
                due_at,
            };
            stored
                .write_renewed(&mut transaction, &row, &renewed)
                .await?;
            tracing::info!(
                org.id = %of.organization,
                instance.id = %id,
                "the answer to a renewal that was given up has come after all"
            );
            Ok((transaction, true))
        })
        .await
}

impl Due<'_> {
    fn spending(&self, exchange: &Exchange, outcome: Outcome) -> Spending<'_> {
        Spending {
            organization: self.organization,
            instance: self.row.id,
            generation: self.row.generation,
            exchange: exchange.id(),
            outcome,
            claim: None,
        }
    }

    /// The answer could not be stored.
    pub(super) async fn late(
        &self,
        exchange: &Exchange,
        returned: &Values,
        error: Error,
    ) -> Result<Attempt> {
        let of = self.spending(exchange, Outcome::Unknown);
        match came_late(self.app, of, returned).await? {
            true => Ok(Attempt::Over(Came::Settled)),
            false => Err(error),
        }
    }

    /// There are new tokens, and a call behind theirs has failed.
    pub(super) async fn keep(
        &self,
        exchange: &Exchange,
        returned: &Values,
        error: &Error,
        class: Class,
    ) -> Result<Came> {
        tracing::info!(
            org.id = %self.organization,
            instance.id = %self.row.id,
            element.key = self.element.key,
            ?class,
            "there are new tokens, and a later call of the renewal has failed"
        );
        let reason = error.to_string();
        let failed = match class {
            Class::Refused => self.refused(&reason, false),
            _ => FailedRenewal {
                due_at: self.next_try(class, None),
                by_call_at: failure::by_call_at(class, Timestamp::now(), None),
                trouble: self.is_trouble(class, None).then_some(&*reason),
                client_refused: class == Class::Client,
                ..FailedRenewal::default()
            },
        };
        let spending = self.spending(exchange, Outcome::Refused);
        settle(self.app, spending, Some(returned), &failed).await?;
        Ok(Came::Settled)
    }
}

/// Keeps what the token call of a renewal gave; the calls behind it are made with the next one, which is
/// due at once.
pub(super) async fn renewal_cut_short(
    app: &App,
    (organization, instance, generation, exchange): (OrganizationId, InstanceId, i64, Uuid),
    returned: &Values,
) -> Result<()> {
    let failed = FailedRenewal {
        due_at: Some(Timestamp::now()),
        ..FailedRenewal::default()
    };
    let of = Spending {
        organization,
        instance,
        generation,
        exchange,
        outcome: Outcome::Refused,
        claim: None,
    };
    settle(app, of, Some(returned), &failed).await
}

/// When the access token of an instance ends.
pub(super) async fn end_of(
    app: &App,
    organization: OrganizationId,
    row: &store::Instance,
) -> Result<Timestamp> {
    let keys = tenancy::keys(app, organization).await?;
    let values = stored_values(organization, &keys, row)?;
    let ends = app.catalog().get(&row.element_key).and_then(|element| {
        let group = element.group(&row.credential_group)?;
        Some(ends_at(element, group, &values))
    });
    Ok(ends.unwrap_or(Timestamp::MIN))
}
