//! Asking the vendor about a change, in the journal where the answer must not be lost.

use bunsen_engine::configuration::{Value, Values};
use bunsen_engine::element::Start;
use bunsen_engine::element::oauth::REFRESH_TOKEN;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Changing, outrun};
use crate::error::{Error, Result};
use crate::exchange::{self, Calls};
use crate::ids::{AccountId, UserId};
use crate::journal::{self, Begun, Exchange, Held, Opening};
use crate::provisioning::plan::Plan;
use crate::provisioning::request::Change;
use crate::provisioning::view::stored_values;
use crate::provisioning::{Chosen, grants, keyed, log_in, refuse_retired};
use crate::renewal::salvage::{self, Spending, Token};
use crate::store::{self, Claim, Outcome, Purpose};

/// What the vendor was asked, and what it returned.
pub(super) struct Accepted {
    /// Of the instance when the vendor was asked.
    pub(super) generation: i64,
    pub(super) group: String,
    pub(super) asked: Values,
    pub(super) returned: Values,
    /// What it began with is used up.
    pub(super) spent: bool,
    /// That is the refresh token that is stored.
    pub(super) refreshes: bool,
    /// Of the journal, in which the vendor was asked.
    pub(super) exchange: Option<Uuid>,
    /// It may be asked again.
    pub(super) repeatable: bool,
}

/// A change that needs a log-in, as the journal keeps it.
#[derive(Serialize, Deserialize)]
pub struct Intent {
    pub(super) account: AccountId,
    pub(super) user: UserId,
    pub(super) change: Change,
    pub generation: i64,
    pub group: String,
    pub asked: Held,
    /// What it begins with is used up by asking.
    #[serde(default)]
    pub(super) spent: bool,
    /// That is the refresh token that is stored.
    #[serde(default)]
    pub refreshes: bool,
    pub claim: Option<Claim>,
    /// The log-in may be made again when it is not known what became of it.
    pub repeatable: bool,
}

pub(super) enum Asked {
    /// Nothing stands in the way of writing.
    Settled(Option<Accepted>),
    /// Somebody else has logged in meanwhile.
    Outrun,
}

impl Changing<'_> {
    /// Asks the vendor if the change calls for it, once per set of credentials.
    pub(super) async fn ask(
        &self,
        row: &store::Instance,
        before: Option<Accepted>,
    ) -> Result<Asked> {
        self.refuse_other_element(row)?;
        let values = stored_values(self.who.organization, self.keys, row)?;
        let Some(element) = self.element(row)? else {
            return Ok(Asked::Settled(None));
        };
        let plan = self.plan(row, element, &values)?;
        let Some(login) = &plan.log_in else {
            return Ok(Asked::Settled(before));
        };
        let decides = |key: &str| element.decides_login(plan.group, key);
        let covered = |before: &Accepted| before.covers(&plan, row.generation, decides);
        match &before {
            Some(before) if before.spent && !covered(before) => return Err(outrun()),
            Some(same) if covered(same) => return Ok(Asked::Settled(before)),
            _ => {}
        }
        refuse_retired(self.app, element, plan.group)?;
        let chosen = Chosen {
            element,
            group: plan.group,
        };
        let generated = exchange::generated(element, plan.group, &plan.values);
        let session = keyed::session(self.app, chosen, &plan.values, &generated);
        let repeatable = login.is_repeatable(element, plan.group);
        let spent = login.spends_once(element, plan.group);
        let login = login.clone();
        // What is stored is used up by asking, whatever comes of the change.
        let same =
            |key| plan.values.get(key).map(Value::reveal) == values.get(key).map(Value::reveal);
        let refreshes = spent
            && login.start == Start::Refresh
            && plan.group.name == row.credential_group
            && same(REFRESH_TOKEN);
        let client = plan.client.clone();
        let client = client.as_ref().map(|client| &client.values);
        let mut accepted = Accepted {
            generation: row.generation,
            group: plan.group.name.clone(),
            asked: plan.values,
            returned: Values::new(),
            spent,
            refreshes,
            exchange: None,
            repeatable,
        };
        if session.is_empty() && self.claim.is_none() && repeatable {
            let organization = self.who.organization;
            accepted.returned = log_in(
                self.app,
                organization,
                &chosen,
                &login,
                &accepted.asked,
                (client, None),
            )
            .await?;
            return Ok(Asked::Settled(Some(accepted)));
        }
        let intent = Intent {
            account: self.who.account,
            user: self.who.user,
            change: self.change.clone(),
            generation: accepted.generation,
            group: accepted.group.clone(),
            asked: Held(accepted.asked.clone()),
            spent,
            refreshes,
            claim: self.claim.cloned(),
            repeatable,
        };
        let intent = serde_json::to_vec(&intent)
            .map(Zeroizing::new)
            .map_err(Error::internal)?;
        let opening = Opening {
            organization: self.who.organization,
            user: self.who.user,
            purpose: Purpose::Provision,
            instance: Some(row.id),
            generation: Some(row.generation),
            session: &session,
            time: chosen.log_in_takes(self.app, login.start),
            intent: &intent,
            claim: self.claim,
        };
        let grants = grants(self.app, self.who.organization, element).await?;
        let Begun::Ours(exchange) = journal::begin(self.app, &opening).await? else {
            return Ok(Asked::Outrun);
        };
        let session = chosen.session(self.app, self.who.organization, &grants);
        let calls = Calls::logging_in(&session, &login, &accepted.asked, generated);
        let calls = calls.with_client(client);
        accepted.returned = match refreshes {
            true => self.refresh(row, &exchange, calls).await?,
            false => exchange.ask(calls).await?.0,
        };
        accepted.exchange = Some(exchange.id());
        Ok(Asked::Settled(Some(accepted)))
    }
}

