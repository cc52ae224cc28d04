//! Tokens that a change has got from the vendor for the stored one, which is used up: kept although
//! nothing else comes of the change.

use super::Changing;
use super::asking::Accepted;
use crate::error::Result;
use crate::ids::InstanceId;
use crate::provisioning::view::{CREDENTIALS, Parts, place, stored_values};
use crate::renewal::salvage::{self, Spending, Token};
use crate::store::{self, Outcome};

impl Changing<'_> {
    /// What the vendor gave for the stored refresh token is kept although nothing else comes of the
    /// change.
    pub(super) async fn keep_tokens(&self, id: InstanceId, accepted: &Accepted) -> Result<()> {
        let Some(exchange) = accepted.exchange.filter(|_| accepted.refreshes) else {
            return Ok(());
        };
        let of = Spending {
            organization: self.who.organization,
            instance: id,
            generation: accepted.generation,
            exchange,
            outcome: Outcome::Refused,
            claim: self.claim,
        };
        salvage::change_failed(self.app, of, Token::Replaced(&accepted.returned)).await
    }

    /// The same when somebody else was faster with something that leaves these tokens good; gives the
    /// instance as it is then.
    pub(super) async fn keep_tokens_in(
        &self,
        transaction: &mut store::Transaction,
        row: store::Instance,
        accepted: Option<&Accepted>,
    ) -> Result<store::Instance> {
        let accepted =
            accepted.filter(|accepted| accepted.refreshes && accepted.generation == row.generation);
        let Some(accepted) = accepted else {
            return Ok(row);
        };
        let mut values = stored_values(self.who.organization, self.keys, &row)?;
        values.extend(accepted.returned.clone());
        let parts = Parts::of(&values);
        let place = place(self.who.organization, row.row_id, CREDENTIALS);
        let kept = store::KeptTokens {
            configuration: &parts.clear,
            credentials_sealed: &self.keys.seal(&place, &parts.secret_json()?),
        };
        let organization = self.app.store().org(self.who.organization);
        organization.write_kept(transaction, row.id, &kept).await?;
        let now = organization.instance_in(transaction, row.id).await?;
        Ok(now.unwrap_or(row))
    }
}
