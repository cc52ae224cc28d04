//! Whether an instance needs its owner whose credentials nothing here can renew: a password or a key
//! that was changed at the vendor, an access token that came without one to renew it by.
//!
//! That the vendor refuses one call may mean that a right is missing. So the definition's own check of
//! the credentials is made behind the caller's answer, once in a while and by one server. If that is
//! refused as well, the instance is not valid and its organization is told, as after a renewal that was
//! refused. What is not valid is tried again, ever more seldom, when it is called: a key that works
//! again needs nobody. However many calls are refused, of one instance there is one look at a time, and
//! few in all ([`crate::looks`]).

use std::time::Duration;

use bunsen_engine::element::Resource;
use bunsen_engine::element::oauth::has_token;
use bunsen_engine::hub::ping;
use jiff::Timestamp;

use super::Ready;
use crate::app::App;
use crate::error::Result;
use crate::exchange::{self, Verdict};
use crate::ids::{InstanceId, OrganizationId};
use crate::looks::Look;
use crate::{renewal, store};

/// From one check to the next: of an instance that is valid, and at least and at most of one that is
/// not. Vendors lock users who are tried too often with a wrong password.
const PAUSE: Duration = Duration::from_secs(60);
const SELDOM: Duration = Duration::from_hours(1);
const SELDOMER: Duration = Duration::from_hours(24);
/// Of the time since it is not valid, the part that is waited from one check to the next.
const PART: u32 = 24;

/// One state of an instance.
#[derive(Debug, Clone, Copy)]
struct Of {
    organization: OrganizationId,
    id: InstanceId,
    generation: i64,
    valid: bool,
    /// From the last check to this one.
    pause: Duration,
}

impl Ready<'_> {
    /// The vendor has refused a call: if nothing can renew the credentials, they are checked behind
    /// the answer.
    pub fn doubt(&self) {
        if self.renews() {
            return;
        }
        let look = self.app.looks().begin(self.organization, self.id());
        if let Some(look) = look.filter(|_| self.opened.is_checked_now(PAUSE)) {
            behind(self.app, look, Of::the(self.organization, self.row()));
        }
    }

    async fn check(&self, call: &Resource) -> Result<Verdict> {
        let values = self.effective().await?;
        let turn = self.turn().await?.used();
        let (verdict, reply) = exchange::check(&self.session(), call, &values).await?;
        if let Some(reply) = reply {
            turn.answered(reply.status, &reply.headers);
        }
        Ok(verdict)
    }
}

/// Somebody calls an instance that needs its owner: perhaps the vendor takes its credentials again.
pub(super) fn look_again(app: &App, organization: OrganizationId, row: &store::Instance) {
    let of = Of::the(organization, row);
    // As the row was read: most calls that are refused begin nothing.
    let rested = |since: Option<Timestamp>| since.is_none_or(|since| age(since) >= of.pause);
    if row.disabled || row.invalid_since.is_none() {
        return;
    }
    if rested(row.invalid_since) && rested(row.checked_at) {
        // Those that are refused at the same moment have read the same row.
        if let Some(look) = app.looks().begin(organization, row.id) {
            behind(app, look, of);
        }
    }
}

fn age(since: Timestamp) -> Duration {
    Timestamp::now().duration_since(since).unsigned_abs()
}

/// More and more for one that has not been valid for long: nobody seems to mend it.
fn pause(row: &store::Instance) -> Duration {
    let broken = row.invalid_since.filter(|_| !row.valid).map(age);
    broken.map_or(PAUSE, |broken| (broken / PART).clamp(SELDOM, SELDOMER))
}

fn behind(app: &App, under_way: Look, of: Of) {
    let own = app.clone();
    app.work().spawn(async move {
        let _under_way = under_way;
        if let Err(error) = look(&own, of).await {
            tracing::warn!(
                %error,
                org.id = %of.organization,
                instance.id = %of.id,
                "whether the vendor takes the credentials could not be found out"
            );
        }
    });
}

async fn look(app: &App, of: Of) -> Result<()> {
    let stored = app.store().org(of.organization);
    let row = stored.instance_to_call(of.id).await?;
    let Some((row, grants)) = row.filter(|(row, _)| of.is(row)) else {
        return Ok(());
    };
    // Also where it turns out that there is nothing to check: then that is known for a while.
    if !stored.claim_check(of.id, of.generation, of.pause).await? {
        return Ok(());
    }
    let ready = Ready::opened(app, of.organization, (row, grants), false).await?;
    let call = ping::check(ready.element, ready.group);
    let worth_it = !ready.renews() && (of.valid || ready.has_credentials());
    let Some(call) = call.filter(|_| worth_it) else {
        return Ok(());
    };
    match ready.check(call).await? {
        Verdict::Refused(reason) if of.valid => {
            let instance = (of.id, of.generation);
            renewal::refused(app, of.organization, instance, &reason).await?;
            tracing::warn!(
                org.id = %of.organization,
                instance.id = %of.id,
                element.key = ready.element.key,
                "the vendor refuses the instance's credentials: its owner is needed"
            );
        }
        Verdict::Taken if !of.valid => {
            stored.note_working(of.id, of.generation).await?;
            tracing::info!(org.id = %of.organization, instance.id = %of.id, "the vendor takes the credentials again");
        }
        Verdict::Taken | Verdict::Refused(_) | Verdict::Unknown => {}
    }
    Ok(())
}

impl Ready<'_> {
    fn has_credentials(&self) -> bool {
        let stored = self.stored();
        has_token(stored) || self.element.missing(self.group, stored).is_empty()
    }
}

impl Of {
    fn the(organization: OrganizationId, row: &store::Instance) -> Self {
        Self {
            organization,
            id: row.id,
            generation: row.generation,
            valid: row.valid,
            pause: pause(row),
        }
    }

    fn is(&self, row: &store::Instance) -> bool {
        row.generation == self.generation && row.valid == self.valid && !row.disabled
    }
}