impl Changing<'_> {
    /// Asks with the stored refresh token. When that fails its successor is kept, or the doubt about it.
    async fn refresh(
        &self,
        row: &store::Instance,
        exchange: &Exchange,
        mut calls: Calls<'_>,
    ) -> Result<Values> {
        let of = |outcome| Spending {
            organization: self.who.organization,
            instance: row.id,
            generation: row.generation,
            exchange: exchange.id(),
            outcome,
            claim: self.claim,
        };
        let Err(error) = exchange.call(&mut calls).await else {
            let returned = Held(calls.returned());
            if let Err(error) = exchange.answer(&returned).await {
                salvage::came_late(self.app, of(Outcome::Unknown), &returned.0).await?;
                return Err(error);
            }
            return Ok(returned.0);
        };
        let token = match calls.salvage() {
            Some(returned) => Token::Replaced(returned),
            None if calls.lost() => Token::Lost,
            None => {
                exchange.failed(&calls).await;
                return Err(error);
            }
        };
        let of = of(journal::outcome(&calls));
        if let Err(error) = salvage::change_failed(self.app, of, token).await {
            tracing::warn!(%error, exchange.id = %exchange.id(), "an exchange stays open until its lease ends");
        }
        Err(error)
    }
}

impl Accepted {
    /// Whether the plan is what the vendor has accepted, as far as its log-in depends on it; the
    /// rest may have changed since. A session that it opened then is not trusted after somebody
    /// else's log-in, which may have ended it. What was given for something that is used up now
    /// cannot be asked for again: it counts as long as client, host and account are the same.
    pub(super) fn covers(
        &self,
        plan: &Plan<'_>,
        generation: i64,
        decides: impl Fn(&str) -> bool,
    ) -> bool {
        let counts = |(key, _): &(&String, &Value)| {
            decides(key) && !(self.spent && self.returned.contains_key(*key))
        };
        let asked = self.asked.iter().filter(counts);
        let now = plan.values.iter().filter(counts);
        (self.returned.is_empty() || self.generation == generation || self.spent)
            && self.group == plan.group.name
            && asked.map(revealed).eq(now.map(revealed))
    }
}

fn revealed<'v>((key, value): (&'v String, &'v Value)) -> (&'v str, &'v str) {
    (key, value.reveal())
}
