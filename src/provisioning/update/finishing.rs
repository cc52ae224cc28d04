//! Writing a change whose caller is gone, when the vendor has accepted it.

use bunsen_engine::configuration::Values;
use uuid::Uuid;

use super::asking::{Accepted, Intent};
use super::{Changing, Written};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::{InstanceId, OrganizationId};
use crate::journal;
use crate::provisioning::client::Clients;
use crate::provisioning::view::stored_values;
use crate::provisioning::{Who, no_such_instance};
use crate::tenancy;

/// # Errors
/// 404 when the instance is gone, 409 when somebody else has logged in for it since; the tokens that
/// were got for the stored one are kept then. 500 for what may pass.
pub(in crate::provisioning) async fn finish(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    exchange: Uuid,
    intent: Intent,
    returned: Values,
) -> Result<()> {
    let keys = tenancy::keys(app, organization).await?;
    let row = app.store().org(organization).instance(id).await?;
    let row = row.ok_or_else(|| no_such_instance(id))?;
    // The account that the log-in was for.
    let who = Who {
        organization,
        account: row.account_id,
        user: intent.user,
        admin: false,
    };
    let clients = match app.catalog().get(&row.element_key) {
        Some(element) => {
            let stored = stored_values(organization, &keys, &row)?;
            Clients::that_made(app, who, element, &stored, &intent.asked.0).await?
        }
        None => Clients::default(),
    };
    let changing = Changing {
        app,
        who: Who {
            account: intent.account,
            ..who
        },
        keys: &keys,
        change: &intent.change,
        clients: &clients,
        claim: intent.claim.as_ref(),
    };
    let accepted = Accepted {
        generation: intent.generation,
        group: intent.group,
        asked: intent.asked.0,
        returned,
        spent: intent.spent,
        refreshes: intent.refreshes,
        exchange: Some(exchange),
        repeatable: intent.repeatable,
    };
    let written = changing.write(id, Some(&accepted)).await;
    if let Err(error) = &written
        && journal::is_final(error)
    {
        changing.keep_tokens(id, &accepted).await?;
    }
    match written? {
        Written::Done(_, revocation) => {
            app.callers().settle(app.store(), revocation).await;
            Ok(())
        }
        Written::Outrun(_) => Err(Error::Conflict("somebody else has changed it since".into())),
        Written::Gone => Err(no_such_instance(id)),
    }
}
