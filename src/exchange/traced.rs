//! Calls in words, for a caller who looks for the mistake in a log-in.

use std::sync::{Arc, Mutex, PoisonError};

use bunsen_engine::configuration::Values;
use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::VendorRequest;
use bunsen_engine::trace;

use super::calls::Prepared;

/// Calls that were made, written down for their caller.
#[derive(Debug, Clone, Default)]
pub struct Trace(Arc<Mutex<Vec<Traced>>>);

#[derive(Debug, Clone)]
pub struct Traced {
    /// `METHOD:/path`.
    pub call: String,
    pub request: String,
    /// Empty: there was none.
    pub response: String,
}

impl Trace {
    pub(super) fn sent(&self, request: &VendorRequest, prepared: &Prepared) -> usize {
        let values = prepared.all();
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(Traced {
            call: trace::name(request, &values),
            request: trace::request(request, &values),
            response: String::new(),
        });
        calls.len() - 1
    }

    pub(super) fn answered(&self, call: usize, answer: &VendorReply, prepared: &Prepared) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(call) = calls.get_mut(call) {
            call.response = trace::answer(answer, &prepared.all());
        }
    }

    pub fn calls(&self) -> Vec<Traced> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.clone()
    }
}

impl Prepared {
    fn all(&self) -> Values {
        let mut all = self.configuration.clone();
        let parameters = self.parameters.iter();
        all.extend(parameters.map(|(name, value)| (format!("request {name}"), value.clone())));
        all
    }
}
