//! Calls that hooks around a hub call make by themselves: they count as any other of its calls.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::VendorRequest;

use super::keyed::{self, Mark};
use crate::exchange::{self, Asked};
use crate::ready::{Called, MOST_CALLS, Ready};

/// Who has hooks run, and what that costs.
#[derive(Debug, Clone, Copy)]
pub struct Making<'m, 'a, 'c> {
    pub ready: &'m Ready<'a>,
    /// Of a call with an `Idempotency-Key`.
    pub mark: Option<&'m Mark>,
    /// A script may make several calls at once.
    pub called: &'m Mutex<&'c mut Called>,
}

impl Making<'_, '_, '_> {
    /// A call that a script wants to be made: to the element's hosts and no others.
    pub async fn call(self, request: VendorRequest) -> Result<VendorReply, String> {
        let turn = self.ready.turn().await.map_err(|error| error.to_string())?;
        let counted = || self.called.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut called = counted();
            if called.is_used_up() {
                return Err(format!(
                    "this hub call has made {} calls of the vendor, of {MOST_CALLS} that it may, or \
                     has taken too long (--hub-call-timeout)",
                    called.attempts
                ));
            }
            called.attempts += 1;
        }
        let mark = self.mark.filter(|_| !request.method.is_safe());
        if let Some(mark) = mark {
            let sending = keyed::hook_sending(mark).await;
            sending.map_err(|error| error.to_string())?;
        }
        let turn = turn.used();
        let began = Instant::now();
        let asked = exchange::ask(&self.ready.session(), request, Asked::Whole, None).await;
        let status = asked.as_ref().map(|came| came.reply.status).ok();
        {
            let mut called = counted();
            called.vendor_time += began.elapsed();
            called.vendor_status = status.map(|status| status.as_u16());
        }
        if let Some(mark) = mark {
            match &asked {
                Err(error) if error.vendor_may_have_seen_it() => {}
                _ => keyed::hook_answered(mark, status),
            }
        }
        let reply = asked.map_err(|error| error.to_string())?.reply;
        turn.answered(reply.status, &reply.headers);
        Ok(reply)
    }
}
